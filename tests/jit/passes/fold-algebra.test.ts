/**
 * Folding rules meet every pair of special operands: edge constants, extensions, halves, fields, equal values. One
 * block per operation stores all results; it must store the same bytes after folding.
 */

import { expect, test } from "vitest";
import type { IrBlock } from "../../../src/jit/ir/block.ts";
import { evaluate } from "../../../src/jit/ir/evaluate.ts";
import { CodeList } from "../../../src/jit/ir/flag-lowering.ts";
import { type IrType, OP_NAMES, type OpName, rowOf } from "../../../src/jit/ir/ops.ts";
import { GUEST_STATE } from "../../../src/jit/ir/state.ts";
import { verify } from "../../../src/jit/ir/verify.ts";
import { DEFAULT_OPTIONS } from "../../../src/jit/options.ts";
import { removeDead } from "../../../src/jit/passes/dead.ts";
import { foldConstants } from "../../../src/jit/passes/fold-constants.ts";
import { address } from "../../../src/mmu/address.ts";
import { SimpleMachine } from "../../support/evaluator.ts";

const X = GUEST_STATE;
const Y = GUEST_STATE + 8;
const V = GUEST_STATE + 64;
const INT32 = [0, 1, -1, 8, 31, 0x80, 0xff, 0x7fffffff, -(2 ** 31)];

/** Builds one block; every result is stored at the next address. */
class Board {
  readonly list = new CodeList();
  #at = 0;

  op(op: OpName, ...args: number[]): number {
    return this.list.emit(op, [], args);
  }
  imm(op: OpName, imm: number[], ...args: number[]): number {
    return this.list.emit(op, imm, args);
  }

  store(type: IrType | undefined, value: number): void {
    const where = this.imm("const.i64", [(this.#at += 16), 0]);
    if (type === "i1") this.imm("store.i32", [0], where, this.op("bool.i32", value));
    else if (type === "i32") this.imm("store.i32", [0], where, value);
    else if (type === "i64") this.imm("store.i64", [0], where, value);
    else this.imm("store.v128", [0], where, value);
  }

  block(): IrBlock {
    const start = address(0x1000);
    return {
      address: start,
      instructions: [{ address: start, length: 1, start: 0 }],
      code: this.list.code,
      exit: { kind: "syscall", next: address(0x1001) },
    };
  }
}

/** Special values of a type, each newly made so that its user is its only one. */
function makers(type: IrType): ((board: Board) => number)[] {
  const x64 = (b: Board): number => b.imm("get.i64", [X]);
  const y64 = (b: Board): number => b.imm("get.i64", [Y]);
  const x32 = (b: Board): number => b.imm("get.i32", [X]);
  const y32 = (b: Board): number => b.imm("get.i32", [Y]);
  const c32 = (value: number) => (b: Board) => b.imm("const.i32", [value]);
  const c64 = (low: number, high: number) => (b: Board) => b.imm("const.i64", [low, high]);
  const odd = (b: Board): number => b.op("ult.i32", x32(b), y32(b));
  switch (type) {
    case "i1":
      return [
        odd,
        (b) => b.imm("const.i1", [0]),
        (b) => b.imm("const.i1", [1]),
        (b) => b.op("not.i1", odd(b)),
        (b) => b.op("slt.i64", x64(b), y64(b)),
        (b) => b.op("eq.i32", x32(b), y32(b)),
      ];
    case "i32":
      return [
        x32,
        y32,
        ...INT32.map(c32),
        (b) => b.op("zext8.i32", x32(b)),
        (b) => b.op("sext16.i32", x32(b)),
        (b) => b.op("and.i32", x32(b), c32(0xff)(b)),
        (b) => b.op("add.i32", x32(b), c32(7)(b)),
        (b) => b.op("xor.i32", x32(b), c32(-8)(b)),
        (b) => b.op("shr.i32", x32(b), c32(20)(b)),
        (b) => b.op("sar.i32", x32(b), c32(31)(b)),
        (b) => b.op("bool.i32", odd(b)),
        (b) => b.op("low.i32", x64(b)),
        (b) => b.op("high.i32", x64(b)),
        (b) => b.op("not.i32", y32(b)),
      ];
    case "i64":
      return [
        x64,
        y64,
        c64(0, 0),
        c64(1, 0),
        c64(-1, -1),
        c64(8, 0),
        c64(-(2 ** 31), 0),
        c64(-(2 ** 31), -1),
        c64(0, -(2 ** 31)),
        c64(0x12345678, -0x65432108),
        (b) => b.op("zext.i64", x32(b)),
        (b) => b.op("sext.i64", y32(b)),
        (b) => b.op("zext.i64", b.op("zext8.i32", y32(b))),
        (b) => b.op("concat.i64", x32(b), y32(b)),
        (b) => b.op("add.i64", x64(b), c64(-8, -1)(b)),
        (b) => b.op("sar.i64", x64(b), c32(63)(b)),
        (b) => b.imm("insert.i64", [8, 8], x64(b), y32(b)),
        (b) => b.op("mulwide.s32", x32(b), y32(b)),
      ];
    case "v128":
      return [
        (b) => b.imm("get.v128", [V]),
        (b) => b.imm("get.v128", [V + 16]),
        (b) => b.imm("const.v128", [0, 0, 0, 0]),
        (b) => b.imm("const.v128", [1, -1, 7, 9]),
        (b) => b.imm("insert.v64", [0], b.imm("get.v128", [V]), x64(b)),
        (b) => b.imm("insert.v32", [2], b.imm("get.v128", [V]), x32(b)),
      ];
    case "flags":
      return [];
  }
}

const HALVES = ["low.i32", "high.i32"] as const;

/** Immediates to try: one set for most operations. */
function immediates(op: OpName): number[][] {
  const lanes = (count: number): number[][] => Array.from({ length: count }, (_, i) => [i]);
  if (op === "insert.i64" || op === "extract.i32") {
    return [[0, 8], [8, 8], [0, 16], [0, 32], [5, 3], [12, 8], [31, 1]]; // prettier-ignore
  }
  const count = Number(/^(?:extract|insert)\.v(\d+)$/.exec(op)?.[1] ?? 0);
  if (count > 0) return lanes(128 / count);
  return (rowOf(op).imm ?? []).length > 0 ? [[1]] : [[]];
}

/** Operations whose last argument is a count. */
const COUNTED = /^(shl|shr|sar|rotl|rotr)\.i(32|64)$/;
/** Results for some arguments are free; the random blocks cover them with their preconditions. */
const PARTIAL = /^(div|rem)\./;

const PURE = OP_NAMES.filter((op) => {
  const { effect, args, result } = rowOf(op);
  const takesFlags = args.some((type) => type === "flags") || result === "flags";
  const folds = rowOf(op).call !== true && !takesFlags && !PARTIAL.test(op) && op !== "cpuid";
  return effect === "none" && args.length > 0 && folds;
});

function operandChoices(op: OpName): ((board: Board) => number)[][] {
  const lists = rowOf(op).args.map((type) => makers(type));
  const counts = COUNTED.exec(op);
  if (counts === null) return lists;
  const limit = Number(counts[2]);
  const some = [0, 1, 8, 31, 32, 33, 63].filter((count) => count < limit);
  lists[1] = some.map((count) => (b) => b.imm("const.i32", [count]));
  lists[1].push((b) => b.op("and.i32", b.imm("get.i32", [Y]), b.imm("const.i32", [limit - 1])));
  return lists;
}

function boardFor(op: OpName, imm: readonly number[]): Board {
  const board = new Board();
  const { result } = rowOf(op);
  const [first = [], second = [undefined], third = [undefined]] = operandChoices(op);
  const apply = (args: number[]): number => board.imm(op, [...imm], ...args);
  for (const a of first) {
    for (const b of second) {
      for (const c of third.length > 6 ? third.filter((_, i) => i % 5 === 0) : third) {
        const operands = [a, b, c].filter((make) => make !== undefined);
        const fresh = (): number[] => operands.map((make) => make(board));
        board.store(result, apply(fresh()));
        if (result === "i64") for (const half of HALVES) board.store("i32", board.op(half, apply(fresh())));
        if (result === "i1") board.store("i1", board.op("not.i1", apply(fresh())));
      }
    }
    const isCounted = COUNTED.test(op);
    if (!isCounted && rowOf(op).args.length === 2 && rowOf(op).args[0] === rowOf(op).args[1]) {
      const same = a(board);
      board.store(result, apply([same, same]));
    }
  }
  return board;
}

function stored(block: IrBlock, x: bigint, y: bigint): string {
  const machine = new SimpleMachine();
  machine.setState(X, 8, x);
  machine.setState(Y, 8, y);
  for (let i = 0; i < 32; i++) machine.state[V + i] = (i * 73 + Number(x & 0xffn)) & 255;
  evaluate(block, machine);
  return [...machine.memory.bytes].map(([at, byte]) => `${at}:${byte}`).join(" ");
}

const STATES: readonly (readonly [bigint, bigint])[] = [
  [0x8000000000000000n, 0xffffffffffffffffn],
  [0x123456789abcdef0n, 0x0fedcba987654321n],
  [0n, 5n],
];

test.each(PURE)("%s", (op) => {
  for (const imm of immediates(op)) {
    const block = boardFor(op, imm).block();
    expect(verify(block)).toEqual([]);
    const folded = removeDead(foldConstants(block), DEFAULT_OPTIONS);
    expect(verify(folded)).toEqual([]);
    for (const [x, y] of STATES) expect(stored(folded, x, y)).toBe(stored(block, x, y));
  }
});
