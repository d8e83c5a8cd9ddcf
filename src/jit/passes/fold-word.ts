/** Folding rules for truth values and 32-bit integers. */

import type { OpName } from "../ir/ops.ts";
import { type Folder, NO_FOLD, type Rule, type Rules } from "./folder.ts";

type Compute = (a: number, b: number) => number;

/** Folds two constants; otherwise moves a constant of a commutative operation to the right. */
function binary(op: OpName, compute: Compute, commutes: boolean, further: Rule): Rule {
  return (f, args, imm) => {
    const [a, b] = args as [number, number];
    if (f.op(a) === "const.i32") {
      if (f.op(b) === "const.i32") return f.const32(compute(f.lo(a), f.lo(b)));
      if (commutes) return f.make(op, b, a);
    }
    return further(f, args, imm);
  };
}

function compare(op: OpName, compute: (a: number, b: number) => boolean, further: Rule): Rule {
  return (f, args, imm) => {
    const [a, b] = args as [number, number];
    if (a === b) return f.const1(compute(0, 0));
    if (f.op(a) === "const.i32") {
      if (f.op(b) === "const.i32") return f.const1(compute(f.lo(a), f.lo(b)));
      if (op === "eq.i32" || op === "ne.i32") return f.make(op, b, a);
    }
    return further(f, args, imm);
  };
}

const none: Rule = () => NO_FOLD;

/** (x op c1) op c2 = x op (c1 op c2). */
function regroup(f: Folder, op: OpName, [a, b]: readonly [number, number], compute: Compute): number {
  if (f.op(b) !== "const.i32" || f.op(a) !== op) return NO_FOLD;
  const inner = f.arg(a, 1);
  if (f.op(inner) !== "const.i32") return NO_FOLD;
  return f.make(op, f.arg(a, 0), f.const32(compute(f.lo(inner), f.lo(b))));
}

const plus: Compute = (a, b) => (a + b) | 0;
const and: Compute = (a, b) => a & b;
const or: Compute = (a, b) => a | b;
const xor: Compute = (a, b) => a ^ b;

const addRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  return f.is32(b, 0) ? a : regroup(f, "add.i32", [a, b], plus);
};
const subRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (a === b) return f.const32(0);
  if (f.op(b) === "const.i32") return f.make("add.i32", a, f.const32(-f.lo(b)));
  return f.is32(a, 0) ? f.make("neg.i32", b) : NO_FOLD;
};
const mulRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (f.op(b) !== "const.i32") return NO_FOLD;
  const factor = f.lo(b);
  if (factor === 0) return b;
  if (factor === 1) return a;
  const isPower = (factor & (factor - 1)) === 0;
  return isPower ? f.make("shl.i32", a, f.const32(31 - Math.clz32(factor))) : NO_FOLD;
};
const andRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (a === b || f.is32(b, -1)) return a;
  if (f.op(b) !== "const.i32") return NO_FOLD;
  const mask = f.lo(b);
  if (mask === 0) return b;
  const bits = f.bits(a);
  const possible = bits >= 32 ? -1 : (1 << bits) - 1;
  if ((possible & ~mask) === 0) return a;
  return regroup(f, "and.i32", [a, b], and);
};
const orRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (a === b || f.is32(b, 0)) return a;
  return f.is32(b, -1) ? b : regroup(f, "or.i32", [a, b], or);
};
const xorRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (a === b) return f.const32(0);
  if (f.is32(b, 0)) return a;
  return f.is32(b, -1) ? f.make("not.i32", a) : regroup(f, "xor.i32", [a, b], xor);
};

/** Shifts and rotates of zero or by zero. */
const shiftRule: Rule = (f, args) => {
  const [a, count] = args as [number, number];
  return f.is32(count, 0) || f.is32(a, 0) ? a : NO_FOLD;
};
const shrRule: Rule = (f, args, imm) => {
  const [a, count] = args as [number, number];
  if (f.op(count) === "const.i32" && f.bits(a) <= f.lo(count)) return f.const32(0);
  return shiftRule(f, args, imm);
};
const sarRule: Rule = (f, args, imm) => {
  const [a, count] = args as [number, number];
  if (f.bits(a) < 32) return f.make("shr.i32", a, count);
  if (f.op(a) === "sar.i32" && f.op(count) === "const.i32" && f.op(f.arg(a, 1)) === "const.i32") {
    const sum = Math.min(31, f.lo(f.arg(a, 1)) + f.lo(count));
    return f.make("sar.i32", f.arg(a, 0), f.const32(sum));
  }
  return shiftRule(f, args, imm);
};

/** An involution or extension of a constant; else `further`. */
const unary =
  (compute: (a: number) => number, further: Rule): Rule =>
  (f, args, imm) => {
    const a = args[0] as number;
    return f.op(a) === "const.i32" ? f.const32(compute(f.lo(a))) : further(f, args, imm);
  };

const undo =
  (op: OpName): Rule =>
  (f, args) => {
    const a = args[0] as number;
    return f.op(a) === op ? f.arg(a, 0) : NO_FOLD;
  };

/** Zero extension of what is narrow anyway, or of an operation that only changed higher bits. */
const zeroExtend =
  (op: OpName, width: number): Rule =>
  (f, args) => {
    const a = args[0] as number;
    if (f.bits(a) <= width) return a;
    const inner = f.lowBits(a, width);
    return inner === a ? NO_FOLD : f.make(op, inner);
  };
const signExtend =
  (op: OpName, width: number): Rule =>
  (f, args) => {
    const a = args[0] as number;
    if (f.bits(a) < width) return a;
    const inner = f.lowBits(a, width);
    return inner === a ? NO_FOLD : f.make(op, inner);
  };

/** A truth value made a number and compared with zero. */
const equality =
  (negated: boolean): Rule =>
  (f, args) => {
    const [a, b] = args as [number, number];
    if (!f.is32(b, 0) || f.op(a) !== "bool.i32") return NO_FOLD;
    return negated ? f.arg(a, 0) : f.make("not.i1", f.arg(a, 0));
  };

const ultRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (f.is32(b, 0) || f.is32(a, -1)) return f.const1(false);
  return f.op(b) === "const.i32" && f.bits(a) < 32 && f.bits(a) < f.bits(b) ? f.const1(true) : NO_FOLD;
};
const uleRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  return f.is32(a, 0) || f.is32(b, -1) ? f.const1(true) : NO_FOLD;
};
const sltRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  return f.is32(b, 0) && f.bits(a) < 32 ? f.const1(false) : NO_FOLD;
};
const sleRule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  return f.is32(a, 0) && f.bits(b) < 32 ? f.const1(true) : NO_FOLD;
};

export const selectRule: Rule = (f, args) => {
  const [choice, a, b] = args as [number, number, number];
  if (a === b) return a;
  return f.op(choice) === "const.i1" ? (f.lo(choice) === 1 ? a : b) : NO_FOLD;
};
const select32Rule: Rule = (f, args, imm) => {
  const [choice, a, b] = args as [number, number, number];
  if (f.is32(a, 1) && f.is32(b, 0)) return f.make("bool.i32", choice);
  if (f.is32(a, 0) && f.is32(b, 1)) return f.make("bool.i32", f.make("not.i1", choice));
  return selectRule(f, args, imm);
};

/** What a comparison becomes when negated, with arguments swapped for the ordered ones. */
const INVERSE: ReadonlyMap<OpName, readonly [op: OpName, swapped: boolean]> = new Map<
  OpName,
  readonly [OpName, boolean]
>([
  ["eq.i32", ["ne.i32", false]],
  ["ne.i32", ["eq.i32", false]],
  ["ult.i32", ["ule.i32", true]],
  ["ule.i32", ["ult.i32", true]],
  ["slt.i32", ["sle.i32", true]],
  ["sle.i32", ["slt.i32", true]],
  ["eq.i64", ["ne.i64", false]],
  ["ne.i64", ["eq.i64", false]],
  ["ult.i64", ["ule.i64", true]],
  ["ule.i64", ["ult.i64", true]],
  ["slt.i64", ["sle.i64", true]],
  ["sle.i64", ["slt.i64", true]],
]);

const notRule: Rule = (f, args) => {
  const a = args[0] as number;
  const { op, args: inner, imm } = f.at(a);
  if (op === "const.i1") return f.const1(imm[0] === 0);
  if (op === "not.i1") return inner[0] as number;
  const inverse = INVERSE.get(op);
  if (inverse === undefined) return NO_FOLD;
  const [x, y] = inner as [number, number];
  return inverse[1] ? f.make(inverse[0], y, x) : f.make(inverse[0], x, y);
};

/** and/or with a constant: one truth value decides, the other leaves the argument. */
const truthRule =
  (decisive: number): Rule =>
  (f, args) => {
    const [a, b] = args as [number, number];
    if (a === b) return a;
    if (f.op(a) === "const.i1") return f.lo(a) === decisive ? a : b;
    return f.op(b) === "const.i1" ? (f.lo(b) === decisive ? b : a) : NO_FOLD;
  };
const xor1Rule: Rule = (f, args) => {
  const [a, b] = args as [number, number];
  if (a === b) return f.const1(false);
  if (f.op(a) === "const.i1") return f.lo(a) === 1 ? f.make("not.i1", b) : b;
  return f.op(b) === "const.i1" ? (f.lo(b) === 1 ? f.make("not.i1", a) : a) : NO_FOLD;
};
const boolRule: Rule = (f, args) => {
  const a = args[0] as number;
  return f.op(a) === "const.i1" ? f.const32(f.lo(a)) : NO_FOLD;
};

const popcount = (x: number): number => {
  let count = 0;
  for (let rest = x; rest !== 0; rest &= rest - 1) count++;
  return count;
};
const swapBytes = (x: number): number => (x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);

export const WORD_RULES: Rules = {
  "and.i1": truthRule(0),
  "or.i1": truthRule(1),
  "xor.i1": xor1Rule,
  "not.i1": notRule,
  "bool.i32": boolRule,
  "add.i32": binary("add.i32", plus, true, addRule),
  "sub.i32": binary("sub.i32", (a, b) => a - b, false, subRule),
  "mul.i32": binary("mul.i32", Math.imul, true, mulRule),
  "and.i32": binary("and.i32", and, true, andRule),
  "or.i32": binary("or.i32", or, true, orRule),
  "xor.i32": binary("xor.i32", xor, true, xorRule),
  "not.i32": unary((a) => ~a, undo("not.i32")),
  "neg.i32": unary((a) => -a, undo("neg.i32")),
  "shl.i32": binary("shl.i32", (a, b) => a << b, false, shiftRule),
  "shr.i32": binary("shr.i32", (a, b) => a >>> b, false, shrRule),
  "sar.i32": binary("sar.i32", (a, b) => a >> b, false, sarRule),
  "rotl.i32": binary("rotl.i32", (a, b) => (a << b) | (a >>> (32 - b)), false, shiftRule),
  "rotr.i32": binary("rotr.i32", (a, b) => (a >>> b) | (a << (32 - b)), false, shiftRule),
  "clz.i32": unary((a) => Math.clz32(a), none),
  "ctz.i32": unary((a) => (a === 0 ? 32 : 31 - Math.clz32(a & -a)), none),
  "popcnt.i32": unary(popcount, none),
  "bswap.i32": unary(swapBytes, undo("bswap.i32")),
  "eq.i32": compare("eq.i32", (a, b) => a === b, equality(false)),
  "ne.i32": compare("ne.i32", (a, b) => a !== b, equality(true)),
  "ult.i32": compare("ult.i32", (a, b) => a >>> 0 < b >>> 0, ultRule),
  "ule.i32": compare("ule.i32", (a, b) => a >>> 0 <= b >>> 0, uleRule),
  "slt.i32": compare("slt.i32", (a, b) => a < b, sltRule),
  "sle.i32": compare("sle.i32", (a, b) => a <= b, sleRule),
  "select.i32": select32Rule,
  "select.flags": selectRule,
  "zext8.i32": unary((a) => a & 0xff, zeroExtend("zext8.i32", 8)),
  "zext16.i32": unary((a) => a & 0xffff, zeroExtend("zext16.i32", 16)),
  "sext8.i32": unary((a) => (a << 24) >> 24, signExtend("sext8.i32", 8)),
  "sext16.i32": unary((a) => (a << 16) >> 16, signExtend("sext16.i32", 16)),
};
