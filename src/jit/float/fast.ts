/**
 * SSE arithmetic by the host's own doubles, for the common case: MXCSR rounds to nearest, masks everything, and
 * changes no denormals; operands and result are zero or normal. Whether the result is exact is found by error-free
 * transformations (Dekker 1971, Knuth 4.2.2), or not asked when the inexact flag is set already.
 *
 * A product, quotient, sum or root of singles computed in double and rounded again is the correctly rounded
 * single, because a double has more than twice the bits and two (Figueroa 1995).
 *
 * Everything else answers SLOW and is left to arithmetic.ts.
 */

import { INEXACT } from "./environment.ts";

export const ADD = 0;
export const SUBTRACT = 1;
export const MULTIPLY = 2;
export const DIVIDE = 3;
export const ROOT = 4;

/** Answers: not done; done and exact, or nobody cares; done and inexact. */
export const SLOW = 0;
export const DONE = 1;
export const LOSSY = 2;

const doubles = new Float64Array(3);
/** Words of the last double result: RESULT_LOW and RESULT_HIGH. */
export const doubleWords = new Int32Array(doubles.buffer);
export const RESULT_LOW = 4;
export const RESULT_HIGH = 5;

const singles = new Float32Array(3);
/** Word of the last single result: RESULT_WORD. */
export const singleWords = new Int32Array(singles.buffer);
export const RESULT_WORD = 2;

/** MXCSR without its flags: round to nearest, all masked, no DAZ, no FTZ. */
export const isUsual = (mxcsr: number): boolean => (mxcsr & 0xffc0) === 0x1f80;

const EXPONENT = 0x7ff0_0000;
const SINGLE_EXPONENT = 0x7f80_0000;
/** Neither denormal nor out of the ordinary is told apart here: infinities and NaNs show in the result. */
export const isPlain64 = (lo: number, hi: number): boolean => (hi & EXPONENT) !== 0 || (lo | (hi << 1)) === 0;
export const isPlain32 = (word: number): boolean => (word & SINGLE_EXPONENT) !== 0 || word << 1 === 0;

/** 2^27 + 1 splits a double into two halves of 26 bits. */
const SPLITTER = 134217729;

/** The error of `sum` = a + b, exactly. */
function sumError(a: number, b: number, sum: number): number {
  const rest = sum - a;
  return a - (sum - rest) + (b - rest);
}

/** The error of `product` = a * b, exactly, while exponents are moderate. */
function productError(a: number, b: number, product: number): number {
  const aSplit = SPLITTER * a;
  const aHigh = aSplit - (aSplit - a);
  const aLow = a - aHigh;
  const bSplit = SPLITTER * b;
  const bHigh = bSplit - (bSplit - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** Products of such numbers and all their parts are normal. */
const isModerate = (x: number): boolean => {
  const size = Math.abs(x);
  return size > 1e-130 && size < 1e130;
};

function exactness(operation: number, a: number, b: number, result: number): number {
  if (operation <= SUBTRACT) {
    return sumError(a, operation === ADD ? b : -b, result) === 0 ? DONE : LOSSY;
  }
  if (result === 0) return DONE;
  if (!isModerate(a) || !isModerate(result) || !isModerate(b)) return SLOW;
  if (operation === MULTIPLY) return productError(a, b, result) === 0 ? DONE : LOSSY;
  // Back again: a quotient times the divisor, a root squared.
  const factor = operation === DIVIDE ? b : result;
  const back = result * factor;
  return back === a && productError(result, factor, back) === 0 ? DONE : LOSSY;
}

function compute(operation: number, a: number, b: number): number {
  switch (operation) {
    case ADD:
      return a + b;
    case SUBTRACT:
      return a - b;
    case MULTIPLY:
      return a * b;
    case DIVIDE:
      return a / b;
    default:
      return Math.sqrt(a);
  }
}

/** A result of zero is exact when it comes from a zero, or from the difference of equals. */
const isExactZero = (operation: number, a: number, b: number): boolean =>
  operation <= SUBTRACT || a === 0 || (operation === MULTIPLY && b === 0);

/** Doubles; for a root the second operand is 1. The caller has seen to `isUsual(mxcsr)`. */
export function fastDouble(
  operation: number,
  mxcsr: number,
  al: number,
  ah: number,
  bl: number,
  bh: number,
): number {
  if (!isPlain64(al, ah) || !isPlain64(bl, bh)) return SLOW;
  doubleWords[0] = al;
  doubleWords[1] = ah;
  doubleWords[2] = bl;
  doubleWords[3] = bh;
  const a = doubles[0] as number;
  const b = doubles[1] as number;
  const result = compute(operation, a, b);
  doubles[2] = result;
  const exponent = (doubleWords[RESULT_HIGH] as number) & EXPONENT;
  // The least normal exponent is left out: a result there may have been tiny before rounding.
  if (exponent < 0x0020_0000 || exponent === EXPONENT) {
    if (result !== 0 || !isExactZero(operation, a, b)) return SLOW;
  }
  return (mxcsr & INEXACT) !== 0 ? DONE : exactness(operation, a, b, result);
}

function singleExactness(operation: number, a: number, b: number, wide: number, result: number): number {
  if (result === 0) return DONE;
  switch (operation) {
    case ADD:
      return result === wide && sumError(a, b, wide) === 0 ? DONE : LOSSY;
    case SUBTRACT:
      return result === wide && sumError(a, -b, wide) === 0 ? DONE : LOSSY;
    case MULTIPLY:
      return result === wide ? DONE : LOSSY;
    case DIVIDE:
      return result * b === a ? DONE : LOSSY;
    default:
      return result * result === a ? DONE : LOSSY;
  }
}

/** Singles; for a root the second operand is 1. */
export function fastSingle(operation: number, mxcsr: number, a: number, b: number): number {
  if (!isPlain32(a) || !isPlain32(b)) return SLOW;
  singleWords[0] = a;
  singleWords[1] = b;
  const x = singles[0] as number;
  const y = singles[1] as number;
  const wide = compute(operation, x, y);
  singles[2] = wide;
  const exponent = (singleWords[RESULT_WORD] as number) & SINGLE_EXPONENT;
  if (exponent < 0x0100_0000 || exponent === SINGLE_EXPONENT) {
    if (wide !== 0 || !isExactZero(operation, x, y)) return SLOW;
  }
  return (mxcsr & INEXACT) !== 0 ? DONE : singleExactness(operation, x, y, wide, singles[2] as number);
}

/** A double from its words, for comparisons. */
export function doubleOf(lo: number, hi: number): number {
  doubleWords[0] = lo;
  doubleWords[1] = hi;
  return doubles[0] as number;
}

export function singleOf(word: number): number {
  singleWords[0] = word;
  return singles[0] as number;
}

/** Leaves the words of a double in `doubleWords`. */
export function putDouble(value: number): void {
  doubles[2] = value;
}

/** Leaves the word of a single in `singleWords`; gives it back as a number. */
export function putSingle(value: number): number {
  singles[2] = value;
  return singles[2] as number;
}
