/**
 * The path into the kernel and back: calls per second of each kind. The cost of one call is the difference between
 * a run of many calls and one of a tenth of them, so that start-up and translation do not count.
 *
 *   npm run bench:kernel-calls [-- --rounds N --tier auto --scale PERCENT --json FILE]
 */

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { DEFAULT_OPTIONS, type JitOptions } from "../src/jit/options.ts";
import { factsLine, gatherFacts } from "./support/facts.ts";
import { guestRun } from "./support/guest-run.ts";
import { type Kind, kernelScenario } from "./support/kernel-guest.ts";
import { countOption, tierOption } from "./support/options.ts";
import { type Spread, spreadOf } from "../src/cli/spread.ts";
import { isNoisy } from "./support/statistics.ts";
import { figure, tableText } from "../src/cli/table.ts";

/** What is called, and how often at scale 100. */
const CALLS: readonly (readonly [kind: Kind, title: string, count: number])[] = [
  ["enter", "cap_enter(0, 0), nothing submitted", 200_000],
  ["nop", "NOP, one per cap_enter", 100_000],
  ["nopBatch", "NOP, sixteen per cap_enter", 200_000],
  ["console", "Console.write of 16 bytes", 50_000],
  ["protect", "VirtualMemory.protect of one page", 50_000],
  ["roundTrip", "Endpoint CALL, RECV, RETURN between processes", 20_000],
  ["rewrite", "two protects and a call of new code", 3_000],
  ["spawn", "spawn, wait, two releases", 400],
];

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    scale: { type: "string", default: "100" },
    tier: { type: "string", default: "auto" },
    json: { type: "string" },
  },
});
const rounds = countOption("rounds", values.rounds);
const scale = countOption("scale", values.scale);
const jit: JitOptions = { ...DEFAULT_OPTIONS, tier: tierOption(values.tier) };
const facts = gatherFacts();

/** Microseconds of one call; never below zero, which only noise gives. */
function callCost(kind: Kind, count: number): number {
  const few = Math.max(16, Math.round(count / 10));
  const short = guestRun(kernelScenario(kind, few), jit).ms;
  const long = guestRun(kernelScenario(kind, few * 10), jit).ms;
  return Math.max(0, ((long - short) * 1000) / (few * 9));
}

const samples = new Map<Kind, number[]>(CALLS.map(([kind]) => [kind, []]));
for (let round = 0; round < rounds; round++) {
  for (const [kind, , count] of CALLS) samples.get(kind)?.push(callCost(kind, (count * scale) / 100));
}

const spreads = CALLS.map(([kind, title]): [string, Spread] => [title, spreadOf(samples.get(kind) ?? [])]);
console.log(
  `${factsLine(facts)}, ${rounds} interleaved rounds, scale ${scale} %, tier ${jit.tier}, checks off\n`,
);
console.log(
  tableText(
    ["call", "us", "min", "max", "calls per second"],
    spreads.map(([title, spread]) => [
      title,
      `${isNoisy(spread) ? "~" : ""}${figure(spread.median)}`,
      figure(spread.min),
      figure(spread.max),
      spread.median > 0 ? Math.round(1e6 / spread.median).toString() : "-",
    ]),
  ),
);
if (values.json !== undefined) {
  const calls = Object.fromEntries(spreads);
  const file = {
    bench: "kernel-calls",
    facts,
    options: { tier: jit.tier, rounds, scale },
    microseconds: calls,
  };
  writeFileSync(values.json, `${JSON.stringify(file, null, 2)}\n`);
}
