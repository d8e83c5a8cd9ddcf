/**
 * Compares our code with the published crates, which needs cargo.
 *
 *   main.js compare [seconds] [seed]   random jobs until the time is over, at least a million mutated ELF files
 *   main.js record                     writes recorded.json, which the tests replay without cargo
 */

import { writeFileSync } from "node:fs";
import { packageFile } from "../../src/package-root.ts";
import { compareAnswers, newTally } from "./compare.ts";
import type { Tally } from "./compare.ts";
import type { Job } from "./jobs.ts";
import { baseImages, mutantJob } from "./mutants.ts";
import { Ours } from "./ours.ts";
import { buildProgram, runProgram } from "./program.ts";
import { Random } from "./random.ts";
import { randomJob, STEPWISE_KINDS } from "./random-jobs.ts";
import { encodeRecording } from "./recording.ts";
import type { Recording } from "./recording.ts";

const MUTANTS_AT_LEAST = 1_000_000;
const MUTANTS_PER_BATCH = 50_000;
const JOBS_PER_BATCH = 40;
const STEPS_PER_JOB = 1500;
const RECORDED_STEPS = 600;
const RECORDED_JOBS = 6;
const RECORDED_MUTANTS = 3000;

const images = baseImages(packageFile("guests/out"));
const imageJobs = images.map((payload): Job => ({ kind: "image", payload }));

function compareBatch(program: string, random: Random, tally: Tally): void {
  const stepwise = STEPWISE_KINDS.flatMap((kind) =>
    Array.from({ length: JOBS_PER_BATCH }, () => randomJob(kind, random, STEPS_PER_JOB)),
  );
  const mutants = Array.from({ length: MUTANTS_PER_BATCH }, () => mutantJob(images, random));
  const jobs = [...imageJobs, ...stepwise, ...mutants];
  compareAnswers(new Ours(), jobs, runProgram(program, jobs), tally);
}

function compare(seconds: number, seed: number): void {
  const program = buildProgram();
  const random = new Random(seed);
  const tally = newTally();
  const start = performance.now();
  const passed = (): number => (performance.now() - start) / 1000;
  while (tally.differences.length === 0) {
    compareBatch(program, random, tally);
    if (passed() >= seconds && (tally.steps.get("mutant") ?? 0) >= MUTANTS_AT_LEAST) break;
  }
  console.log(`seed ${seed}, ${passed().toFixed(0)} s, steps compared:`);
  for (const [kind, count] of tally.steps) console.log(`  ${kind.padEnd(12)} ${count}`);
  const list = (title: string, counts: ReadonlyMap<string, number>): void => {
    console.log(title);
    for (const [name, count] of [...counts].sort((a, b) => b[1] - a[1]))
      console.log(`  ${String(count).padStart(9)} ${name}`);
  };
  list("ELF files by verdict:", tally.verdicts);
  list("refused by the parser:", tally.refusals);
  list("outcomes of table steps and submissions:", tally.outcomes);
  console.log(`${tally.differences.length} differences`);
  for (const difference of tally.differences.slice(0, 5)) console.log(difference);
  if (tally.differences.length > 0) process.exitCode = 1;
}

function record(): void {
  const program = buildProgram();
  const random = new Random(1);
  const small = imageJobs.slice(0, 8);
  const groups: Job[][] = STEPWISE_KINDS.map((kind) =>
    Array.from({ length: RECORDED_JOBS }, () => randomJob(kind, random, RECORDED_STEPS)),
  );
  const mutants = Array.from({ length: RECORDED_MUTANTS }, () => mutantJob(images.slice(0, 8), random));
  groups.push([...small, ...mutants]);
  const recording: Recording = groups.map((jobs) => encodeRecording(jobs, runProgram(program, jobs)));
  const path = packageFile("tests/reference/recorded.json");
  writeFileSync(path, JSON.stringify(recording, null, 1) + "\n");
  console.log(`${path}: ${recording.length} groups`);
}

const [command, seconds = "60", seed = "1"] = process.argv.slice(2);
if (command === "record") record();
else if (command === "compare") compare(Number(seconds), Number(seed));
else {
  console.error("usage: main.js compare [seconds] [seed] | record");
  process.exitCode = 2;
}
