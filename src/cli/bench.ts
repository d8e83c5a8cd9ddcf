/** `capjit bench`: lists the compute programs, times one, or explains where its time goes. */

import { existsSync } from "node:fs";
import { closest, InputError } from "../input-error.ts";
import { DEFAULT_OPTIONS, type JitOptions } from "../jit/options.ts";
import type { RunResult } from "../run-result.ts";
import { type Scenario, singleProgram } from "../scenario.ts";
import { type BenchLimits, benchMachine } from "./bench-machine.ts";
import type { BenchArguments } from "./bench-options.ts";
import { isProgram, programBytes, PROGRAM_NAMES, PROGRAMS, scaledProgram } from "./bench-programs.ts";
import { findScenario } from "./find-scenario.ts";
import { demandWritten, type Output } from "./output.ts";
import { parseCount, parseSeconds } from "./run-values.ts";
import { shippedNames } from "./shipped.ts";
import { type Spread, spreadOf } from "./spread.ts";
import { describeOutcome, exitCodeOf, grouped, scaled } from "./summary.ts";
import { tableText } from "./table.ts";

const MAX_ROUNDS = 1000;
const MAX_SCALE = 999_999;
const MAX_TOP = 10_000;

/** Writes what was asked for and returns the exit code. Throws `InputError` for a problem of the invocation. */
export async function bench(args: BenchArguments, output: Output): Promise<number> {
  const write = (text: string): void => output.stdout.write(`${text}\n`);
  const exitCode = await answer(args, write);
  demandWritten(output.stdout);
  return exitCode;
}

async function answer(args: BenchArguments, write: (text: string) => void): Promise<number> {
  const rounds = countWithin(args.rounds, "--rounds", MAX_ROUNDS);
  const top = countWithin(args.top, "--top", MAX_TOP);
  const limits = parseLimits(args);
  const jit = { ...DEFAULT_OPTIONS, tier: args.tier };
  if (args.program === undefined) {
    if (args.explain) throw new InputError("explain what? expected a program; capjit bench lists them");
    write(args.json ? JSON.stringify(PROGRAMS) : programList());
    return 0;
  }
  const scenario = benchScenario(args.program, args);
  if (!args.explain) return time(scenario, jit, { limits, rounds, json: args.json }, write);
  const [{ explain }, { explanationText, explanationJson }] = await Promise.all([
    import("./bench-explain.ts"),
    import("./bench-report.ts"),
  ]);
  const explanation = explain(scenario, jit, limits);
  const shown = { name: scenario.name, tier: jit.tier, top };
  write(args.json ? explanationJson(explanation, shown) : explanationText(explanation, shown));
  return exitCodeOf(explanation.outcome);
}

function countWithin(text: string, option: string, most: number): number {
  const count = parseCount(text, option);
  if (count >= 1 && count <= most) return count;
  throw new InputError(`${option} ${text}: expected a number from 1 to ${most}`);
}

const parseLimits = ({ maxInstructions, timeout }: BenchArguments): BenchLimits => ({
  maxInstructions:
    maxInstructions === undefined ? undefined : parseCount(maxInstructions, "--max-instructions"),
  timeoutMs: timeout === undefined ? undefined : parseSeconds(timeout, "--timeout") * 1000,
});

/** A program of the list, with its share of work written into it, or whatever `capjit run` takes. */
function benchScenario(name: string, { scale, binary = [] }: BenchArguments): Scenario {
  const percent = countWithin(scale, "--scale", MAX_SCALE);
  if (!isProgram(name)) {
    if (!/[/\\.]/.test(name) && !shippedNames().includes(name) && !existsSync(name))
      throw unknownProgram(name);
    if (percent !== 100) throw new InputError(`--scale ${scale}: ${name} is not a program of the list`);
    return findScenario(name, binary);
  }
  if (binary.length > 0) throw new InputError(`--binary: ${name} starts no other program`);
  const bytes = scaledProgram(programBytes(name), percent);
  if (bytes === undefined) throw new InputError(`${name}: its file has no place for --scale`);
  return singleProgram(name, bytes);
}

function unknownProgram(name: string): InputError {
  const meant = closest(name, [...PROGRAM_NAMES, ...shippedNames()]);
  const help = meant === undefined ? "capjit bench lists them" : `did you mean "${meant}"?`;
  return new InputError(`unknown program "${name}"; ${help}`);
}

function programList(): string {
  const rows = Object.entries(PROGRAMS).map(([name, { kind, text }]) => [name, kind, text] as const);
  const lines = rows.map(([name, kind, text]) => `${name.padEnd(15)} ${kind.padEnd(8)} ${text}`);
  return lines.join("\n");
}

interface Timing {
  readonly limits: BenchLimits;
  readonly rounds: number;
  readonly json: boolean;
}

interface TimedRun {
  readonly setUpMs: number;
  readonly runMs: number;
  readonly result: RunResult;
}

function timedRun(scenario: Scenario, jit: JitOptions, limits: BenchLimits): TimedRun {
  const start = performance.now();
  const machine = benchMachine(scenario, jit, { limits });
  const ready = performance.now();
  const result = machine.run();
  return { setUpMs: ready - start, runMs: performance.now() - ready, result };
}

function time(
  scenario: Scenario,
  jit: JitOptions,
  { limits, rounds, json }: Timing,
  write: (text: string) => void,
): number {
  const runs: TimedRun[] = [];
  for (let round = 0; round < rounds; round++) {
    const run = timedRun(scenario, jit, limits);
    runs.push(run);
    // A wrong run has no time, and more of them tell nothing.
    if (run.result.outcome.kind !== "exited" || run.result.outcome.exitCode !== 0n) break;
  }
  const [first, ...later] = runs;
  const last = runs.at(-1);
  if (first === undefined || last === undefined) throw new Error("no runs");
  const exitCode = exitCodeOf(last.result.outcome);
  write(json ? timesJson(scenario.name, jit, runs) : timesText(scenario.name, jit, first, later));
  return exitCode;
}

function timesText(name: string, jit: JitOptions, first: TimedRun, later: readonly TimedRun[]): string {
  const { outcome, instructions, jit: stats } = (later.at(-1) ?? first).result;
  const row = (title: string, { median, min, max }: Spread): string[] => [
    title,
    median.toFixed(1),
    min.toFixed(1),
    max.toFixed(1),
    scaled(instructions / Math.max(median / 1000, 1e-9)),
  ];
  const rows = [row("first run", spreadOf([first.runMs]))];
  if (later.length > 0) rows.push(row(`${later.length} later`, spreadOf(later.map(({ runMs }) => runMs))));
  rows.push([
    "set-up",
    ...row("", spreadOf([first, ...later].map(({ setUpMs }) => setUpMs))).slice(1, 4),
    "",
  ]);
  return [
    `${name}, tier ${jit.tier}: ${describeOutcome(outcome)}`,
    `${grouped(instructions)} guest instructions, ${grouped(stats.unitsTranslated)} blocks translated, ` +
      `${grouped(stats.regionsCompiled)} regions`,
    "",
    tableText(["ms", "median", "min", "max", "instructions/s"], rows),
  ].join("\n");
}

function timesJson(name: string, { tier }: JitOptions, runs: readonly TimedRun[]): string {
  return JSON.stringify({
    name,
    tier,
    runs: runs.map(({ setUpMs, runMs, result: { outcome, instructions } }) => ({
      outcome: outcome.kind,
      exitCode: outcome.kind === "exited" ? Number(outcome.exitCode) : null,
      setUpMs,
      runMs,
      instructions,
    })),
  });
}
