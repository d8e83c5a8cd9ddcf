/** x87 loads, stores, arithmetic and comparison (Intel SDM vol. 1, 8.3.3 to 8.3.6). */

import { difference, type FloatBinary, multiplied, quotient, sum } from "../../float/arithmetic.ts";
import { order, UNORDERED } from "../../float/compare.ts";
import { convert, toInteger } from "../../float/convert.ts";
import { BEFORE, INVALID, OVERFLOW, TRUNCATE, UNDERFLOW } from "../../float/environment.ts";
import {
  decode,
  DOUBLE,
  EXTENDED,
  type Float,
  type Format,
  indefinite,
  isNaN,
  noteDenormal,
  SINGLE,
} from "../../float/format.ts";
import { round } from "../../float/round.ts";
import type { Call, CallMachine } from "./call.ts";
import { giveLong, giveVector, giveWord, long, word } from "./mxcsr.ts";
import { C0, C2, C3, integerFloat, unit, widened } from "./x87-unit.ts";

/** In the order of ModRM.reg of D8; 2 and 3 are comparisons. */
const OPERATIONS: readonly FloatBinary[] = [
  sum,
  multiplied,
  sum,
  sum,
  difference,
  (env, f, x, y, precision) => difference(env, f, y, x, precision),
  quotient,
  (env, f, x, y, precision) => quotient(env, f, y, x, precision),
];

/** ST(destination) = x operation y. */
function arithmetic(kind: number, destination: number, x: Float, y: Float): boolean {
  const result = (OPERATIONS[kind & 7] as FloatBinary)(unit.env, EXTENDED, x, y, unit.precision);
  if (unit.refused()) return false;
  unit.set(destination, result);
  return true;
}

/** ST(0) operation operand, for operands from memory. */
function withOperand(m: CallMachine, kind: number, operand: Float): number {
  unit.begin(m);
  if (unit.has(0, 0)) arithmetic(kind, 0, unit.float(0), operand);
  return unit.end();
}

/** C3, C2 and C0 by the order: UNORDERED, LESS, EQUAL, GREATER. */
const CONDITIONS = [C0 | C2 | C3, C0, C3, 0] as const;
/** ZF, PF and CF by the order. */
const FLAGS = [0x45, 0x01, 0x40, 0] as const;

/** The order of two numbers; exceptions are noted in the environment. */
function compared(x: Float, y: Float, quiet: boolean): number {
  const { env } = unit;
  const unsupported = x.kind === "unsupported" || y.kind === "unsupported";
  if (unsupported || isNaN(x) || isNaN(y)) {
    if (!quiet || unsupported || x.kind === "signaling" || y.kind === "signaling") env.raise(INVALID);
    return UNORDERED;
  }
  noteDenormal(env, x, y);
  return order(x, y);
}

/**
 * Compares ST(0) with a number, or with an empty register. Also with an unmasked exception the outcome is written;
 * `mayPop` is whether the pops are due.
 */
function compareTop(
  y: Float | undefined,
  quiet: boolean,
): { readonly result: number; readonly mayPop: boolean } {
  if (y === undefined || unit.isEmpty(0)) return { result: UNORDERED, mayPop: unit.stackFault(false) };
  const result = compared(unit.float(0), y, quiet);
  return { result, mayPop: !unit.refused() };
}

function compareAndPop(y: Float | undefined, quiet: boolean, pops: number): void {
  const { result, mayPop } = compareTop(y, quiet);
  unit.setConditions(CONDITIONS[result] as number);
  for (let k = 0; mayPop && k < pops; k++) unit.pop();
}

function compareOperand(m: CallMachine, operand: Float, pops: number): number {
  unit.begin(m);
  compareAndPop(operand, false, pops);
  return unit.end();
}

const register = (i: number): Float | undefined => (unit.isEmpty(i) ? undefined : unit.float(i));

/** FLD of a single or double: a signaling NaN is made quiet, a denormal is reported. */
function pushNarrow(m: CallMachine, from: Format, bits: bigint): number {
  unit.begin(m);
  // Also an unmasked denormal is loaded.
  unit.push(() => convert(unit.env, from, EXTENDED, bits), INVALID);
  return unit.end();
}

const pushExact = (m: CallMachine, make: () => bigint): number => {
  unit.begin(m);
  unit.push(make);
  return unit.end();
};

const exact = (x: Float): bigint =>
  x.kind === "zero" ? BigInt(x.sign) << 79n : round(unit.env, EXTENDED, x);

/** What stops a store: besides invalid operations the range exceptions, since memory takes no wrapped exponent. */
const STOPS_STORE = BEFORE | OVERFLOW | UNDERFLOW;

/** The value that FST puts into memory: ST(0) converted, or what is there already when an exception stops it. */
function stored(m: CallMachine, old: bigint, fallback: bigint, make: (x: bigint) => bigint): bigint {
  unit.begin(m);
  let result = old;
  if (unit.isEmpty(0)) {
    if (unit.stackFault(false)) result = fallback;
  } else {
    unit.env.wrapsExponent = false;
    const made = make(unit.get(0));
    if (!unit.refused(STOPS_STORE)) result = made;
  }
  unit.end();
  return result;
}

/** A denormal source is not reported by stores. */
function narrowed(to: Format, bits: bigint): bigint {
  const { env } = unit;
  const x = decode(EXTENDED, bits);
  return x.denormal ? round(env, to, x) : convert(env, EXTENDED, to, bits);
}

function integerOf(bits: bigint, width: number, truncate: number): bigint {
  if (truncate !== 0) unit.env.rounding = TRUNCATE;
  return BigInt.asIntN(width, toInteger(unit.env, EXTENDED, bits, width));
}

const BCD_INDEFINITE = (0xffffn << 64n) | 0xc000_0000_0000_0000n;
const BCD_LIMIT = 10n ** 18n;

/** FBSTP: 18 decimal digits and a sign byte. */
function decimal(bits: bigint): bigint {
  const { env } = unit;
  const x = decode(EXTENDED, bits);
  const before = env.flags;
  const integer = BigInt.asIntN(64, toInteger(env, EXTENDED, bits, 64));
  const size = integer < 0n ? -integer : integer;
  if ((env.flags & INVALID) !== 0 || size >= BCD_LIMIT) {
    env.flags = before | INVALID;
    env.roundedUp = false;
    return BCD_INDEFINITE;
  }
  return (BigInt(x.sign) << 79n) | BigInt(`0x${size.toString()}`);
}

function fromDecimal(lo: bigint, hi: bigint): bigint {
  let value = 0n;
  for (let k = 17n; k >= 0n; k--) value = value * 10n + (((((hi & 0xffn) << 64n) | lo) >> (4n * k)) & 15n);
  const sign = (hi >> 15n) & 1n;
  if (value === 0n) return sign << 79n;
  return exact({ ...integerFloat(value), sign: Number(sign) });
}

const giveFloat = (m: CallMachine, value: bigint): number =>
  giveVector(m, BigInt.asUintN(64, value), value >> 64n);

export const X87_BASIC_CALLS = {
  "x87.push.f32": (m, a = 0) => pushNarrow(m, SINGLE, word(a)),
  "x87.push.f64": (m, lo = 0, hi = 0) => pushNarrow(m, DOUBLE, long(lo, hi)),
  "x87.push.f80": (m, a = 0, b = 0, c = 0) => pushExact(m, () => (BigInt(c & 0xffff) << 64n) | long(a, b)),
  "x87.push.s64": (m, lo = 0, hi = 0) =>
    pushExact(m, () => exact(integerFloat(BigInt.asIntN(64, long(lo, hi))))),
  "x87.push.bcd": (m, a = 0, b = 0, c = 0) => pushExact(m, () => fromDecimal(long(a, b), word(c) & 0xffffn)),
  "x87.push.st": (m, i = 0) => {
    unit.begin(m);
    if (!unit.isEmpty(i)) {
      const value = unit.get(i);
      unit.push(() => value);
    } else if (unit.stackFault(false)) {
      unit.top -= 1;
      unit.set(0, indefinite(EXTENDED));
    }
    return unit.end();
  },
  "x87.arith": (m, kind = 0, destination = 0, source = 0, pops = 0) => {
    unit.begin(m);
    const done = unit.has(destination, destination, source)
      ? arithmetic(kind, destination, unit.float(destination), unit.float(source))
      : unit.env.isMasked(INVALID);
    if (done && pops !== 0) unit.pop();
    return unit.end();
  },
  "x87.arith.f32": (m, kind = 0, a = 0) => withOperand(m, kind, widened(SINGLE, word(a))),
  "x87.arith.f64": (m, kind = 0, lo = 0, hi = 0) => withOperand(m, kind, widened(DOUBLE, long(lo, hi))),
  "x87.arith.s32": (m, kind = 0, a = 0) => withOperand(m, kind, integerFloat(BigInt(a))),
  "x87.compare": (m, source = 0, quiet = 0, pops = 0) => {
    unit.begin(m);
    compareAndPop(register(source), quiet !== 0, pops);
    return unit.end();
  },
  "x87.compare.f32": (m, pops = 0, a = 0) => compareOperand(m, widened(SINGLE, word(a)), pops),
  "x87.compare.f64": (m, pops = 0, lo = 0, hi = 0) => compareOperand(m, widened(DOUBLE, long(lo, hi)), pops),
  "x87.compare.s32": (m, pops = 0, a = 0) => compareOperand(m, integerFloat(BigInt(a)), pops),
  "x87.compareflags": (m, source = 0, quiet = 0, pops = 0) => {
    unit.beginKeepingC1(m);
    const { result, mayPop } = compareTop(register(source), quiet !== 0);
    if (mayPop && pops !== 0) unit.pop();
    unit.end();
    return FLAGS[result] as number;
  },
  "x87.value.f32": (m, old = 0) =>
    giveWord(stored(m, word(old), indefinite(SINGLE), (x) => narrowed(SINGLE, x))),
  "x87.value.f64": (m, lo = 0, hi = 0) =>
    giveLong(
      m,
      stored(m, long(lo, hi), indefinite(DOUBLE), (x) => narrowed(DOUBLE, x)),
    ),
  "x87.value.f80": (m, a = 0, b = 0, c = 0) => {
    const old = (BigInt(c & 0xffff) << 64n) | long(a, b);
    return giveFloat(
      m,
      stored(m, old, indefinite(EXTENDED), (x) => x),
    );
  },
  "x87.value.s64": (m, width = 0, truncate = 0, lo = 0, hi = 0) =>
    giveLong(
      m,
      stored(m, long(lo, hi), 1n << BigInt(width - 1), (x) => integerOf(x, width, truncate)),
    ),
  "x87.value.bcd": (m, a = 0, b = 0, c = 0) =>
    giveFloat(m, stored(m, (BigInt(c & 0xffff) << 64n) | long(a, b), BCD_INDEFINITE, decimal)),
  /** Behind a store: unless an exception stopped it. */
  "x87.pop": (m) => {
    unit.attach(m);
    if (unit.popsAnyway) unit.pop();
    return unit.end();
  },
} as const satisfies Readonly<Record<string, Call>>;
