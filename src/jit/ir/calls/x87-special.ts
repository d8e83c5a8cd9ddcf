/** x87 instructions on ST(0) and ST(1) without other operands: signs, examination, remainders, scaling, roots. */

import { squareRoot } from "../../float/arithmetic.ts";
import { order, UNORDERED } from "../../float/compare.ts";
import { toIntegral } from "../../float/convert.ts";
import { BEFORE, Environment, INVALID, ZERO_DIVIDE } from "../../float/environment.ts";
import {
  bitLength,
  EXTENDED,
  type Float,
  infinity,
  invalid,
  isNaN,
  nanResult,
  noteDenormal,
  pack,
  zero,
} from "../../float/format.ts";
import { type Exact, round } from "../../float/round.ts";
import { LOG10_2, LN2, LOG2_10, LOG2_E, PI, fromFixed } from "../../float/transcendental.ts";
import { C0, C1, C2, C3, integerFloat, unit } from "./x87-unit.ts";

/** An instruction without operands; the unit is ready, and written back afterwards. */
export type Special = () => void;

const SIGN = 1n << 79n;

/** ST(0) = result of ST(0), when that holds something. */
export const onTop =
  (of: (x: Float, bits: bigint) => bigint): Special =>
  () => {
    if (!unit.has(0, 0)) return;
    const result = of(unit.float(0), unit.get(0));
    if (!unit.refused()) unit.set(0, result);
  };

/** Bits changed without a look at them: no exception but the stack fault. */
const fchs: Special = () => {
  if (unit.has(0, 0)) unit.set(0, unit.get(0) ^ SIGN);
};
const fabs: Special = () => {
  if (unit.has(0, 0)) unit.set(0, unit.get(0) & ~SIGN);
};

const ftst: Special = () => {
  const { env } = unit;
  let result = UNORDERED;
  if (unit.isEmpty(0)) unit.stackFault(false);
  else {
    const x = unit.float(0);
    if (isNaN(x) || x.kind === "unsupported") env.raise(INVALID);
    else {
      noteDenormal(env, x);
      result = order(x, integerFloat(0n));
    }
    unit.refused();
  }
  unit.setConditions([C0 | C2 | C3, C0, C3, 0][result] as number);
};

const CLASSES: Readonly<Record<Float["kind"], number>> = {
  unsupported: 0,
  quiet: C0,
  signaling: C0,
  finite: C2,
  infinite: C2 | C0,
  zero: C3,
};
const fxam: Special = () => {
  const x = unit.float(0);
  const kind = x.denormal ? C3 | C2 : CLASSES[x.kind];
  unit.setConditions(unit.isEmpty(0) ? C3 | C0 : kind);
  if (x.sign === 1) unit.status |= C1;
};

/** Constants follow the rounding mode and report nothing. */
const constant =
  (value: bigint): Special =>
  () => {
    const quiet = new Environment();
    quiet.rounding = unit.env.rounding;
    unit.push(() => (value === 0n ? 0n : round(quiet, EXTENDED, fromFixed(value))));
  };
const one: Special = () => unit.push(() => pack(EXTENDED, 0, EXTENDED.bias, 1n << 63n));
const nothing: Special = () => unit.push(() => 0n);

const fsqrt = onTop((_x, bits) => squareRoot(unit.env, EXTENDED, bits, unit.precision));

const frndint = onTop((x, bits) => {
  if (!isNaN(x)) noteDenormal(unit.env, x);
  if (x.kind === "unsupported") return invalid(unit.env, EXTENDED);
  return toIntegral(unit.env, EXTENDED, bits);
});

/** Both operands there, else the default result in ST(0). */
export const onBoth =
  (of: (x: Float, y: Float) => bigint | undefined): Special =>
  () => {
    if (!unit.has(0, 0, 1)) return;
    const result = of(unit.float(0), unit.float(1));
    if (!unit.refused() && result !== undefined) unit.set(0, result);
  };

/** Signs with a zero or infinity: what 2^±infinity times it is. */
const fscale = onBoth((x, y) => {
  const { env } = unit;
  const nan = nanResult(env, EXTENDED, x, y);
  if (nan !== undefined) return nan;
  if (y.kind === "infinite") {
    if (y.sign === 0 ? x.kind === "zero" : x.kind === "infinite") return invalid(env, EXTENDED);
    noteDenormal(env, x);
    return y.sign === 0 ? infinity(EXTENDED, x.sign) : zero(EXTENDED, x.sign);
  }
  noteDenormal(env, x, y);
  if (x.kind === "zero") return zero(EXTENDED, x.sign);
  if (x.kind === "infinite") return infinity(EXTENDED, x.sign);
  const huge = bitLength(y.significand) + y.exponent > 16;
  const whole = huge
    ? 65536n
    : y.exponent >= 0
      ? y.significand << BigInt(y.exponent)
      : y.significand >> BigInt(-y.exponent);
  const by = Number(whole) * (y.sign === 1 ? -1 : 1);
  return round(env, EXTENDED, { sign: x.sign, significand: x.significand, exponent: x.exponent + by });
});

const fxtract: Special = () => {
  const { env } = unit;
  if (!unit.has(-1, 0)) {
    if (unit.env.isMasked(INVALID)) {
      unit.set(0, invalid(env, EXTENDED));
      unit.top -= 1;
      unit.set(0, invalid(env, EXTENDED));
    }
    return;
  }
  if (!unit.isEmpty(7)) {
    if (unit.stackFault(true)) {
      unit.set(0, invalid(env, EXTENDED));
      unit.top -= 1;
      unit.set(0, invalid(env, EXTENDED));
    }
    return;
  }
  const x = unit.float(0);
  const [exponent, significand] = extracted(x);
  if (unit.refused()) return;
  unit.set(0, exponent);
  unit.top -= 1;
  unit.set(0, significand);
};

function extracted(x: Float): readonly [bigint, bigint] {
  const { env } = unit;
  const nan = nanResult(env, EXTENDED, x, x);
  if (nan !== undefined) return [nan, nan];
  if (x.kind === "infinite") return [infinity(EXTENDED, 0), infinity(EXTENDED, x.sign)];
  if (x.kind === "zero") {
    env.raise(ZERO_DIVIDE);
    return [infinity(EXTENDED, 1), zero(EXTENDED, x.sign)];
  }
  noteDenormal(env, x);
  const length = bitLength(x.significand);
  const lead = integerFloat(BigInt(x.exponent + length - 1));
  const exponent = lead.kind === "zero" ? 0n : round(EXACT, EXTENDED, lead);
  return [exponent, pack(EXTENDED, x.sign, EXTENDED.bias, x.significand << BigInt(64 - length))];
}
const EXACT = new Environment();

/** The distance of exponents up to which a remainder is found in one step. */
const REACH = 64;

/**
 * FPREM (quotient cut off) and FPREM1 (to nearest even). A far quotient is reduced in part: C2 says "go on". The
 * low three bits of a complete quotient go to C0, C3, C1.
 */
const remainder = (nearest: boolean): Special => {
  const reduceBoth = onBoth((x, y) => {
    const { env } = unit;
    const nan = nanResult(env, EXTENDED, x, y);
    if (nan !== undefined) return nan;
    if (x.kind === "infinite" || y.kind === "zero") return invalid(env, EXTENDED);
    noteDenormal(env, x, y);
    if ((env.flags & ~env.masked & BEFORE) !== 0) return undefined;
    unit.setConditions(0);
    if (x.kind === "zero" || y.kind === "infinite") {
      return x.kind === "zero" ? zero(EXTENDED, x.sign) : round(env, EXTENDED, x);
    }
    return reduce(x, y, nearest);
  });
  return () => {
    unit.status &= ~C2;
    reduceBoth();
  };
};

function reduce(x: Exact, y: Exact, nearest: boolean): bigint {
  const { env } = unit;
  const distance = x.exponent + bitLength(x.significand) - y.exponent - bitLength(y.significand);
  const partial = distance >= REACH;
  // A partial step takes away a multiple of 2^(distance - n) divisors, n between 32 and 63.
  const back = partial ? distance - (32 + (distance & 31)) : 0;
  const least = Math.min(x.exponent, y.exponent + back);
  const dividend = x.significand << BigInt(x.exponent - least);
  const divisor = y.significand << BigInt(y.exponent + back - least);
  let quotient = dividend / divisor;
  let rest = dividend - quotient * divisor;
  let { sign } = x;
  if (nearest && !partial && (2n * rest > divisor || (2n * rest === divisor && (quotient & 1n) === 1n))) {
    quotient += 1n;
    rest = divisor - rest;
    sign ^= 1;
  }
  const low = Number(quotient & 7n);
  const bits = ((low & 4) !== 0 ? C0 : 0) | ((low & 2) !== 0 ? C3 : 0);
  unit.setConditions(partial ? C2 : bits);
  const result =
    rest === 0n ? zero(EXTENDED, x.sign) : round(env, EXTENDED, { sign, significand: rest, exponent: least });
  env.roundedUp = !partial && (low & 1) !== 0;
  return result;
}

export const SPECIALS = {
  fchs,
  fabs,
  ftst,
  fxam,
  fld1: one,
  fldl2t: constant(LOG2_10),
  fldl2e: constant(LOG2_E),
  fldpi: constant(PI),
  fldlg2: constant(LOG10_2),
  fldln2: constant(LN2),
  fldz: nothing,
  fsqrt,
  frndint,
  fscale,
  fxtract,
  fprem: remainder(false),
  fprem1: remainder(true),
  fincstp: () => {
    unit.top += 1;
  },
  fdecstp: () => {
    unit.top -= 1;
  },
  fnop: () => {
    // Waits for a pending exception, and leaves C1 alone: see x87.ts.
  },
} as const satisfies Readonly<Record<string, Special>>;
