/** x87 transcendental instructions (Intel SDM vol. 1, 8.3.7 to 8.3.11): operands of every class, results rounded once. */

import { INEXACT, UNDERFLOW, ZERO_DIVIDE } from "../../float/environment.ts";
import {
  bitLength,
  EXTENDED,
  type Float,
  indefinite,
  infinity,
  invalid,
  isNaN,
  nanResult,
  noteDenormal,
  pack,
  zero,
} from "../../float/format.ts";
import { type Exact, round } from "../../float/round.ts";
import * as fixed from "../../float/transcendental.ts";
import { onTop, type Special } from "./x87-special.ts";
import { C2, unit } from "./x87-unit.ts";

const lead = ({ significand, exponent }: Exact): number => exponent + bitLength(significand) - 1;

/** Below this exponent a function is its first term, to far beyond the last place. */
const LINEAR = -70;

/** A fixed-point result scaled by a number: both are exact enough. */
function scaled(value: bigint, { sign, significand, exponent }: Exact): Exact {
  const result = fixed.fromFixed(value);
  return {
    sign: result.sign ^ sign,
    significand: result.significand * significand,
    exponent: result.exponent + exponent,
  };
}

/** x times (1 - a little): what sin x and atan x are for tiny x. */
const slightlyLess = ({ sign, significand, exponent }: Exact): Exact => ({
  sign,
  significand: (significand << 70n) - 1n,
  exponent: exponent - 70,
});

const isOne = ({ significand, exponent }: Exact): boolean =>
  significand === 1n << BigInt(Math.max(-exponent, 0));

const f2xm1 = onTop((x) => {
  const { env } = unit;
  const nan = nanResult(env, EXTENDED, x, x);
  if (nan !== undefined) return nan;
  if (x.kind === "infinite")
    return x.sign === 0 ? infinity(EXTENDED, 0) : pack(EXTENDED, 1, EXTENDED.bias, 1n << 63n);
  noteDenormal(env, x);
  if (x.kind === "zero") return zero(EXTENDED, x.sign);
  if (lead(x) < LINEAR) return round(env, EXTENDED, scaled(fixed.LN2, x));
  if (lead(x) >= 0 && !isOne(x)) {
    // Outside its domain the manual leaves the result open; processors give the operand.
    env.raise(INEXACT);
    return round(env, EXTENDED, x);
  }
  if (isOne(x)) return pack(EXTENDED, x.sign, EXTENDED.bias - x.sign, 1n << 63n);
  const exponent = (fixed.toFixed(x) * fixed.LN2) / fixed.ONE;
  return round(env, EXTENDED, fixed.fromFixed(fixed.exponentialMinusOne(exponent)));
});

/** Sine and cosine refuse angles of 2^63 and more: C2, and nothing changes. */
const isTooLarge = (x: Float): boolean => x.kind === "finite" && lead(x) >= 63;

function sine(x: Float): bigint {
  const { env } = unit;
  if (lead(x) < LINEAR) return round(env, EXTENDED, slightlyLess(x));
  return round(env, EXTENDED, fixed.fromFixed(fixed.trigonometric(x).sine));
}
function cosine(x: Float): bigint {
  const { env } = unit;
  if (lead(x) < LINEAR)
    return round(env, EXTENDED, { sign: 0, significand: (1n << 140n) - 1n, exponent: -140 });
  return round(env, EXTENDED, fixed.fromFixed(fixed.trigonometric(x).cosine));
}
function tangent(x: Float): bigint {
  const { env } = unit;
  if (lead(x) < LINEAR) {
    return round(env, EXTENDED, {
      ...x,
      significand: (x.significand << 70n) + 1n,
      exponent: x.exponent - 70,
    });
  }
  const { sine: s, cosine: c } = fixed.trigonometric(x);
  return round(env, EXTENDED, fixed.fromFixed((s * fixed.ONE) / c));
}

const ONE_BITS = pack(EXTENDED, 0, EXTENDED.bias, 1n << 63n);

/** A function of an angle: the value for zero, and for other angles. */
function ofAngle(x: Float, atZero: bigint, of: (x: Float) => bigint): bigint {
  const { env } = unit;
  const nan = nanResult(env, EXTENDED, x, x);
  if (nan !== undefined) return nan;
  if (x.kind === "infinite") return invalid(env, EXTENDED);
  noteDenormal(env, x);
  return x.kind === "zero" ? atZero : of(x);
}

const angle =
  (atZero: (sign: number) => bigint, of: (x: Float) => bigint): Special =>
  () => {
    if (!unit.has(0, 0)) return;
    const x = unit.float(0);
    if (isTooLarge(x)) {
      unit.status |= C2;
      return;
    }
    const result = ofAngle(x, atZero(x.sign), of);
    if (unit.refused()) return;
    unit.status &= ~C2;
    unit.set(0, result);
  };

/** FSINCOS and FPTAN: replace ST(0) and push a second result. */
const angleAndPush =
  (first: (x: Float) => bigint, second: (x: Float) => bigint): Special =>
  () => {
    if (unit.isEmpty(0) || !unit.isEmpty(7)) {
      if (!unit.stackFault(!unit.isEmpty(0))) return;
      unit.set(0, indefinite(EXTENDED));
      unit.top -= 1;
      return unit.set(0, indefinite(EXTENDED));
    }
    const x = unit.float(0);
    if (isTooLarge(x)) {
      unit.status |= C2;
      return;
    }
    const low = ofAngle(x, zero(EXTENDED, x.sign), first);
    const high =
      isNaN(x) || x.kind === "infinite" || x.kind === "unsupported" ? low : ofAngle(x, ONE_BITS, second);
    if (unit.refused()) return;
    unit.status &= ~C2;
    unit.set(0, low);
    unit.top -= 1;
    unit.set(0, high);
  };

/** ST(1) = result of both, and pop. */
const binary =
  (of: (x: Float, y: Float) => bigint): Special =>
  () => {
    if (unit.isEmpty(0) || unit.isEmpty(1)) {
      if (!unit.stackFault(false)) return;
      unit.set(1, indefinite(EXTENDED));
      return unit.pop();
    }
    const result = of(unit.float(0), unit.float(1));
    if (unit.refused()) return;
    unit.set(1, result);
    unit.pop();
  };

/** y * log2(x). */
const fyl2x = binary((x, y) => {
  const { env } = unit;
  const nan = nanResult(env, EXTENDED, x, y);
  if (nan !== undefined) return nan;
  if (x.sign === 1 && x.kind !== "zero") return invalid(env, EXTENDED);
  if (x.kind === "zero") {
    if (y.kind === "zero") return invalid(env, EXTENDED);
    if (y.kind === "finite") env.raise(ZERO_DIVIDE);
    return infinity(EXTENDED, y.sign ^ 1);
  }
  if (x.kind === "infinite") {
    if (y.kind === "zero") return invalid(env, EXTENDED);
    noteDenormal(env, y);
    return infinity(EXTENDED, y.sign);
  }
  const exactOne = lead(x) === 0 && isOne(x);
  if (exactOne && y.kind === "infinite") return invalid(env, EXTENDED);
  noteDenormal(env, x, y);
  const below = lead(x) < 0;
  if (y.kind === "infinite") return infinity(EXTENDED, y.sign ^ (below ? 1 : 0));
  if (exactOne || y.kind === "zero") return zero(EXTENDED, y.sign ^ (below ? 1 : 0));
  return product(logarithm2(x), y);
});

/** log2 of a number as an exact value to round later: whole part and fraction apart, so that near 1 nothing is lost. */
function logarithm2(x: Exact): Exact {
  const length = bitLength(x.significand);
  if (x.significand === 1n << BigInt(length - 1)) {
    const whole = BigInt(x.exponent + length - 1);
    return { sign: whole < 0n ? 1 : 0, significand: whole < 0n ? -whole : whole, exponent: 0 };
  }
  const near = lead(x) === 0 || lead(x) === -1;
  // Near one the difference is exact and its logarithm keeps all its bits.
  if (near)
    return fixed.fromFixed((fixed.logarithmOnePlus(fixed.toFixed(x) - fixed.ONE) * fixed.ONE) / fixed.LN2);
  const mantissa = fixed.toFixed({ sign: 0, significand: x.significand, exponent: 1 - length });
  const log = fixed.naturalLogarithm(mantissa) + BigInt(lead(x)) * fixed.LN2;
  return fixed.fromFixed((log * fixed.ONE) / fixed.LN2);
}

/** A logarithm times y. Processors call it inexact also where it is exact. */
function product(a: Exact, y: Float): bigint {
  const { env } = unit;
  env.raise(INEXACT);
  const result = round(env, EXTENDED, {
    sign: a.sign ^ y.sign,
    significand: a.significand * y.significand,
    exponent: a.exponent + y.exponent,
  });
  if (((result >> 64n) & 0x7fffn) === 0n) env.raise(UNDERFLOW);
  return result;
}

/** 1 + x, exact; not zero. */
function onePlus({ sign, significand, exponent }: Exact): Exact {
  const least = Math.min(exponent, 0);
  const size = significand << BigInt(exponent - least);
  const one = 1n << BigInt(-least);
  return { sign: 0, significand: sign === 0 ? one + size : one - size, exponent: least };
}

/** y * log2(x + 1). */
const fyl2xp1 = binary((x, y) => {
  const { env } = unit;
  const nan = nanResult(env, EXTENDED, x, y);
  if (nan !== undefined) return nan;
  if (x.kind === "infinite" && (x.sign === 1 || y.kind === "zero")) return invalid(env, EXTENDED);
  if (x.kind === "zero" && y.kind === "infinite") return invalid(env, EXTENDED);
  noteDenormal(env, x, y);
  const sign = x.sign ^ y.sign;
  if (x.kind === "infinite" || y.kind === "infinite") return infinity(EXTENDED, sign);
  if (x.kind === "zero" || y.kind === "zero") return zero(EXTENDED, sign);
  if (lead(x) >= 0 && x.sign === 1) return invalid(env, EXTENDED);
  if (lead(x) < LINEAR) return product(scaled(fixed.LOG2_E, x), y);
  // The series is for small x; farther out 1 + x is a number like any other, or x itself.
  if (lead(x) >= -2) return product(logarithm2(lead(x) > 130 ? x : onePlus(x)), y);
  return product(fixed.fromFixed((fixed.logarithmOnePlus(fixed.toFixed(x)) * fixed.ONE) / fixed.LN2), y);
});

const fractionOfPi = (sign: number, eighths: bigint): bigint =>
  round(unit.env, EXTENDED, fixed.fromFixed(((sign === 0 ? fixed.PI : -fixed.PI) * eighths) / 8n));

/** atan(y / x) in the quadrant of the point (x, y); x is ST(0). */
const fpatan = binary((x, y) => {
  const { env } = unit;
  const nan = nanResult(env, EXTENDED, x, y);
  if (nan !== undefined) return nan;
  noteDenormal(env, x, y);
  if (y.kind === "infinite") {
    return fractionOfPi(y.sign, x.kind !== "infinite" ? 4n : x.sign === 0 ? 2n : 6n);
  }
  if (y.kind === "zero" || x.kind === "infinite") {
    return x.sign === 0 ? zero(EXTENDED, y.sign) : fractionOfPi(y.sign, 8n);
  }
  if (x.kind === "zero") return fractionOfPi(y.sign, 4n);
  return quadrant(x, y);
});

function quadrant(x: Float, y: Float): bigint {
  const { env } = unit;
  const distance = lead(y) - lead(x);
  if (distance > 130) return fractionOfPi(y.sign, 4n);
  if (distance < -130 && x.sign === 1) return fractionOfPi(y.sign, 8n);
  if (distance < LINEAR && x.sign === 0) return tinyQuotient(x, y);
  // The same power of two taken out of both: only the quotient counts.
  const by = -Math.max(lead(x), lead(y));
  const side = fixed.toFixed({ ...x, sign: 0, exponent: x.exponent + by });
  const height = fixed.toFixed({ ...y, sign: 0, exponent: y.exponent + by });
  const acute = fixed.arcTangent(height, side);
  const result = x.sign === 0 ? acute : fixed.PI - acute;
  return round(env, EXTENDED, fixed.fromFixed(y.sign === 0 ? result : -result));
}

/** atan t = t for tiny t; the quotient with bits to spare, a little less unless it is exact. */
function tinyQuotient(x: Float, y: Float): bigint {
  const numerator = y.significand << 200n;
  const quotient = numerator / x.significand;
  const exponent = y.exponent - x.exponent - 200;
  return round(unit.env, EXTENDED, {
    sign: y.sign,
    significand: (quotient << 1n) - 1n,
    exponent: exponent - 1,
  });
}

export const TRANSCENDENTALS = {
  f2xm1,
  fyl2x,
  fyl2xp1,
  fpatan,
  fsin: angle((sign) => zero(EXTENDED, sign), sine),
  fcos: angle(() => ONE_BITS, cosine),
  fsincos: angleAndPush(sine, cosine),
  fptan: angleAndPush(tangent, () => ONE_BITS),
} as const satisfies Readonly<Record<string, Special>>;
