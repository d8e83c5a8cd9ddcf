/** Conversions of SSE (Intel SDM vol. 1, 5.5.1.6 and 5.6.1.6). Those with MMX operands are in mmx.ts. */

import type { Value } from "../../jit/ir/ops.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext } from "./context.ts";
import { read, readVector, sizeOf, write, writeVector } from "./operands.ts";
import { double, single, writeDouble, writeSingle } from "./sse-float.ts";

type I32 = Value<"i32">;
type I64 = Value<"i64">;

export const cvtsi2ss: Lifter = (ctx) => {
  const source = read(ctx, 1);
  const { ir } = ctx;
  writeSingle(
    ctx,
    sizeOf(ctx, 1) === 64
      ? ir.add("convert.s64.f32", source as I64)
      : ir.add("convert.s32.f32", source as I32),
  );
};
export const cvtsi2sd: Lifter = (ctx) => {
  const source = read(ctx, 1);
  const { ir } = ctx;
  writeDouble(
    ctx,
    sizeOf(ctx, 1) === 64
      ? ir.add("convert.s64.f64", source as I64)
      : ir.add("convert.s32.f64", source as I32),
  );
};

const singleToInteger =
  (truncate: 0 | 1): Lifter =>
  (ctx) => {
    const source = single(ctx, 1);
    const wide = sizeOf(ctx, 0) === 64;
    write(ctx, 0, ctx.ir.add(wide ? "convert.f32.s64" : "convert.f32.s32", truncate, source) as I32 | I64);
  };
const doubleToInteger =
  (truncate: 0 | 1): Lifter =>
  (ctx) => {
    const source = double(ctx, 1);
    const wide = sizeOf(ctx, 0) === 64;
    write(ctx, 0, ctx.ir.add(wide ? "convert.f64.s64" : "convert.f64.s32", truncate, source) as I32 | I64);
  };
export const cvtss2si = singleToInteger(0);
export const cvttss2si = singleToInteger(1);
export const cvtsd2si = doubleToInteger(0);
export const cvttsd2si = doubleToInteger(1);

export const cvtss2sd: Lifter = (ctx) => writeDouble(ctx, ctx.ir.add("convert.f32.f64", single(ctx, 1)));
export const cvtsd2ss: Lifter = (ctx) => writeSingle(ctx, ctx.ir.add("convert.f64.f32", double(ctx, 1)));

/** Two lanes in the low half, zero above. */
const writeLow = (ctx: LiftContext, value: I64): void =>
  writeVector(ctx, 0, ctx.ir.add("insert.v64", 0, ctx.ir.add("const.v128", 0, 0, 0, 0), value));

export const cvtps2pd: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("convert.f32x2.f64x2", double(ctx, 1)));
export const cvtpd2ps: Lifter = (ctx) => writeLow(ctx, ctx.ir.add("convert.f64x2.f32x2", readVector(ctx, 1)));
export const cvtdq2ps: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("convert.s32x4.f32x4", readVector(ctx, 1)));
export const cvtdq2pd: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("convert.s32x2.f64x2", double(ctx, 1)));
export const cvtps2dq: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("convert.f32x4.s32x4", 0, readVector(ctx, 1)));
export const cvttps2dq: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("convert.f32x4.s32x4", 1, readVector(ctx, 1)));
export const cvtpd2dq: Lifter = (ctx) =>
  writeLow(ctx, ctx.ir.add("convert.f64x2.s32x2", 0, readVector(ctx, 1)));
export const cvttpd2dq: Lifter = (ctx) =>
  writeLow(ctx, ctx.ir.add("convert.f64x2.s32x2", 1, readVector(ctx, 1)));
