/**
 * Operations that are inline in fast code and give or take numbers. A scalar number is on the host's stack as such,
 * not as its bits.
 */

import type { IrInstruction } from "../../ir/block.ts";
import { type CallOpName, type OpName, rowOf } from "../../ir/ops.ts";
import { TYPE_F32, TYPE_F64 } from "./bytes.ts";

/** How the bits of a value are read. */
export type Format = "double" | "single";
export type NumberType = typeof TYPE_F32 | typeof TYPE_F64;

/** By the format of the results. */
export const RESULTS = {
  double: [
    "fadd.f64", "fsub.f64", "fmul.f64", "fdiv.f64", "fsqrt.f64", "fmin.f64", "fmax.f64",
    "fadd.v64", "fsub.v64", "fmul.v64", "fdiv.v64", "fsqrt.v64", "fmin.v64", "fmax.v64",
    "convert.s32.f64", "convert.s64.f64", "convert.f32.f64",
  ],
  single: [
    "fadd.f32", "fsub.f32", "fmul.f32", "fdiv.f32", "fsqrt.f32", "fmin.f32", "fmax.f32",
    "fadd.v32", "fsub.v32", "fmul.v32", "fdiv.v32", "fsqrt.v32", "fmin.v32", "fmax.v32",
    "convert.s32.f32", "convert.s64.f32", "convert.f64.f32", "convert.s32x4.f32x4",
  ],
} as const satisfies Readonly<Record<Format, readonly CallOpName[]>>; // prettier-ignore

/** By the format of the operands, when the result is no number; a scalar mask is held like one. */
export const READERS = {
  double: ["fcompare.f64", "fcmp.f64", "fcmp.v64", "convert.f64.s32", "convert.f64.s64"],
  single: [
    "fcompare.f32",
    "fcmp.f32",
    "fcmp.v32",
    "convert.f32.s32",
    "convert.f32.s64",
    "convert.f32x4.s32x4",
  ],
} as const satisfies Readonly<Record<Format, readonly CallOpName[]>>;

/** All operations that are inline. */
export type FloatOp = (typeof RESULTS)[Format][number] | (typeof READERS)[Format][number];

const FORMATS = ["double", "single"] as const;
const TYPES = { double: TYPE_F64, single: TYPE_F32 } as const;
/** The other format, or none: what an operation takes that converts. */
const TAKES: ReadonlyMap<OpName, NumberType | undefined> = new Map<OpName, NumberType | undefined>([
  ["convert.s32.f64", undefined],
  ["convert.s64.f64", undefined],
  ["convert.s32.f32", undefined],
  ["convert.s64.f32", undefined],
  ["convert.f32.f64", TYPE_F32],
  ["convert.f64.f32", TYPE_F64],
]);

const RESULT_FORMATS = new Map<OpName, Format>();
const NUMBER_RESULTS = new Map<OpName, NumberType>([
  ["fcmp.f64", TYPE_F64],
  ["fcmp.f32", TYPE_F32],
]);
const NUMBER_ARGUMENTS = new Map<OpName, NumberType>();
export const FLOAT_OPS: ReadonlySet<OpName> = new Set(
  FORMATS.flatMap((format): OpName[] => [...RESULTS[format], ...READERS[format]]),
);
for (const format of FORMATS) {
  for (const op of RESULTS[format]) {
    RESULT_FORMATS.set(op, format);
    if (rowOf(op).result !== "v128") NUMBER_RESULTS.set(op, TYPES[format]);
  }
  for (const op of [...RESULTS[format], ...READERS[format]]) {
    const type = TAKES.has(op) ? TAKES.get(op) : TYPES[format];
    if (type !== undefined && rowOf(op).args[0] !== "v128") NUMBER_ARGUMENTS.set(op, type);
  }
}

/** The format of the operation's result, if it gives numbers. */
export const resultFormat = (op: OpName): Format | undefined => RESULT_FORMATS.get(op);

/** The type of a scalar result. */
export const numberResult = (op: OpName): NumberType | undefined => NUMBER_RESULTS.get(op);

/** An operation that is a function in short code, with its immediates. */
export interface FloatFunction {
  readonly name: FloatName;
  readonly op: FloatOp;
  readonly imm: readonly number[];
}
export type FloatName = `fast.${string}`;

export const floatName = (op: OpName, imm: readonly number[]): FloatName => `fast.${[op, ...imm].join(".")}`;

/** The immediates that programs have: a predicate, or a truth value. */
function immediatesOf(op: OpName): readonly (readonly number[])[] {
  if (rowOf(op).imm === undefined) return [[]];
  return Array.from({ length: op.startsWith("fcmp") ? 8 : 2 }, (_, k) => [k]);
}

/** All of them; what cannot raise is inline always. */
export const FLOAT_FUNCTIONS: readonly FloatFunction[] = [...FLOAT_OPS].flatMap((op) => {
  if (rowOf(op).effect !== "memory") return [];
  return immediatesOf(op).map((imm) => ({ name: floatName(op, imm), op: op as FloatOp, imm }));
});

const FUNCTION_NAMES: ReadonlySet<string> = new Set(FLOAT_FUNCTIONS.map(({ name }) => name));
export const isFloatFunction = (op: FloatOp, imm: readonly number[]): boolean =>
  FUNCTION_NAMES.has(floatName(op, imm));

const EXTRACTS: ReadonlyMap<OpName, NumberType> = new Map([
  ["extract.v32", TYPE_F32],
  ["extract.v64", TYPE_F64],
]);

/** Values of a block that are numbers: scalar results, and lanes that are taken out for an operation on numbers. */
export function numbersOf(code: readonly IrInstruction[]): ReadonlyMap<number, NumberType> {
  const numbers = new Map<number, NumberType>();
  for (const [index, { op, args }] of code.entries()) {
    const result = NUMBER_RESULTS.get(op);
    if (result !== undefined) numbers.set(index, result);
    const wanted = NUMBER_ARGUMENTS.get(op);
    if (wanted === undefined) continue;
    for (const arg of args)
      if (EXTRACTS.get((code[arg] as IrInstruction).op) === wanted) numbers.set(arg, wanted);
  }
  return numbers;
}
