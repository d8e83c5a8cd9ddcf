/** What rounds came to, added up. Workers send theirs as plain numbers. */

import type { Kind, RoundOutcome } from "./rounds.ts";

export interface Progress {
  readonly round: number;
  readonly kind: Kind;
  readonly single: number;
  readonly sequences: number;
  readonly programs: number;
  readonly executed: readonly (readonly [executor: string, cases: number])[];
  readonly byEncoding: readonly (readonly [encoding: string, cases: number])[];
  readonly reports: readonly string[];
}

export function progressOf(round: number, outcome: RoundOutcome, reports: readonly string[]): Progress {
  const { kind, compared, single, programs, executors, executed, byEncoding } = outcome;
  const [first = "", second] = executors;
  return {
    round,
    kind,
    single,
    sequences: kind === "instructions" ? compared - single : 0,
    programs,
    executed: [[first, compared], ...(second === undefined ? [] : [[second, executed - compared] as const])],
    byEncoding: [...byEncoding],
    reports,
  };
}

export class Tally {
  single = 0;
  sequences = 0;
  programs = 0;
  /** One more than the last round that was done. */
  rounds = 0;
  readonly byEncoding = new Map<string, number>();
  readonly byExecutor = new Map<string, number>();
  readonly reports: string[] = [];

  add(progress: Progress): void {
    this.single += progress.single;
    this.sequences += progress.sequences;
    this.programs += progress.programs;
    this.rounds = Math.max(this.rounds, progress.round + 1);
    this.reports.push(...progress.reports);
    for (const [name, count] of progress.executed)
      this.byExecutor.set(name, (this.byExecutor.get(name) ?? 0) + count);
    for (const [key, count] of progress.byEncoding)
      this.byEncoding.set(key, (this.byEncoding.get(key) ?? 0) + count);
  }

  get line(): string {
    const { single, sequences, programs, reports } = this;
    return `${single} single-instruction cases, ${sequences} sequences, ${programs} programs: ${reports.length} divergent`;
  }
}
