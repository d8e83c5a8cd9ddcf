/**
 * The whole machine: builds memory, translator and kernel, runs the guests, and carries what ends a run of guest
 * code to the kernel. The only file that knows all parts.
 */

import { cpuidOf } from "./frontend/features.ts";
import { DEFAULT_FEATURES } from "./frontend/implemented.ts";
import { createLifter } from "./frontend/lift/block.ts";
import { createHostInputs } from "./host-inputs.ts";
import { InputError } from "./input-error.ts";
import { type CheckLevel, demand } from "./invariant.ts";
import type { CodeStore } from "./jit/code-store.ts";
import { createEngine, type Engine } from "./jit/engine.ts";
import type { JitOptions } from "./jit/options.ts";
import type { JitObserver } from "./jit/translator.ts";
import type { CpuPort } from "./kernel/cpu-port.ts";
import { FrameAllocator } from "./kernel/frame-allocator.ts";
import { type InitRequest, Kernel } from "./kernel/kernel.ts";
import { defaultMemoryMap } from "./kernel/memory-map.ts";
import type { KernelExit, TraceRecord } from "./kernel/reports.ts";
import type { Sources } from "./kernel/sources.ts";
import { PAGE_BYTES } from "./mmu/address.ts";
import { createMmu } from "./mmu/create-mmu.ts";
import { DEFAULT_RAM_BYTES, MAX_RAM_BYTES } from "./mmu/layout.ts";
import type { Mmu } from "./mmu/mmu.ts";
import { createProcessorPort } from "./processor-port.ts";
import { faultRecord, faultSnapshot } from "./fault-record.ts";
import type { FaultRecord, Outcome, ProcessRecord, RunResult } from "./run-result.ts";
import type { Scenario } from "./scenario.ts";

export interface MachineOptions {
  readonly scenario: Scenario;
  /** Guest RAM; the scenario's or 256 MiB when absent. Rounded down to whole pages. */
  readonly memoryBytes?: number;
  readonly checks: CheckLevel;
  readonly jit: JitOptions;
  readonly clock: "virtual" | "host";
  readonly seed: bigint | "random";
  readonly consoleInput: readonly string[] | "stdin";
  /** Guest console output, unchanged. The bytes are only valid during the call. */
  readonly onConsole: (bytes: Uint8Array) => void;
  /** Called before the host waits for a line of standard input, or for its clock. */
  readonly beforeWait?: () => void;
  readonly maxInstructions?: number;
  /** Called every so often, at least once per slice of the busiest thread; false stops the run. */
  readonly onSlice?: (instructions: number) => boolean;
  readonly trace?: (record: TraceRecord) => void;
  readonly observer?: JitObserver;
  /** Translations of earlier runs. */
  readonly store?: CodeStore;
  /** Counts how often each unit is entered, for dumps. */
  readonly countEntries?: boolean;
}

/** A machine with its first process loaded. */
export interface Machine {
  /**
   * Runs to the end. Throws only an `InvariantError`, a bug of capjit. A run that `onSlice` stopped goes on where
   * it was when called again; nothing in the guest can tell.
   */
  run(): RunResult;
  readonly kernel: Kernel;
  readonly engine: Engine;
  readonly mmu: Mmu;
}

const MIN_RAM_BYTES = 2 << 20;
/** Reports kept; a guest can start children that fault for ever. */
const MAX_FAULTS = 64;
const ASK_EVERY_EXITS = 256;

/** Builds a machine. Throws `InputError` when the scenario cannot start. */
export function createMachine(options: MachineOptions): Machine {
  return new ScenarioMachine(options);
}

class ScenarioMachine implements Machine {
  readonly kernel: Kernel;
  readonly engine: Engine;
  readonly mmu: Mmu;
  readonly #options: MachineOptions;
  readonly #cpu: CpuPort;
  readonly #faults: FaultRecord[] = [];
  #ringEntries = 0;
  #exits = 0;

  constructor(options: MachineOptions) {
    const { scenario, checks } = options;
    this.#options = options;
    this.mmu = createMmu({ ramBytes: ramBytes(options), checks });
    const instructions = (): number => this.engine.instructions;
    const inputs = createHostInputs({
      clock: options.clock,
      seed: options.seed,
      consoleInput: options.consoleInput,
      instructions,
      ...(options.beforeWait === undefined ? {} : { beforeWait: options.beforeWait }),
    });
    this.engine = createEngine({
      mmu: this.mmu,
      lift: createLifter({ features: DEFAULT_FEATURES }),
      options: options.jit,
      checks,
      cpuid: cpuidOf(DEFAULT_FEATURES),
      random: () => ({ lo: inputs.entropy.next32(), hi: inputs.entropy.next32() }),
      observer: options.observer,
      countEntries: options.countEntries ?? false,
      store: options.store,
    });
    this.#cpu = createProcessorPort(this.mmu);
    const { processes, ...limits } = scenario.quotas;
    const { quotasByBinary, stores, session, bootManifest, systemTexts } = scenario;
    this.kernel = new Kernel({
      mmu: this.mmu,
      frames: new FrameAllocator(this.mmu, defaultMemoryMap(this.mmu.frameCount * PAGE_BYTES)),
      inputs,
      console: { write: options.onConsole },
      cpu: this.#cpu,
      instructions,
      binaries: scenario.binaries,
      limits,
      ...(quotasByBinary === undefined ? {} : { limitsByBinary: quotasByBinary }),
      ...(session === undefined ? {} : { session }),
      stores,
      bootManifest,
      systemTexts,
      ...(processes === undefined ? {} : { processLimit: processes }),
      checks,
      trace: (record) => {
        this.#ringEntries++;
        options.trace?.(record);
      },
    });
    this.#startInit(scenario);
  }

  #startInit(scenario: Scenario): void {
    const started = this.kernel.start({
      binary: scenario.init,
      capabilities: grantedSources(scenario, this.kernel.sources),
    });
    if (started.status !== "ok") {
      throw new InputError(`${scenario.name}: init cannot start: ${started.text}`);
    }
  }

  run(): RunResult {
    const outcome = this.#loop();
    if (this.#options.checks !== "off") demand(this.#brokenRules());
    return this.#result(outcome);
  }

  #loop(): Outcome {
    const { onSlice, maxInstructions = Infinity } = this.#options;
    for (;;) {
      const step = this.kernel.next();
      if (step.kind === "deadlock") return { kind: "deadlock", waiting: step.report };
      if (step.kind === "finished") {
        return step.reason === "fault" ? { kind: "init-fault" } : { kind: "exited", exitCode: step.exitCode };
      }
      const limit = maxInstructions - this.engine.instructions;
      const exit = this.engine.run({ slice: step.budget, ...(limit === Infinity ? {} : { limit }) });
      if (exit.kind === "limit") return { kind: "instruction-limit" };
      if (exit.kind === "until") continue;
      this.#handle(exit);
      // Guests that only wait for each other never use up a slice.
      const due = exit.kind === "budget" || ++this.#exits % ASK_EVERY_EXITS === 0;
      if (due && onSlice?.(this.engine.instructions) === false) return { kind: "stopped" };
    }
  }

  #handle(exit: KernelExit): void {
    const snapshot = exit.kind === "fault" ? faultSnapshot(this.mmu, this.engine.cache) : undefined;
    this.kernel.handle(exit);
    const record = this.kernel.faults.at(-1);
    if (snapshot === undefined || record === undefined || this.#faults.length >= MAX_FAULTS) return;
    const program = this.kernel.exits.find(({ process }) => process === record.process)?.binary ?? "";
    this.#faults.push(faultRecord(record, program, snapshot));
  }

  #brokenRules(): string[] {
    return [...this.mmu.brokenRules(), ...this.engine.brokenRules(), ...this.kernel.brokenRules()];
  }

  #result(outcome: Outcome): RunResult {
    const { kernel, engine } = this;
    const alive = [...kernel.processes.values()].map((process): ProcessRecord => {
      return { pid: process.id, name: process.name, program: process.binary, ending: "alive" };
    });
    const ended = kernel.exits.map((exit): ProcessRecord => {
      return {
        pid: exit.process,
        name: exit.name,
        program: exit.binary,
        exitCode: exit.exitCode,
        ending: exit.reason,
      };
    });
    return {
      outcome,
      processes: [...ended, ...alive].sort((a, b) => a.pid - b.pid),
      faults: this.#faults,
      instructions: engine.instructions,
      jit: engine.stats,
      ringEntries: this.#ringEntries,
    };
  }
}

function ramBytes({ scenario, memoryBytes }: MachineOptions): number {
  const wanted = memoryBytes ?? scenario.memoryBytes ?? DEFAULT_RAM_BYTES;
  if (wanted < MIN_RAM_BYTES || wanted > MAX_RAM_BYTES) {
    const [low, high] = [MIN_RAM_BYTES, MAX_RAM_BYTES].map((bytes) => `${Math.floor(bytes / 2 ** 20)}MiB`);
    throw new InputError(`memory of ${wanted} bytes: guest RAM must be between ${low} and ${high}`);
  }
  return wanted - (wanted % PAGE_BYTES);
}

/** CapSet names and kernel sources of init. A single program gets every source, in snake case and in camel case. */
function grantedSources(scenario: Scenario, sources: Sources): InitRequest["capabilities"] {
  const known = [...sources.byName.keys()];
  if (scenario.capabilities !== "every implemented source") {
    for (const [name, source] of scenario.capabilities) {
      if (!sources.byName.has(source)) {
        throw new InputError(
          `${scenario.name}: $.init.capabilities.${name}: the kernel source "${source}" ${sources.refusal(source)}; there are ${known.join(", ")}`,
        );
      }
    }
    return scenario.capabilities;
  }
  return known.flatMap((source) => {
    const snake = source.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return snake === source
      ? [[source, source] as const]
      : ([
          [snake, source],
          [source, source],
        ] as const);
  });
}
