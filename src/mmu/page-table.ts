/**
 * Writes four-level page tables in guest frames: which tables a range of pages needs, making them all or none, and
 * giving back those that became empty. Leaf entries are written by address-space.ts.
 *
 * A table of level L has 512 entries of 512^(L-1) pages each (4: PML4, 3: PDPT, 2: page directory, 1: page table).
 * The functions below work on inclusive ranges of page numbers. They look at entries of tables that exist, and
 * compute what a missing subtree needs, so that their cost is bounded by the tables, not by the range.
 */

import type { FrameNumber, PageNumber } from "./address.ts";
import type { CodeWatch } from "./code-watch.ts";
import { at, ENTRIES_PER_TABLE, entryWord, frameOf, LINK_BITS, PRESENT, TABLE_WORDS } from "./entry.ts";
import type { Frames } from "./frames.ts";
import type { FrameSource } from "./mmu.ts";

/** Pages behind one entry of a table of this level. */
const pagesPerEntry = (level: number): number => SPANS[level] as number;
const SPANS = [0, 1, 512, 512 ** 2, 512 ** 3];

const entryIndex = (page: number, level: number): number =>
  Math.floor(page / pagesPerEntry(level)) % ENTRIES_PER_TABLE;

const INDEX_MASK = ENTRIES_PER_TABLE - 1;
/** Pages behind one entry of a PDPT: above them page numbers are split, so that all arithmetic is on small integers. */
const PDPT_SPAN = 512 ** 2;

export class PageTables {
  readonly #frames: Frames;
  readonly #words: Int32Array;
  readonly #watch: CodeWatch;

  constructor(frames: Frames, watch: CodeWatch) {
    this.#frames = frames;
    this.#words = frames.words;
    this.#watch = watch;
  }

  /** Word index of the leaf entry of a page, or -1 when a table on the way does not exist. */
  leafWord(root: FrameNumber, page: PageNumber): number {
    const words = this.#words;
    const upper = Math.floor(page / PDPT_SPAN);
    const lower = page - upper * PDPT_SPAN;
    const pdpt = at(words, entryWord(root, upper >>> 9));
    if ((pdpt & PRESENT) === 0) return -1;
    const directory = at(words, entryWord(pdpt >>> 12, upper & INDEX_MASK));
    if ((directory & PRESENT) === 0) return -1;
    const table = at(words, entryWord(directory >>> 12, lower >>> 9));
    if ((table & PRESENT) === 0) return -1;
    return entryWord(table >>> 12, lower & INDEX_MASK);
  }

  /** Tables that would have to be made for every page of the range to have a leaf entry. */
  missing(root: FrameNumber, first: number, last: number): number {
    return last < first ? 0 : this.#missingBelow(4, root, first, last);
  }

  /** Makes the missing tables; false, with nothing kept, when the source has too few frames. */
  ensure(root: FrameNumber, first: number, last: number, source: FrameSource): boolean {
    const needed = this.missing(root, first, last);
    if (needed === 0) return true;
    if (needed > this.#frames.ramFrames) return false;
    const supply = this.#takeFrames(needed, source);
    if (supply === undefined) return false;
    this.#makeBelow(4, root, first, last, supply);
    return true;
  }

  /** Frees tables of the range that hold no entry; returns how many. */
  prune(root: FrameNumber, first: number, last: number, source: FrameSource): number {
    return last < first ? 0 : this.#pruneBelow(4, root, first, last, source);
  }

  /** A fresh PML4, or undefined when the source is empty. */
  makeRoot(source: FrameSource): FrameNumber | undefined {
    const root = source.allocate();
    if (root !== undefined) this.#claim(root, 4);
    return root;
  }

  freeTable(frame: FrameNumber, source: FrameSource): void {
    this.#frames.releaseTable(frame);
    source.free(frame);
  }

  /** Makes an empty table and links it from an entry of the level above. */
  link(word: number, frame: FrameNumber, level: number, bits: number): void {
    this.#claim(frame, level);
    this.#words[word] = (frame << 12) | bits;
    this.#words[word + 1] = 0;
  }

  #claim(frame: FrameNumber, level: number): void {
    this.#frames.demandFrame(frame, this.#frames.totalFrames);
    this.#watch.beforeWrite(frame);
    this.#frames.claimTable(frame, level);
  }

  #missingBelow(level: number, table: number, first: number, last: number): number {
    const span = pagesPerEntry(level);
    let missing = 0;
    for (let start = first - (first % span); start <= last; start += span) {
      const from = Math.max(first, start);
      const to = Math.min(last, start + span - 1);
      const low = at(this.#words, entryWord(table, entryIndex(start, level)));
      if ((low & PRESENT) === 0) missing += tablesFor(level - 1, from, to);
      else if (level > 2) missing += this.#missingBelow(level - 1, low >>> 12, from, to);
    }
    return missing;
  }

  #takeFrames(count: number, source: FrameSource): FrameNumber[] | undefined {
    const taken: FrameNumber[] = [];
    while (taken.length < count) {
      const frame = source.allocate();
      if (frame === undefined) {
        for (const unused of taken.reverse()) source.free(unused);
        return undefined;
      }
      taken.push(frame);
    }
    return taken.reverse();
  }

  #makeBelow(level: number, table: number, first: number, last: number, supply: FrameNumber[]): void {
    const span = pagesPerEntry(level);
    for (let start = first - (first % span); start <= last; start += span) {
      const word = entryWord(table, entryIndex(start, level));
      if ((at(this.#words, word) & PRESENT) === 0) {
        this.link(word, supply.pop() as FrameNumber, level - 1, LINK_BITS);
      }
      if (level === 2) continue;
      const below = frameOf(at(this.#words, word));
      this.#makeBelow(level - 1, below, Math.max(first, start), Math.min(last, start + span - 1), supply);
    }
  }

  #pruneBelow(level: number, table: number, first: number, last: number, source: FrameSource): number {
    const span = pagesPerEntry(level);
    let freed = 0;
    for (let start = first - (first % span); start <= last; start += span) {
      const word = entryWord(table, entryIndex(start, level));
      const low = at(this.#words, word);
      if ((low & PRESENT) === 0) continue;
      const below = frameOf(low);
      if (level > 2) {
        freed += this.#pruneBelow(
          level - 1,
          below,
          Math.max(first, start),
          Math.min(last, start + span - 1),
          source,
        );
      }
      if (!this.#isEmpty(below)) continue;
      this.#words[word] = 0;
      this.#words[word + 1] = 0;
      this.freeTable(below, source);
      freed++;
    }
    return freed;
  }

  #isEmpty(table: FrameNumber): boolean {
    const start = entryWord(table, 0);
    for (let word = start; word < start + TABLE_WORDS; word++) {
      if (this.#words[word] !== 0) return false;
    }
    return true;
  }
}

/** Tables of level `level` and below that cover an inclusive range of pages. */
function tablesFor(level: number, first: number, last: number): number {
  let tables = 0;
  for (let each = level; each > 0; each--) {
    const span = pagesPerEntry(each + 1);
    tables += Math.floor(last / span) - Math.floor(first / span) + 1;
  }
  return tables;
}
