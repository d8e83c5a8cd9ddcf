/**
 * What the page tables of one user half say, read from their bytes. They are read again only when a byte of a table
 * differs from the copy kept of it, so that who checks everything after every kernel call pays for what changed.
 */

import { hex } from "./address.ts";
import {
  ACCESSED, at, DIRTY, ENTRIES_PER_TABLE, entryWord, FETCHED, frameOf, HIGH_FRAME_BITS, KEPT, LARGE, NO_EXECUTE,
  PRESENT, WRITABLE,
} from "./entry.ts"; // prettier-ignore
import type { Frames } from "./frames.ts";
import { UPPER_HALF_INDEX } from "./kernel-half.ts";
import { TableCopies } from "./table-copies.ts";

/** The leaf entries that are not empty, in address order, as parallel arrays. */
export interface Leaves {
  readonly pages: Float64Array;
  /** Low and high word of each entry, without the bits that an access sets. */
  readonly lows: Int32Array;
  readonly highs: Int32Array;
}

/** A frame that a link names as a table of a level, and where the link is. */
export interface NamedTable {
  readonly frame: number;
  readonly level: number;
  readonly from: string;
  /** Whether it was one when it was read. */
  readonly isTable: boolean;
  /** Whether another link names it too. */
  readonly again: boolean;
}

/** Whether a frame holds a page table of this level. */
export const isTableOf = ({ tableLevel }: Frames, frame: number, level: number): boolean =>
  tableLevel[frame] === level;

/** What using a page changes in its entry. */
const USE_BITS = ACCESSED | DIRTY | FETCHED;
const PAGES_BELOW = [0, 1, 512, 512 ** 2, 512 ** 3] as const;

export class SpaceImage {
  /** The tables below the root. */
  tables: readonly NamedTable[] = [];
  /** MMU-3, MMU-6 and MMU-7 as far as the bytes of these tables alone break them. */
  broken: readonly string[] = [];
  #leaves: Leaves = { pages: new Float64Array(0), lows: new Int32Array(0), highs: new Int32Array(0) };
  readonly #frames: Frames;
  readonly #root: number;
  readonly #copies: TableCopies;
  #pages: number[] = [];
  #lows: number[] = [];
  #highs: number[] = [];

  constructor(frames: Frames, root: number) {
    this.#frames = frames;
    this.#root = root;
    this.#copies = new TableCopies(frames);
  }

  /** As of now; the same object as long as nothing but the bits of use changed. */
  get leaves(): Leaves {
    this.refresh();
    return this.#leaves;
  }

  refresh(): void {
    const frames = this.#frames;
    const same = this.tables.every(
      ({ frame, level, isTable }) => isTableOf(frames, frame, level) === isTable,
    );
    if (same && this.#copies.agree()) return;
    const tables: NamedTable[] = [];
    const broken: string[] = [];
    this.#pages = [];
    this.#lows = [];
    this.#highs = [];
    this.#read({ frame: this.#root, level: 4 }, 0, tables, broken);
    this.tables = tables;
    this.broken = broken;
    if (!this.#isKnown()) {
      this.#leaves = {
        pages: Float64Array.from(this.#pages),
        lows: Int32Array.from(this.#lows),
        highs: Int32Array.from(this.#highs),
      };
    }
    this.#copies.take([this.#root, ...tables.map(({ frame }) => frame)]);
  }

  #isKnown(): boolean {
    const { pages, lows, highs } = this.#leaves;
    if (pages.length !== this.#pages.length) return false;
    for (let i = 0; i < pages.length; i++) {
      if (pages[i] !== this.#pages[i] || lows[i] !== this.#lows[i] || highs[i] !== this.#highs[i])
        return false;
    }
    return true;
  }

  #read(
    { frame, level }: Pick<NamedTable, "frame" | "level">,
    firstPage: number,
    tables: NamedTable[],
    broken: string[],
  ): void {
    const { words } = this.#frames;
    const end = level === 4 ? UPPER_HALF_INDEX : ENTRIES_PER_TABLE;
    const span = PAGES_BELOW[level as 1 | 2 | 3 | 4];
    for (let index = 0, word = entryWord(frame, 0); index < end; index++, word += 2) {
      const low = at(words, word);
      const high = at(words, word + 1);
      if ((low | high) === 0) continue;
      const page = firstPage + index * span;
      if (level === 1) this.#readLeaf(page, low, high, broken);
      else {
        const below = this.#link(low, high, { level, index }, tables, broken);
        if (below !== undefined) this.#read(below, page, tables, broken);
      }
    }
  }

  #readLeaf(page: number, low: number, high: number, broken: string[]): void {
    for (const problem of leafProblems(low, high)) broken.push(problem);
    if (low === 0) return;
    this.#pages.push(page);
    this.#lows.push(low & ~USE_BITS);
    this.#highs.push(high);
  }

  /** The table that an entry leads to, when it may be read. */
  #link(
    low: number,
    high: number,
    place: { readonly level: number; readonly index: number },
    tables: NamedTable[],
    broken: string[],
  ): NamedTable | undefined {
    const from = `level ${place.level} entry ${place.index}`;
    if ((low & (PRESENT | LARGE)) !== PRESENT || (high & HIGH_FRAME_BITS) !== 0) {
      broken.push(`MMU-7: ${from} is neither empty nor a page table`);
      return undefined;
    }
    const frame = frameOf(low);
    const level = place.level - 1;
    const isTable = isTableOf(this.#frames, frame, level);
    const again = frame === this.#root || tables.some((table) => table.frame === frame);
    const table = { frame, level, from, isTable, again };
    // Named in any case: whoever counts says what is wrong with it.
    tables.push(table);
    return isTable && !again ? table : undefined;
  }
}

/** Rules that a user leaf entry breaks by its bits alone. */
export function leafProblems(low: number, high: number): readonly string[] {
  const present = (low & PRESENT) !== 0;
  if (low === 0) return high === 0 ? NONE : ["MMU-7: an empty entry has bits in its high word"];
  const kept = (low & KEPT) !== 0;
  const both = present && (low & WRITABLE) !== 0 && (high & NO_EXECUTE) === 0;
  if (present !== kept && (high & HIGH_FRAME_BITS) === 0 && !both) return NONE;
  const problems: string[] = [];
  if (present === kept) problems.push("MMU-7: a leaf is either present or kept");
  if ((high & HIGH_FRAME_BITS) !== 0) problems.push("MMU-7: a leaf has reserved bits set");
  if (both) problems.push("MMU-6: a leaf is writable and executable");
  return problems;
}

const NONE: readonly string[] = [];

/** MMU-7 for the frame that a user leaf names: one of guest RAM that is no page table. */
export function leafFrameProblem({ ramFrames, tableLevel }: Frames, frame: number): string | undefined {
  if (frame >= ramFrames) return `MMU-7: frame ${hex(frame)} is not in guest RAM`;
  return tableLevel[frame] === 0 ? undefined : `MMU-7: frame ${hex(frame)} is a page table`;
}
