/** One run of a command in a process of its own, timed from start to end. */

import { spawnSync } from "node:child_process";

/** `cpu`: the time of all its threads on processors, which a busy machine changes least. */
export type Measure = "wall" | "cpu";

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
/** Runs its arguments as a command; the last line of standard error is the processor time in seconds. */
const WITH_TIMES = "TIMEFORMAT=$'\\n%U %S'; time \"$@\"";

/** A run that does not exit with 0 has no time. */
export function timedRun(
  command: string,
  args: readonly string[],
  measure: Measure = "wall",
): TimedRun | FailedRun {
  const [program, all] =
    measure === "cpu" ? ["bash", ["-c", WITH_TIMES, "bash", command, ...args]] : [command, args];
  const start = performance.now();
  const { status, signal, error, stdout, stderr } = spawnSync(program, all, {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    maxBuffer: OUTPUT_BYTES,
  });
  const ms = performance.now() - start;
  if (error !== undefined) return { problem: error.message };
  if (status !== 0) return { problem: signal === null ? `exit code ${status}` : `ended by ${signal}` };
  return measure === "cpu" ? processorTime(stdout, stderr) : { ms, stdout, stderr };
}

function processorTime(stdout: string, stderr: string): TimedRun | FailedRun {
  const match = /^([^]*)\n([0-9]+)[.,]([0-9]{3}) ([0-9]+)[.,]([0-9]{3})\n$/.exec(stderr);
  if (match === null) return { problem: `no processor time: ${stderr}` };
  const [, own = "", user, userMs, system, systemMs] = match;
  return {
    ms: 1000 * (Number(user) + Number(system)) + Number(userMs) + Number(systemMs),
    stdout,
    stderr: own,
  };
}
