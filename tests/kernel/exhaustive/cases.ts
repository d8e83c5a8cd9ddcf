/** Checks whose cases are all there is: no sequence leads from one to another. */

import type { Report } from "./explorer.ts";

/** One case: what was met, and what is wrong with it. */
export interface Case {
  readonly outcome: string;
  readonly broken?: string;
}

const MAX_BROKEN = 8;

/** Tries all cases, or as many as there is time for. */
export function tryCases(name: string, bound: string, cases: Iterable<Case>, deadline: number): Report {
  const start = performance.now();
  const outcomes = new Map<string, number>();
  const broken: string[] = [];
  let states = 0;
  let complete = true;
  for (const each of cases) {
    states++;
    outcomes.set(each.outcome, (outcomes.get(each.outcome) ?? 0) + 1);
    if (each.broken !== undefined) broken.push(each.broken);
    complete = broken.length < MAX_BROKEN && performance.now() <= deadline;
    if (!complete) break;
  }
  const seconds = (performance.now() - start) / 1000;
  return { name, bound, states, transitions: states, depth: 1, complete, seconds, outcomes, broken };
}
