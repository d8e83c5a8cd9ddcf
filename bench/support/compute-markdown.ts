/** The table of `compute.ts` as Markdown: every program and the geometric means, all as multiples of native time. */

import { type ProgramName, PROGRAMS } from "../../src/cli/bench-programs.ts";
import { figure } from "../../src/cli/table.ts";
import { type Facts, factsSentence } from "./facts.ts";
import { columnsOf, keyOf, meansOf, ratioIn, type Results, spreadIn } from "./compute-report.ts";
import type { Runner } from "./runners.ts";
import type { Measure } from "./timed-run.ts";

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** What the figures mean. */
interface Conditions {
  readonly rounds: number;
  readonly scale: number;
  readonly measure: Measure;
}

export function markdownTable(
  results: Results,
  all: readonly Runner[],
  facts: Facts,
  { rounds, scale, measure }: Conditions,
): string {
  // Of capjit the guest alone: with less work than usual the start of Node.js would be most of the time.
  const columns = columnsOf(all).filter(({ splits, guest }) => guest === splits);
  const header = ["program", "kind", "native ms", ...columns.map(({ label }) => label)];
  const means = meansOf(results, all).map(({ group, measured, size, ratios }) => {
    const cells = columns.map((column) => {
      const mean = ratios[keyOf(column)];
      return mean === undefined
        ? "-"
        : `**${figure(mean.mean)}**${mean.of < measured ? ` (${mean.of})` : ""}`;
    });
    return row([
      `**${group}**`,
      measured === size ? `${size} programs` : `${measured} of ${size}`,
      "",
      ...cells,
    ]);
  });
  const programs = [...results].map(([name, cells]) => {
    const native = spreadIn(cells.get("native"));
    const ratios = columns.map(({ runner, guest }) => {
      if (cells.get(runner)?.problem !== undefined) return "WRONG";
      const ratio = ratioIn(cells, runner, guest);
      return ratio === undefined ? "-" : figure(ratio);
    });
    return row([name, kindOf(name), native === undefined ? "-" : figure(native.median), ...ratios]);
  });
  return [
    `Multiples of native ${measure} time. ${factsSentence(facts)} Median of ${rounds} interleaved ${rounds === 1 ? "run" : "runs"}, ` +
      `${scale} % of the work. Of capjit the guest alone, translation included; checks off. First the geometric means.`,
    "",
    row(header),
    row(header.map((_, k) => (k < 2 ? "---" : "---:"))),
    ...means,
    ...programs,
  ].join("\n");
}

const kindOf = (name: ProgramName): string => PROGRAMS[name].kind;
