/**
 * Runs IR blocks on a plain state block and a simple memory: bytes by 64-bit address, with ranges that fault.
 * Memory is a map so that any address, also a random one, can be used.
 */

import type { IrBlock } from "../../src/jit/ir/block.ts";
import { type EvaluatedExit, evaluate } from "../../src/jit/ir/evaluate.ts";
import type { Machine, MemoryFault } from "../../src/jit/ir/meaning.ts";
import { ACCESS_ALIGNED, ACCESS_MODIFY } from "../../src/jit/ir/ops.ts";

/** Bytes of the state block that tests use. */
export const STATE_BYTES = 4096;

/** Bytes by address. Unwritten bytes read as a fixed function of their address. */
export class SimpleMemory {
  readonly bytes = new Map<bigint, number>();
  /** The fault an access of these bytes raises, if any. Default: none. */
  readonly check: (address: bigint, write: boolean) => MemoryFault | undefined;

  constructor(check: SimpleMemory["check"] = () => undefined) {
    this.check = check;
  }

  read(address: bigint): number {
    return this.bytes.get(address) ?? Number((address * 37n + (address >> 8n) + 11n) & 0xffn);
  }

  faultOf(address: bigint, bytes: number, write: boolean): MemoryFault | undefined {
    for (let i = 0n; i < BigInt(bytes); i++) {
      const fault = this.check(BigInt.asUintN(64, address + i), write);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
}

export interface SimpleInputs {
  readonly instructionsAtEntry?: number;
  /** Successive results of `random`; afterwards zero. */
  readonly random?: readonly bigint[];
}

/** A machine over a state block and a simple memory. CPUID answers a fixed function of its operands. */
export class SimpleMachine implements Machine {
  readonly state: Uint8Array;
  readonly memory: SimpleMemory;
  readonly #inputs: SimpleInputs;
  #randomIndex = 0;

  constructor(
    state: Uint8Array = new Uint8Array(STATE_BYTES),
    memory = new SimpleMemory(),
    inputs: SimpleInputs = {},
  ) {
    this.state = state;
    this.memory = memory;
    this.#inputs = inputs;
  }

  getState(offset: number, bytes: number): bigint {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.state[offset + i] ?? 0);
    return value;
  }

  setState(offset: number, bytes: number, value: bigint): void {
    for (let i = 0; i < bytes; i++) this.state[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }

  load(address: bigint, bytes: number, access: number): bigint | MemoryFault {
    const fault = this.#fault(address, bytes, access, (access & ACCESS_MODIFY) !== 0);
    if (fault !== undefined) return fault;
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) {
      value = (value << 8n) | BigInt(this.memory.read(BigInt.asUintN(64, address + BigInt(i))));
    }
    return value;
  }

  store(address: bigint, bytes: number, value: bigint, access: number): MemoryFault | undefined {
    const fault = this.#fault(address, bytes, access, true);
    if (fault !== undefined) return fault;
    for (let i = 0n; i < BigInt(bytes); i++) {
      this.memory.bytes.set(BigInt.asUintN(64, address + i), Number((value >> (8n * i)) & 0xffn));
    }
    return undefined;
  }

  probeWrite(address: bigint, bytes: number, access: number): MemoryFault | undefined {
    return this.#fault(address, bytes, access, true);
  }

  cpuid(register: number, leaf: number, subleaf: number): number {
    return (Math.imul(leaf, 0x1003f) + Math.imul(subleaf, 0x301) + register) | 0;
  }

  instructionsAtEntry(): number {
    return this.#inputs.instructionsAtEntry ?? 0;
  }

  random(): bigint {
    return this.#inputs.random?.[this.#randomIndex++] ?? 0n;
  }

  /** The six status flags as they stand in the state words, at their places in RFLAGS. */
  get flagBits(): number {
    return flagBitsOf(this.state);
  }

  #fault(address: bigint, bytes: number, access: number, write: boolean): MemoryFault | undefined {
    if ((access & ACCESS_ALIGNED) !== 0 && (address & 15n) !== 0n) return { vector: 13, errorCode: 0 };
    return this.memory.faultOf(address, bytes, write);
  }
}

const RESULT_SLOT = STATE_BYTES - 4;

/** The six status flags of a state block, made concrete by the evaluator. */
export function flagBitsOf(state: Uint8Array): number {
  const copy = new SimpleMachine();
  copy.state.set(state.subarray(0, STATE_BYTES));
  const block = {
    address: 0 as IrBlock["address"],
    instructions: [{ address: 0 as IrBlock["address"], length: 1, start: 0 }],
    code: [
      { op: "get.flags", imm: [], args: [] },
      { op: "bits.flags", imm: [], args: [0] },
      { op: "set.i32", imm: [RESULT_SLOT], args: [1] },
    ],
    exit: { kind: "syscall", next: 1 as IrBlock["address"] },
  } as const satisfies IrBlock;
  evaluate(block, copy);
  return Number(copy.getState(RESULT_SLOT, 4));
}

/** Runs a block on a state block, which is changed in place, and a memory. */
export function runBlock(
  block: IrBlock,
  state: Uint8Array,
  memory = new SimpleMemory(),
  inputs: SimpleInputs = {},
): EvaluatedExit {
  return evaluate(block, new SimpleMachine(state, memory, inputs));
}
