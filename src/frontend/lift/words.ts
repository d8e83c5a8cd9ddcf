/**
 * Integer operations for any operand width. A width is data: 8, 16 and 32 bits live in i32 (8 and 16
 * zero-extended), 64 bits in i64. This is the only file that pairs narrow and wide operations.
 */

import type { BlockBuilder } from "../../jit/ir/block.ts";
import type { Value } from "../../jit/ir/ops.ts";
import type { LiftContext, Word } from "./context.ts";

const narrow = (word: Word): Value<"i32"> => word as Value<"i32">;
const wide = (word: Word): Value<"i64"> => word as Value<"i64">;

/** The low `size` bits of a 32-bit value as a word of 8, 16 or 32 bits. */
export function truncate(ir: BlockBuilder, size: number, value: Value<"i32">): Value<"i32"> {
  return size === 8 ? ir.add("zext8.i32", value) : size === 16 ? ir.add("zext16.i32", value) : value;
}

/** A word of 8, 16 or 32 bits, sign-extended to 32. */
export function signExtended(ir: BlockBuilder, size: number, value: Value<"i32">): Value<"i32"> {
  return size === 8 ? ir.add("sext8.i32", value) : size === 16 ? ir.add("sext16.i32", value) : value;
}

export function constant(ctx: LiftContext, size: number, low: number, high = low >> 31): Word {
  if (size === 64) return ctx.i64(low, high);
  return ctx.i32(size === 8 ? low & 0xff : size === 16 ? low & 0xffff : low);
}

export function plus(ir: BlockBuilder, size: number, a: Word, b: Word): Word {
  if (size === 64) return ir.add("add.i64", wide(a), wide(b));
  return truncate(ir, size, ir.add("add.i32", narrow(a), narrow(b)));
}

export function minus(ir: BlockBuilder, size: number, a: Word, b: Word): Word {
  if (size === 64) return ir.add("sub.i64", wide(a), wide(b));
  return truncate(ir, size, ir.add("sub.i32", narrow(a), narrow(b)));
}

export function and(ir: BlockBuilder, size: number, a: Word, b: Word): Word {
  return size === 64 ? ir.add("and.i64", wide(a), wide(b)) : ir.add("and.i32", narrow(a), narrow(b));
}

export function or(ir: BlockBuilder, size: number, a: Word, b: Word): Word {
  return size === 64 ? ir.add("or.i64", wide(a), wide(b)) : ir.add("or.i32", narrow(a), narrow(b));
}

export function xor(ir: BlockBuilder, size: number, a: Word, b: Word): Word {
  return size === 64 ? ir.add("xor.i64", wide(a), wide(b)) : ir.add("xor.i32", narrow(a), narrow(b));
}

export function not(ir: BlockBuilder, size: number, a: Word): Word {
  return size === 64 ? ir.add("not.i64", wide(a)) : truncate(ir, size, ir.add("not.i32", narrow(a)));
}

/** Counts are below the width of the value that is shifted: 64, or 32 for all narrower words. */
export function shiftLeft(ir: BlockBuilder, size: number, a: Word, count: Value<"i32">): Word {
  if (size === 64) return ir.add("shl.i64", wide(a), count);
  return truncate(ir, size, ir.add("shl.i32", narrow(a), count));
}

export function shiftRight(ir: BlockBuilder, size: number, a: Word, count: Value<"i32">): Word {
  return size === 64 ? ir.add("shr.i64", wide(a), count) : ir.add("shr.i32", narrow(a), count);
}

export function shiftArithmetic(ir: BlockBuilder, size: number, a: Word, count: Value<"i32">): Word {
  if (size === 64) return ir.add("sar.i64", wide(a), count);
  return truncate(ir, size, ir.add("sar.i32", signExtended(ir, size, narrow(a)), count));
}

export function select(ir: BlockBuilder, size: number, condition: Value<"i1">, a: Word, b: Word): Word {
  if (size === 64) return ir.add("select.i64", condition, wide(a), wide(b));
  return ir.add("select.i32", condition, narrow(a), narrow(b));
}

export function equal(ir: BlockBuilder, size: number, a: Word, b: Word): Value<"i1"> {
  return size === 64 ? ir.add("eq.i64", wide(a), wide(b)) : ir.add("eq.i32", narrow(a), narrow(b));
}

/** Unsigned a < b. */
export function below(ir: BlockBuilder, size: number, a: Word, b: Word): Value<"i1"> {
  return size === 64 ? ir.add("ult.i64", wide(a), wide(b)) : ir.add("ult.i32", narrow(a), narrow(b));
}

export function isZero(ctx: LiftContext, size: number, a: Word): Value<"i1"> {
  return equal(ctx.ir, size, a, constant(ctx, size, 0));
}

/** Bit `position` of a word. */
export function bitOf(ctx: LiftContext, size: number, a: Word, position: number): Value<"i1"> {
  const { ir } = ctx;
  if (size === 64) {
    const half = position < 32 ? ir.add("low.i32", wide(a)) : ir.add("high.i32", wide(a));
    return bitOf(ctx, 32, half, position & 31);
  }
  if (position === 31) return ir.add("slt.i32", narrow(a), ctx.i32(0));
  return ir.add("ne.i32", ir.add("and.i32", narrow(a), ctx.i32(1 << position)), ctx.i32(0));
}

export const signBit = (ctx: LiftContext, size: number, a: Word): Value<"i1"> =>
  bitOf(ctx, size, a, size - 1);

/** 0 or 1 as a word. */
export function fromBool(ir: BlockBuilder, size: number, value: Value<"i1">): Word {
  const word = ir.add("bool.i32", value);
  return size === 64 ? ir.add("zext.i64", word) : word;
}

/** Any word zero-extended to 64 bits. */
export function toI64(ir: BlockBuilder, size: number, a: Word): Value<"i64"> {
  return size === 64 ? wide(a) : ir.add("zext.i64", narrow(a));
}

/** Any word sign-extended to 64 bits. */
export function toSignedI64(ir: BlockBuilder, size: number, a: Word): Value<"i64"> {
  return size === 64 ? wide(a) : ir.add("sext.i64", signExtended(ir, size, narrow(a)));
}

/** The low 32 bits of any word. */
export function toI32(ir: BlockBuilder, size: number, a: Word): Value<"i32"> {
  return size === 64 ? ir.add("low.i32", wide(a)) : narrow(a);
}

/** The low `size` bits of an i64. */
export function fromI64(ir: BlockBuilder, size: number, a: Value<"i64">): Word {
  return size === 64 ? a : truncate(ir, size, ir.add("low.i32", a));
}

export interface Widths {
  readonly from: number;
  readonly to: number;
  readonly signed: boolean;
}

/** A word of another width: MOVZX, MOVSX and their kin. */
export function extended(ir: BlockBuilder, a: Word, { from, to, signed }: Widths): Word {
  if (from === to) return a;
  if (to === 64) return signed ? toSignedI64(ir, from, a) : toI64(ir, from, a);
  return signed ? truncate(ir, to, signExtended(ir, from, narrow(a))) : narrow(a);
}
