/** The public interface of the package. */

export { createCpu } from "./cpu.ts";
export type { Cpu, CpuExit, CpuFault, CpuOptions, CpuRun, Prot } from "./cpu.ts";
export { InputError } from "./input-error.ts";
export { type CheckLevel, InvariantError } from "./invariant.ts";
export { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "./jit/options.ts";
export { createMachine, type Machine, type MachineOptions } from "./machine.ts";
export type { FaultRecord, Outcome, PageFacts, PageOrigin, ProcessRecord, RunResult } from "./run-result.ts";
export { type Expectation, loadScenario, type Quotas, type Scenario, singleProgram } from "./scenario.ts";
