/**
 * What each optimisation is worth: programs as usual, with one switch of `src/jit/options.ts` the other way at a time,
 * and with everything off. Each cell is a process of its own; the rounds are interleaved. Times are those of the guest
 * alone, of all threads on processors, so that other work of the machine counts least.
 *
 *   npm run bench:ablation [-- --rounds N --programs A,B --tier auto --switches A,B --scale PERCENT --json FILE]
 */

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS, TIERS } from "../src/jit/options.ts";
import type { ProgramName } from "../src/cli/bench-programs.ts";
import { factsLine, gatherFacts } from "./support/facts.ts";
import { countOption, programsOption, refuse, tierOption } from "./support/options.ts";
import { spreadOf } from "../src/cli/spread.ts";
import { compareSpreads, geometricMean } from "./support/statistics.ts";
import { figure, tableText } from "../src/cli/table.ts";
import { timedRun } from "./support/timed-run.ts";

const CELL = fileURLToPath(new URL("support/ablation-cell.js", import.meta.url));
const DEFAULT_PROGRAMS = "core-mix,interpreter,lists,multiply64,recursion,sha256,sort,strings";
/** Every option that is on or off, so a new one is here from the start. */
const SWITCHES = Object.entries(DEFAULT_OPTIONS).flatMap(([name, value]: [string, unknown]) =>
  typeof value === "boolean" ? [{ name, usual: value }] : [],
);
const SWITCH_NAMES = SWITCHES.map(({ name }) => name);
/** A switch whose effect is smaller than this in every program does not pay. */
const WORTH = 0.03;

interface Configuration {
  readonly name: string;
  readonly jit: Partial<JitOptions>;
  /** Milliseconds, or why there are none. */
  readonly cells: Map<ProgramName, number[] | string>;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    programs: { type: "string", default: DEFAULT_PROGRAMS },
    tier: { type: "string", default: "auto" },
    switches: { type: "string", default: SWITCH_NAMES.join(",") },
    scale: { type: "string", default: "20" },
    json: { type: "string" },
  },
});
const rounds = countOption("rounds", values.rounds);
const scale = countOption("scale", values.scale);
const programs = programsOption(values.programs);
const tier = tierOption(values.tier);
const switches = values.switches.split(",");
for (const name of switches) {
  if (!SWITCH_NAMES.includes(name)) {
    refuse(`--switches: there is no ${name}; there are ${SWITCH_NAMES.join(", ")}`);
  }
}

const configuration = (name: string, jit: Partial<JitOptions>): Configuration => ({
  name,
  jit: { tier, ...jit },
  cells: new Map(programs.map((program) => [program, []])),
});
const base = configuration(`as usual, tier ${tier}`, {});
const toggled = SWITCHES.filter(({ name }) => switches.includes(name)).map(({ name, usual }) =>
  configuration(`${usual ? "without" : "with"} ${name}`, { [name]: !usual }),
);
const configurations = [
  base,
  ...TIERS.filter((other) => other !== tier).map((other) => configuration(`tier ${other}`, { tier: other })),
  ...toggled,
  configuration("plain", PLAIN_OPTIONS),
];

function runCell({ jit, cells }: Configuration, program: ProgramName): void {
  const samples = cells.get(program);
  if (samples === undefined || typeof samples === "string") return;
  const result = timedRun(process.execPath, [CELL, program, String(scale), JSON.stringify(jit)]);
  if ("problem" in result) cells.set(program, result.problem);
  else samples.push(Number(result.stdout));
}

for (let round = 1; round <= rounds; round++) {
  for (const program of programs) for (const each of configurations) runCell(each, program);
  process.stderr.write(`round ${round} of ${rounds}\n`);
}

/** Time over the time with everything on, and whether the difference is more than noise. */
function effect(
  { cells }: Configuration,
  program: ProgramName,
): { ratio: number; real: boolean } | undefined {
  const [before, after] = [base.cells.get(program), cells.get(program)];
  if (!Array.isArray(before) || !Array.isArray(after)) return undefined;
  const [first, second] = [spreadOf(before), spreadOf(after)];
  return { ratio: second.median / first.median, real: compareSpreads(first, second) !== "noise" };
}

const rows = configurations.map((each) => {
  const effects = programs.map((program) => [program, effect(each, program)] as const);
  const known = effects.flatMap(([, found]) => (found === undefined ? [] : [found.ratio]));
  return { name: each.name, jit: each.jit, mean: geometricMean(known), effects };
});
const facts = gatherFacts();
console.log(`${factsLine(facts)}, ${rounds} interleaved rounds, scale ${scale} %, checks off\n`);
console.log(
  tableText(
    ["time over the usual", "mean", ...programs],
    rows.map(({ name, mean, effects }) => [
      name,
      figure(mean),
      ...effects.map(([, found]) =>
        found === undefined ? "WRONG" : `${figure(found.ratio)}${found.real ? "" : "~"}`,
      ),
    ]),
  ),
);
console.log("\n~: within noise of the usual.");
const idle = rows.filter(
  ({ name, effects }) =>
    toggled.some((each) => each.name === name) &&
    effects.every(([, found]) => found !== undefined && Math.abs(found.ratio - 1) < WORTH),
);
const names = idle.map(({ name }) => name).join(", ");
console.log(`Less than ${WORTH * 100} % in every program: ${names === "" ? "none" : names}.`);
const problems = configurations.flatMap(({ name, cells }) =>
  [...cells].flatMap(([program, cell]) => (typeof cell === "string" ? [`${program}, ${name}: ${cell}`] : [])),
);
for (const problem of problems) console.log(`Without a time: ${problem}`);
if (problems.length > 0) process.exitCode = 1;
if (values.json !== undefined) {
  const options = { rounds, scale, programs, tier };
  const cells = configurations.map(({ name, cells: all }) => ({ name, samples: Object.fromEntries(all) }));
  const file = { bench: "ablation", facts, options, rows, cells };
  writeFileSync(values.json, `${JSON.stringify(file, null, 2)}\n`);
}
