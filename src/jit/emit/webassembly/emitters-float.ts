/**
 * SSE arithmetic inline, for the common case: MXCSR rounds to nearest, masks everything, changes no denormals and
 * has its inexact flag set already; operands are zero or normal, the result is normal. Then the host's instruction
 * gives the number, and no flag changes. Everything else is the call operation's.
 *
 *     r = a + b;  usual(MXCSR) && plain(a) && plain(b) && normal(r) ? r : call
 *
 * The least normal exponent goes to the call too: a result there may have been tiny before rounding. A zero is exact
 * when it comes from a zero, or from the difference of equals.
 */

import { STATE_BYTE } from "../../../mmu/layout.ts";
import type { CallOpName } from "../../ir/ops.ts";
import { MXCSR } from "../../ir/state.ts";
import type { Body } from "./body.ts";
import { OP, SATURATING, TYPE_I32, TYPE_I64, TYPE_V128, VECTOR, type WasmType } from "./bytes.ts";
import type { Emitter } from "./emitters.ts";
import { emitCall, pushWords } from "./emitters-calls.ts";
import { DOUBLE, DOUBLES, lanes, type Shape, SINGLE, SINGLES } from "./float-shapes.ts";

/** MXCSR but for the sticky flags below the inexact one, and what it must be. */
const USUAL_MASK = 0xffe0;
const USUAL = 0x1fa0;

function pushUnusual(body: Body): void {
  body.const32(0);
  body.memory(OP.i32Load, STATE_BYTE + MXCSR);
  body.const32(USUAL_MASK);
  body.op(OP.i32And);
  body.const32(USUAL);
  body.op(OP.i32Ne);
}

function toLocals(body: Body, args: readonly number[], type: WasmType): number[] {
  return args.map((value) => {
    body.value(value);
    const local = body.newLocal(type);
    body.localSet(local);
    return local;
  });
}

/** What is on the stack decides whether the call is made after all; its result then replaces `result`. */
function orCall(
  body: Body,
  op: CallOpName,
  call: { imm: readonly number[]; words: (() => void)[] },
  result: number,
): void {
  body.ifUnlikely();
  emitCall(body, op, call.imm, call.words);
  body.localSet(result);
  body.end();
  body.localGet(result);
}

const wordsOf = (body: Body, locals: readonly number[], ir: Shape["ir"]): (() => void)[] =>
  locals.map((local) => () => {
    body.localGet(local);
    pushWords(body, ir);
  });

/** Which operands make a zero result exact. */
const zerosOf = (op: CallOpName, [first = 0, second = 0]: readonly number[]): readonly number[] => {
  if (/^f(add|sub)/.test(op)) return [];
  return op.startsWith("fmul") ? [first, second] : [first];
};

/** One instruction of the host on one or two numbers of a format. */
const arithmetic =
  (op: CallOpName, shape: Shape, instruction: (body: Body) => void): Emitter =>
  (body, args, imm) => {
    const operands = toLocals(body, args, shape.type);
    for (const local of operands) {
      body.localGet(local);
      shape.decode(body);
    }
    instruction(body);
    shape.encode(body);
    const result = body.newLocal(shape.type);
    body.localSet(result);
    pushUnusual(body);
    for (const local of operands) {
      shape.isDenormal(body, local);
      body.op(OP.i32Or);
    }
    shape.isOdd(body, result, zerosOf(op, operands));
    body.op(OP.i32Or);
    orCall(body, op, { imm, words: wordsOf(body, operands, shape.ir) }, result);
  };

const scalar = (op: CallOpName, shape: Shape, code: number): Emitter =>
  arithmetic(op, shape, (body) => body.op(code));
const packed = (op: CallOpName, shape: Shape, code: number): Emitter =>
  arithmetic(op, shape, (body) => body.vector(code));

/** CF (1), ZF (64) of an ordered comparison of numbers that are no denormals: no flag of MXCSR changes. */
const comparison =
  (op: CallOpName, shape: Shape, codes: { eq: number; lt: number; gt: number }): Emitter =>
  (body, args, imm) => {
    const operands = toLocals(body, args, shape.type);
    const compare = (code: number): void => {
      for (const local of operands) {
        body.localGet(local);
        shape.decode(body);
      }
      body.op(code);
    };
    const result = body.newLocal(TYPE_I32);
    compare(codes.lt);
    compare(codes.eq);
    body.const32(6);
    body.op(OP.i32Shl);
    body.op(OP.i32Or);
    body.localTee(result);
    compare(codes.gt);
    body.op(OP.i32Or);
    body.op(OP.i32Eqz);
    for (const local of operands) {
      shape.isDenormal(body, local);
      body.op(OP.i32Or);
    }
    orCall(body, op, { imm, words: wordsOf(body, operands, shape.ir) }, result);
  };

/** MINPS and the like: no flag changes where no operand is a denormal or a NaN. */
const choice =
  (op: CallOpName, shape: Shape, code: number): Emitter =>
  (body, args, imm) => {
    const operands = toLocals(body, args, shape.type);
    const [first = 0, second = 0] = operands;
    const result = body.newLocal(TYPE_V128);
    // The host's instruction prefers its first operand, the processor's its second.
    body.localGet(second);
    body.localGet(first);
    body.vector(code);
    body.localSet(result);
    shape.isDenormal(body, first);
    shape.isDenormal(body, second);
    body.op(OP.i32Or);
    orCall(body, op, { imm, words: wordsOf(body, operands, shape.ir) }, result);
  };

/** By predicate 0..7: instruction and whether the operands are exchanged; ordered numbers are never UNORD. */
const PREDICATES = [
  { code: VECTOR.f32Eq },
  { code: VECTOR.f32Lt },
  { code: VECTOR.f32Le },
  { words: 0 },
  { code: VECTOR.f32Ne },
  { code: VECTOR.f32Ge },
  { code: VECTOR.f32Gt },
  { words: -1 },
] as const;
/** From an instruction on singles to that on doubles. */
const TO_DOUBLES = VECTOR.f64Eq - VECTOR.f32Eq;

const masks =
  (op: CallOpName, shape: Shape, offset: number): Emitter =>
  (body, args, imm) => {
    const operands = toLocals(body, args, TYPE_V128);
    const result = body.newLocal(TYPE_V128);
    const predicate = PREDICATES[(imm[0] ?? 0) & 7] ?? PREDICATES[0];
    if ("words" in predicate) body.vectorConst(lanes([predicate.words]));
    else {
      for (const local of operands) body.localGet(local);
      body.vector(predicate.code + offset);
    }
    body.localSet(result);
    for (const [k, local] of operands.entries()) {
      shape.isDenormal(body, local);
      if (k > 0) body.op(OP.i32Or);
    }
    orCall(body, op, { imm, words: wordsOf(body, operands, shape.ir) }, result);
  };

/** CVTPS2DQ and CVTTPS2DQ of numbers below 2^30. */
const toIntegers: Emitter = (body, args, imm) => {
  const operands = toLocals(body, args, TYPE_V128);
  const [operand = 0] = operands;
  const result = body.newLocal(TYPE_V128);
  body.localGet(operand);
  if (imm[0] !== 1) body.vector(VECTOR.f32Nearest);
  body.vector(VECTOR.i32TruncF32S);
  body.localSet(result);
  pushUnusual(body);
  SINGLES.isDenormal(body, operand);
  body.op(OP.i32Or);
  body.localGet(operand);
  body.vector(VECTOR.f32Abs);
  body.vectorConst(lanes([0x4e80_0000]));
  body.vector(VECTOR.f32Lt);
  body.vector(VECTOR.i32AllTrue);
  body.op(OP.i32Eqz);
  body.op(OP.i32Or);
  orCall(body, "convert.f32x4.s32x4", { imm, words: wordsOf(body, operands, "v128") }, result);
};

/** CVTDQ2PS: any integer becomes a normal number or zero. */
const fromIntegers: Emitter = (body, args, imm) => {
  const operands = toLocals(body, args, TYPE_V128);
  const result = body.newLocal(TYPE_V128);
  body.localGet(operands[0] ?? 0);
  body.vector(VECTOR.f32ConvertI32S);
  body.localSet(result);
  pushUnusual(body);
  orCall(body, "convert.s32x4.f32x4", { imm, words: wordsOf(body, operands, "v128") }, result);
};

/** Truncation to an integer that fits for certain: exponent below `limit` (biased). */
const truncation =
  (
    op: CallOpName,
    shape: Shape,
    to: { type: typeof TYPE_I32 | typeof TYPE_I64; code: number; limit: number },
  ): Emitter =>
  (body, args, imm) => {
    const operands = toLocals(body, args, shape.type);
    const [operand = 0] = operands;
    const result = body.newLocal(to.type);
    body.localGet(operand);
    shape.decode(body);
    body.op(OP.saturating);
    body.out.unsigned(to.code);
    body.localSet(result);
    pushUnusual(body);
    shape.isDenormal(body, operand);
    body.op(OP.i32Or);
    // Rounding as MXCSR says is the call's.
    body.const32(imm[0] === 1 ? 0 : 1);
    body.op(OP.i32Or);
    body.localGet(operand);
    if (shape.type === TYPE_I64) {
      body.const64(52, 0);
      body.op(OP.i64ShrU);
      body.op(OP.i32WrapI64);
      body.const32(0x7ff);
    } else {
      body.const32(23);
      body.op(OP.i32ShrU);
      body.const32(0xff);
    }
    body.op(OP.i32And);
    body.const32(to.limit);
    body.op(OP.i32GeU);
    body.op(OP.i32Or);
    orCall(body, op, { imm, words: wordsOf(body, operands, shape.ir) }, result);
  };

/** To the other format; widening is exact for what is no NaN and no denormal, but infinity goes the long way too. */
const between =
  (op: CallOpName, from: Shape, to: Shape, code: number): Emitter =>
  (body, args, imm) => {
    const operands = toLocals(body, args, from.type);
    const [operand = 0] = operands;
    const result = body.newLocal(to.type);
    body.localGet(operand);
    from.decode(body);
    body.op(code);
    to.encode(body);
    body.localSet(result);
    pushUnusual(body);
    from.isDenormal(body, operand);
    body.op(OP.i32Or);
    to.isOdd(body, result, from === SINGLE ? [] : undefined);
    body.op(OP.i32Or);
    orCall(body, op, { imm, words: wordsOf(body, operands, from.ir) }, result);
  };

const COMPARE_64 = { eq: OP.f64Eq, lt: OP.f64Lt, gt: OP.f64Gt };
const COMPARE_32 = { eq: OP.f32Eq, lt: OP.f32Lt, gt: OP.f32Gt };
const BIAS_64 = 1023;
const BIAS_32 = 127;
/** Numbers below 2^30 and 2^62 fit after truncation. */
const TO_S32 = { type: TYPE_I32, limit: 30 } as const;
const TO_S64 = { type: TYPE_I64, limit: 62 } as const;

export const FLOAT_EMITTERS = {
  "fadd.f64": scalar("fadd.f64", DOUBLE, OP.f64Add),
  "fsub.f64": scalar("fsub.f64", DOUBLE, OP.f64Sub),
  "fmul.f64": scalar("fmul.f64", DOUBLE, OP.f64Mul),
  "fdiv.f64": scalar("fdiv.f64", DOUBLE, OP.f64Div),
  "fsqrt.f64": scalar("fsqrt.f64", DOUBLE, OP.f64Sqrt),
  "fadd.f32": scalar("fadd.f32", SINGLE, OP.f32Add),
  "fsub.f32": scalar("fsub.f32", SINGLE, OP.f32Sub),
  "fmul.f32": scalar("fmul.f32", SINGLE, OP.f32Mul),
  "fdiv.f32": scalar("fdiv.f32", SINGLE, OP.f32Div),
  "fsqrt.f32": scalar("fsqrt.f32", SINGLE, OP.f32Sqrt),
  "fadd.v64": packed("fadd.v64", DOUBLES, VECTOR.f64Add),
  "fsub.v64": packed("fsub.v64", DOUBLES, VECTOR.f64Sub),
  "fmul.v64": packed("fmul.v64", DOUBLES, VECTOR.f64Mul),
  "fdiv.v64": packed("fdiv.v64", DOUBLES, VECTOR.f64Div),
  "fsqrt.v64": packed("fsqrt.v64", DOUBLES, VECTOR.f64Sqrt),
  "fadd.v32": packed("fadd.v32", SINGLES, VECTOR.f32Add),
  "fsub.v32": packed("fsub.v32", SINGLES, VECTOR.f32Sub),
  "fmul.v32": packed("fmul.v32", SINGLES, VECTOR.f32Mul),
  "fdiv.v32": packed("fdiv.v32", SINGLES, VECTOR.f32Div),
  "fsqrt.v32": packed("fsqrt.v32", SINGLES, VECTOR.f32Sqrt),
  "fmin.v64": choice("fmin.v64", DOUBLES, VECTOR.f64Pmin),
  "fmax.v64": choice("fmax.v64", DOUBLES, VECTOR.f64Pmax),
  "fmin.v32": choice("fmin.v32", SINGLES, VECTOR.f32Pmin),
  "fmax.v32": choice("fmax.v32", SINGLES, VECTOR.f32Pmax),
  "fcmp.v64": masks("fcmp.v64", DOUBLES, TO_DOUBLES),
  "fcmp.v32": masks("fcmp.v32", SINGLES, 0),
  "convert.f32x4.s32x4": toIntegers,
  "convert.s32x4.f32x4": fromIntegers,
  "fcompare.f64": comparison("fcompare.f64", DOUBLE, COMPARE_64),
  "fcompare.f32": comparison("fcompare.f32", SINGLE, COMPARE_32),
  "convert.s32.f64": (body, args) => {
    body.value(args[0] ?? 0);
    body.op(OP.f64ConvertI32S);
    body.op(OP.i64ReinterpretF64);
  },
  "convert.f64.f32": between("convert.f64.f32", DOUBLE, SINGLE, OP.f32DemoteF64),
  "convert.f32.f64": between("convert.f32.f64", SINGLE, DOUBLE, OP.f64PromoteF32),
  "convert.f64.s32": truncation("convert.f64.s32", DOUBLE, {
    ...TO_S32,
    code: SATURATING.i32TruncF64S,
    limit: BIAS_64 + TO_S32.limit,
  }),
  "convert.f64.s64": truncation("convert.f64.s64", DOUBLE, {
    ...TO_S64,
    code: SATURATING.i64TruncF64S,
    limit: BIAS_64 + TO_S64.limit,
  }),
  "convert.f32.s32": truncation("convert.f32.s32", SINGLE, {
    ...TO_S32,
    code: SATURATING.i32TruncF32S,
    limit: BIAS_32 + TO_S32.limit,
  }),
  "convert.f32.s64": truncation("convert.f32.s64", SINGLE, {
    ...TO_S64,
    code: SATURATING.i64TruncF32S,
    limit: BIAS_32 + TO_S64.limit,
  }),
} as const satisfies Partial<Record<CallOpName, Emitter>>;
