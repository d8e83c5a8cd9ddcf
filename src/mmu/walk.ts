/**
 * The page-table walker: reads the four levels as the processor does (Intel SDM vol. 3A, 4.5 to 4.7) and is the
 * only place that decides whether an access is allowed. It changes nothing; who uses an answer sets the accessed
 * and dirty bits with `markUsed`.
 *
 * The outcome is a number, so that a walk allocates nothing: `GRANTED`, or the error code of the page fault. The
 * translation is left in the walker's fields until the next walk.
 *
 * Fixed control bits: CR0.WP, CR4.SMEP, CR4.SMAP, EFER.NXE are set. 1 GiB pages do not exist.
 */

import { PAGE_BYTES } from "./address.ts";
import {
  type Access, FAULT_FETCH, FAULT_PRESENT, FAULT_RESERVED, FAULT_USER, FAULT_WRITE,
} from "./fault.ts"; // prettier-ignore
import {
  ACCESSED, at, DIRTY, ENTRIES_PER_TABLE, entryWord, HIGH_FRAME_BITS, LARGE, NO_EXECUTE, PRESENT, USER,
  WRITABLE,
} from "./entry.ts"; // prettier-ignore
import type { Frames } from "./frames.ts";

/** Kinds of access, as their bit of the error code. */
export const READ = 0;
export const WRITE = FAULT_WRITE;
export const FETCH = FAULT_FETCH;

/** At CPL 3. */
export const AS_USER = FAULT_USER;
/** The kernel: user pages are refused (SMAP). */
export const AS_SUPERVISOR = 0;
/** The kernel inside its user-access guard (EFLAGS.AC set): user pages may be read and written, never fetched. */
export const AS_GUARDED = 1 << 8;

export const GRANTED = -1;

export const accessCode = (access: Access): number =>
  access === "write" ? WRITE : access === "execute" ? FETCH : READ;

/**
 * Error bits for a present entry with a reserved bit set (SDM 4.7, RSVD). A frame past the end of memory, or PS where
 * no large page can be, counts as one.
 */
const MALFORMED = FAULT_PRESENT | FAULT_RESERVED;
const INDEX_MASK = ENTRIES_PER_TABLE - 1;
/** Frame-number bits of a 2 MiB entry that must be zero (bit 12 is PAT). */
const LARGE_RESERVED = 0x001f_e000;

export class Walker {
  /** Word index of the leaf entry of the last granted walk. */
  leaf = 0;
  /** Its 4 KiB frame. */
  frame = 0;
  /** Size of the page that the leaf maps: 4 KiB or 2 MiB. */
  leafBytes = PAGE_BYTES;
  /** What all levels together allow. */
  writable = false;
  user = false;
  executable = false;

  readonly #words: Int32Array;
  readonly #totalFrames: number;

  constructor(frames: Frames) {
    this.#words = frames.words;
    this.#totalFrames = frames.totalFrames;
  }

  /** Translates a canonical address for an access under one of the `AS_*` modes. */
  walk(root: number, lo: number, hi: number, access: number, mode: number): number {
    const words = this.#words;
    const refusal = access | (mode & FAULT_USER);
    // The indices of levels 3 to 1, nine bits each; those of the address above them are cut off by the mask.
    const indices = (hi << 20) | (lo >>> 12);
    let word = entryWord(root, (hi >>> 7) & INDEX_MASK);
    let all = -1;
    let high = 0;
    for (let level = 4; ; level--) {
      const low = words[word] as number;
      const upper = words[word + 1] as number;
      if ((low & PRESENT) === 0) return refusal;
      if ((upper & HIGH_FRAME_BITS) !== 0 || low >>> 12 >= this.#totalFrames) return MALFORMED | refusal;
      all &= low;
      high |= upper;
      if (level === 1) {
        this.#setLeaf(word, low >>> 12, PAGE_BYTES);
        break;
      }
      if ((low & LARGE) !== 0) {
        if (level !== 2 || (low & LARGE_RESERVED) !== 0) return MALFORMED | refusal;
        this.#setLeaf(word, (low >>> 12) + (indices & INDEX_MASK), PAGE_BYTES * ENTRIES_PER_TABLE);
        break;
      }
      word = entryWord(low >>> 12, (indices >>> (9 * (level - 2))) & INDEX_MASK);
    }
    this.writable = (all & WRITABLE) !== 0;
    this.user = (all & USER) !== 0;
    this.executable = (high & NO_EXECUTE) === 0;
    return this.#isAllowed(access, mode) ? GRANTED : FAULT_PRESENT | refusal;
  }

  /** Sets the accessed bit of the last walk's leaf, and the dirty bit for a write. */
  markUsed(access: number): void {
    const used = access === WRITE ? ACCESSED | DIRTY : ACCESSED;
    this.#words[this.leaf] = at(this.#words, this.leaf) | used;
  }

  /** Whether the last walk's leaf was written through before, so that it may be cached as writable. */
  get dirty(): boolean {
    return (at(this.#words, this.leaf) & DIRTY) !== 0;
  }

  #setLeaf(word: number, frame: number, bytes: number): void {
    this.leaf = word;
    this.frame = frame;
    this.leafBytes = bytes;
  }

  #isAllowed(access: number, mode: number): boolean {
    if (access === WRITE && !this.writable) return false;
    if (access === FETCH && !this.executable) return false;
    if (mode === AS_USER) return this.user;
    return !this.user || (mode === AS_GUARDED && access !== FETCH);
  }
}

/** Index of an address in its table of a level (4: PML4 ... 1: page table). */
export function tableIndex(level: number, lo: number, hi: number): number {
  switch (level) {
    case 1:
      return (lo >>> 12) & 511;
    case 2:
      return (lo >>> 21) & 511;
    case 3:
      return ((hi << 2) | (lo >>> 30)) & 511;
    default:
      return (hi >>> 7) & 511;
  }
}
