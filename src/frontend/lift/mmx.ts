/**
 * MMX (Intel SDM vol. 1, chapter 9, and the MMX forms of SSE to SSSE3). A register is 64 bits of pinned state.
 * Arithmetic is that of vectors on the low half. An instruction checks for a pending x87 exception (`begin`) and
 * takes the x87 unit over, as a rule behind every access that may fault.
 */

import { ACCESS_MODIFY, type Value } from "../../jit/ir/ops.ts";
import { RDI, X87_REGISTERS } from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext } from "./context.ts";
import {
  addressOf,
  addressRegister,
  immediateByte,
  load,
  read,
  readVector,
  registerOf,
  sizeOf,
  stackAccess,
  store,
  withSegment,
  write,
  writeVector,
} from "./operands.ts";
import type { packed as packedVectors, packedOne as packedVector, packedShift } from "./sse-integer.ts";

type I32 = Value<"i32">;
type I64 = Value<"i64">;
type V128 = Value<"v128">;
type BinaryOp = Parameters<typeof packedVectors>[0];
type UnaryOp = Parameters<typeof packedVector>[0];
type ShiftOp = Parameters<typeof packedShift>[0];

const NUMBER_MASK = 7;

const begin = (ctx: LiftContext): void => ctx.ir.add("x87.check");

/** An MMX register, or memory of the operand's width with zeros above. */
function value(ctx: LiftContext, position: number): I64 {
  const register = registerOf(ctx, position);
  if (register !== undefined) return ctx.ir.add("peek.i64", X87_REGISTERS + 16 * (register & NUMBER_MASK));
  const size = sizeOf(ctx, position);
  const loaded = load(ctx, size, addressOf(ctx), stackAccess(ctx.insn));
  return size === 64 ? (loaded as I64) : ctx.ir.add("zext.i64", loaded as I32);
}

/** Writes the destination and takes the unit over. */
function give(ctx: LiftContext, position: number, result: I64): void {
  const register = registerOf(ctx, position);
  if (register !== undefined) return ctx.ir.add("mmx.set", register & NUMBER_MASK, result);
  store(ctx, 64, addressOf(ctx), { value: result, access: stackAccess(ctx.insn) });
  ctx.ir.add("mmx.enter");
}

const zero = ({ ir }: LiftContext): V128 => ir.add("const.v128", 0, 0, 0, 0);
const vector = (ctx: LiftContext, low: I64): V128 => ctx.ir.add("insert.v64", 0, zero(ctx), low);
const joined = (ctx: LiftContext, low: I64, high: I64): V128 =>
  ctx.ir.add("insert.v64", 1, vector(ctx, low), high);
const half = (ctx: LiftContext, from: V128, which: 0 | 1): I64 => ctx.ir.add("extract.v64", which, from);

/** destination = operation(destination, source), lane by lane. */
export const packed =
  (op: BinaryOp): Lifter =>
  (ctx) => {
    begin(ctx);
    const right = vector(ctx, value(ctx, 1));
    give(ctx, 0, half(ctx, ctx.ir.add(op, vector(ctx, value(ctx, 0)), right), 0));
  };

/** Operations that narrow or take neighbours: both operands side by side fill a vector. */
export const narrowing =
  (op: BinaryOp): Lifter =>
  (ctx) => {
    begin(ctx);
    const right = value(ctx, 1);
    const both = joined(ctx, value(ctx, 0), right);
    give(ctx, 0, half(ctx, ctx.ir.add(op, both, both), 0));
  };

/** Interleaves the low halves, or the high ones: both are in what a vector's low half gives. */
export const unpack =
  (op: "unpacklow.v8" | "unpacklow.v16" | "unpacklow.v32", which: 0 | 1): Lifter =>
  (ctx) => {
    begin(ctx);
    const right = vector(ctx, value(ctx, 1));
    give(ctx, 0, half(ctx, ctx.ir.add(op, vector(ctx, value(ctx, 0)), right), which));
  };

export const packedOne =
  (op: UnaryOp): Lifter =>
  (ctx) => {
    begin(ctx);
    const source = value(ctx, 1);
    give(ctx, 0, half(ctx, ctx.ir.add(op, vector(ctx, source)), 0));
  };

/** The count is an immediate or 64 bits; all beyond the lane's width act the same. */
export const shift =
  (op: ShiftOp): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    begin(ctx);
    let count = ctx.i32(immediateByte(ctx));
    if (ctx.insn.row.immediate !== "b") {
      const whole = value(ctx, 1);
      count = ir.add(
        "select.i32",
        ir.add("ult.i64", whole, ctx.i64(64)),
        ir.add("low.i32", whole),
        ctx.i32(64),
      );
    }
    give(ctx, 0, half(ctx, ir.add(op, vector(ctx, value(ctx, 0)), count), 0));
  };

/** PSHUFB of eight bytes: three bits of an index count. */
export const pshufb: Lifter = (ctx) => {
  const { ir } = ctx;
  begin(ctx);
  const mask = ctx.i64(0x8787_8787 | 0, 0x8787_8787 | 0);
  const control = vector(ctx, ir.add("and.i64", value(ctx, 1), mask));
  give(ctx, 0, half(ctx, ir.add("shufflebytes.v8", vector(ctx, value(ctx, 0)), control), 0));
};

/** PALIGNR: eight bytes of destination:source from byte `imm`. */
export const palignr: Lifter = (ctx) => {
  begin(ctx);
  const low = value(ctx, 1);
  const both = joined(ctx, low, value(ctx, 0));
  give(ctx, 0, half(ctx, ctx.ir.add("shrbytes.v128", Math.min(immediateByte(ctx), 16), both), 0));
};

export const pshufw: Lifter = (ctx) => {
  begin(ctx);
  const source = vector(ctx, value(ctx, 1));
  give(ctx, 0, half(ctx, ctx.ir.add("shufflelow.v16", immediateByte(ctx), source), 0));
};

export const pinsrw: Lifter = (ctx) => {
  begin(ctx);
  const source = read(ctx, 1) as I32;
  const into = vector(ctx, value(ctx, 0));
  give(ctx, 0, half(ctx, ctx.ir.add("insert.v16", immediateByte(ctx) & 3, into, source), 0));
};

/** What only reads an MMX register takes the unit over as well. */
function readOnly(ctx: LiftContext, position: number): I64 {
  begin(ctx);
  const source = value(ctx, position);
  ctx.ir.add("mmx.enter");
  return source;
}

export const pextrw: Lifter = (ctx) => {
  const lane = ctx.ir.add("extract.v16", immediateByte(ctx) & 3, vector(ctx, readOnly(ctx, 1)));
  ctx.setGeneral32(registerOf(ctx, 0) ?? 0, lane);
};

export const pmovmskb: Lifter = (ctx) =>
  ctx.setGeneral32(registerOf(ctx, 0) ?? 0, ctx.ir.add("movemask.v8", vector(ctx, readOnly(ctx, 1))));

/** MOVQ, MOVNTQ. */
export const mov: Lifter = (ctx) => {
  begin(ctx);
  const source = value(ctx, 1);
  give(ctx, 0, source);
};

/** MOVD and MOVQ between MMX and general registers or memory. */
export const movFromGeneral: Lifter = (ctx) => {
  begin(ctx);
  const source = read(ctx, 1);
  give(ctx, 0, sizeOf(ctx, 1) === 64 ? (source as I64) : ctx.ir.add("zext.i64", source as I32));
};
export const movToGeneral: Lifter = (ctx) => {
  begin(ctx);
  const source = value(ctx, 1);
  write(ctx, 0, sizeOf(ctx, 0) === 64 ? source : ctx.ir.add("low.i32", source));
  ctx.ir.add("mmx.enter");
};

export const movq2dq: Lifter = (ctx) => writeVector(ctx, 0, vector(ctx, readOnly(ctx, 1)));
export const movdq2q: Lifter = (ctx) => {
  begin(ctx);
  give(ctx, 0, half(ctx, readVector(ctx, 1), 0));
};

export const emms: Lifter = (ctx) => {
  begin(ctx);
  ctx.ir.add("x87.empty");
};

/** MASKMOVQ: bytes whose mask has its top bit go to [rDI]; the page must be writable whatever the mask. */
export const maskmovq: Lifter = (ctx) => {
  const { ir } = ctx;
  begin(ctx);
  // Processors take the unit over before they look at the memory.
  ir.add("mmx.enter");
  const address = withSegment(ctx, addressRegister(ctx, RDI));
  const old = vector(ctx, ir.add("load.i64", ACCESS_MODIFY, address));
  const data = vector(ctx, value(ctx, 0));
  const blended = ir.add("blend.v8", old, data, vector(ctx, value(ctx, 1)));
  ir.add("store.i64", 0, address, half(ctx, blended, 0));
};

// Conversions. They take the unit over before they raise #XM.

/** From memory CVTPI2PS and CVTPI2PD have nothing to do with the x87 unit (AMD; Intel: CVTPI2PD alone). */
function conversionSource(ctx: LiftContext): I64 {
  if (registerOf(ctx, 1) === undefined) return value(ctx, 1);
  begin(ctx);
  ctx.ir.add("mmx.enter");
  return value(ctx, 1);
}
export const cvtpi2ps: Lifter = (ctx) => {
  const result = ctx.ir.add("convert.s32x2.f32x2", conversionSource(ctx));
  writeVector(ctx, 0, ctx.ir.add("insert.v64", 0, readVector(ctx, 0), result));
};
export const cvtpi2pd: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("convert.s32x2.f64x2", conversionSource(ctx)));

const singlesToIntegers =
  (truncate: 0 | 1): Lifter =>
  (ctx) => {
    begin(ctx);
    const register = registerOf(ctx, 1);
    const source =
      register === undefined
        ? (load(ctx, 64, addressOf(ctx), stackAccess(ctx.insn)) as I64)
        : half(ctx, ctx.vector(register), 0);
    ctx.ir.add("mmx.enter");
    give(ctx, 0, ctx.ir.add("convert.f32x2.s32x2", truncate, source));
  };
const doublesToIntegers =
  (truncate: 0 | 1): Lifter =>
  (ctx) => {
    begin(ctx);
    const source = readVector(ctx, 1);
    ctx.ir.add("mmx.enter");
    give(ctx, 0, ctx.ir.add("convert.f64x2.s32x2", truncate, source));
  };
export const cvtps2pi = singlesToIntegers(0);
export const cvttps2pi = singlesToIntegers(1);
export const cvtpd2pi = doublesToIntegers(0);
export const cvttpd2pi = doublesToIntegers(1);
