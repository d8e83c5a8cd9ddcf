/**
 * Formats of SSE numbers: how the bits in a local become the host's number, and the questions that decide whether the
 * host's instruction serves. A question pushes 1 when it does not.
 */

import type { Body } from "./body.ts";
import { OP, TYPE_I32, TYPE_I64, TYPE_V128, VECTOR } from "./bytes.ts";

/** How a number of one format is held and looked at. */
export interface Shape {
  readonly type: typeof TYPE_I32 | typeof TYPE_I64 | typeof TYPE_V128;
  readonly ir: "i32" | "i64" | "v128";
  /** From and to the host's number. */
  decode(body: Body): void;
  encode(body: Body): void;
  /** Pushes 1 when the bits in the local are a denormal. */
  isDenormal(body: Body, local: number): void;
  /** Pushes 1 when the result is neither well inside the normal range nor a zero of which `zeroOf` is sure. */
  isOdd(body: Body, result: number, zeroOf: ZeroOf): void;
}

/** Operands one of which must be zero for a zero result to be exact; none: it always is. Undefined: it never is. */
type ZeroOf = readonly number[] | undefined;

/** Pushes 1 when a number is neither inside the range, which is on the stack, nor an exact zero. */
function orZero(
  body: Body,
  zeros: readonly [result: number, of: ZeroOf],
  isZero: (local: number) => void,
): void {
  const [result, of] = zeros;
  if (of === undefined) return;
  isZero(result);
  for (const [k, operand] of of.entries()) {
    isZero(operand);
    if (k > 0) body.op(OP.i32Or);
  }
  if (of.length > 0) body.op(OP.i32And);
  body.op(OP.i32Eqz);
  body.op(OP.i32And);
}

export const DOUBLE: Shape = {
  type: TYPE_I64,
  ir: "i64",
  decode: (body) => body.op(OP.f64ReinterpretI64),
  encode: (body) => body.op(OP.i64ReinterpretF64),
  isDenormal(body, local) {
    // (bits << 1) - 1 below 2^53 - 1: zero wraps around to the top.
    body.localGet(local);
    body.const64(1, 0);
    body.op(OP.i64Shl);
    body.const64(1, 0);
    body.op(OP.i64Sub);
    body.const64(-1, 0x1f_ffff);
    body.op(OP.i64LtU);
  },
  isOdd(body, result, zeroOf) {
    // exponent - 2 is not below 0x7fd
    body.localGet(result);
    body.const64(52, 0);
    body.op(OP.i64ShrU);
    body.const64(0x7ff, 0);
    body.op(OP.i64And);
    body.const64(2, 0);
    body.op(OP.i64Sub);
    body.const64(0x7fd, 0);
    body.op(OP.i64GeU);
    orZero(body, [result, zeroOf], (local) => {
      body.localGet(local);
      body.const64(1, 0);
      body.op(OP.i64Shl);
      body.op(OP.i64Eqz);
    });
  },
};

export const SINGLE: Shape = {
  type: TYPE_I32,
  ir: "i32",
  decode: (body) => body.op(OP.f32ReinterpretI32),
  encode: (body) => body.op(OP.i32ReinterpretF32),
  isDenormal(body, local) {
    body.localGet(local);
    body.const32(1);
    body.op(OP.i32Shl);
    body.const32(1);
    body.op(OP.i32Sub);
    body.const32(0xff_ffff);
    body.op(OP.i32LtU);
  },
  isOdd(body, result, zeroOf) {
    body.localGet(result);
    body.const32(23);
    body.op(OP.i32ShrU);
    body.const32(0xff);
    body.op(OP.i32And);
    body.const32(2);
    body.op(OP.i32Sub);
    body.const32(0xfd);
    body.op(OP.i32GeU);
    orZero(body, [result, zeroOf], (local) => {
      body.localGet(local);
      body.const32(1);
      body.op(OP.i32Shl);
      body.op(OP.i32Eqz);
    });
  },
};

interface VectorCodes {
  readonly abs: number;
  readonly eq: number;
  readonly ge: number;
  readonly le: number;
  readonly all: number;
  /** Words of one lane: least normal, twice that, largest. */
  readonly least: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** Words of one lane repeated over a vector. */
export const lanes = (words: readonly number[]): number[] =>
  [0, 1, 2, 3].map((k) => words[k % words.length] ?? 0);

/** All lanes at once. */
const vector = ({ abs, eq, ge, le, all, least, low, high }: VectorCodes): Shape => ({
  type: TYPE_V128,
  ir: "v128",
  decode: () => undefined,
  encode: () => undefined,
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
});

/** Two doubles at once. */
export const DOUBLES = vector({
  abs: VECTOR.f64Abs,
  eq: VECTOR.f64Eq,
  ge: VECTOR.f64Ge,
  le: VECTOR.f64Le,
  all: VECTOR.i64AllTrue,
  least: [0, 0x10_0000],
  low: [0, 0x20_0000],
  high: [-1, 0x7fef_ffff],
});
/** Four singles at once. */
export const SINGLES = vector({
  abs: VECTOR.f32Abs,
  eq: VECTOR.f32Eq,
  ge: VECTOR.f32Ge,
  le: VECTOR.f32Le,
  all: VECTOR.i32AllTrue,
  least: [0x80_0000],
  low: [0x100_0000],
  high: [0x7f7f_ffff],
});
