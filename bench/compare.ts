/**
 * Two revisions against each other: each is built in a private folder, then programs and scenarios run interleaved,
 * A and B taking turns in going first. Times are those of whole processes. A difference counts only when the runs of
 * both do not overlap and the medians are more than 25 % apart.
 *
 *   npm run bench:compare -- A B [--rounds N --programs A,B --scenarios A,B --tiers js,auto --scale PERCENT --json FILE]
 *
 * A and B are anything git names a commit by; `.` is the working tree as it is.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { factsLine, gatherFacts } from "./support/facts.ts";
import { countOption, programsOption, refuse, tiersOption } from "./support/options.ts";
import { buildRevision, commitOf, type Revision, WORKING_TREE } from "./support/revision.ts";
import { capjitRunner } from "./support/runners.ts";
import { type Spread, spreadOf } from "../src/cli/spread.ts";
import { compareSpreads, geometricMean } from "./support/statistics.ts";
import { figure, tableText } from "../src/cli/table.ts";
import { timedRun } from "./support/timed-run.ts";

const DEFAULT_PROGRAMS = "calls,core-mix,interpreter,lists,recursion,sha256,sort,strings";

/** Something that both revisions run. */
interface Item {
  readonly name: string;
  /** Milliseconds, or why there are none. */
  readonly run: (revision: Revision) => number | string;
}

interface Sampled {
  readonly item: Item;
  readonly before: number[];
  readonly after: number[];
  problem?: string;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "7" },
    programs: { type: "string", default: DEFAULT_PROGRAMS },
    scenarios: { type: "string", default: "hello,smoke,spawn" },
    tiers: { type: "string", default: "auto" },
    scale: { type: "string", default: "20" },
    json: { type: "string" },
  },
});
const [nameA, nameB] = positionals;
if (nameA === undefined || nameB === undefined || positionals.length > 2) {
  refuse("give two revisions: npm run bench:compare -- A B");
}
for (const name of positionals) {
  if (name !== WORKING_TREE && commitOf(name) === undefined) refuse(`there is no revision ${name}`);
}
const rounds = countOption("rounds", values.rounds);
const scale = countOption("scale", values.scale);
const programs = values.programs === "" ? [] : programsOption(values.programs);
const tiers = tiersOption(values.tiers);
const scenarios = values.scenarios === "" ? [] : values.scenarios.split(",");

const scenarioItem = (scenario: string, tier: string): Item => ({
  name: `${scenario} (${tier})`,
  run({ folder }) {
    const args = [join(folder, "bin/capjit.js"), "run", scenario, "--quiet", "--tier", tier];
    const result = timedRun(process.execPath, args);
    return "problem" in result ? result.problem : result.ms;
  },
});

const items: readonly Item[] = tiers.flatMap((tier) => [
  ...programs.map((program): Item => ({
    name: `${program} (${tier})`,
    run({ folder }) {
      const result = capjitRunner(tier, { root: folder }).run(program, scale);
      return "problem" in result ? result.problem : result.processMs;
    },
  })),
  ...scenarios.map((scenario) => scenarioItem(scenario, tier)),
]);

/** One run of both revisions; the first of a pair can be the slower one, so they take turns. */
function sample(sampled: Sampled, a: Revision, b: Revision, swap: boolean): void {
  for (const revision of swap ? [b, a] : [a, b]) {
    if (sampled.problem !== undefined) return;
    const result = sampled.item.run(revision);
    if (typeof result === "string") sampled.problem = `${revision.name}: ${result}`;
    else (revision === a ? sampled.before : sampled.after).push(result);
  }
}

function measure(a: Revision, b: Revision): Sampled[] {
  const all = items.map((item): Sampled => ({ item, before: [], after: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const sampled of all) sample(sampled, a, b, round % 2 === 1);
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  return all;
}

const range = ({ median, min, max }: Spread): string => `${figure(median)} (${figure(min)}..${figure(max)})`;

const folder = mkdtempSync(join(tmpdir(), "capjit-compare-"));
try {
  const a = buildRevision(nameA, join(folder, "a"));
  const b = buildRevision(nameB, join(folder, "b"));
  const facts = gatherFacts();
  const rows = measure(a, b).map(({ item: { name }, before, after, problem }) => {
    if (problem !== undefined) return { name, problem };
    const [first, second] = [spreadOf(before), spreadOf(after)];
    return {
      name,
      a: first,
      b: second,
      ratio: second.median / first.median,
      verdict: compareSpreads(first, second),
    };
  });
  console.log(`${factsLine(facts)}, ${rounds} interleaved rounds, scale ${scale} %, checks off`);
  for (const [letter, { name, commit }] of [["A", a] as const, ["B", b] as const]) {
    console.log(`${letter} = ${name} (${commit})`);
  }
  const cells = rows.map((row) =>
    "problem" in row
      ? [row.name, "-", "-", "-", `WRONG: ${row.problem}`]
      : [row.name, range(row.a), range(row.b), figure(row.ratio), row.verdict],
  );
  console.log(`\n${tableText(["run", "A ms", "B ms", "B / A", ""], cells)}`);
  const ratios = rows.flatMap((row) => ("ratio" in row ? [row.ratio] : []));
  console.log(`\ngeometric mean of B / A: ${figure(geometricMean(ratios))} over ${ratios.length} runs`);
  if (values.json !== undefined) {
    const options = { rounds, scale, programs, scenarios, tiers };
    const file = { bench: "compare", facts, a: a.commit, b: b.commit, options, rows };
    writeFileSync(values.json, `${JSON.stringify(file, null, 2)}\n`);
  }
  if (ratios.length < rows.length) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
