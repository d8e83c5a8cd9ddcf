/** Wide multiplication and division against `BigInt`, with operands of every size. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Divider, Multiplier } from "../../../src/jit/emit/javascript/runtime-divide.ts";

/** 64-bit values of every length, and those next to powers of two. */
const value = fc.oneof(
  fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(63)).map(([bits, by]) => bits >> BigInt(by)),
  fc.tuple(fc.nat(64), fc.integer({ min: -2, max: 2 })).map(([by, near]) => (1n << BigInt(by)) + BigInt(near)),
).map((bits) => BigInt.asUintN(64, bits)); // prettier-ignore

const lo = (bits: bigint): number => Number(BigInt.asIntN(32, bits));
const hi = (bits: bigint): number => lo(bits >> 32n);
const signed = (bits: bigint): bigint => BigInt.asIntN(64, bits);
const unsigned = (bits: bigint): bigint => BigInt.asUintN(64, bits);
const join = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

const RUNS = { numRuns: 3000 };

test.each([
  ["unsigned", unsigned],
  ["signed", signed],
] as const)("the high half of a product, %s", (kind, read) => {
  const multiplier = new Multiplier();
  fc.assert(
    fc.property(value, value, (a, b) => {
      const low = multiplier[kind](lo(a), hi(a), lo(b), hi(b));
      expect(join(low, multiplier.hi)).toBe(unsigned((read(a) * read(b)) >> 64n));
    }),
    RUNS,
  );
});

describe("division", () => {
  const divider = new Divider();
  const results = (): [bigint, bigint] => [
    join(divider.quotientLo, divider.quotientHi),
    join(divider.remainderLo, divider.remainderHi),
  ];

  test("of 64 bits, unsigned", () => {
    fc.assert(
      fc.property(value, value, (a, d) => {
        divider.unsigned(0, 0, lo(a), hi(a), lo(d), hi(d));
        expect(results()).toEqual(d === 0n ? [0n, 0n] : [a / d, a % d]);
      }),
      RUNS,
    );
  });

  test("of 64 bits, signed: towards zero, the remainder has the dividend's sign", () => {
    fc.assert(
      fc.property(value, value, (a, d) => {
        const sign = hi(a) >> 31;
        divider.signed(sign, sign, lo(a), hi(a), lo(d), hi(d));
        const quotient = d === 0n ? 0n : signed(a) / signed(d);
        const remainder = d === 0n ? 0n : signed(a) % signed(d);
        expect(results()).toEqual([unsigned(quotient), unsigned(remainder)]);
      }),
      RUNS,
    );
  });

  test("of 128 bits, where the quotient fits", () => {
    fc.assert(
      fc.property(value, value, value, (h, l, d) => {
        const dividend = (h << 64n) | l;
        if (h < d) {
          divider.unsigned(lo(h), hi(h), lo(l), hi(l), lo(d), hi(d));
          expect(results()).toEqual([dividend / d, dividend % d]);
        }
        const signedDividend = BigInt.asIntN(128, dividend);
        const fits = d !== 0n && signed(signedDividend / signed(d)) === signedDividend / signed(d);
        expect(divider.fitsSigned(lo(h), hi(h), lo(l), hi(l), lo(d), hi(d))).toBe(fits);
        if (!fits) return;
        divider.signed(lo(h), hi(h), lo(l), hi(l), lo(d), hi(d));
        const quotient = signedDividend / signed(d);
        expect(results()).toEqual([unsigned(quotient), unsigned(signedDividend % signed(d))]);
      }),
      RUNS,
    );
  });

  test("remembers its operands, not only the dividend or the kind", () => {
    const minusOne = [-1, -1] as const;
    divider.unsigned(0, 0, ...minusOne, 2, 0);
    expect(results()).toEqual([2n ** 63n - 1n, 1n]);
    divider.signed(-1, -1, ...minusOne, 2, 0);
    expect(results()).toEqual([0n, unsigned(-1n)]);
    divider.signed(-1, -1, ...minusOne, 1, 0);
    expect(results()).toEqual([unsigned(-1n), 0n]);
    divider.unsigned(0, 0, ...minusOne, 2, 0);
    expect(results()).toEqual([2n ** 63n - 1n, 1n]);
  });
});
