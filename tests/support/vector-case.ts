/**
 * Start states for recorded results, made from a number. They must never change: they are part of every recorded
 * line. Hence random numbers of their own.
 */

import { CODE_PAGE, type CpuState, DATA_BYTES, DATA_PAGES, type TestCase, WINDOW_BYTES } from "./state.ts";

const CODE_OFFSET = 1024;

/** SplitMix32: 32 random bits a call. */
function numbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}

const EDGES = [
  0n, 1n, 2n, 7n, 8n, 31n, 32n, 63n, 64n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn, 0x7fff_ffffn, 0x8000_0000n,
  0xffff_ffffn, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn,
] as const; // prettier-ignore
const PLACES = [
  DATA_PAGES, DATA_PAGES + 32, DATA_PAGES + 4096, DATA_PAGES + 4000, DATA_PAGES + 4160, DATA_PAGES + DATA_BYTES - 32,
] as const; // prettier-ignore
/** Bit patterns of float lanes that rules are about: zeros, ones, denormals, infinities, NaNs of both kinds. */
const FLOATS = [
  0n, 0x8000_0000n, 0x3f80_0000n, 0xbf80_0000n, 0x4049_0fdbn, 0x0000_0001n, 0x807f_ffffn, 0x7f7f_ffffn, 0x7f80_0000n,
  0xff80_0000n, 0x7fc0_0001n, 0x7f80_0001n, 0xffc1_2345n,
] as const; // prettier-ignore
const DOUBLES = [
  0n, 1n << 63n, 0x3ff0_0000_0000_0000n, 0xbff0_0000_0000_0000n, 0x4009_21fb_5444_2d18n, 1n, 0x7fef_ffff_ffff_ffffn,
  0x7ff0_0000_0000_0000n, 0xfff0_0000_0000_0000n, 0x7ff8_0000_0000_0001n, 0x7ff0_0000_0000_0001n,
  0x41df_ffff_ffc0_0000n, 0xc1e0_0000_0000_0000n,
] as const; // prettier-ignore

type Next = () => number;
const pick = <T>(next: Next, from: readonly T[]): T => from[next() % from.length]!;
const wide = (next: Next): bigint => (BigInt(next()) << 32n) | BigInt(next());

function registerValue(next: Next): bigint {
  const kind = next() % 8;
  if (kind < 3) return BigInt(pick(next, PLACES) + (next() % 3) * 16);
  if (kind === 3) return BigInt(pick(next, PLACES) + (next() % 40));
  if (kind < 6) return pick(next, EDGES);
  return kind === 6 ? BigInt(next() % 50) : wide(next);
}

/** 64 bits of vector content: integers of any look, or floats and doubles of every class. */
function vectorValue(next: Next): bigint {
  const kind = next() % 6;
  if (kind < 2) return wide(next);
  if (kind === 2) return (pick(next, FLOATS) << 32n) | pick(next, FLOATS);
  if (kind === 3) return pick(next, DOUBLES);
  return kind === 4 ? pick(next, EDGES) : wide(next) & wide(next) & wide(next);
}

function vectorBytes(next: Next, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < length; at += 8) view.setBigUint64(at, vectorValue(next), true);
  return bytes;
}

/** MXCSR: mostly as at power-up; else any rounding, DAZ, FTZ, flags; rarely with an exception unmasked. */
function controlWord(next: Next): number {
  const kind = next() % 4;
  if (kind < 2) return 0x1f80;
  const free = next() & 0xe07f;
  return kind === 2 || next() % 2 === 0 ? 0x1f80 | free : (free & 0xe040) | (next() & 0x1f80);
}

/** 80 bits: extended forms of the doubles, and encodings that only this format has. */
function extendedValue(next: Next): { readonly mantissa: bigint; readonly exponent: number } {
  const sign = next() & 0x8000;
  const kind = next() % 8;
  if (kind < 2) return { mantissa: (1n << 63n) | wide(next), exponent: sign | (0x3fff - 40 + (next() % 80)) };
  if (kind === 2) return { mantissa: BigInt(1 + (next() % 100)) << 57n, exponent: sign | 0x4005 };
  if (kind === 3)
    return { mantissa: 1n << 63n, exponent: sign | pick(next, [0x3fff, 0x4000, 0x7fff, 0x0001]) };
  if (kind === 4) return { mantissa: 0n, exponent: sign };
  if (kind === 5) return { mantissa: (3n << 62n) | wide(next), exponent: sign | 0x7fff };
  if (kind === 6) return { mantissa: wide(next) >> 1n, exponent: sign | pick(next, [0, 0x7fff]) };
  return { mantissa: (1n << 63n) | wide(next), exponent: sign | (next() & 0x7fff) };
}

/** The x87 unit: masked, mostly full, any top of stack and rounding. */
function x87State(next: Next): CpuState["x87"] {
  const stack = new Uint8Array(128);
  const view = new DataView(stack.buffer);
  for (let i = 0; i < 8; i++) {
    const { mantissa, exponent } = extendedValue(next);
    view.setBigUint64(16 * i, BigInt.asUintN(64, mantissa), true);
    view.setUint16(16 * i + 8, exponent, true);
  }
  const control = next() % 2 === 0 ? 0x37f : 0x7f | (next() & 0xc00) | pick(next, [0, 0x200, 0x300]);
  const tags = next() % 4 === 0 ? next() & 0xff : 0xff;
  return { control, status: next() & 0x7f00 & ~0x8000, tags, stack };
}

/** The experiment that runs `code` from the state number `seed`. */
export function vectorCase(code: Uint8Array, seed: number): TestCase {
  const next = numbers(seed);
  const gpr = Array.from({ length: 16 }, () => registerValue(next));
  return {
    state: {
      gpr,
      rip: BigInt(CODE_PAGE + CODE_OFFSET),
      rflags: BigInt((next() & 0x8d5) | (next() % 8 === 0 ? 0x400 : 0) | 0x202),
      xmm: vectorBytes(next, 256),
      mxcsr: controlWord(next),
      x87: x87State(next),
    },
    code,
    codeOffset: CODE_OFFSET,
    window: vectorBytes(next, WINDOW_BYTES),
    rodata: vectorBytes(next, 64),
  };
}
