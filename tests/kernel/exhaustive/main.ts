/**
 * Every operation sequence of small configurations, on the real kernel code. `npm run check:exhaustive`, with
 *
 *   CAPJIT_EXHAUSTIVE_SECONDS   time for all of them together, shared out evenly; without it each one ends by itself
 *   CAPJIT_EXHAUSTIVE_RECORD    when set, what was counted goes to counts.json, which the README shows
 *   arguments                   names of checks; without any, all
 */

import { readFileSync, writeFileSync } from "node:fs";
import { packageFile } from "../../../src/package-root.ts";
import type { Report } from "./explorer.ts";
import { CHECKS } from "./spaces.ts";

const seconds = Number(process.env["CAPJIT_EXHAUSTIVE_SECONDS"] ?? Infinity);
const names = process.argv.slice(2);
const chosen = CHECKS.filter(({ name }) => names.length === 0 || names.includes(name));

const extentOf = ({ complete, depth }: Report): string =>
  complete ? "all states" : `all sequences of up to ${depth} operations`;

/** Replaces the counts of one check; the others stay. */
function record(name: string, report: Report): void {
  const path = packageFile("tests/kernel/exhaustive/counts.json");
  const counts = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  const { bound, states, transitions, seconds } = report;
  counts[name] = {
    bound: `${bound}; ${extentOf(report)}`,
    states,
    transitions,
    seconds: Math.round(seconds),
  };
  writeFileSync(path, `${JSON.stringify(counts, null, 2)}\n`);
}

function print(report: Report): void {
  const { name, bound, states, transitions, broken } = report;
  const extent = extentOf(report);
  console.log(`${name}: ${states} states, ${transitions} transitions, ${report.seconds.toFixed(1)} s`);
  console.log(`  ${bound}; ${extent}`);
  const outcomes = [...report.outcomes].sort((a, b) => b[1] - a[1]);
  console.log(`  ${outcomes.map(([word, count]) => `${word} ${count}`).join(", ")}`);
  for (const line of broken) console.log(`  BROKEN ${line}`);
}

let states = 0;
let broken = 0;
const start = performance.now();
for (const [i, check] of chosen.entries()) {
  // What one leaves over, the later ones get.
  const left = seconds * 1000 - (performance.now() - start);
  const report = check.run(performance.now() + left / (chosen.length - i));
  print(report);
  if (process.env["CAPJIT_EXHAUSTIVE_RECORD"] !== undefined) record(check.name, report);
  states += report.states;
  broken += report.broken.length;
}
console.log(
  `${states} distinct states, ${((performance.now() - start) / 1000).toFixed(0)} s, ${broken === 0 ? "no rule broken" : "RULES BROKEN"}`,
);
if (broken > 0 || chosen.length === 0) process.exitCode = 1;
