/**
 * Vectors as lanes, for call operations: arguments are unpacked into `A`, `B` and `C`, a computation fills `R`. The
 * views of one buffer are its lanes of every width. Calls never nest, so one set of buffers serves them all.
 */

import type { Call, CallMachine } from "./call.ts";

class Lanes {
  readonly words = new Int32Array(4);
  readonly u32 = new Uint32Array(this.words.buffer);
  readonly s16 = new Int16Array(this.words.buffer);
  readonly u16 = new Uint16Array(this.words.buffer);
  readonly s8 = new Int8Array(this.words.buffer);
  readonly u8 = new Uint8Array(this.words.buffer);
}

/** First, second and third argument, and the result. */
export const A = new Lanes();
export const B = new Lanes();
export const C = new Lanes();
export const R = new Lanes();

export function setLanes({ words }: Lanes, w0: number, w1: number, w2: number, w3: number): void {
  words[0] = w0;
  words[1] = w1;
  words[2] = w2;
  words[3] = w3;
}

/** `R` as a call returns it. */
export function returned({ results }: CallMachine): number {
  const { words } = R;
  results[1] = words[1]!;
  results[2] = words[2]!;
  results[3] = words[3]!;
  return words[0]!;
}

/** A call of two vectors. */
export const binary =
  (compute: () => void): Call =>
  (m, a0, a1, a2, a3, b0, b1, b2, b3) => {
    setLanes(A, a0!, a1!, a2!, a3!);
    setLanes(B, b0!, b1!, b2!, b3!);
    compute();
    return returned(m);
  };

/** A call of two vectors with an immediate. */
export const binaryImm =
  (compute: (immediate: number) => void): Call =>
  (m, immediate, a0, a1, a2, a3, b0, b1, b2, b3) => {
    setLanes(A, a0!, a1!, a2!, a3!);
    setLanes(B, b0!, b1!, b2!, b3!);
    compute(immediate!);
    return returned(m);
  };

/** A call of one vector. */
export const unary =
  (compute: () => void): Call =>
  (m, a0, a1, a2, a3) => {
    setLanes(A, a0!, a1!, a2!, a3!);
    compute();
    return returned(m);
  };

/** A call of three vectors. */
export const ternary =
  (compute: () => void): Call =>
  (m, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3) => {
    setLanes(A, a0!, a1!, a2!, a3!);
    setLanes(B, b0!, b1!, b2!, b3!);
    setLanes(C, c0!, c1!, c2!, c3!);
    compute();
    return returned(m);
  };

type View = "words" | "u32" | "s16" | "u16" | "s8" | "u8";

/** Applies `f` to each pair of lanes; what it gives is cut to the lane. */
export const eachLane = (view: View, f: (a: number, b: number) => number): Call =>
  binary(() => {
    const left = A[view];
    const right = B[view];
    const result = R[view];
    for (let i = 0; i < result.length; i++) result[i] = f(left[i]!, right[i]!);
  });

/** Neighbouring lanes combined: those of the first argument give the low half. */
export const eachNeighbour = (view: View, f: (a: number, b: number) => number): Call =>
  binary(() => {
    const result = R[view];
    const half = result.length >> 1;
    for (let i = 0; i < half; i++) {
      result[i] = f(A[view][2 * i]!, A[view][2 * i + 1]!);
      result[half + i] = f(B[view][2 * i]!, B[view][2 * i + 1]!);
    }
  });

export const clampS16 = (value: number): number => Math.max(-32768, Math.min(32767, value));
export const clampU16 = (value: number): number => Math.max(0, Math.min(65535, value));
