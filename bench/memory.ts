/**
 * Guests that would fill memory: 20 MiB of code, and one that rewrites its code all the time. Each is run small and
 * ten times as large, in a process of its own: what a unit costs must not grow, and memory has a bound that the
 * translation cache sets, not the guest.
 *
 *   npm run bench:memory [-- --rounds N --tier auto --code KIB --rewrites N --json FILE]
 *
 * `--code` and `--rewrites` are the sizes of the small runs; 0 leaves one out.
 */

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Spread, spreadOf } from "../src/cli/spread.ts";
import { figure, tableText } from "../src/cli/table.ts";
import { factsLine, gatherFacts } from "./support/facts.ts";
import type { MemoryCase, MemoryCell } from "./support/memory-cell.ts";
import { countOption, tierOption } from "./support/options.ts";
import { NOISE } from "./support/statistics.ts";
import { timedRun } from "./support/timed-run.ts";

const CELL = fileURLToPath(new URL("support/memory-cell.js", import.meta.url));
const FACTOR = 10;
/** Of the whole process. */
const MOST_MIB = 700;

interface Case {
  readonly name: MemoryCase;
  readonly unit: string;
  /** Size of the small run. */
  readonly small: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    tier: { type: "string", default: "auto" },
    code: { type: "string", default: "2048" },
    rewrites: { type: "string", default: "2000" },
    json: { type: "string" },
  },
});
const rounds = countOption("rounds", values.rounds);
const tier = tierOption(values.tier);
const sizeOption = (name: "code" | "rewrites"): number =>
  values[name] === "0" ? 0 : countOption(name, values[name]);
const ALL: readonly Case[] = [
  { name: "code", unit: "KiB of code, run once", small: sizeOption("code") },
  { name: "rewrite", unit: "rewrite of code, with two protects", small: sizeOption("rewrites") },
];
const CASES = ALL.filter(({ small }) => small > 0);

function run(name: MemoryCase, size: number): MemoryCell {
  const result = timedRun(process.execPath, [CELL, name, String(size), tier]);
  if ("problem" in result) throw new Error(`${name}, ${size}: ${result.problem}`);
  return JSON.parse(result.stdout) as MemoryCell;
}

const series = CASES.map((each) => ({ each, small: [] as MemoryCell[], large: [] as MemoryCell[] }));
for (let round = 1; round <= rounds; round++) {
  for (const { each, small, large } of series) {
    small.push(run(each.name, each.small));
    large.push(run(each.name, each.small * FACTOR));
  }
  process.stderr.write(`round ${round} of ${rounds}\n`);
}

const peakOf = (cells: readonly MemoryCell[]): number => Math.max(...cells.map(({ peakMiB }) => peakMiB));
const costOf = (cells: readonly MemoryCell[], size: number): Spread =>
  spreadOf(cells.map(({ cpuMs }) => cpuMs / size));

const rows = series.map(({ each: { name, unit, small: size }, small, large }) => {
  const [before, after] = [costOf(small, size), costOf(large, size * FACTOR)];
  const [peakBefore, peakAfter] = [peakOf(small), peakOf(large)];
  // The small run pays for the warming up of capjit itself, so a larger one may only be cheaper by the unit.
  const grows = after.min > before.max * (1 + NOISE) || peakAfter > MOST_MIB;
  return { name, unit, size, before, after, peakBefore, peakAfter, verdict: grows ? "GROWS" : "bounded" };
});
const facts = gatherFacts();
console.log(`${factsLine(facts)}, ${rounds} rounds, tier ${tier}, checks off, processor time\n`);
console.log(
  tableText(
    ["tenfold", "small run", "ms per unit", "x10", "ratio", "peak MiB", "x10", ""],
    rows.map(({ unit, size, before, after, peakBefore, peakAfter, verdict }) => [
      unit,
      String(size),
      figure(before.median),
      figure(after.median),
      figure(after.median / before.median),
      figure(peakBefore),
      figure(peakAfter),
      verdict,
    ]),
  ),
);
console.log(
  `\nbounded: the unit costs no more in the large run, and the process stays below ${MOST_MIB} MiB.`,
);
if (rows.some(({ verdict }) => verdict !== "bounded")) process.exitCode = 1;
if (values.json !== undefined) {
  const file = {
    bench: "memory",
    facts,
    options: { rounds, tier, code: values.code, rewrites: values.rewrites },
    rows,
  };
  writeFileSync(values.json, `${JSON.stringify(file, null, 2)}\n`);
}
