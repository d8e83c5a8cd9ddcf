/** The closing lines of a run on standard error, for people and for programs. */

import type { Outcome, RunResult } from "../run-result.ts";

/** Exit codes of the command line (README, "Exit codes"). */
export const EXIT_EXPECTATION = 123;
export const EXIT_CUT_SHORT = 124;
export const EXIT_INPUT = 125;
export const EXIT_FAULT = 139;
export const EXIT_BUG = 70;
/** As a shell reports a command that died of SIGINT or SIGPIPE. */
const EXIT_INTERRUPTED = 130;
const EXIT_READER_GONE = 141;

/** Who ended a run from outside. */
export type StopReason = "timeout" | "interrupt" | "reader gone";

/** The exit code of the command for how the run ended: init's own code, low 8 bits, when it exited by itself. */
export function exitCodeOf(outcome: Outcome, stop: StopReason = "timeout"): number {
  switch (outcome.kind) {
    case "exited":
      return Number(BigInt.asUintN(8, outcome.exitCode));
    case "init-fault":
      return EXIT_FAULT;
    case "instruction-limit":
    case "deadlock":
      return EXIT_CUT_SHORT;
    case "stopped":
      return STOP_CODES[stop];
  }
}

const STOP_CODES: Readonly<Record<StopReason, number>> = {
  timeout: EXIT_CUT_SHORT,
  interrupt: EXIT_INTERRUPTED,
  "reader gone": EXIT_READER_GONE,
};

const STOP_TEXTS: Readonly<Record<StopReason, string>> = {
  timeout: "stopped: the time limit of --timeout is used up",
  interrupt: "stopped: interrupted",
  "reader gone": "stopped: nobody reads standard output any more",
};

/** `1234567` as `1,234,567`. Loading a locale for this would cost a tenth of a cold start. */
export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

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
export const invalidations = ({ invalidations: { write, unmap, protect } }: RunResult["jit"]): number =>
  write.pages + unmap.pages + protect.pages;

/** What a summary is made of. */
export interface Ended {
  readonly name: string;
  readonly result: RunResult;
  readonly stop: StopReason | undefined;
  readonly wallMs: number;
  /** Of all threads, those that compile included. */
  readonly cpuMs: number;
}

/** The summary for people: a line or a few, without a final line end. */
export function summaryText({ name, result, stop, wallMs }: Ended): string {
  const { jit } = result;
  const rate = result.instructions / Math.max(wallMs / 1000, 1e-9);
  const lines = [
    `capjit: ${name}: ${describeOutcome(result.outcome, stop)}`,
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
export function describeOutcome(outcome: Outcome, stop: StopReason = "timeout"): string {
  switch (outcome.kind) {
    case "exited":
      return `init exited with code ${outcome.exitCode}`;
    case "init-fault":
      return "init died of a fault";
    case "instruction-limit":
      return "stopped: the instruction limit of --max-instructions is used up";
    case "stopped":
      return STOP_TEXTS[stop];
    case "deadlock":
      return `stopped: no thread can run again; ${outcome.waiting.join("; ")}`;
  }
}
