/**
 * Rounding: an exact number becomes the nearest one of a format in the direction of the environment, with the
 * exceptions of Intel SDM vol. 1, 4.9.1. All arithmetic ends here.
 */

import { DOWN, type Environment, INEXACT, NEAREST, OVERFLOW, UNDERFLOW, UP } from "./environment.ts";
import { bitLength, type Format, infinity, largest, pack, zero } from "./format.ts";

/** An exact non-zero value: (-1)^sign * significand * 2^exponent. */
export interface Exact {
  readonly sign: number;
  readonly significand: bigint;
  readonly exponent: number;
}

/** Bias adjustment of unmasked x87 overflow and underflow for the 15-bit exponent (Intel SDM vol. 1, 8.5.4). */
const WRAP = 24576;

interface Quantized {
  readonly units: bigint;
  readonly inexact: boolean;
  readonly up: boolean;
}

/** Whether a magnitude between two neighbours goes to the larger one. */
function goesUp(rounding: number, sign: number, units: bigint, rest: bigint, half: bigint): boolean {
  if (rounding === NEAREST) return rest > half || (rest === half && (units & 1n) === 1n);
  return rounding === (sign === 0 ? UP : DOWN);
}

/** The magnitude as a whole number of 2^quantum. */
export function quantize(env: Environment, value: Exact, quantum: number): Quantized {
  const shift = quantum - value.exponent;
  if (shift <= 0) return { units: value.significand << BigInt(-shift), inexact: false, up: false };
  const units = value.significand >> BigInt(shift);
  const rest = value.significand - (units << BigInt(shift));
  if (rest === 0n) return { units, inexact: false, up: false };
  const up = goesUp(env.rounding, value.sign, units, rest, 1n << BigInt(shift - 1));
  return { units: up ? units + 1n : units, inexact: true, up };
}

/** Number and place of units of a result, before range is looked at. */
interface Rounded extends Quantized {
  readonly quantum: number;
  /** Exponent of the leading bit. */
  readonly lead: number;
}

function roundAt(env: Environment, value: Exact, quantum: number): Rounded {
  const q = quantize(env, value, quantum);
  return { ...q, quantum, lead: quantum + bitLength(q.units) - 1 };
}

function encode(f: Format, sign: number, { units, quantum }: Rounded): bigint {
  const length = bitLength(units);
  const lead = quantum + length - 1;
  if (lead < f.least) {
    // Denormal: the units are those of the format, or coarser under precision control.
    return pack(f, sign, 0, units << BigInt(quantum - (f.least - f.precision + 1)));
  }
  const shift = f.precision - length;
  const significand = shift >= 0 ? units << BigInt(shift) : units >> BigInt(-shift);
  return pack(f, sign, lead + f.bias, significand);
}

function finish(env: Environment, f: Format, sign: number, rounded: Rounded): bigint {
  if (rounded.inexact) env.raise(INEXACT);
  env.roundedUp = rounded.up;
  return encode(f, sign, rounded);
}

function overflow(env: Environment, f: Format, sign: number, rounded: Rounded, precision: number): bigint {
  env.raise(OVERFLOW);
  if (!env.isMasked(OVERFLOW)) {
    if (!env.wrapsExponent) return finish(env, f, sign, { ...rounded, quantum: 0 });
    if (rounded.lead - WRAP <= f.most) {
      return finish(env, f, sign, { ...rounded, quantum: rounded.quantum - WRAP });
    }
    // Only FSCALE comes this far out.
    env.raise(INEXACT);
    env.roundedUp = true;
    return infinity(f, sign);
  }
  env.raise(INEXACT);
  const toInfinity = env.rounding === NEAREST || env.rounding === (sign === 0 ? UP : DOWN);
  env.roundedUp = toInfinity;
  return toInfinity ? infinity(f, sign) : largest(f, sign, precision);
}

function underflow(env: Environment, f: Format, value: Exact, rounded: Rounded, precision: number): bigint {
  const { sign } = value;
  if (!env.isMasked(UNDERFLOW)) {
    env.raise(UNDERFLOW);
    // Nobody gets the result; inexact is what unlimited exponents would make it.
    if (!env.wrapsExponent) return finish(env, f, sign, { ...rounded, quantum: 0 });
    if (rounded.lead + WRAP >= f.least) {
      return finish(env, f, sign, { ...rounded, quantum: rounded.quantum + WRAP });
    }
    env.raise(INEXACT);
    return zero(f, sign);
  }
  if (env.flushToZero) {
    env.raise(UNDERFLOW | INEXACT);
    return zero(f, sign);
  }
  const denormal = roundAt(env, value, f.least - precision + 1);
  if (denormal.inexact) env.raise(UNDERFLOW);
  return finish(env, f, sign, denormal);
}

/**
 * The format's number for an exact non-zero value. `precision`: fewer bits than the format has (x87 precision
 * control). A value is tiny when it is below the normal numbers after rounding to unlimited exponent.
 */
export function round(env: Environment, f: Format, value: Exact, precision = f.precision): bigint {
  const lead = value.exponent + bitLength(value.significand) - 1;
  const rounded = roundAt(env, value, lead - precision + 1);
  if (rounded.lead > f.most) return overflow(env, f, value.sign, rounded, precision);
  if (rounded.lead < f.least) return underflow(env, f, value, rounded, precision);
  return finish(env, f, value.sign, rounded);
}
