/** Comparison, minimum and maximum (Intel SDM vol. 2, CMPPS, COMISS, MINPS, MAXPS). */

import { type Environment, INVALID } from "./environment.ts";
import { type Float, type Format, isNaN, noteDenormal, operand, zero } from "./format.ts";

export const UNORDERED = 0;
export const LESS = 1;
export const EQUAL = 2;
export const GREATER = 3;

const magnitude = ({ kind, significand, exponent }: Float, least: number): bigint =>
  kind === "infinite" ? -1n : kind === "zero" ? 0n : significand << BigInt(exponent - least);

/** Of two numbers with the same format: exponents decide first, so nothing needs to be shifted far. */
function compareMagnitudes(a: Float, b: Float): number {
  if (a.kind !== b.kind) {
    const order = ["zero", "finite", "infinite"];
    return order.indexOf(a.kind) < order.indexOf(b.kind) ? LESS : GREATER;
  }
  if (a.kind !== "finite") return EQUAL;
  if (a.exponent !== b.exponent) {
    const near = Math.abs(a.exponent - b.exponent) <= 64;
    if (!near) return a.exponent < b.exponent ? LESS : GREATER;
  }
  const least = Math.min(a.exponent, b.exponent);
  const x = magnitude(a, least);
  const y = magnitude(b, least);
  return x < y ? LESS : x > y ? GREATER : EQUAL;
}

export function order(a: Float, b: Float): number {
  if (a.kind === "zero" && b.kind === "zero") return EQUAL;
  if (a.sign !== b.sign) return a.sign === 1 ? LESS : GREATER;
  const result = compareMagnitudes(a, b);
  return a.sign === 0 || result === EQUAL ? result : LESS + GREATER - result;
}

/** `signaling`: quiet NaNs are invalid too. */
export function compare(env: Environment, f: Format, a: bigint, b: bigint, signaling: boolean): number {
  const x = operand(env, f, a);
  const y = operand(env, f, b);
  const unsupported = x.kind === "unsupported" || y.kind === "unsupported";
  if (isNaN(x) || isNaN(y) || unsupported) {
    if (signaling || unsupported || x.kind === "signaling" || y.kind === "signaling") env.raise(INVALID);
    return UNORDERED;
  }
  noteDenormal(env, x, y);
  return order(x, y);
}

/** Results that make each of the eight predicates of CMPPS true, as bits 1 << result. */
const PREDICATES = [4, 2, 6, 1, 11, 13, 9, 14] as const;
/** Predicates for which a quiet NaN is invalid: LT, LE, NLT, NLE. */
const SIGNALING = 0b0110_0110;

/** Whether predicate 0..7 holds for two numbers in this order. */
export const holds = (number: number, order: number): boolean =>
  (((PREDICATES[number & 7] ?? 0) >> order) & 1) !== 0;

/** Whether predicate 0..7 (EQ LT LE UNORD NEQ NLT NLE ORD) holds. */
export function predicate(env: Environment, f: Format, a: bigint, b: bigint, number: number): boolean {
  const result = compare(env, f, a, b, ((SIGNALING >> (number & 7)) & 1) !== 0);
  return holds(number, result);
}

/** The smaller (`wanted` LESS) or larger number; the second one when either is a NaN or both are zeros. */
export function choose(env: Environment, f: Format, a: bigint, b: bigint, wanted: number): bigint {
  const x = operand(env, f, a);
  const y = operand(env, f, b);
  const second = y.kind === "zero" ? zero(f, y.sign) : b;
  if (isNaN(x) || isNaN(y)) {
    env.raise(INVALID);
    return second;
  }
  noteDenormal(env, x, y);
  const first = x.kind === "zero" ? zero(f, x.sign) : a;
  return order(x, y) === wanted ? first : second;
}
