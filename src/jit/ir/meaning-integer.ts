/** Meaning of the operations on truth values and integers. */

import { type Meanings, signed, truth, unsigned } from "./meaning.ts";

type Binary = (a: bigint, b: bigint) => bigint;
type Unary = (a: bigint) => bigint;

const u32: Unary = (x) => unsigned(32, x);
const u64: Unary = (x) => unsigned(64, x);
const s32: Unary = (x) => signed(32, x);
const s64: Unary = (x) => signed(64, x);

const rotateLeft = (bits: number, x: bigint, count: bigint): bigint =>
  unsigned(bits, (x << count) | (x >> (BigInt(bits) - count)));
const rotateRight = (bits: number, x: bigint, count: bigint): bigint =>
  unsigned(bits, (x >> count) | (x << (BigInt(bits) - count)));

/** Digits of the value in base 2, highest first, padded to the width. */
const digits = (bits: number, x: bigint): string => x.toString(2).padStart(bits, "0");

const leadingZeros = (bits: number, x: bigint): bigint => {
  const first = digits(bits, x).indexOf("1");
  return BigInt(first < 0 ? bits : first);
};
const trailingZeros = (bits: number, x: bigint): bigint => {
  const last = digits(bits, x).lastIndexOf("1");
  return BigInt(last < 0 ? bits : bits - 1 - last);
};
const ones = (bits: number, x: bigint): bigint => BigInt(digits(bits, x).replaceAll("0", "").length);

const swapBytes = (bytes: number, x: bigint): bigint => {
  let result = 0n;
  for (let i = 0; i < bytes; i++) result = (result << 8n) | ((x >> BigInt(8 * i)) & 0xffn);
  return result;
};

/** Where the table allows any result, the evaluator gives zero. */
const UNSPECIFIED = 0n;

const divide = (fits: boolean, quotient: () => bigint): bigint => (fits ? u64(quotient()) : UNSPECIFIED);
const joined = (high: bigint, low: bigint): bigint => (high << 64n) | low;
const fitsUnsigned = (high: bigint, low: bigint, divisor: bigint): boolean =>
  divisor !== 0n && joined(high, low) / divisor < 1n << 64n;
const signedDividend = (high: bigint, low: bigint): bigint => signed(128, joined(high, low));
const fitsSigned = (high: bigint, low: bigint, divisor: bigint): boolean => {
  if (divisor === 0n) return false;
  const quotient = signedDividend(high, low) / s64(divisor);
  return quotient === s64(quotient);
};

const TRUTH = {
  "and.i1": (a, b) => a & b,
  "or.i1": (a, b) => a | b,
  "xor.i1": (a, b) => a ^ b,
  "not.i1": (a) => a ^ 1n,
} satisfies Partial<Meanings>;

const WORD = {
  "add.i32": (a, b) => u32(a + b),
  "sub.i32": (a, b) => u32(a - b),
  "mul.i32": (a, b) => u32(a * b),
  "and.i32": (a, b) => a & b,
  "or.i32": (a, b) => a | b,
  "xor.i32": (a, b) => a ^ b,
  "not.i32": (a) => u32(~a),
  "neg.i32": (a) => u32(-a),
  "shl.i32": (a, count) => u32(a << count),
  "shr.i32": (a, count) => a >> count,
  "sar.i32": (a, count) => u32(s32(a) >> count),
  "rotl.i32": (a, count) => rotateLeft(32, a, count),
  "rotr.i32": (a, count) => rotateRight(32, a, count),
  "clz.i32": (a) => leadingZeros(32, a),
  "ctz.i32": (a) => trailingZeros(32, a),
  "popcnt.i32": (a) => ones(32, a),
  "bswap.i32": (a) => swapBytes(4, a),
  "eq.i32": (a, b) => truth(a === b),
  "ne.i32": (a, b) => truth(a !== b),
  "ult.i32": (a, b) => truth(a < b),
  "ule.i32": (a, b) => truth(a <= b),
  "slt.i32": (a, b) => truth(s32(a) < s32(b)),
  "sle.i32": (a, b) => truth(s32(a) <= s32(b)),
  "select.i32": (c, a, b) => (c === 1n ? a : b),
} satisfies Partial<Meanings>;

const LONG = {
  "add.i64": (a, b) => u64(a + b),
  "sub.i64": (a, b) => u64(a - b),
  "mul.i64": (a, b) => u64(a * b),
  "and.i64": (a, b) => a & b,
  "or.i64": (a, b) => a | b,
  "xor.i64": (a, b) => a ^ b,
  "not.i64": (a) => u64(~a),
  "neg.i64": (a) => u64(-a),
  "shl.i64": (a, count) => u64(a << count),
  "shr.i64": (a, count) => a >> count,
  "sar.i64": (a, count) => u64(s64(a) >> count),
  "rotl.i64": (a, count) => rotateLeft(64, a, count),
  "rotr.i64": (a, count) => rotateRight(64, a, count),
  "clz.i64": (a) => leadingZeros(64, a),
  "ctz.i64": (a) => trailingZeros(64, a),
  "popcnt.i64": (a) => ones(64, a),
  "bswap.i64": (a) => swapBytes(8, a),
  "eq.i64": (a, b) => truth(a === b),
  "ne.i64": (a, b) => truth(a !== b),
  "ult.i64": (a, b) => truth(a < b),
  "ule.i64": (a, b) => truth(a <= b),
  "slt.i64": (a, b) => truth(s64(a) < s64(b)),
  "sle.i64": (a, b) => truth(s64(a) <= s64(b)),
  "select.i64": (c, a, b) => (c === 1n ? a : b),
} satisfies Partial<Meanings>;

const multiplyHigh = (widen: Unary): Binary => {
  return (a, b) => u64((widen(a) * widen(b)) >> 64n);
};

const WIDE = {
  "mulwide.u32": (a, b) => a * b,
  "mulwide.s32": (a, b) => u64(s32(a) * s32(b)),
  "mulhigh.u64": multiplyHigh((x) => x),
  "mulhigh.s64": multiplyHigh(s64),
  "div.u128": (high, low, d) => divide(fitsUnsigned(high, low, d), () => joined(high, low) / d),
  "rem.u128": (high, low, d) => divide(fitsUnsigned(high, low, d), () => joined(high, low) % d),
  "div.s128": (high, low, d) => divide(fitsSigned(high, low, d), () => signedDividend(high, low) / s64(d)),
  "rem.s128": (high, low, d) => divide(fitsSigned(high, low, d), () => signedDividend(high, low) % s64(d)),
  "divfits.u128": (high, low, d) => truth(fitsUnsigned(high, low, d)),
  "divfits.s128": (high, low, d) => truth(fitsSigned(high, low, d)),
  "div.u64": (a, b) => divide(b !== 0n, () => a / b),
  "rem.u64": (a, b) => divide(b !== 0n, () => a % b),
  "div.s64": (a, b) => divide(fitsSigned(u64(s64(a) >> 63n), a, b), () => s64(a) / s64(b)),
  "rem.s64": (a, b) => divide(fitsSigned(u64(s64(a) >> 63n), a, b), () => s64(a) % s64(b)),
} satisfies Partial<Meanings>;

const maskAt = (bit: number, width: number): bigint => ((1n << BigInt(width)) - 1n) << BigInt(bit);

const CONVERT = {
  "zext8.i32": (a) => unsigned(8, a),
  "zext16.i32": (a) => unsigned(16, a),
  "sext8.i32": (a) => u32(signed(8, a)),
  "sext16.i32": (a) => u32(signed(16, a)),
  "zext.i64": (a) => a,
  "sext.i64": (a) => u64(s32(a)),
  "low.i32": (a) => u32(a),
  "high.i32": (a) => a >> 32n,
  "concat.i64": (low, high) => (high << 32n) | low,
  "bool.i32": (a) => a,
  "insert.i64": (bit, width, into, value) => {
    const mask = maskAt(bit, width);
    return (into & ~mask) | ((value << BigInt(bit)) & mask);
  },
  "extract.i32": (bit, width, from) => unsigned(width, from >> BigInt(bit)),
} satisfies Partial<Meanings>;

export const INTEGER_MEANINGS = { ...TRUTH, ...WORD, ...LONG, ...WIDE, ...CONVERT };
