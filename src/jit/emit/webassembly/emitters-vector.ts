/** Vectors: nearly every operation is one instruction. Counts and lanes that are not get a few more. */

import type { OpName } from "../../ir/ops.ts";
import type { Body } from "./body.ts";
import { OP, TYPE_F32, TYPE_F64, TYPE_I32, TYPE_V128, VECTOR } from "./bytes.ts";
import type { Emitter } from "./emitters.ts";
import type { NumberType } from "./float-ops.ts";

const arg = (args: readonly number[], k: number): number => args[k] ?? 0;

const plain =
  (code: number): Emitter =>
  (body, args) => {
    for (const value of args) body.value(value);
    body.vector(code);
  };

/** Bytes of the result by their index in the first (0..15) and second (16..31) argument. */
function shuffle(body: Body, bytes: readonly number[]): void {
  body.vector(VECTOR.shuffle);
  for (const byte of bytes) body.out.byte(byte);
}

/** Lanes of `bytes` bytes picked from both arguments. */
const lanes = (picked: readonly number[], bytes: number): number[] =>
  picked.flatMap((lane) => Array.from({ length: bytes }, (_, k) => lane * bytes + k));

const shuffleLanes =
  (bytes: number, pick: (control: number) => readonly number[]): Emitter =>
  (body, args, imm) => {
    body.value(arg(args, 0));
    if (args.length > 1) body.value(arg(args, 1));
    else {
      // The second operand is not looked at.
      const copy = body.newLocal(TYPE_V128);
      body.localTee(copy);
      body.localGet(copy);
    }
    shuffle(body, lanes(pick(imm[0] ?? 0), bytes));
  };

const two = (control: number, k: number): number => (control >> (2 * k)) & 3;
const four = (control: number): number[] => [0, 1, 2, 3].map((k) => two(control, k));

/** One lane of each argument in turn, from lane `first` on. */
const unpack = (bytes: number, high: boolean): Emitter => {
  const count = 16 / bytes;
  const first = high ? count / 2 : 0;
  const picked = Array.from({ length: count }, (_, k) => first + (k >> 1) + (k & 1) * count);
  return shuffleLanes(bytes, () => picked);
};

/** WebAssembly takes counts modulo the lane width; here a count of the width or more gives zero. */
const shift =
  (code: number, width: number): Emitter =>
  (body, args) => {
    const count = body.constantOf(arg(args, 1));
    if (count !== undefined && (count < 0 || count >= width)) {
      body.vectorConst([]);
      return;
    }
    body.value(arg(args, 0));
    body.value(arg(args, 1));
    if (count !== undefined) {
      body.vector(code);
      return;
    }
    const n = body.newLocal(TYPE_I32);
    body.localTee(n);
    body.vector(code);
    body.vectorConst([]);
    body.localGet(n);
    body.const32(width);
    body.op(OP.i32LtU);
    body.op(OP.select);
  };

/** A count of the width or more gives the sign. */
const shiftSigned =
  (code: number, width: number): Emitter =>
  (body, args) => {
    body.value(arg(args, 0));
    const count = body.constantOf(arg(args, 1));
    if (count !== undefined) body.const32(count < 0 || count >= width ? width - 1 : count);
    else {
      const n = body.newLocal(TYPE_I32);
      body.value(arg(args, 1));
      body.localTee(n);
      body.const32(width - 1);
      body.localGet(n);
      body.const32(width);
      body.op(OP.i32LtU);
      body.op(OP.select);
    }
    body.vector(code);
  };

/** Both halves of the register shifted by bytes, zeros coming in. */
const shiftBytes =
  (left: boolean): Emitter =>
  (body, args, imm) => {
    const count = imm[0] ?? 0;
    body.value(arg(args, 0));
    body.vectorConst([]);
    shuffle(
      body,
      Array.from({ length: 16 }, (_, k) => {
        const from = left ? k - count : k + count;
        return from >= 0 && from < 16 ? from : 16;
      }),
    );
  };

/** High halves of 16-bit products, from two vectors of 32-bit products. */
const mulHigh =
  (low: number, high: number): Emitter =>
  (body, args) => {
    const a = toLocal(body, arg(args, 0));
    const b = toLocal(body, arg(args, 1));
    for (const half of [low, high]) {
      body.localGet(a);
      body.localGet(b);
      body.vector(half);
    }
    shuffle(body, lanes([1, 3, 5, 7, 9, 11, 13, 15], 2));
  };

function toLocal(body: Body, value: number): number {
  body.value(value);
  const local = body.newLocal(TYPE_V128);
  body.localSet(local);
  return local;
}

const LOW_WORDS = [-1, 0, -1, 0] as const;

const extract =
  (code: number): Emitter =>
  (body, args, imm) => {
    body.value(arg(args, 0));
    body.vectorLane(code, imm[0] ?? 0);
  };
const insert =
  (code: number): Emitter =>
  (body, args, imm) => {
    body.value(arg(args, 0));
    body.value(arg(args, 1));
    body.vectorLane(code, imm[0] ?? 0);
  };

/** A number goes in as it is. */
const insertNumber =
  (type: NumberType, number: number, bits: number): Emitter =>
  (body, args, imm) => {
    body.value(arg(args, 0));
    const value = arg(args, 1);
    const isNumber = body.isNumber(value);
    if (isNumber) body.number(value, type);
    else body.value(value);
    body.vectorLane(isNumber ? number : bits, imm[0] ?? 0);
  };

export const VECTOR_EMITTERS = {
  "and.v128": plain(VECTOR.and),
  "or.v128": plain(VECTOR.or),
  "xor.v128": plain(VECTOR.xor),
  // WebAssembly complements the second operand.
  "andnot.v128": (body, args) => {
    body.value(arg(args, 1));
    body.value(arg(args, 0));
    body.vector(VECTOR.andnot);
  },
  "add.v8": plain(VECTOR.i8Add),
  "add.v16": plain(VECTOR.i16Add),
  "add.v32": plain(VECTOR.i32Add),
  "add.v64": plain(VECTOR.i64Add),
  "sub.v8": plain(VECTOR.i8Sub),
  "sub.v16": plain(VECTOR.i16Sub),
  "sub.v32": plain(VECTOR.i32Sub),
  "sub.v64": plain(VECTOR.i64Sub),
  "addsat.s8": plain(VECTOR.i8AddSatS),
  "addsat.s16": plain(VECTOR.i16AddSatS),
  "addsat.u8": plain(VECTOR.i8AddSatU),
  "addsat.u16": plain(VECTOR.i16AddSatU),
  "subsat.s8": plain(VECTOR.i8SubSatS),
  "subsat.s16": plain(VECTOR.i16SubSatS),
  "subsat.u8": plain(VECTOR.i8SubSatU),
  "subsat.u16": plain(VECTOR.i16SubSatU),
  "mul.v16": plain(VECTOR.i16Mul),
  "mulhigh.s16": mulHigh(VECTOR.i32ExtmulLowS, VECTOR.i32ExtmulHighS),
  "mulhigh.u16": mulHigh(VECTOR.i32ExtmulLowU, VECTOR.i32ExtmulHighU),
  "muleven.u32": (body, args) => {
    for (const value of args) {
      body.value(value);
      body.vectorConst(LOW_WORDS);
      body.vector(VECTOR.and);
    }
    body.vector(VECTOR.i64Mul);
  },
  "madd.s16": plain(VECTOR.i32Dot),
  "sad.u8": (body, args) => {
    const a = toLocal(body, arg(args, 0));
    const b = toLocal(body, arg(args, 1));
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      body.localGet(x);
      body.localGet(y);
      body.vector(VECTOR.i8SubSatU);
    }
    body.vector(VECTOR.or);
    body.vector(VECTOR.i16ExtaddU);
    body.vector(VECTOR.i32ExtaddU);
    const sums = body.newLocal(TYPE_V128);
    body.localTee(sums);
    body.localGet(sums);
    body.const32(32);
    body.vector(VECTOR.i64ShrU);
    body.vector(VECTOR.i64Add);
    body.vectorConst(LOW_WORDS);
    body.vector(VECTOR.and);
  },
  "avg.u8": plain(VECTOR.i8AvgrU),
  "avg.u16": plain(VECTOR.i16AvgrU),
  "min.u8": plain(VECTOR.i8MinU),
  "max.u8": plain(VECTOR.i8MaxU),
  "min.s16": plain(VECTOR.i16MinS),
  "max.s16": plain(VECTOR.i16MaxS),
  "eq.v8": plain(VECTOR.i8Eq),
  "eq.v16": plain(VECTOR.i16Eq),
  "eq.v32": plain(VECTOR.i32Eq),
  "sgt.v8": plain(VECTOR.i8GtS),
  "sgt.v16": plain(VECTOR.i16GtS),
  "sgt.v32": plain(VECTOR.i32GtS),
  "shl.v16": shift(VECTOR.i16Shl, 16),
  "shl.v32": shift(VECTOR.i32Shl, 32),
  "shl.v64": shift(VECTOR.i64Shl, 64),
  "shr.v16": shift(VECTOR.i16ShrU, 16),
  "shr.v32": shift(VECTOR.i32ShrU, 32),
  "shr.v64": shift(VECTOR.i64ShrU, 64),
  "sar.v16": shiftSigned(VECTOR.i16ShrS, 16),
  "sar.v32": shiftSigned(VECTOR.i32ShrS, 32),
  "shlbytes.v128": shiftBytes(true),
  "shrbytes.v128": shiftBytes(false),
  "shuffle.v32": shuffleLanes(4, four),
  "shufflelow.v16": shuffleLanes(2, (control) => [...four(control), 4, 5, 6, 7]),
  "shufflehigh.v16": shuffleLanes(2, (control) => [0, 1, 2, 3, ...four(control).map((lane) => lane + 4)]),
  "shuffle2.v32": shuffleLanes(4, (control) => four(control).map((lane, k) => lane + (k < 2 ? 0 : 4))),
  "shuffle2.v64": shuffleLanes(8, (control) => [control & 1, 2 + ((control >> 1) & 1)]),
  "unpacklow.v8": unpack(1, false),
  "unpacklow.v16": unpack(2, false),
  "unpacklow.v32": unpack(4, false),
  "unpacklow.v64": unpack(8, false),
  "unpackhigh.v8": unpack(1, true),
  "unpackhigh.v16": unpack(2, true),
  "unpackhigh.v32": unpack(4, true),
  "unpackhigh.v64": unpack(8, true),
  "packs.s16": plain(VECTOR.i8NarrowS),
  "packs.s32": plain(VECTOR.i16NarrowS),
  "packu.s16": plain(VECTOR.i8NarrowU),
  "movemask.v8": plain(VECTOR.i8Bitmask),
  "movemask.v32": plain(VECTOR.i32Bitmask),
  "movemask.v64": plain(VECTOR.i64Bitmask),
  "extract.v16": extract(VECTOR.i16ExtractU),
  "extract.v32": extract(VECTOR.i32Extract),
  "extract.v64": extract(VECTOR.i64Extract),
  "insert.v16": insert(VECTOR.i16Replace),
  "insert.v32": insertNumber(TYPE_F32, VECTOR.f32Replace, VECTOR.i32Replace),
  "insert.v64": insertNumber(TYPE_F64, VECTOR.f64Replace, VECTOR.i64Replace),
} as const satisfies Partial<Record<OpName, Emitter>>;
