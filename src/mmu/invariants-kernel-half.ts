/**
 * The kernel half as its page tables have it: MMU-4, MMU-5, MMU-6 and MMU-7 for the upper half. Read again only when a
 * byte of its tables differs from the last time.
 */

import { hex, PAGE_BYTES } from "./address.ts";
import {
  at, ENTRIES_PER_TABLE, entryWord, frameOf, GLOBAL, HIGH_FRAME_BITS, LARGE, NO_EXECUTE, PRESENT, USER, WRITABLE,
} from "./entry.ts"; // prettier-ignore
import { type KernelRange, UPPER_HALF_INDEX, upperHalves } from "./kernel-half.ts";
import type { MmuParts } from "./parts.ts";
import { isTableOf, type NamedTable } from "./space-image.ts";
import { TableCopies } from "./table-copies.ts";
import { AS_GUARDED, GRANTED, READ } from "./walk.ts";

export class KernelImage {
  /** The tables below the root. */
  tables: NamedTable[] = [];
  /** Frames past guest RAM that a leaf names. The direct map names all of guest RAM and is no owner of it. */
  imageFrames: number[] = [];
  broken: string[] = [];
  readonly #parts: MmuParts;
  readonly #words: Int32Array;
  readonly #copies: TableCopies;

  constructor(parts: MmuParts) {
    this.#parts = parts;
    this.#words = parts.frames.words;
    this.#copies = new TableCopies(parts.frames);
  }

  refresh(): void {
    const { frames, kernel } = this.#parts;
    const same = this.tables.every(
      ({ frame, level, isTable }) => isTableOf(frames, frame, level) === isTable,
    );
    if (same && this.#copies.agree()) return;
    this.tables = [];
    this.imageFrames = [];
    this.broken = [];
    const mapped = this.#readTable(4, kernel.root);
    let expected = 0;
    for (const range of kernel.ranges) {
      expected += range.lengthBytes / PAGE_BYTES;
      this.#checkRange(range);
    }
    if (mapped !== expected) {
      this.broken.push(`MMU-5: the kernel half maps ${mapped} pages instead of ${expected}`);
    }
    this.#copies.take([kernel.root, ...this.tables.map(({ frame }) => frame)]);
  }

  /** Returns the number of 4 KiB pages that it maps. */
  #readTable(level: number, table: number): number {
    let mapped = 0;
    for (let index = level === 4 ? UPPER_HALF_INDEX : 0; index < ENTRIES_PER_TABLE; index++) {
      const word = entryWord(table, index);
      const low = at(this.#words, word);
      if ((low & PRESENT) === 0) continue;
      const from = `level ${level} entry ${index} of the kernel half`;
      if ((low & USER) !== 0) this.broken.push(`MMU-4: ${from} is open to users`);
      if (level === 1 || (level === 2 && (low & LARGE) !== 0)) mapped += this.#readLeaf(level, word);
      else if (this.#enter(word, level - 1, from)) mapped += this.#readTable(level - 1, frameOf(low));
    }
    return mapped;
  }

  /** Whether the entry leads to a table that may be read. */
  #enter(word: number, level: number, from: string): boolean {
    const low = at(this.#words, word);
    if ((low & LARGE) !== 0 || (at(this.#words, word + 1) & HIGH_FRAME_BITS) !== 0) {
      this.broken.push(`MMU-7: ${from} is neither empty nor a page table`);
      return false;
    }
    const frame = frameOf(low);
    const isTable = isTableOf(this.#parts.frames, frame, level);
    const again = this.tables.some((table) => table.frame === frame);
    this.tables.push({ frame, level, from, isTable, again });
    return isTable && !again;
  }

  /** Returns the number of 4 KiB pages that the leaf maps. */
  #readLeaf(level: number, word: number): number {
    const { ramFrames, totalFrames } = this.#parts.frames;
    const low = at(this.#words, word);
    const frame = frameOf(low);
    const writes = (low & WRITABLE) !== 0 && (at(this.#words, word + 1) & NO_EXECUTE) === 0;
    const name = (): string => `the kernel half's leaf for frame ${hex(frame)}`;
    if ((low & GLOBAL) === 0) this.broken.push(`MMU-5: ${name()} is not global`);
    if (writes) this.broken.push(`MMU-6: ${name()} is writable and executable`);
    if (frame >= ramFrames && frame < totalFrames) this.imageFrames.push(frame);
    return level === 1 ? 1 : ENTRIES_PER_TABLE;
  }

  #checkRange(range: KernelRange): void {
    const { walker, kernel } = this.#parts;
    for (let offset = 0; offset < range.lengthBytes;) {
      const { lo, hi } = upperHalves(range.start + BigInt(offset));
      // With the guard open, so that a stray user bit is reported once, as MMU-4.
      const granted = walker.walk(kernel.root, lo, hi, READ, AS_GUARDED) === GRANTED;
      const right =
        granted &&
        walker.frame === range.firstFrame + offset / PAGE_BYTES &&
        walker.writable === range.writable &&
        walker.executable === range.executable;
      if (!right)
        this.broken.push(
          `MMU-5: kernel ${range.name} at offset ${hex(offset)} is not mapped as it should be`,
        );
      offset += granted ? walker.leafBytes : PAGE_BYTES;
    }
  }
}
