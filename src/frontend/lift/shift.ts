/** Shifts (Intel SDM vol. 2, SAL/SAR/SHL/SHR, SHLX/SARX/SHRX). */

import type { Value } from "../../jit/ir/ops.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext, Word } from "./context.ts";
import {
  carryOfLeft,
  type Count,
  countBelow,
  lowBit,
  maskFor,
  readCount,
  setUnlessZero,
  topBitsDiffer,
} from "./counts.ts";
import { resultFlags } from "./flags.ts";
import { modify, read, sizeOf, write } from "./operands.ts";
import * as words from "./words.ts";

type I1 = Value<"i1">;
type I32 = Value<"i32">;

interface Shifted {
  readonly result: Word;
  readonly carry: () => I1;
  readonly overflow: (carry: I1) => I1;
}
type Shift = (ctx: LiftContext, size: number, value: Word, count: Count) => Shifted;

const shifting =
  (shift: Shift): Lifter =>
  (ctx) => {
    const size = sizeOf(ctx, 0);
    const count = readCount(ctx, 1, size);
    const { result, carry, overflow } = shift(ctx, size, modify(ctx, 0), count);
    setUnlessZero(ctx, count, () => {
      const out = carry();
      return resultFlags(ctx, size, result, { carry: out, overflow: overflow(out) });
    });
    write(ctx, 0, result);
  };

export const shl = shifting((ctx, size, value, count) => {
  const result = words.shiftLeft(ctx.ir, size, value, count.value);
  return {
    result,
    carry: () => carryOfLeft(ctx, size, value, count),
    overflow: (carry) => ctx.ir.add("xor.i1", carry, words.signBit(ctx, size, result)),
  };
});

export const shr = shifting((ctx, size, value, count) => {
  const result = words.shiftRight(ctx.ir, size, value, count.value);
  return {
    result,
    carry: () => lowBit(ctx, size, words.shiftRight(ctx.ir, size, value, countBelow(ctx, count, size))),
    overflow: () => topBitsDiffer(ctx, size, result),
  };
});

export const sar = shifting((ctx, size, value, count) => {
  const { ir } = ctx;
  const result = words.shiftArithmetic(ir, size, value, count.value);
  return {
    result,
    carry: () => lowBit(ctx, size, words.shiftArithmetic(ir, size, value, countBelow(ctx, count, size))),
    overflow: () => ctx.i1(false),
  };
});

// BMI2: no flags, the count is masked.

type Plain = (ctx: LiftContext, size: number, value: Word, count: I32) => Word;
const shiftingPlainly =
  (shift: Plain): Lifter =>
  (ctx) => {
    const size = sizeOf(ctx, 0);
    const count = words.toI32(ctx.ir, size, read(ctx, 2));
    write(ctx, 0, shift(ctx, size, read(ctx, 1), ctx.ir.add("and.i32", count, ctx.i32(maskFor(size)))));
  };
export const shlx = shiftingPlainly((ctx, size, value, count) => words.shiftLeft(ctx.ir, size, value, count));
export const shrx = shiftingPlainly((ctx, size, value, count) =>
  words.shiftRight(ctx.ir, size, value, count),
);
export const sarx = shiftingPlainly((ctx, size, value, count) =>
  words.shiftArithmetic(ctx.ir, size, value, count),
);
