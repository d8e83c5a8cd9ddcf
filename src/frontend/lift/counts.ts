/**
 * Counts of shifts and rotates, and the flags they share. An immediate count is a constant now, and then flags are
 * not selected; CL is masked, and a zero count keeps the flags.
 *
 * OF for counts above one is undefined in the manual; processors compute it by the formula for one, and so does
 * this. AF, undefined after shifts, is cleared.
 */

import type { Value } from "../../jit/ir/ops.ts";
import type { LiftContext, Word } from "./context.ts";
import { knownByte, read } from "./operands.ts";
import * as words from "./words.ts";

type I1 = Value<"i1">;
type I32 = Value<"i32">;

/** A count after masking; `known` when it is in the instruction. */
export interface Count {
  readonly value: I32;
  readonly known: number | undefined;
}

export const maskFor = (size: number): number => (size === 64 ? 63 : 31);

export function readCount(ctx: LiftContext, position: number, size: number): Count {
  const mask = maskFor(size);
  const known = knownByte(ctx, position);
  if (known !== undefined) return { known: known & mask, value: ctx.i32(known & mask) };
  const value = ctx.ir.add("and.i32", read(ctx, position) as I32, ctx.i32(mask));
  return { known: undefined, value };
}

/** (constant - count) modulo the width of the shifted value. */
export function countFrom(ctx: LiftContext, constant: number, count: Count, size: number): I32 {
  const mask = maskFor(size);
  if (count.known !== undefined) return ctx.i32((constant - count.known) & mask);
  const { ir } = ctx;
  return ir.add("and.i32", ir.add("sub.i32", ctx.i32(constant), count.value), ctx.i32(mask));
}

/** count - 1, modulo the width. */
export function countBelow(ctx: LiftContext, count: Count, size: number): I32 {
  const mask = maskFor(size);
  if (count.known !== undefined) return ctx.i32((count.known - 1) & mask);
  const { ir } = ctx;
  return ir.add("and.i32", ir.add("sub.i32", count.value, ctx.i32(1)), ctx.i32(mask));
}

export const lowBit = (ctx: LiftContext, size: number, word: Word): I1 => words.bitOf(ctx, size, word, 0);

/** Flags that a zero count leaves alone. */
export function setUnlessZero(ctx: LiftContext, count: Count, flags: () => Value<"flags">): void {
  if (count.known === 0) return;
  const made = flags();
  if (count.known !== undefined) return ctx.setFlags(made);
  const zero = ctx.ir.add("eq.i32", count.value, ctx.i32(0));
  ctx.setFlags(ctx.ir.add("select.flags", zero, ctx.flags, made));
}

/** The two top bits of the result differ: OF of right shifts and rotates. */
export function topBitsDiffer(ctx: LiftContext, size: number, result: Word): I1 {
  return ctx.ir.add("xor.i1", words.signBit(ctx, size, result), words.bitOf(ctx, size, result, size - 2));
}

/** The last bit that left on the left: bit `size` of the value shifted in a wider register. */
export function carryOfLeft(ctx: LiftContext, size: number, value: Word, count: Count): I1 {
  const { ir } = ctx;
  if (size < 32) return words.bitOf(ctx, 32, ir.add("shl.i32", value as I32, count.value), size);
  return lowBit(ctx, size, words.shiftRight(ir, size, value, countFrom(ctx, size, count, size)));
}
