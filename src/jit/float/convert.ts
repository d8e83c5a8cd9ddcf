/** Conversions between formats, from and to integers, and rounding to an integral number. */

import { Environment, INEXACT, INVALID } from "./environment.ts";
import {
  type Float,
  type Format,
  infinity,
  invalid,
  isNaN,
  nanResult,
  noteDenormal,
  operand,
  quietNaN,
  zero,
} from "./format.ts";
import { quantize, round } from "./round.ts";

/** A signed integer as a number of the format. */
export function fromInteger(env: Environment, f: Format, value: bigint): bigint {
  if (value === 0n) return zero(f, 0);
  const sign = value < 0n ? 1 : 0;
  return round(env, f, { sign, significand: value < 0n ? -value : value, exponent: 0 });
}

/**
 * The nearest signed integer of `bits` bits as an unsigned pattern. What does not fit is invalid and gives the
 * integer indefinite, the most negative one (Intel SDM vol. 1, 4.8.3.7 and E.4.2.2).
 */
export function toInteger(env: Environment, f: Format, value: bigint, bits: number): bigint {
  const refused = (): bigint => {
    env.raise(INVALID);
    return 1n << BigInt(bits - 1);
  };
  const x = operand(env, f, value);
  if (x.kind === "zero") return 0n;
  // Beyond this exponent no integer fits, and nothing needs to be shifted that far.
  if (x.kind !== "finite" || x.exponent > bits) return refused();
  const { units, inexact, up } = quantize(env, x, 0);
  const signed = x.sign === 0 ? units : -units;
  if (BigInt.asIntN(bits, signed) !== signed) return refused();
  if (inexact) env.raise(INEXACT);
  env.roundedUp = up;
  return BigInt.asUintN(bits, signed);
}

/** A NaN's payload keeps its upper bits. */
function convertNaN(from: Format, to: Format, { sign, significand }: Float): bigint {
  const shift = to.precision - from.precision;
  return quietNaN(to, sign, shift >= 0 ? significand << BigInt(shift) : significand >> BigInt(-shift));
}

export function convert(env: Environment, from: Format, to: Format, value: bigint): bigint {
  const x = operand(env, from, value);
  if (x.kind === "unsupported") return invalid(env, to);
  if (isNaN(x)) {
    if (x.kind === "signaling") env.raise(INVALID);
    return convertNaN(from, to, x);
  }
  noteDenormal(env, x);
  if (x.kind === "zero") return zero(to, x.sign);
  return x.kind === "infinite" ? infinity(to, x.sign) : round(env, to, x);
}

/** For what is exact anyway. */
const EXACT = new Environment();

/** ROUNDPS and FRNDINT. A denormal operand is not reported; the caller does where the instruction does. */
export function toIntegral(env: Environment, f: Format, value: bigint): bigint {
  const x = operand(env, f, value);
  const nan = nanResult(env, f, x, x);
  if (nan !== undefined) return nan;
  if (x.kind === "zero") return zero(f, x.sign);
  if (x.kind === "infinite" || x.exponent >= 0) return value;
  const { units, inexact, up } = quantize(env, x, 0);
  if (inexact) env.raise(INEXACT);
  env.roundedUp = up;
  if (units === 0n) return zero(f, x.sign);
  return round(EXACT, f, { sign: x.sign, significand: units, exponent: 0 });
}
