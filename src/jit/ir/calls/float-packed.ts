/**
 * SSE arithmetic on all lanes of a register. One call for all lanes, because an unmasked exception in one of them
 * keeps the others from being done. The fast path is tried lane by lane; if one lane needs the software, all do.
 */

import { reciprocal, reciprocalRoot } from "../../float/approximate.ts";
import { add, type Binary, divide, multiply, squareRoot, subtract } from "../../float/arithmetic.ts";
import { choose, GREATER, LESS, predicate } from "../../float/compare.ts";
import type { Environment } from "../../float/environment.ts";
import * as fast from "../../float/fast.ts";
import { DOUBLE, SINGLE } from "../../float/format.ts";
import type { Call, CallMachine } from "./call.ts";
import { integral } from "./float-scalar.ts";
import { begin, giveVector, long, mxcsrOf, noteInexact, settle, word } from "./mxcsr.ts";

const { doubleWords, singleWords } = fast;

/** The doubles of a register, from its words. */
const doubles = (words: readonly number[], at: number): readonly [bigint, bigint] => [
  long(words[at] ?? 0, words[at + 1] ?? 0),
  long(words[at + 2] ?? 0, words[at + 3] ?? 0),
];
const singles = (words: readonly number[], at: number): readonly bigint[] =>
  [0, 1, 2, 3].map((k) => word(words[at + k] ?? 0));

/** Ends a packed operation on singles. */
function giveSingles(m: CallMachine, lanes: readonly bigint[]): number {
  settle(m);
  const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes;
  return giveVector(m, (b << 32n) | a, (d << 32n) | c);
}

function giveDoubles(m: CallMachine, low: bigint, high: bigint): number {
  settle(m);
  return giveVector(m, low, high);
}

type Lane = (env: Environment, a: bigint, b: bigint) => bigint;

/** Lane by lane, of both arguments, by the software. */
const eachDouble =
  (lane: Lane): Call =>
  (m, ...words) => {
    const env = begin(m);
    const [a0, a1] = doubles(words, 0);
    const [b0, b1] = doubles(words, 4);
    const low = lane(env, a0, b0);
    return giveDoubles(m, low, lane(env, a1, b1));
  };
const eachSingle =
  (lane: Lane): Call =>
  (m, ...words) => {
    const env = begin(m);
    const b = singles(words, 4);
    return giveSingles(
      m,
      singles(words, 0).map((a, k) => lane(env, a, b[k] ?? 0n)),
    );
  };

const packedDouble = (operation: number, slow: Binary): Call => {
  const software = eachDouble((env, a, b) => slow(env, DOUBLE, a, b));
  return (m, a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0) => {
    const mxcsr = mxcsrOf(m);
    if (!fast.isUsual(mxcsr)) return software(m, a0, a1, a2, a3, b0, b1, b2, b3);
    const first = fast.fastDouble(operation, mxcsr, a0, a1, b0, b1);
    const low = doubleWords[fast.RESULT_LOW] as number;
    const high = doubleWords[fast.RESULT_HIGH] as number;
    const second = first === fast.SLOW ? fast.SLOW : fast.fastDouble(operation, mxcsr, a2, a3, b2, b3);
    if (second === fast.SLOW) return software(m, a0, a1, a2, a3, b0, b1, b2, b3);
    if (first === fast.LOSSY || second === fast.LOSSY) noteInexact(m, mxcsr);
    const { results } = m;
    results[1] = high;
    results[2] = doubleWords[fast.RESULT_LOW] as number;
    results[3] = doubleWords[fast.RESULT_HIGH] as number;
    return low;
  };
};

const packedSingle = (operation: number, slow: Binary): Call => {
  const software = eachSingle((env, a, b) => slow(env, SINGLE, a, b));
  return (m, a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0) => {
    const mxcsr = mxcsrOf(m);
    if (!fast.isUsual(mxcsr)) return software(m, a0, a1, a2, a3, b0, b1, b2, b3);
    const { results } = m;
    let worst = fast.DONE;
    const lane = (a: number, b: number): number => {
      if (worst === fast.SLOW) return 0;
      const answer = fast.fastSingle(operation, mxcsr, a, b);
      if (answer !== fast.DONE) worst = answer === fast.SLOW ? fast.SLOW : fast.LOSSY;
      return singleWords[fast.RESULT_WORD] as number;
    };
    const first = lane(a0, b0);
    results[1] = lane(a1, b1);
    results[2] = lane(a2, b2);
    results[3] = lane(a3, b3);
    if (worst === fast.SLOW) return software(m, a0, a1, a2, a3, b0, b1, b2, b3);
    if (worst === fast.LOSSY) noteInexact(m, mxcsr);
    return first;
  };
};

const root: Binary = (env, f, a) => squareRoot(env, f, a);
const rootDouble = packedDouble(fast.ROOT, root);
const rootSingle = packedSingle(fast.ROOT, root);
const HIGH = 0x3ff0_0000;
const ONE = 0x3f80_0000;

/** Comparison masks; the predicate comes first. */
const maskDoubles: Call = (m, number = 0, ...words) =>
  eachDouble((env, a, b) => (predicate(env, DOUBLE, a, b, number) ? (1n << 64n) - 1n : 0n))(m, ...words);
const maskSingles: Call = (m, number = 0, ...words) =>
  eachSingle((env, a, b) => (predicate(env, SINGLE, a, b, number) ? 0xffff_ffffn : 0n))(m, ...words);

/** Neighbours of the first argument in the low half, of the second in the high half. */
const horizontalDouble =
  (of: Binary): Call =>
  (m, ...words) => {
    const env = begin(m);
    const low = of(env, DOUBLE, ...doubles(words, 0));
    return giveDoubles(m, low, of(env, DOUBLE, ...doubles(words, 4)));
  };
const horizontalSingle =
  (of: Binary): Call =>
  (m, ...words) => {
    const env = begin(m);
    const all = [...singles(words, 0), ...singles(words, 4)];
    const pair = (k: number): bigint => of(env, SINGLE, all[k] ?? 0n, all[k + 1] ?? 0n);
    return giveSingles(m, [pair(0), pair(2), pair(4), pair(6)]);
  };

/** ADDSUBPS: differences in even lanes, sums in odd ones. */
const alternating = (k: number): Binary => ((k & 1) === 0 ? subtract : add);

/**
 * DPPS, DPPD: products of the lanes that the upper half of the control names, summed in pairs, in the lanes that
 * its lower half names. A lane left out counts as +0. Products and each round of sums report their exceptions, and
 * raise the unmasked ones, before the next begins.
 */
const dotSingle: Call = (m, control = 0, ...words) => {
  const env = begin(m);
  const b = singles(words, 4);
  const products = singles(words, 0).map((a, k) =>
    (control & (16 << k)) === 0 ? 0n : multiply(env, SINGLE, a, b[k] ?? 0n),
  );
  settle(m);
  const [p0 = 0n, p1 = 0n, p2 = 0n, p3 = 0n] = products;
  const low = add(begin(m), SINGLE, p0, p1);
  const high = add(env, SINGLE, p2, p3);
  settle(m);
  const sum = add(begin(m), SINGLE, low, high);
  return giveSingles(
    m,
    products.map((_, k) => ((control & (1 << k)) === 0 ? 0n : sum)),
  );
};
const dotDouble: Call = (m, control = 0, ...words) => {
  const env = begin(m);
  const [a0, a1] = doubles(words, 0);
  const [b0, b1] = doubles(words, 4);
  const p0 = (control & 16) === 0 ? 0n : multiply(env, DOUBLE, a0, b0);
  const p1 = (control & 32) === 0 ? 0n : multiply(env, DOUBLE, a1, b1);
  settle(m);
  const sum = add(begin(m), DOUBLE, p0, p1);
  return giveDoubles(m, (control & 1) === 0 ? 0n : sum, (control & 2) === 0 ? 0n : sum);
};

const eachWord =
  (of: (bits: number) => number): Call =>
  (m, a = 0, b = 0, c = 0, d = 0) => {
    const { results } = m;
    results[1] = of(b);
    results[2] = of(c);
    results[3] = of(d);
    return of(a);
  };

export const PACKED_CALLS = {
  "fadd.v64": packedDouble(fast.ADD, add),
  "fsub.v64": packedDouble(fast.SUBTRACT, subtract),
  "fmul.v64": packedDouble(fast.MULTIPLY, multiply),
  "fdiv.v64": packedDouble(fast.DIVIDE, divide),
  "fmin.v64": eachDouble((env, a, b) => choose(env, DOUBLE, a, b, LESS)),
  "fmax.v64": eachDouble((env, a, b) => choose(env, DOUBLE, a, b, GREATER)),
  "fsqrt.v64": (m, a = 0, b = 0, c = 0, d = 0) => rootDouble(m, a, b, c, d, 0, HIGH, 0, HIGH),
  "fcmp.v64": maskDoubles,
  "fround.v64": (m, control = 0, ...words) => {
    const env = begin(m);
    const [a, b] = doubles(words, 0);
    const low = integral(env, DOUBLE, a, control);
    return giveDoubles(m, low, integral(env, DOUBLE, b, control));
  },
  "fhadd.v64": horizontalDouble(add),
  "fhsub.v64": horizontalDouble(subtract),
  "faddsub.v64": (m, ...words) => {
    const env = begin(m);
    const [a0, a1] = doubles(words, 0);
    const [b0, b1] = doubles(words, 4);
    const low = subtract(env, DOUBLE, a0, b0);
    return giveDoubles(m, low, add(env, DOUBLE, a1, b1));
  },
  "fdot.v64": dotDouble,
  "fadd.v32": packedSingle(fast.ADD, add),
  "fsub.v32": packedSingle(fast.SUBTRACT, subtract),
  "fmul.v32": packedSingle(fast.MULTIPLY, multiply),
  "fdiv.v32": packedSingle(fast.DIVIDE, divide),
  "fmin.v32": eachSingle((env, a, b) => choose(env, SINGLE, a, b, LESS)),
  "fmax.v32": eachSingle((env, a, b) => choose(env, SINGLE, a, b, GREATER)),
  "fsqrt.v32": (m, a = 0, b = 0, c = 0, d = 0) => rootSingle(m, a, b, c, d, ONE, ONE, ONE, ONE),
  "fcmp.v32": maskSingles,
  "fround.v32": (m, control = 0, ...words) => {
    const env = begin(m);
    return giveSingles(
      m,
      singles(words, 0).map((a) => integral(env, SINGLE, a, control)),
    );
  },
  "fhadd.v32": horizontalSingle(add),
  "fhsub.v32": horizontalSingle(subtract),
  "faddsub.v32": (m, ...words) => {
    const env = begin(m);
    const b = singles(words, 4);
    return giveSingles(
      m,
      singles(words, 0).map((a, k) => alternating(k)(env, SINGLE, a, b[k] ?? 0n)),
    );
  },
  "fdot.v32": dotSingle,
  "frecip.v32": eachWord(reciprocal),
  "frecip.f32": (_m, a = 0) => reciprocal(a),
  "frecipsqrt.v32": eachWord(reciprocalRoot),
  "frecipsqrt.f32": (_m, a = 0) => reciprocalRoot(a),
} as const satisfies Readonly<Record<string, Call>>;
