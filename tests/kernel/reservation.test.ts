/** Runs against a plain map page by page, and the rules of reservations. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  brokenCommitRules,
  brokenReservationRules,
  ReservationMap,
} from "../../src/kernel/objects/reservation.ts";
import { firstFit, RunMap } from "../../src/kernel/objects/run-map.ts";

const PAGES = 40;

describe("RunMap", () => {
  const operation = fc.record({
    first: fc.nat(PAGES - 1),
    count: fc.integer({ min: 1, max: 12 }),
    value: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
  });

  test("agrees with a map of single pages", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), operation, (operations, probe) => {
        const runs = new RunMap<string>();
        const pages = new Map<number, string>();
        for (const { first, count, value } of operations) {
          if (value === undefined) runs.delete(first, count);
          else runs.set(first, count, value);
          for (let page = first; page < first + count; page++) {
            if (value === undefined) pages.delete(page);
            else pages.set(page, value);
          }
        }
        const all = Array.from({ length: PAGES + 12 }, (_, page) => page);
        expect(all.map((page) => runs.get(page))).toEqual(all.map((page) => pages.get(page)));
        for (const [i, run] of runs.runs.entries()) {
          const next = runs.runs[i + 1];
          expect(run.end).toBeGreaterThan(run.first);
          if (next !== undefined) {
            expect(next.first).toBeGreaterThanOrEqual(run.end);
            expect(next.first === run.end && next.value === run.value).toBe(false);
          }
        }
        const range = all.slice(probe.first, probe.first + probe.count);
        const known = range.filter((page) => pages.has(page));
        expect(runs.countWithin(probe.first, probe.count)).toBe(known.length);
        expect(runs.intersects(probe.first, probe.count)).toBe(known.length > 0);
        expect(runs.firstGap(probe.first, probe.count)).toBe(range.find((page) => !pages.has(page)));
      }),
      { numRuns: 300 },
    );
  });

  test("first fit leaves a free page on both sides, and takes the lowest place", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 8 }), fc.nat(20), operation, (taken, from, { count }) => {
        const runs = new RunMap<string>();
        for (const { first, count: n } of taken) runs.set(first, n, "x");
        const fits = (at: number): boolean => !runs.intersects(Math.max(at - 1, 0), count + (at > 0 ? 2 : 1));
        let wanted = from;
        while (!fits(wanted)) wanted++;
        expect(firstFit(runs, from, count, 1000)).toBe(wanted);
        expect(firstFit(runs, from, count, wanted + count)).toBe(wanted);
        expect(firstFit(runs, from, count, wanted + count - 1)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe("ReservationMap", () => {
  test("splits, joins and counts", () => {
    const map = new ReservationMap();
    map.reserve(10, 10);
    map.reserve(20, 5);
    expect(map.reserved.runs).toEqual([{ first: 10, end: 25, value: true }]);
    map.commit(12, 6, "rw");
    map.commit(14, 2, "r");
    expect(map.committed.runs.map(({ first, end, value }) => [first, end, value])).toEqual([
      [12, 14, "rw"],
      [14, 16, "r"],
      [16, 18, "rw"],
    ]);
    expect([map.reservedPages, map.committedPages]).toEqual([15, 6]);
    expect(map.firstCommitted(10, 10)).toBe(12);
    expect(map.firstUncommitted(12, 10)).toBe(18);
    expect(map.firstUnreserved(10, 16)).toBe(25);
    map.decommit(10, 15);
    map.release(15, 2);
    expect(map.reserved.runs.map(({ first, end }) => [first, end])).toEqual([
      [10, 15],
      [17, 25],
    ]);
    expect(brokenCommitRules(map)).toEqual([]);
    expect(brokenReservationRules(map.reserved.runs)).toEqual([]);
  });

  test("KER-1 notices overlap, emptiness, page 0 and the end of the user half", () => {
    const run = (first: number, end: number) => ({ first, end, value: true });
    expect(brokenReservationRules([run(1, 4), run(4, 2 ** 35)])).toEqual([]);
    for (const bad of [[run(1, 4), run(3, 5)], [run(7, 7)], [run(0, 2)], [run(9, 2 ** 35 + 1)]]) {
      const broken = brokenReservationRules(bad);
      expect(broken).toHaveLength(1);
      expect(broken[0]).toMatch(/^KER-1 /);
    }
  });

  test("KER-2 notices a committed page outside its reservation, and refuses to make one", () => {
    const map = new ReservationMap();
    map.reserve(5, 5);
    map.commit(5, 5, "rw");
    expect(() => map.release(7, 1)).toThrow(/^KER-2/);
    expect(brokenCommitRules(map)).toEqual([]);
    map.reserved.delete(7, 1);
    expect(brokenCommitRules(map)).toEqual(["KER-2 committed page 0x7000 is not reserved"]);
  });
});
