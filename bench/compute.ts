/**
 * Compute programs: capjit against the processor itself and QEMU user mode. Each run is a process of its own; the
 * rounds are interleaved over programs and runners, so that a busy moment of the machine hits all of them alike. A
 * run that gives a wrong result has no time, and makes the exit code 1.
 *
 *   npm run bench:compute [-- --rounds N --programs A,B --tiers js,auto --scale PERCENT --json FILE --no-qemu]
 */

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type ProgramName, PROGRAM_NAMES } from "../src/cli/bench-programs.ts";
import {
  type Cell,
  meansOf,
  problemsOf,
  reportText,
  type Results,
  resultsJson,
} from "./support/compute-report.ts";
import { factsLine, gatherFacts } from "./support/facts.ts";
import { countOption, programsOption, tiersOption } from "./support/options.ts";
import { buildNative } from "./support/programs-on-disk.ts";
import { type Runner, runners } from "./support/runners.ts";

/** Each cell is checked with one round of work first: a wrong one is not measured. */
function measure(
  names: readonly ProgramName[],
  all: readonly Runner[],
  rounds: number,
  scale: number,
): Results {
  const emptyCells = (): Map<string, Cell> => new Map(all.map(({ name }) => [name, { samples: [] }]));
  const results = new Map(names.map((name) => [name, emptyCells()]));
  const runAll = (percent: number, keep: boolean): void => {
    for (const [name, cells] of results) {
      for (const runner of all) {
        const cell = cells.get(runner.name);
        if (cell === undefined || cell.problem !== undefined) continue;
        const measured = runner.run(name, percent);
        if ("problem" in measured) cell.problem = measured.problem;
        else if (keep) cell.samples.push(measured);
      }
    }
  };
  runAll(1, false);
  for (let round = 1; round <= rounds; round++) {
    runAll(scale, true);
    process.stderr.write(`round ${round} of ${rounds}\n`);
  }
  return results;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    programs: { type: "string", default: PROGRAM_NAMES.join(",") },
    tiers: { type: "string", default: "js,auto" },
    scale: { type: "string", default: "100" },
    json: { type: "string" },
    "no-qemu": { type: "boolean", default: false },
  },
});
const rounds = countOption("rounds", values.rounds);
const scale = countOption("scale", values.scale);
const programs = programsOption(values.programs);
const tiers = tiersOption(values.tiers);
const facts = gatherFacts();
const native = buildNative();
const qemu = native && facts.qemu !== null && !values["no-qemu"];
const used = runners({ tiers, native, qemu });

const results = measure(programs, used, rounds, scale);
console.log(`${factsLine(facts)}, ${rounds} interleaved rounds, scale ${scale} %, checks off`);
if (!native) console.log("There is no gcc: no native times, so no ratios.");
console.log(`\n${reportText(results, used)}`);
if (values.json !== undefined) {
  const options = { rounds, scale, programs, tiers, qemu, checks: "off" };
  const file = {
    bench: "compute",
    facts,
    options,
    means: meansOf(results, used),
    programs: resultsJson(results),
  };
  writeFileSync(values.json, `${JSON.stringify(file, null, 2)}\n`);
}
if (problemsOf(results).length > 0) process.exitCode = 1;
