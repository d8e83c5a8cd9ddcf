/** Machines for `capjit bench`: no console, no stored translations, checks off, the same run every time. */

import type { JitOptions } from "../jit/options.ts";
import type { JitObserver } from "../jit/translator.ts";
import { createMachine, type Machine } from "../machine.ts";
import type { Scenario } from "../scenario.ts";

export interface BenchLimits {
  readonly maxInstructions?: number | undefined;
  /** Of one run. */
  readonly timeoutMs?: number | undefined;
}

export interface BenchMachineOptions {
  readonly limits: BenchLimits;
  readonly observer?: JitObserver;
}

/** The run is deterministic, but for where a limit of time ends it. */
export function benchMachine(
  scenario: Scenario,
  jit: JitOptions,
  { limits: { maxInstructions, timeoutMs = Infinity }, observer }: BenchMachineOptions,
): Machine {
  const deadline = performance.now() + timeoutMs;
  return createMachine({
    scenario,
    checks: "off",
    jit,
    clock: "virtual",
    seed: 1n,
    consoleInput: scenario.consoleInput ?? [],
    onConsole: () => undefined,
    onSlice: () => performance.now() < deadline,
    ...(maxInstructions === undefined ? {} : { maxInstructions }),
    ...(observer === undefined ? {} : { observer }),
  });
}
