/** Independent formulas for results and flags, on unsigned BigInt, for the tests of the lifters. */

import fc from "fast-check";
import { AF, CF, OF, PF, SF, ZF } from "../../../src/jit/ir/flags.ts";

export const SIZES = [8, 16, 32, 64] as const;
export type Size = (typeof SIZES)[number];

export const mask = (size: number): bigint => (1n << BigInt(size)) - 1n;
export const truncated = (size: number, value: bigint): bigint => BigInt.asUintN(size, value);
export const signed = (size: number, value: bigint): bigint => BigInt.asIntN(size, value);
export const bit = (value: bigint, position: number): boolean => ((value >> BigInt(position)) & 1n) === 1n;
const topBit = (size: number, value: bigint): boolean => bit(value, size - 1);

export const flag = (set: boolean, place: number): number => (set ? place : 0);

const evenParity = (value: bigint): boolean => {
  let ones = 0;
  for (let i = 0; i < 8; i++) ones += bit(value, i) ? 1 : 0;
  return ones % 2 === 0;
};

/** ZF, SF and PF of a result. */
export const resultFlags = (size: number, result: bigint): number =>
  flag(truncated(size, result) === 0n, ZF) | flag(topBit(size, result), SF) | flag(evenParity(result), PF);

/** Flags of a + b + carry. */
export function addFlags(size: number, a: bigint, b: bigint, carry = 0n): number {
  const wide = a + b + carry;
  const exact = signed(size, a) + signed(size, b) + carry;
  return (
    resultFlags(size, wide) |
    flag(wide > mask(size), CF) |
    flag(signed(size, wide) !== exact, OF) |
    flag((a & 15n) + (b & 15n) + carry > 15n, AF)
  );
}

/** Flags of a - b - borrow. */
export function subFlags(size: number, a: bigint, b: bigint, borrow = 0n): number {
  const exact = signed(size, a) - signed(size, b) - borrow;
  return (
    resultFlags(size, a - b - borrow) |
    flag(a < b + borrow, CF) |
    flag(signed(size, a - b - borrow) !== exact, OF) |
    flag((a & 15n) < (b & 15n) + borrow, AF)
  );
}

/** Any 64-bit value, edges often. */
export const word: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: mask(64) }),
  fc.constantFrom(
    ...[0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn],
    ...[0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 63n, mask(63), mask(64)],
  ),
);
export const sizes = fc.constantFrom(...SIZES);
export const statusFlags = fc.nat({ max: 63 }).map((bits) => {
  const places = [CF, PF, AF, ZF, SF, OF];
  return places.reduce((sum, place, i) => sum | ((bits >> i) & 1 ? place : 0), 0);
});

/** Prefix and opcode of the form for a size: byte opcodes are one below the others. */
export function sizedOpcode(size: Size, opcode: number, escape = ""): string {
  const prefix = size === 16 ? "66 " : size === 64 ? "48 " : "";
  const number = size === 8 ? opcode - 1 : opcode;
  return `${prefix}${escape}${number.toString(16).padStart(2, "0")}`;
}

/** A register after a write of its low `size` bits. */
export function written(size: number, old: bigint, value: bigint): bigint {
  const low = truncated(size, value);
  return size >= 32 ? low : (old & ~mask(size) & mask(64)) | low;
}
