/**
 * Ten times as much of one thing must cost ten times as much and not more. Each row measures the cost of one unit in
 * a small and in a tenfold run, in this process and interleaved, in time of all threads on processors; `grows` is said
 * only when the runs do not overlap and the difference is above noise.
 *
 *   npm run bench:scaling [-- --rounds N --tier auto --json FILE]
 */

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { DEFAULT_OPTIONS, type JitOptions } from "../src/jit/options.ts";
import { factsLine, gatherFacts } from "./support/facts.ts";
import { generatedProgram } from "./support/generated-code.ts";
import { guestRun } from "./support/guest-run.ts";
import { type Kind, kernelScenario } from "./support/kernel-guest.ts";
import { countOption, tierOption } from "./support/options.ts";
import { type Spread, spreadOf } from "../src/cli/spread.ts";
import { compareSpreads } from "./support/statistics.ts";
import { figure, tableText } from "../src/cli/table.ts";

interface Dimension {
  readonly title: string;
  /** What one unit is, and the size of the small run. */
  readonly unit: string;
  readonly small: number;
  /** Prepares a run of that size; the result runs it and gives its milliseconds of processor time. */
  readonly prepare: (size: number) => () => number;
  /** Not per unit: the whole run must cost the same. */
  readonly whole?: boolean;
}

const FACTOR = 10;
const LOOP_FUNCTIONS = 10;

const calls =
  (kind: Kind) =>
  (size: number): (() => number) => {
    const scenario = kernelScenario(kind, size);
    return () => guestRun(scenario, jit).cpuMs;
  };

const DIMENSIONS: readonly Dimension[] = [
  {
    title: "guest instructions",
    unit: `pass over ${LOOP_FUNCTIONS} functions`,
    small: 50_000,
    prepare: (size) => {
      const scenario = generatedProgram(LOOP_FUNCTIONS, size);
      return () => guestRun(scenario, jit).cpuMs;
    },
  },
  {
    title: "code size",
    unit: "function of 10 instructions",
    small: 300,
    prepare: (size) => {
      const scenario = generatedProgram(size, 2);
      return () => guestRun(scenario, jit).cpuMs;
    },
  },
  { title: "processes", unit: "process started and awaited", small: 100, prepare: calls("spawn") },
  {
    title: "guest RAM",
    unit: "whole run, 64 and 640 MiB",
    small: 64,
    whole: true,
    prepare: (size) => {
      const scenario = kernelScenario("nothing", 0);
      return () => {
        const before = process.cpuUsage();
        guestRun(scenario, jit, size << 20);
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1000;
      };
    },
  },
  {
    title: "invalidations",
    unit: "rewrite of code, with two protects",
    small: 500,
    prepare: calls("rewrite"),
  },
  { title: "kernel calls", unit: "VirtualMemory.protect", small: 10_000, prepare: calls("protect") },
  { title: "messages", unit: "endpoint round trip", small: 3000, prepare: calls("roundTrip") },
];

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    tier: { type: "string", default: "auto" },
    json: { type: "string" },
  },
});
const rounds = countOption("rounds", values.rounds);
const jit: JitOptions = { ...DEFAULT_OPTIONS, tier: tierOption(values.tier) };
const facts = gatherFacts();

const series = DIMENSIONS.map((dimension) => ({
  dimension,
  runs: [dimension.small, dimension.small * FACTOR].map((size) => {
    return { size, run: dimension.prepare(size), us: [] as number[] };
  }),
}));
// The first pass over everything lets the engine compile capjit's own code and is not kept.
for (let round = -1; round < rounds; round++) {
  for (const { dimension, runs } of series) {
    for (const { size, run, us } of runs) {
      const cost = (run() * 1000) / (dimension.whole === true ? 1 : size);
      if (round >= 0) us.push(cost);
    }
  }
}

const rows = series.map(({ dimension: { title, unit, small }, runs }) => {
  const [before, after] = runs.map(({ us }) => spreadOf(us)) as [Spread, Spread];
  const verdict = compareSpreads(before, after) === "slower" ? "grows" : "flat";
  return { title, unit, small, before, after, ratio: after.median / before.median, verdict };
});
console.log(
  `${factsLine(facts)}, ${rounds} interleaved rounds, tier ${jit.tier}, checks off, processor time\n`,
);
const range = ({ median, min, max }: Spread): string => `${figure(median)} (${figure(min)}..${figure(max)})`;
console.log(
  tableText(
    ["tenfold", "unit", "small run", "us per unit", "us per unit, x10", "ratio", ""],
    rows.map(({ title, unit, small, before, after, ratio, verdict }) => {
      return [title, unit, String(small), range(before), range(after), figure(ratio), verdict];
    }),
  ),
);
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    `${JSON.stringify({ bench: "scaling", facts, options: { tier: jit.tier, rounds }, rows }, null, 2)}\n`,
  );
}
