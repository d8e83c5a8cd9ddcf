/** Operands for one operation: edge values often, random ones otherwise, from a small seeded generator. */

import type { IrInstruction } from "../../../src/jit/ir/block.ts";
import { CONDITIONS, flagCode } from "../../../src/jit/ir/flags.ts";
import {
  ACCESS_ALIGNED,
  ACCESS_MODIFY,
  ACCESS_STACK,
  type ImmKind,
  type IrType,
  type OpName,
  rowOf,
} from "../../../src/jit/ir/ops.ts";
import { FLAGS_CODE, MXCSR, PINNED_START } from "../../../src/jit/ir/state.ts";
import { STATE_BYTES } from "../../../src/mmu/layout.ts";
import { DATA, FAR, READ_ONLY, UNMAPPED, WATCHED } from "./bench-machine.ts";

const EDGES = [0, 1, 2, 7, 8, 31, 32, 33, 63, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 0x7fffffff,
  -0x80000000, -1, -2, -128, -32768, 0x01010101, 0x00800080, 0x0ff00ff0] as const; // prettier-ignore
const ADDRESSES = [
  DATA, DATA + 1, DATA + 3, DATA + 4, DATA + 8, DATA + 16, DATA + 4080, DATA + 4084, DATA + 4088, DATA + 4092,
  DATA + 4093, DATA + 4095, DATA + 8188, DATA + 8191, READ_ONLY, READ_ONLY + 4092, READ_ONLY + 4080, UNMAPPED,
  UNMAPPED - 3, WATCHED, WATCHED + 2, WATCHED - 1, FAR, FAR + 5, FAR - 2, FAR + 4090, 2 ** 47, -4096, -1, 2 ** 63,
] as const; // prettier-ignore

/** Lane immediates by operation; others are 8-bit controls. */
const LANES: { readonly [op: string]: number } = {
  cpuid: 3, "shlbytes.v128": 16, "shrbytes.v128": 16, "extract.v16": 7, "insert.v16": 7, "extract.v32": 3,
  "insert.v32": 3, "extract.v64": 1, "insert.v64": 1, "shuffle2.v64": 3,
}; // prettier-ignore

/** Puts a value of any type into state slots, so that it shows. */
export function showValue(code: IrInstruction[], value: number, type: IrType, slot: number): void {
  const add = (op: OpName, imm: number[], args: number[]): number => code.push({ op, imm, args }) - 1;
  if (type === "flags") add("set.flags", [], [value]);
  else if (type === "i1") add("set.i32", [slot], [add("bool.i32", [], [value])]);
  else add(`set.${type}`, [slot], [value]);
}

export class Operands {
  #seed: number;
  /** Values that slots must hold. */
  #slots = new Map<number, number>();
  /** Bits of width and position chosen so far for the operation. */
  #bit = 0;
  #width = 32;

  constructor(seed: number) {
    this.#seed = Math.imul(seed + 1, 0x9e3779b1);
  }

  /** Uniform int32. */
  next(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return t ^ (t >>> 14);
  }

  below(limit: number): number {
    return (this.next() >>> 0) % limit;
  }

  coin(): boolean {
    return (this.next() & 1024) !== 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  word(): number {
    return this.coin() ? this.pick(EDGES) : this.next();
  }

  immediate(op: OpName, kind: ImmKind): number {
    switch (kind) {
      case "slot":
        if (/^(peek|poke)\./.test(op)) return PINNED_START + 4 * this.below(40);
        return 448 + 16 * this.below(8);
      case "int32":
        return op === "const.i1" ? this.below(2) : op === "exit.if" ? this.below(0x7fff) : this.word();
      case "width":
        this.#width =
          op === "insert.i64" || op === "extract.i32" ? this.#fieldWidth() : this.pick([8, 16, 32]);
        return this.#width;
      case "bit":
        this.#bit = this.pick([0, 0, 8, 16]);
        return this.#bit;
      case "condition":
        return this.below(CONDITIONS.length);
      case "access": {
        const aligned = op.endsWith("v128") && this.coin() ? ACCESS_ALIGNED : 0;
        return this.pick([0, ACCESS_MODIFY, ACCESS_STACK]) | aligned;
      }
      case "vector":
        return this.pick([0, 6, 13]);
      case "lane":
        if (op === "probe.write") return this.pick([1, 2, 4, 8, 16]);
        if (op.startsWith("bulk.")) return this.pick([1, 2, 4, 8]);
        return this.below((LANES[op] ?? 255) + 1);
    }
  }

  #fieldWidth(): number {
    return this.pick([8, 16, 32].filter((width) => this.#bit + width <= 32));
  }

  /** Code for argument `k`: a constant, or a read of the slot, which `state` will fill. */
  argument(
    code: IrInstruction[],
    type: IrType,
    op: OpName,
    k: number,
    constant: boolean,
    slot: number,
  ): number {
    const add = (name: OpName, imm: number[], args: number[] = []): number =>
      code.push({ op: name, imm, args }) - 1;
    const words = this.#argumentWords(type, op, k);
    if (type === "flags") return this.#flags(add, words);
    if (type === "i1") {
      if (constant) return add("const.i1", [(words[0] ?? 0) & 1]);
      this.#slots.set(slot, (words[0] ?? 0) & 1);
      return add("ne.i32", [], [add("get.i32", [slot]), add("const.i32", [0])]);
    }
    if (constant) return add(`const.${type}` as OpName, words);
    for (const [i, word] of words.entries()) this.#slots.set(slot + 4 * i, word);
    return add(`get.${type}` as OpName, [slot]);
  }

  #argumentWords(type: IrType, op: OpName, k: number): number[] {
    const { args, effect } = rowOf(op);
    if (type === "i64" && effect === "memory" && k === 0) {
      const address = this.pick(ADDRESSES);
      return [Number(BigInt.asIntN(32, BigInt(address))), Number(BigInt.asIntN(32, BigInt(address) >> 32n))];
    }
    const isCount = k === args.length - 1 && /^(shl|shr|sar|rotl|rotr)\.i/.test(op);
    if (isCount) return [this.below(op.endsWith("i64") ? 64 : 32)];
    if (/^(shl|shr|sar)\.v/.test(op) && k === 1) return [this.coin() ? this.below(70) : this.word()];
    if (op.startsWith("flags.") && type === "i32" && op !== "flags.bits") {
      return [this.#width === 32 ? this.word() : this.word() & ((1 << this.#width) - 1)];
    }
    if (op.startsWith("div") || op.startsWith("rem")) return this.#division(k);
    const count = { i1: 1, i32: 1, i64: 2, v128: 4, flags: 5 }[type];
    return Array.from({ length: count }, () => this.word());
  }

  /** Dividends and divisors of every size, so that each way of dividing is taken. */
  #division(k: number): number[] {
    const shape = this.below(4);
    if (k === 0 && shape > 0) return shape === 1 ? [0, 0] : shape === 2 ? [-1, -1] : [this.below(9), 0];
    return [this.word(), shape === 0 ? this.word() : shape === 1 ? 0 : this.next() >> this.below(31)];
  }

  /** A flags value of a random kind, known in the block or read from state. */
  #flags(add: (op: OpName, imm: number[], args?: number[]) => number, words: number[]): number {
    const width = this.pick([8, 16, 32] as const);
    const cut = (word: number): number => (width === 32 ? word : word & ((1 << width) - 1));
    const [a = 0, b = 0, c = 0, d = 0] = words;
    const bit = (): number => add("const.i1", [this.below(2)]);
    const narrow = (word: number): number => add("const.i32", [cut(word)]);
    const wide = (lo: number, hi: number): number => add("const.i64", [lo, hi]);
    switch (this.below(9)) {
      case 0:
        return add("flags.sub.i32", [width], [narrow(a), narrow(b)]);
      case 1:
        return add("flags.sub.i64", [], [wide(a, b), wide(c, d)]);
      case 2:
        return add("flags.adc.i32", [width], [narrow(a), narrow(b), bit()]);
      case 3:
        return add("flags.sbb.i64", [], [wide(a, b), wide(c, d), bit()]);
      case 4:
        return add("flags.inc.i64", [], [wide(a, b), bit()]);
      case 5:
        return add("flags.result.i32", [width], [narrow(a), bit(), bit(), bit()]);
      case 6:
        return add("flags.logic.i64", [], [wide(a, b)]);
      case 7:
        return add("flags.bits", [], [add("const.i32", [a])]);
      default:
        for (const [k, word] of [flagCode("add", 64), 0, a, b, c, d].entries()) {
          if (k !== 1) this.#slots.set(FLAGS_CODE + 4 * k, word);
        }
        return add("get.flags", []);
    }
  }

  /** A random state block that holds what the arguments need. */
  state(): Uint8Array {
    const state = new Uint8Array(STATE_BYTES);
    const view = new DataView(state.buffer);
    for (let at = 128; at < 1024; at += 4) view.setInt32(at, this.next(), true);
    // All exceptions masked more often than not.
    if (this.below(4) > 0) view.setInt32(MXCSR, 0x1f80 | (this.next() & 0xe03f), true);
    for (const [slot, word] of this.#slots) view.setInt32(slot, word, true);
    this.#slots = new Map();
    return state;
  }

  /** A random state block whose 64-bit words are addresses of the test's pages more often than not. */
  stateWithAddresses(): Uint8Array {
    const state = this.state();
    const view = new DataView(state.buffer);
    for (let at = 128; at < 1024; at += 8) {
      if (this.below(4) > 0) view.setBigInt64(at, BigInt.asIntN(64, BigInt(this.pick(ADDRESSES))), true);
    }
    return state;
  }
}
