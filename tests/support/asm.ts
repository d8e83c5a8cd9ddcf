/** Guest code for tests: bytes from hexadecimal text, lifted and run by the reference evaluator. */

import { generalSlot, REGISTERS, vectorSlot } from "../../src/frontend/guest-state.ts";
import { createLifter, type LifterOptions } from "../../src/frontend/lift/block.ts";
import type { FetchFault, IrBlock } from "../../src/jit/ir/block.ts";
import type { EvaluatedExit } from "../../src/jit/ir/evaluate.ts";
import { flagCode, STATUS_FLAGS } from "../../src/jit/ir/flags.ts";
import { FLAGS_A, FLAGS_B, FLAGS_CODE } from "../../src/jit/ir/state.ts";
import { verify } from "../../src/jit/ir/verify.ts";
import { address, PAGE_BYTES } from "../../src/mmu/address.ts";
import { runBlock, SimpleMachine, SimpleMemory, STATE_BYTES } from "./evaluator.ts";

/** Where test code lies unless a test says otherwise. */
export const CODE_ADDRESS = 0x40_1000;

/** `bytes("48 89 e5")`. */
export const bytes = (text: string): Uint8Array =>
  Uint8Array.from(text.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16));

export interface LiftInputs extends LifterOptions {
  readonly at?: number;
  readonly maxInstructions?: number;
  /** The page behind that of the code; none when left out. */
  readonly nextPage?: Uint8Array;
  /** What fills the rest of the page. Default: INT3. */
  readonly filler?: number;
}

/** Lifts the block at the start of the code. */
export function lift(code: Uint8Array, inputs: LiftInputs = {}): IrBlock | FetchFault {
  const at = inputs.at ?? CODE_ADDRESS;
  const page = new Uint8Array(PAGE_BYTES).fill(inputs.filler ?? 0xcc);
  page.set(code.subarray(0, PAGE_BYTES - (at % PAGE_BYTES)), at % PAGE_BYTES);
  const source = { page, next: () => inputs.nextPage };
  return createLifter(inputs)(address(at), source, inputs.maxInstructions ?? 64);
}

/** As `lift`, for code that can be fetched; JIT-4 is checked. */
export function liftBlock(code: Uint8Array, inputs: LiftInputs = {}): IrBlock {
  const block = lift(code, inputs);
  if ("kind" in block) throw new Error("the code cannot be fetched");
  const broken = verify(block);
  if (broken.length > 0) throw new Error(broken.join("\n"));
  return block;
}

/** A processor's registers as tests see them, on the state block of the evaluator. */
export class Cpu {
  readonly state = new Uint8Array(STATE_BYTES);
  readonly memory: SimpleMemory;

  constructor(memory = new SimpleMemory()) {
    this.memory = memory;
    this.flags = 0;
  }

  get(name: string): bigint {
    const { offset, bytes: width } = placeOf(name);
    return new SimpleMachine(this.state).getState(offset, width);
  }

  set(name: string, value: bigint): this {
    const { offset, bytes: width } = placeOf(name);
    new SimpleMachine(this.state).setState(offset, width, BigInt.asUintN(width * 8, value));
    return this;
  }

  setGeneral(register: number, value: bigint): this {
    new SimpleMachine(this.state).setState(generalSlot(register), 8, BigInt.asUintN(64, value));
    return this;
  }

  general(register: number): bigint {
    return new SimpleMachine(this.state).getState(generalSlot(register), 8);
  }

  vector(register: number): Uint8Array {
    return this.state.slice(vectorSlot(register), vectorSlot(register) + 16);
  }

  setVector(register: number, value: Uint8Array): this {
    this.state.set(value, vectorSlot(register));
    return this;
  }

  /** The six status flags at their places in RFLAGS. */
  get flags(): number {
    return new SimpleMachine(this.state).flagBits;
  }

  set flags(bits: number) {
    const machine = new SimpleMachine(this.state);
    machine.setState(FLAGS_CODE, 4, BigInt(flagCode("bits", 8)));
    machine.setState(FLAGS_A, 8, BigInt(bits & STATUS_FLAGS));
    machine.setState(FLAGS_B, 8, 0n);
  }

  /** Little-endian memory. */
  read(at: bigint, width: number): bigint {
    let value = 0n;
    for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.memory.read(at + BigInt(i)));
    return value;
  }

  write(at: bigint, width: number, value: bigint): this {
    for (let i = 0; i < width; i++) {
      this.memory.bytes.set(at + BigInt(i), Number((value >> BigInt(8 * i)) & 0xffn));
    }
    return this;
  }

  /** Runs the first block of the code once. */
  run(code: string | Uint8Array, inputs: LiftInputs = {}): EvaluatedExit {
    const block = liftBlock(typeof code === "string" ? bytes(code) : code, inputs);
    return runBlock(block, this.state, this.memory);
  }
}

function placeOf(name: string): { readonly offset: number; readonly bytes: number } {
  const place = REGISTERS[name];
  if (place === undefined) throw new RangeError(`no register ${name}`);
  return place;
}
