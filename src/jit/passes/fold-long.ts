/**
 * Folding rules for 64-bit integers. Besides constants they narrow: what is known to fit a 32-bit word is computed
 * as one and extended, because the JavaScript back end pays for each half.
 */

import type { OpName } from "../ir/ops.ts";
import { type Folder, NO_FOLD, type Rule, type Rules } from "./folder.ts";
import { selectRule } from "./fold-word.ts";

/** Folds constants given as halves; `further` sees the rest, with a commutative constant on the right. */
type Halves = (f: Folder, al: number, ah: number, bl: number, bh: number) => number;

function binary(op: OpName, compute: Halves, commutes: boolean, further: Rule): Rule {
  return (f, args, imm) => {
    const [a, b] = args as [number, number];
    if (f.op(a) === "const.i64") {
      if (f.op(b) === "const.i64") return compute(f, f.lo(a), f.hi(a), f.lo(b), f.hi(b));
      if (commutes) return f.make(op, b, a);
    }
    return further(f, args, imm);
  };
}

const add: Halves = (f, al, ah, bl, bh) => {
  const low = (al + bl) | 0;
  return f.const64(low, ah + bh + (low >>> 0 < al >>> 0 ? 1 : 0));
};
const sub: Halves = (f, al, ah, bl, bh) => f.const64(al - bl, ah - bh - (al >>> 0 < bl >>> 0 ? 1 : 0));

/** High half of the unsigned 32 x 32 product, from 16-bit pieces. */
function multiplyHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const carry = ((middle & 0xffff) + a0 * b1) / 0x10000;
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(carry)) | 0;
}
const mul: Halves = (f, al, ah, bl, bh) =>
  f.const64(Math.imul(al, bl), (multiplyHigh(al, bl) + Math.imul(al, bh) + Math.imul(ah, bl)) | 0);

const isBelow = (al: number, ah: number, bl: number, bh: number): boolean =>
  ah === bh ? al >>> 0 < bl >>> 0 : ah >>> 0 < bh >>> 0;
const isLess = (al: number, ah: number, bl: number, bh: number): boolean =>
  ah === bh ? al >>> 0 < bl >>> 0 : ah < bh;

/** (x + c1) + c2 = x + (c1 + c2). */
const addRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (f.op(b) !== "const.i64") return NO_FOLD;
  if (f.is64(b, 0, 0)) return a;
  if (f.op(a) !== "add.i64") return NO_FOLD;
  const inner = f.arg(a, 1);
  if (f.op(inner) !== "const.i64") return NO_FOLD;
  return f.make("add.i64", f.arg(a, 0), add(f, f.lo(inner), f.hi(inner), f.lo(b), f.hi(b)));
};
const subRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (a === b) return f.const64(0, 0);
  if (f.op(b) === "const.i64") return f.make("add.i64", a, sub(f, 0, 0, f.lo(b), f.hi(b)));
  return f.is64(a, 0, 0) ? f.make("neg.i64", b) : NO_FOLD;
};
const mulRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (f.op(b) === "const.i64" && f.hi(b) === 0) {
    const factor = f.lo(b);
    if (factor === 0) return b;
    if (factor === 1) return a;
    if ((factor & (factor - 1)) === 0) return f.make("shl.i64", a, f.const32(31 - Math.clz32(factor)));
  }
  if (f.isHighZero(a) && f.isHighZero(b)) return f.make("mulwide.u32", f.low(a), f.low(b));
  if (f.isSignExtended(a) && f.isSignExtended(b)) return f.make("mulwide.s32", f.low(a), f.low(b));
  return NO_FOLD;
};

const zext = (f: Folder, word: number): number => f.make("zext.i64", word);

const andRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (a === b || f.is64(b, -1, -1)) return a;
  if (f.is64(b, 0, 0)) return b;
  return f.isHighZero(a) || f.isHighZero(b) ? zext(f, f.make("and.i32", f.low(a), f.low(b))) : NO_FOLD;
};
const orRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (a === b || f.is64(b, 0, 0)) return a;
  if (f.is64(b, -1, -1)) return b;
  return f.isHighZero(a) && f.isHighZero(b) ? zext(f, f.make("or.i32", f.low(a), f.low(b))) : NO_FOLD;
};
const xorRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (a === b) return f.const64(0, 0);
  if (f.is64(b, 0, 0)) return a;
  if (f.is64(b, -1, -1)) return f.make("not.i64", a);
  return f.isHighZero(a) && f.isHighZero(b) ? zext(f, f.make("xor.i32", f.low(a), f.low(b))) : NO_FOLD;
};

const notRule: Rule = (f, args) => {
  const a = args[0] as number;
  if (f.op(a) === "const.i64") return f.const64(~f.lo(a), ~f.hi(a));
  return f.op(a) === "not.i64" ? f.arg(a, 0) : NO_FOLD;
};
const negRule: Rule = (f, args) => {
  const a = args[0] as number;
  if (f.op(a) === "const.i64") return sub(f, 0, 0, f.lo(a), f.hi(a));
  return f.op(a) === "neg.i64" ? f.arg(a, 0) : NO_FOLD;
};

/** A shift by a constant: of a constant, by zero, or by whole words and a rest. */
const shift =
  (
    near: (f: Folder, a: number, count: number) => number,
    far: (f: Folder, a: number, rest: number) => number,
  ): Rule =>
  (f, args) => {
    const [a, count] = args as [number, number];
    if (f.is64(a, 0, 0)) return a;
    if (f.op(count) !== "const.i32") return NO_FOLD;
    const by = f.lo(count);
    if (by === 0) return a;
    return by >= 32 ? far(f, a, by - 32) : near(f, a, by);
  };

const shlRule = shift(
  (f, a, by) => {
    if (f.op(a) !== "const.i64") return NO_FOLD;
    return f.const64(f.lo(a) << by, (f.hi(a) << by) | (f.lo(a) >>> (32 - by)));
  },
  (f, a, rest) => f.make("concat.i64", f.const32(0), f.make("shl.i32", f.low(a), f.const32(rest))),
);
const shrRule = shift(
  (f, a, by) => {
    if (f.isHighZero(a)) return zext(f, f.make("shr.i32", f.low(a), f.const32(by)));
    if (f.op(a) !== "const.i64") return NO_FOLD;
    return f.const64((f.lo(a) >>> by) | (f.hi(a) << (32 - by)), f.hi(a) >>> by);
  },
  (f, a, rest) => zext(f, f.make("shr.i32", f.high(a), f.const32(rest))),
);
const sarRule = shift(
  (f, a, by) => {
    if (f.isHighZero(a)) return zext(f, f.make("shr.i32", f.low(a), f.const32(by)));
    if (f.isSignExtended(a)) return f.make("sext.i64", f.make("sar.i32", f.low(a), f.const32(by)));
    if (f.op(a) !== "const.i64") return NO_FOLD;
    return f.const64((f.lo(a) >>> by) | (f.hi(a) << (32 - by)), f.hi(a) >> by);
  },
  (f, a, rest) => f.make("sext.i64", f.make("sar.i32", f.high(a), f.const32(rest))),
);
const rotateRule: Rule = (f, args) => {
  const [a, count] = args as [number, number];
  return f.is32(count, 0) || f.is64(a, 0, 0) ? a : NO_FOLD;
};

/** Comparisons: of equal values, of constants, and of values that both fit a word. */
function compare(
  op: OpName,
  compute: (al: number, ah: number, bl: number, bh: number) => boolean,
  narrow: { readonly unsigned: OpName; readonly signed: OpName },
  further: Rule,
): Rule {
  return (f, args, imm) => {
    const [a, b] = args as [number, number];
    if (a === b) return f.const1(compute(0, 0, 0, 0));
    if (f.op(a) === "const.i64") {
      if (f.op(b) === "const.i64") return f.const1(compute(f.lo(a), f.hi(a), f.lo(b), f.hi(b)));
      if (op === "eq.i64" || op === "ne.i64") return f.make(op, b, a);
    }
    if (f.isHighZero(a) && f.isHighZero(b)) return f.make(narrow.unsigned, f.low(a), f.low(b));
    if (f.isSignExtended(a) && f.isSignExtended(b)) return f.make(narrow.signed, f.low(a), f.low(b));
    return further(f, args, imm);
  };
}
const none: Rule = () => NO_FOLD;
const ultRule: Rule = (f, args) => (f.is64(args[1] as number, 0, 0) ? f.const1(false) : NO_FOLD);
const uleRule: Rule = (f, args) => (f.is64(args[0] as number, 0, 0) ? f.const1(true) : NO_FOLD);
/** The sign is in the high half. */
const sltRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  return f.is64(b, 0, 0) ? f.make("slt.i32", f.high(a), f.const32(0)) : NO_FOLD;
};
const sleRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  return f.is64(a, 0, 0) ? f.make("sle.i32", f.const32(0), f.high(b)) : NO_FOLD;
};

const selectLongRule: Rule = (f, args, imm) => {
  const [choice, a, b] = args as [number, number, number];
  if (a !== b && f.isHighZero(a) && f.isHighZero(b)) {
    return zext(f, f.make("select.i32", choice, f.low(a), f.low(b)));
  }
  return selectRule(f, args, imm);
};

/** Whether `high` is the sign of `low`, as CQO leaves it. */
function isSignOf(f: Folder, high: number, low: number): boolean {
  if (f.op(low) === "const.i64" && f.op(high) === "const.i64") {
    const sign = f.hi(low) >> 31;
    return f.is64(high, sign, sign);
  }
  if (f.op(high) !== "sext.i64" || f.op(f.arg(high, 0)) !== "sar.i32") return false;
  const shifted = f.arg(high, 0);
  const word = f.arg(shifted, 0);
  if (!f.is32(f.arg(shifted, 1), 31)) return false;
  if (f.op(word) === "high.i32") return f.arg(word, 0) === low;
  return f.op(low) === "sext.i64" && f.arg(low, 0) === word;
}

/** 128-bit division of a 64-bit dividend: after XOR EDX,EDX or CQO. */
const unsignedDivision =
  (narrow: OpName): Rule =>
  (f, args) => {
    const [high, low, divisor] = args as [number, number, number];
    return f.is64(high, 0, 0) ? f.make(narrow, low, divisor) : NO_FOLD;
  };
const signedDivision =
  (narrow: OpName): Rule =>
  (f, args) => {
    const [high, low, divisor] = args as [number, number, number];
    return isSignOf(f, high, low) ? f.make(narrow, low, divisor) : NO_FOLD;
  };
const unsignedFits: Rule = (f, args) => {
  const [high, , divisor] = args as [number, number, number];
  return f.is64(high, 0, 0) ? f.make("ne.i64", divisor, f.const64(0, 0)) : NO_FOLD;
};
/** Only the minimum divided by -1 does not fit. */
const signedFits: Rule = (f, args) => {
  const [high, low, divisor] = args as [number, number, number];
  if (!isSignOf(f, high, low)) return NO_FOLD;
  const isMinimum = f.make("eq.i64", low, f.const64(0, 1 << 31));
  const overflows = f.make("and.i1", isMinimum, f.make("eq.i64", divisor, f.const64(-1, -1)));
  return f.make("and.i1", f.make("ne.i64", divisor, f.const64(0, 0)), f.make("not.i1", overflows));
};

const logic =
  (compute: (a: number, b: number) => number): Halves =>
  (f, al, ah, bl, bh) =>
    f.const64(compute(al, bl), compute(ah, bh));
const popcountRule: Rule = (f, args) => {
  const a = args[0] as number;
  return f.isHighZero(a) ? f.make("popcnt.i32", f.low(a)) : NO_FOLD;
};

const EQUAL = { unsigned: "eq.i32", signed: "eq.i32" } as const;
const UNEQUAL = { unsigned: "ne.i32", signed: "ne.i32" } as const;
const BELOW = { unsigned: "ult.i32", signed: "ult.i32" } as const;
const BELOW_OR_EQUAL = { unsigned: "ule.i32", signed: "ule.i32" } as const;
const LESS = { unsigned: "ult.i32", signed: "slt.i32" } as const;
const LESS_OR_EQUAL = { unsigned: "ule.i32", signed: "sle.i32" } as const;

export const LONG_RULES: Rules = {
  "add.i64": binary("add.i64", add, true, addRule),
  "sub.i64": binary("sub.i64", sub, false, subRule),
  "mul.i64": binary("mul.i64", mul, true, mulRule),
  "and.i64": binary(
    "and.i64",
    logic((a, b) => a & b),
    true,
    andRule,
  ),
  "or.i64": binary(
    "or.i64",
    logic((a, b) => a | b),
    true,
    orRule,
  ),
  "xor.i64": binary(
    "xor.i64",
    logic((a, b) => a ^ b),
    true,
    xorRule,
  ),
  "not.i64": notRule,
  "neg.i64": negRule,
  "shl.i64": shlRule,
  "shr.i64": shrRule,
  "sar.i64": sarRule,
  "rotl.i64": rotateRule,
  "rotr.i64": rotateRule,
  "popcnt.i64": popcountRule,
  "eq.i64": compare("eq.i64", (al, ah, bl, bh) => al === bl && ah === bh, EQUAL, none),
  "ne.i64": compare("ne.i64", (al, ah, bl, bh) => al !== bl || ah !== bh, UNEQUAL, none),
  "ult.i64": compare("ult.i64", isBelow, BELOW, ultRule),
  "ule.i64": compare("ule.i64", (al, ah, bl, bh) => !isBelow(bl, bh, al, ah), BELOW_OR_EQUAL, uleRule),
  "slt.i64": compare("slt.i64", isLess, LESS, sltRule),
  "sle.i64": compare("sle.i64", (al, ah, bl, bh) => !isLess(bl, bh, al, ah), LESS_OR_EQUAL, sleRule),
  "select.i64": selectLongRule,
  "div.u128": unsignedDivision("div.u64"),
  "rem.u128": unsignedDivision("rem.u64"),
  "div.s128": signedDivision("div.s64"),
  "rem.s128": signedDivision("rem.s64"),
  "divfits.u128": unsignedFits,
  "divfits.s128": signedFits,
};
