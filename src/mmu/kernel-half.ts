/**
 * The upper half, shared by all address spaces: every PML4 holds the same 256 upper entries.
 *
 *   0xffff_8000_0000_0000  direct map of guest RAM     supervisor, RW, NX, global, 2 MiB pages (4 KiB in the tail)
 *   0xffff_ffff_8000_0000  kernel image: text R-X, rodata R NX, data RW NX, 4 KiB pages, supervisor, global
 *
 * The image and the page tables of this half lie in frames past guest RAM: no frame source hands them out, no user
 * page can name them, and the direct map does not reach them, so kernel text has no writable alias.
 */

import { InvariantError } from "../invariant.ts";
import { type FrameNumber, isCanonical, PAGE_BYTES } from "./address.ts";
import {
  ACCESSED, at, DIRTY, ENTRIES_PER_TABLE, entryWord, frameOf, GLOBAL, LARGE, NO_EXECUTE, PRESENT, WRITABLE,
} from "./entry.ts"; // prettier-ignore
import { type Access, type PageFault, VECTOR_PAGE, VECTOR_PROTECTION } from "./fault.ts";
import { frameByte, type Frames } from "./frames.ts";
import type { FrameSource } from "./mmu.ts";
import type { PageTables } from "./page-table.ts";
import { accessCode, AS_GUARDED, AS_SUPERVISOR, GRANTED, tableIndex, type Walker } from "./walk.ts";

export const DIRECT_MAP_BASE = 0xffff_8000_0000_0000n;
export const KERNEL_IMAGE_BASE = 0xffff_ffff_8000_0000n;

/** First PML4 entry of the upper half. */
export const UPPER_HALF_INDEX = 256;
const LARGE_PAGE_BYTES = 2 << 20;
const UPPER_LINK = PRESENT | WRITABLE | ACCESSED;
const UPPER_LEAF = PRESENT | GLOBAL | ACCESSED | DIRTY;

/** A run of the upper half with one set of permissions, all supervisor only and global. */
export interface KernelRange {
  readonly name: "direct map" | "text" | "rodata" | "data";
  readonly start: bigint;
  readonly lengthBytes: number;
  readonly firstFrame: FrameNumber;
  readonly writable: boolean;
  readonly executable: boolean;
}

export interface KernelHalf {
  /** A PML4 with the upper half alone; its upper entries are copied into every address space. */
  readonly root: FrameNumber;
  readonly ranges: readonly KernelRange[];
}

const SECTIONS = [
  { name: "text", pages: 4, writable: false, executable: true },
  { name: "rodata", pages: 2, writable: false, executable: false },
  { name: "data", pages: 2, writable: true, executable: false },
] as const;

/** Builds the kernel half in frames of `source`, which must have enough of them, in rising order. */
export function createKernelHalf(frames: Frames, tables: PageTables, source: FrameSource): KernelHalf {
  const builder = new Builder(frames, tables, source);
  const root = tables.makeRoot(source) ?? outOfFrames();
  const ranges: KernelRange[] = [
    {
      name: "direct map",
      start: DIRECT_MAP_BASE,
      lengthBytes: frames.ramFrames * PAGE_BYTES,
      firstFrame: 0 as FrameNumber,
      writable: true,
      executable: false,
    },
  ];
  let start = KERNEL_IMAGE_BASE;
  for (const section of SECTIONS) {
    const firstFrame = builder.fillImage(section.name, section.pages);
    const lengthBytes = section.pages * PAGE_BYTES;
    const { name, writable, executable } = section;
    ranges.push({ name, start, lengthBytes, firstFrame, writable, executable });
    start += BigInt(lengthBytes);
  }
  for (const range of ranges) builder.mapRange(root, range);
  return { root, ranges };
}

/** Gives a new PML4 the shared upper half. */
export function linkKernelHalf(frames: Frames, kernel: KernelHalf, root: FrameNumber): void {
  const from = entryWord(kernel.root, UPPER_HALF_INDEX);
  frames.words.copyWithin(entryWord(root, UPPER_HALF_INDEX), from, entryWord(kernel.root, ENTRIES_PER_TABLE));
}

/**
 * An access of the kernel itself through the tables of a space: the byte offset in linear memory, or the fault.
 * User pages are refused unless the user-access guard is open (SMAP), and never fetched from (SMEP).
 */
export function supervisorAccess(
  { walker }: { readonly walker: Walker },
  { root }: { readonly root: FrameNumber },
  { lo, hi }: { readonly lo: number; readonly hi: number },
  access: Access,
  guard: "closed" | "open",
): number | PageFault {
  if (!isCanonical(hi)) return { vector: VECTOR_PROTECTION, errorCode: 0, lo, hi, access };
  const code = accessCode(access);
  const outcome = walker.walk(root, lo, hi, code, guard === "open" ? AS_GUARDED : AS_SUPERVISOR);
  if (outcome !== GRANTED) return { vector: VECTOR_PAGE, errorCode: outcome, lo, hi, access };
  walker.markUsed(code);
  return frameByte(walker.frame) + (lo & (PAGE_BYTES - 1));
}

/** The 64-bit address of the halves that the low 48 bits of an upper-half address stand for. */
export const upperHalves = (address: bigint): { lo: number; hi: number } => ({
  lo: Number(BigInt.asIntN(32, address)),
  hi: Number(BigInt.asIntN(32, address >> 32n)),
});

class Builder {
  readonly #frames: Frames;
  readonly #tables: PageTables;
  readonly #source: FrameSource;

  constructor(frames: Frames, tables: PageTables, source: FrameSource) {
    this.#frames = frames;
    this.#tables = tables;
    this.#source = source;
  }

  /** Takes the frames of a section and writes text into them by which a dump recognises them. */
  fillImage(name: string, pages: number): FrameNumber {
    const taken: FrameNumber[] = [];
    for (let page = 0; page < pages; page++) {
      const frame = this.#take();
      const bytes = this.#frames.frameBytes(frame);
      // INT3 in text: nothing ever runs from here, and a jump to it would show at once.
      bytes.fill(name === "text" ? 0xcc : 0);
      bytes.set(new TextEncoder().encode(`capjit kernel ${name} page ${page}\n`), 16);
      this.#frames.references[frame] = 1;
      taken.push(frame);
    }
    const first = taken[0];
    if (first === undefined || taken.some((frame, index) => frame !== first + index)) return outOfFrames();
    return first;
  }

  mapRange(root: FrameNumber, range: KernelRange): void {
    const large = range.name === "direct map";
    for (let offset = 0; offset < range.lengthBytes;) {
      const { lo, hi } = upperHalves(range.start + BigInt(offset));
      const whole = large && range.lengthBytes - offset >= LARGE_PAGE_BYTES;
      const word = this.#leafWord(root, lo, hi, whole ? 2 : 1);
      const frame = range.firstFrame + offset / PAGE_BYTES;
      this.#frames.words[word] =
        (frame << 12) | UPPER_LEAF | (range.writable ? WRITABLE : 0) | (whole ? LARGE : 0);
      this.#frames.words[word + 1] = range.executable ? 0 : NO_EXECUTE;
      offset += whole ? LARGE_PAGE_BYTES : PAGE_BYTES;
    }
  }

  #leafWord(root: FrameNumber, lo: number, hi: number, leafLevel: number): number {
    let table = root;
    for (let level = 4; level > leafLevel; level--) {
      const word = entryWord(table, tableIndex(level, lo, hi));
      if ((at(this.#frames.words, word) & PRESENT) === 0) {
        this.#tables.link(word, this.#take(), level - 1, UPPER_LINK);
      }
      table = frameOf(at(this.#frames.words, word));
    }
    return entryWord(table, tableIndex(leafLevel, lo, hi));
  }

  #take(): FrameNumber {
    return this.#source.allocate() ?? outOfFrames();
  }
}

function outOfFrames(): never {
  throw new InvariantError(["MMU-5: the kernel half needs more frames, in a row, than its source has"]);
}

/** `0xffff...-0xffff... rw- name`, for people. */
export const describeRange = (range: KernelRange): string => {
  const end = range.start + BigInt(range.lengthBytes);
  const permissions = `r${range.writable ? "w" : "-"}${range.executable ? "x" : "-"}`;
  return `0x${range.start.toString(16)}-0x${end.toString(16)} ${permissions} ${range.name}`;
};
