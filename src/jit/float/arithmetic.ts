/**
 * Sum, difference, product, quotient and square root, exact and then rounded once. Special
 * operands as in Intel SDM vol. 1, 4.8.3 and appendix E.4.2.
 */

import { DOWN, type Environment, ZERO_DIVIDE } from "./environment.ts";
import {
  bitLength,
  type Float,
  type Format,
  infinity,
  invalid,
  nanResult,
  noteDenormal,
  operand,
  zero,
} from "./format.ts";
import { type Exact, round } from "./round.ts";

/** An operation of two numbers in bits. */
export type Binary = (env: Environment, f: Format, a: bigint, b: bigint) => bigint;

const lead = ({ significand, exponent }: Exact): number => exponent + bitLength(significand) - 1;

/** Far below the last bit of the other term only "not zero" matters: it becomes a small stand-in. */
function standIn(value: Exact, large: Exact, room: number): Exact {
  const place = Math.min(large.exponent, lead(large) - room) - 2;
  return lead(value) < place ? { sign: value.sign, significand: 1n, exponent: place } : value;
}

/** The exact sum, or one that rounds like it; undefined when it is zero. */
function exactSum(a: Exact, b: Exact, room: number): Exact | undefined {
  const [large, small] = lead(a) >= lead(b) ? [a, standIn(b, a, room)] : [b, standIn(a, b, room)];
  const exponent = Math.min(large.exponent, small.exponent);
  const signed = ({ sign, significand, exponent: at }: Exact): bigint => {
    const shifted = significand << BigInt(at - exponent);
    return sign === 0 ? shifted : -shifted;
  };
  const sum = signed(large) + signed(small);
  if (sum === 0n) return undefined;
  return { sign: sum < 0n ? 1 : 0, significand: sum < 0n ? -sum : sum, exponent };
}

/** Bits beyond which a term of a sum is only sticky; products have twice the precision. */
const roomOf = (f: Format): number => 2 * f.precision + 4;

const zeroSum = (env: Environment, f: Format): bigint => zero(f, env.rounding === DOWN ? 1 : 0);

function addFloats(env: Environment, f: Format, a: Float, b: Float, precision: number | undefined): bigint {
  if (a.kind === "infinite" || b.kind === "infinite") {
    if (a.kind === b.kind && a.sign !== b.sign) return invalid(env, f);
    noteDenormal(env, a, b);
    return infinity(f, a.kind === "infinite" ? a.sign : b.sign);
  }
  noteDenormal(env, a, b);
  if (a.kind === "zero" && b.kind === "zero") return a.sign === b.sign ? zero(f, a.sign) : zeroSum(env, f);
  const exact = a.kind === "zero" ? b : b.kind === "zero" ? a : exactSum(a, b, roomOf(f));
  return exact === undefined ? zeroSum(env, f) : round(env, f, exact, precision);
}

/** An operation of two numbers taken apart; they may come from narrower formats. */
export type FloatBinary = (env: Environment, f: Format, x: Float, y: Float, precision?: number) => bigint;

const onBits =
  (of: FloatBinary): Binary =>
  (env, f, a, b) =>
    of(env, f, operand(env, f, a), operand(env, f, b));

export const sum: FloatBinary = (env, f, x, y, precision) =>
  nanResult(env, f, x, y) ?? addFloats(env, f, x, y, precision);

export const difference: FloatBinary = (env, f, x, y, precision) =>
  nanResult(env, f, x, y) ?? addFloats(env, f, x, { ...y, sign: y.sign ^ 1 }, precision);

export const multiplied: FloatBinary = (env, f, x, y, precision) => {
  const nan = nanResult(env, f, x, y);
  if (nan !== undefined) return nan;
  const sign = x.sign ^ y.sign;
  if (x.kind === "infinite" || y.kind === "infinite") {
    if (x.kind === "zero" || y.kind === "zero") return invalid(env, f);
    noteDenormal(env, x, y);
    return infinity(f, sign);
  }
  noteDenormal(env, x, y);
  if (x.kind === "zero" || y.kind === "zero") return zero(f, sign);
  return round(env, f, product(x, y), precision);
};

const product = (x: Exact, y: Exact): Exact => ({
  sign: x.sign ^ y.sign,
  significand: x.significand * y.significand,
  exponent: x.exponent + y.exponent,
});

export const quotient: FloatBinary = (env, f, x, y, precision) => {
  const nan = nanResult(env, f, x, y);
  if (nan !== undefined) return nan;
  const sign = x.sign ^ y.sign;
  if (x.kind === y.kind && x.kind !== "finite") return invalid(env, f);
  if (y.kind === "zero" && x.kind === "finite") {
    env.raise(ZERO_DIVIDE);
    return infinity(f, sign);
  }
  noteDenormal(env, x, y);
  if (x.kind === "infinite" || y.kind === "zero") return infinity(f, sign);
  if (y.kind === "infinite" || x.kind === "zero") return zero(f, sign);
  const shift = Math.max(f.precision + 3 + bitLength(y.significand) - bitLength(x.significand), 0);
  const dividend = x.significand << BigInt(shift);
  const whole = dividend / y.significand;
  const sticky = whole * y.significand === dividend ? 0n : 1n;
  const exponent = x.exponent - y.exponent - shift - 1;
  return round(env, f, { sign, significand: (whole << 1n) | sticky, exponent }, precision);
};

export const add = onBits(sum);
export const subtract = onBits(difference);
export const multiply = onBits(multiplied);
export const divide = onBits(quotient);

/** The largest integer whose square is not above `value`, by Newton's method from above. */
export function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function squareRoot(env: Environment, f: Format, a: bigint, precision?: number): bigint {
  const x = operand(env, f, a);
  const nan = nanResult(env, f, x, x);
  if (nan !== undefined) return nan;
  if (x.kind === "zero") return zero(f, x.sign);
  if (x.sign === 1) return invalid(env, f);
  if (x.kind === "infinite") return infinity(f, 0);
  noteDenormal(env, x);
  let shift = Math.max(2 * (f.precision + 2) - bitLength(x.significand), 0);
  if (((x.exponent - shift) & 1) !== 0) shift++;
  const radicand = x.significand << BigInt(shift);
  const root = integerRoot(radicand);
  const sticky = root * root === radicand ? 0n : 1n;
  const exponent = (x.exponent - shift) / 2 - 1;
  return round(env, f, { sign: 0, significand: (root << 1n) | sticky, exponent }, precision);
}
