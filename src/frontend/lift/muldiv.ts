/** Multiplication and division (Intel SDM vol. 2, MUL, IMUL, DIV, IDIV). */

import type { Value } from "../../jit/ir/ops.ts";
import { RAX, RDX } from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import { type LiftContext, VECTOR_DIVIDE, type Word } from "./context.ts";
import { resultFlags } from "./flags.ts";
import { read, readRegister, sizeOf, write, writeRegister } from "./operands.ts";
import * as words from "./words.ts";

type I1 = Value<"i1">;
type I32 = Value<"i32">;
type I64 = Value<"i64">;

interface Product {
  readonly low: Word;
  readonly high: Word;
  /** The high half is more than the extension of the low half: CF and OF. */
  readonly overflow: I1;
}

function product64(ctx: LiftContext, a: I64, b: I64, signed: boolean): Product {
  const { ir } = ctx;
  const low = ir.add("mul.i64", a, b);
  const high = ir.add(signed ? "mulhigh.s64" : "mulhigh.u64", a, b);
  const extension = signed ? ir.add("sar.i64", low, ctx.i32(63)) : ctx.i64(0);
  return { low, high, overflow: ir.add("ne.i64", high, extension) };
}

function product32(ctx: LiftContext, a: I32, b: I32, signed: boolean): Product {
  const { ir } = ctx;
  const product = ir.add(signed ? "mulwide.s32" : "mulwide.u32", a, b);
  const low = ir.add("low.i32", product);
  const high = ir.add("high.i32", product);
  const extension = signed ? ir.add("sar.i32", low, ctx.i32(31)) : ctx.i32(0);
  return { low, high, overflow: ir.add("ne.i32", high, extension) };
}

/** 8 and 16 bits: the whole product fits 32. */
function productNarrow(ctx: LiftContext, size: number, a: I32, b: I32, signed: boolean): Product {
  const { ir } = ctx;
  const wide = (word: I32) => (signed ? words.signExtended(ir, size, word) : word);
  const product = ir.add("mul.i32", wide(a), wide(b));
  const low = words.truncate(ir, size, product);
  const high = words.truncate(ir, size, ir.add("shr.i32", product, ctx.i32(size)));
  return { low, high, overflow: ir.add("ne.i32", product, wide(low)) };
}

function multiplied(ctx: LiftContext, size: number, a: Word, b: Word, signed: boolean): Product {
  if (size === 64) return product64(ctx, a as I64, b as I64, signed);
  if (size === 32) return product32(ctx, a as I32, b as I32, signed);
  return productNarrow(ctx, size, a as I32, b as I32, signed);
}

function setProductFlags(ctx: LiftContext, size: number, { low, overflow }: Product): void {
  ctx.setFlags(resultFlags(ctx, size, low, { carry: overflow, overflow }), overflow);
}

/** One operand: the product goes to rDX:rAX, or to AX for bytes. */
const multiplyAccumulator =
  (signed: boolean): Lifter =>
  (ctx) => {
    const size = sizeOf(ctx, 0);
    const product = multiplied(ctx, size, readRegister(ctx, RAX, size), read(ctx, 0), signed);
    if (size === 8) {
      ctx.setGeneral8(RAX, false, product.low as I32);
      ctx.setGeneral8(RAX, true, product.high as I32);
    } else {
      writeRegister(ctx, RAX, size, product.low);
      writeRegister(ctx, RDX, size, product.high);
    }
    setProductFlags(ctx, size, product);
  };
export const mul = multiplyAccumulator(false);
export const imulAccumulator = multiplyAccumulator(true);

const multiplyInto = (ctx: LiftContext, left: Word, right: Word): void => {
  const size = sizeOf(ctx, 0);
  const product = multiplied(ctx, size, left, right, true);
  write(ctx, 0, product.low);
  setProductFlags(ctx, size, product);
};
export const imul: Lifter = (ctx) => multiplyInto(ctx, read(ctx, 0), read(ctx, 1));
export const imulImmediate: Lifter = (ctx) => multiplyInto(ctx, read(ctx, 1), read(ctx, 2));

/** MULX: high and low half to two registers, the second factor in rDX, no flags; the first operand wins. */
export const mulx: Lifter = (ctx) => {
  const size = sizeOf(ctx, 0);
  const { low, high } = multiplied(ctx, size, readRegister(ctx, RDX, size), read(ctx, 2), false);
  write(ctx, 1, low);
  write(ctx, 0, high);
};

interface Quotient {
  readonly quotient: Word;
  readonly remainder: Word;
}

/** The dividend of 8, 16 and 32 bits: AX, DX:AX or EDX:EAX as one 64-bit value. */
function dividend(ctx: LiftContext, size: number, signed: boolean): I64 {
  const { ir } = ctx;
  if (size === 32) {
    return ir.add("concat.i64", readRegister(ctx, RAX, 32) as I32, readRegister(ctx, RDX, 32) as I32);
  }
  const joined =
    size === 8
      ? (readRegister(ctx, RAX, 16) as I32)
      : ir.add(
          "or.i32",
          readRegister(ctx, RAX, 16) as I32,
          ir.add("shl.i32", readRegister(ctx, RDX, 16) as I32, ctx.i32(16)),
        );
  if (!signed) return ir.add("zext.i64", joined);
  return ir.add("sext.i64", words.signExtended(ir, size * 2, joined));
}

function divideUnsigned(ctx: LiftContext, size: number, divisor: Word): Quotient {
  const { ir } = ctx;
  const number = dividend(ctx, size, false);
  const by = words.toI64(ir, size, divisor);
  // The quotient fits when the upper half is below the divisor; that a zero divisor never is.
  const upper = ir.add("shr.i64", number, ctx.i32(size));
  ir.add("fault.if", VECTOR_DIVIDE, ir.add("ule.i64", by, upper));
  const quotient = ir.add("div.u64", number, by);
  const remainder = ir.add("rem.u64", number, by);
  return { quotient: words.fromI64(ir, size, quotient), remainder: words.fromI64(ir, size, remainder) };
}

function divideSigned(ctx: LiftContext, size: number, divisor: Word): Quotient {
  const { ir } = ctx;
  const number = dividend(ctx, size, true);
  const by = words.toSignedI64(ir, size, divisor);
  const zero = ir.add("eq.i64", by, ctx.i64(0));
  ir.add("fault.if", VECTOR_DIVIDE, zero);
  const quotient = ir.add("div.s64", number, by);
  const low = words.fromI64(ir, size, quotient);
  let wrong = ir.add("ne.i64", quotient, words.toSignedI64(ir, size, low));
  if (size === 32) {
    // The one 64-bit division without a defined quotient.
    const minimum = ir.add("eq.i64", number, ctx.i64(0, -(2 ** 31)));
    const minusOne = ir.add("eq.i64", by, ctx.i64(-1));
    wrong = ir.add("or.i1", wrong, ir.add("and.i1", minimum, minusOne));
  }
  ir.add("fault.if", VECTOR_DIVIDE, wrong);
  return { quotient: low, remainder: words.fromI64(ir, size, ir.add("rem.s64", number, by)) };
}

function divide128(ctx: LiftContext, divisor: I64, signed: boolean): Quotient {
  const { ir } = ctx;
  const high = ctx.general(RDX);
  const low = ctx.general(RAX);
  const fits = ir.add(signed ? "divfits.s128" : "divfits.u128", high, low, divisor);
  ir.add("fault.if", VECTOR_DIVIDE, ir.add("not.i1", fits));
  return {
    quotient: ir.add(signed ? "div.s128" : "div.u128", high, low, divisor),
    remainder: ir.add(signed ? "rem.s128" : "rem.u128", high, low, divisor),
  };
}

/** The quotient goes to rAX, the remainder to rDX; for bytes to AL and AH. Flags stay: undefined in the manual. */
const dividing =
  (signed: boolean): Lifter =>
  (ctx) => {
    const size = sizeOf(ctx, 0);
    const divisor = read(ctx, 0);
    const { quotient, remainder } =
      size === 64
        ? divide128(ctx, divisor as I64, signed)
        : signed
          ? divideSigned(ctx, size, divisor)
          : divideUnsigned(ctx, size, divisor);
    if (size === 8) {
      ctx.setGeneral8(RAX, false, quotient as I32);
      ctx.setGeneral8(RAX, true, remainder as I32);
      return;
    }
    writeRegister(ctx, RAX, size, quotient);
    writeRegister(ctx, RDX, size, remainder);
  };
export const div = dividing(false);
export const idiv = dividing(true);
