/**
 * `capjit bench --explain`: why a program is as fast as it is. It runs twice, and both runs do the same to the byte:
 * once under V8's sampling profiler, which says where the time goes, and once with the calls of helpers counted, which
 * costs time and therefore is not timed. Neither leaves anything in the translator when nobody asks.
 */

import { compileUnits, instantiate } from "../jit/emit/javascript/compile.ts";
import { emitBlock } from "../jit/emit/javascript/emit-block.ts";
import { compileModule } from "../jit/emit/webassembly/compile.ts";
import { emitRegion } from "../jit/emit/webassembly/emit-region.ts";
import type { JitOptions } from "../jit/options.ts";
import { runPasses } from "../jit/passes/pipeline.ts";
import { lowerRegionFlags } from "../jit/passes/region-flags.ts";
import type { JitStats } from "../jit/stats.ts";
import type { JitObserver } from "../jit/translator.ts";
import { createMachine, type Machine } from "../machine.ts";
import type { Outcome } from "../run-result.ts";
import type { Scenario } from "../scenario.ts";
import { readSymbols } from "../symbols.ts";
import { benchMachine, type BenchLimits } from "./bench-machine.ts";
import { CallCounter } from "./call-counter.ts";
import {
  type Marks,
  type Phase,
  profiled,
  readProfile,
  type TimeProfile,
  type UnitTime,
} from "./time-profile.ts";

/** A unit with the functions of the guest that begin there, one per program that was seen to run it. */
export interface ExplainedUnit extends UnitTime {
  readonly symbols: readonly string[];
}

export interface Explanation {
  readonly outcome: Outcome;
  readonly instructions: number;
  /** The timed run, from the building of the machine to its end. */
  readonly wallMs: number;
  readonly profile: TimeProfile;
  readonly units: readonly ExplainedUnit[];
  /** Ends of runs of guest code, by kind of exit. */
  readonly exits: ReadonlyMap<string, number>;
  readonly helperCalls: CallCounter["calls"];
  readonly jit: Readonly<JitStats>;
  readonly mmu: Machine["mmu"]["stats"];
}

/** Names of the functions whose time, with all they call, is the time of one part. */
const MARKS: Marks = new Map<string, Phase>([
  ["guestRun", "dispatch"],
  ["kernelNext", "kernel"],
  ["kernelHandle", "kernel"],
  [createMachine.name, "set-up"],
  // The lifter is a class of its own file, whose method has this name.
  ["lift", "lift"],
  [runPasses.name, "passes"],
  [lowerRegionFlags.name, "passes"],
  [emitRegion.name, "emit"],
  [emitBlock.name, "emit"],
  [compileUnits.name, "emit"],
  [compileModule.name, "compile"],
  [instantiate.name, "compile"],
]);

export function explain(scenario: Scenario, jit: JitOptions, limits: BenchLimits): Explanation {
  const names = new UnitNames(scenario, () => machine?.kernel.current?.process.binary);
  let machine: Machine | undefined;
  let wallMs = 0;
  const { result, profile: raw } = profiled(() => {
    const start = performance.now();
    machine = benchMachine(scenario, jit, { limits, observer: { nameFunction: names.nameFunction } });
    markParts(machine, new Map());
    const ended = machine.run();
    wallMs = performance.now() - start;
    return ended;
  });
  const profile = readProfile(raw, MARKS);
  const counter = new CallCounter();
  const exits = new Map<string, number>();
  const { outcome, instructions } = result;
  // As far as the timed run came, which a limit of time may have ended.
  const sameLimits = outcome.kind === "stopped" ? { maxInstructions: instructions } : limits;
  const counted = countedRun(scenario, jit, sameLimits, counter, exits);
  return {
    outcome,
    instructions,
    wallMs,
    profile,
    units: profile.units.map((unit) => ({ ...unit, symbols: names.symbolsOf(unit) })),
    exits,
    helperCalls: counter.calls,
    jit: counted.engine.stats,
    mmu: counted.mmu.stats,
  };
}

function countedRun(
  scenario: Scenario,
  jit: JitOptions,
  limits: BenchLimits,
  { countCalls }: CallCounter,
  exits: Map<string, number>,
): Machine {
  const machine = benchMachine(scenario, jit, { limits, observer: { countCalls } });
  markParts(machine, exits);
  machine.run();
  return machine;
}

/** Functions of a known name around engine and kernel; counts how runs of guest code end. */
function markParts({ engine, kernel }: Machine, exits: Map<string, number>): void {
  const run = engine.run.bind(engine);
  const next = kernel.next.bind(kernel);
  const handle = kernel.handle.bind(kernel);
  engine.run = function guestRun(request) {
    const exit = run(request);
    exits.set(exit.kind, (exits.get(exit.kind) ?? 0) + 1);
    return exit;
  };
  kernel.next = function kernelNext() {
    return next();
  };
  kernel.handle = function kernelHandle(exit) {
    handle(exit);
  };
}

/** Which programs run a unit: asked when a WebAssembly function is named. */
class UnitNames {
  readonly #programs = new Map<string, Set<string>>();
  readonly #symbols: ReadonlyMap<string, ReturnType<typeof readSymbols>>;
  readonly #running: () => string | undefined;

  constructor({ binaries }: Scenario, running: () => string | undefined) {
    this.#symbols = new Map([...binaries].map(([name, elf]) => [name, readSymbols(elf)]));
    this.#running = running;
  }

  readonly nameFunction: NonNullable<JitObserver["nameFunction"]> = (kind, address) => {
    const name = `${kind}_${address.toString(16)}`;
    const programs = this.#programs.get(name) ?? new Set();
    this.#programs.set(name, programs.add(this.#running() ?? ""));
    return name;
  };

  /** A block in JavaScript was not asked about: whatever has a symbol there. */
  symbolsOf({ form, address }: UnitTime): string[] {
    const programs = this.#programs.get(`${form}_${address.toString(16)}`) ?? this.#symbols.keys();
    return [...programs].flatMap((program) => {
      const place = this.#symbols.get(program)?.find(address);
      if (place === undefined) return [];
      const offset = place.offset === 0 ? "" : `+0x${place.offset.toString(16)}`;
      return [`${this.#symbols.size === 1 ? "" : `${program}:`}${place.name}${offset}`];
    });
  }
}
