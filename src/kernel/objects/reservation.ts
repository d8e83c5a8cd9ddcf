/**
 * The anonymous memory of one address space, as intervals: which pages are reserved, which of those are
 * committed and with what protection. Knows no frames, no quotas and no page tables. Reservations that touch are
 * one interval; giving back the middle of one splits it.
 */

import { InvariantError } from "../../invariant.ts";
import { hex, PAGE_BYTES, USER_END_PAGE } from "../../mmu/address.ts";
import { RunMap } from "./run-map.ts";
import type { Run } from "./run-map.ts";

/** What a program may do with a page. `none` keeps the frame and its content out of reach. */
export type PageProtection = "none" | "r" | "rw" | "rx";

const pageText = (page: number): string => hex(page * PAGE_BYTES);

/**
 * Fields: `reserved` = pages set aside (KER-1); `committed` = pages among them that have a frame, by protection
 * (KER-2). The methods that change them expect a checked range and refuse nothing.
 */
export class ReservationMap {
  readonly reserved = new RunMap<true>();
  readonly committed = new RunMap<PageProtection>();

  get reservedPages(): number {
    return this.reserved.countWithin(0, USER_END_PAGE);
  }

  get committedPages(): number {
    return this.committed.countWithin(0, USER_END_PAGE);
  }

  /** The first page of the range that is not reserved. */
  firstUnreserved(first: number, count: number): number | undefined {
    return this.reserved.firstGap(first, count);
  }

  /** The first page of the range that is committed. */
  firstCommitted(first: number, count: number): number | undefined {
    for (const run of this.committed.within(first, count)) return run.first;
    return undefined;
  }

  /** The first page of the range that is not committed. */
  firstUncommitted(first: number, count: number): number | undefined {
    return this.committed.firstGap(first, count);
  }

  /** Committed parts of the range, copied so that they may be walked while the map changes. */
  committedWithin(first: number, count: number): Run<PageProtection>[] {
    return [...this.committed.within(first, count)];
  }

  /** No page of the range may be reserved. */
  reserve(first: number, count: number): void {
    this.reserved.set(first, count, true);
  }

  /** Every page of the range is reserved and none committed; or all are committed, to change the protection. */
  commit(first: number, count: number, protection: PageProtection): void {
    this.committed.set(first, count, protection);
  }

  decommit(first: number, count: number): void {
    this.committed.delete(first, count);
  }

  /** Gives the range back, committed or not. */
  release(first: number, count: number): void {
    if (this.committed.intersects(first, count)) {
      throw new InvariantError([`KER-2 release of ${pageText(first)}, which is committed`]);
    }
    this.reserved.delete(first, count);
  }
}

/** KER-1  Reservations of an address space are disjoint and inside it. */
export function brokenReservationRules(runs: readonly Run<unknown>[]): string[] {
  const broken: string[] = [];
  let end = 1;
  for (const run of runs) {
    const text = `${pageText(run.first)}..${pageText(run.end)}`;
    if (run.first < end) broken.push(`KER-1 reservation ${text} begins before ${pageText(end)}`);
    if (run.end <= run.first) broken.push(`KER-1 reservation ${text} is empty`);
    if (run.end > USER_END_PAGE) broken.push(`KER-1 reservation ${text} leaves the user half`);
    end = Math.max(end, run.end);
  }
  return broken;
}

/** KER-2  Every committed page lies inside its reservation. */
export function brokenCommitRules(map: ReservationMap): string[] {
  return map.committed.runs.flatMap((run) => {
    const outside = map.firstUnreserved(run.first, run.end - run.first);
    return outside === undefined ? [] : [`KER-2 committed page ${pageText(outside)} is not reserved`];
  });
}
