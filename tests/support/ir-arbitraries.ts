/**
 * Random well-formed IR blocks, driven by the operation table: a new row is covered without being listed, unless
 * it has a precondition of its own (then it gets a line in `PREPARE`).
 */

import fc from "fast-check";
import type { IrBlock, IrExit } from "../../src/jit/ir/block.ts";
import { CodeList } from "../../src/jit/ir/flag-lowering.ts";
import { CONDITIONS } from "../../src/jit/ir/flags.ts";
import {
  ACCESS_ALIGNED,
  type ImmKind,
  type IrType,
  OP_NAMES,
  type OpName,
  type Value,
  rowOf,
} from "../../src/jit/ir/ops.ts";
import { GUEST_STATE, PINNED_START } from "../../src/jit/ir/state.ts";
import { address } from "../../src/mmu/address.ts";

/** One operation to add; the numbers choose immediates and arguments. */
interface Step {
  readonly op: OpName;
  readonly picks: readonly number[];
  readonly begins: boolean;
}

const INT32_EDGES = [
  0,
  1,
  -1,
  2,
  8,
  15,
  16,
  31,
  32,
  127,
  128,
  255,
  256,
  0x7fff,
  0xffff,
  0x7fffffff,
  -(2 ** 31),
];
const WIDTHS = [8, 16, 32];
/** Slots of each size; they overlap on purpose. */
const SLOTS: Readonly<Record<string, readonly number[]>> = {
  i32: [0, 4, 8, 16, 20, 64, 68, 72, 76, 84],
  i64: [0, 8, 16, 24, 4, 64, 68, 72, 80],
  v128: [64, 80, 96, 72],
};
const LANES: Partial<Record<OpName, number>> = {
  cpuid: 4,
  "shlbytes.v128": 17,
  "shrbytes.v128": 17,
  "shuffle.v32": 256,
  "shufflelow.v16": 256,
  "shufflehigh.v16": 256,
  "shuffle2.v32": 256,
  "shuffle2.v64": 4,
  "extract.v16": 8,
  "extract.v32": 4,
  "extract.v64": 2,
  "insert.v16": 8,
  "insert.v32": 4,
  "insert.v64": 2,
};

const choose = <T>(from: readonly T[], pick: number): T => {
  const chosen = from[pick % from.length];
  if (chosen === undefined) throw new Error("nothing to choose from");
  return chosen;
};

class RandomBlock {
  readonly #list = new CodeList();
  readonly #values: Record<IrType, number[]> = { i1: [], i32: [], i64: [], v128: [], flags: [] };
  readonly #starts = [0];
  #hasWritten = false;

  add(step: Step): void {
    const row = rowOf(step.op);
    if (step.begins || (row.effect === "memory" && this.#hasWritten)) this.#begin();
    let used = 0;
    const pick = (): number => step.picks[used++ % step.picks.length] ?? 0;
    const imm = this.#immediates(step.op, pick);
    const args = row.args.map((type) => this.#value(type, pick()));
    this.#emit(step.op, imm, this.#prepared(step.op, imm, args));
    if (row.effect === "write") this.#hasWritten = true;
  }

  finish(exitPick: number): IrBlock {
    const start = address(0x401000);
    const last = this.#starts.length;
    const exit = this.#exit(exitPick, 0x401000 + 4 * last);
    const instructions = this.#starts.map((at, i) => ({
      address: address(0x401000 + 4 * i),
      length: 4,
      start: at,
    }));
    return { address: start, instructions, code: this.#list.code, exit };
  }

  #begin(): void {
    this.#starts.push(this.#list.code.length);
    this.#hasWritten = false;
  }

  #emit(op: OpName, imm: readonly number[], args: readonly number[]): number {
    const index = this.#list.emit(op, imm, args);
    const { result } = rowOf(op);
    if (result !== undefined) this.#values[result].push(index);
    return index;
  }

  /** A value of this type: one of the block's, or a new one. */
  #value(type: IrType, pick: number): number {
    const known = this.#values[type];
    if (known.length > 0 && pick % 8 !== 0) return choose(known.slice(-12), pick >> 3);
    const edge = (shift: number): number => choose(INT32_EDGES, pick >> shift);
    switch (type) {
      case "i1":
        return this.#emit("const.i1", [(pick >> 3) & 1], []);
      case "i32":
        return pick & 64
          ? this.#emit("const.i32", [edge(7)], [])
          : this.#emit("get.i32", [this.#slot("i32", pick >> 7)], []);
      case "i64":
        return pick & 64
          ? this.#emit("const.i64", [edge(7), edge(12)], [])
          : this.#emit("get.i64", [this.#slot("i64", pick >> 7)], []);
      case "v128":
        return this.#emit("get.v128", [this.#slot("v128", pick >> 7)], []);
      case "flags":
        return this.#emit("get.flags", [], []);
    }
  }

  #slot(type: IrType, pick: number): number {
    return GUEST_STATE + choose(SLOTS[type] ?? [0], pick);
  }

  #immediates(op: OpName, pick: () => number): number[] {
    const row = rowOf(op);
    const imm = (row.imm ?? []).map((kind) => this.#immediate(op, kind, pick()));
    if (op === "exit.if") return [0x402000, 0];
    if (op !== "insert.i64" && op !== "extract.i32") return imm;
    const bit = imm[0] ?? 0;
    return [
      bit,
      choose(
        [1, 3, 8, 16, 32].filter((width) => bit + width <= 32),
        pick(),
      ),
    ];
  }

  #immediate(op: OpName, kind: ImmKind, pick: number): number {
    const row = rowOf(op);
    switch (kind) {
      case "slot":
        if (/^(peek|poke)\./.test(op)) return PINNED_START + 4 * (pick % 40);
        return this.#slot(row.result ?? row.args[0] ?? "i32", pick);
      case "int32":
        return op === "const.i1" ? pick & 1 : choose(INT32_EDGES, pick);
      case "width":
        return choose(WIDTHS, pick);
      case "bit":
        return choose([0, 8, 0, 16, 5, 24, 31], pick);
      case "condition":
        return pick % CONDITIONS.length;
      case "access":
        return pick % (row.result === "v128" || row.args[1] === "v128" ? 2 * ACCESS_ALIGNED : ACCESS_ALIGNED);
      case "vector":
        return pick & 31;
      case "lane":
        if (op.startsWith("bulk.")) return choose([1, 2, 4, 8], pick);
        return op === "probe.write"
          ? choose([1, 2, 4, 8, 16], pick)
          : pick % (LANES[op] ?? (row.call === true ? 256 : 1));
    }
  }

  /** Arguments that meet the operation's precondition. */
  #prepared(op: OpName, imm: readonly number[], args: readonly number[]): readonly number[] {
    if (op.startsWith("flags.") && op.endsWith(".i32")) {
      const extend = imm[0] === 8 ? "zext8.i32" : imm[0] === 16 ? "zext16.i32" : undefined;
      if (extend === undefined) return args;
      const types = rowOf(op).args;
      return args.map((arg, i) => (types[i] === "i32" ? this.#emit(extend, [], [arg]) : arg));
    }
    if (/^(sh[lr]|sar|rot[lr])\.i(32|64)$/.test(op)) {
      return [args[0] ?? 0, this.#masked(args[1] ?? 0, op.endsWith("64") ? 63 : 31)];
    }
    return (
      PREPARE[op]?.(
        (name, of) => this.#emit(name, [], of),
        (low, high) => this.#emit("const.i64", [low, high], []),
        args,
      ) ?? args
    );
  }

  /** A count: a constant stays one. */
  #masked(count: number, mask: number): number {
    const { op, imm } = this.#list.code[count] ?? { op: "get.i32", imm: [] };
    if (op === "const.i32") return this.#emit("const.i32", [(imm[0] ?? 0) & mask], []);
    return this.#emit("and.i32", [], [count, this.#emit("const.i32", [mask], [])]);
  }

  #exit(pick: number, next: number): IrExit {
    switch (pick % 4) {
      case 0:
        return {
          kind: "branch",
          condition: this.#value("i1", pick >> 2) as Value<"i1">,
          taken: address(0x401000),
          notTaken: address(next),
        };
      case 1:
        return {
          kind: "indirect",
          target: this.#value("i64", pick >> 2) as Value<"i64">,
          transfer: "return",
        };
      case 2:
        return { kind: "syscall", next: address(next) };
      default:
        return { kind: "jump", target: address(next), transfer: "fallthrough" };
    }
  }
}

type Emit = (op: OpName, args: readonly number[]) => number;
type Constant = (low: number, high: number) => number;
type Prepare = (emit: Emit, constant: Constant, args: readonly number[]) => readonly number[];

/** A divisor that is never zero, nor negative when `signed`. */
const divisor = (emit: Emit, constant: Constant, value: number, signed: boolean): number => {
  const positive = signed ? emit("and.i64", [value, constant(-1, 0x7fffffff)]) : value;
  return emit("or.i64", [positive, constant(1, 0)]);
};
const divide64 =
  (signed: boolean): Prepare =>
  (emit, constant, [a = 0, b = 0]) => [a, divisor(emit, constant, b, signed)];
/** The quotient fits: the high half is zero, or the sign of the low half. */
const divide128 =
  (signed: boolean): Prepare =>
  (emit, constant, [, low = 0, b = 0]) => {
    const sign = signed ? emit("slt.i64", [low, constant(0, 0)]) : undefined;
    const high =
      sign === undefined ? constant(0, 0) : emit("select.i64", [sign, constant(-1, -1), constant(0, 0)]);
    return [high, low, divisor(emit, constant, b, signed)];
  };

/** Operations with any result for some arguments get others. */
const PREPARE: Partial<Record<OpName, Prepare>> = {
  "div.u64": divide64(false),
  "rem.u64": divide64(false),
  "div.s64": divide64(true),
  "rem.s64": divide64(true),
  "div.u128": divide128(false),
  "rem.u128": divide128(false),
  "div.s128": divide128(true),
  "rem.s128": divide128(true),
};

const step: fc.Arbitrary<Step> = fc.record({
  // How many elements a bulk operation does is its own affair; see bulk.test.ts.
  op: fc.constantFrom(...OP_NAMES.filter((op) => !op.startsWith("bulk."))),
  picks: fc.array(fc.nat(2 ** 20), { minLength: 1, maxLength: 6 }),
  begins: fc.boolean(),
});

/** A well-formed block of up to about `size` operations. */
export const irBlock = (size = 40): fc.Arbitrary<IrBlock> =>
  fc.tuple(fc.array(step, { minLength: 1, maxLength: size }), fc.nat(2 ** 20)).map(([steps, exit]) => {
    const block = new RandomBlock();
    for (const each of steps) block.add(each);
    return block.finish(exit);
  });

/** A block around one operation with random arguments. */
export const irBlockOf = (op: OpName): fc.Arbitrary<IrBlock> =>
  fc.tuple(fc.array(step, { maxLength: 4 }), step, fc.nat(2 ** 20)).map(([before, last, exit]) => {
    const block = new RandomBlock();
    for (const each of before) block.add(each);
    block.add({ ...last, op });
    return block.finish(exit);
  });
