/** Packed integers, logic and shuffles on vector registers (Intel SDM vol. 1, 5.6.3 and 5.5.1.4). */

import type { ArgsOf, ImmOf, OpName, ResultOf, Value } from "../../jit/ir/ops.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext } from "./context.ts";
import { immediateByte, read, readVector, registerOf, sameRegister, writeVector } from "./operands.ts";

type V128 = Value<"v128">;
type I64 = Value<"i64">;

/** Names of the operations with these arguments and immediates that give a vector. */
type VectorOp<A extends readonly string[], I extends readonly string[]> = {
  [K in OpName]: ArgsOf<K> extends A
    ? ImmOf<K> extends I
      ? ResultOf<K> extends "v128"
        ? K
        : never
      : never
    : never;
}[OpName];

/** Operations of two vectors, of one, and of two with an 8-bit control. */
type BinaryOp = VectorOp<readonly ["v128", "v128"], []>;
type UnaryOp = VectorOp<readonly ["v128"], []>;
type ControlledOp = VectorOp<readonly ["v128", "v128"], readonly ["lane"]>;

/** destination = operation(destination, source). */
export const packed =
  (op: BinaryOp): Lifter =>
  (ctx) => {
    const left = readVector(ctx, 0);
    const right = sameRegister(ctx) ? left : readVector(ctx, 1);
    writeVector(ctx, 0, ctx.ir.add(op, left, right));
  };

/** destination = operation(source). */
export const packedOne =
  (op: UnaryOp): Lifter =>
  (ctx) =>
    writeVector(ctx, 0, ctx.ir.add(op, readVector(ctx, 1)));

/** destination = operation(destination, source) with the immediate as control, of which `mask` counts. */
export const packedControlled =
  (op: ControlledOp, mask = 0xff): Lifter =>
  (ctx) =>
    writeVector(ctx, 0, ctx.ir.add(op, immediateByte(ctx) & mask, readVector(ctx, 0), readVector(ctx, 1)));

/** PXOR, XORPS: of a register with itself it is how zero is written. */
const xorPacked = packed("xor.v128");
export const packedXor: Lifter = (ctx) => {
  if (sameRegister(ctx)) writeVector(ctx, 0, ctx.ir.add("const.v128", 0, 0, 0, 0));
  else xorPacked(ctx);
};

type ShiftOp = Extract<OpName, `${"shl" | "shr" | "sar"}.v${number}`>;

/** The count is an immediate, or the low 64 bits of the source; all beyond the lane's width act the same. */
export const packedShift =
  (op: ShiftOp): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    if (ctx.insn.row.immediate === "b") {
      return writeVector(ctx, 0, ir.add(op, readVector(ctx, 0), ctx.i32(immediateByte(ctx))));
    }
    const count: I64 = ir.add("extract.v64", 0, readVector(ctx, 1));
    const small = ir.add("ult.i64", count, ctx.i64(64));
    const clamped = ir.add("select.i32", small, ir.add("low.i32", count), ctx.i32(64));
    writeVector(ctx, 0, ir.add(op, readVector(ctx, 0), clamped));
  };

export const shiftBytes =
  (op: "shlbytes.v128" | "shrbytes.v128"): Lifter =>
  (ctx) =>
    writeVector(ctx, 0, ctx.ir.add(op, Math.min(immediateByte(ctx), 16), readVector(ctx, 0)));

/** PSHUFD, PSHUFLW, PSHUFHW. */
export const shuffle =
  (op: "shuffle.v32" | "shufflelow.v16" | "shufflehigh.v16"): Lifter =>
  (ctx) =>
    writeVector(ctx, 0, ctx.ir.add(op, immediateByte(ctx), readVector(ctx, 1)));

const shufflePair = (ctx: LiftContext, op: "shuffle2.v32" | "shuffle2.v64", control: number): void => {
  const left: V128 = readVector(ctx, 0);
  writeVector(ctx, 0, ctx.ir.add(op, control, left, readVector(ctx, 1)));
};
export const shufps: Lifter = (ctx) => shufflePair(ctx, "shuffle2.v32", immediateByte(ctx));
export const shufpd: Lifter = (ctx) => shufflePair(ctx, "shuffle2.v64", immediateByte(ctx) & 3);

export const pinsrw: Lifter = (ctx) => {
  const source = read(ctx, 1) as Value<"i32">;
  writeVector(ctx, 0, ctx.ir.add("insert.v16", immediateByte(ctx) & 7, readVector(ctx, 0), source));
};

export const pextrw: Lifter = (ctx) => {
  const lane = ctx.ir.add("extract.v16", immediateByte(ctx) & 7, readVector(ctx, 1));
  ctx.setGeneral32(registerOf(ctx, 0) ?? 0, lane);
};
