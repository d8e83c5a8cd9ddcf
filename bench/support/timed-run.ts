/** One run of a command in a process of its own, timed from start to end. */

import { spawnSync } from "node:child_process";

export interface TimedRun {
  readonly ms: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FailedRun {
  readonly problem: string;
}

const TIMEOUT_MS = 300_000;
const OUTPUT_BYTES = 16 << 20;

/** A run that does not exit with 0 has no time. */
export function timedRun(command: string, args: readonly string[], cwd?: string): TimedRun | FailedRun {
  const start = performance.now();
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    maxBuffer: OUTPUT_BYTES,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const ms = performance.now() - start;
  if (error !== undefined) return { problem: error.message };
  if (status !== 0) return { problem: signal === null ? `exit code ${status}` : `ended by ${signal}` };
  return { ms, stdout, stderr };
}
