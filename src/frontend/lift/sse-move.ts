/** Movement of vector registers (Intel SDM vol. 1, 5.5.1.1, 5.6.1.1, 5.6.3). No arithmetic, so no MXCSR. */

import type { Value } from "../../jit/ir/ops.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext, Word } from "./context.ts";
import {
  addressOf,
  read,
  readLane,
  readVector,
  registerOf,
  sizeOf,
  stackAccess,
  store,
  write,
  writeVector,
} from "./operands.ts";

type I32 = Value<"i32">;
type I64 = Value<"i64">;
type V128 = Value<"v128">;

const zeroVector = (ctx: LiftContext): V128 => ctx.ir.add("const.v128", 0, 0, 0, 0);

/** A vector with this low part and zero above. */
function fromLow(ctx: LiftContext, size: number, value: Word): V128 {
  const { ir } = ctx;
  if (size === 64) return ir.add("insert.v64", 0, zeroVector(ctx), value as I64);
  return ir.add("insert.v32", 0, zeroVector(ctx), value as I32);
}

const replaceLow = (ctx: LiftContext, size: number, vector: V128, value: Word): V128 =>
  size === 64
    ? ctx.ir.add("insert.v64", 0, vector, value as I64)
    : ctx.ir.add("insert.v32", 0, vector, value as I32);

/** Whole registers; alignment is the operand code's matter. */
export const movVector: Lifter = (ctx) => writeVector(ctx, 0, readVector(ctx, 1));

/** MOVSS and MOVSD: from memory clears what is above, from a register keeps it. */
const loadScalar =
  (size: 32 | 64): Lifter =>
  (ctx) => {
    const value = readLane(ctx, 1, size);
    if (registerOf(ctx, 1) === undefined) writeVector(ctx, 0, fromLow(ctx, size, value));
    else writeVector(ctx, 0, replaceLow(ctx, size, readVector(ctx, 0), value));
  };
const storeScalar =
  (size: 32 | 64): Lifter =>
  (ctx) => {
    const value = readLane(ctx, 1, size);
    const register = registerOf(ctx, 0);
    if (register === undefined) store(ctx, size, addressOf(ctx), { value, access: stackAccess(ctx.insn) });
    else ctx.setVector(register, replaceLow(ctx, size, ctx.vector(register), value));
  };
export const loadSingle = loadScalar(32);
export const loadDouble = loadScalar(64);
export const storeSingle = storeScalar(32);
export const storeDouble = storeScalar(64);

/** MOVD, MOVQ from a general register or memory. */
export const movdToVector: Lifter = (ctx) => writeVector(ctx, 0, fromLow(ctx, sizeOf(ctx, 1), read(ctx, 1)));
export const movdFromVector: Lifter = (ctx) =>
  write(ctx, 0, readLane(ctx, 1, sizeOf(ctx, 0) === 64 ? 64 : 32));

/** MOVQ between vectors and memory: the upper half of a register becomes zero. */
export const movqLoad: Lifter = (ctx) => writeVector(ctx, 0, fromLow(ctx, 64, readLane(ctx, 1, 64)));
export const movqStore: Lifter = (ctx) => {
  const value = readLane(ctx, 1, 64);
  const register = registerOf(ctx, 0);
  if (register === undefined) store(ctx, 64, addressOf(ctx), { value, access: stackAccess(ctx.insn) });
  else ctx.setVector(register, fromLow(ctx, 64, value));
};

/** MOVLPS, MOVHPS and their double twins: one half of the register from memory, and back. */
const loadHalf =
  (lane: 0 | 1): Lifter =>
  (ctx) => {
    const value = readLane(ctx, 1, 64) as I64;
    writeVector(ctx, 0, ctx.ir.add("insert.v64", lane, readVector(ctx, 0), value));
  };
const storeHalf =
  (lane: 0 | 1): Lifter =>
  (ctx) => {
    const value = ctx.ir.add("extract.v64", lane, readVector(ctx, 1));
    store(ctx, 64, addressOf(ctx), { value, access: stackAccess(ctx.insn) });
  };
export const loadLow = loadHalf(0);
export const loadHigh = loadHalf(1);
export const storeLow = storeHalf(0);
export const storeHigh = storeHalf(1);

/** MOVHLPS: the source's high half to the low half; MOVLHPS: its low half to the high half. */
export const movhlps: Lifter = (ctx) => {
  const { ir } = ctx;
  const high = ir.add("extract.v64", 1, readVector(ctx, 1));
  writeVector(ctx, 0, ir.add("insert.v64", 0, readVector(ctx, 0), high));
};
export const movlhps: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("unpacklow.v64", readVector(ctx, 0), readVector(ctx, 1)));

/** Sign bits of the lanes to a general register. */
const signMask =
  (op: "movemask.v8" | "movemask.v32" | "movemask.v64"): Lifter =>
  (ctx) => {
    const mask = ctx.ir.add(op, readVector(ctx, 1));
    ctx.setGeneral32(registerOf(ctx, 0) ?? 0, mask);
  };
export const movmskps = signMask("movemask.v32");
export const movmskpd = signMask("movemask.v64");
export const pmovmskb = signMask("movemask.v8");

/** MOVNTI and the like are plain stores. */
export const movNonTemporal: Lifter = (ctx) => write(ctx, 0, read(ctx, 1));
