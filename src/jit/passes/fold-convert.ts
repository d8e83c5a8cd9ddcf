/** Folding rules for conversions: halves, extensions, fields of a register, and operations that take low bits. */

import type { OpName } from "../ir/ops.ts";
import { type Folder, NO_FOLD, type Rule, type Rules } from "./folder.ts";
import { DROPPED } from "./rewriter.ts";

/** 64-bit operations whose low half depends on the low halves alone, as 32-bit operations. */
const LOW_OF: ReadonlyMap<OpName, OpName> = new Map<OpName, OpName>([
  ["add.i64", "add.i32"],
  ["sub.i64", "sub.i32"],
  ["mul.i64", "mul.i32"],
  ["and.i64", "and.i32"],
  ["or.i64", "or.i32"],
  ["xor.i64", "xor.i32"],
  ["not.i64", "not.i32"],
  ["neg.i64", "neg.i32"],
]);
/** 64-bit operations that treat both halves alike. */
const HIGH_OF: ReadonlyMap<OpName, OpName> = new Map<OpName, OpName>([
  ["and.i64", "and.i32"],
  ["or.i64", "or.i32"],
  ["xor.i64", "xor.i32"],
  ["not.i64", "not.i32"],
]);

const lowRule: Rule = (f, args) => {
  const value = args[0] as number;
  const { op, args: inner, imm } = f.at(value);
  switch (op) {
    case "const.i64":
      return f.const32(imm[0] as number);
    case "zext.i64":
    case "sext.i64":
    case "concat.i64":
      return inner[0] as number;
    case "insert.i64":
      return imm[1] === 32 ? (inner[1] as number) : NO_FOLD;
    default:
      return f.isSingleUse(value) ? lowOfOperation(f, op, inner) : NO_FOLD;
  }
};

/** The low half, computed from low halves; the 64-bit operation then has no user left. */
function lowOfOperation(f: Folder, op: OpName, args: readonly number[]): number {
  const [a = 0, b = 0, c = 0] = args;
  switch (op) {
    case "mulwide.u32":
    case "mulwide.s32":
      return f.make("mul.i32", a, b);
    case "select.i64":
      return f.make("select.i32", a, f.low(b), f.low(c));
    case "shl.i64":
      // Counts of 32 and more have become a `concat.i64`.
      return f.op(b) === "const.i32" ? f.make("shl.i32", f.low(a), b) : NO_FOLD;
    default: {
      const narrow = LOW_OF.get(op);
      if (narrow === undefined) return NO_FOLD;
      return args.length === 1 ? f.make(narrow, f.low(a)) : f.make(narrow, f.low(a), f.low(b));
    }
  }
}

const highRule: Rule = (f, args) => {
  const value = args[0] as number;
  const { op, args: inner, imm } = f.at(value);
  const [a = 0, b = 0, c = 0] = inner;
  switch (op) {
    case "const.i64":
      return f.const32(imm[1] as number);
    case "zext.i64":
      return f.const32(0);
    case "sext.i64":
      return f.make("sar.i32", a, f.const32(31));
    case "concat.i64":
      return b;
    case "insert.i64":
      return f.high(a);
    case "select.i64":
      return f.isSingleUse(value) ? f.make("select.i32", a, f.high(b), f.high(c)) : NO_FOLD;
    default: {
      const narrow = HIGH_OF.get(op);
      if (narrow === undefined || !f.isSingleUse(value)) return NO_FOLD;
      return inner.length === 1 ? f.make(narrow, f.high(a)) : f.make(narrow, f.high(a), f.high(b));
    }
  }
};

const zextRule: Rule = (f, args) => {
  const a = args[0] as number;
  const { op, args: inner } = f.at(a);
  if (op === "const.i32") return f.const64(f.lo(a), 0);
  return op === "low.i32" && f.isHighZero(inner[0] as number) ? (inner[0] as number) : NO_FOLD;
};
const sextRule: Rule = (f, args) => {
  const a = args[0] as number;
  const { op, args: inner } = f.at(a);
  if (op === "const.i32") return f.const64(f.lo(a), f.lo(a) >> 31);
  if (op === "low.i32" && f.isSignExtended(inner[0] as number)) return inner[0] as number;
  return f.bits(a) < 32 ? f.make("zext.i64", a) : NO_FOLD;
};

const concatRule: Rule = (f, args) => {
  const [low, high] = args as [number, number];
  if (f.is32(high, 0)) return f.make("zext.i64", low);
  if (f.op(low) === "const.i32" && f.op(high) === "const.i32") return f.const64(f.lo(low), f.lo(high));
  if (f.op(high) === "high.i32" && f.op(low) === "low.i32") {
    return f.arg(low, 0) === f.arg(high, 0) ? f.arg(low, 0) : NO_FOLD;
  }
  const isSign = f.op(high) === "sar.i32" && f.arg(high, 0) === low && f.is32(f.arg(high, 1), 31);
  return isSign ? f.make("sext.i64", low) : NO_FOLD;
};

const maskOf = (width: number): number => (width === 32 ? -1 : (1 << width) - 1);

const insertRule: Rule = (f, args, imm) => {
  const [into, value] = args as [number, number];
  const [bit, width] = imm as [number, number];
  if (width === 32) return f.make("concat.i64", value, f.high(into));
  const mask = maskOf(width);
  if (f.op(into) === "const.i64" && f.op(value) === "const.i32") {
    return f.const64((f.lo(into) & ~(mask << bit)) | ((f.lo(value) & mask) << bit), f.hi(into));
  }
  const inner = f.at(into);
  const hides = inner.op === "insert.i64" && inner.imm[0] === bit && inner.imm[1] === width;
  const base = hides ? (inner.args[0] as number) : into;
  const bits = f.lowBits(value, width);
  return base === into && bits === value ? NO_FOLD : f.emit("insert.i64", imm, [base, bits]);
};

/** The field at `bit` of a 32-bit value. */
function field(f: Folder, word: number, bit: number, width: number): number {
  if (width === 32) return word;
  if (bit === 0 && width === 8) return f.make("zext8.i32", word);
  if (bit === 0 && width === 16) return f.make("zext16.i32", word);
  const moved = bit === 0 ? word : f.make("shr.i32", word, f.const32(bit));
  return f.make("and.i32", moved, f.const32(maskOf(width)));
}

const extractRule: Rule = (f, args, imm) => {
  const from = args[0] as number;
  const [bit, width] = imm as [number, number];
  if (width === 32) return f.low(from);
  const { op, args: inner, imm: innerImm } = f.at(from);
  const first = inner[0] as number;
  switch (op) {
    case "const.i64":
      return field(f, f.const32(f.lo(from)), bit, width);
    case "zext.i64":
    case "sext.i64":
    case "concat.i64":
      return field(f, first, bit, width);
    case "insert.i64": {
      const [at, length] = innerImm as [number, number];
      if (bit >= at && bit + width <= at + length) return field(f, inner[1] as number, bit - at, width);
      const isApart = bit + width <= at || at + length <= bit;
      return isApart ? f.emit("extract.i32", imm, [first]) : NO_FOLD;
    }
    default:
      return NO_FOLD;
  }
};

/** A narrow store takes low bits only. */
const store =
  (op: OpName, width: number): Rule =>
  (f, args, imm) => {
    const [address, value] = args as [number, number];
    const bits = f.lowBits(value, width);
    return bits === value ? NO_FOLD : f.emit(op, imm, [address, bits]);
  };

/** What never happens is left out. */
const conditional: Rule = (f, args) => {
  const condition = args[0] as number;
  return f.op(condition) === "const.i1" && f.lo(condition) === 0 ? DROPPED : NO_FOLD;
};

export const CONVERT_RULES: Rules = {
  "low.i32": lowRule,
  "high.i32": highRule,
  "zext.i64": zextRule,
  "sext.i64": sextRule,
  "concat.i64": concatRule,
  "insert.i64": insertRule,
  "extract.i32": extractRule,
  "store8.i32": store("store8.i32", 8),
  "store16.i32": store("store16.i32", 16),
  "fault.if": conditional,
  "exit.if": conditional,
};
