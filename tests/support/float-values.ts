/**
 * Random content of floating-point registers: all classes of numbers, modes and stacks. Recorded vectors start from
 * what `x87` gives for their seed: it must not change.
 */

import type { X87State } from "./state.ts";

/** 32 random bits, unsigned. */
export type Bits = () => number;

const wide = (next: Bits): bigint => (BigInt(next()) << 32n) | BigInt(next());

/** A stored exponent: zero, all ones, near either end, or near one. */
function exponent(next: Bits, most: number): number {
  switch (next() % 9) {
    case 0:
      return 0;
    case 1:
      return most;
    case 2:
      return 1 + (next() % 60);
    case 3:
      return most - 1 - (next() % 4);
    case 4:
      return next() % (most + 1);
    default:
      return (most >> 1) + (next() % 70) - 3;
  }
}

function fraction(next: Bits, bits: number): bigint {
  const count = BigInt(bits);
  switch (next() % 6) {
    case 0:
      return 0n;
    case 1:
      return (1n << count) - 1n;
    case 2:
      return 1n << BigInt(next() % bits);
    default:
      return BigInt.asUintN(bits, wide(next));
  }
}

const single = (next: Bits): bigint =>
  (BigInt(next() & 1) << 31n) | (BigInt(exponent(next, 255) & 255) << 23n) | fraction(next, 23);
const double = (next: Bits): bigint =>
  (BigInt(next() & 1) << 63n) | (BigInt(exponent(next, 2047) & 2047) << 52n) | fraction(next, 52);

/** 64 bits: a double, two singles, or anything. */
export function float64(next: Bits): bigint {
  const kind = next() % 8;
  if (kind < 3) return double(next);
  return kind < 6 ? (single(next) << 32n) | single(next) : wide(next);
}

export function floatBytes(next: Bits, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < length; at += 8) view.setBigUint64(at, float64(next), true);
  return bytes;
}

/** Usually what a program starts with; else other modes, flags, and now and then unmasked exceptions. */
export function mxcsr(next: Bits): number {
  if (next() % 3 === 0) return 0x1f80 | (next() & 63);
  const modes = next() & 0xe040;
  return (next() % 3 === 0 ? next() & 0x1f80 : 0x1f80) | modes | (next() & 63);
}

function extended(next: Bits, into: DataView, at: number): void {
  const sign = (next() & 1) << 15;
  const stored = exponent(next, 0x7fff) & 0x7fff;
  const leading = stored === 0 ? BigInt(next() % 3 === 0 ? 1 : 0) : BigInt(next() % 40 === 0 ? 0 : 1);
  into.setBigUint64(at, (leading << 63n) | fraction(next, 63), true);
  into.setUint16(at + 8, sign | stored, true);
}

/** A stack of any depth; control words with each precision, rounding and, now and then, unmasked exceptions. */
export function x87(next: Bits): X87State {
  const stack = new Uint8Array(128);
  const view = new DataView(stack.buffer);
  for (let i = 0; i < 8; i++) extended(next, view, 16 * i);
  const masks = next() % 4 === 0 ? next() & 63 : 63;
  const precision = next() % 3 === 0 ? [0, 2, 3][next() % 3]! : 3;
  const rounding = next() % 3 === 0 ? next() & 3 : 0;
  const tags = next() % 3 === 0 ? next() & 255 : 255;
  const flags = next() % 4 === 0 ? next() & 0x7f : 0;
  // The summary of pending exceptions is what flags and masks make of it.
  const pending = (flags & ~masks & 63) === 0 ? 0 : 0x8080;
  return {
    control: masks | 0x40 | (precision << 8) | (rounding << 10),
    status: ((next() & 7) << 11) | (next() % 2 === 0 ? next() & 0x4700 : 0) | flags | pending,
    tags,
    stack,
  };
}
