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
import { UPPER_HALF_INDEX } from "./kernel-half.ts";
import type { AddressSpace, FrameSource, PageEntry, Protection } from "./mmu.ts";
import type { MmuParts } from "./parts.ts";
import type { SlotHolder } from "./tlb.ts";
import { AS_USER, FETCH, GRANTED } from "./walk.ts";

/** Why a page goes away, as the engine hears it. */
export type UnmapReason = "unmap" | "destroy";

export class Space implements AddressSpace, SlotHolder {
  readonly id: number;
  readonly root: FrameNumber;
  /** Slot of the flat TLB table, or -1. Written by tlb.ts alone. */
  slot = -1;
  alive = true;

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
    this.#demandFreeOfTables(frame);
    demandNotBoth(page, protection);
    const word = this.#parts.tables.leafWord(this.root, page);
    if (word < 0) demand([`MMU-9: no page table for page ${hex(pageStart(page))}`]);
    if (this.#words[word] !== 0) demand([`MMU-9: page ${hex(pageStart(page))} is mapped already`]);
    this.#words[word] = userLeaf(frame, protection);
    this.#words[word + 1] = leafHigh(protection);
    const { references } = this.#parts.frames;
    references[frame] = (references[frame] as number) + 1;
    this.#checkLeaf(page);
  }

  protect(page: PageNumber, protection: Protection | undefined): void {
    if (protection !== undefined) demandNotBoth(page, protection);
    const word = this.#filledLeaf(page);
    const low = at(this.#words, word);
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

  /** `why` is what the engine hears; a teardown says "destroy". */
  unmap(page: PageNumber, why: UnmapReason = "unmap"): FrameNumber {
    const word = this.#filledLeaf(page);
    const low = at(this.#words, word);
    const frame = frameOf(low);
    this.#words[word] = 0;
    this.#words[word + 1] = 0;
    const { references } = this.#parts.frames;
    references[frame] = (references[frame] as number) - 1;
    this.#flush(page);
    if ((low & FETCHED) !== 0) this.#tellExecutableChange(page, why);
    this.#checkLeaf(page);
    return frame;
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

  /** Word of the leaf entry, which is present or kept. */
  #filledLeaf(page: PageNumber): number {
    this.#demandRange(page, 1);
    const word = this.#parts.tables.leafWord(this.root, page);
    if (word < 0 || this.#words[word] === 0) demand([`MMU-9: page ${hex(pageStart(page))} is not mapped`]);
    return word;
  }

  #flush(page: PageNumber): void {
    const start = pageStart(page);
    const [lo, hi] = [lowHalf(start), highHalf(start)];
    if (hi !== 0) this.#parts.farTlb.flushPage(this.id, lo, hi);
    else if (this.slot >= 0) this.#parts.tlb.flushPage(this.slot, lo);
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
