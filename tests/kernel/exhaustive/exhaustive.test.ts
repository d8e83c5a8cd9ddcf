/**
 * A slice of the exhaustive checks, by time; `npm run check:exhaustive` is all of it. First the explorer itself: it
 * must find the shortest way into a broken state, and a refusal that changes something.
 */

import { describe, expect, test } from "vitest";
import { explore, HashSet } from "./explorer.ts";
import type { Space } from "./explorer.ts";
import { CHECKS } from "./spaces.ts";

const SECONDS = Number(process.env["CAPJIT_EXHAUSTIVE_SECONDS"] ?? 9);
const UNLIMITED = { deadline: Infinity };

/** A counter up to 9 that the operations add to; more is refused. */
function counter(options: {
  readonly brokenAt?: number;
  readonly leaky?: boolean;
  readonly lostAt?: number;
}): Space<number> {
  return {
    name: "counter",
    bound: "0 to 9",
    operations: [1, 3],
    create: () => {
      let value = 0;
      let refusals = 0;
      return {
        apply: (more) => {
          if (value + more > 9) {
            refusals++;
            return "refused";
          }
          value += more;
          return "ok";
        },
        key: () => `${value} ${options.leaky === true ? refusals : 0}`,
        broken: () => (value === options.brokenAt ? [`KER-0 the counter is ${value}`] : []),
        end: () => (value === options.lostAt ? ["KER-0 something did not come back"] : []),
      };
    },
  };
}

describe("the explorer", () => {
  test("visits every state once and says when there are no more", () => {
    const report = explore(counter({}), UNLIMITED);
    expect([report.states, report.transitions, report.complete, report.broken]).toEqual([10, 20, true, []]);
    expect(Object.fromEntries(report.outcomes)).toEqual({ ok: 16, refused: 4 });
  });

  test("says how deep it came when it was stopped", () => {
    const report = explore(counter({}), { ...UNLIMITED, depth: 2 });
    expect([report.states, report.depth, report.complete]).toEqual([6, 2, false]);
    expect(explore(counter({}), { ...UNLIMITED, states: 4 }).complete).toBe(false);
  });

  test("names the shortest sequence into a broken state", () => {
    expect(explore(counter({ brokenAt: 7 }), UNLIMITED).broken).toEqual([
      "KER-0 the counter is 7",
      "after: 1 ; 3 ; 3",
    ]);
    expect(explore(counter({ lostAt: 4 }), UNLIMITED).broken).toEqual([
      "KER-0 something did not come back",
      "after: 1 ; 3",
    ]);
  });

  test("KER-6 notices a refusal that changed something", () => {
    const { broken } = explore(counter({ leaky: true }), UNLIMITED);
    expect(broken).toContain("KER-6 an operation was refused (refused) and changed");
    expect(broken.at(-1)).toBe("after: 1 ; 3 ; 3 ; 3");
  });

  test("tells states apart while its table grows", () => {
    const set = new HashSet();
    for (let i = 0; i < 50_000; i++) expect(set.add(`state ${i}`)).toBe(true);
    for (let i = 0; i < 50_000; i += 7) expect(set.add(`state ${i}`)).toBe(false);
    expect(set.size).toBe(50_000);
  });
});

test.each(CHECKS)(
  "$name: no rule is broken",
  ({ run }) => {
    const report = run(performance.now() + (SECONDS * 1000) / CHECKS.length);
    expect(report.broken).toEqual([]);
    expect(report.states).toBeGreaterThan(50);
  },
  120_000,
);
