/** The table of the README: what its cells mean. */

import { expect, test } from "vitest";
import type { ProgramName } from "../../src/cli/bench-programs.ts";
import { markdownTable } from "../../bench/support/compute-markdown.ts";
import type { Cell } from "../../bench/support/compute-report.ts";
import type { Facts } from "../../bench/support/facts.ts";
import { majorOf, OWN_NODE } from "../../bench/support/node-versions.ts";
import { runners } from "../../bench/support/runners.ts";

const FACTS: Facts = {
  date: "",
  revision: "abc",
  cpu: "a processor",
  cores: 2,
  memoryBytes: 0,
  loadAverage: [],
  node: "v20.0.0",
  v8: "",
  gcc: null,
  qemu: "qemu 7",
};

const USED = runners({
  tiers: ["js", "auto"],
  nodes: [
    { path: "a", version: "v20.20.2" },
    { path: "b", version: "v24.1.0" },
  ],
  cache: false,
  measure: "wall",
  native: true,
  qemu: true,
});

/** Each runner needs so many times native time; capjit another 1000 ms to start. */
function cells(nativeMs: number, times: readonly number[]): Map<string, Cell> {
  const all = USED.map(({ name, splitsTime }, k): [string, Cell] => {
    const ms = nativeMs * (k === 0 ? 1 : (times[k - 1] ?? NaN));
    return [name, { samples: [splitsTime ? { processMs: ms + 1000, guestMs: ms } : { processMs: ms }] }];
  });
  return new Map(all);
}

test("runners are named by version only when there are several", () => {
  expect(USED.map(({ label }) => label)).toEqual([
    "native",
    "QEMU user mode",
    ...["JavaScript, Node 20", "auto, Node 20", "JavaScript, Node 24", "auto, Node 24"],
  ]);
  const one = runners({
    tiers: ["auto"],
    nodes: [OWN_NODE],
    cache: true,
    measure: "cpu",
    native: false,
    qemu: false,
  });
  expect(one.map(({ name, label }) => [name, label])).toEqual([["capjit auto", "auto"]]);
  expect(majorOf(OWN_NODE)).toBe(process.versions.node.split(".")[0]);
});

test("means first, then every program, as multiples of native time and of the guest alone", () => {
  const results = new Map<ProgramName, ReadonlyMap<string, Cell>>([
    ["sort", cells(100, [2, 8, 4, 9, 3])],
    ["nbody", cells(50, [8, 32, 4, 36, 12])],
  ]);
  const text = markdownTable(results, USED, FACTS, { rounds: 1, scale: 40, measure: "wall" });
  const [head, , titles, line, ...rows] = text.split("\n");
  expect(head).toContain(
    "Revision abc, a processor, 2 cores, qemu 7. Median of 1 interleaved run, 40 % of the work.",
  );
  expect(titles).toContain("| native ms | QEMU user mode | JavaScript, Node 20 |");
  expect(line?.match(/---:/g)?.length).toBe(6);
  expect(rows[0]).toBe("| **all** | 2 of 37 |  | **4.00** | **16.0** | **4.00** | **18.0** | **6.00** |");
  expect(rows.at(-2)).toBe("| sort | integer | 100 | 2.00 | 8.00 | 4.00 | 9.00 | 3.00 |");
  expect(rows.at(-1)).toBe("| nbody | float | 50.0 | 8.00 | 32.0 | 4.00 | 36.0 | 12.0 |");
});

test("a wrong run has no time, and its mean says of how many programs it is", () => {
  const wrong = cells(50, [8, 32, 4, 36, 12]);
  wrong.set("capjit auto, Node 20", { samples: [], problem: "exit code 1" });
  const results = new Map<ProgramName, ReadonlyMap<string, Cell>>([
    ["sort", cells(100, [2, 8, 4, 9, 3])],
    ["nbody", wrong],
  ]);
  const rows = markdownTable(results, USED, FACTS, { rounds: 1, scale: 40, measure: "cpu" }).split("\n");
  expect(rows.at(-1)).toBe("| nbody | float | 50.0 | 8.00 | 32.0 | WRONG | 36.0 | 12.0 |");
  expect(rows[4]).toContain("| **4.00** (1) |");
});
