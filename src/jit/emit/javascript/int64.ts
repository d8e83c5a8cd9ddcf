/**
 * The only file that knows how arithmetic on two int32 halves works. A 64-bit value is `[lo, hi]`; each half is
 * code that evaluates to an int32. A half that nobody needs (`need`: 1 low, 2 high) is left out, and a half
 * known to be constant folds, so that zero-extended 32-bit code costs no more than 32-bit code.
 */

import type { Body } from "./body.ts";
import { type Code, FALSE, ZERO, int, js } from "./code.ts";
import * as i32 from "./int32.ts";
import type { Parts } from "./parts.ts";

export const LOW = 1;
export const HIGH = 2;
const BOTH = LOW | HIGH;

export const lo = (pair: Parts): Code => pair[0] ?? ZERO;
export const hi = (pair: Parts): Code => pair[1] ?? ZERO;

/** Carry out of the low halves: the sum is below an addend. Compares with a constant addend where there is one. */
export function add(b: Body, x: Parts, y: Parts, need: number): Parts {
  if (lo(x).constant !== undefined && lo(y).constant === undefined) return add(b, y, x, need);
  if ((need & HIGH) === 0 || i32.isZero(lo(y))) return [i32.add(lo(x), lo(y)), i32.add(hi(x), hi(y))];
  const { constant } = lo(y);
  // Adding a small negative constant: its positive counterpart is the shorter and cheaper operand.
  if (constant !== undefined && hi(y).constant === -1) return sub(b, x, [int(-constant), ZERO], need);
  const left = lo(y).constant === undefined ? b.atom(lo(x)) : lo(x);
  const sum = b.atom(i32.add(left, lo(y)));
  const carry = i32.carry(sum, lo(y).constant === undefined ? left : lo(y));
  return [sum, sumOf(hi(x), hi(y), carry)];
}

function sumOf(x: Code, y: Code, carry: Code): Code {
  if (i32.isZero(x)) return i32.add(y, carry);
  if (i32.isZero(y) || carry.constant !== undefined) return i32.add(i32.add(x, y), carry);
  return js`(${x} + ${y} + ${carry} | 0)`;
}

export function sub(b: Body, x: Parts, y: Parts, need: number): Parts {
  if ((need & HIGH) === 0 || i32.isZero(lo(y))) return [i32.sub(lo(x), lo(y)), i32.sub(hi(x), hi(y))];
  const left = b.atom(lo(x));
  const right = b.atom(lo(y));
  const borrow = i32.carry(left, right);
  const low = i32.sub(left, right);
  if (borrow.constant !== undefined || i32.isZero(hi(y))) {
    return [low, i32.sub(i32.sub(hi(x), hi(y)), borrow)];
  }
  return [low, js`(${hi(x)} - ${hi(y)} - ${borrow} | 0)`];
}

export function neg(b: Body, x: Parts, need: number): Parts {
  return sub(b, [ZERO, ZERO], x, need);
}

export const and = (x: Parts, y: Parts): Parts => [i32.and(lo(x), lo(y)), i32.and(hi(x), hi(y))];
export const or = (x: Parts, y: Parts): Parts => [i32.or(lo(x), lo(y)), i32.or(hi(x), hi(y))];
export const xor = (x: Parts, y: Parts): Parts => [i32.xor(lo(x), lo(y)), i32.xor(hi(x), hi(y))];
export const not = (x: Parts): Parts => [i32.not(lo(x)), i32.not(hi(x))];

export function mul(b: Body, x: Parts, y: Parts, need: number): Parts {
  const imul = b.helper("imul");
  if ((need & HIGH) === 0) return [js`${imul}(${lo(x)}, ${lo(y)})`, ZERO];
  const a = b.atom(lo(x));
  const c = b.atom(lo(y));
  let high = js`${b.helper("umulh")}(${a}, ${c})`;
  if (!i32.isZero(hi(x))) high = js`(${high} + ${imul}(${hi(x)}, ${c}) | 0)`;
  if (!i32.isZero(hi(y))) high = js`(${high} + ${imul}(${a}, ${hi(y)}) | 0)`;
  return [js`${imul}(${a}, ${c})`, high];
}

export function equal(x: Parts, y: Parts): Code {
  const low = i32.xor(lo(x), lo(y));
  const high = i32.xor(hi(x), hi(y));
  if (i32.isZero(high)) return i32.equal(lo(x), lo(y));
  return i32.equal(i32.or(low, high), ZERO);
}

/** Compares high halves with `high`, and low halves unsigned where the high ones are equal. */
function ordered(b: Body, x: Parts, y: Parts, high: (p: Code, q: Code) => Code): Code {
  const p = b.atom(hi(x));
  const q = b.atom(hi(y));
  const low = i32.below(lo(x), lo(y));
  if (p.constant !== undefined && p.constant === q.constant) return low;
  if (low.constant === 0) return high(p, q);
  return js`(${p} === ${q} ? ${low} : ${high(p, q)})`;
}

export const below = (b: Body, x: Parts, y: Parts): Code => ordered(b, x, y, i32.below);
export const less = (b: Body, x: Parts, y: Parts): Code => ordered(b, x, y, i32.less);

export function choose(b: Body, condition: Code, x: Parts, y: Parts, need: number): Parts {
  const c = need === BOTH ? b.atom(condition) : condition;
  return [i32.choose(c, lo(x), lo(y)), i32.choose(c, hi(x), hi(y))];
}

/**
 * Shifts by a count of 0 to 63. JavaScript takes the count modulo 32; `x >>> 1 >>> ~n` is x >>> (32 - n) that
 * is also right for n = 0.
 */
export function shl(b: Body, x: Parts, count: Code, need: number): Parts {
  const n = count.constant;
  if (n !== undefined && n >= 32) return [ZERO, i32.shl(lo(x), n - 32)];
  if (n === 0) return x;
  const low = need === BOTH ? b.atom(lo(x)) : lo(x);
  if (n !== undefined) return [i32.shl(low, n), i32.or(i32.shl(hi(x), n), i32.shr(low, 32 - n))];
  const c = b.atom(count);
  const far = b.atom(js`(${c} & 32)`);
  return [
    js`(${far} ? 0 : ${low} << ${c})`,
    js`(${far} ? ${low} << ${c} : ${hi(x)} << ${c} | ${low} >>> 1 >>> ~${c})`,
  ];
}

export function shr(b: Body, x: Parts, count: Code, need: number): Parts {
  const n = count.constant;
  if (n !== undefined && n >= 32) return [i32.shr(hi(x), n - 32), ZERO];
  if (n === 0) return x;
  if (n !== undefined) {
    if (i32.isZero(hi(x))) return [i32.shr(lo(x), n), ZERO];
    const high = need === BOTH ? b.atom(hi(x)) : hi(x);
    return [i32.or(i32.shr(lo(x), n), i32.shl(high, 32 - n)), i32.shr(high, n)];
  }
  const high = b.atom(hi(x));
  const c = b.atom(count);
  const far = b.atom(js`(${c} & 32)`);
  return [
    js`(${far} ? ${high} >>> ${c} | 0 : ${lo(x)} >>> ${c} | ${high} << 1 << ~${c})`,
    js`(${far} ? 0 : ${high} >>> ${c} | 0)`,
  ];
}

export function sar(b: Body, x: Parts, count: Code, need: number): Parts {
  const n = count.constant;
  if (n === 0) return x;
  const high = b.atom(hi(x));
  if (n !== undefined && n >= 32) return [i32.sar(high, n - 32), i32.sign(high)];
  if (n !== undefined) return [i32.or(i32.shr(lo(x), n), i32.shl(high, 32 - n)), i32.sar(high, n)];
  const c = b.atom(count);
  const far = b.atom(js`(${c} & 32)`);
  const low = js`(${far} ? ${high} >> ${c} : ${lo(x)} >>> ${c} | ${high} << 1 << ~${c})`;
  return [low, (need & HIGH) === 0 ? ZERO : js`(${far} ? ${high} >> 31 : ${high} >> ${c})`];
}

/** Rotates left by 0 to 63: a count of 32 or more exchanges the halves first. */
export function rotl(b: Body, x: Parts, count: Code): Parts {
  const low = b.atom(lo(x));
  const high = b.atom(hi(x));
  const n = count.constant;
  if (n !== undefined) {
    const [p, q] = n >= 32 ? [high, low] : [low, high];
    if (n % 32 === 0) return [p, q];
    const near = n & 31;
    return [i32.or(i32.shl(p, near), i32.shr(q, 32 - near)), i32.or(i32.shl(q, near), i32.shr(p, 32 - near))];
  }
  const c = b.atom(count);
  const far = b.atom(js`(${c} & 32)`);
  const p = b.atom(js`(${far} ? ${high} : ${low})`);
  const q = b.atom(js`(${far} ? ${low} : ${high})`);
  return [js`(${p} << ${c} | ${q} >>> 1 >>> ~${c})`, js`(${q} << ${c} | ${p} >>> 1 >>> ~${c})`];
}

export function rotr(b: Body, x: Parts, count: Code): Parts {
  if (count.constant !== undefined) return rotl(b, x, int(-count.constant & 63));
  return rotl(b, x, b.atom(js`(-${b.atom(count)} & 63)`));
}

export function clz(b: Body, x: Parts): Code {
  const clz32 = b.helper("clz32");
  if (i32.isZero(hi(x))) return js`(${clz32}(${lo(x)}) + 32)`;
  const high = b.atom(hi(x));
  return js`(${high} === 0 ? ${clz32}(${lo(x)}) + 32 : ${clz32}(${high}))`;
}

/** The lowest set bit alone is x & -x; 31 - clz of it is its place. */
export function ctz32(b: Body, x: Code): Code {
  const v = b.atom(x);
  return js`(${v} === 0 ? 32 : 31 - ${b.helper("clz32")}(${v} & -${v}))`;
}

export function ctz(b: Body, x: Parts): Code {
  const low = b.atom(lo(x));
  const clz32 = b.helper("clz32");
  const ofLow = js`31 - ${clz32}(${low} & -${low})`;
  if (i32.isZero(hi(x))) return js`(${low} === 0 ? 64 : ${ofLow})`;
  const high = b.atom(hi(x));
  return js`(${low} !== 0 ? ${ofLow} : ${high} === 0 ? 64 : 63 - ${clz32}(${high} & -${high}))`;
}

/** The bits at `bit`; the processor state's partial registers. */
export function insert(x: Parts, value: Code, bit: number, width: number): Parts {
  if (width === 32) return [value, hi(x)];
  const mask = (1 << width) - 1;
  const field = i32.shl(i32.and(value, int(mask)), bit);
  return [i32.or(i32.and(lo(x), int(~(mask << bit))), field), hi(x)];
}

export function extract(x: Parts, bit: number, width: number): Code {
  const shifted = i32.shr(lo(x), bit);
  return bit + width === 32 ? shifted : i32.and(shifted, int((1 << width) - 1));
}

/** Whether an unsigned (high:low) / divisor fits 64 bits: exactly when high is below the divisor. */
export const divisionFits = (b: Body, high: Parts, divisor: Parts): Code =>
  i32.isZero(lo(divisor)) && i32.isZero(hi(divisor)) ? FALSE : below(b, high, divisor);
