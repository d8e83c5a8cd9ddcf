/** Runs scenarios inside the test process. */

import { join } from "node:path";
import type { CheckLevel } from "../../src/invariant.ts";
import { DEFAULT_OPTIONS, type JitOptions } from "../../src/jit/options.ts";
import { createMachine, type Machine } from "../../src/machine.ts";
import type { RunResult } from "../../src/run-result.ts";
import { loadScenario, readBinary, type Scenario, singleProgram } from "../../src/scenario.ts";

const ROOT = join(import.meta.dirname, "../..");

export const SHIPPED = [
  "attack",
  "faults",
  "hello",
  "ipc",
  "ipc-zerocopy",
  "memoryobject-shared",
  "quotas",
  "smoke",
  "spawn",
  "storage",
  "threads",
] as const;

export interface RunOptions {
  readonly jit?: JitOptions;
  readonly checks?: CheckLevel;
  readonly memoryBytes?: number;
  readonly maxInstructions?: number;
  readonly onSlice?: (instructions: number) => boolean;
  /** Called before the first instruction, to add processes. */
  readonly prepare?: (machine: Machine) => void;
}

export interface ScenarioRun {
  readonly console: string;
  readonly result: RunResult;
  readonly machine: Machine;
}

export const shipped = (name: string): Scenario =>
  loadScenario(join(ROOT, "scenarios", `${name}.json`), name);
export const guestFile = (name: string): Uint8Array => readBinary(join(ROOT, "guests/out", `${name}.elf`));
export const guestProgram = (name: string): Scenario => singleProgram(name, guestFile(name));

export function runScenario(scenario: Scenario, options: RunOptions = {}): ScenarioRun {
  const { prepare, ...rest } = options;
  const parts: Uint8Array[] = [];
  const machine = createMachine({
    checks: "off",
    jit: DEFAULT_OPTIONS,
    clock: "virtual",
    seed: 1n,
    ...rest,
    scenario,
    consoleInput: scenario.consoleInput ?? [],
    onConsole: (bytes) => void parts.push(Uint8Array.from(bytes)),
  });
  prepare?.(machine);
  const result = machine.run();
  return { console: Buffer.concat(parts).toString("utf8"), result, machine };
}

/** What must be the same however the code was translated. */
export function visible({ console, result }: ScenarioRun): object {
  const { outcome, processes, instructions, ringEntries } = result;
  const faults = result.faults.map(({ pid, vector, errorCode, address, rip, registers }) => {
    return { pid, vector, errorCode, address, rip, registers };
  });
  return { console, outcome, processes, instructions, ringEntries, faults };
}
