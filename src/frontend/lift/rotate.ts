/** Rotates (Intel SDM vol. 2, RCL/RCR/ROL/ROR). They change CF and OF alone. */

import { CF, OF } from "../../jit/ir/flags.ts";
import type { Value } from "../../jit/ir/ops.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext, Word } from "./context.ts";
import {
  carryOfLeft,
  type Count,
  countBelow,
  countFrom,
  lowBit,
  readCount,
  setUnlessZero,
  topBitsDiffer,
} from "./counts.ts";
import { replacedFlags } from "./flags.ts";
import { immediateByte, modify, read, sizeOf, write } from "./operands.ts";
import * as words from "./words.ts";

type I1 = Value<"i1">;
type I32 = Value<"i32">;

function setCarryAndOverflow(
  ctx: LiftContext,
  count: Count,
  carry: () => I1,
  overflow: (carry: I1) => I1,
): void {
  const { ir } = ctx;
  setUnlessZero(ctx, count, () => {
    const out = carry();
    const high = ir.add("shl.i32", ir.add("bool.i32", overflow(out)), ctx.i32(11));
    return replacedFlags(ctx, CF | OF, ir.add("or.i32", ir.add("bool.i32", out), high));
  });
}

/** A rotate of 8 or 16 bits: the value twice side by side, shifted. */
function rotateNarrow(ctx: LiftContext, size: number, value: I32, right: I32): I32 {
  const { ir } = ctx;
  const doubled = ir.add("or.i32", value, ir.add("shl.i32", value, ctx.i32(size)));
  return words.truncate(ir, size, ir.add("shr.i32", doubled, right));
}

function rotatedLeft(ctx: LiftContext, size: number, value: Word, count: Count): Word {
  const { ir } = ctx;
  if (size === 64) return ir.add("rotl.i64", value as Value<"i64">, count.value);
  if (size === 32) return ir.add("rotl.i32", value as I32, count.value);
  const right = ir.add("and.i32", ir.add("sub.i32", ctx.i32(size), count.value), ctx.i32(size - 1));
  return rotateNarrow(ctx, size, value as I32, right);
}

function rotatedRight(ctx: LiftContext, size: number, value: Word, count: Count): Word {
  const { ir } = ctx;
  if (size === 64) return ir.add("rotr.i64", value as Value<"i64">, count.value);
  if (size === 32) return ir.add("rotr.i32", value as I32, count.value);
  return rotateNarrow(ctx, size, value as I32, ir.add("and.i32", count.value, ctx.i32(size - 1)));
}

export const rol: Lifter = (ctx) => {
  const size = sizeOf(ctx, 0);
  const count = readCount(ctx, 1, size);
  const result = rotatedLeft(ctx, size, modify(ctx, 0), count);
  const carry = () => lowBit(ctx, size, result);
  setCarryAndOverflow(ctx, count, carry, (out) =>
    ctx.ir.add("xor.i1", out, words.signBit(ctx, size, result)),
  );
  write(ctx, 0, result);
};

export const ror: Lifter = (ctx) => {
  const size = sizeOf(ctx, 0);
  const count = readCount(ctx, 1, size);
  const result = rotatedRight(ctx, size, modify(ctx, 0), count);
  const carry = () => words.signBit(ctx, size, result);
  setCarryAndOverflow(ctx, count, carry, () => topBitsDiffer(ctx, size, result));
  write(ctx, 0, result);
};

/** RORX: the source rotated by an immediate, no flags. */
export const rorx: Lifter = (ctx) => {
  const size = sizeOf(ctx, 0);
  const known = immediateByte(ctx) & (size - 1);
  const count = ctx.i32(known);
  const source = read(ctx, 1);
  write(
    ctx,
    0,
    size === 64
      ? ctx.ir.add("rotr.i64", source as Value<"i64">, count)
      : ctx.ir.add("rotr.i32", source as I32, count),
  );
};

interface ThroughCarry {
  readonly result: Word;
  readonly carry: I1;
}

/** Number of places of a rotate through carry: below size + 1. A 5-bit count times 57 >> 9 divides it by 9. */
function placesThroughCarry(ctx: LiftContext, size: number, count: Count): I32 {
  const modulus = size + 1;
  if (count.known !== undefined) return ctx.i32(count.known % modulus);
  const { ir } = ctx;
  if (size === 16) {
    const below = ir.add("ult.i32", count.value, ctx.i32(modulus));
    return ir.add("select.i32", below, count.value, ir.add("sub.i32", count.value, ctx.i32(modulus)));
  }
  const quotient = ir.add("shr.i32", ir.add("mul.i32", count.value, ctx.i32(57)), ctx.i32(9));
  return ir.add("sub.i32", count.value, ir.add("mul.i32", quotient, ctx.i32(modulus)));
}

/** 8 and 16 bits: the carry above the value makes 9 or 17 bits, which fit 32. `left` is the count to the left. */
function rotateThroughNarrow(ctx: LiftContext, size: number, value: Word, left: I32): ThroughCarry {
  const { ir } = ctx;
  const joined = ir.add(
    "or.i32",
    value as I32,
    ir.add("shl.i32", words.fromBool(ir, 32, ctx.carry) as I32, ctx.i32(size)),
  );
  const back = ir.add("sub.i32", ctx.i32(size + 1), left);
  const rotated = ir.add("or.i32", ir.add("shl.i32", joined, left), ir.add("shr.i32", joined, back));
  return { result: words.truncate(ir, size, rotated), carry: words.bitOf(ctx, 32, rotated, size) };
}

/** 32 bits: 33 bits fit 64. */
function rotateThrough32(ctx: LiftContext, value: I32, left: I32): ThroughCarry {
  const { ir } = ctx;
  const joined = ir.add("concat.i64", value, words.fromBool(ir, 32, ctx.carry) as I32);
  const back = ir.add("sub.i32", ctx.i32(33), left);
  const rotated = ir.add("or.i64", ir.add("shl.i64", joined, left), ir.add("shr.i64", joined, back));
  return { result: ir.add("low.i32", rotated), carry: words.bitOf(ctx, 64, rotated, 32) };
}

/** 64 bits to the left by 1..63: what left comes back below the carry. */
function rotateLeftThrough64(ctx: LiftContext, value: Value<"i64">, count: Count): ThroughCarry {
  const { ir } = ctx;
  const shifted = ir.add("shl.i64", value, count.value);
  const oldCarry = words.fromBool(ir, 64, ctx.carry) as Value<"i64">;
  const between = ir.add("shl.i64", oldCarry, countBelow(ctx, count, 64));
  // Right by 65 - count, which may be 64, in two steps.
  const half = ir.add("shr.i64", value, ctx.i32(1));
  const returned = ir.add("shr.i64", half, countFrom(ctx, 64, count, 64));
  const result = ir.add("or.i64", ir.add("or.i64", shifted, between), returned);
  return { result, carry: carryOfLeft(ctx, 64, value, count) };
}

function rotateRightThrough64(ctx: LiftContext, value: Value<"i64">, count: Count): ThroughCarry {
  const { ir } = ctx;
  const shifted = ir.add("shr.i64", value, count.value);
  const oldCarry = words.fromBool(ir, 64, ctx.carry) as Value<"i64">;
  const between = ir.add("shl.i64", oldCarry, countFrom(ctx, 64, count, 64));
  const doubled = ir.add("shl.i64", value, ctx.i32(1));
  const returned = ir.add("shl.i64", doubled, countFrom(ctx, 64, count, 64));
  const result = ir.add("or.i64", ir.add("or.i64", shifted, between), returned);
  return { result, carry: lowBit(ctx, 64, ir.add("shr.i64", value, countBelow(ctx, count, 64))) };
}

function throughCarry(
  ctx: LiftContext,
  size: number,
  value: Word,
  count: Count,
  toLeft: boolean,
): ThroughCarry {
  const { ir } = ctx;
  if (size === 64) {
    const wide = value as Value<"i64">;
    const turned = toLeft ? rotateLeftThrough64(ctx, wide, count) : rotateRightThrough64(ctx, wide, count);
    if (count.known !== undefined) return count.known === 0 ? { result: value, carry: ctx.carry } : turned;
    const zero = ir.add("eq.i32", count.value, ctx.i32(0));
    return { result: ir.add("select.i64", zero, wide, turned.result as Value<"i64">), carry: turned.carry };
  }
  const places = size === 32 ? count.value : placesThroughCarry(ctx, size, count);
  const left = toLeft ? places : ir.add("sub.i32", ctx.i32(size + 1), places);
  return size === 32 ? rotateThrough32(ctx, value as I32, left) : rotateThroughNarrow(ctx, size, value, left);
}

const rotatingThrough =
  (toLeft: boolean): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    const size = sizeOf(ctx, 0);
    const count = readCount(ctx, 1, size);
    const { result, carry } = throughCarry(ctx, size, modify(ctx, 0), count, toLeft);
    const overflow = (out: I1): I1 =>
      toLeft ? ir.add("xor.i1", out, words.signBit(ctx, size, result)) : topBitsDiffer(ctx, size, result);
    setCarryAndOverflow(ctx, count, () => carry, overflow);
    write(ctx, 0, result);
  };
export const rcl = rotatingThrough(true);
export const rcr = rotatingThrough(false);
