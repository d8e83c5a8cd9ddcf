/**
 * The toy guest without an engine: lifts one instruction, evaluates it, looks where to go. What the engine does must
 * be the same, exit by exit.
 */

import { FAULT_FETCH } from "../../../src/mmu/fault.ts";
import { fromHalves, type GuestAddress, pageOf, type PageNumber } from "../../../src/mmu/address.ts";
import { SCRATCH_BYTE, STATE_BYTE } from "../../../src/mmu/layout.ts";
import { ACCESS_FAULT, type Mmu } from "../../../src/mmu/mmu.ts";
import type { IrBlock } from "../../../src/jit/ir/block.ts";
import { type EvaluatedExit, evaluate } from "../../../src/jit/ir/evaluate.ts";
import type { Machine, MemoryFault } from "../../../src/jit/ir/meaning.ts";
import { RIP } from "../../../src/jit/ir/state.ts";
import { createToyLift } from "./toy-guest.ts";

export interface Outcome {
  readonly kind: "syscall" | "fault" | "budget" | "limit";
  readonly vector?: number;
  readonly errorCode?: number;
}

const lift = createToyLift();

/** Runs toy code on the active space of an MMU that no engine listens to. */
export class ToyReference {
  instructions = 0;
  readonly #mmu: Mmu;
  readonly #machine: Machine;

  constructor(mmu: Mmu) {
    this.#mmu = mmu;
    this.#machine = machineOn(mmu, () => this.instructions);
  }

  run(slice: number, limit: number): Outcome {
    const start = this.instructions;
    for (;;) {
      if (this.instructions - start >= limit) return { kind: "limit" };
      const block = this.#fetch();
      if ("vector" in block) return { kind: "fault", vector: block.vector, errorCode: block.errorCode };
      const exit = evaluate(block, this.#machine);
      this.instructions += exit.instructionsCompleted;
      this.#mmu.view.setBigUint64(STATE_BYTE + RIP, BigInt.asUintN(64, exit.rip), true);
      if (exit.kind === "syscall") return { kind: "syscall" };
      if (exit.kind === "fault") {
        return { kind: "fault", vector: exit.fault.vector, errorCode: exit.fault.errorCode };
      }
      if (preemptible(exit, block.address) && this.instructions - start >= slice) return { kind: "budget" };
    }
  }

  /** The instruction at RIP, or the fault of its fetch. */
  #fetch(): IrBlock | MemoryFault {
    const word = (STATE_BYTE + RIP) >> 2;
    const [lo, hi] = [this.#mmu.words[word]!, this.#mmu.words[word + 1]!];
    const address = fromHalves(lo, hi);
    if (hi >> 15 !== 0) return this.#refusedOutside(lo, hi);
    const page = this.#page(pageOf(address));
    if ("vector" in page) return page;
    let refused: MemoryFault = { vector: 0, errorCode: 0 };
    const next = (): Uint8Array | undefined => {
      const bytes = this.#page((pageOf(address) + 1) as PageNumber);
      if (!("vector" in bytes)) return bytes;
      refused = bytes;
      return undefined;
    };
    const block = lift(address, { page, next }, 1);
    return "kind" in block ? refused : block;
  }

  #page(page: PageNumber): Uint8Array | MemoryFault {
    const frame = this.#mmu.active!.fetchFrame(page);
    return typeof frame === "number" ? this.#mmu.frameBytes(frame) : frame;
  }

  #refusedOutside(lo: number, hi: number): MemoryFault {
    if (hi >> 15 !== -1) return { vector: 13, errorCode: 0 };
    this.#mmu.load(lo, hi, 1, 0);
    return { vector: 14, errorCode: (this.#mmu.fault?.errorCode ?? 0) | FAULT_FETCH };
  }
}

/** Calls, returns, computed jumps, and direct ones that do not go forward. */
function preemptible(exit: EvaluatedExit, from: GuestAddress): boolean {
  if (exit.kind === "indirect") return true;
  if (exit.kind === "jump") return exit.transfer === "call" || (exit.transfer === "jump" && exit.rip <= from);
  return exit.kind === "branch" && exit.taken && exit.rip <= from;
}

function machineOn(mmu: Mmu, instructionsAtEntry: () => number): Machine {
  const { view } = mmu;
  const halves = (value: bigint): [number, number] => [
    Number(BigInt.asIntN(32, value)),
    Number(BigInt.asIntN(32, value >> 32n)),
  ];
  const read = (at: number, bytes: number): bigint =>
    bytes === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
  const write = (at: number, bytes: number, value: bigint): void => {
    if (bytes === 4) view.setUint32(at, Number(value), true);
    else view.setBigUint64(at, value, true);
  };
  const refused = (): MemoryFault => mmu.fault ?? { vector: 0, errorCode: 0 };
  return {
    getState: (offset, bytes) => read(STATE_BYTE + offset, bytes),
    setState: (offset, bytes, value) => write(STATE_BYTE + offset, bytes, value),
    load: (address, bytes, access) =>
      mmu.load(...halves(address), bytes, access) === ACCESS_FAULT ? refused() : read(SCRATCH_BYTE, 8),
    store: (address, bytes, value, access) => {
      write(SCRATCH_BYTE, 8, value);
      return mmu.store(...halves(address), bytes, access, true) === ACCESS_FAULT ? refused() : undefined;
    },
    probeWrite: () => undefined,
    cpuid: () => 0,
    instructionsAtEntry,
    random: () => 0n,
  };
}
