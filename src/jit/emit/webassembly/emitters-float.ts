/** SSE arithmetic and comparison inline: see `float-operation.ts`. */

import type { CallOpName } from "../../ir/ops.ts";
import type { Body } from "./body.ts";
import { OP, TYPE_I32, TYPE_V128, VECTOR } from "./bytes.ts";
import type { Emitter } from "./emitters.ts";
import { CONVERT_EMITTERS } from "./emitters-convert.ts";
import { begin, pushUnordered, settleResult } from "./float-operation.ts";
import type { FloatOp } from "./float-ops.ts";
import { DOUBLE, DOUBLES, lanes, type Shape, SINGLE, SINGLES } from "./float-shapes.ts";

/** Which operands make a zero result exact. */
const zerosOf = (op: CallOpName, [first = 0, second = 0]: readonly number[]): readonly number[] => {
  if (/^f(add|sub)/.test(op)) return [];
  return op.startsWith("fmul") ? [first, second] : [first];
};

/** One instruction of the host on one or two numbers of a format. */
const arithmetic =
  (op: CallOpName, shape: Shape, instruction: (body: Body) => void): Emitter =>
  (body, args, imm) => {
    const operation = begin(body, op, shape, { args, imm, type: shape.type });
    const { operands, result } = operation;
    for (const local of operands) body.localGet(local);
    instruction(body);
    body.localSet(result);
    settleResult(operation, {
      quick: () => {
        shape.isGood(body, result);
      },
      exact: () => {
        shape.isOdd(body, result, zerosOf(op, operands));
      },
      asksMode: true,
    });
  };

const scalar = (op: CallOpName, shape: Shape, code: number): Emitter =>
  arithmetic(op, shape, (body) => body.op(code));
const packed = (op: CallOpName, shape: Shape, code: number): Emitter =>
  arithmetic(op, shape, (body) => body.vector(code));

interface Order {
  readonly eq: number;
  readonly lt: number;
  readonly gt: number;
}

/** CF (1), ZF (64) of an ordered comparison of numbers that are no denormals: no flag of MXCSR changes. */
const comparison =
  (op: CallOpName, shape: Shape, { lt, gt, eq }: Order): Emitter =>
  (body, args, imm) => {
    const operation = begin(body, op, shape, { args, imm, type: TYPE_I32 });
    const { operands, result } = operation;
    const compare = (code: number): void => {
      for (const local of operands) body.localGet(local);
      body.op(code);
    };
    // Neither less nor greater: equal.
    compare(lt);
    body.localTee(result);
    body.localGet(result);
    compare(gt);
    body.op(OP.i32Or);
    body.const32(1);
    body.op(OP.i32Xor);
    body.const32(6);
    body.op(OP.i32Shl);
    body.op(OP.i32Or);
    body.localSet(result);
    settleResult(operation, {
      exact: () => {
        body.localGet(result);
        body.const32(6);
        body.op(OP.i32ShrU);
        compare(eq);
        body.op(OP.i32Ne);
      },
      asksMode: false,
    });
  };

/** MINPS and the like: no flag changes where no operand is a denormal or a NaN. */
const choice =
  (op: CallOpName, shape: Shape, code: number): Emitter =>
  (body, args, imm) => {
    const operation = begin(body, op, shape, { args, imm, type: TYPE_V128 });
    const [first = 0, second = 0] = operation.operands;
    // The host's instruction prefers its first operand, the processor's its second.
    body.localGet(second);
    body.localGet(first);
    body.vector(code);
    body.localSet(operation.result);
    settleResult(operation, { exact: () => body.const32(0), asksMode: false });
  };

/** MINSD and the like, by the instruction on vectors. */
const scalarChoice =
  (op: CallOpName, shape: Shape, lane: { splat: number; pick: number; extract: number }): Emitter =>
  (body, args, imm) => {
    const operation = begin(body, op, shape, { args, imm, type: shape.type });
    const { operands, result } = operation;
    for (const local of operands.toReversed()) {
      body.localGet(local);
      body.vector(lane.splat);
    }
    body.vector(lane.pick);
    body.vectorLane(lane.extract, 0);
    body.localSet(result);
    settleResult(operation, {
      exact: () => {
        pushUnordered(operation);
      },
      asksMode: false,
    });
  };

/** By predicate 0..7: instruction; ordered numbers are never UNORD. */
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

/** CMPPS and the like; of scalars by the instruction on vectors. */
const masks =
  (op: CallOpName, shape: Shape, offset: number, lane?: { splat: number; extract: number }): Emitter =>
  (body, args, imm) => {
    const operation = begin(body, op, shape, { args, imm, type: shape.type });
    const predicate = PREDICATES[(imm[0] ?? 0) & 7] ?? PREDICATES[0];
    if ("words" in predicate) body.vectorConst(lanes([predicate.words]));
    else {
      for (const local of operation.operands) {
        body.localGet(local);
        if (lane !== undefined) body.vector(lane.splat);
      }
      body.vector(predicate.code + offset);
    }
    if (lane !== undefined) body.vectorLane(lane.extract, 0);
    body.localSet(operation.result);
    settleResult(operation, {
      exact: () => {
        if (lane === undefined) body.const32(0);
        else pushUnordered(operation);
      },
      asksMode: false,
    });
  };

const COMPARE_64 = { eq: OP.f64Eq, lt: OP.f64Lt, gt: OP.f64Gt };
const COMPARE_32 = { eq: OP.f32Eq, lt: OP.f32Lt, gt: OP.f32Gt };
const LANE_64 = { splat: VECTOR.f64Splat, extract: VECTOR.f64Extract };
const LANE_32 = { splat: VECTOR.f32Splat, extract: VECTOR.f32Extract };
export const FLOAT_EMITTERS: { readonly [K in FloatOp]: Emitter } = {
  ...CONVERT_EMITTERS,
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
  "fmin.f64": scalarChoice("fmin.f64", DOUBLE, { ...LANE_64, pick: VECTOR.f64Pmin }),
  "fmax.f64": scalarChoice("fmax.f64", DOUBLE, { ...LANE_64, pick: VECTOR.f64Pmax }),
  "fmin.f32": scalarChoice("fmin.f32", SINGLE, { ...LANE_32, pick: VECTOR.f32Pmin }),
  "fmax.f32": scalarChoice("fmax.f32", SINGLE, { ...LANE_32, pick: VECTOR.f32Pmax }),
  "fmin.v64": choice("fmin.v64", DOUBLES, VECTOR.f64Pmin),
  "fmax.v64": choice("fmax.v64", DOUBLES, VECTOR.f64Pmax),
  "fmin.v32": choice("fmin.v32", SINGLES, VECTOR.f32Pmin),
  "fmax.v32": choice("fmax.v32", SINGLES, VECTOR.f32Pmax),
  "fcmp.f64": masks("fcmp.f64", DOUBLE, TO_DOUBLES, LANE_64),
  "fcmp.f32": masks("fcmp.f32", SINGLE, 0, LANE_32),
  "fcmp.v64": masks("fcmp.v64", DOUBLES, TO_DOUBLES),
  "fcmp.v32": masks("fcmp.v32", SINGLES, 0),
  "fcompare.f64": comparison("fcompare.f64", DOUBLE, COMPARE_64),
  "fcompare.f32": comparison("fcompare.f32", SINGLE, COMPARE_32),
};
