/** A machine that runs a region through the WebAssembly back end; counterpart of `bench-machine.ts`. */

import { CallTable } from "../../../../src/jit/call-table.ts";
import { Runtime } from "../../../../src/jit/emit/javascript/runtime.ts";
import { compileModule } from "../../../../src/jit/emit/webassembly/compile.ts";
import { emitRegion } from "../../../../src/jit/emit/webassembly/emit-region.ts";
import { type SharedHelpers, WasmRuntime } from "../../../../src/jit/emit/webassembly/runtime.ts";
import type { Region } from "../../../../src/jit/ir/region.ts";
import { BUDGET, CALL_SITE, FLAGS_B, FLAGS_CODE, JUMP_SOURCE, RIP } from "../../../../src/jit/ir/state.ts";
import { createStats } from "../../../../src/jit/stats.ts";
import {
  type RuntimeHooks,
  STATUS_GO,
  STATUS_GO_COMPUTED,
  STATUS_GO_PREEMPTIBLE,
  STATUS_STOP,
  STATUS_SYSCALL,
} from "../../../../src/jit/unit.ts";
import { flagBitsOf } from "../../../support/evaluator.ts";
import {
  createGuest,
  type Guest,
  loadState,
  memoryOf,
  MmuMachine,
  resetMemory,
  ripOf,
  type Trace,
  wordAt,
} from "../bench-machine.ts";

const SHOWN_STATE = 1280;

export interface WasmTrace extends Trace {
  readonly status: number;
}

export class WasmBench {
  readonly guest: Guest = createGuest();
  readonly runtime: Runtime;
  readonly #wasm: WasmRuntime;
  readonly #calls: CallTable;
  #machine = new MmuMachine(this.guest);

  constructor() {
    const hooks: RuntimeHooks = {
      follow: () => null,
      resume: (status) => status,
      goOn: () => false,
      callAt: () => null,
      cpuid: (register, leaf, subleaf) => this.#machine.cpuid(register, leaf, subleaf),
      instructionsAtUnitEntry: () => this.#machine.instructionsAtEntry(),
      random: () => {
        const value = this.#machine.random();
        return { lo: Number(BigInt.asIntN(32, value)), hi: Number(BigInt.asIntN(32, value >> 32n)) };
      },
    };
    this.#calls = new CallTable(this.guest.mmu.words, createStats());
    this.runtime = new Runtime(this.guest.mmu, hooks, "full");
    const shared = this.runtime.helpers as unknown as SharedHelpers;
    const { table } = this.#calls;
    this.#wasm = new WasmRuntime(this.guest.mmu, this.runtime, shared, { hooks, table });
  }

  /** Runs the region from this state and memory filled anew, entered at a label. */
  trace(region: Region, state: Uint8Array, inPlace: boolean, label = 0): WasmTrace {
    const code = emitRegion({
      region,
      inPlace,
      accessGrouping: true,
      stateFlow: true,
      calls: this.#calls,
      unsupported: (name) => this.#wasm.unsupported(name),
    });
    const [enter] = compileModule([code], { imports: this.#wasm.imports, table: region.returns });
    if (enter === undefined) throw new Error("not compiled");
    resetMemory(this.guest);
    loadState(this.guest, state);
    this.#machine = new MmuMachine(this.guest);
    Object.assign(this.runtime, { stop: "none", pendingFault: undefined, completed: 0 });
    const before = wordAt(this.guest, BUDGET);
    const status = enter(label);
    const instructions = before - wordAt(this.guest, BUDGET) + this.runtime.completed;
    return { status, ...this.#outcome(status), ...shown(this.guest), instructions, rip: ripOf(this.guest) };
  }

  #outcome(status: number): { outcome: string } {
    if ([STATUS_GO, STATUS_GO_PREEMPTIBLE, STATUS_GO_COMPUTED].includes(status)) return { outcome: "follow" };
    if (status === STATUS_SYSCALL) return { outcome: "syscall" };
    const { stop, pendingFault: fault } = this.runtime;
    if (status !== STATUS_STOP || stop === "none") throw new Error(`left with ${status}, stop "${stop}"`);
    return { outcome: stop === "fault" ? `fault ${fault?.vector} ${fault?.errorCode}` : stop };
  }
}

/** What of the guest a block may have changed; engine words and unused flags words are not the guest's. */
function shown(guest: Guest): Pick<Trace, "flags" | "state" | "memory"> {
  const state = guest.state.slice(0, SHOWN_STATE);
  const flags = flagBitsOf(guest.state.slice());
  state.fill(0, RIP, RIP + 8);
  state.fill(0, FLAGS_CODE, FLAGS_B + 8);
  state.fill(0, BUDGET, CALL_SITE + 4);
  state.fill(0, JUMP_SOURCE, JUMP_SOURCE + 8);
  return { flags, state, memory: memoryOf(guest) };
}
