/** Blocks of one operation for tests of a back end, and what a bulk operation may do. */

import type { IrBlock, IrInstruction } from "../../../src/jit/ir/block.ts";
import { type IrType, type OpName, rowOf } from "../../../src/jit/ir/ops.ts";
import { address } from "../../../src/mmu/address.ts";
import { DATA, FAR, READ_ONLY, type Trace, WATCHED } from "./bench-machine.ts";
import { type Operands, showValue } from "./operands.ts";

const SLOTS = 128;
const BULK_SIZES = [1, 2, 4, 8] as const;
/** What `loadState` of the bench gives. */
const BUDGET_AT_START = 1000;
const isBulk = (op: OpName): boolean => op.startsWith("bulk.");

/** A quotient that does not fit may be anything: zero takes its place. */
function defined(code: IrInstruction[], op: OpName, args: readonly number[], value: number): number {
  const [, form = "", bits] = /^(?:div|rem)\.([us])(64|128)$/.exec(op) ?? [];
  if (bits === undefined) return value;
  const add = (name: OpName, imm: number[], of: readonly number[]): number =>
    code.push({ op: name, imm, args: of }) - 1;
  const zero = add("const.i64", [0, 0], []);
  const sign =
    form === "s"
      ? add(
          "select.i64",
          [],
          [add("slt.i64", [], [args[0] ?? 0, zero]), add("const.i64", [-1, -1], []), zero],
        )
      : zero;
  const operands = bits === "128" ? args : [sign, ...args];
  const fits = add(form === "s" ? "divfits.s128" : "divfits.u128", [], operands);
  return add("select.i64", [], [fits, value, zero]);
}

/** The whole value, or only one part of it: what nobody needs is not emitted. */
function showSome(code: IrInstruction[], value: number, type: IrType, operands: Operands): void {
  const partOf = (op: OpName, imm: number[]): number => code.push({ op, imm, args: [value] }) - 1;
  if (operands.coin() || (type !== "i64" && type !== "v128")) return showValue(code, value, type, SLOTS);
  const half = operands.coin() ? "low.i32" : "high.i32";
  const part = type === "i64" ? partOf(half, []) : partOf("extract.v32", [operands.below(4)]);
  showValue(code, part, "i32", SLOTS);
}

/** One operation on operands read from state (`constant`: given as constants), its result shown. */
export function blockOf(op: OpName, operands: Operands, constant: boolean): IrBlock {
  const row = rowOf(op);
  const code: IrInstruction[] = [];
  const imm = isBulk(op)
    ? [operands.pick(BULK_SIZES)]
    : (row.imm ?? []).map((kind) => operands.immediate(op, kind));
  const args = row.args.map((type, k) =>
    operands.argument(code, type, op, k, constant, SLOTS + 256 + 16 * k),
  );
  const value = defined(code, op, args, code.push({ op, imm, args }) - 1);
  if (row.result !== undefined) showSome(code, value, row.result, operands);
  return {
    address: address(0x401000),
    instructions: [{ address: address(0x401000), length: 3, start: 0 }],
    code,
    exit: { kind: "jump", target: address(0x401003), transfer: "fallthrough" },
  };
}

/** Place of a guest address in a trace's memory, or undefined where nothing is mapped. */
function placeOf(at: bigint): number | undefined {
  const pages = [DATA, DATA + 4096, READ_ONLY, WATCHED, FAR].map(BigInt);
  const page = pages.indexOf(at & ~4095n);
  return page < 0 ? undefined : page * 4096 + Number(at & 4095n);
}

/**
 * What may come of a block with a bulk operation, which the evaluator never does any of: it may do the first
 * elements, fewer than asked for. They count as instructions, and are stored one by one, upwards.
 */
export function withBulk(block: IrBlock, state: Uint8Array, got: Trace, evaluated: Trace): Trace {
  const bulk = block.code.find(({ op }) => isBulk(op));
  if (bulk === undefined) return evaluated;
  const done = new DataView(got.state.buffer).getInt32(SLOTS, true);
  const [to = 0n, from = 0n, count = 0n] = bulk.args.map((arg) => valueOf(block.code[arg], state));
  if (done >= BUDGET_AT_START) throw new RangeError(`${done} elements are more than the budget`);
  if (done < 0 || (done > 0 && BigInt(done) >= count)) throw new RangeError(`${done} of ${count} elements`);
  const memory = evaluated.memory.slice();
  const size = bulk.imm[0] ?? 1;
  for (let k = 0; k < done * size; k++) {
    const target = placeOf(to + BigInt(k));
    const source = placeOf(from + BigInt(k));
    if (target === undefined) throw new RangeError("stored where nothing is mapped");
    const element = Number((from >> BigInt(8 * (k % size))) & 255n);
    memory[target] = bulk.op === "bulk.store" ? element : (memory[source ?? -1] ?? NaN);
  }
  const shown = evaluated.state.slice();
  new DataView(shown.buffer).setInt32(SLOTS, done, true);
  const instructions = evaluated.instructions + done;
  // A unit in JavaScript says itself that nothing is left of the budget, which is never exceeded.
  const outcome = instructions === BUDGET_AT_START && got.outcome === "budget" ? "budget" : evaluated.outcome;
  return { ...evaluated, outcome, state: shown, memory, instructions };
}

/** The value of a constant, or of a read of the state that the block starts with. */
function valueOf(instruction: IrInstruction | undefined, state: Uint8Array): bigint {
  const [first = 0, second = 0] = instruction?.imm ?? [];
  if (instruction?.op === "get.i64") return new DataView(state.buffer).getBigUint64(first, true);
  return (BigInt(second >>> 0) << 32n) | BigInt(first >>> 0);
}
