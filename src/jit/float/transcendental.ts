/**
 * Elementary functions in fixed point, far beyond 64 bits, so that one rounding at the end gives a result within
 * one unit in the last place. A fixed-point number is an integer count of 2^-BITS.
 *
 * Series after a reduction of the argument: exp and its kin by squaring, logarithms by the inverse hyperbolic
 * tangent, sine and cosine by reduction modulo pi/2 with a pi of PI_BITS, arc tangent by halving the angle.
 */

import { integerRoot } from "./arithmetic.ts";
import { bitLength } from "./format.ts";
import type { Exact } from "./round.ts";

const BITS = 200;
const SHIFT = BigInt(BITS);
export const ONE = 1n << SHIFT;

/** x / y and x * y in fixed point. */
const over = (x: bigint, y: bigint): bigint => (x << SHIFT) / y;
const times = (x: bigint, y: bigint): bigint => (x * y) >> SHIFT;

/** Sum of x^(2k+1) / (2k+1), with alternating signs for the arc tangent. */
function oddSeries(x: bigint, alternating: boolean, shift: bigint): bigint {
  const square = (x * x) >> shift;
  let power = x;
  let result = 0n;
  for (let k = 1n; power !== 0n; k += 2n) {
    const negative = alternating && (k & 2n) !== 0n;
    result += negative ? -(power / k) : power / k;
    power = (power * square) >> shift;
    if (power === -1n) break;
  }
  return result;
}

/** Enough for arguments up to 2^64 and results down to 2^-70 with 130 good bits. */
const PI_BITS = 400n;
/** pi by Machin: 16 atan(1/5) - 4 atan(1/239). */
const PI_WIDE = ((): bigint => {
  const guard = PI_BITS + 20n;
  const one = 1n << guard;
  return (16n * oddSeries(one / 5n, true, guard) - 4n * oddSeries(one / 239n, true, guard)) >> 20n;
})();
export const PI = PI_WIDE >> (PI_BITS - SHIFT);

/** ln 2 = 2 atanh(1/3). */
export const LN2 = 2n * oddSeries(ONE / 3n, false, SHIFT);
const LN10 = naturalLogarithm(10n << SHIFT);
export const LOG2_10 = over(LN10, LN2);
export const LOG2_E = over(ONE, LN2);
export const LOG10_2 = over(LN2, LN10);

/** ln x for x > 0: a power of two, and atanh((m - 1) / (m + 1)) of a mantissa near 1. */
export function naturalLogarithm(x: bigint): bigint {
  let scale = bitLength(x) - 1 - BITS;
  let m = scale >= 0 ? x >> BigInt(scale) : x << BigInt(-scale);
  if (m * 2n > 3n * ONE) {
    m >>= 1n;
    scale++;
  }
  return BigInt(scale) * LN2 + 2n * oddSeries(over(m - ONE, m + ONE), false, SHIFT);
}

/** ln(1 + x) = 2 atanh(x / (2 + x)): exact to the last bits for small x. */
export const logarithmOnePlus = (x: bigint): bigint => 2n * oddSeries(over(x, 2n * ONE + x), false, SHIFT);

/** e^x - 1 for |x| < 1 by its series. */
export function exponentialMinusOne(x: bigint): bigint {
  let term = x;
  let result = 0n;
  for (let k = 2n; term !== 0n && term !== -1n; k++) {
    result += term;
    term = times(term, x) / k;
  }
  return result;
}

/** Sine and cosine of an angle in [-pi/4, pi/4]. */
function sineAndCosine(x: bigint): readonly [bigint, bigint] {
  const square = times(x, x);
  let sine = 0n;
  let cosine = 0n;
  let term = ONE;
  for (let k = 0n; term !== 0n && term !== -1n; k += 2n) {
    cosine += term;
    sine += times(term, x) / (k + 1n);
    term = -times(term, square) / ((k + 1n) * (k + 2n));
  }
  return [sine, cosine];
}

/** The angle modulo pi/2 in [-pi/4, pi/4], and the number of quarter turns modulo 4. */
function reduced({ sign, significand, exponent }: Exact): readonly [bigint, number] {
  const wide = PI_BITS + BigInt(exponent);
  const size = wide >= 0n ? significand << wide : significand >> -wide;
  const angle = sign === 0 ? size : -size;
  const quarter = PI_WIDE >> 1n;
  const turns = (2n * angle + quarter) / (2n * quarter);
  const floor =
    2n * angle + quarter < 0n && (2n * angle + quarter) % (2n * quarter) !== 0n ? turns - 1n : turns;
  return [(angle - floor * quarter) >> (PI_BITS - SHIFT), Number(((floor % 4n) + 4n) % 4n)];
}

/** Sine and cosine of any angle below 2^64. */
export function trigonometric(angle: Exact): { readonly sine: bigint; readonly cosine: bigint } {
  const [rest, turns] = reduced(angle);
  const [sine, cosine] = sineAndCosine(rest);
  switch (turns) {
    case 0:
      return { sine, cosine };
    case 1:
      return { sine: cosine, cosine: -sine };
    case 2:
      return { sine: -sine, cosine: -cosine };
    default:
      return { sine: -cosine, cosine: sine };
  }
}

/** atan(y / x) for non-negative x and y, not both zero: in [0, pi/2]. */
export function arcTangent(y: bigint, x: bigint): bigint {
  if (y > x) return (PI >> 1n) - arcTangent(x, y);
  let t = over(y, x);
  // atan t = 2 atan(t / (1 + sqrt(1 + t^2))), until the series is short.
  let doublings = 0n;
  while (t > ONE >> 4n) {
    t = over(t, ONE + integerRoot((ONE + times(t, t)) << SHIFT));
    doublings++;
  }
  return oddSeries(t, true, SHIFT) << doublings;
}

/** A number as fixed point; what lies below 2^-BITS is cut off. */
export function toFixed({ sign, significand, exponent }: Exact): bigint {
  const at = SHIFT + BigInt(exponent);
  const size = at >= 0n ? significand << at : significand >> -at;
  return sign === 0 ? size : -size;
}

/** A fixed-point result as a number to round. It is never exact, so one more bit says "and a little". */
export const fromFixed = (value: bigint, exponent = 0): Exact => ({
  sign: value < 0n ? 1 : 0,
  significand: ((value < 0n ? -value : value) << 1n) | 1n,
  exponent: exponent - BITS - 1,
});
