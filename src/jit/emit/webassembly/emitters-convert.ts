/** SSE conversions inline: see `float-operation.ts`. */

import type { CallOpName } from "../../ir/ops.ts";
import type { Body } from "./body.ts";
import {
  NO_RESULT,
  OP,
  SATURATING,
  TYPE_F32,
  TYPE_F64,
  TYPE_I32,
  TYPE_I64,
  TYPE_V128,
  VECTOR,
} from "./bytes.ts";
import type { Emitter } from "./emitters.ts";
import { emitCall, pushWords } from "./emitters-calls.ts";
import { begin, fromBits, type Operation, pushUnordered, settleResult, wordsOf } from "./float-operation.ts";
import type { FloatOp } from "./float-ops.ts";
import { DOUBLE, type ScalarShape, SINGLE, SINGLES } from "./float-shapes.ts";

const FROM_64 = { nearest: OP.f64Nearest, eq: OP.f64Eq };
const FROM_32 = { nearest: OP.f32Nearest, eq: OP.f32Eq };
const BIAS_64 = 1023;
const BIAS_32 = 127;

/** To the other format. */
const narrowing: Emitter = (body, args, imm) => {
  const operation = begin(body, "convert.f64.f32", DOUBLE, { args, imm, type: TYPE_F32 });
  const [operand = 0] = operation.operands;
  const { result } = operation;
  body.localGet(operand);
  body.op(OP.f32DemoteF64);
  body.localSet(result);
  settleResult(operation, {
    quick: () => {
      SINGLE.isGood(body, result);
    },
    exact: () => {
      SINGLE.isOdd(body, result, undefined);
      DOUBLE.isZero(body, operand);
      body.op(OP.i32Eqz);
      body.op(OP.i32And);
    },
    asksMode: true,
  });
};

/** Exact for what is no NaN and no denormal. */
const widening: Emitter = (body, args, imm) => {
  const operation = begin(body, "convert.f32.f64", SINGLE, { args, imm, type: TYPE_F64 });
  const [operand = 0] = operation.operands;
  body.localGet(operand);
  body.op(OP.f64PromoteF32);
  body.localSet(operation.result);
  settleResult(operation, {
    exact: () => {
      pushUnordered(operation);
    },
    asksMode: false,
  });
};

/**
 * To integers. The result stands when the number is below the bound and either nobody asks whether it is exact, or it
 * is. No other operation counts on what is found out here.
 */
function settleInteger(operation: Operation, bound: number, isExact: (() => void) | undefined): void {
  const { body, shape, result, operands } = operation;
  const [operand = 0] = operands;
  body.block(OP.block, NO_RESULT);
  const ok = body.depth;
  body.block(OP.block, NO_RESULT);
  const doubt = body.depth;
  body.mode.pushLimit(body);
  body.unless(doubt);
  shape.isBelow(body, operand, bound);
  body.unless(doubt);
  body.branchTo(ok);
  body.end();
  if (isExact !== undefined) {
    isExact();
    shape.isBelow(body, operand, bound);
    body.op(OP.i32And);
    body.hint(true);
    body.branchTo(ok, OP.brIf);
  }
  emitCall(body, operation.op, operation.imm, wordsOf(operation));
  body.localSet(result);
  body.end();
  body.localGet(result);
}

interface IntegerCodes {
  readonly type: typeof TYPE_I32 | typeof TYPE_I64;
  readonly truncate: number;
  readonly nearest: number;
  readonly back: number;
  readonly eq: number;
  /** Exponent, with bias, from which on the number may not fit. */
  readonly limit: number;
}

const EXPONENT_SHIFT = { double: 21, single: 24 } as const;

const toInteger =
  (op: CallOpName, shape: ScalarShape, codes: IntegerCodes): Emitter =>
  (body, args, imm) => {
    const operation = begin(body, op, shape, { args, imm, type: codes.type });
    const [operand = 0] = operation.operands;
    body.localGet(operand);
    if (imm[0] === 0) body.op(codes.nearest);
    body.op(OP.saturating);
    body.out.unsigned(codes.truncate);
    body.localSet(operation.result);
    settleInteger(operation, codes.limit << EXPONENT_SHIFT[shape.format], () => {
      body.localGet(operation.result);
      body.op(codes.back);
      body.localGet(operand);
      body.op(codes.eq);
    });
  };

/** CVTPS2DQ and CVTTPS2DQ of numbers below 2^30. */
const toIntegers: Emitter = (body, args, imm) => {
  const operation = begin(body, "convert.f32x4.s32x4", SINGLES, { args, imm, type: TYPE_V128 });
  body.localGet(operation.operands[0] ?? 0);
  if (imm[0] === 0) body.vector(VECTOR.f32Nearest);
  body.vector(VECTOR.i32TruncF32S);
  body.localSet(operation.result);
  settleInteger(operation, (BIAS_32 + 30) << EXPONENT_SHIFT.single, undefined);
};

interface FromIntegerCodes {
  readonly from: "i32" | "i64" | "v128";
  readonly type: typeof TYPE_F32 | typeof TYPE_F64 | typeof TYPE_V128;
  readonly convert: (body: Body) => void;
  /** Bits of an integer that is exact for certain, sign included. */
  readonly exactBits: number | undefined;
}

const INTEGER_TYPES = { i32: TYPE_I32, i64: TYPE_I64, v128: TYPE_V128 } as const;

/** From an integer: a normal number or zero, always. */
const fromInteger =
  (op: CallOpName, { from, type, convert, exactBits }: FromIntegerCodes): Emitter =>
  (body, args, imm) => {
    const operand = body.newLocal(INTEGER_TYPES[from]);
    const result = body.newLocal(type);
    body.value(args[0] ?? 0);
    body.localTee(operand);
    convert(body);
    body.localSet(result);
    body.block(OP.block, NO_RESULT);
    const ok = body.depth;
    body.block(OP.block, NO_RESULT);
    body.mode.pushLimit(body);
    body.unless(body.depth);
    body.branchTo(ok);
    body.end();
    if (exactBits !== undefined) {
      pushFits(body, operand, from === "i64", exactBits);
      body.hint(true);
      body.branchTo(ok, OP.brIf);
    }
    const push = (): void => {
      body.localGet(operand);
      pushWords(body, from);
    };
    emitCall(body, op, imm, [push]);
    fromBits(body, op);
    body.localSet(result);
    body.end();
    body.localGet(result);
  };

/** Pushes 1 when the integer is from -2^bits to 2^bits. */
function pushFits(body: Body, local: number, long: boolean, bits: number): void {
  body.localGet(local);
  if (!long) body.op(OP.i64ExtendI32S);
  pushPower(body, bits);
  body.op(OP.i64Add);
  pushPower(body, bits + 1);
  body.op(OP.i64LeU);
}

const pushPower = (body: Body, bits: number): void => {
  body.const64(bits < 32 ? 1 << bits : 0, bits < 32 ? 0 : 1 << (bits - 32));
};

export const CONVERT_EMITTERS = {
  "convert.f64.f32": narrowing,
  "convert.f32.f64": widening,
  "convert.f32x4.s32x4": toIntegers,
  "convert.s32x4.f32x4": fromInteger("convert.s32x4.f32x4", {
    from: "v128",
    type: TYPE_V128,
    convert: (body) => {
      body.vector(VECTOR.f32ConvertI32S);
    },
    exactBits: undefined,
  }),
  "convert.s32.f64": (body, args) => {
    body.value(args[0] ?? 0);
    body.op(OP.f64ConvertI32S);
  },
  "convert.s64.f64": fromInteger("convert.s64.f64", {
    from: "i64",
    type: TYPE_F64,
    convert: (body) => {
      body.op(OP.f64ConvertI64S);
    },
    exactBits: 53,
  }),
  "convert.s32.f32": fromInteger("convert.s32.f32", {
    from: "i32",
    type: TYPE_F32,
    convert: (body) => {
      body.op(OP.f32ConvertI32S);
    },
    exactBits: 24,
  }),
  "convert.s64.f32": fromInteger("convert.s64.f32", {
    from: "i64",
    type: TYPE_F32,
    convert: (body) => {
      body.op(OP.f32ConvertI64S);
    },
    exactBits: 24,
  }),
  "convert.f64.s32": toInteger("convert.f64.s32", DOUBLE, {
    ...FROM_64,
    type: TYPE_I32,
    truncate: SATURATING.i32TruncF64S,
    back: OP.f64ConvertI32S,
    limit: BIAS_64 + 30,
  }),
  "convert.f64.s64": toInteger("convert.f64.s64", DOUBLE, {
    ...FROM_64,
    type: TYPE_I64,
    truncate: SATURATING.i64TruncF64S,
    back: OP.f64ConvertI64S,
    limit: BIAS_64 + 62,
  }),
  "convert.f32.s32": toInteger("convert.f32.s32", SINGLE, {
    ...FROM_32,
    type: TYPE_I32,
    truncate: SATURATING.i32TruncF32S,
    back: OP.f32ConvertI32S,
    limit: BIAS_32 + 30,
  }),
  "convert.f32.s64": toInteger("convert.f32.s64", SINGLE, {
    ...FROM_32,
    type: TYPE_I64,
    truncate: SATURATING.i64TruncF32S,
    back: OP.f32ConvertI64S,
    limit: BIAS_32 + 62,
  }),
} as const satisfies Partial<Record<FloatOp, Emitter>>;
