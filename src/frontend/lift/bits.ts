/** Bit tests, bit scans, counts and the BMI1 group (Intel SDM vol. 1, 5.1.6 and 5.1.16). */

import { CF } from "../../jit/ir/flags.ts";
import type { Value } from "../../jit/ir/ops.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext, Word } from "./context.ts";
import { logicFlags, replacedFlags, setCarry } from "./flags.ts";
import {
  knownByte,
  modify,
  offsetOfMemory,
  read,
  registerOf,
  sizeOf,
  withSegment,
  write,
} from "./operands.ts";
import * as words from "./words.ts";

type I1 = Value<"i1">;
type I32 = Value<"i32">;
type I64 = Value<"i64">;

type Change = (ctx: LiftContext, size: number, value: Word, mask: Word) => Word;

/**
 * A bit offset in a register reaches beyond the word in memory: the address moves by whole words of the operand
 * size, in both directions.
 */
function moveToBit(ctx: LiftContext, size: number, offset: Word): void {
  const { ir } = ctx;
  const wide = words.toSignedI64(ir, size, offset);
  const word = ir.add("sar.i64", wide, ctx.i32(size === 64 ? 6 : size === 32 ? 5 : 4));
  const bytes = ir.add("shl.i64", word, ctx.i32(size === 64 ? 3 : size === 32 ? 2 : 1));
  const sum = ir.add("add.i64", offsetOfMemory(ctx), bytes);
  const offset64 = ctx.insn.addressBytes === 8 ? sum : ir.add("zext.i64", ir.add("low.i32", sum));
  ctx.address = withSegment(ctx, offset64);
}

/** The bit inside the word: the offset modulo the width. */
function bitPlace(ctx: LiftContext, size: number): I32 {
  const known = knownByte(ctx, 1);
  if (known !== undefined) return ctx.i32(known & (size - 1));
  const offset = read(ctx, 1);
  if (registerOf(ctx, 0) === undefined) moveToBit(ctx, size, offset);
  return ctx.ir.add("and.i32", words.toI32(ctx.ir, size, offset), ctx.i32(size - 1));
}

const testingBit =
  (change: Change | undefined): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    const size = sizeOf(ctx, 0);
    const place = bitPlace(ctx, size);
    const value = change === undefined ? read(ctx, 0) : modify(ctx, 0);
    const carry = words.bitOf(ctx, size, words.shiftRight(ir, size, value, place), 0);
    if (change !== undefined) {
      const mask = words.shiftLeft(ir, size, words.constant(ctx, size, 1), place);
      write(ctx, 0, change(ctx, size, value, mask));
    }
    setCarry(ctx, carry);
  };

export const bt = testingBit(undefined);
export const bts = testingBit((ctx, size, value, mask) => words.or(ctx.ir, size, value, mask));
export const btr = testingBit((ctx, size, value, mask) =>
  words.and(ctx.ir, size, value, words.not(ctx.ir, size, mask)),
);
export const btc = testingBit((ctx, size, value, mask) => words.xor(ctx.ir, size, value, mask));

/** Zeros below the lowest one bit; the width when there is none. */
function trailingZeros(ctx: LiftContext, size: number, value: Word): I32 {
  const { ir } = ctx;
  if (size === 64) return ir.add("ctz.i64", value as I64);
  if (size === 32) return ir.add("ctz.i32", value as I32);
  return ir.add("ctz.i32", ir.add("or.i32", value as I32, ctx.i32(1 << size)));
}

/** Zeros above the highest one bit; the width when there is none. */
function leadingZeros(ctx: LiftContext, size: number, value: Word): I32 {
  const { ir } = ctx;
  if (size === 64) return ir.add("clz.i64", value as I64);
  const count = ir.add("clz.i32", value as I32);
  return size === 32 ? count : ir.add("sub.i32", count, ctx.i32(32 - size));
}

const asWord = (ctx: LiftContext, size: number, value: I32): Word =>
  size === 64 ? ctx.ir.add("zext.i64", value) : value;

/** With a zero source the destination stays, all 64 bits of it; flags other than ZF are undefined. */
function scan(ctx: LiftContext, find: (ctx: LiftContext, size: number, value: Word) => I32): void {
  const { ir } = ctx;
  const size = sizeOf(ctx, 0);
  const source = read(ctx, 1);
  const zero = words.isZero(ctx, size, source);
  const index = find(ctx, size, source);
  ctx.setFlags(logicFlags(ctx, size, source));
  const register = registerOf(ctx, 0) ?? 0;
  if (size === 16) {
    write(ctx, 0, ir.add("select.i32", zero, read(ctx, 0) as I32, index));
  } else {
    ctx.setGeneral(register, ir.add("select.i64", zero, ctx.general(register), ir.add("zext.i64", index)));
  }
}

export const bsf: Lifter = (ctx) => scan(ctx, trailingZeros);
export const bsr: Lifter = (ctx) =>
  scan(ctx, (inner, size, value) => {
    const { ir } = inner;
    return ir.add("sub.i32", inner.i32(size - 1), leadingZeros(inner, size, value));
  });

/** Flags given as two bits, all others zero: CF and ZF. */
export function setCarryAndZero(ctx: LiftContext, carry: I1 | undefined, zero: I1): void {
  const { ir } = ctx;
  const zeroBit = ir.add("shl.i32", ir.add("bool.i32", zero), ctx.i32(6));
  const bits = carry === undefined ? zeroBit : ir.add("or.i32", zeroBit, ir.add("bool.i32", carry));
  ctx.setFlags(ir.add("flags.bits", bits), carry);
}

const counting =
  (count: (ctx: LiftContext, size: number, value: Word) => I32): Lifter =>
  (ctx) => {
    const size = sizeOf(ctx, 0);
    const source = read(ctx, 1);
    const result = count(ctx, size, source);
    setCarryAndZero(ctx, words.isZero(ctx, size, source), words.isZero(ctx, 32, result));
    write(ctx, 0, asWord(ctx, size, result));
  };
export const tzcnt = counting(trailingZeros);
export const lzcnt = counting(leadingZeros);

export const popcnt: Lifter = (ctx) => {
  const { ir } = ctx;
  const size = sizeOf(ctx, 0);
  const source = read(ctx, 1);
  const count = size === 64 ? ir.add("popcnt.i64", source as I64) : ir.add("popcnt.i32", source as I32);
  setCarryAndZero(ctx, undefined, words.isZero(ctx, size, source));
  write(ctx, 0, asWord(ctx, size, count));
};

/** BLSI, BLSMSK, BLSR: the source and the source less one, or its negative. */
const lowestBit =
  (compute: Change, carryOnZero: boolean): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    const size = sizeOf(ctx, 0);
    const source = read(ctx, 1);
    const below = words.minus(ir, size, source, words.constant(ctx, size, 1));
    const result = compute(ctx, size, source, below);
    const zero = words.isZero(ctx, size, source);
    setLogicWithCarry(ctx, size, result, carryOnZero ? zero : ir.add("not.i1", zero));
    write(ctx, 0, result);
  };
export const blsi = lowestBit(
  (ctx, size, source, below) => words.and(ctx.ir, size, source, words.not(ctx.ir, size, below)),
  false,
);
export const blsmsk = lowestBit((ctx, size, source, below) => words.xor(ctx.ir, size, source, below), true);
export const blsr = lowestBit((ctx, size, source, below) => words.and(ctx.ir, size, source, below), true);

function setLogicWithCarry(ctx: LiftContext, size: number, result: Word, carry: I1): void {
  const { ir } = ctx;
  const none = ctx.i1(false);
  const flags =
    size === 64
      ? ir.add("flags.result.i64", result as I64, carry, none, none)
      : ir.add("flags.result.i32", size, result as I32, carry, none, none);
  ctx.setFlags(flags, carry);
}

/** BEXTR: start in bits 0..7 and length in bits 8..15 of the third operand; both may exceed the width. */
export const bextr: Lifter = (ctx) => {
  const { ir } = ctx;
  const size = sizeOf(ctx, 0);
  const control = words.toI32(ir, size, read(ctx, 2));
  const start = ir.add("and.i32", control, ctx.i32(255));
  const length = ir.add("and.i32", ir.add("shr.i32", control, ctx.i32(8)), ctx.i32(255));
  const mask = ctx.i32(size - 1);
  const zero = words.constant(ctx, size, 0);
  const shifted = words.shiftRight(ir, size, read(ctx, 1), ir.add("and.i32", start, mask));
  const from = words.select(ir, size, ir.add("ult.i32", start, ctx.i32(size)), shifted, zero);
  const result = lowBits(ctx, size, from, length);
  ctx.setFlags(logicFlags(ctx, size, result));
  write(ctx, 0, result);
};

/** The low `length` bits; all of them when there are not more. */
function lowBits(ctx: LiftContext, size: number, value: Word, length: I32): Word {
  const { ir } = ctx;
  const one = words.constant(ctx, size, 1);
  const power = words.shiftLeft(ir, size, one, ir.add("and.i32", length, ctx.i32(size - 1)));
  const kept = words.and(ir, size, value, words.minus(ir, size, power, one));
  return words.select(ir, size, ir.add("ult.i32", length, ctx.i32(size)), kept, value);
}

/** BZHI (BMI2): CF tells that the index in bits 0..7 of the third operand is beyond the width. */
export const bzhi: Lifter = (ctx) => {
  const { ir } = ctx;
  const size = sizeOf(ctx, 0);
  const index = ir.add("and.i32", words.toI32(ir, size, read(ctx, 2)), ctx.i32(255));
  const result = lowBits(ctx, size, read(ctx, 1), index);
  setLogicWithCarry(ctx, size, result, ir.add("ule.i32", ctx.i32(size), index));
  write(ctx, 0, result);
};

// The carry flag by itself.

export const stc: Lifter = (ctx) => setCarry(ctx, ctx.i1(true));
export const clc: Lifter = (ctx) => {
  ctx.setFlags(replacedFlags(ctx, CF, ctx.i32(0)), ctx.i1(false));
};
export const cmc: Lifter = (ctx) => setCarry(ctx, ctx.ir.add("not.i1", ctx.carry));
