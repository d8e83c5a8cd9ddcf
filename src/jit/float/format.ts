/**
 * Binary floating-point formats and numbers taken apart. A number in bits is an unsigned `bigint`; taken apart it
 * is (-1)^sign * significand * 2^exponent with an integer significand, so that arithmetic is integer arithmetic.
 */

import { DENORMAL, type Environment, INVALID } from "./environment.ts";

export interface Format {
  /** Bits of the significand, the leading one included. */
  readonly precision: number;
  readonly exponentBits: number;
  /** The leading bit is stored (80-bit format). */
  readonly explicit: boolean;
  readonly bias: number;
  /** Exponents of the leading bit of normal numbers. */
  readonly least: number;
  readonly most: number;
}

const format = (precision: number, exponentBits: number, explicit: boolean): Format => {
  const bias = 2 ** (exponentBits - 1) - 1;
  return { precision, exponentBits, explicit, bias, least: 1 - bias, most: bias };
};

export const SINGLE = format(24, 8, false);
export const DOUBLE = format(53, 11, false);
export const EXTENDED = format(64, 15, true);

export type Kind = "zero" | "finite" | "infinite" | "quiet" | "signaling" | "unsupported";

export interface Float {
  readonly kind: Kind;
  readonly sign: number;
  /** Of a finite number as an integer; of a NaN its fraction, the quiet bit included. */
  readonly significand: bigint;
  readonly exponent: number;
  /** Stored with the least exponent and no leading one. */
  readonly denormal: boolean;
}

/** Bits of the stored fraction or significand. */
const fieldBits = ({ precision, explicit }: Format): number => (explicit ? precision : precision - 1);
const ones = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

/** Number of bits up to the leading one; 0 for zero. */
export function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const digits = value.toString(16);
  return digits.length * 4 - Math.clz32(parseInt(digits.charAt(0), 16)) + 28;
}

/** Takes a number apart. */
export function decode(f: Format, bits: bigint): Float {
  const field = fieldBits(f);
  const sign = Number((bits >> BigInt(field + f.exponentBits)) & 1n);
  const stored = Number((bits >> BigInt(field)) & ones(f.exponentBits));
  const fraction = bits & ones(field);
  const leading = 1n << BigInt(f.precision - 1);
  const make = (kind: Kind, significand: bigint, denormal = false): Float => ({
    kind,
    sign,
    significand,
    exponent: Math.max(stored, 1) - f.bias - (f.precision - 1),
    denormal,
  });
  if (stored === 0) return fraction === 0n ? make("zero", 0n) : make("finite", fraction, true);
  if (f.explicit && (fraction & leading) === 0n) return make("unsupported", fraction);
  if (stored !== Number(ones(f.exponentBits))) return make("finite", fraction | leading);
  const payload = f.explicit ? fraction ^ leading : fraction;
  if (payload === 0n) return make("infinite", 0n);
  return make((payload & (leading >> 1n)) === 0n ? "signaling" : "quiet", payload);
}

/** An operand as an SSE operation sees it: with DAZ a denormal is a zero, without it is reported. */
export function operand(env: Environment, f: Format, bits: bigint): Float {
  const value = decode(f, bits);
  return value.denormal && env.denormalsAreZero
    ? { ...value, kind: "zero", significand: 0n, denormal: false }
    : value;
}

/** Puts sign, biased exponent and significand together. The leading bit may be set; it is stored if explicit. */
export function pack(f: Format, sign: number, biased: number, significand: bigint): bigint {
  const field = fieldBits(f);
  const head = (BigInt(sign) << BigInt(f.exponentBits)) | BigInt(biased);
  return (head << BigInt(field)) | (significand & ones(field));
}

const leadingBit = (f: Format): bigint => 1n << BigInt(f.precision - 1);

export const zero = (f: Format, sign: number): bigint => pack(f, sign, 0, 0n);
export const infinity = (f: Format, sign: number): bigint => pack(f, sign, 2 * f.bias + 1, leadingBit(f));
/** The largest finite number, or the largest of fewer bits. */
export const largest = (f: Format, sign: number, precision: number): bigint =>
  pack(f, sign, 2 * f.bias, ones(precision) << BigInt(f.precision - precision));
/** The NaN with this payload, made quiet. */
export const quietNaN = (f: Format, sign: number, payload: bigint): bigint =>
  pack(f, sign, 2 * f.bias + 1, leadingBit(f) | (leadingBit(f) >> 1n) | payload);
/** What an invalid operation gives: the negative quiet NaN without payload. */
export const indefinite = (f: Format): bigint => quietNaN(f, 1, 0n);

export const isNaN = ({ kind }: Float): boolean => kind === "quiet" || kind === "signaling";

/** Reports a denormal operand. Not called when an operand is a NaN. */
export function noteDenormal(env: Environment, ...values: readonly Float[]): void {
  if (values.some(({ denormal }) => denormal)) env.raise(DENORMAL);
}

export function invalid(env: Environment, f: Format): bigint {
  env.raise(INVALID);
  return indefinite(f);
}

/** Of two NaNs of x87: a quiet one before a signaling one, then the larger significand, then the positive one. */
function preferSecond(a: Float, b: Float): boolean {
  if (!isNaN(a)) return true;
  if (!isNaN(b)) return false;
  if (a.kind !== b.kind) return b.kind === "quiet";
  if (a.significand !== b.significand) return b.significand > a.significand;
  return b.sign < a.sign;
}

/** The result of an operation with a NaN (Intel SDM vol. 1, table 4-7), or undefined when there is none. */
export function nanResult(env: Environment, f: Format, a: Float, b: Float): bigint | undefined {
  if (a.kind === "unsupported" || b.kind === "unsupported") return invalid(env, f);
  if (!isNaN(a) && !isNaN(b)) return undefined;
  if (a.kind === "signaling" || b.kind === "signaling") env.raise(INVALID);
  const second = env.largerNaN ? preferSecond(a, b) : !isNaN(a);
  const chosen = second ? b : a;
  return quietNaN(f, chosen.sign, chosen.significand);
}
