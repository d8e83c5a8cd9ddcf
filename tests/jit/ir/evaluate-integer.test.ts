/** Integer operations of the evaluator against machine arithmetic: int32 operators, typed arrays, digits. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MEANINGS } from "../../../src/jit/ir/evaluate.ts";
import { OP_NAMES, type OpName, rowOf } from "../../../src/jit/ir/ops.ts";

const meaning = (op: OpName) => MEANINGS[op] as unknown as (...operands: unknown[]) => bigint;
const unsigned32 = (x: number): bigint => BigInt(x >>> 0);
const int = (x: boolean): number => (x ? 1 : 0);

const rotate = (x: number, n: number): number => (n === 0 ? x : (x << n) | (x >>> (32 - n)));

/** 32-bit operations on int32 numbers. Counts are masked before. */
const WORD: Partial<Record<OpName, (a: number, b: number) => number>> = {
  "add.i32": (a, b) => a + b,
  "sub.i32": (a, b) => a - b,
  "mul.i32": Math.imul,
  "and.i32": (a, b) => a & b,
  "or.i32": (a, b) => a | b,
  "xor.i32": (a, b) => a ^ b,
  "not.i32": (a) => ~a,
  "neg.i32": (a) => -a,
  "shl.i32": (a, b) => a << b,
  "shr.i32": (a, b) => a >>> b,
  "sar.i32": (a, b) => a >> b,
  "rotl.i32": rotate,
  "rotr.i32": (a, b) => rotate(a, (32 - b) & 31),
  "clz.i32": (a) => Math.clz32(a),
  "ctz.i32": (a) => (a === 0 ? 32 : 31 - Math.clz32(a & -a)),
  "popcnt.i32": (a) => {
    let count = 0;
    for (let i = 0; i < 32; i++) count += (a >>> i) & 1;
    return count;
  },
  "bswap.i32": (a) => new DataView(Int32Array.of(a).buffer).getInt32(0, false),
  "eq.i32": (a, b) => int(a === b),
  "ne.i32": (a, b) => int(a !== b),
  "ult.i32": (a, b) => int(a >>> 0 < b >>> 0),
  "ule.i32": (a, b) => int(a >>> 0 <= b >>> 0),
  "slt.i32": (a, b) => int(a < b),
  "sle.i32": (a, b) => int(a <= b),
  "zext8.i32": (a) => a & 0xff,
  "zext16.i32": (a) => a & 0xffff,
  "sext8.i32": (a) => Int8Array.of(a)[0] ?? 0,
  "sext16.i32": (a) => Int16Array.of(a)[0] ?? 0,
};

/** A 64-bit word as halves, for formulas without wide integers. */
interface Pair {
  readonly lo: number;
  readonly hi: number;
}
const pair = (x: bigint): Pair => ({
  lo: Number(BigInt.asIntN(32, x)),
  hi: Number(BigInt.asIntN(32, x >> 32n)),
});
const join = (lo: number, hi: number): bigint => (unsigned32(hi) << 32n) | unsigned32(lo);
const bit = (x: Pair, i: number): number => ((i < 32 ? x.lo : x.hi) >>> (i & 31)) & 1;
/** The word whose bit i is `from(i)`. */
const fromBits = (from: (i: number) => number): bigint => {
  let [lo, hi] = [0, 0];
  for (let i = 0; i < 32; i++) {
    lo |= from(i) << i;
    hi |= from(i + 32) << i;
  }
  return join(lo, hi);
};
/** Sum of three bits per position, rippling. */
const ripple = (a: Pair, b: Pair, carryIn: number, invert: boolean): bigint => {
  let carry = carryIn;
  return fromBitsInOrder((i) => {
    const sum = bit(a, i) + (bit(b, i) ^ int(invert)) + carry;
    carry = sum >> 1;
    return sum & 1;
  });
};
const fromBitsInOrder = (from: (i: number) => number): bigint => {
  const bits = Array.from({ length: 64 }, (_, i) => from(i));
  return fromBits((i) => bits[i] ?? 0);
};
const below = (a: Pair, b: Pair): boolean =>
  a.hi === b.hi ? a.lo >>> 0 < b.lo >>> 0 : a.hi >>> 0 < b.hi >>> 0;
const less = (a: Pair, b: Pair): boolean => (a.hi === b.hi ? a.lo >>> 0 < b.lo >>> 0 : a.hi < b.hi);
const same = (a: Pair, b: Pair): boolean => a.lo === b.lo && a.hi === b.hi;
const count = (a: Pair): number => Array.from({ length: 64 }, (_, i) => bit(a, i)).reduce((x, y) => x + y, 0);
const firstOne = (order: (i: number) => number, a: Pair): number => {
  for (let i = 0; i < 64; i++) if (bit(a, order(i)) === 1) return i;
  return 64;
};
const ZERO = pair(0n);

/** 64-bit operations on halves and bits; `n` is the low half of the second operand. */
const LONG: Partial<Record<OpName, (a: Pair, b: Pair, n: number) => bigint | number>> = {
  "add.i64": (a, b) => ripple(a, b, 0, false),
  "sub.i64": (a, b) => ripple(a, b, 1, true),
  "and.i64": (a, b) => join(a.lo & b.lo, a.hi & b.hi),
  "or.i64": (a, b) => join(a.lo | b.lo, a.hi | b.hi),
  "xor.i64": (a, b) => join(a.lo ^ b.lo, a.hi ^ b.hi),
  "not.i64": (a) => join(~a.lo, ~a.hi),
  "neg.i64": (a) => ripple(ZERO, a, 1, true),
  "shl.i64": (a, _, n) => fromBits((i) => (i < n ? 0 : bit(a, i - n))),
  "shr.i64": (a, _, n) => fromBits((i) => (i + n > 63 ? 0 : bit(a, i + n))),
  "sar.i64": (a, _, n) => fromBits((i) => bit(a, Math.min(63, i + n))),
  "rotl.i64": (a, _, n) => fromBits((i) => bit(a, (i - n) & 63)),
  "rotr.i64": (a, _, n) => fromBits((i) => bit(a, (i + n) & 63)),
  "clz.i64": (a) => firstOne((i) => 63 - i, a),
  "ctz.i64": (a) => firstOne((i) => i, a),
  "popcnt.i64": count,
  "bswap.i64": (a) => fromBits((i) => bit(a, 56 - (i & 56) + (i & 7))),
  "eq.i64": (a, b) => int(same(a, b)),
  "ne.i64": (a, b) => int(!same(a, b)),
  "ult.i64": (a, b) => int(below(a, b)),
  "ule.i64": (a, b) => int(!below(b, a)),
  "slt.i64": (a, b) => int(less(a, b)),
  "sle.i64": (a, b) => int(!less(b, a)),
  "low.i32": (a) => a.lo >>> 0,
  "high.i32": (a) => a.hi >>> 0,
};

const EDGES = [0n, 1n, 2n, 0x7fn, 0x80n, 0xffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n];
const long = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constantFrom(...EDGES, 0x7fffffffffffffffn, 0x8000000000000000n, 0xffffffffffffffffn),
);
const word = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(0, 1, -1, 127, 128, 255, 32767, 32768, -(2 ** 31)),
);
const names = (table: object): OpName[] => Object.keys(table) as OpName[];
const isShift = (op: OpName): boolean => /^(sh[lr]|sar|rot[lr])\./.test(op);

describe("integers", () => {
  test.each(names(WORD))("%s", (op) => {
    fc.assert(
      fc.property(word, word, (a, other) => {
        const b = isShift(op) ? other & 31 : other;
        expect(meaning(op)(unsigned32(a), unsigned32(b))).toBe(unsigned32(WORD[op]?.(a, b) ?? NaN));
      }),
    );
  });

  test.each(names(LONG))("%s", (op) => {
    fc.assert(
      fc.property(long, long, (a, other) => {
        const b = isShift(op) ? other & 63n : other;
        expect(meaning(op)(a, b)).toBe(BigInt(LONG[op]?.(pair(a), pair(b), Number(b & 63n)) ?? -1));
      }),
    );
  });

  test("products: schoolbook, from 16-bit digits", () => {
    const digits = (x: bigint): number[] => [0n, 16n, 32n, 48n].map((at) => Number((x >> at) & 0xffffn));
    const product = (a: bigint, b: bigint): bigint => {
      let sum = 0n;
      digits(a).forEach((x, i) =>
        digits(b).forEach((y, k) => (sum += BigInt(x * y) << BigInt(16 * (i + k)))),
      );
      return sum;
    };
    fc.assert(
      fc.property(long, long, (a, b) => {
        const whole = product(a, b);
        const cut = (bits: number, x: bigint): bigint => x & ((1n << BigInt(bits)) - 1n);
        expect(meaning("mul.i64")(a, b)).toBe(cut(64, whole));
        expect(meaning("mulhigh.u64")(a, b)).toBe(whole >> 64n);
        // A negative operand counts 2^64 less: take the other operand off the high half.
        const correction = (a >> 63n === 1n ? b : 0n) + (b >> 63n === 1n ? a : 0n);
        expect(meaning("mulhigh.s64")(a, b)).toBe(cut(64, (whole >> 64n) - correction + (1n << 65n)));
        const [x, y] = [cut(32, a), cut(32, b)];
        expect(meaning("mulwide.u32")(x, y)).toBe(product(x, y));
        const signedProduct = Number(BigInt.asIntN(32, x)) * Number(BigInt.asIntN(32, y));
        if (Number.isSafeInteger(signedProduct)) {
          expect(meaning("mulwide.s32")(x, y)).toBe(BigInt.asUintN(64, BigInt(signedProduct)));
        }
      }),
    );
  });

  test("division: quotient and remainder put the dividend together again", () => {
    fc.assert(
      fc.property(long, long, long, (high, low, d) => {
        const dividend = (high << 64n) | low;
        const fits = meaning("divfits.u128")(high, low, d) === 1n;
        expect(fits).toBe(d > high);
        if (!fits) return;
        const [q, r] = [meaning("div.u128")(high, low, d), meaning("rem.u128")(high, low, d)];
        expect(q * d + r).toBe(dividend);
        expect(r < d).toBe(true);
      }),
    );
  });

  test("signed division truncates, the remainder has the dividend's sign", () => {
    const s64 = (x: bigint): bigint => BigInt.asIntN(64, x);
    fc.assert(
      fc.property(fc.oneof(long, fc.constantFrom(0n, (1n << 64n) - 1n)), long, long, (high, low, d) => {
        const dividend = BigInt.asIntN(128, (high << 64n) | low);
        if (meaning("divfits.s128")(high, low, d) === 0n) {
          // It does not fit: zero divisor, or |dividend| is at least |divisor| * 2^63.
          const size = (x: bigint): bigint => (x < 0n ? -x : x);
          expect(d === 0n || size(dividend) >= size(s64(d)) << 63n).toBe(true);
          return;
        }
        const [q, r] = [s64(meaning("div.s128")(high, low, d)), s64(meaning("rem.s128")(high, low, d))];
        expect(q * s64(d) + r).toBe(dividend);
        expect(r === 0n || r < 0n === dividend < 0n).toBe(true);
        expect((r < 0n ? -r : r) < (s64(d) < 0n ? -s64(d) : s64(d))).toBe(true);
      }),
    );
  });

  test("64-bit division is the 128-bit one with an extended dividend", () => {
    fc.assert(
      fc.property(long, long, (a, d) => {
        fc.pre(d !== 0n);
        expect(meaning("div.u64")(a, d)).toBe(meaning("div.u128")(0n, a, d));
        expect(meaning("rem.u64")(a, d)).toBe(meaning("rem.u128")(0n, a, d));
        const sign = a >> 63n === 1n ? (1n << 64n) - 1n : 0n;
        fc.pre(meaning("divfits.s128")(sign, a, d) === 1n);
        expect(meaning("div.s64")(a, d)).toBe(meaning("div.s128")(sign, a, d));
        expect(meaning("rem.s64")(a, d)).toBe(meaning("rem.s128")(sign, a, d));
      }),
    );
  });

  test("fields, halves and truth values", () => {
    fc.assert(
      fc.property(long, word, fc.nat(31), fc.nat(31), fc.boolean(), (a, b, at, more, choice) => {
        const width = Math.min(more + 1, 32 - at);
        const inField = (i: number): boolean => i >= at && i < at + width;
        const inserted = fromBits((i) => (inField(i) ? (b >>> (i - at)) & 1 : bit(pair(a), i)));
        expect(meaning("insert.i64")(at, width, a, unsigned32(b))).toBe(inserted);
        const extracted = fromBits((i) => (i < width ? bit(pair(a), i + at) : 0));
        expect(meaning("extract.i32")(at, width, a)).toBe(extracted);
        expect(meaning("zext.i64")(unsigned32(b))).toBe(unsigned32(b));
        expect(meaning("sext.i64")(unsigned32(b))).toBe(join(b, b < 0 ? -1 : 0));
        expect(meaning("concat.i64")(unsigned32(b), unsigned32(~b))).toBe(join(b, ~b));
        const c = choice ? 1n : 0n;
        expect(meaning("bool.i32")(c)).toBe(c);
        expect(meaning("select.i64")(c, a, 5n)).toBe(choice ? a : 5n);
        expect(meaning("select.i32")(c, 9n, unsigned32(b))).toBe(choice ? 9n : unsigned32(b));
      }),
    );
    const table = (op: OpName): string => [0n, 1n, 2n, 3n].map((x) => meaning(op)(x >> 1n, x & 1n)).join("");
    expect(["and.i1", "or.i1", "xor.i1"].map((op) => table(op as OpName))).toEqual(["0001", "0111", "0110"]);
    expect([meaning("not.i1")(0n), meaning("not.i1")(1n)]).toEqual([1n, 0n]);
  });

  test("no integer operation of the table is left out", () => {
    const covered = new Set([...names(WORD), ...names(LONG)]);
    const left = OP_NAMES.filter((op) => {
      const { args, result, effect, call } = rowOf(op);
      const types = [...args, result];
      const isInteger = !types.includes("v128") && !types.includes("flags");
      return call !== true && isInteger && effect === "none" && args.length > 0 && !covered.has(op);
    });
    expect(left.join(" ")).toBe(
      "and.i1 or.i1 xor.i1 not.i1 select.i32 mul.i64 select.i64 mulwide.u32 mulwide.s32 mulhigh.u64 mulhigh.s64 " +
        "div.u128 rem.u128 div.s128 rem.s128 divfits.u128 divfits.s128 div.u64 rem.u64 div.s64 rem.s64 " +
        "zext.i64 sext.i64 concat.i64 bool.i32 insert.i64 extract.i32 cpuid",
    );
  });
});
