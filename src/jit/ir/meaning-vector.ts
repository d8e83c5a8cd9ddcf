/** Meaning of the 128-bit vector operations: every one is a loop over lanes. */

import { type Meanings, fromLanes, lanesOf, signed, truth, unsigned } from "./meaning.ts";

type Binary = (a: bigint, b: bigint) => bigint;
type Unary = (a: bigint) => bigint;

/** Applies `f` to each pair of lanes; results are cut to the lane. */
const eachUnsigned =
  (bits: number, f: Binary): Binary =>
  (a, b) => {
    const right = lanesOf(b, bits);
    return fromLanes(
      lanesOf(a, bits).map((lane, i) => f(lane, right[i] ?? 0n)),
      bits,
    );
  };

/** As `eachUnsigned`, with lanes read as signed. */
const eachSigned = (bits: number, f: Binary): Binary =>
  eachUnsigned(bits, (a, b) => f(signed(bits, a), signed(bits, b)));

const clamp = (value: bigint, least: bigint, most: bigint): bigint =>
  value < least ? least : value > most ? most : value;
const clampSigned = (bits: number, value: bigint): bigint =>
  clamp(value, -(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n);
const clampUnsigned = (bits: number, value: bigint): bigint => clamp(value, 0n, (1n << BigInt(bits)) - 1n);

const minimum: Binary = (a, b) => (a < b ? a : b);
const maximum: Binary = (a, b) => (a > b ? a : b);
const add: Binary = (a, b) => a + b;
const subtract: Binary = (a, b) => a - b;
const allOnes = (condition: boolean): bigint => (condition ? -1n : 0n);

const saturating = (bits: number, f: Binary): { signed: Binary; unsigned: Binary } => ({
  signed: eachSigned(bits, (a, b) => clampSigned(bits, f(a, b))),
  unsigned: eachUnsigned(bits, (a, b) => clampUnsigned(bits, f(a, b))),
});

const LOGIC = {
  "and.v128": (a, b) => a & b,
  "or.v128": (a, b) => a | b,
  "xor.v128": (a, b) => a ^ b,
  "andnot.v128": (a, b) => unsigned(128, ~a) & b,
} satisfies Partial<Meanings>;

const ARITHMETIC = {
  "add.v8": eachUnsigned(8, add),
  "add.v16": eachUnsigned(16, add),
  "add.v32": eachUnsigned(32, add),
  "add.v64": eachUnsigned(64, add),
  "sub.v8": eachUnsigned(8, subtract),
  "sub.v16": eachUnsigned(16, subtract),
  "sub.v32": eachUnsigned(32, subtract),
  "sub.v64": eachUnsigned(64, subtract),
  "addsat.s8": saturating(8, add).signed,
  "addsat.s16": saturating(16, add).signed,
  "addsat.u8": saturating(8, add).unsigned,
  "addsat.u16": saturating(16, add).unsigned,
  "subsat.s8": saturating(8, subtract).signed,
  "subsat.s16": saturating(16, subtract).signed,
  "subsat.u8": saturating(8, subtract).unsigned,
  "subsat.u16": saturating(16, subtract).unsigned,
  "mul.v16": eachUnsigned(16, (a, b) => a * b),
  "mulhigh.s16": eachSigned(16, (a, b) => (a * b) >> 16n),
  "mulhigh.u16": eachUnsigned(16, (a, b) => (a * b) >> 16n),
  "muleven.u32": eachUnsigned(64, (a, b) => unsigned(32, a) * unsigned(32, b)),
  "madd.s16": eachUnsigned(32, (a, b) => {
    const low = signed(16, a) * signed(16, b);
    return low + signed(16, a >> 16n) * signed(16, b >> 16n);
  }),
  "sad.u8": eachUnsigned(64, (a, b) => {
    let sum = 0n;
    for (let at = 0n; at < 64n; at += 8n) {
      const difference = unsigned(8, a >> at) - unsigned(8, b >> at);
      sum += difference < 0n ? -difference : difference;
    }
    return sum;
  }),
  "avg.u8": eachUnsigned(8, (a, b) => (a + b + 1n) >> 1n),
  "avg.u16": eachUnsigned(16, (a, b) => (a + b + 1n) >> 1n),
  "min.u8": eachUnsigned(8, minimum),
  "max.u8": eachUnsigned(8, maximum),
  "min.s16": eachSigned(16, minimum),
  "max.s16": eachSigned(16, maximum),
  "eq.v8": eachUnsigned(8, (a, b) => allOnes(a === b)),
  "eq.v16": eachUnsigned(16, (a, b) => allOnes(a === b)),
  "eq.v32": eachUnsigned(32, (a, b) => allOnes(a === b)),
  "sgt.v8": eachSigned(8, (a, b) => allOnes(a > b)),
  "sgt.v16": eachSigned(16, (a, b) => allOnes(a > b)),
  "sgt.v32": eachSigned(32, (a, b) => allOnes(a > b)),
} satisfies Partial<Meanings>;

const shiftLeft =
  (bits: number): Binary =>
  (vector, count) =>
    count >= BigInt(bits) ? 0n : eachUnsigned(bits, (lane) => lane << count)(vector, 0n);
const shiftRight =
  (bits: number): Binary =>
  (vector, count) =>
    count >= BigInt(bits) ? 0n : eachUnsigned(bits, (lane) => lane >> count)(vector, 0n);
const shiftSigned =
  (bits: number): Binary =>
  (vector, count) =>
    eachSigned(bits, (lane) => lane >> minimum(count, BigInt(bits)))(vector, 0n);

const SHIFT = {
  "shl.v16": shiftLeft(16),
  "shl.v32": shiftLeft(32),
  "shl.v64": shiftLeft(64),
  "shr.v16": shiftRight(16),
  "shr.v32": shiftRight(32),
  "shr.v64": shiftRight(64),
  "sar.v16": shiftSigned(16),
  "sar.v32": shiftSigned(32),
  "shlbytes.v128": (bytes, vector) => unsigned(128, vector << BigInt(8 * bytes)),
  "shrbytes.v128": (bytes, vector) => vector >> BigInt(8 * bytes),
} satisfies Partial<Meanings>;

/** Lanes of `from` chosen by the control's fields of `fieldBits` bits, lowest first. */
function pick(from: readonly bigint[], control: number, fieldBits: number): bigint[] {
  return from.map((_, i) => from[(control >> (i * fieldBits)) & ((1 << fieldBits) - 1)] ?? 0n);
}

/** Lanes a0 b0 a1 b1 ... of the low or the high halves. */
const unpack =
  (bits: number, high: boolean): Binary =>
  (a, b) => {
    const half = 64 / bits;
    const first = high ? half : 0;
    const left = lanesOf(a, bits).slice(first, first + half);
    const right = lanesOf(b, bits).slice(first, first + half);
    return fromLanes(
      left.flatMap((lane, i) => [lane, right[i] ?? 0n]),
      bits,
    );
  };

/** Signed lanes of both vectors, narrowed to half their width. */
const pack =
  (bits: number, narrow: Unary): Binary =>
  (a, b) =>
    fromLanes(
      [...lanesOf(a, bits), ...lanesOf(b, bits)].map((lane) => narrow(signed(bits, lane))),
      bits / 2,
    );

const signMask =
  (bits: number): Unary =>
  (vector) =>
    lanesOf(vector, bits).reduce((mask, lane, i) => mask | (truth(signed(bits, lane) < 0n) << BigInt(i)), 0n);

const replaceLane = (bits: number, lane: number, into: bigint, value: bigint): bigint =>
  fromLanes(
    lanesOf(into, bits).map((old, i) => (i === lane ? value : old)),
    bits,
  );

const ARRANGE = {
  "shuffle.v32": (control, a) => fromLanes(pick(lanesOf(a, 32), control, 2), 32),
  "shufflelow.v16": (control, a) => {
    const lanes = lanesOf(a, 16);
    return fromLanes([...pick(lanes.slice(0, 4), control, 2), ...lanes.slice(4)], 16);
  },
  "shufflehigh.v16": (control, a) => {
    const lanes = lanesOf(a, 16);
    return fromLanes([...lanes.slice(0, 4), ...pick(lanes.slice(4), control, 2)], 16);
  },
  "shuffle2.v32": (control, a, b) => {
    const low = pick(lanesOf(a, 32), control, 2).slice(0, 2);
    return fromLanes([...low, ...pick(lanesOf(b, 32), control, 2).slice(2)], 32);
  },
  "shuffle2.v64": (control, a, b) => {
    const low = pick(lanesOf(a, 64), control, 1).slice(0, 1);
    return fromLanes([...low, ...pick(lanesOf(b, 64), control, 1).slice(1)], 64);
  },
  "unpacklow.v8": unpack(8, false),
  "unpacklow.v16": unpack(16, false),
  "unpacklow.v32": unpack(32, false),
  "unpacklow.v64": unpack(64, false),
  "unpackhigh.v8": unpack(8, true),
  "unpackhigh.v16": unpack(16, true),
  "unpackhigh.v32": unpack(32, true),
  "unpackhigh.v64": unpack(64, true),
  "packs.s16": pack(16, (lane) => clampSigned(8, lane)),
  "packs.s32": pack(32, (lane) => clampSigned(16, lane)),
  "packu.s16": pack(16, (lane) => clampUnsigned(8, lane)),
  "movemask.v8": signMask(8),
  "movemask.v32": signMask(32),
  "movemask.v64": signMask(64),
  "extract.v16": (lane, a) => lanesOf(a, 16)[lane] ?? 0n,
  "extract.v32": (lane, a) => lanesOf(a, 32)[lane] ?? 0n,
  "extract.v64": (lane, a) => lanesOf(a, 64)[lane] ?? 0n,
  "insert.v16": (lane, into, value) => replaceLane(16, lane, into, value),
  "insert.v32": (lane, into, value) => replaceLane(32, lane, into, value),
  "insert.v64": (lane, into, value) => replaceLane(64, lane, into, value),
} satisfies Partial<Meanings>;

export const VECTOR_MEANINGS = { ...LOGIC, ...ARITHMETIC, ...SHIFT, ...ARRANGE };
