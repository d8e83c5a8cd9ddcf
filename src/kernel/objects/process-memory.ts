/**
 * The address space of one process, as its capabilities see it. Four kinds of pages, kept apart:
 *
 *   fixed      image, stack, TLS, ring and CapSet pages; made by the loader, never changed by a guest
 *   anonymous  reserved by VirtualMemory, some of them committed (`ReservationMap`)
 *   borrowed   pages of a MemoryObject
 *   nothing
 *
 * The page tables hold the frames; the maps here say whose a page is and which operation made it so. Every
 * operation first checks everything and secures frames and tables, then changes things in code that cannot
 * refuse. A refusal leaves no trace.
 */

import { InvariantError } from "../../invariant.ts";
import { hex, pageNumber, pageOf, pageStart, PAGE_BYTES, USER_END_PAGE } from "../../mmu/address.ts";
import type { FrameNumber, GuestAddress, PageNumber, PageRange } from "../../mmu/address.ts";
import type { UnmapReason } from "../../mmu/address-space.ts";
import type { AddressSpace, Mmu } from "../../mmu/mmu.ts";
import { ARENA_BASE, CAPSET_ADDRESS } from "../abi.ts";
import type { FrameAllocator } from "../frame-allocator.ts";
import type { Ledger, Resource } from "../ledger.ts";
import {
  CAPSET_PAGE,
  checkPart,
  isRefusal,
  pagesOf,
  pageText,
  protectionOf,
  rangeOf,
  rangeText,
  refuse,
  RING_PAGE,
} from "./claims.ts";
import type { Refusal } from "./claims.ts";
import type { MemoryObject } from "./memory-object.ts";
import { PageFrames } from "./page-frames.ts";
import { ReservationMap } from "./reservation.ts";
import type { PageProtection } from "./reservation.ts";
import { firstFit, RunMap } from "./run-map.ts";
import type { Run } from "./run-map.ts";

/** A call that changed memory, for people who ask why a page is as it is. */
export interface CallProvenance {
  readonly capability: string;
  readonly method: string;
  readonly arguments: string;
  readonly rip: bigint;
}
/** Which operation did something: a call of the guest, or a step of the kernel in words. */
export type Provenance = CallProvenance | string;

export type Outcome = { readonly status: "ok" } | Refusal;
export type AddressOutcome = { readonly status: "ok"; readonly address: GuestAddress } | Refusal;

/** Pages the kernel itself puts into a process. */
export interface FixedRegion {
  /** What it is, such as `image segment 2`. */
  readonly mapping: string;
  readonly first: PageNumber;
  readonly count: number;
  readonly protection: PageProtection;
  /** Bytes to write at addresses inside it; the rest is zero. */
  readonly contents: readonly { readonly at: GuestAddress; readonly bytes: Uint8Array }[];
  readonly by: Provenance;
}

/** A run of pages that shows part of an object: page p shows the object's page p + delta. */
export interface Borrow {
  readonly object: MemoryObject;
  readonly delta: number;
  readonly protection: PageProtection;
}

export interface PageInfo {
  readonly mapping: string;
  readonly by: Provenance;
}

/** Why a page is as it is. */
export interface PageExplanation extends PageInfo {
  readonly protection: PageProtection | "reserved";
}

interface Placed extends PageRange {
  readonly status: "ok";
}

const OK = { status: "ok" } as const;
const ARENA_PAGE = pageOf(ARENA_BASE);
const ANONYMOUS = "anonymous";
const RESERVED = "reserved";
const BORROWED = "borrowed from MemoryObject";

const QUOTA_NAMES: Partial<Readonly<Record<Resource, string>>> = {
  frameGrantPages: "frame grant quota",
  virtualReservationPages: "virtual reservation quota",
};

/**
 * Fields: `space` = page tables and frames; `reservations` = anonymous pages (KER-1, KER-2); `borrowed` = pages
 * of objects (KER-21); `fixed` = pages of the kernel's making (KER-24); `#pages` = all of these with the
 * operation that gave each page its present state, so one run has one kind and one protection. `ledger` is
 * charged for the anonymous and the borrowed.
 */
export class ProcessMemory {
  readonly space: AddressSpace;
  readonly ledger: Ledger;
  readonly reservations = new ReservationMap();
  readonly borrowed = new RunMap<Borrow>();
  readonly fixed = new RunMap<PageProtection>();
  readonly #pages = new RunMap<PageInfo>();
  readonly #frames: PageFrames;

  private constructor(frames: PageFrames, ledger: Ledger) {
    this.#frames = frames;
    this.ledger = ledger;
    this.space = frames.space;
  }

  /** An empty address space, or undefined when there is no frame for its page table. */
  static create(mmu: Mmu, frames: FrameAllocator, ledger: Ledger): ProcessMemory | undefined {
    const space = mmu.createAddressSpace(frames);
    return space === undefined ? undefined : new ProcessMemory(new PageFrames(mmu, frames, space), ledger);
  }

  // --- VirtualMemory -------------------------------------------------------------------------------------------

  /** Sets an address range aside. Takes no frames. */
  reserve(hint: bigint, size: bigint, by: Provenance): AddressOutcome {
    const place = this.#checkPlace(hint, size);
    if (place.status !== "ok") return place;
    const refused = this.#checkQuota("virtualReservationPages", place.count);
    if (refused !== undefined) return refused;
    this.#applyReserve(place, by);
    return { status: "ok", address: pageStart(place.first) };
  }

  /** `reserve` and `commit` in one: both or neither. */
  map(hint: bigint, size: bigint, prot: number, by: Provenance): AddressOutcome {
    const protection = protectionOf(prot);
    if (typeof protection === "object") return protection;
    const place = this.#checkPlace(hint, size);
    if (place.status !== "ok") return place;
    const refused =
      this.#checkQuota("virtualReservationPages", place.count) ??
      this.#checkQuota("frameGrantPages", place.count);
    if (refused !== undefined) return refused;
    const frames = this.#frames.secure(place);
    if (isRefusal(frames)) return frames;
    this.#applyReserve(place, by);
    this.#applyCommit(place, frames, protection, by);
    return { status: "ok", address: pageStart(place.first) };
  }

  /** Backs reserved pages with zeroed frames. Refused when any of them has one already. */
  commit(start: bigint, size: bigint, prot: number, by: Provenance): Outcome {
    const protection = protectionOf(prot);
    if (typeof protection === "object") return protection;
    const range = this.#checkReserved(start, size);
    if (isRefusal(range)) return range;
    const committed = this.reservations.firstCommitted(range.first, range.count);
    if (committed !== undefined) return refuse("failed", `page ${pageText(committed)} is committed already`);
    const refused = this.#checkQuota("frameGrantPages", range.count);
    if (refused !== undefined) return refused;
    const frames = this.#frames.secure(range);
    if (isRefusal(frames)) return frames;
    this.#applyCommit(range, frames, protection, by);
    return OK;
  }

  /** Takes the frames away and keeps the reservation; uncommitted pages are skipped. */
  decommit(start: bigint, size: bigint, by: Provenance): Outcome {
    const range = this.#checkReserved(start, size);
    if (isRefusal(range)) return range;
    for (const run of this.reservations.committedWithin(range.first, range.count)) {
      this.#pages.set(run.first, run.end - run.first, { mapping: RESERVED, by });
    }
    this.#applyDecommit(range);
    return OK;
  }

  /** Changes the protection of committed pages: all of the range, or nothing. */
  protect(start: bigint, size: bigint, prot: number, by: Provenance): Outcome {
    const protection = protectionOf(prot);
    if (typeof protection === "object") return protection;
    const range = this.#checkReserved(start, size);
    if (isRefusal(range)) return range;
    const gap = this.reservations.firstUncommitted(range.first, range.count);
    if (gap !== undefined) return refuse("failed", `page ${pageText(gap)} is reserved, not committed`);
    this.reservations.commit(range.first, range.count, protection);
    this.#frames.protect(range.first, range.count, protection);
    this.#pages.set(range.first, range.count, { mapping: ANONYMOUS, by });
    return OK;
  }

  /** Drops reservation and backing. */
  unmap(start: bigint, size: bigint): Outcome {
    const range = this.#checkReserved(start, size);
    if (isRefusal(range)) return range;
    this.#applyDecommit(range);
    this.reservations.release(range.first, range.count);
    this.#pages.delete(range.first, range.count);
    this.ledger.release("virtualReservationPages", range.count);
    return OK;
  }

  // --- MemoryObject --------------------------------------------------------------------------------------------

  /** Shows the page-aligned part `offset` .. `offset + size` of an object at `hint`; 0: the kernel chooses. */
  mapObject(
    object: MemoryObject,
    where: { readonly hint: bigint; readonly offset: bigint; readonly size: bigint; readonly prot: number },
    by: Provenance,
  ): AddressOutcome {
    const protection = protectionOf(where.prot);
    if (typeof protection === "object") return protection;
    const outside = checkPart(object, where.offset, where.size);
    if (outside !== undefined) return outside;
    const place = this.#checkPlace(where.hint, where.size);
    if (place.status !== "ok") return place;
    const refused = this.#checkQuota("frameGrantPages", place.count) ?? this.#frames.secureTables(place);
    if (refused !== undefined) return refused;
    this.#applyMapObject(object, place, Number(where.offset) / PAGE_BYTES, protection, by);
    return { status: "ok", address: pageStart(place.first) };
  }

  /** Removes mappings of this object; the range may hold no other page. */
  unmapObject(object: MemoryObject, start: bigint, size: bigint): Outcome {
    const range = this.#checkBorrowed(object, start, size);
    if (isRefusal(range)) return range;
    this.#applyUnmapObject(object, range, "unmap");
    return OK;
  }

  /** Changes the protection of mappings of this object; the range may hold no other page. */
  protectObject(object: MemoryObject, start: bigint, size: bigint, prot: number, by: Provenance): Outcome {
    const protection = protectionOf(prot);
    if (typeof protection === "object") return protection;
    const range = this.#checkBorrowed(object, start, size);
    if (isRefusal(range)) return range;
    for (const run of [...this.borrowed.within(range.first, range.count)]) {
      this.borrowed.set(run.first, run.end - run.first, { ...run.value, protection });
    }
    this.#frames.protect(range.first, range.count, protection);
    this.#pages.set(range.first, range.count, { mapping: BORROWED, by });
    return OK;
  }

  // --- Pages of the kernel's making ----------------------------------------------------------------------------

  /** Adds pages that no quota pays for. All or nothing. */
  addFixed(region: FixedRegion): Outcome {
    const taken = [...this.#pages.within(region.first, region.count)][0];
    if (taken !== undefined) {
      return refuse("failed", `${region.mapping}: page ${pageText(taken.first)} is ${taken.value.mapping}`);
    }
    demandInside(region);
    const frames = this.#frames.secure(region);
    if (isRefusal(frames)) return refuse(frames.status, `${region.mapping}: ${frames.text}`);
    for (const { at, bytes } of region.contents) this.#frames.fill(region, frames, at, bytes);
    this.#frames.map(region.first, frames, region.protection);
    this.fixed.set(region.first, region.count, region.protection);
    this.#pages.set(region.first, region.count, { mapping: region.mapping, by: region.by });
    return OK;
  }

  /** A ring page, zeroed: the process's own at `RING_ADDRESS`, those of further threads behind it. */
  addRingPage(at: GuestAddress, by: Provenance): Outcome {
    const page = pageOf(at);
    if (page < RING_PAGE || page >= CAPSET_PAGE) {
      return refuse("failed", `${hex(at)} is outside the ring pages`);
    }
    const mapping = page === RING_PAGE ? "ring" : "thread ring";
    return this.addFixed({ mapping, first: page, count: 1, protection: "rw", contents: [], by });
  }

  /** The CapSet page, read-only to the program. */
  addCapSetPage(bytes: Uint8Array, by: Provenance): Outcome {
    return this.addFixed({
      mapping: "CapSet",
      first: CAPSET_PAGE,
      count: 1,
      protection: "r",
      contents: [{ at: CAPSET_ADDRESS, bytes }],
      by,
    });
  }

  /** Takes a ring page away again, when its thread is gone. */
  removeRingPage(at: GuestAddress): void {
    const page = pageOf(at);
    if (this.fixed.get(page) === undefined) throw new InvariantError([`KER-24 no ring page at ${hex(at)}`]);
    this.#frames.unmapAndFree(page, 1, "unmap");
    this.fixed.delete(page, 1);
    this.#pages.delete(page, 1);
  }

  /** What each page is and which operation made it so. */
  get pages(): readonly Run<PageInfo>[] {
    return this.#pages.runs;
  }

  /** Which operation gave a page its mapping and permission; undefined for a page that is nothing. */
  explain(page: PageNumber): PageExplanation | undefined {
    const info = this.#pages.get(page);
    if (info === undefined) return undefined;
    const protection =
      this.fixed.get(page) ??
      this.borrowed.get(page)?.protection ??
      this.reservations.committed.get(page) ??
      RESERVED;
    return { ...info, protection };
  }

  /** Everything mapped or reserved, in address order, for printing. */
  *layout(): IterableIterator<PageExplanation & PageRange> {
    for (const { first, end } of this.#pages.runs) {
      const info = this.explain(pageNumber(first));
      if (info !== undefined) yield { ...info, first: pageNumber(first), count: end - first };
    }
  }

  /** What the ledger should have been charged for this memory (KER-3). */
  charges(): { readonly frameGrantPages: number; readonly virtualReservationPages: number } {
    return {
      frameGrantPages: this.reservations.committedPages + this.borrowed.countWithin(0, USER_END_PAGE),
      virtualReservationPages: this.reservations.reservedPages,
    };
  }

  /** Gives every frame and table back and uncharges the ledger. The memory is not to be used afterwards. */
  teardown(): void {
    for (const run of [...this.borrowed.runs]) {
      this.#applyUnmapObject(
        run.value.object,
        {
          first: pageNumber(run.first),
          count: run.end - run.first,
        },
        "destroy",
      );
    }
    for (const run of this.fixed.runs) this.#frames.unmapAndFree(run.first, run.end - run.first, "destroy");
    for (const run of this.reservations.committed.runs)
      this.#frames.unmapAndFree(run.first, run.end - run.first, "destroy");
    const { frameGrantPages, virtualReservationPages } = this.charges();
    this.ledger.release("frameGrantPages", frameGrantPages);
    this.ledger.release("virtualReservationPages", virtualReservationPages);
    this.fixed.clear();
    this.reservations.committed.clear();
    this.reservations.reserved.clear();
    this.#pages.clear();
    this.space.destroy();
  }

  /** Everything a refused operation must leave as it was, as text (KER-6). */
  digest(): string {
    const lines = [...this.layout()].map(
      ({ first, count, mapping, protection, by }) =>
        `${rangeText(first, count)} ${mapping} ${protection} ${typeof by === "string" ? by : by.method}`,
    );
    const leaves = [...this.space.entries()].map(
      ([page, entry]) =>
        `${pageText(page)} ${entry.frame} ${entry.present} ${entry.writable} ${entry.executable}`,
    );
    const charged = `${this.ledger.used("frameGrantPages")} ${this.ledger.used("virtualReservationPages")}`;
    return [...lines, ...leaves, charged, `tables ${this.space.tableFrames}`].join("\n");
  }

  // --- Checks --------------------------------------------------------------------------------------------------

  /** Where a new range goes: exactly at the hint, or first fit in the arena when it is 0. */
  #checkPlace(hint: bigint, size: bigint): Placed | Refusal {
    if (hint === 0n) {
      const count = pagesOf(size);
      if (typeof count !== "number") return count;
      const first = firstFit(this.#pages, ARENA_PAGE, count, USER_END_PAGE);
      if (first !== undefined) return { status: "ok", first: pageNumber(first), count };
      return refuse("overloaded", `no free range of ${count} pages`);
    }
    const range = rangeOf(hint, size);
    if (isRefusal(range)) return range;
    for (const run of this.#pages.within(range.first, range.count)) {
      return refuse(
        "invalidArgument",
        `${rangeText(range.first, range.count)} is taken: ${pageText(run.first)} is ${run.value.mapping}`,
      );
    }
    return { status: "ok", ...range };
  }

  /** A range all of whose pages are reserved by VirtualMemory. */
  #checkReserved(start: bigint, size: bigint): PageRange | Refusal {
    const range = rangeOf(start, size);
    if (isRefusal(range)) return range;
    const foreign = this.reservations.firstUnreserved(range.first, range.count);
    return foreign === undefined ? range : this.#refuseForeign(foreign, "not reserved by VirtualMemory");
  }

  /** A range all of whose pages show this object. */
  #checkBorrowed(object: MemoryObject, start: bigint, size: bigint): PageRange | Refusal {
    const range = rangeOf(start, size);
    if (isRefusal(range)) return range;
    let at: number = range.first;
    for (const run of this.borrowed.within(range.first, range.count)) {
      if (run.first > at || run.value.object !== object) break;
      at = run.end;
    }
    const missing = at < range.first + range.count;
    return missing ? this.#refuseForeign(at, "not a mapping of this MemoryObject") : range;
  }

  #refuseForeign(page: number, claim: string): Refusal {
    const mapping = this.#pages.get(page)?.mapping;
    const is = mapping === undefined ? "" : ` (it is ${mapping})`;
    return refuse("failed", `page ${pageText(page)} is ${claim}${is}`);
  }

  #checkQuota(resource: Resource, pages: number): Refusal | undefined {
    if (this.ledger.canCharge(resource, pages)) return undefined;
    return refuse(
      "overloaded",
      `${QUOTA_NAMES[resource] ?? resource}: ${this.ledger.refusal(resource, pages)}`,
    );
  }

  // --- Changes that cannot refuse ------------------------------------------------------------------------------

  #applyReserve({ first, count }: PageRange, by: Provenance): void {
    this.ledger.charge("virtualReservationPages", count);
    this.reservations.reserve(first, count);
    this.#pages.set(first, count, { mapping: RESERVED, by });
  }

  #applyCommit(
    range: PageRange,
    frames: readonly FrameNumber[],
    protection: PageProtection,
    by: Provenance,
  ): void {
    this.ledger.charge("frameGrantPages", range.count);
    this.reservations.commit(range.first, range.count, protection);
    this.#frames.map(range.first, frames, protection);
    this.#pages.set(range.first, range.count, { mapping: ANONYMOUS, by });
  }

  #applyDecommit({ first, count }: PageRange): void {
    let pages = 0;
    for (const run of this.reservations.committedWithin(first, count)) {
      this.#frames.unmapAndFree(run.first, run.end - run.first, "unmap");
      pages += run.end - run.first;
    }
    this.reservations.decommit(first, count);
    this.ledger.release("frameGrantPages", pages);
  }

  #applyMapObject(
    object: MemoryObject,
    { first, count }: PageRange,
    objectPage: number,
    protection: PageProtection,
    by: Provenance,
  ): void {
    this.ledger.charge("frameGrantPages", count);
    object.addMappedPages(count);
    this.borrowed.set(first, count, { object, delta: objectPage - first, protection });
    this.#frames.map(first, object.frames.slice(objectPage, objectPage + count), protection);
    this.#pages.set(first, count, { mapping: BORROWED, by });
  }

  #applyUnmapObject(object: MemoryObject, { first, count }: PageRange, why: UnmapReason): void {
    this.#frames.unmap(first, count, why);
    this.borrowed.delete(first, count);
    this.#pages.delete(first, count);
    this.ledger.release("frameGrantPages", count);
    object.dropMappedPages(count);
  }
}

/** The kernel itself says what goes where, so content beside its region is a bug of ours. */
function demandInside({ mapping, first, count, contents }: FixedRegion): void {
  for (const { at, bytes } of contents) {
    if (at < pageStart(first) || at + bytes.length > (first + count) * PAGE_BYTES) {
      throw new InvariantError([`KER-24 content of ${mapping} at ${hex(at)} is outside its pages`]);
    }
  }
}
