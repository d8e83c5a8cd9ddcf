/** SSE arithmetic and comparison of one number: the host's doubles where they serve, else the exact software. */

import { add, type Binary, divide, multiply, squareRoot, subtract } from "../../float/arithmetic.ts";
import { choose, compare, EQUAL, GREATER, holds, LESS, predicate, UNORDERED } from "../../float/compare.ts";
import { toIntegral } from "../../float/convert.ts";
import { type Environment, INEXACT } from "../../float/environment.ts";
import * as fast from "../../float/fast.ts";
import { DOUBLE, type Format, SINGLE } from "../../float/format.ts";
import type { Call, CallMachine } from "./call.ts";
import { begin, giveLong, giveWord, long, mxcsrOf, noteInexact, settle, word } from "./mxcsr.ts";

const { doubleWords, singleWords } = fast;

/** The lower word of 1.0 is zero. */
const ONE_HIGH = 0x3ff0_0000;
const ONE_SINGLE = 0x3f80_0000;

/** The fast path left its result in `doubleWords`. */
export function giveFast(m: CallMachine): number {
  m.results[1] = doubleWords[fast.RESULT_HIGH] as number;
  return doubleWords[fast.RESULT_LOW] as number;
}

const double =
  (operation: number, slow: Binary): Call =>
  (m, al, ah, bl, bh) => {
    const mxcsr = mxcsrOf(m);
    if (fast.isUsual(mxcsr)) {
      const answer = fast.fastDouble(
        operation,
        mxcsr,
        al as number,
        ah as number,
        bl as number,
        bh as number,
      );
      if (answer === fast.LOSSY) noteInexact(m, mxcsr);
      if (answer !== fast.SLOW) return giveFast(m);
    }
    const result = slow(begin(m), DOUBLE, long(al as number, ah as number), long(bl as number, bh as number));
    settle(m);
    return giveLong(m, result);
  };

const single =
  (operation: number, slow: Binary): Call =>
  (m, a, b) => {
    const mxcsr = mxcsrOf(m);
    if (fast.isUsual(mxcsr)) {
      const answer = fast.fastSingle(operation, mxcsr, a as number, b as number);
      if (answer === fast.LOSSY) noteInexact(m, mxcsr);
      if (answer !== fast.SLOW) return singleWords[fast.RESULT_WORD] as number;
    }
    const result = slow(begin(m), SINGLE, word(a as number), word(b as number));
    settle(m);
    return giveWord(result);
  };

const root: Binary = (env, f, a) => squareRoot(env, f, a);
const doubleRoot = double(fast.ROOT, root);
const singleRoot = single(fast.ROOT, root);

/** Whether two doubles can be compared by the host: usual modes, no denormal, no NaN. */
const comparable64 = (al: number, ah: number, bl: number, bh: number): boolean =>
  fast.isPlain64(al, ah) && fast.isPlain64(bl, bh);

/** LESS, EQUAL or GREATER; UNORDERED: ask the software. */
const orderOf = (a: number, b: number): number =>
  a < b ? LESS : a > b ? GREATER : a === b ? EQUAL : UNORDERED;

/** The order of two doubles, or UNORDERED when the software has to say. */
function fastOrder64(mxcsr: number, al: number, ah: number, bl: number, bh: number): number {
  if (!fast.isUsual(mxcsr) || !comparable64(al, ah, bl, bh)) return UNORDERED;
  const a = fast.doubleOf(al, ah);
  return orderOf(a, fast.doubleOf(bl, bh));
}

function fastOrder32(mxcsr: number, a: number, b: number): number {
  if (!fast.isUsual(mxcsr) || !fast.isPlain32(a) || !fast.isPlain32(b)) return UNORDERED;
  const x = fast.singleOf(a);
  return orderOf(x, fast.singleOf(b));
}

const chooseDouble =
  (wanted: number): Call =>
  (m, al = 0, ah = 0, bl = 0, bh = 0) => {
    const order = fastOrder64(mxcsrOf(m), al, ah, bl, bh);
    if (order !== UNORDERED) {
      m.results[1] = order === wanted ? ah : bh;
      return order === wanted ? al : bl;
    }
    const result = choose(begin(m), DOUBLE, long(al, ah), long(bl, bh), wanted);
    settle(m);
    return giveLong(m, result);
  };

const chooseSingle =
  (wanted: number): Call =>
  (m, a = 0, b = 0) => {
    const order = fastOrder32(mxcsrOf(m), a, b);
    if (order !== UNORDERED) return order === wanted ? a : b;
    const result = choose(begin(m), SINGLE, word(a), word(b), wanted);
    settle(m);
    return giveWord(result);
  };

const maskDouble: Call = (m, number = 0, al = 0, ah = 0, bl = 0, bh = 0) => {
  const order = fastOrder64(mxcsrOf(m), al, ah, bl, bh);
  let truth = holds(number, order);
  if (order === UNORDERED) {
    truth = predicate(begin(m), DOUBLE, long(al, ah), long(bl, bh), number);
    settle(m);
  }
  return (m.results[1] = truth ? -1 : 0);
};

const maskSingle: Call = (m, number = 0, a = 0, b = 0) => {
  const order = fastOrder32(mxcsrOf(m), a, b);
  if (order !== UNORDERED) return holds(number, order) ? -1 : 0;
  const truth = predicate(begin(m), SINGLE, word(a), word(b), number);
  settle(m);
  return truth ? -1 : 0;
};

/** CF, PF and ZF of COMISS by the order (Intel SDM vol. 2, COMISS): UNORDERED, LESS, EQUAL, GREATER. */
export const ORDER_FLAGS = [0x45, 0x01, 0x40, 0] as const;

const flagsDouble: Call = (m, signaling = 0, al = 0, ah = 0, bl = 0, bh = 0) => {
  let order = fastOrder64(mxcsrOf(m), al, ah, bl, bh);
  if (order === UNORDERED) {
    order = compare(begin(m), DOUBLE, long(al, ah), long(bl, bh), signaling !== 0);
    settle(m);
  }
  return ORDER_FLAGS[order] as number;
};

const flagsSingle: Call = (m, signaling = 0, a = 0, b = 0) => {
  let order = fastOrder32(mxcsrOf(m), a, b);
  if (order === UNORDERED) {
    order = compare(begin(m), SINGLE, word(a), word(b), signaling !== 0);
    settle(m);
  }
  return ORDER_FLAGS[order] as number;
};

/** Bits of the immediate of ROUNDSS: use MXCSR's rounding, do not report inexactness. */
const BY_MXCSR = 4;
const QUIET = 8;

/** ROUNDSS of one number; `settle` is the caller's. */
export function integral(env: Environment, f: Format, value: bigint, control: number): bigint {
  const { flags } = env;
  if ((control & BY_MXCSR) === 0) env.rounding = control & 3;
  const result = toIntegral(env, f, value);
  if ((control & QUIET) !== 0) env.flags = (env.flags & ~INEXACT) | (flags & INEXACT);
  return result;
}

export const SCALAR_CALLS = {
  "fadd.f64": double(fast.ADD, add),
  "fsub.f64": double(fast.SUBTRACT, subtract),
  "fmul.f64": double(fast.MULTIPLY, multiply),
  "fdiv.f64": double(fast.DIVIDE, divide),
  "fmin.f64": chooseDouble(LESS),
  "fmax.f64": chooseDouble(GREATER),
  "fsqrt.f64": (m, al = 0, ah = 0) => doubleRoot(m, al, ah, 0, ONE_HIGH),
  "fcmp.f64": maskDouble,
  "fcompare.f64": flagsDouble,
  "fround.f64": (m, control = 0, al = 0, ah = 0) => {
    const result = integral(begin(m), DOUBLE, long(al, ah), control);
    settle(m);
    return giveLong(m, result);
  },
  "fadd.f32": single(fast.ADD, add),
  "fsub.f32": single(fast.SUBTRACT, subtract),
  "fmul.f32": single(fast.MULTIPLY, multiply),
  "fdiv.f32": single(fast.DIVIDE, divide),
  "fmin.f32": chooseSingle(LESS),
  "fmax.f32": chooseSingle(GREATER),
  "fsqrt.f32": (m, a = 0) => singleRoot(m, a, ONE_SINGLE),
  "fcmp.f32": maskSingle,
  "fcompare.f32": flagsSingle,
  "fround.f32": (m, control = 0, a = 0) => {
    const result = integral(begin(m), SINGLE, word(a), control);
    settle(m);
    return giveWord(result);
  },
} as const satisfies Readonly<Record<string, Call>>;
