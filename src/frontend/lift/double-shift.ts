/** Double-precision shifts (Intel SDM vol. 2, SHLD, SHRD). */

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
import { resultFlags } from "./flags.ts";
import { modify, read, sizeOf, write } from "./operands.ts";
import * as words from "./words.ts";

type I1 = Value<"i1">;
type I32 = Value<"i32">;

interface Operands<V> {
  readonly value: V;
  readonly source: V;
  readonly count: Count;
}

interface DoubleShift {
  readonly result: Word;
  readonly carry: I1;
}

/** 16 bits in 64: destination, source and source again, as processors do for the counts above 16. */
function double16(ctx: LiftContext, operands: Operands<I32>, toLeft: boolean): DoubleShift {
  const { ir } = ctx;
  const { value, source, count } = operands;
  const high = ir.add("shl.i32", source, ctx.i32(16));
  if (toLeft) {
    const doubled = ir.add("or.i32", source, high);
    const shifted = ir.add("high.i32", ir.add("shl.i64", ir.add("concat.i64", doubled, value), count.value));
    return { result: words.truncate(ir, 16, shifted), carry: words.bitOf(ctx, 32, shifted, 16) };
  }
  const joined = ir.add("concat.i64", ir.add("or.i32", value, high), source);
  const result = words.truncate(ir, 16, ir.add("low.i32", ir.add("shr.i64", joined, count.value)));
  const before = ir.add("shr.i64", joined, countBelow(ctx, count, 64));
  return { result, carry: lowBit(ctx, 64, before) };
}

/** 32 bits in 64. */
function double32(ctx: LiftContext, operands: Operands<I32>, toLeft: boolean): DoubleShift {
  const { ir } = ctx;
  const { value, source, count } = operands;
  if (toLeft) {
    const shifted = ir.add("shl.i64", ir.add("concat.i64", source, value), count.value);
    return { result: ir.add("high.i32", shifted), carry: carryOfLeft(ctx, 32, value, count) };
  }
  const shifted = ir.add("shr.i64", ir.add("concat.i64", value, source), count.value);
  const before = words.shiftRight(ir, 32, value, countBelow(ctx, count, 32));
  return { result: ir.add("low.i32", shifted), carry: lowBit(ctx, 32, before) };
}

/** 64 bits: what comes in is shifted by 64 - count, in two steps because that may be 64. */
function double64(ctx: LiftContext, operands: Operands<Value<"i64">>, toLeft: boolean): DoubleShift {
  const { ir } = ctx;
  const { value, source, count } = operands;
  const rest = countFrom(ctx, 63, count, 64);
  if (toLeft) {
    const entering = ir.add("shr.i64", ir.add("shr.i64", source, ctx.i32(1)), rest);
    const result = ir.add("or.i64", ir.add("shl.i64", value, count.value), entering);
    return { result, carry: carryOfLeft(ctx, 64, value, count) };
  }
  const entering = ir.add("shl.i64", ir.add("shl.i64", source, ctx.i32(1)), rest);
  const result = ir.add("or.i64", ir.add("shr.i64", value, count.value), entering);
  return { result, carry: lowBit(ctx, 64, ir.add("shr.i64", value, countBelow(ctx, count, 64))) };
}

const doubleShifting =
  (toLeft: boolean): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    const size = sizeOf(ctx, 0);
    const count = readCount(ctx, 2, size);
    const operands = { value: modify(ctx, 0), source: read(ctx, 1), count };
    const { result, carry } =
      size === 64
        ? double64(ctx, operands as Operands<Value<"i64">>, toLeft)
        : size === 32
          ? double32(ctx, operands as Operands<I32>, toLeft)
          : double16(ctx, operands as Operands<I32>, toLeft);
    setUnlessZero(ctx, count, () => {
      const sign = words.signBit(ctx, size, result);
      const overflow = toLeft ? ir.add("xor.i1", carry, sign) : topBitsDiffer(ctx, size, result);
      return resultFlags(ctx, size, result, { carry, overflow });
    });
    write(ctx, 0, result);
  };
export const shld = doubleShifting(true);
export const shrd = doubleShifting(false);
