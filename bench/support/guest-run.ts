/** Runs of guests inside this process: time of the machine alone, without the start of Node.js. */

import { DEFAULT_OPTIONS, type JitOptions } from "../../src/jit/options.ts";
import type { JitStats } from "../../src/jit/stats.ts";
import { createMachine } from "../../src/machine.ts";
import type { Scenario } from "../../src/scenario.ts";

export interface GuestRun {
  /** From the first guest instruction to the last. */
  readonly ms: number;
  /** The same in time of all threads on processors, which a busy machine changes least. */
  readonly cpuMs: number;
  /** Before that: memory, kernel and the first process. */
  readonly setUpMs: number;
  readonly instructions: number;
  readonly jit: Readonly<JitStats>;
}

/** Runs to the end; throws when the guest does not exit with the code that is expected, 0 by default. */
export function guestRun(
  scenario: Scenario,
  jit: JitOptions = DEFAULT_OPTIONS,
  memoryBytes?: number,
): GuestRun {
  const start = performance.now();
  const machine = createMachine({
    scenario,
    checks: "off",
    jit,
    clock: "virtual",
    seed: 1n,
    consoleInput: scenario.consoleInput ?? [],
    onConsole: () => undefined,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  });
  const ready = performance.now();
  const cpuBefore = process.cpuUsage();
  const { outcome, instructions, jit: stats } = machine.run();
  const ms = performance.now() - ready;
  const { user, system } = process.cpuUsage(cpuBefore);
  const expected = BigInt(scenario.expect.exitCode ?? 0);
  if (outcome.kind !== "exited" || outcome.exitCode !== expected) {
    const code = outcome.kind === "exited" ? ` with ${outcome.exitCode}` : "";
    throw new Error(`${scenario.name}: ${outcome.kind}${code}`);
  }
  return { ms, cpuMs: (user + system) / 1000, setUpMs: ready - start, instructions, jit: stats };
}
