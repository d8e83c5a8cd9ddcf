/**
 * One process's user half: the lower 256 entries of a PML4 and all tables below them.
 *
 * A leaf entry is in one of three states:
 *
 *   empty  --map-->  present  --protect(undefined)-->  kept (PROT_NONE: frame remembered, nothing granted)
 *     ^                 |  ^------protect(...)-----------|
 *     |------unmap------|--------------unmap-------------|
 *
 * Every change of an entry takes its TLB entry out and, when instructions were fetched through it, tells the engine.
 */

import { demand } from "../invariant.ts";
import {
  type FrameNumber, type GuestAddress, hex, highHalf, lowHalf, type PageNumber, pageStart, USER_END_PAGE,
} from "./address.ts"; // prettier-ignore
import { checkRange, copyIn, copyOut, peek, poke } from "./copy.ts";
import {
  ACCESSED, at, describeLeaf, DIRTY, ENTRIES_PER_TABLE, entryWord, FETCHED, frameOf, KEPT, leafHigh, LARGE, PRESENT,
  userLeaf,
} from "./entry.ts"; // prettier-ignore
import { type Access, type PageFault, VECTOR_PAGE } from "./fault.ts";
import { brokenLeafRules } from "./invariants.ts";
import { WRITTEN } from "./frames.ts";
import { UPPER_HALF_INDEX } from "./kernel-half.ts";
import { TABLE_ENTRIES } from "./layout.ts";
import type { AddressSpace, FrameSource, PageEntry, Protection } from "./mmu.ts";
import type { MmuParts } from "./parts.ts";
import { type Leaves, SpaceImage } from "./space-image.ts";
import type { SlotHolder } from "./tlb.ts";
import { AS_USER, FETCH, GRANTED } from "./walk.ts";

/** Words of a leaf entry. */
const LEAF_WORDS = 2;

/** Why a page goes away, as the engine hears it. */
export type UnmapReason = "unmap" | "destroy";

/**
 * The operations of `AddressSpace` on many pages at once: what the same calls page by page would do, in the same
 * order, with one walk per page table. A page that cannot be changed is a bug of the caller, and stops them there.
 */
export interface SpaceRanges {
  /** Page `first + i` shows `frames[i]`; without a protection it is kept (PROT_NONE). */
  mapRange(first: PageNumber, frames: readonly FrameNumber[], protection: Protection | undefined): void;
  protectRange(first: PageNumber, count: number, protection: Protection | undefined): void;
  /** The frames that the pages showed, in order. */
  unmapRange(first: PageNumber, count: number, why: UnmapReason): FrameNumber[];
}

/** The range operations of a space made by `createMmu`. */
export function rangesOf(space: AddressSpace): SpaceRanges {
  if (space instanceof Space) return space;
  throw new TypeError("not an address space made by createMmu");
}

/** The last of `count` pages from `page` that has its leaf entry in the same page table, plus one. */
const endInTable = (page: number, end: number): number =>
  Math.min(end, page - (page % ENTRIES_PER_TABLE) + ENTRIES_PER_TABLE);

export class Space implements AddressSpace, SpaceRanges, SlotHolder {
  readonly id: number;
  readonly root: FrameNumber;
  /** Slot of the flat TLB table, or -1. Written by tlb.ts alone. */
  slot = -1;
  alive = true;
  /** What its tables say, for checks. */
  readonly image: SpaceImage;

  readonly #parts: MmuParts;
  readonly #source: FrameSource;
  readonly #words: Int32Array;
  /** MMU-8: page tables reachable from the lower half, the PML4 included. */
  #tableFrames = 1;
  /** Called when the space is destroyed, before its tables go. */
  readonly #onDestroy: (space: Space) => void;

  constructor(
    parts: MmuParts,
    root: FrameNumber,
    { id, source, onDestroy }: { id: number; source: FrameSource; onDestroy: (space: Space) => void },
  ) {
    this.id = id;
    this.root = root;
    this.#parts = parts;
    this.#source = source;
    this.#words = parts.frames.words;
    this.#onDestroy = onDestroy;
    this.image = new SpaceImage(parts.frames, root);
  }

  get tableFrames(): number {
    return this.#tableFrames;
  }

  missingTables(first: PageNumber, count: number): number {
    this.#demandRange(first, count);
    return this.#parts.tables.missing(this.root, first, first + count - 1);
  }

  ensureTables(first: PageNumber, count: number): boolean {
    const missing = this.missingTables(first, count);
    if (!this.#parts.tables.ensure(this.root, first, first + count - 1, this.#source)) return false;
    this.#tableFrames += missing;
    return true;
  }

  pruneTables(first: PageNumber, count: number): void {
    this.#demandRange(first, count);
    this.#tableFrames -= this.#parts.tables.prune(this.root, first, first + count - 1, this.#source);
  }

  map(page: PageNumber, frame: FrameNumber, protection: Protection): void {
    this.#demandRange(page, 1);
    demandNotBoth(page, protection);
    this.#fillLeaf(page, this.#parts.tables.leafWord(this.root, page), frame, protection);
  }

  mapRange(first: PageNumber, frames: readonly FrameNumber[], protection: Protection | undefined): void {
    const end = first + frames.length;
    this.#demandRange(first, frames.length);
    if (protection !== undefined) demandNotBoth(first, protection);
    for (let page: number = first; page < end;) {
      let word = this.#parts.tables.leafWord(this.root, page as PageNumber);
      for (const stop = endInTable(page, end); page < stop; page++, word += LEAF_WORDS) {
        this.#fillLeaf(page as PageNumber, word, frames[page - first] as FrameNumber, protection);
      }
    }
  }

  protect(page: PageNumber, protection: Protection | undefined): void {
    this.protectRange(page, 1, protection);
  }

  protectRange(first: PageNumber, count: number, protection: Protection | undefined): void {
    const end = first + count;
    this.#demandRange(first, count);
    if (protection !== undefined) demandNotBoth(first, protection);
    for (let page: number = first; page < end;) {
      let word = this.#parts.tables.leafWord(this.root, page as PageNumber);
      for (const stop = endInTable(page, end); page < stop; page++, word += LEAF_WORDS) {
        this.#protectLeaf(page as PageNumber, word, protection);
      }
    }
  }

  /** `why` is what the engine hears; a teardown says "destroy". */
  unmap(page: PageNumber, why: UnmapReason = "unmap"): FrameNumber {
    this.#demandRange(page, 1);
    return this.#clearLeaf(page, this.#parts.tables.leafWord(this.root, page), why);
  }

  unmapRange(first: PageNumber, count: number, why: UnmapReason): FrameNumber[] {
    const end = first + count;
    this.#demandRange(first, count);
    const frames: FrameNumber[] = [];
    for (let page: number = first; page < end;) {
      let word = this.#parts.tables.leafWord(this.root, page as PageNumber);
      for (const stop = endInTable(page, end); page < stop; page++, word += LEAF_WORDS) {
        frames.push(this.#clearLeaf(page as PageNumber, word, why));
      }
    }
    return frames;
  }

  query(page: PageNumber): PageEntry | undefined {
    this.#demandRange(page, 1);
    const word = this.#parts.tables.leafWord(this.root, page);
    if (word < 0 || this.#words[word] === 0) return undefined;
    return describeLeaf(at(this.#words, word), at(this.#words, word + 1));
  }

  /** Entries may be changed while iterating; tables may not be pruned. */
  *entries(): Generator<readonly [PageNumber, PageEntry]> {
    yield* this.#entriesBelow(4, this.root, 0);
  }

  leaves(): Leaves {
    return this.image.leaves;
  }

  destroy(): void {
    this.#demandAlive();
    for (const [page] of this.entries()) {
      demand([`MMU-9: page ${hex(pageStart(page))} is still mapped in the space being destroyed`]);
    }
    this.#onDestroy(this);
    this.pruneTables(0 as PageNumber, USER_END_PAGE);
    this.#parts.tables.freeTable(this.root, this.#source);
    this.#tableFrames = 0;
    this.alive = false;
  }

  copyIn(address: GuestAddress, lengthBytes: number): Uint8Array | PageFault {
    this.#demandAlive();
    return copyIn(this.#parts, this, address, lengthBytes);
  }

  copyOut(address: GuestAddress, bytes: Uint8Array): PageFault | undefined {
    this.#demandAlive();
    return copyOut(this.#parts, this, address, bytes);
  }

  check(address: GuestAddress, lengthBytes: number, access: Access): PageFault | undefined {
    this.#demandAlive();
    return checkRange(this.#parts, this, address, lengthBytes, access);
  }

  peek(address: GuestAddress, into: Uint8Array): boolean {
    this.#demandAlive();
    return peek(this.#parts, this, address, into);
  }

  poke(address: GuestAddress, bytes: Uint8Array): boolean {
    this.#demandAlive();
    return poke(this.#parts, this, address, bytes);
  }

  fetchFrame(page: PageNumber): FrameNumber | PageFault {
    this.#demandRange(page, 1);
    const { walker } = this.#parts;
    const start = pageStart(page);
    const [lo, hi] = [lowHalf(start), highHalf(start)];
    const outcome = walker.walk(this.root, lo, hi, FETCH, AS_USER);
    if (outcome !== GRANTED) return { vector: VECTOR_PAGE, errorCode: outcome, lo, hi, access: "execute" };
    this.#words[walker.leaf] = at(this.#words, walker.leaf) | ACCESSED | FETCHED;
    return walker.frame as FrameNumber;
  }

  *#entriesBelow(
    level: number,
    table: number,
    firstPage: number,
  ): Generator<readonly [PageNumber, PageEntry]> {
    const end = level === 4 ? UPPER_HALF_INDEX : ENTRIES_PER_TABLE;
    for (let index = 0; index < end; index++) {
      const word = entryWord(table, index);
      const low = at(this.#words, word);
      if (low === 0) continue;
      const page = firstPage + index * ENTRIES_PER_TABLE ** (level - 1);
      if (level === 1) yield [page as PageNumber, describeLeaf(low, at(this.#words, word + 1))];
      else if ((low & (PRESENT | LARGE)) === PRESENT) yield* this.#entriesBelow(level - 1, low >>> 12, page);
    }
  }

  /** Writes the empty leaf entry at `word`, negative when there is no table for it. */
  #fillLeaf(page: PageNumber, word: number, frame: FrameNumber, protection: Protection | undefined): void {
    this.#demandFreeOfTables(frame);
    if (word < 0) demand([`MMU-9: no page table for page ${hex(pageStart(page))}`]);
    if (this.#words[word] !== 0) demand([`MMU-9: page ${hex(pageStart(page))} is mapped already`]);
    this.#words[word] = protection === undefined ? (frame << 12) | KEPT : userLeaf(frame, protection);
    this.#words[word + 1] = protection === undefined ? 0 : leafHigh(protection);
    const { references } = this.#parts.frames;
    references[frame] = (references[frame] as number) + 1;
    this.#checkLeaf(page);
  }

  #protectLeaf(page: PageNumber, word: number, protection: Protection | undefined): void {
    const low = this.#filledLeaf(page, word);
    const staysFetched = protection?.executable === true ? low & FETCHED : 0;
    const kept = low & (ACCESSED | DIRTY);
    if (protection === undefined) {
      this.#words[word] = (frameOf(low) << 12) | KEPT | kept;
      this.#words[word + 1] = 0;
    } else {
      this.#words[word] = userLeaf(frameOf(low), protection) | kept | staysFetched;
      this.#words[word + 1] = leafHigh(protection);
    }
    this.#flush(page);
    if ((low & FETCHED) !== 0 && staysFetched === 0) this.#tellExecutableChange(page, "protect");
    this.#checkLeaf(page);
  }

  #clearLeaf(page: PageNumber, word: number, why: UnmapReason): FrameNumber {
    const low = this.#filledLeaf(page, word);
    const frame = frameOf(low);
    this.#words[word] = 0;
    this.#words[word + 1] = 0;
    const { references, content } = this.#parts.frames;
    references[frame] = (references[frame] as number) - 1;
    if ((low & DIRTY) !== 0) content[frame] = WRITTEN;
    this.#flush(page);
    if ((low & FETCHED) !== 0) this.#tellExecutableChange(page, why);
    this.#checkLeaf(page);
    return frame;
  }

  /** Low word of the leaf entry, which is present or kept. */
  #filledLeaf(page: PageNumber, word: number): number {
    if (word < 0 || this.#words[word] === 0) demand([`MMU-9: page ${hex(pageStart(page))} is not mapped`]);
    return at(this.#words, word);
  }

  #flush(page: PageNumber): void {
    if (page >= TABLE_ENTRIES) {
      const start = pageStart(page);
      this.#parts.farTlb.flushPage(this.id, lowHalf(start), highHalf(start));
    } else if (this.slot >= 0) {
      this.#parts.tlb.flushPage(this.slot, page << 12);
    }
  }

  #tellExecutableChange(page: PageNumber, why: "unmap" | "protect" | "destroy"): void {
    this.#parts.watch.listener?.onExecutableChange(this, page, why);
  }

  #checkLeaf(page: PageNumber): void {
    if (this.#parts.checks !== "off") demand(brokenLeafRules(this.#parts, this, page));
  }

  #demandAlive(): void {
    if (!this.alive) demand([`MMU-9: address space ${this.id} was destroyed`]);
  }

  /** MMU-9: whole pages of the user half, of a space that lives. */
  #demandRange(first: number, count: number): void {
    this.#demandAlive();
    const inside =
      Number.isInteger(first) &&
      Number.isInteger(count) &&
      first >= 0 &&
      count >= 0 &&
      first + count <= USER_END_PAGE;
    if (!inside) demand([`MMU-9: ${count} pages from page ${first} are not in the user half`]);
  }

  /** MMU-7: a user page never names a page table or a frame of the kernel. */
  #demandFreeOfTables(frame: FrameNumber): void {
    const { frames } = this.#parts;
    frames.demandFrame(frame, frames.ramFrames);
    if (frames.tableLevel[frame] !== 0)
      demand([`MMU-7: frame ${hex(frame)} is a page table and no user page`]);
  }
}

function demandNotBoth(page: PageNumber, { writable, executable }: Protection): void {
  if (writable && executable)
    demand([`MMU-6: page ${hex(pageStart(page))} would be writable and executable`]);
}
