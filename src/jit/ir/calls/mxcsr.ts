/** What the SSE call operations share: MXCSR in and out, words to numbers and back, the exception they raise. */

import { BEFORE, Environment, INEXACT } from "../../float/environment.ts";
import { MXCSR } from "../state.ts";
import type { CallMachine } from "./call.ts";

/** #XM (Intel SDM vol. 3A, table 6-1). */
const VECTOR_SIMD = 19;

/** One call runs at a time. */
const environment = new Environment();

/** The environment that MXCSR describes, with no exception met yet. */
export const begin = (m: CallMachine): Environment => environment.load(m.state.getInt32(MXCSR, true));

/**
 * Adds the exceptions met to MXCSR and raises #XM when one is unmasked. When one of those found from the operands
 * is, nothing was computed, in no lane: the others are not reported (Intel SDM vol. 1, 11.5.2 and 11.5.4).
 */
export function settle(m: CallMachine): void {
  const { flags, masked } = environment;
  if (flags === 0) return;
  const refused = flags & ~masked;
  const met = (refused & BEFORE) !== 0 ? flags & BEFORE : flags;
  m.state.setInt32(MXCSR, m.state.getInt32(MXCSR, true) | met, true);
  if (refused !== 0) m.raise(VECTOR_SIMD);
}

export const noteInexact = (m: CallMachine, mxcsr: number): void =>
  m.state.setInt32(MXCSR, mxcsr | INEXACT, true);

export const mxcsrOf = (m: CallMachine): number => m.state.getInt32(MXCSR, true);

export const word = (value: number): bigint => BigInt(value >>> 0);
export const long = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

/** The 64-bit result of a call. */
export function giveLong(m: CallMachine, value: bigint): number {
  m.results[1] = Number(BigInt.asIntN(32, value >> 32n));
  return Number(BigInt.asIntN(32, value));
}

export const giveWord = (value: bigint): number => Number(BigInt.asIntN(32, value));

/** The 128-bit result of a call, from its halves. */
export function giveVector(m: CallMachine, low: bigint, high: bigint): number {
  const { results } = m;
  results[2] = Number(BigInt.asIntN(32, high));
  results[3] = Number(BigInt.asIntN(32, high >> 32n));
  return giveLong(m, low);
}
