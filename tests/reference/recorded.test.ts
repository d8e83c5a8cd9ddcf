/** Our code against recorded answers of the published crates, step by step. `main.ts record` makes the recording. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compareAnswers, newTally } from "./compare.ts";
import { firstDifference } from "./jobs.ts";
import type { Job } from "./jobs.ts";
import { ELF_TEXTS, Ours } from "./ours.ts";
import { STEPWISE_KINDS } from "./random-jobs.ts";
import { decodeRecording } from "./recording.ts";
import type { Recording } from "./recording.ts";

const recording = JSON.parse(readFileSync(new URL("recorded.json", import.meta.url), "utf8")) as Recording;

test("every kind of job is recorded", () => {
  expect(recording.map(({ kind }) => kind)).toEqual([...STEPWISE_KINDS, "mutant"]);
});

test.each(recording)("$kind: $jobs jobs do what the published crates do", (group) => {
  const { jobs, answers } = decodeRecording(group);
  expect(jobs).toHaveLength(group.jobs);
  const tally = newTally();
  compareAnswers(new Ours(), jobs, answers, tally);
  expect(tally.differences[0]).toBeUndefined();
  expect(tally.steps.get(group.kind)).toBeGreaterThanOrEqual(3000);
});

test("files of every verdict are recorded", () => {
  const group = recording.at(-1);
  if (group === undefined) throw new Error("nothing recorded");
  const { jobs, answers } = decodeRecording(group);
  const tally = newTally();
  compareAnswers(new Ours(), jobs, answers, tally);
  expect([...tally.verdicts.keys()].sort()).toEqual([
    "parser refuses",
    "runs",
    "segmentNotReadable",
    "segmentOutsideImageArea",
    "segmentOverlapsFixedPages",
    "segmentWritableAndExecutable",
    "tlsTooLarge",
  ]);
  // Every word of the parser.
  expect([...tally.refusals.keys()].sort()).toEqual([...new Set(Object.values(ELF_TEXTS))].sort());
});

test("a difference names the step and what led to it", () => {
  const job: Job = {
    kind: "frameLedger",
    payload: Uint8Array.of(0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0),
  };
  const right = new Ours().run(job);
  expect(firstDifference(job, right, right)).toBeUndefined();
  const wrong = Uint8Array.from(right);
  wrong[2] = 9;
  expect(firstDifference(job, wrong, right)).toBe(
    "frameLedger, step 1\n0: 000300000000000000 -> 0001\n1: 010400000000000000 -> 0901\nours: 0301",
  );
});
