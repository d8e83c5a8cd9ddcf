/**
 * What translation costs: time and emitted text per guest instruction, where all code runs once, and what an
 * instruction costs once the code has run often. Generated code is the pure case; the shipped scenarios show the
 * same counters for real programs, whose time also holds kernel calls.
 *
 *   npm run bench:translation [-- --rounds N --tier auto --functions N --json FILE]
 */

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadScenario, type Scenario } from "../src/scenario.ts";
import { DEFAULT_OPTIONS, type JitOptions } from "../src/jit/options.ts";
import { factsLine, gatherFacts } from "./support/facts.ts";
import { generatedProgram, MAX_FUNCTIONS } from "./support/generated-code.ts";
import { type GuestRun, guestRun } from "./support/guest-run.ts";
import { countOption, refuse, tierOption } from "./support/options.ts";
import { ROOT } from "./support/root.ts";
import { spreadOf } from "../src/cli/spread.ts";
import { isNoisy } from "./support/statistics.ts";
import { figure, tableText } from "../src/cli/table.ts";

/** Passes over the generated code: the first translates, later ones run what is there. */
const STEADY_PASSES = 5000;
const STEADY_FUNCTIONS = 100;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    functions: { type: "string", default: "1000" },
    tier: { type: "string", default: "auto" },
    json: { type: "string" },
  },
});
const rounds = countOption("rounds", values.rounds);
const functions = countOption("functions", values.functions);
if (functions > MAX_FUNCTIONS) refuse(`--functions: at most ${MAX_FUNCTIONS} fit into an image`);
const jit: JitOptions = { ...DEFAULT_OPTIONS, tier: tierOption(values.tier) };
const facts = gatherFacts();

const cold: Scenario[] = [generatedProgram(functions, 1)];
for (const file of readdirSync(join(ROOT, "scenarios"))) {
  if (file.endsWith(".json") && !file.endsWith(".schema.json")) {
    cold.push(loadScenario(join(ROOT, "scenarios", file), file.slice(0, -".json".length)));
  }
}
const steady = generatedProgram(STEADY_FUNCTIONS, STEADY_PASSES);
const first = generatedProgram(STEADY_FUNCTIONS, 1);

const coldRuns = new Map<Scenario, GuestRun[]>(cold.map((scenario) => [scenario, []]));
const steadyNs: number[] = [];
// V8 compiles the translator itself in the first pass, which is not kept.
for (const scenario of cold) guestRun(scenario, jit);
for (let round = 0; round < rounds; round++) {
  for (const [scenario, runs] of coldRuns) runs.push(guestRun(scenario, jit));
  const [once, often] = [guestRun(first, jit), guestRun(steady, jit)];
  steadyNs.push(((often.ms - once.ms) * 1e6) / (often.instructions - once.instructions));
}

const rows = [...coldRuns].map(([{ name }, runs]) => {
  const { jit, instructions } = runs.at(-1) ?? refuse("no runs");
  const translated = jit.instructionsTranslated;
  const us = spreadOf(runs.map(({ ms }) => (ms * 1000) / translated));
  return {
    name,
    units: jit.unitsTranslated,
    translated,
    executed: instructions,
    us,
    text: jit.sourceBytes / translated,
  };
});
const steadySpread = spreadOf(steadyNs);

console.log(`${factsLine(facts)}, ${rounds} interleaved rounds, tier ${jit.tier}, checks off\n`);
console.log(
  tableText(
    [
      "first run of",
      "units",
      "instructions translated",
      "executed",
      "us per translated",
      "min",
      "max",
      "text bytes",
    ],
    rows.map(({ name, units, translated, executed, us, text }) => [
      name,
      String(units),
      String(translated),
      String(executed),
      `${isNoisy(us) ? "~" : ""}${figure(us.median)}`,
      figure(us.min),
      figure(us.max),
      figure(text),
    ]),
  ),
);
const { median, min, max } = steadySpread;
console.log(
  `\nsteady: ${figure(median)} ns per executed instruction (${figure(min)} to ${figure(max)}), ` +
    `${STEADY_FUNCTIONS} functions, ${STEADY_PASSES} passes`,
);
if (values.json !== undefined) {
  const file = {
    bench: "translation",
    facts,
    options: { tier: jit.tier, rounds, functions },
    cold: rows,
    steadyNs: steadySpread,
  };
  writeFileSync(values.json, `${JSON.stringify(file, null, 2)}\n`);
}
