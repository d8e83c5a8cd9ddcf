/**
 * SSE arithmetic, comparison and rounding (Intel SDM vol. 1, 5.5.1.2, 5.6.1.2, 5.7, 5.10.5). The operations know
 * MXCSR; a lifter only says which lanes go where. Scalar forms keep the rest of the destination.
 */

import type { OpName, Value } from "../../jit/ir/ops.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext } from "./context.ts";
import { immediateByte, readLane, readVector, writeVector } from "./operands.ts";

type I32 = Value<"i32">;
type I64 = Value<"i64">;

export const single = (ctx: LiftContext, position: number): I32 => readLane(ctx, position, 32) as I32;
export const double = (ctx: LiftContext, position: number): I64 => readLane(ctx, position, 64) as I64;

/** Writes the low lane of the destination. */
export const writeSingle = (ctx: LiftContext, value: I32): void =>
  writeVector(ctx, 0, ctx.ir.add("insert.v32", 0, readVector(ctx, 0), value));
export const writeDouble = (ctx: LiftContext, value: I64): void =>
  writeVector(ctx, 0, ctx.ir.add("insert.v64", 0, readVector(ctx, 0), value));

type Arithmetic = "add" | "sub" | "mul" | "div" | "min" | "max";
type Pairwise = Arithmetic | "hadd" | "hsub" | "addsub";

export const scalarSingle =
  (name: Arithmetic): Lifter =>
  (ctx) => {
    const right = single(ctx, 1);
    writeSingle(ctx, ctx.ir.add(`f${name}.f32`, single(ctx, 0), right));
  };
export const scalarDouble =
  (name: Arithmetic): Lifter =>
  (ctx) => {
    const right = double(ctx, 1);
    writeDouble(ctx, ctx.ir.add(`f${name}.f64`, double(ctx, 0), right));
  };

type PackedOp = Extract<OpName, `f${Pairwise}.v${32 | 64}`>;
const packed =
  (op: PackedOp): Lifter =>
  (ctx) => {
    const right = readVector(ctx, 1);
    writeVector(ctx, 0, ctx.ir.add(op, readVector(ctx, 0), right));
  };
export const packedSingle = (name: Pairwise): Lifter => packed(`f${name}.v32`);
export const packedDouble = (name: Pairwise): Lifter => packed(`f${name}.v64`);

export const sqrtps: Lifter = (ctx) => writeVector(ctx, 0, ctx.ir.add("fsqrt.v32", readVector(ctx, 1)));
export const sqrtpd: Lifter = (ctx) => writeVector(ctx, 0, ctx.ir.add("fsqrt.v64", readVector(ctx, 1)));
export const sqrtss: Lifter = (ctx) => writeSingle(ctx, ctx.ir.add("fsqrt.f32", single(ctx, 1)));
export const sqrtsd: Lifter = (ctx) => writeDouble(ctx, ctx.ir.add("fsqrt.f64", double(ctx, 1)));

export const rcpps: Lifter = (ctx) => writeVector(ctx, 0, ctx.ir.add("frecip.v32", readVector(ctx, 1)));
export const rcpss: Lifter = (ctx) => writeSingle(ctx, ctx.ir.add("frecip.f32", single(ctx, 1)));
export const rsqrtps: Lifter = (ctx) => writeVector(ctx, 0, ctx.ir.add("frecipsqrt.v32", readVector(ctx, 1)));
export const rsqrtss: Lifter = (ctx) => writeSingle(ctx, ctx.ir.add("frecipsqrt.f32", single(ctx, 1)));

/** CMPPS and its kin: the predicate is the low three bits of the immediate. */
const predicate = (ctx: LiftContext): number => immediateByte(ctx) & 7;
export const cmpps: Lifter = (ctx) => {
  const right = readVector(ctx, 1);
  writeVector(ctx, 0, ctx.ir.add("fcmp.v32", predicate(ctx), readVector(ctx, 0), right));
};
export const cmppd: Lifter = (ctx) => {
  const right = readVector(ctx, 1);
  writeVector(ctx, 0, ctx.ir.add("fcmp.v64", predicate(ctx), readVector(ctx, 0), right));
};
export const cmpss: Lifter = (ctx) => {
  const right = single(ctx, 1);
  writeSingle(ctx, ctx.ir.add("fcmp.f32", predicate(ctx), single(ctx, 0), right));
};
export const cmpsd: Lifter = (ctx) => {
  const right = double(ctx, 1);
  writeDouble(ctx, ctx.ir.add("fcmp.f64", predicate(ctx), double(ctx, 0), right));
};

/** COMISS, UCOMISS: ZF, PF and CF by the order, the other status flags zero. */
const compareFlags =
  (size: 32 | 64, signaling: 0 | 1): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    const bits =
      size === 32
        ? ir.add("fcompare.f32", signaling, single(ctx, 0), single(ctx, 1))
        : ir.add("fcompare.f64", signaling, double(ctx, 0), double(ctx, 1));
    ctx.setFlags(ir.add("flags.bits", bits));
  };
export const ucomiss = compareFlags(32, 0);
export const ucomisd = compareFlags(64, 0);
export const comiss = compareFlags(32, 1);
export const comisd = compareFlags(64, 1);

/** ROUNDPS and its kin; the immediate is the operation's. */
export const roundps: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("fround.v32", immediateByte(ctx), readVector(ctx, 1)));
export const roundpd: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("fround.v64", immediateByte(ctx), readVector(ctx, 1)));
export const roundss: Lifter = (ctx) =>
  writeSingle(ctx, ctx.ir.add("fround.f32", immediateByte(ctx), single(ctx, 1)));
export const roundsd: Lifter = (ctx) =>
  writeDouble(ctx, ctx.ir.add("fround.f64", immediateByte(ctx), double(ctx, 1)));

export const dpps: Lifter = (ctx) => {
  const right = readVector(ctx, 1);
  writeVector(ctx, 0, ctx.ir.add("fdot.v32", immediateByte(ctx), readVector(ctx, 0), right));
};
export const dppd: Lifter = (ctx) => {
  const right = readVector(ctx, 1);
  writeVector(ctx, 0, ctx.ir.add("fdot.v64", immediateByte(ctx), readVector(ctx, 0), right));
};

/** MOVSLDUP, MOVSHDUP, MOVDDUP: every even or odd lane twice. */
export const movsldup: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("shuffle.v32", 0b10_10_00_00, readVector(ctx, 1)));
export const movshdup: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("shuffle.v32", 0b11_11_01_01, readVector(ctx, 1)));
export const movddup: Lifter = (ctx) => {
  const low = double(ctx, 1);
  const zero = ctx.ir.add("const.v128", 0, 0, 0, 0);
  writeVector(ctx, 0, ctx.ir.add("shuffle.v32", 0b01_00_01_00, ctx.ir.add("insert.v64", 0, zero, low)));
};
