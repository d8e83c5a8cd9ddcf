/**
 * Call operations on integer vectors (SSSE3, SSE4.1, SSE4.2) and on words bit by bit (BMI2): rows of the operation
 * table, and what they do. Lane 0 is the lowest; names as in ops.ts.
 */

import { type Call, pureCall, pureCallImm } from "./call.ts";
import { compareExplicit, compareImplicit } from "./strings.ts";
import {
  A,
  B,
  binary,
  binaryImm,
  C,
  clampS16,
  clampU16,
  eachLane,
  eachNeighbour,
  R,
  ternary,
  unary,
} from "./vector-lanes.ts";

const UNARY = pureCall(["v128"], "v128");
const BINARY = pureCall(["v128", "v128"], "v128");
const BINARY_IMM = pureCallImm(["lane"], ["v128", "v128"], "v128");
const TERNARY = pureCall(["v128", "v128", "v128"], "v128");
const WORDS = pureCall(["i64", "i64"], "i64");

export const VECTOR_OPS = {
  /** Bytes of the first chosen by the low four bits of those of the second; zero where its sign is set (PSHUFB). */
  "shufflebytes.v8": BINARY,
  /** Sums and differences of neighbours: the first argument's in the low half (PHADD, PHSUB). */
  "hadd.v16": BINARY,
  "hadd.v32": BINARY,
  "haddsat.s16": BINARY,
  "hsub.v16": BINARY,
  "hsub.v32": BINARY,
  "hsubsat.s16": BINARY,
  /** Saturated sums of neighbouring products of unsigned and signed bytes (PMADDUBSW). */
  "maddsat.u8": BINARY,
  /** High half of the doubled product, rounded (PMULHRSW). */
  "mulround.s16": BINARY,
  /** The first with the sign of the second; zero where that is zero (PSIGN). */
  "sign.v8": BINARY,
  "sign.v16": BINARY,
  "sign.v32": BINARY,
  "abs.v8": UNARY,
  "abs.v16": UNARY,
  "abs.v32": UNARY,
  /** 16 bytes from byte `lane` (0..32) of the second with the first above it (PALIGNR). */
  "align.v128": BINARY_IMM,
  /** Lanes of the second where the sign of the third is set, of the first elsewhere (PBLENDVB, BLENDVPS, BLENDVPD). */
  "blend.v8": TERNARY,
  "blend.v32": TERNARY,
  "blend.v64": TERNARY,
  /** 16-bit lanes of the second where the immediate has a bit, of the first elsewhere (PBLENDW). */
  "blendmask.v16": BINARY_IMM,
  "muleven.s32": BINARY,
  "mul.v32": BINARY,
  "sgt.v64": BINARY,
  "packu.s32": BINARY,
  "min.s8": BINARY,
  "max.s8": BINARY,
  "min.u16": BINARY,
  "max.u16": BINARY,
  "min.s32": BINARY,
  "max.s32": BINARY,
  "min.u32": BINARY,
  "max.u32": BINARY,
  /** The least unsigned 16-bit lane and its number (PHMINPOSUW). */
  "minposition.u16": UNARY,
  /** Eight sums of four absolute differences; the immediate chooses the blocks (MPSADBW). */
  "sadblocks.u8": BINARY_IMM,
  /** Strings compared as the control says: the mask in the low half, status flags at their places in the high half. */
  "comparestrings.explicit": pureCallImm(["lane"], ["v128", "v128", "i64", "i64"], "i64"),
  "comparestrings.implicit": pureCallImm(["lane"], ["v128", "v128"], "i64"),
  /** Bits of a mask as lanes of all ones. */
  "expandmask.v8": pureCall(["i32"], "v128"),
  "expandmask.v16": pureCall(["i32"], "v128"),
  /** PEXT and PDEP: source, then mask. */
  "gatherbits.i64": WORDS,
  "scatterbits.i64": WORDS,
} as const;

const withSign = (a: number, b: number): number => (b < 0 ? -a : b === 0 ? 0 : a);

const blended = (view: "s8" | "words"): Call =>
  ternary(() => {
    for (let i = 0; i < R[view].length; i++) R[view][i] = C[view][i]! < 0 ? B[view][i]! : A[view][i]!;
  });

const absolute = (view: "s8" | "s16" | "words"): Call =>
  unary(() => {
    for (let i = 0; i < R[view].length; i++) R[view][i] = Math.abs(A[view][i]!);
  });

/** Signed comparison of 64-bit lanes: the high word decides, then the low word without sign. */
function greater64(lane: number): number {
  const high = 2 * lane + 1;
  const a = A.words[high]!;
  const b = B.words[high]!;
  return a > b || (a === b && A.u32[2 * lane]! > B.u32[2 * lane]!) ? -1 : 0;
}

function multiplyEven(): void {
  for (let i = 0; i < 4; i += 2) {
    const product = BigInt(A.words[i]!) * BigInt(B.words[i]!);
    R.words[i] = Number(BigInt.asIntN(32, product));
    R.words[i + 1] = Number(BigInt.asIntN(32, product >> 32n));
  }
}

function maddBytes(): void {
  for (let i = 0; i < 8; i++) {
    const low = A.u8[2 * i]! * B.s8[2 * i]!;
    R.s16[i] = clampS16(low + A.u8[2 * i + 1]! * B.s8[2 * i + 1]!);
  }
}

function packUnsigned(): void {
  for (let i = 0; i < 4; i++) {
    R.u16[i] = clampU16(A.words[i]!);
    R.u16[i + 4] = clampU16(B.words[i]!);
  }
}

function leastPosition(): void {
  let at = 0;
  for (let i = 1; i < 8; i++) if (A.u16[i]! < A.u16[at]!) at = i;
  R.words.fill(0);
  R.words[0] = A.u16[at]! | (at << 16);
}

/** Bit 2 of the control moves the first argument's window by four bytes, bits 0 and 1 the second's block. */
function sumBlocks(control: number): void {
  const from = control & 4;
  const block = (control & 3) * 4;
  for (let i = 0; i < 8; i++) {
    let sum = 0;
    for (let k = 0; k < 4; k++) sum += Math.abs(A.u8[from + i + k]! - B.u8[block + k]!);
    R.u16[i] = sum;
  }
}

function shuffleBytes(): void {
  for (let i = 0; i < 16; i++) R.u8[i] = B.s8[i]! < 0 ? 0 : A.u8[B.u8[i]! & 15]!;
}

function align(bytes: number): void {
  for (let i = 0; i < 16; i++) {
    const at = i + bytes;
    R.u8[i] = at < 16 ? B.u8[at]! : at < 32 ? A.u8[at - 16]! : 0;
  }
}

const expanded = (view: "s8" | "s16"): Call => {
  const fill = unary(() => {
    for (let i = 0; i < R[view].length; i++) R[view][i] = (A.words[0]! >> i) & 1 ? -1 : 0;
  });
  return (m, mask) => fill(m, mask!, 0, 0, 0);
};

/** Bit `position` of a 64-bit word in two halves. */
const bitAt = (low: number, high: number, position: number): number =>
  ((position < 32 ? low : high) >>> (position & 31)) & 1;

/** PEXT gathers the bits at the places of the mask's ones to the low end, PDEP scatters low bits to those places. */
const moveBits =
  (gathers: boolean): Call =>
  (m, low, high, mask, maskHigh) => {
    const out = [0, 0];
    let dense = 0;
    for (let place = 0; place < 64; place++) {
      if (bitAt(mask!, maskHigh!, place) === 0) continue;
      const [from, to] = gathers ? [place, dense] : [dense, place];
      out[to >> 5]! |= bitAt(low!, high!, from) << (to & 31);
      dense++;
    }
    m.results[1] = out[1]!;
    return out[0]!;
  };

export const VECTOR_CALLS: { readonly [K in keyof typeof VECTOR_OPS]: Call } = {
  "shufflebytes.v8": binary(shuffleBytes),
  "hadd.v16": eachNeighbour("s16", (a, b) => a + b),
  "hadd.v32": eachNeighbour("words", (a, b) => a + b),
  "haddsat.s16": eachNeighbour("s16", (a, b) => clampS16(a + b)),
  "hsub.v16": eachNeighbour("s16", (a, b) => a - b),
  "hsub.v32": eachNeighbour("words", (a, b) => a - b),
  "hsubsat.s16": eachNeighbour("s16", (a, b) => clampS16(a - b)),
  "maddsat.u8": binary(maddBytes),
  "mulround.s16": eachLane("s16", (a, b) => (((a * b) >> 14) + 1) >> 1),
  "sign.v8": eachLane("s8", withSign),
  "sign.v16": eachLane("s16", withSign),
  "sign.v32": eachLane("words", withSign),
  "abs.v8": absolute("s8"),
  "abs.v16": absolute("s16"),
  "abs.v32": absolute("words"),
  "align.v128": binaryImm(align),
  "blend.v8": blended("s8"),
  "blend.v32": blended("words"),
  "blend.v64": ternary(() => {
    for (let i = 0; i < 4; i++) R.words[i] = C.words[i | 1]! < 0 ? B.words[i]! : A.words[i]!;
  }),
  "blendmask.v16": binaryImm((mask) => {
    for (let i = 0; i < 8; i++) R.u16[i] = (mask >> i) & 1 ? B.u16[i]! : A.u16[i]!;
  }),
  "muleven.s32": binary(multiplyEven),
  "mul.v32": eachLane("words", Math.imul),
  "sgt.v64": binary(() => {
    for (let i = 0; i < 4; i++) R.words[i] = greater64(i >> 1);
  }),
  "packu.s32": binary(packUnsigned),
  "min.s8": eachLane("s8", Math.min),
  "max.s8": eachLane("s8", Math.max),
  "min.u16": eachLane("u16", Math.min),
  "max.u16": eachLane("u16", Math.max),
  "min.s32": eachLane("words", Math.min),
  "max.s32": eachLane("words", Math.max),
  "min.u32": eachLane("u32", Math.min),
  "max.u32": eachLane("u32", Math.max),
  "minposition.u16": unary(leastPosition),
  "sadblocks.u8": binaryImm(sumBlocks),
  "comparestrings.explicit": compareExplicit,
  "comparestrings.implicit": compareImplicit,
  "expandmask.v8": expanded("s8"),
  "expandmask.v16": expanded("s16"),
  "gatherbits.i64": moveBits(true),
  "scatterbits.i64": moveBits(false),
};
