/**
 * Formats of SSE numbers: how they are held, and the questions that decide whether the host's instruction serves.
 *
 *   quick   a few instructions; "no" may be wrong: zeros and numbers near the ends of the range are asked about again
 *   exact   the last word
 *
 * Both push 1 or 0. A quick question doubles the word with the exponent, which loses the sign, and compares once.
 */

import type { Body } from "./body.ts";
import { OP, TYPE_F32, TYPE_F64, TYPE_V128, VECTOR } from "./bytes.ts";
import { LEAST, SIGN } from "./float-mode.ts";
import type { Format, NumberType } from "./float-ops.ts";

/** Operands one of which must be zero for a zero result to be exact; none: it always is. Undefined: it never is. */
export type ZeroOf = readonly number[] | undefined;

/** How a number of one format is held and looked at. */
export interface Shape {
  readonly format: Format;
  readonly type: NumberType | typeof TYPE_V128;
  readonly ir: "i32" | "i64" | "v128";
  /** Pushes the value of an operation in this shape. */
  push(body: Body, value: number): void;
  /** Between bits and what a local of this shape holds. */
  toBits(body: Body): void;
  fromBits(body: Body): void;
  /** Quick: pushes 1 when the fast mode is on and the number well inside the normal range. */
  isGood(body: Body, local: number): void;
  /** Pushes 1 when the doubled word with the exponent is below. */
  isBelow(body: Body, local: number, bound: number): void;
  /** Exact: pushes 1 when the number is a denormal; in a vector, or a NaN. */
  isDenormal(body: Body, local: number): void;
  /** Exact: pushes 1 when the result is neither well inside the normal range nor a zero of which `zeroOf` is sure. */
  isOdd(body: Body, result: number, zeroOf: ZeroOf): void;
}

export interface ScalarShape extends Shape {
  readonly type: NumberType;
  isZero(body: Body, local: number): void;
}

interface ScalarCodes {
  readonly format: Format;
  readonly type: NumberType;
  readonly ir: "i32" | "i64";
  readonly toBits: number;
  readonly fromBits: number;
  /** Pushes the word with the exponent. */
  high(body: Body, local: number): void;
  isDenormal(body: Body, local: number): void;
  /** Pushes 1 when the exponent is not well inside the normal range. */
  isFar(body: Body, local: number): void;
  isZero(body: Body, local: number): void;
}

/** Pushes how far the doubled word is above `from`. */
function pushAbove(body: Body, { high }: ScalarCodes, local: number, from: number): void {
  high(body, local);
  body.const32(1);
  body.op(OP.i32Shl);
  if (from === 0) return;
  body.const32(from);
  body.op(OP.i32Sub);
}

function scalar(codes: ScalarCodes): ScalarShape {
  const { format, type, ir, isZero } = codes;
  return {
    format,
    type,
    ir,
    isZero,
    push: (body, value) => {
      body.number(value, type);
    },
    toBits: (body) => body.op(codes.toBits),
    fromBits: (body) => body.op(codes.fromBits),
    isGood(body, local) {
      pushAbove(body, codes, local, LEAST[format]);
      body.mode.pushLimit(body);
      body.op(OP.i32LtU);
    },
    isBelow(body, local, bound) {
      pushAbove(body, codes, local, 0);
      body.const32(bound);
      body.op(OP.i32LtU);
    },
    isDenormal: codes.isDenormal,
    isOdd(body, result, zeroOf) {
      codes.isFar(body, result);
      if (zeroOf === undefined) return;
      isZero(body, result);
      for (const [k, operand] of zeroOf.entries()) {
        isZero(body, operand);
        if (k > 0) body.op(OP.i32Or);
      }
      if (zeroOf.length > 0) body.op(OP.i32And);
      body.op(OP.i32Eqz);
      body.op(OP.i32And);
    },
  };
}

/** Pushes the bits of a double without its sign, doubled. */
function pushDoubled64(body: Body, local: number): void {
  body.localGet(local);
  body.op(OP.i64ReinterpretF64);
  body.const64(1, 0);
  body.op(OP.i64Shl);
}

export const DOUBLE = scalar({
  format: "double",
  type: TYPE_F64,
  ir: "i64",
  toBits: OP.i64ReinterpretF64,
  fromBits: OP.f64ReinterpretI64,
  high(body, local) {
    body.localGet(local);
    body.op(OP.i64ReinterpretF64);
    body.highHalf();
  },
  isDenormal(body, local) {
    // (bits << 1) - 1 below 2^53 - 1: zero wraps around to the top.
    pushDoubled64(body, local);
    body.const64(1, 0);
    body.op(OP.i64Sub);
    body.const64(-1, 0x1f_ffff);
    body.op(OP.i64LtU);
  },
  isFar(body, local) {
    // exponent - 2 is not below 0x7fd
    body.localGet(local);
    body.op(OP.i64ReinterpretF64);
    body.const64(52, 0);
    body.op(OP.i64ShrU);
    body.const64(0x7ff, 0);
    body.op(OP.i64And);
    body.const64(2, 0);
    body.op(OP.i64Sub);
    body.const64(0x7fd, 0);
    body.op(OP.i64GeU);
  },
  isZero(body, local) {
    pushDoubled64(body, local);
    body.op(OP.i64Eqz);
  },
});

function pushDoubled32(body: Body, local: number): void {
  body.localGet(local);
  body.op(OP.i32ReinterpretF32);
  body.const32(1);
  body.op(OP.i32Shl);
}

export const SINGLE = scalar({
  format: "single",
  type: TYPE_F32,
  ir: "i32",
  toBits: OP.i32ReinterpretF32,
  fromBits: OP.f32ReinterpretI32,
  high(body, local) {
    body.localGet(local);
    body.op(OP.i32ReinterpretF32);
  },
  isDenormal(body, local) {
    pushDoubled32(body, local);
    body.const32(1);
    body.op(OP.i32Sub);
    body.const32(0xff_ffff);
    body.op(OP.i32LtU);
  },
  isFar(body, local) {
    body.localGet(local);
    body.op(OP.i32ReinterpretF32);
    body.const32(23);
    body.op(OP.i32ShrU);
    body.const32(0xff);
    body.op(OP.i32And);
    body.const32(2);
    body.op(OP.i32Sub);
    body.const32(0xfd);
    body.op(OP.i32GeU);
  },
  isZero(body, local) {
    pushDoubled32(body, local);
    body.op(OP.i32Eqz);
  },
});

interface VectorCodes {
  readonly format: Format;
  readonly abs: number;
  readonly eq: number;
  readonly ge: number;
  readonly le: number;
  readonly all: number;
  readonly bitmask: number;
  readonly lanes: number;
  /** Words of one lane: least normal, twice that, largest. */
  readonly least: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** Words of one lane repeated over a vector. */
export const lanes = (words: readonly number[]): number[] =>
  [0, 1, 2, 3].map((k) => words[k % words.length] ?? 0);

/** Pushes 1 when the doubled words plus an offset are below the limits, in all lanes; both are pushed as vectors. */
function pushAllBelow(
  body: Body,
  { bitmask, lanes: count }: VectorCodes,
  local: number,
  pushed: { readonly limits: () => void; readonly offsets: () => void },
): void {
  pushed.limits();
  body.localGet(local);
  body.const32(1);
  body.vector(VECTOR.i32Shl);
  pushed.offsets();
  body.vector(VECTOR.i32Add);
  body.vector(VECTOR.i32GtS);
  body.vector(bitmask);
  body.const32((1 << count) - 1);
  body.op(OP.i32Eq);
}

/** All lanes at once. */
function vector(codes: VectorCodes): Shape {
  const { format, abs, eq, ge, le, all, least, low, high } = codes;
  return {
    format,
    type: TYPE_V128,
    ir: "v128",
    push: (body, value) => {
      body.value(value);
    },
    toBits: () => undefined,
    fromBits: () => undefined,
    isGood(body, local) {
      pushAllBelow(body, codes, local, {
        limits: () => {
          body.mode.pushLimits(body);
        },
        offsets: () => {
          body.mode.pushOffsets(body, format);
        },
      });
    },
    isBelow(body, local, bound) {
      pushAllBelow(body, codes, local, {
        limits: () => {
          body.vectorConst(lanes([(bound - SIGN) | 0]));
        },
        offsets: () => {
          body.vectorConst(lanes([SIGN | 0]));
        },
      });
    },
    isDenormal(body, local) {
      body.localGet(local);
      body.vector(abs);
      body.vectorConst(lanes(least));
      body.vector(ge);
      body.localGet(local);
      body.vectorConst([]);
      body.vector(eq);
      body.vector(VECTOR.or);
      body.vector(all);
      body.op(OP.i32Eqz);
    },
    isOdd(body, result, zeroOf) {
      const isZero = (local: number): void => {
        body.localGet(local);
        body.vectorConst([]);
        body.vector(eq);
      };
      body.localGet(result);
      body.vector(abs);
      body.vectorConst(lanes(low));
      body.vector(ge);
      body.localGet(result);
      body.vector(abs);
      body.vectorConst(lanes(high));
      body.vector(le);
      body.vector(VECTOR.and);
      if (zeroOf !== undefined) {
        isZero(result);
        for (const [k, operand] of zeroOf.entries()) {
          isZero(operand);
          if (k > 0) body.vector(VECTOR.or);
        }
        if (zeroOf.length > 0) body.vector(VECTOR.and);
        body.vector(VECTOR.or);
      }
      body.vector(all);
      body.op(OP.i32Eqz);
    },
  };
}

/** Two doubles at once. */
export const DOUBLES = vector({
  format: "double",
  abs: VECTOR.f64Abs,
  eq: VECTOR.f64Eq,
  ge: VECTOR.f64Ge,
  le: VECTOR.f64Le,
  all: VECTOR.i64AllTrue,
  bitmask: VECTOR.i64Bitmask,
  lanes: 2,
  least: [0, 0x10_0000],
  low: [0, 0x20_0000],
  high: [-1, 0x7fef_ffff],
});
/** Four singles at once. */
export const SINGLES = vector({
  format: "single",
  abs: VECTOR.f32Abs,
  eq: VECTOR.f32Eq,
  ge: VECTOR.f32Ge,
  le: VECTOR.f32Le,
  all: VECTOR.i32AllTrue,
  bitmask: VECTOR.i32Bitmask,
  lanes: 4,
  least: [0x80_0000],
  low: [0x100_0000],
  high: [0x7f7f_ffff],
});
