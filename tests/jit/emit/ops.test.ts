/** Every operation of the table, compiled and run, against the evaluator, on edge and random operands. */

import { describe, expect, test } from "vitest";
import type { IrBlock, IrInstruction } from "../../../src/jit/ir/block.ts";
import { type IrType, OP_NAMES, type OpName, rowOf } from "../../../src/jit/ir/ops.ts";
import { verify } from "../../../src/jit/ir/verify.ts";
import { DEFAULT_OPTIONS, type JitOptions } from "../../../src/jit/options.ts";
import { address } from "../../../src/mmu/address.ts";
import { createEmitted, createGuest, differences, traceCompiled, traceEvaluated } from "./bench-machine.ts";
import { Operands, showValue } from "./operands.ts";

const emitted = createEmitted();
const reference = createGuest();
const SLOTS = 128;

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
function blockOf(op: OpName, operands: Operands, constant: boolean): IrBlock {
  const row = rowOf(op);
  const code: IrInstruction[] = [];
  const imm = (row.imm ?? []).map((kind) => operands.immediate(op, kind));
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

const ROUNDS = 24;

describe.each(OP_NAMES.map((op) => [op] as const))("%s", (op) => {
  test.each([
    ["state operands", false, DEFAULT_OPTIONS, false],
    ["constant operands", true, DEFAULT_OPTIONS, false],
    ["memory not inlined", false, { ...DEFAULT_OPTIONS, inlineMemory: false }, false],
    ["compact, state operands", false, DEFAULT_OPTIONS, true],
    ["compact, constant operands", true, DEFAULT_OPTIONS, true],
  ] as readonly (readonly [string, boolean, JitOptions, boolean])[])(
    "%s",
    (_title, constant, options, compact) => {
      const operands = new Operands(OP_NAMES.indexOf(op) * 2 + (constant ? 1 : 0));
      for (let round = 0; round < ROUNDS; round++) {
        const block = blockOf(op, operands, constant);
        expect(verify(block)).toEqual([]);
        const state = operands.state();
        const compiled = traceCompiled(emitted, block, state, options, compact);
        const evaluated = traceEvaluated(reference, block, state);
        expect(differences(compiled, evaluated), JSON.stringify(block.code)).toEqual([]);
      }
    },
  );
});
