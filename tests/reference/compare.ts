/** Compares our answers with the reference's, and our loader's verdict on each file with the rules written down. */

import { planImage } from "../../src/kernel/loader.ts";
import type { Job } from "./jobs.ts";
import { firstDifference, Reader, STEP_BYTES, stepsOf } from "./jobs.ts";
import { expectedVerdict } from "./loader-rules.ts";
import { Ours } from "./ours.ts";

export interface Tally {
  /** Steps compared, by kind of job. */
  readonly steps: Map<string, number>;
  /** Files by verdict; those the parser refuses by its words. */
  readonly verdicts: Map<string, number>;
  readonly refusals: Map<string, number>;
  /** Table steps by the code of their outcome (`src/table.rs`), submissions by theirs. */
  readonly outcomes: Map<string, number>;
  readonly differences: string[];
}

export const newTally = (): Tally => {
  return { steps: new Map(), verdicts: new Map(), refusals: new Map(), outcomes: new Map(), differences: [] };
};

const add = (counts: Map<string, number>, name: string, amount: number): void =>
  void counts.set(name, (counts.get(name) ?? 0) + amount);

export function compareAnswers(
  ours: Ours,
  jobs: readonly Job[],
  expected: readonly Uint8Array[],
  tally: Tally,
): void {
  for (const [i, job] of jobs.entries()) {
    const wanted = expected[i] ?? new Uint8Array(0);
    const difference =
      firstDifference(job, wanted, ours.run(job)) ?? verdictDifference(ours, job, wanted, tally);
    if (difference !== undefined) tally.differences.push(difference);
    add(tally.steps, job.kind, stepsOf(job));
    countOutcomes(job, wanted, tally);
  }
}

/** What the steps came to, so that one can see that every outcome was met. */
function countOutcomes({ kind }: Job, answer: Uint8Array, { outcomes }: Tally): void {
  const [, length = 0] = (kind === "table" || kind === "wire" ? STEP_BYTES[kind] : undefined) ?? [];
  if (length === 0) return;
  for (let at = 0; at < answer.length; at += length) add(outcomes, `${kind} ${answer[at]}`, 1);
}

function verdictDifference(ours: Ours, job: Job, answer: Uint8Array, tally: Tally): string | undefined {
  if (job.kind !== "mutant") return undefined;
  const wanted = expectedVerdict(answer);
  add(tally.verdicts, wanted, 1);
  if (wanted === "parser refuses") {
    add(tally.refusals, Buffer.from(answer.subarray(1)).toString(), 1);
    return undefined;
  }
  const planned = planImage(ours.images.mutate(new Reader(job.payload)));
  const got = planned.status === "ok" ? "runs" : planned.kind;
  if (got === wanted) return undefined;
  return `mutant ${Buffer.from(job.payload).toString("hex")}: the loader says ${got}, its rules ${wanted}`;
}
