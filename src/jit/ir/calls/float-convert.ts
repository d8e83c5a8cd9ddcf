/** SSE conversions. `truncate` immediates: 1 rounds to zero (CVTT...), 0 as MXCSR says. */

import { convert, fromInteger, toInteger } from "../../float/convert.ts";
import { type Environment, INEXACT, TRUNCATE } from "../../float/environment.ts";
import * as fast from "../../float/fast.ts";
import { DOUBLE, type Format, SINGLE } from "../../float/format.ts";
import type { Call, CallMachine } from "./call.ts";
import { giveFast } from "./float-scalar.ts";
import { begin, giveLong, giveVector, giveWord, long, mxcsrOf, noteInexact, settle, word } from "./mxcsr.ts";

const { doubleWords, singleWords } = fast;
const TWO_32 = 2 ** 32;
/** Adding and taking away 1.5 * 2^52 rounds a smaller double to an integer, to nearest even. */
const ROUNDER = 1.5 * 2 ** 52;

/** The integer that a number rounds to; NaN when the software has to say. */
function fastInteger(value: number, truncate: number, limit: number): number {
  if (!(Math.abs(value) < limit)) return NaN;
  if (truncate !== 0) return Math.trunc(value);
  if (Math.abs(value) < 2 ** 51) return value + ROUNDER - ROUNDER;
  return Math.abs(value) < 2 ** 52 ? NaN : value;
}

/** Notes inexactness and gives the low word; the high one goes to the results. */
function giveInteger(m: CallMachine, mxcsr: number, value: number, integer: number): number {
  if (integer !== value && (mxcsr & INEXACT) === 0) noteInexact(m, mxcsr);
  m.results[1] = Math.floor(integer / TWO_32) | 0;
  return integer | 0;
}

/** Limits of what fits for certain, before and after rounding. */
const LIMIT_32 = 2 ** 31 - 1;
const LIMIT_64 = 2 ** 62;

function slowInteger(m: CallMachine, f: Format, value: bigint, truncate: number, bits: number): number {
  const env = begin(m);
  if (truncate !== 0) env.rounding = TRUNCATE;
  const result = toInteger(env, f, value, bits);
  settle(m);
  return bits === 64 ? giveLong(m, result) : giveWord(result);
}

const doubleToInteger =
  (bits: 32 | 64): Call =>
  (m, truncate = 0, lo = 0, hi = 0) => {
    const mxcsr = mxcsrOf(m);
    if (fast.isUsual(mxcsr) && fast.isPlain64(lo, hi)) {
      const value = fast.doubleOf(lo, hi);
      const integer = fastInteger(value, truncate, bits === 32 ? LIMIT_32 : LIMIT_64);
      if (integer === integer) return giveInteger(m, mxcsr, value, integer);
    }
    return slowInteger(m, DOUBLE, long(lo, hi), truncate, bits);
  };

const singleToInteger =
  (bits: 32 | 64): Call =>
  (m, truncate = 0, a = 0) => {
    const mxcsr = mxcsrOf(m);
    if (fast.isUsual(mxcsr) && fast.isPlain32(a)) {
      const value = fast.singleOf(a);
      const integer = fastInteger(value, truncate, bits === 32 ? LIMIT_32 : LIMIT_64);
      if (integer === integer) return giveInteger(m, mxcsr, value, integer);
    }
    return slowInteger(m, SINGLE, word(a), truncate, bits);
  };

const integerToDouble: Call = (m, lo = 0, hi = 0) => {
  // The high half is exact as a double, and one addition rounds once. Below 2^52 nothing is lost.
  if (hi < 1 << 20 && hi >= -(1 << 20)) {
    fast.putDouble(hi * TWO_32 + (lo >>> 0));
    return giveFast(m);
  }
  const result = fromInteger(begin(m), DOUBLE, BigInt.asIntN(64, long(lo, hi)));
  settle(m);
  return giveLong(m, result);
};

const integerToSingle: Call = (m, a = 0) => {
  const mxcsr = mxcsrOf(m);
  const near = fast.putSingle(a);
  if (near === a) return singleWords[fast.RESULT_WORD] as number;
  if (fast.isUsual(mxcsr)) {
    noteInexact(m, mxcsr);
    return singleWords[fast.RESULT_WORD] as number;
  }
  const result = fromInteger(begin(m), SINGLE, BigInt(a));
  settle(m);
  return giveWord(result);
};

const doubleToSingle: Call = (m, lo = 0, hi = 0) => {
  const mxcsr = mxcsrOf(m);
  if (fast.isUsual(mxcsr) && fast.isPlain64(lo, hi)) {
    const value = fast.doubleOf(lo, hi);
    const near = fast.putSingle(value);
    const bits = singleWords[fast.RESULT_WORD] as number;
    const exponent = bits & 0x7f80_0000;
    if (value === 0 || (exponent >= 0x0100_0000 && exponent !== 0x7f80_0000)) {
      if (near !== value && (mxcsr & INEXACT) === 0) noteInexact(m, mxcsr);
      return bits;
    }
  }
  const result = convert(begin(m), DOUBLE, SINGLE, long(lo, hi));
  settle(m);
  return giveWord(result);
};

const singleToDouble: Call = (m, a = 0) => {
  if (fast.isPlain32(a) && (a & 0x7f80_0000) !== 0x7f80_0000) {
    fast.putDouble(fast.singleOf(a));
    return giveFast(m);
  }
  const result = convert(begin(m), SINGLE, DOUBLE, word(a));
  settle(m);
  return giveLong(m, result);
};

const integerOf = (env: Environment, f: Format, value: bigint, truncate: number): bigint => {
  if (truncate !== 0) env.rounding = TRUNCATE;
  return toInteger(env, f, value, 32);
};

const giveWords = (m: CallMachine, [a = 0n, b = 0n, c = 0n, d = 0n]: readonly bigint[]): number => {
  settle(m);
  return giveVector(m, (b << 32n) | a, (d << 32n) | c);
};

export const CONVERT_CALLS = {
  "convert.s32.f64": (m, a = 0) => {
    fast.putDouble(a);
    return giveFast(m);
  },
  "convert.s64.f64": integerToDouble,
  "convert.s32.f32": integerToSingle,
  "convert.s64.f32": (m, lo = 0, hi = 0) => {
    if (hi === lo >> 31) return integerToSingle(m, lo);
    const result = fromInteger(begin(m), SINGLE, BigInt.asIntN(64, long(lo, hi)));
    settle(m);
    return giveWord(result);
  },
  "convert.f64.s32": doubleToInteger(32),
  "convert.f64.s64": doubleToInteger(64),
  "convert.f32.s32": singleToInteger(32),
  "convert.f32.s64": singleToInteger(64),
  "convert.f64.f32": doubleToSingle,
  "convert.f32.f64": singleToDouble,
  // Of whole registers; each lane as above, all exceptions together.
  "convert.s32x2.f64x2": (m, a = 0, b = 0) => {
    fast.putDouble(b);
    m.results[2] = doubleWords[fast.RESULT_LOW] as number;
    m.results[3] = doubleWords[fast.RESULT_HIGH] as number;
    fast.putDouble(a);
    return giveFast(m);
  },
  "convert.s32x4.f32x4": (m, ...words) => {
    const env = begin(m);
    return giveWords(
      m,
      words.map((a) => fromInteger(env, SINGLE, BigInt(a))),
    );
  },
  "convert.s32x2.f32x2": (m, a = 0, b = 0) => {
    const env = begin(m);
    return giveWords(m, [fromInteger(env, SINGLE, BigInt(a)), fromInteger(env, SINGLE, BigInt(b))]);
  },
  "convert.f32x4.s32x4": (m, truncate = 0, ...words) => {
    const env = begin(m);
    return giveWords(
      m,
      words.map((a) => integerOf(env, SINGLE, word(a), truncate)),
    );
  },
  "convert.f32x2.s32x2": (m, truncate = 0, a = 0, b = 0) => {
    const env = begin(m);
    return giveWords(
      m,
      [a, b].map((value) => integerOf(env, SINGLE, word(value), truncate)),
    );
  },
  "convert.f64x2.s32x2": (m, truncate = 0, a0 = 0, a1 = 0, b0 = 0, b1 = 0) => {
    const env = begin(m);
    return giveWords(
      m,
      [long(a0, a1), long(b0, b1)].map((value) => integerOf(env, DOUBLE, value, truncate)),
    );
  },
  "convert.f64x2.f32x2": (m, a0 = 0, a1 = 0, b0 = 0, b1 = 0) => {
    const env = begin(m);
    return giveWords(
      m,
      [long(a0, a1), long(b0, b1)].map((value) => convert(env, DOUBLE, SINGLE, value)),
    );
  },
  "convert.f32x2.f64x2": (m, a = 0, b = 0) => {
    const env = begin(m);
    const low = convert(env, SINGLE, DOUBLE, word(a));
    const high = convert(env, SINGLE, DOUBLE, word(b));
    settle(m);
    return giveVector(m, low, high);
  },
} as const satisfies Readonly<Record<string, Call>>;
