/** String comparisons and CRC of SSE4.2 (Intel SDM vol. 1, 5.11 and 12.1). */

import type { Value } from "../../jit/ir/ops.ts";
import { RAX, RCX, RDX } from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext } from "./context.ts";
import { immediateByte, read, readRegister, readVector, sizeOf, write } from "./operands.ts";
import { toI32, toI64, toSignedI64 } from "./words.ts";

type I32 = Value<"i32">;
type I64 = Value<"i64">;

/** Bits of the control byte that the comparison reads; bit 6 chooses the form of the result. */
const COMPARISON = 0x3f;
const HIGHEST_INDEX = 0x40;
const LANE_MASK = 0x40;
const ELEMENTS_ARE_WORDS = 1;

/** The mask of matches; sets the flags. */
type Compare = (ctx: LiftContext) => I32;

function finishComparison(ctx: LiftContext, outcome: I64): I32 {
  const { ir } = ctx;
  ctx.setFlags(ir.add("flags.bits", ir.add("high.i32", outcome)));
  return ir.add("low.i32", outcome);
}

/** PCMPISTRI, PCMPISTRM: strings end at a zero element. */
const implicit: Compare = (ctx) => {
  const control = immediateByte(ctx) & COMPARISON;
  const outcome = ctx.ir.add("comparestrings.implicit", control, readVector(ctx, 0), readVector(ctx, 1));
  return finishComparison(ctx, outcome);
};

/** PCMPESTRI, PCMPESTRM: lengths in rAX and rDX, signed; REX.W makes them 64 bits wide. */
const explicit: Compare = (ctx) => {
  const { ir, insn } = ctx;
  const size = insn.operandBytes === 8 ? 64 : 32;
  const length = (register: number): I64 => toSignedI64(ir, size, readRegister(ctx, register, size));
  const control = immediateByte(ctx) & COMPARISON;
  const [left, right] = [readVector(ctx, 0), readVector(ctx, 1)];
  return finishComparison(
    ctx,
    ir.add("comparestrings.explicit", control, left, right, length(RAX), length(RDX)),
  );
};

/** The number of the lowest or highest match to ECX; the number of elements when there is none. */
const indexOf =
  (compare: Compare): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    const mask = compare(ctx);
    const count = ctx.i32(immediateByte(ctx) & ELEMENTS_ARE_WORDS ? 8 : 16);
    const found =
      immediateByte(ctx) & HIGHEST_INDEX
        ? ir.add("sub.i32", ctx.i32(31), ir.add("clz.i32", mask))
        : ir.add("ctz.i32", mask);
    const none = ir.add("eq.i32", mask, ctx.i32(0));
    ctx.setGeneral32(RCX, ir.add("select.i32", none, count, found));
  };
export const pcmpistri = indexOf(implicit);
export const pcmpestri = indexOf(explicit);

/** The matches to XMM0: as bits, or as whole elements. */
const maskOf =
  (compare: Compare): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    const mask = compare(ctx);
    const control = immediateByte(ctx);
    if ((control & LANE_MASK) === 0) {
      ctx.setVector(0, ir.add("insert.v32", 0, ir.add("const.v128", 0, 0, 0, 0), mask));
    } else {
      ctx.setVector(0, ir.add(control & ELEMENTS_ARE_WORDS ? "expandmask.v16" : "expandmask.v8", mask));
    }
  };
export const pcmpistrm = maskOf(implicit);
export const pcmpestrm = maskOf(explicit);

/** CRC32: the destination's low 32 bits go on, its upper half becomes zero. */
export const crc32: Lifter = (ctx) => {
  const { ir } = ctx;
  const size = sizeOf(ctx, 0);
  const width = sizeOf(ctx, 1);
  const data = read(ctx, 1);
  let crc = toI32(ir, size, read(ctx, 0));
  crc = ir.add("crc32c.i32", Math.min(width, 32), crc, toI32(ir, width, data));
  if (width === 64) crc = ir.add("crc32c.i32", 32, crc, ir.add("high.i32", data as I64));
  write(ctx, 0, size === 64 ? toI64(ir, 32, crc) : crc);
};
