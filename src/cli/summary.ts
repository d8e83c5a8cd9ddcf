/** The closing lines of a run on standard error, for people and for programs. */

import type { Outcome, RunResult } from "../run-result.ts";

/** Exit codes of the command line (README, "Exit codes"). */
export const EXIT_EXPECTATION = 123;
export const EXIT_CUT_SHORT = 124;
export const EXIT_INPUT = 125;
export const EXIT_FAULT = 139;
export const EXIT_BUG = 70;

/** The exit code of the command for how the run ended: init's own code, low 8 bits, when it exited by itself. */
export function exitCodeOf(outcome: Outcome): number {
  switch (outcome.kind) {
    case "exited":
      return Number(BigInt.asUintN(8, outcome.exitCode));
    case "init-fault":
      return EXIT_FAULT;
    case "instruction-limit":
    case "stopped":
    case "deadlock":
      return EXIT_CUT_SHORT;
  }
}

/** `1234567` as `1,234,567`. */
export const grouped = (value: number): string => value.toLocaleString("en-US");

/** `1.2 s`, `35 ms`. */
export const duration = (ms: number): string =>
  ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(0)} ms`;

/** `12.3 M` for large counts. */
export function scaled(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)} k`;
  return grouped(Math.round(value));
}

const counted = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(count)} ${count === 1 ? one : many}`;

/** Times a page of translated code stopped serving a process because the guest changed the page. */
const invalidations = ({ invalidations: { write, unmap, protect } }: RunResult["jit"]): number =>
  write.pages + unmap.pages + protect.pages;

/** The summary for people: a line or a few, without a final line end. */
export function summaryText(name: string, result: RunResult, wallMs: number): string {
  const { jit } = result;
  const rate = result.instructions / Math.max(wallMs / 1000, 1e-9);
  const lines = [
    `capjit: ${name}: ${describeOutcome(result.outcome)}`,
    `capjit: ${counted(result.processes.length, "process", "processes")}, ` +
      `${counted(result.instructions, "guest instruction")}, ${counted(result.ringEntries, "ring entry", "ring entries")}`,
    `capjit: ${counted(jit.unitsTranslated, "block")} translated (${counted(jit.instructionsTranslated, "instruction")}), ` +
      `${counted(jit.pagesReused, "code page")} reused, ${counted(invalidations(jit), "invalidation")}`,
    `capjit: ${duration(wallMs)}, ${scaled(rate)} instructions per second`,
  ];
  for (const [mnemonic, count] of jit.unsupported) {
    lines.push(`capjit: not implemented: ${mnemonic} (raised #UD ${counted(count, "time")})`);
  }
  return lines.join("\n");
}

/** One line on how the run ended. */
export function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "exited":
      return `init exited with code ${outcome.exitCode}`;
    case "init-fault":
      return "init died of a fault";
    case "instruction-limit":
      return "stopped: the instruction limit of --max-instructions is used up";
    case "stopped":
      return "stopped: the time limit of --timeout is used up";
    case "deadlock":
      return `stopped: no thread can run again; ${outcome.waiting.join("; ")}`;
  }
}

/** The summary for programs: one JSON object. */
export function summaryJson(name: string, result: RunResult, wallMs: number): string {
  const { outcome, processes, instructions, jit, ringEntries } = result;
  return JSON.stringify({
    scenario: name,
    outcome: outcome.kind,
    exitCode: outcome.kind === "exited" ? Number(outcome.exitCode) : null,
    processes: processes.map(({ pid, name: process, program, exitCode, ending }) => ({
      pid,
      name: process,
      program,
      ending,
      exitCode: exitCode === undefined ? null : Number(exitCode),
    })),
    instructions,
    ringEntries,
    blocksTranslated: jit.unitsTranslated,
    instructionsTranslated: jit.instructionsTranslated,
    codePagesReused: jit.pagesReused,
    invalidations: invalidations(jit),
    unsupported: Object.fromEntries(jit.unsupported),
    faults: result.faults.length,
    wallMs: Math.round(wallMs * 10) / 10,
    instructionsPerSecond: Math.round(instructions / Math.max(wallMs / 1000, 1e-9)),
  });
}
