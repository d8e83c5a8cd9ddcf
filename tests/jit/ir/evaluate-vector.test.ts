/** Vector operations of the evaluator against loops over typed arrays, a formulation without big integers. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MEANINGS } from "../../../src/jit/ir/evaluate.ts";
import { OP_NAMES, type OpName, rowOf } from "../../../src/jit/ir/ops.ts";

type Bytes = Uint8Array;

const u8 = (x: Bytes): Uint8Array => new Uint8Array(x.buffer.slice(0));
const s8 = (x: Bytes): Int8Array => new Int8Array(x.buffer.slice(0));
const u16 = (x: Bytes): Uint16Array => new Uint16Array(x.buffer.slice(0));
const s16 = (x: Bytes): Int16Array => new Int16Array(x.buffer.slice(0));
const u32 = (x: Bytes): Uint32Array => new Uint32Array(x.buffer.slice(0));
const s32 = (x: Bytes): Int32Array => new Int32Array(x.buffer.slice(0));
const u64 = (x: Bytes): BigUint64Array => new BigUint64Array(x.buffer.slice(0));

type Lanes = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;
type View = (x: Bytes) => Lanes;
type Model = (a: Bytes, b: Bytes) => ArrayBufferLike;

/** Lane by lane; typed arrays wrap what is too wide. */
const lanes =
  (view: View, f: (a: number, b: number) => number): Model =>
  (a, b) => {
    const result = view(a);
    const right = view(b);
    for (let i = 0; i < result.length; i++) result[i] = f(result[i] ?? 0, right[i] ?? 0);
    return result.buffer;
  };

const between = (low: number, high: number, x: number): number => Math.max(low, Math.min(high, x));
const sum = (a: number, b: number): number => a + b;
const less = (a: number, b: number): number => a - b;
const saturated = (view: View, f: (a: number, b: number) => number, low: number, high: number): Model =>
  lanes(view, (a, b) => between(low, high, f(a, b)));

const wide =
  (f: (a: bigint, b: bigint) => bigint): Model =>
  (a, b) => {
    const right = u64(b);
    return u64(a).map((x, i) => f(x, right[i] ?? 0n)).buffer;
  };

const bytesOf = (list: Lanes | BigUint64Array): ArrayBufferLike => list.buffer;

/** Interleaves one half of each. */
const unpack =
  (laneBytes: number, high: boolean): Model =>
  (a, b) => {
    const result = new Uint8Array(16);
    for (let i = 0; i < 8 / laneBytes; i++) {
      for (let k = 0; k < laneBytes; k++) {
        const from = (high ? 8 : 0) + i * laneBytes + k;
        result[2 * i * laneBytes + k] = a[from] ?? 0;
        result[(2 * i + 1) * laneBytes + k] = b[from] ?? 0;
      }
    }
    return result.buffer;
  };

const packed = (
  view: View,
  into: (length: number) => Lanes,
  [low, high]: readonly [number, number],
): Model => {
  return (a, b) => {
    const all = [...view(a), ...view(b)];
    const result = into(all.length);
    all.forEach((lane, i) => (result[i] = between(low, high, lane)));
    return result.buffer;
  };
};

/** Two-argument operations. */
const BINARY: Partial<Record<OpName, Model>> = {
  "and.v128": lanes(u8, (a, b) => a & b),
  "or.v128": lanes(u8, (a, b) => a | b),
  "xor.v128": lanes(u8, (a, b) => a ^ b),
  "andnot.v128": lanes(u8, (a, b) => ~a & b),
  "add.v8": lanes(u8, sum),
  "add.v16": lanes(u16, sum),
  "add.v32": lanes(u32, sum),
  "add.v64": wide((a, b) => a + b),
  "sub.v8": lanes(u8, less),
  "sub.v16": lanes(u16, less),
  "sub.v32": lanes(u32, less),
  "sub.v64": wide((a, b) => a - b),
  "addsat.s8": saturated(s8, sum, -128, 127),
  "addsat.s16": saturated(s16, sum, -32768, 32767),
  "addsat.u8": saturated(u8, sum, 0, 255),
  "addsat.u16": saturated(u16, sum, 0, 65535),
  "subsat.s8": saturated(s8, less, -128, 127),
  "subsat.s16": saturated(s16, less, -32768, 32767),
  "subsat.u8": saturated(u8, less, 0, 255),
  "subsat.u16": saturated(u16, less, 0, 65535),
  "mul.v16": lanes(u16, Math.imul),
  "mulhigh.s16": lanes(s16, (a, b) => (a * b) >> 16),
  "mulhigh.u16": lanes(u16, (a, b) => (a * b) / 65536),
  "muleven.u32": (a, b) => {
    const [x, y] = [u32(a), u32(b)];
    return bytesOf(
      BigUint64Array.of(BigInt(x[0] ?? 0) * BigInt(y[0] ?? 0), BigInt(x[2] ?? 0) * BigInt(y[2] ?? 0)),
    );
  },
  "madd.s16": (a, b) => {
    const [x, y] = [s16(a), s16(b)];
    const product = (i: number): number => (x[i] ?? 0) * (y[i] ?? 0);
    return bytesOf(Int32Array.from([0, 2, 4, 6], (i) => product(i) + product(i + 1)));
  },
  "sad.u8": (a, b) => {
    const result = new BigUint64Array(2);
    for (let i = 0; i < 16; i++) {
      const half = i < 8 ? 0 : 1;
      result[half] = (result[half] ?? 0n) + BigInt(Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
    }
    return result.buffer;
  },
  "avg.u8": lanes(u8, (a, b) => Math.ceil((a + b) / 2)),
  "avg.u16": lanes(u16, (a, b) => Math.ceil((a + b) / 2)),
  "min.u8": lanes(u8, Math.min),
  "max.u8": lanes(u8, Math.max),
  "min.s16": lanes(s16, Math.min),
  "max.s16": lanes(s16, Math.max),
  "eq.v8": lanes(u8, (a, b) => (a === b ? 255 : 0)),
  "eq.v16": lanes(u16, (a, b) => (a === b ? 65535 : 0)),
  "eq.v32": lanes(u32, (a, b) => (a === b ? 0xffffffff : 0)),
  "sgt.v8": lanes(s8, (a, b) => (a > b ? -1 : 0)),
  "sgt.v16": lanes(s16, (a, b) => (a > b ? -1 : 0)),
  "sgt.v32": lanes(s32, (a, b) => (a > b ? -1 : 0)),
  "unpacklow.v8": unpack(1, false),
  "unpacklow.v16": unpack(2, false),
  "unpacklow.v32": unpack(4, false),
  "unpacklow.v64": unpack(8, false),
  "unpackhigh.v8": unpack(1, true),
  "unpackhigh.v16": unpack(2, true),
  "unpackhigh.v32": unpack(4, true),
  "unpackhigh.v64": unpack(8, true),
  "packs.s16": packed(s16, (n) => new Int8Array(n), [-128, 127]),
  "packs.s32": packed(s32, (n) => new Int16Array(n), [-32768, 32767]),
  "packu.s16": packed(s16, (n) => new Uint8Array(n), [0, 255]),
};

/** Shifts by a count. */
const shiftBits = (a: bigint, count: number, left: boolean): bigint =>
  count > 63 ? 0n : left ? BigInt.asUintN(64, a << BigInt(count)) : a >> BigInt(count);
const SHIFT: Partial<Record<OpName, (a: Bytes, count: number) => ArrayBufferLike>> = {
  "shl.v16": (a, n) => u16(a).map((x) => (n > 15 ? 0 : x << n)).buffer,
  "shl.v32": (a, n) => u32(a).map((x) => (n > 31 ? 0 : x << n)).buffer,
  "shl.v64": (a, n) => u64(a).map((x) => shiftBits(x, n, true)).buffer,
  "shr.v16": (a, n) => u16(a).map((x) => (n > 15 ? 0 : x >>> n)).buffer,
  "shr.v32": (a, n) => u32(a).map((x) => (n > 31 ? 0 : x >>> n)).buffer,
  "shr.v64": (a, n) => u64(a).map((x) => shiftBits(x, n, false)).buffer,
  "sar.v16": (a, n) => s16(a).map((x) => x >> Math.min(n, 15)).buffer,
  "sar.v32": (a, n) => s32(a).map((x) => x >> Math.min(n, 31)).buffer,
};

/** With an immediate: result lane i is lane `from[i]` of a followed by b. */
const field = (control: number, i: number): number => (control >> (2 * i)) & 3;
const pick = (laneBytes: number, a: Bytes, b: Bytes, from: readonly number[]): Bytes => {
  const both = [...a, ...b];
  const bytes = from.flatMap((lane) => both.slice(lane * laneBytes, (lane + 1) * laneBytes));
  return Uint8Array.from(bytes);
};
const WITH_IMMEDIATE: Partial<Record<OpName, (imm: number, a: Bytes, b: Bytes) => Bytes>> = {
  "shlbytes.v128": (n, a) => Uint8Array.from(a, (_, i) => (i < n ? 0 : (a[i - n] ?? 0))),
  "shrbytes.v128": (n, a) => Uint8Array.from(a, (_, i) => a[i + n] ?? 0),
  "shuffle.v32": (c, a, b) =>
    pick(
      4,
      a,
      b,
      [0, 1, 2, 3].map((i) => field(c, i)),
    ),
  "shufflelow.v16": (c, a, b) => pick(2, a, b, [...[0, 1, 2, 3].map((i) => field(c, i)), 4, 5, 6, 7]),
  "shufflehigh.v16": (c, a, b) => pick(2, a, b, [0, 1, 2, 3, ...[0, 1, 2, 3].map((i) => 4 + field(c, i))]),
  "shuffle2.v32": (c, a, b) => pick(4, a, b, [field(c, 0), field(c, 1), 4 + field(c, 2), 4 + field(c, 3)]),
  "shuffle2.v64": (c, a, b) => pick(8, a, b, [c & 1, 2 + ((c >> 1) & 1)]),
};
const LIMITS: Partial<Record<OpName, number>> = {
  "shlbytes.v128": 16,
  "shrbytes.v128": 16,
  "shuffle2.v64": 3,
};

/** To and from integers. */
const signs = (list: readonly number[]): number =>
  list.reduce((mask, x, i) => mask | (x < 0 ? 1 << i : 0), 0);
const TO_INTEGER: Partial<Record<OpName, (imm: number, a: Bytes) => bigint>> = {
  "movemask.v8": (_, a) => BigInt(signs([...s8(a)])),
  "movemask.v32": (_, a) => BigInt(signs([...s32(a)])),
  "movemask.v64": (_, a) => BigInt(signs([s32(a)[1] ?? 0, s32(a)[3] ?? 0])),
  "extract.v16": (lane, a) => BigInt(u16(a)[lane & 7] ?? 0),
  "extract.v32": (lane, a) => BigInt(u32(a)[lane & 3] ?? 0),
  "extract.v64": (lane, a) => u64(a)[lane & 1] ?? 0n,
};
const LANE_COUNT: Partial<Record<OpName, number>> = {
  "extract.v16": 8,
  "extract.v32": 4,
  "extract.v64": 2,
  "insert.v16": 8,
  "insert.v32": 4,
  "insert.v64": 2,
};

const toBig = (x: ArrayBufferLike | Bytes): bigint => {
  const bytes = x instanceof Uint8Array ? x : new Uint8Array(x);
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
};
const vector = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc
    .array(fc.constantFrom(0, 1, 127, 128, 255), { minLength: 16, maxLength: 16 })
    .map((list) => Uint8Array.from(list)),
);
const meaning = (op: OpName) => MEANINGS[op] as unknown as (...operands: unknown[]) => bigint;
const ALL_ONES = (1n << 128n) - 1n;
const names = (table: object): OpName[] => Object.keys(table) as OpName[];

describe("vectors, lane by lane", () => {
  test.each(names(BINARY))("%s", (op) => {
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        expect(meaning(op)(toBig(a), toBig(b))).toBe(toBig(BINARY[op]?.(a, b) ?? new ArrayBuffer(0)));
      }),
    );
  });

  test.each(names(SHIFT))("%s", (op) => {
    fc.assert(
      fc.property(vector, fc.nat(70), (a, count) => {
        expect(meaning(op)(toBig(a), BigInt(count))).toBe(toBig(SHIFT[op]?.(a, count) ?? new ArrayBuffer(0)));
      }),
    );
    expect(meaning(op)(toBig(new Uint8Array(16).fill(128)), 0xffffffffn)).toBe(
      op.startsWith("sar") ? ALL_ONES : 0n,
    );
  });

  test.each(names(WITH_IMMEDIATE))("%s", (op) => {
    fc.assert(
      fc.property(vector, vector, fc.nat(LIMITS[op] ?? 255), (a, b, imm) => {
        const args = rowOf(op).args.length === 2 ? [toBig(a), toBig(b)] : [toBig(a)];
        expect(meaning(op)(imm, ...args)).toBe(toBig(WITH_IMMEDIATE[op]?.(imm, a, b) ?? new ArrayBuffer(0)));
      }),
    );
  });

  test.each(names(TO_INTEGER))("%s", (op) => {
    fc.assert(
      fc.property(vector, fc.nat((LANE_COUNT[op] ?? 1) - 1), (a, lane) => {
        const operands = LANE_COUNT[op] === undefined ? [toBig(a)] : [lane, toBig(a)];
        expect(meaning(op)(...operands)).toBe(TO_INTEGER[op]?.(lane, a));
      }),
    );
  });

  test.each(["insert.v16", "insert.v32", "insert.v64"] as const)("%s", (op) => {
    const bytes = 16 / (LANE_COUNT[op] ?? 1);
    fc.assert(
      fc.property(vector, vector, fc.nat((LANE_COUNT[op] ?? 1) - 1), (into, from, lane) => {
        const expected = into.slice();
        expected.set(from.subarray(0, bytes), lane * bytes);
        // Of a 32-bit argument a 16-bit lane takes the low bits.
        const value = toBig(from.subarray(0, Math.max(bytes, 4)));
        expect(meaning(op)(lane, toBig(into), value)).toBe(toBig(expected));
      }),
    );
  });

  test("no vector operation of the table is left out", () => {
    const covered = new Set([BINARY, SHIFT, WITH_IMMEDIATE, TO_INTEGER].flatMap((table) => names(table)));
    const left = OP_NAMES.filter((op) => {
      const { args, result, effect, call } = rowOf(op);
      const takesVector = args.includes("v128") || result === "v128";
      return call !== true && takesVector && effect === "none" && args.length > 0 && !covered.has(op);
    });
    expect(left).toEqual(["insert.v16", "insert.v32", "insert.v64"]);
  });
});
