/**
 * Wall time of every shipped scenario, cold: from process start to exit, as a user sees it. Rounds are interleaved
 * over the scenarios, so that a busy moment of the machine hits all of them alike.
 *
 *   npm run bench:scenarios [-- rounds]
 */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../bin/capjit.js", import.meta.url));
const GOAL_MS = 800;
const rounds = Number(process.argv[2] ?? 7);

function runOnce(name: string): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, "run", name, "--quiet"], {
    encoding: "utf8",
  });
  const ms = performance.now() - start;
  if (status !== 0) throw new Error(`${name} exited with ${status}: ${stderr}`);
  return ms;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

const { stdout } = spawnSync(process.execPath, [COMMAND, "scenarios"], { encoding: "utf8" });
const names = stdout
  .trimEnd()
  .split("\n")
  .map((line) => line.split(" ", 1)[0] ?? "");
const samples = new Map<string, number[]>(names.map((name) => [name, []]));
for (let round = 0; round < rounds; round++) for (const name of names) samples.get(name)?.push(runOnce(name));

console.log(
  `node ${process.version}, ${rounds} interleaved rounds, ms from process start to exit (goal ${GOAL_MS})`,
);
console.log(`${"scenario".padEnd(22)} ${"min".padStart(6)} ${"median".padStart(7)} ${"max".padStart(6)}`);
for (const [name, times] of samples) {
  const cells = [Math.min(...times), median(times), Math.max(...times)].map((ms) => ms.toFixed(0));
  console.log(
    `${name.padEnd(22)} ${cells[0]?.padStart(6)} ${cells[1]?.padStart(7)} ${cells[2]?.padStart(6)}`,
  );
}
