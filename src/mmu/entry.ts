/**
 * One page-table entry of the processor (Intel SDM vol. 3A, 4.5.4): 64 bits, held as two words of linear memory.
 *
 *   low word    31..12 frame   10 FETCHED  9 KEPT   8 G   7 PS   6 D   5 A   2 U   1 W   0 P
 *   high word   31 NX   19..0 rest of the frame number, always zero here
 *
 * KEPT and FETCHED are in the bits that the processor leaves to software.
 */

import type { FrameNumber } from "./address.ts";
import { FRAMES_WORD } from "./layout.ts";
import type { PageEntry, Protection } from "./mmu.ts";

export const PRESENT = 1 << 0;
export const WRITABLE = 1 << 1;
export const USER = 1 << 2;
export const ACCESSED = 1 << 5;
export const DIRTY = 1 << 6;
/** In a page directory: the entry maps 2 MiB. */
export const LARGE = 1 << 7;
export const GLOBAL = 1 << 8;
/** A page behind PROT_NONE: not present, and the frame is remembered. */
export const KEPT = 1 << 9;
/** Instructions were fetched from the page since it became executable. */
export const FETCHED = 1 << 10;
/** In the high word. */
export const NO_EXECUTE = 1 << 31;
/** In the high word: frame number bits past any physical memory we have. */
export const HIGH_FRAME_BITS = 0x000f_ffff;

export const ENTRIES_PER_TABLE = 512;
/** Words of one page table. */
export const TABLE_WORDS = 1024;

/** Entries to page tables below: the leaf alone decides permissions, so these grant everything to the user half. */
export const LINK_BITS = PRESENT | WRITABLE | USER | ACCESSED;

/** Word index of entry `index` of the table in `frame`; its high word follows. */
export const entryWord = (frame: number, index: number): number =>
  FRAMES_WORD + frame * TABLE_WORDS + index * 2;

/** A word of linear memory at an index that is inside it by construction. */
export const at = (words: Int32Array, index: number): number => words[index] as number;

export const frameOf = (low: number): FrameNumber => (low >>> 12) as FrameNumber;

/** Low word of a present 4 KiB user leaf. */
export const userLeaf = (frame: FrameNumber, protection: Protection): number =>
  (frame << 12) | PRESENT | USER | (protection.writable ? WRITABLE : 0);

/** High word of a leaf. */
export const leafHigh = (protection: Protection): number => (protection.executable ? 0 : NO_EXECUTE);

export function describeLeaf(low: number, high: number): PageEntry {
  const present = (low & PRESENT) !== 0;
  return {
    frame: frameOf(low),
    present,
    writable: present && (low & WRITABLE) !== 0,
    executable: present && (high & NO_EXECUTE) === 0,
    accessed: (low & ACCESSED) !== 0,
    dirty: (low & DIRTY) !== 0,
  };
}
