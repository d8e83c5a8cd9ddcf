/** Vector instructions of SSE3, SSSE3 and SSE4.1 that are more than one operation (Intel SDM vol. 1, 5.7 to 5.10). */

import type { Value } from "../../jit/ir/ops.ts";
import { ACCESS_MODIFY } from "../../jit/ir/ops.ts";
import { RDI } from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import { setCarryAndZero } from "./bits.ts";
import type { LiftContext } from "./context.ts";
import {
  addressOf,
  addressRegister,
  immediateByte,
  load,
  read,
  readLane,
  readVector,
  registerOf,
  sizeOf,
  stackAccess,
  withSegment,
  write,
  writeVector,
} from "./operands.ts";

type I32 = Value<"i32">;
type I64 = Value<"i64">;
type V128 = Value<"v128">;

const zero = (ctx: LiftContext): V128 => ctx.ir.add("const.v128", 0, 0, 0, 0);

const isZero = (ctx: LiftContext, vector: V128): Value<"i1"> => {
  const { ir } = ctx;
  const both = ir.add("or.i64", ir.add("extract.v64", 0, vector), ir.add("extract.v64", 1, vector));
  return ir.add("eq.i64", both, ctx.i64(0));
};

/** ZF: no common bits; CF: the source has none outside the destination. */
export const ptest: Lifter = (ctx) => {
  const { ir } = ctx;
  const destination = readVector(ctx, 0);
  const source = readVector(ctx, 1);
  const outside = isZero(ctx, ir.add("andnot.v128", destination, source));
  setCarryAndZero(ctx, outside, isZero(ctx, ir.add("and.v128", destination, source)));
};

/** A vector operand of 16, 32 or 64 bits in the low part of a vector; what is above does not count. */
function lowPart(ctx: LiftContext, position: number): V128 {
  const { ir } = ctx;
  const register = registerOf(ctx, position);
  if (register !== undefined) return ctx.vector(register);
  const size = sizeOf(ctx, position);
  const value = load(ctx, size, addressOf(ctx), stackAccess(ctx.insn));
  return size === 64
    ? ir.add("insert.v64", 0, zero(ctx), value as I64)
    : ir.add("insert.v32", 0, zero(ctx), value as I32);
}

const UNPACK = { 8: "unpacklow.v8", 16: "unpacklow.v16", 32: "unpacklow.v32" } as const;
type Lane = 8 | 16 | 32 | 64;

/** PMOVZX: lanes side by side with zeros, until they have the width. */
export const zeroExtendLanes =
  (from: Exclude<Lane, 64>, to: Lane): Lifter =>
  (ctx) => {
    let vector = lowPart(ctx, 1);
    for (let width = from as Lane; width < to && width !== 64; width = (width * 2) as Lane)
      vector = ctx.ir.add(UNPACK[width], vector, zero(ctx));
    writeVector(ctx, 0, vector);
  };

/** PMOVSX: lanes side by side with themselves, then shifted down; 64 bits are 32 beside their signs. */
export const signExtendLanes =
  (from: Exclude<Lane, 64>, to: Lane): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    let vector = lowPart(ctx, 1);
    const middle = Math.min(to, 32);
    for (let width = from as Lane; width < middle && width !== 64; width = (width * 2) as Lane)
      vector = ir.add(UNPACK[width], vector, vector);
    if (middle === 16) vector = ir.add("sar.v16", vector, ctx.i32(8));
    else if (from < 32) vector = ir.add("sar.v32", vector, ctx.i32(32 - from));
    if (to === 64) vector = ir.add("unpacklow.v32", vector, ir.add("sar.v32", vector, ctx.i32(31)));
    writeVector(ctx, 0, vector);
  };

/** PCMPEQQ: both halves of a lane are equal. */
export const equalLanes64: Lifter = (ctx) => {
  const { ir } = ctx;
  const halves = ir.add("eq.v32", readVector(ctx, 0), readVector(ctx, 1));
  writeVector(ctx, 0, ir.add("and.v128", halves, ir.add("shuffle.v32", 0xb1, halves)));
};

/** PBLENDVB, BLENDVPS, BLENDVPD: the mask is XMM0. */
export const blendBySign =
  (op: "blend.v8" | "blend.v32" | "blend.v64"): Lifter =>
  (ctx) =>
    writeVector(ctx, 0, ctx.ir.add(op, readVector(ctx, 0), readVector(ctx, 1), ctx.vector(0)));

/** PBLENDW, BLENDPS, BLENDPD: a bit of the immediate for each lane of `words` 16-bit words. */
export const blendByMask =
  (words: 1 | 2 | 4): Lifter =>
  (ctx) => {
    let mask = 0;
    for (let i = 0; i < 8; i++) mask |= ((immediateByte(ctx) >> Math.floor(i / words)) & 1) << i;
    writeVector(ctx, 0, ctx.ir.add("blendmask.v16", mask, readVector(ctx, 0), readVector(ctx, 1)));
  };

/** PALIGNR: all counts beyond both operands give zero. */
export const palignr: Lifter = (ctx) => {
  const count = Math.min(immediateByte(ctx), 32);
  writeVector(ctx, 0, ctx.ir.add("align.v128", count, readVector(ctx, 0), readVector(ctx, 1)));
};

// Single lanes

/** PEXTRB: to memory of a byte, or zero-extended to a general register; so PEXTRW. */
export const pextrb: Lifter = (ctx) => {
  const { ir } = ctx;
  const lane = immediateByte(ctx) & 15;
  const pair = ir.add("extract.v16", lane >> 1, readVector(ctx, 1));
  write(ctx, 0, lane & 1 ? ir.add("shr.i32", pair, ctx.i32(8)) : ir.add("zext8.i32", pair));
};

export const pextrw: Lifter = (ctx) =>
  write(ctx, 0, ctx.ir.add("extract.v16", immediateByte(ctx) & 7, readVector(ctx, 1)));

/** PEXTRD, PEXTRQ. */
export const pextrd: Lifter = (ctx) => {
  const vector = readVector(ctx, 1);
  if (sizeOf(ctx, 0) === 64) write(ctx, 0, ctx.ir.add("extract.v64", immediateByte(ctx) & 1, vector));
  else write(ctx, 0, ctx.ir.add("extract.v32", immediateByte(ctx) & 3, vector));
};

/** EXTRACTPS: 32 bits, also with REX.W, which clears the upper half all the same. */
export const extractps: Lifter = (ctx) =>
  write(ctx, 0, ctx.ir.add("extract.v32", immediateByte(ctx) & 3, readVector(ctx, 1)));

export const pinsrb: Lifter = (ctx) => {
  const { ir } = ctx;
  const lane = immediateByte(ctx) & 15;
  const position = ctx.i32((lane & 1) * 8);
  const into = readVector(ctx, 0);
  const byte = ir.add("zext8.i32", read(ctx, 1) as I32);
  const pair = ir.add("extract.v16", lane >> 1, into);
  const kept = ir.add("and.i32", pair, ctx.i32(lane & 1 ? 0xff : 0xff00));
  const joined = ir.add("or.i32", kept, ir.add("shl.i32", byte, position));
  writeVector(ctx, 0, ir.add("insert.v16", lane >> 1, into, joined));
};

/** PINSRD, PINSRQ. */
export const pinsrd: Lifter = (ctx) => {
  const { ir } = ctx;
  const into = readVector(ctx, 0);
  const value = read(ctx, 1);
  const wide = sizeOf(ctx, 1) === 64;
  const lane = immediateByte(ctx) & (wide ? 1 : 3);
  writeVector(
    ctx,
    0,
    wide ? ir.add("insert.v64", lane, into, value as I64) : ir.add("insert.v32", lane, into, value as I32),
  );
};

/** INSERTPS: source lane in bits 6 and 7, destination lane in 4 and 5, lanes to clear in 0 to 3. */
export const insertps: Lifter = (ctx) => {
  const { ir } = ctx;
  const control = immediateByte(ctx);
  const register = registerOf(ctx, 1);
  const value =
    register === undefined
      ? (readLane(ctx, 1, 32) as I32)
      : ir.add("extract.v32", control >> 6, ctx.vector(register));
  let result = ir.add("insert.v32", (control >> 4) & 3, readVector(ctx, 0), value);
  for (let lane = 0; lane < 4; lane++)
    if ((control >> lane) & 1) result = ir.add("insert.v32", lane, result, ctx.i32(0));
  writeVector(ctx, 0, result);
};

// Moves

/** MOVSLDUP, MOVSHDUP: 32-bit lanes as the control names them. */
export const duplicateLanes =
  (control: number): Lifter =>
  (ctx) =>
    writeVector(ctx, 0, ctx.ir.add("shuffle.v32", control, readVector(ctx, 1)));

/** MOVDDUP: the low 64 bits twice. */
export const movddup: Lifter = (ctx) => {
  const vector = lowPart(ctx, 1);
  writeVector(ctx, 0, ctx.ir.add("unpacklow.v64", vector, vector));
};

/**
 * MASKMOVDQU: bytes whose mask byte is negative, to rDI. All sixteen must be writable: whether bytes that are masked
 * out fault is the processor's choice (Intel SDM vol. 2).
 */
export const maskmovdqu: Lifter = (ctx) => {
  const { ir } = ctx;
  const address = withSegment(ctx, addressRegister(ctx, RDI));
  const old = ir.add("load.v128", ACCESS_MODIFY, address);
  ir.add("store.v128", 0, address, ir.add("blend.v8", old, readVector(ctx, 0), readVector(ctx, 1)));
};
