/** The ways to run a compute program: the processor itself, QEMU user mode, and capjit with each tier. */

import { join } from "node:path";
import type { ProgramName } from "../../src/cli/bench-programs.ts";
import { QEMU } from "./facts.ts";
import { scaledFile } from "./programs-on-disk.ts";
import { ROOT } from "./root.ts";
import { type FailedRun, timedRun } from "./timed-run.ts";

export interface Measured {
  /** From start to end of the process. */
  readonly processMs: number;
  /** Only capjit's run of the guest: without the start of Node.js, with translation. */
  readonly guestMs?: number;
  readonly instructions?: number;
}

export interface Runner {
  readonly name: string;
  /** Whether it also tells the time of the guest alone. */
  readonly splitsTime: boolean;
  run(program: ProgramName, scale: number): Measured | FailedRun;
}

const NATIVE: Runner = {
  name: "native",
  splitsTime: false,
  run: (program, scale) => runLinux(program, scale),
};
const UNDER_QEMU: Runner = {
  name: "qemu",
  splitsTime: false,
  run: (program, scale) => runLinux(program, scale, QEMU),
};

function runLinux(program: ProgramName, scale: number, emulator?: string): Measured | FailedRun {
  const file = scaledFile(program, "native", scale);
  const result = emulator === undefined ? timedRun(file, []) : timedRun(emulator, [file]);
  if ("problem" in result) return result;
  return result.stdout.endsWith(" ok\n") ? { processMs: result.ms } : { problem: result.stdout.trim() };
}

/** capjit as a user starts it. `root` is the folder of the built revision. */
export function capjitRunner(tier: string, root = ROOT, name = `capjit ${tier}`): Runner {
  const command = join(root, "bin/capjit.js");
  return {
    name,
    splitsTime: true,
    run(program, scale) {
      const file = scaledFile(program, "guest", scale);
      const result = timedRun(process.execPath, [command, "run", file, "--quiet", "--json", "--tier", tier]);
      if ("problem" in result) return result;
      const summary = JSON.parse(result.stderr) as { wallMs: number; instructions: number };
      return { processMs: result.ms, guestMs: summary.wallMs, instructions: summary.instructions };
    },
  };
}

export function runners(options: {
  readonly tiers: readonly string[];
  readonly native: boolean;
  readonly qemu: boolean;
}): Runner[] {
  return [
    ...(options.native ? [NATIVE] : []),
    ...(options.native && options.qemu ? [UNDER_QEMU] : []),
    ...options.tiers.map((tier) => capjitRunner(tier)),
  ];
}
