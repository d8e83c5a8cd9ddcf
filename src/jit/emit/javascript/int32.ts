/**
 * 32-bit expressions over code that evaluates to an int32. Known constants fold: most upper halves of 64-bit
 * values are known zero only here, after the passes have run.
 */

import { type Code, FALSE, TRUE, ZERO, int, js, unsigned } from "./code.ts";

export const isZero = (a: Code): boolean => a.constant === 0;

export function add(a: Code, b: Code): Code {
  if (a.constant !== undefined && b.constant !== undefined) return int(a.constant + b.constant);
  if (isZero(b)) return a;
  if (isZero(a)) return b;
  return js`(${a} + ${b} | 0)`;
}

export function sub(a: Code, b: Code): Code {
  if (a.constant !== undefined && b.constant !== undefined) return int(a.constant - b.constant);
  if (isZero(b)) return a;
  return js`(${a} - ${b} | 0)`;
}

export function and(a: Code, b: Code): Code {
  if (a.constant !== undefined && b.constant !== undefined) return int(a.constant & b.constant);
  if (isZero(a) || isZero(b)) return ZERO;
  if (b.constant === -1) return a;
  if (a.constant === -1) return b;
  return js`(${a} & ${b})`;
}

export function or(a: Code, b: Code): Code {
  if (a.constant !== undefined && b.constant !== undefined) return int(a.constant | b.constant);
  if (isZero(b)) return a;
  if (isZero(a)) return b;
  return js`(${a} | ${b})`;
}

export function xor(a: Code, b: Code): Code {
  if (a.constant !== undefined && b.constant !== undefined) return int(a.constant ^ b.constant);
  if (isZero(b)) return a;
  if (isZero(a)) return b;
  return js`(${a} ^ ${b})`;
}

export const not = (a: Code): Code => (a.constant === undefined ? js`(~${a})` : int(~a.constant));

/** Shifts by a constant of 0 to 31. */
export function shl(a: Code, count: number): Code {
  if (count === 0) return a;
  return a.constant === undefined ? js`(${a} << ${count})` : int(a.constant << count);
}

export function shr(a: Code, count: number): Code {
  if (count === 0) return a;
  return a.constant === undefined ? js`(${a} >>> ${count})` : int(a.constant >>> count);
}

export function sar(a: Code, count: number): Code {
  if (count === 0) return a;
  return a.constant === undefined ? js`(${a} >> ${count})` : int(a.constant >> count);
}

/** All ones when negative, else zero. */
export const sign = (a: Code): Code => sar(a, 31);

const truth = (value: boolean): Code => (value ? TRUE : FALSE);

export function equal(a: Code, b: Code): Code {
  if (a.constant !== undefined && b.constant !== undefined) return truth(a.constant === b.constant);
  return js`(${a} === ${b})`;
}

export function unequal(a: Code, b: Code): Code {
  if (a.constant !== undefined && b.constant !== undefined) return truth(a.constant !== b.constant);
  return js`(${a} !== ${b})`;
}

const unsignedOf = (a: Code): Code => (a.constant === undefined ? js`(${a} >>> 0)` : unsigned(a.constant));

export function below(a: Code, b: Code): Code {
  if (a.constant !== undefined && b.constant !== undefined) return truth(a.constant >>> 0 < b.constant >>> 0);
  if (isZero(b)) return FALSE;
  if (isZero(a)) return unequal(b, ZERO);
  return js`(${unsignedOf(a)} < ${unsignedOf(b)})`;
}

export function belowOrEqual(a: Code, b: Code): Code {
  if (a.constant !== undefined && b.constant !== undefined)
    return truth(a.constant >>> 0 <= b.constant >>> 0);
  if (isZero(a)) return TRUE;
  if (isZero(b)) return equal(a, ZERO);
  return js`(${unsignedOf(a)} <= ${unsignedOf(b)})`;
}

export function less(a: Code, b: Code): Code {
  if (a.constant !== undefined && b.constant !== undefined) return truth(a.constant < b.constant);
  return js`(${a} < ${b})`;
}

export function lessOrEqual(a: Code, b: Code): Code {
  if (a.constant !== undefined && b.constant !== undefined) return truth(a.constant <= b.constant);
  return js`(${a} <= ${b})`;
}

/** 1 when `a` is below `b` unsigned, else 0: the carry or borrow of an addition or subtraction. */
export function carry(a: Code, b: Code): Code {
  const bit = below(a, b);
  if (bit.constant !== undefined || isZero(a)) return fromTruth(bit);
  const limit = b.constant === undefined ? js`${b} >>> 0` : unsigned(b.constant);
  return js`(${a} >>> 0 < ${limit} ? 1 : 0)`;
}

/** Truth values: code that evaluates to true or false. */
export const fromTruth = (a: Code): Code => (a.constant === undefined ? js`(${a} ? 1 : 0)` : int(a.constant));

export const negate = (a: Code): Code => (a.constant === undefined ? js`(!${a})` : truth(a.constant === 0));

export function both(a: Code, b: Code): Code {
  if (a.constant !== undefined) return a.constant === 0 ? FALSE : b;
  if (b.constant !== undefined) return b.constant === 0 ? FALSE : a;
  return js`(${a} && ${b})`;
}

export function either(a: Code, b: Code): Code {
  if (a.constant !== undefined) return a.constant === 0 ? b : TRUE;
  if (b.constant !== undefined) return b.constant === 0 ? a : TRUE;
  return js`(${a} || ${b})`;
}

export function differ(a: Code, b: Code): Code {
  if (a.constant !== undefined) return a.constant === 0 ? b : negate(b);
  if (b.constant !== undefined) return b.constant === 0 ? a : negate(a);
  return js`(${a} !== ${b})`;
}

/** `condition` is used once here; name it before choosing more than one part by it. */
export function choose(condition: Code, a: Code, b: Code): Code {
  if (condition.constant !== undefined) return condition.constant === 0 ? b : a;
  if (a.constant !== undefined && a.constant === b.constant) return a;
  return js`(${condition} ? ${a} : ${b})`;
}
