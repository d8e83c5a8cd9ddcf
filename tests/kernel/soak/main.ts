/**
 * Runs scenarios and hostile programs in one process until the time is over (CAPJIT_SOAK_SECONDS, half an hour by
 * default) and looks at what must not grow. Ends with 1 when
 *
 *   - a rule is broken after a run, or a scenario does not end with 0,
 *   - a guest frame is not free when all processes have ended,
 *   - the translations of a machine are beyond the limits of its cache,
 *   - resident memory after the warm-up grew by more than 5 %.
 *
 * Wants `node --expose-gc`, so that what is measured is what is held.
 */

import { runScenario } from "../../guests/run.ts";
import type { ScenarioRun } from "../../guests/run.ts";
import { RUNS } from "./runs.ts";
import type { SoakRun } from "./runs.ts";

const SECONDS = Number(process.env["CAPJIT_SOAK_SECONDS"] ?? 1800);
const HOSTILE_MEMORY_BYTES = 64 << 20;
const HOSTILE_INSTRUCTIONS = 300_000;
const ALLOWED_GROWTH = 1.05;
const MIB = 1 << 20;

const problems: string[] = [];
const samples: { readonly seconds: number; readonly bytes: number }[] = [];
let runs = 0;
let instructions = 0;
let mostPages = 0;
let mostSourceBytes = 0;

function inspect(run: SoakRun, { result, machine }: ScenarioRun): void {
  const { kernel, engine } = machine;
  const problem = (text: string): number => problems.push(`${run.name}, run ${runs}: ${text}`);
  const { outcome } = result;
  if (run.ends && !(outcome.kind === "exited" && outcome.exitCode === 0n))
    problem(`ended by ${outcome.kind}${outcome.kind === "exited" ? ` with ${outcome.exitCode}` : ""}`);
  for (const line of kernel.brokenRules()) problem(line);
  if (kernel.processes.size === 0) {
    const used = kernel.frames.frameCount - kernel.frames.freeCount;
    if (used !== kernel.framesUsedAtStart)
      problem(`${used - kernel.framesUsedAtStart} frames did not come back`);
  }
  const { live, dormant, limits, sourceBytes } = engine.cache;
  const pages = live.size + dormant.size;
  if (pages > limits.pages) problem(`${pages} translated pages, the limit is ${limits.pages}`);
  if (sourceBytes > limits.sourceBytes)
    problem(`${sourceBytes} characters of code, the limit is ${limits.sourceBytes}`);
  mostPages = Math.max(mostPages, pages);
  mostSourceBytes = Math.max(mostSourceBytes, sourceBytes);
  instructions += result.instructions;
}

function once(run: SoakRun, round: number): void {
  runs++;
  const limits = run.ends ? {} : { maxInstructions: HOSTILE_INSTRUCTIONS, memoryBytes: HOSTILE_MEMORY_BYTES };
  inspect(run, runScenario(run.scenario(round), limits));
}

/** Without the garbage of the last runs: what is held. */
function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

const middle = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

const start = performance.now();
const passed = (): number => (performance.now() - start) / 1000;
const warmUp = Math.min(300, SECONDS / 4);
for (let round = 0; passed() < SECONDS && problems.length === 0; round++) {
  for (const run of RUNS) {
    if (passed() < SECONDS) once(run, round);
  }
  samples.push({ seconds: passed(), bytes: residentBytes() });
}

const warm = samples.filter(({ seconds }) => seconds >= warmUp).map(({ bytes }) => bytes);
const third = Math.max(1, Math.floor(warm.length / 3));
const [early, late] = [middle(warm.slice(0, third)), middle(warm.slice(-third))];
if (warm.length >= 6 && late > early * ALLOWED_GROWTH) {
  problems.push(`resident memory grew from ${early} to ${late} bytes`);
}
const mib = (bytes: number): string => (bytes / MIB).toFixed(1);
console.log(
  `${passed().toFixed(0)} s, ${samples.length} rounds, ${runs} runs, ${instructions} guest instructions`,
);
console.log(
  `resident after a warm-up of ${warmUp} s: ${mib(early)} MiB, at the end ${mib(late)} MiB, ${warm.length} samples`,
);
console.log(`translations of one machine: at most ${mostPages} pages, ${mostSourceBytes} characters`);
console.log(
  problems.length === 0
    ? "nothing grew, every frame came back, no rule broken"
    : problems.slice(0, 20).join("\n"),
);
if (problems.length > 0) process.exitCode = 1;
