/**
 * The reservation map, every state there is: each page of a small window is nothing, reserved, or committed with one
 * of four protections, and every operation on every range is tried in each. The map must give page by page what the
 * definition says, as the fewest runs.
 */

import { ReservationMap } from "../../../src/kernel/objects/reservation.ts";
import type { PageProtection } from "../../../src/kernel/objects/reservation.ts";
import type { Run, RunMap } from "../../../src/kernel/objects/run-map.ts";
import type { Report } from "./explorer.ts";

type Page = "nothing" | "reserved" | PageProtection;
const PAGES: readonly Page[] = ["nothing", "reserved", "none", "r", "rw", "rx"];
const PROTECTIONS: readonly PageProtection[] = ["none", "r", "rw", "rx"];
const BASE = 0x10_0000;

const isReserved = (page: Page | undefined): boolean => page !== "nothing";
const isCommitted = (page: Page | undefined): boolean => page !== "nothing" && page !== "reserved";

interface Operation {
  readonly name: string;
  /** Whether every page of the range must be so for the operation to be called. */
  readonly needs: (page: Page | undefined) => boolean;
  readonly run: (map: ReservationMap, first: number, count: number) => void;
  readonly page: (was: Page | undefined) => Page;
}
const OPERATIONS: readonly Operation[] = [
  {
    name: "reserve",
    needs: (page) => !isReserved(page),
    run: (map, first, count) => map.reserve(first, count),
    page: () => "reserved",
  },
  ...PROTECTIONS.map((protection): Operation => {
    return {
      name: `commit ${protection}`,
      needs: (page) => page === "reserved",
      run: (map, first, count) => map.commit(first, count, protection),
      page: () => protection,
    };
  }),
  ...PROTECTIONS.map((protection): Operation => {
    return {
      name: `protect ${protection}`,
      needs: isCommitted,
      run: (map, first, count) => map.commit(first, count, protection),
      page: () => protection,
    };
  }),
  {
    name: "decommit",
    needs: isReserved,
    run: (map, first, count) => map.decommit(first, count),
    page: () => "reserved",
  },
  {
    name: "unmap",
    needs: isReserved,
    run: (map, first, count) => {
      map.decommit(first, count);
      map.release(first, count);
    },
    page: () => "nothing",
  },
];

function realAt(pages: readonly Page[]): ReservationMap {
  const map = new ReservationMap();
  for (let at = 0; at < pages.length;) {
    const page = pages[at] as Page;
    let end = at + 1;
    while (pages[end] === page) end++;
    if (page !== "nothing") map.reserve(BASE + at, end - at);
    if (page !== "nothing" && page !== "reserved") map.commit(BASE + at, end - at, page);
    at = end;
  }
  return map;
}

/** The fewest runs that say the same. */
function runsOf<V>(pages: readonly Page[], value: (page: Page) => V | undefined): Run<V>[] {
  const runs: Run<V>[] = [];
  for (const [i, page] of pages.entries()) {
    const here = value(page);
    const last = runs.at(-1);
    if (here === undefined) continue;
    if (last !== undefined && last.end === BASE + i && last.value === here) {
      runs[runs.length - 1] = { ...last, end: BASE + i + 1 };
    } else {
      runs.push({ first: BASE + i, end: BASE + i + 1, value: here });
    }
  }
  return runs;
}

const sameRuns = (map: RunMap<unknown>, wanted: readonly Run<unknown>[]): boolean =>
  map.runs.length === wanted.length &&
  wanted.every(({ first, end, value }, i) => {
    const run = map.runs[i];
    return run?.first === first && run.end === end && run.value === value;
  });

const reservedValue = (page: Page): true | undefined => (isReserved(page) ? true : undefined);
const committedValue = (page: Page): PageProtection | undefined =>
  page === "nothing" || page === "reserved" ? undefined : page;

function problem(map: ReservationMap, pages: readonly Page[]): string | undefined {
  if (!sameRuns(map.reserved, runsOf(pages, reservedValue))) return "KER-1 other runs are reserved";
  if (!sameRuns(map.committed, runsOf(pages, committedValue))) return "KER-2 other runs are committed";
  if (map.reservedPages !== pages.filter(isReserved).length) return "KER-3 another number is reserved";
  return map.committedPages === pages.filter(isCommitted).length
    ? undefined
    : "KER-3 another number is committed";
}

/** The questions that checks ask, for one range. */
function wrongAnswer(
  map: ReservationMap,
  pages: readonly Page[],
  at: number,
  count: number,
): string | undefined {
  const range = pages.slice(at, at + count);
  const first = (suits: (page: Page) => boolean): number | undefined => {
    const found = range.findIndex(suits);
    return found < 0 ? undefined : BASE + at + found;
  };
  const start = BASE + at;
  if (map.firstUnreserved(start, count) !== first((page) => !isReserved(page))) return "firstUnreserved";
  if (map.firstCommitted(start, count) !== first(isCommitted)) return "firstCommitted";
  if (map.firstUncommitted(start, count) !== first((page) => !isCommitted(page))) return "firstUncommitted";
  const within = map.committedWithin(start, count).reduce((sum, run) => sum + run.end - run.first, 0);
  return within === range.filter(isCommitted).length ? undefined : "committedWithin";
}

/** Windows of 1 to `largest` pages, as many as the time allows. */
export function checkReservationMap(largest: number, deadline: number): Report {
  const start = performance.now();
  const broken: string[] = [];
  const outcomes = new Map<string, number>();
  let states = 0;
  let transitions = 0;
  let done = 0;
  for (let window = 1; window <= largest && performance.now() < deadline && broken.length === 0; window++) {
    const end = PAGES.length ** window;
    let number = 0;
    for (; number < end && performance.now() < deadline && broken.length === 0; number++) {
      const pages = Array.from(
        { length: window },
        (_, i) => PAGES[Math.floor(number / PAGES.length ** i) % PAGES.length] as Page,
      );
      states++;
      const asked = realAt(pages);
      for (let at = 0; at < window; at++) {
        for (let count = 1; at + count <= window; count++) {
          const wrongly = wrongAnswer(asked, pages, at, count);
          if (wrongly !== undefined) broken.push(`KER-1 ${wrongly} of ${at}+${count} in ${pages.join(" ")}`);
          for (const operation of OPERATIONS) {
            if (!pages.slice(at, at + count).every(operation.needs)) continue;
            const map = realAt(pages);
            operation.run(map, BASE + at, count);
            transitions++;
            outcomes.set(operation.name, (outcomes.get(operation.name) ?? 0) + 1);
            const after = pages.map((page, i) => (i >= at && i < at + count ? operation.page(page) : page));
            const wrong = problem(map, after);
            if (wrong !== undefined)
              broken.push(`${wrong}: ${operation.name} ${at}+${count} in ${pages.join(" ")}`);
          }
        }
      }
    }
    if (number === end) done = window;
  }
  const seconds = (performance.now() - start) / 1000;
  const bound = `windows of 1 to ${done} pages in 6 states each, all ranges, all operations`;
  return {
    name: "reservation map",
    bound,
    states,
    transitions,
    depth: 1,
    complete: true,
    seconds,
    outcomes,
    broken,
  };
}
