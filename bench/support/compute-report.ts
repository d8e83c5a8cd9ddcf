/** The table and the JSON form of what `compute.ts` measured. */

import { type ProgramName, PROGRAMS } from "../../src/cli/bench-programs.ts";
import { groupsOf } from "../programs.ts";
import type { Measured, Runner } from "./runners.ts";
import { type Spread, spreadOf } from "../../src/cli/spread.ts";
import { geometricMean, isNoisy } from "./statistics.ts";
import { figure, tableText } from "../../src/cli/table.ts";

/** What is known about one program under one runner. */
export interface Cell {
  readonly samples: Measured[];
  /** Why there is no time. */
  problem?: string;
}

export type Results = ReadonlyMap<ProgramName, ReadonlyMap<string, Cell>>;

/** A measure of one runner: the whole process, or capjit's run of the guest alone. */
interface Column {
  readonly title: string;
  /** For people who do not know how it is run. */
  readonly label: string;
  readonly runner: string;
  readonly guest: boolean;
  /** Whether the runner has both measures. */
  readonly splits: boolean;
}

interface GroupMean {
  readonly group: string;
  /** Programs measured, and in the group. */
  readonly measured: number;
  readonly size: number;
  /** By `runner` or `runner, guest only`: the mean over native, and of how many programs. */
  readonly ratios: Readonly<Record<string, { readonly mean: number; readonly of: number }>>;
}

export const columnsOf = (all: readonly Runner[]): Column[] =>
  all
    .filter(({ name }) => name !== "native")
    .flatMap(({ name, label, splitsTime: splits }) => [
      { title: name, label, runner: name, guest: false, splits },
      ...(splits ? [{ title: "guest only", label, runner: name, guest: true, splits }] : []),
    ]);

export const keyOf = ({ runner, title, guest }: Column): string => (guest ? `${runner}, ${title}` : runner);

export function spreadIn(cell: Cell | undefined, guest = false): Spread | undefined {
  if (cell === undefined || cell.problem !== undefined) return undefined;
  const times = cell.samples.map(({ processMs, guestMs }) => (guest ? guestMs : processMs));
  const known = times.filter((ms) => ms !== undefined);
  return known.length === 0 ? undefined : spreadOf(known);
}

/** Median over the native median of the whole process; undefined when one of them is missing. */
export function ratioIn(cells: ReadonlyMap<string, Cell> | undefined, runner: string, guest = false) {
  const base = spreadIn(cells?.get("native"));
  const own = spreadIn(cells?.get(runner), guest);
  return base === undefined || own === undefined ? undefined : own.median / base.median;
}

const marked = (spread: Spread, text: string): string => (isNoisy(spread) ? `~${text}` : text);

function cellText(cells: ReadonlyMap<string, Cell>, { runner, guest }: Column): string {
  if (cells.get(runner)?.problem !== undefined) return "WRONG";
  const own = spreadIn(cells.get(runner), guest);
  if (own === undefined) return "-";
  const times = ratioIn(cells, runner, guest);
  return marked(own, times === undefined ? `${figure(own.median)} ms` : `${figure(times)}x`);
}

export function meansOf(results: Results, all: readonly Runner[]): GroupMean[] {
  return groupsOf([...results.keys()]).map(({ group, names, size }) => {
    const ratios: Record<string, { mean: number; of: number }> = {};
    for (const column of columnsOf(all)) {
      const known = names
        .map((name) => ratioIn(results.get(name), column.runner, column.guest))
        .filter((times) => times !== undefined);
      if (known.length > 0) ratios[keyOf(column)] = { mean: geometricMean(known), of: known.length };
    }
    return { group, measured: names.length, size, ratios };
  });
}

export function problemsOf(results: Results): string[] {
  return [...results].flatMap(([name, cells]) =>
    [...cells].flatMap(([runner, { problem }]) =>
      problem === undefined ? [] : [`${name} under ${runner}: ${problem}`],
    ),
  );
}

export function reportText(results: Results, all: readonly Runner[]): string {
  const columns = columnsOf(all);
  const titles = columns.map(({ title }) => title);
  const rows = [...results].map(([name, cells]) => {
    const native = spreadIn(cells.get("native"));
    const nativeText = native === undefined ? "-" : marked(native, figure(native.median));
    return [name, PROGRAMS[name].kind, nativeText, ...columns.map((column) => cellText(cells, column))];
  });
  const means = meansOf(results, all).map(({ group, measured, size, ratios }) => [
    group,
    `${measured} of ${size}`,
    ...columns.map((column) => {
      const mean = ratios[keyOf(column)];
      if (mean === undefined) return "-";
      return `${figure(mean.mean)}x${mean.of < measured ? ` (${mean.of})` : ""}`;
    }),
  ]);
  const problems = problemsOf(results);
  return [
    tableText(["program", "class", "native ms", ...titles], rows),
    "",
    tableText(["geometric mean", "programs", ...titles], means),
    "",
    "x: median over the native median. ~: the runs lie more than 25 % apart. (n): the mean of n programs only.",
    ...(problems.length === 0 ? [] : ["Without a time:", ...problems.map((line) => `  ${line}`)]),
  ].join("\n");
}

export function resultsJson(results: Results): object {
  const cellJson = (cells: ReadonlyMap<string, Cell>, runner: string, cell: Cell): object => {
    if (cell.problem !== undefined) return { problem: cell.problem };
    return {
      process: spreadIn(cell),
      ratio: ratioIn(cells, runner),
      guest: spreadIn(cell, true),
      guestRatio: ratioIn(cells, runner, true),
      samples: cell.samples,
    };
  };
  return Object.fromEntries(
    [...results].map(([name, cells]) => {
      const runners = [...cells].map(([runner, cell]) => [runner, cellJson(cells, runner, cell)] as const);
      return [name, { class: PROGRAMS[name].kind, runners: Object.fromEntries(runners) }];
    }),
  );
}
