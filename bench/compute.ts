/**
 * Compute programs: capjit against the processor itself and QEMU user mode. Each run is a process of its own; the
 * rounds are interleaved over programs and runners, so that a busy moment of the machine hits all of them alike. A
 * run that gives a wrong result has no time, and makes the exit code 1.
 *
 *   npm run bench:compute [-- --rounds N --programs A,B --tiers js,auto --scale PERCENT --json FILE --no-qemu
 *                             --nodes 20,22,PATH --minutes N --markdown --no-cache --no-trial --cpu]
 *   npm run bench:table     the table of the README: three versions of Node.js, in about ten minutes
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
import { markdownTable } from "./support/compute-markdown.ts";
import { nodesOption, OWN_NODE } from "./support/node-versions.ts";
import { countOption, programsOption, tiersOption } from "./support/options.ts";
import { buildNative } from "./support/programs-on-disk.ts";
import { type Runner, runners } from "./support/runners.ts";

interface Plan {
  readonly rounds: number;
  readonly scale: number;
  /** No further round begins that would end later than this. */
  readonly minutes: number;
  readonly trial: boolean;
}

/** With a trial each cell is checked with one round of work first, so that a wrong one is not measured. */
function measureAll(
  names: readonly ProgramName[],
  all: readonly Runner[],
  { rounds, scale, minutes, trial }: Plan,
): { readonly results: Results; readonly rounds: number } {
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
  const deadline = performance.now() + minutes * 60_000;
  if (trial) runAll(1, false);
  for (let round = 1; ; round++) {
    const start = performance.now();
    runAll(scale, true);
    const end = performance.now();
    process.stderr.write(`round ${round} of ${rounds}: ${Math.round((end - start) / 1000)} s\n`);
    // Another round takes as long as this one.
    if (round === rounds || end + (end - start) > deadline) return { results, rounds: round };
  }
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    programs: { type: "string", default: PROGRAM_NAMES.join(",") },
    tiers: { type: "string", default: "js,auto" },
    scale: { type: "string", default: "100" },
    json: { type: "string" },
    "no-qemu": { type: "boolean", default: false },
    nodes: { type: "string", default: OWN_NODE.path },
    minutes: { type: "string", default: "999" },
    markdown: { type: "boolean", default: false },
    "no-cache": { type: "boolean", default: false },
    "no-trial": { type: "boolean", default: false },
    cpu: { type: "boolean", default: false },
  },
});
const wanted = countOption("rounds", values.rounds);
const minutes = countOption("minutes", values.minutes);
const scale = countOption("scale", values.scale);
const programs = programsOption(values.programs);
const tiers = tiersOption(values.tiers);
const facts = gatherFacts();
const native = buildNative();
const qemu = native && facts.qemu !== null && !values["no-qemu"];
const nodes = nodesOption(values.nodes);
const measure = values.cpu ? "cpu" : "wall";
const used = runners({ tiers, nodes, native, qemu, cache: !values["no-cache"], measure });

const { results, rounds } = measureAll(programs, used, {
  rounds: wanted,
  scale,
  minutes,
  trial: !values["no-trial"],
});
if (values.markdown) {
  console.log(markdownTable(results, used, facts, { rounds, scale, measure }));
} else {
  console.log(
    `${factsLine(facts)}, ${rounds} interleaved rounds, scale ${scale} %, ${measure} time, checks off`,
  );
  console.log(`\n${reportText(results, used)}`);
}
if (!native) console.log("\nThere is no gcc: no native times, so no ratios.");
if (values.json !== undefined) {
  const options = {
    rounds,
    scale,
    programs,
    tiers,
    qemu,
    cache: !values["no-cache"],
    measure,
    nodes: nodes.map(({ version }) => version),
    checks: "off",
  };
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
