/**
 * The x87 and SSE state in memory: FLDENV, FNSTENV, FRSTOR, FNSAVE, FXSAVE, FXRSTOR (Intel SDM vol. 1, 8.1.10 and
 * 10.5). All memory is read, or found writable, before anything changes. FXSAVE stores zeros as the addresses of the
 * last instruction and operand: AMD processors save them there only while an exception is pending.
 */

import { ACCESS_ALIGNED, ACCESS_MODIFY, type Value } from "../../jit/ir/ops.ts";
import {
  MXCSR,
  vectorSlot,
  X87_CONTROL,
  X87_DATA_SELECTOR,
  X87_INSTRUCTION,
  X87_OPCODE,
  X87_OPERAND,
  X87_STATUS,
  X87_TAG,
} from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import { type LiftContext, VECTOR_PROTECTION } from "./context.ts";
import { addressOf, stackAccess } from "./operands.ts";

type I32 = Value<"i32">;
type I64 = Value<"i64">;
type V128 = Value<"v128">;

const place = (ctx: LiftContext, offset: number): I64 =>
  offset === 0 ? addressOf(ctx) : ctx.ir.add("add.i64", addressOf(ctx), ctx.i64(offset));

/** Bytes of an environment, and between its words: 16- and 32-bit form. */
const formOf = (ctx: LiftContext): { readonly step: 2 | 4; readonly length: number } =>
  ctx.insn.operandBytes === 2 ? { step: 2, length: 14 } : { step: 4, length: 28 };

const REGISTER_BYTES = 10;

function probe(ctx: LiftContext, from: number, length: number): void {
  for (let at = from; at + 2 <= from + length; at += 2) {
    ctx.ir.add("probe.write", stackAccess(ctx.insn), 2, place(ctx, at));
  }
}

/** Addresses are cut to 32 or 16 bits; the 32-bit form keeps the opcode beside the code selector. */
function environmentWords(ctx: LiftContext): readonly I32[] {
  const { ir } = ctx;
  const low = (slot: number): I32 => ir.add("low.i32", ir.add("peek.i64", slot));
  const words = [ir.add("peek.i32", X87_CONTROL), ir.add("peek.i32", X87_STATUS), ir.add("x87.tagword")];
  const last = ir.add("peek.i32", X87_DATA_SELECTOR);
  return [...words, low(X87_INSTRUCTION), ir.add("peek.i32", X87_OPCODE), low(X87_OPERAND), last];
}

function storeEnvironment(ctx: LiftContext): void {
  const { ir } = ctx;
  const { step } = formOf(ctx);
  const access = stackAccess(ctx.insn);
  environmentWords(ctx).forEach((value, k) => {
    if (step === 2) return ir.add("store16.i32", access, place(ctx, 2 * k), value);
    // Reserved halves are ones, beside the three words and the last selector.
    const upper = k < 3 || k === 6 ? ir.add("or.i32", value, ctx.i32(0xffff_0000 | 0)) : value;
    ir.add("store.i32", access, place(ctx, 4 * k), upper);
  });
}

function loadEnvironment(ctx: LiftContext): readonly I32[] {
  const { ir } = ctx;
  const { step } = formOf(ctx);
  const access = stackAccess(ctx.insn);
  return Array.from({ length: 7 }, (_, k) =>
    step === 2
      ? ir.add("load16.i32", access, place(ctx, 2 * k))
      : ir.add("load.i32", access, place(ctx, 4 * k)),
  );
}

const OPCODE_MASK = 0x07ff_ffff;

function setEnvironment(ctx: LiftContext, words: readonly I32[]): void {
  const { ir } = ctx;
  const word = (k: number): I32 => words[k] ?? ctx.i32(0);
  const half = (k: number): I32 => ir.add("and.i32", word(k), ctx.i32(0xffff));
  ir.add("x87.setenvironment", half(0), half(1), half(2));
  ir.add("poke.i64", X87_INSTRUCTION, ir.add("zext.i64", word(3)));
  ir.add("poke.i32", X87_OPCODE, ir.add("and.i32", word(4), ctx.i32(OPCODE_MASK)));
  ir.add("poke.i64", X87_OPERAND, ir.add("zext.i64", word(5)));
  ir.add("poke.i32", X87_DATA_SELECTOR, half(6));
}

/** FNSTENV masks all exceptions afterwards. */
export const fnstenv: Lifter = (ctx) => {
  const { ir } = ctx;
  probe(ctx, 0, formOf(ctx).length);
  storeEnvironment(ctx);
  ir.add("x87.control", ir.add("or.i32", ir.add("peek.i32", X87_CONTROL), ctx.i32(63)));
};

export const fldenv: Lifter = (ctx) => {
  ctx.ir.add("x87.check");
  setEnvironment(ctx, loadEnvironment(ctx));
};

export const fnsave: Lifter = (ctx) => {
  const { ir } = ctx;
  const { length } = formOf(ctx);
  const access = stackAccess(ctx.insn);
  probe(ctx, 0, length + 8 * REGISTER_BYTES);
  storeEnvironment(ctx);
  for (let i = 0; i < 8; i++) {
    const value = ir.add("x87.read", i);
    const at = length + REGISTER_BYTES * i;
    ir.add("store.i64", access, place(ctx, at), ir.add("extract.v64", 0, value));
    ir.add("store16.i32", access, place(ctx, at + 8), ir.add("extract.v32", 2, value));
  }
  ir.add("x87.init");
};

export const frstor: Lifter = (ctx) => {
  const { ir } = ctx;
  const { length } = formOf(ctx);
  const access = stackAccess(ctx.insn);
  ir.add("x87.check");
  const words = loadEnvironment(ctx);
  const registers = Array.from({ length: 8 }, (_, i): V128 => {
    const at = length + REGISTER_BYTES * i;
    const low = ir.add("load.i64", access, place(ctx, at));
    const high = ir.add("load16.i32", access, place(ctx, at + 8));
    return ir.add("insert.v32", 2, ir.add("insert.v64", 0, ir.add("const.v128", 0, 0, 0, 0), low), high);
  });
  setEnvironment(ctx, words);
  registers.forEach((value, i) => ir.add("x87.write", i, value));
};

// FXSAVE: 16-byte lines, of which the first 26 hold something.

const LINES = 26;
const FIRST_REGISTER = 2;
const FIRST_VECTOR = 10;
const MXCSR_MASK = 0xffff;
const STATUS_MASK = 0xffff;

const lineAccess = (ctx: LiftContext): number => ACCESS_ALIGNED | stackAccess(ctx.insn);

function controlLine(ctx: LiftContext): V128 {
  const { ir } = ctx;
  const status = ir.add("shl.i32", ir.add("peek.i32", X87_STATUS), ctx.i32(16));
  const zero = ir.add("const.v128", 0, 0, 0, 0);
  const words = ir.add("insert.v32", 0, zero, ir.add("or.i32", ir.add("peek.i32", X87_CONTROL), status));
  return ir.add("insert.v32", 1, words, ir.add("peek.i32", X87_TAG));
}

export const fxsave: Lifter = (ctx) => {
  const { ir } = ctx;
  const access = lineAccess(ctx);
  // A load as part of a modification also finds a misaligned address, which a probe does not.
  for (let line = 0; line < LINES; line++) ir.add("load.v128", access | ACCESS_MODIFY, place(ctx, 16 * line));
  ir.add("store.v128", access, place(ctx, 0), controlLine(ctx));
  const second = ir.add("const.v128", 0, 0, 0, MXCSR_MASK);
  ir.add("store.v128", access, place(ctx, 16), ir.add("insert.v32", 2, second, ir.add("peek.i32", MXCSR)));
  for (let i = 0; i < 8; i++)
    ir.add("store.v128", access, place(ctx, 16 * (FIRST_REGISTER + i)), ir.add("x87.read", i));
  for (let i = 0; i < 16; i++)
    ir.add("store.v128", access, place(ctx, 16 * (FIRST_VECTOR + i)), ir.add("get.v128", vectorSlot(i)));
};

export const fxrstor: Lifter = (ctx) => {
  const { ir } = ctx;
  const access = lineAccess(ctx);
  const lines = Array.from({ length: LINES }, (_, k) => ir.add("load.v128", access, place(ctx, 16 * k)));
  const [first, second] = lines;
  if (first === undefined || second === undefined) return;
  const mxcsr = ir.add("extract.v32", 2, second);
  const reserved = ir.add("and.i32", mxcsr, ctx.i32(~MXCSR_MASK));
  ir.add("fault.if", VECTOR_PROTECTION, ir.add("ne.i32", reserved, ctx.i32(0)));
  ir.add("poke.i32", MXCSR, mxcsr);
  const words = ir.add("extract.v32", 0, first);
  ir.add(
    "poke.i32",
    X87_STATUS,
    ir.add("and.i32", ir.add("shr.i32", words, ctx.i32(16)), ctx.i32(STATUS_MASK)),
  );
  ir.add("x87.control", words);
  ir.add("poke.i32", X87_TAG, ir.add("and.i32", ir.add("extract.v32", 1, first), ctx.i32(0xff)));
  for (let i = 0; i < 8; i++) ir.add("x87.write", i, lines[FIRST_REGISTER + i] ?? first);
  for (let i = 0; i < 16; i++) ctx.setVector(i, lines[FIRST_VECTOR + i] ?? first);
};
