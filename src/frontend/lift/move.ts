/** Data movement and conversion of general registers (Intel SDM vol. 1, 5.1.1). */

import type { Value } from "../../jit/ir/ops.ts";
import { RAX, RBX, RDX } from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext } from "./context.ts";
import {
  addressRegister,
  load,
  modify,
  offsetOfMemory,
  read,
  readRegister,
  sizeOf,
  withSegment,
  write,
  writeRegister,
} from "./operands.ts";
import * as words from "./words.ts";

export const mov: Lifter = (ctx) => write(ctx, 0, read(ctx, 1));

const extending =
  (signed: boolean): Lifter =>
  (ctx) => {
    const widths = { from: sizeOf(ctx, 1), to: sizeOf(ctx, 0), signed };
    write(ctx, 0, words.extended(ctx.ir, read(ctx, 1), widths));
  };
export const movzx = extending(false);
export const movsx = extending(true);

export const lea: Lifter = (ctx) => write(ctx, 0, words.fromI64(ctx.ir, sizeOf(ctx, 0), offsetOfMemory(ctx)));

export const xchg: Lifter = (ctx) => {
  const left = modify(ctx, 0);
  write(ctx, 0, read(ctx, 1));
  write(ctx, 1, left);
};

/** NOP in all its forms; an address is neither computed nor touched. */
export const nop: Lifter = () => undefined;

/** The condition is in the low bits of the opcode. The source is read, and may fault, in either case. */
export const cmovcc: Lifter = (ctx) => {
  const source = read(ctx, 1);
  const condition = ctx.condition(ctx.insn.opcode & 15);
  write(ctx, 0, words.select(ctx.ir, sizeOf(ctx, 0), condition, source, read(ctx, 0)));
};

export const setcc: Lifter = (ctx) =>
  write(ctx, 0, ctx.ir.add("bool.i32", ctx.condition(ctx.insn.opcode & 15)));

function swapped(ctx: LiftContext, size: number, value: ReturnType<typeof read>): ReturnType<typeof read> {
  const { ir } = ctx;
  if (size === 64) return ir.add("bswap.i64", value as Value<"i64">);
  const reversed = ir.add("bswap.i32", value as Value<"i32">);
  return size === 32 ? reversed : ir.add("shr.i32", reversed, ctx.i32(16));
}

/** With 16 bits undefined in the manual; processors give zero. */
export const bswap: Lifter = (ctx) => {
  const size = sizeOf(ctx, 0);
  write(ctx, 0, size === 16 ? ctx.i32(0) : swapped(ctx, size, read(ctx, 0)));
};

export const movbe: Lifter = (ctx) => write(ctx, 0, swapped(ctx, sizeOf(ctx, 0), read(ctx, 1)));

/** CBW, CWDE, CDQE: the accumulator's lower half, sign-extended. */
export const cbw: Lifter = (ctx) => {
  const to = ctx.insn.operandBytes * 8;
  const low = readRegister(ctx, RAX, to >> 1);
  writeRegister(ctx, RAX, to, words.extended(ctx.ir, low, { from: to >> 1, to, signed: true }));
};

/** CWD, CDQ, CQO: the accumulator's sign in every bit of rDX. */
export const cwd: Lifter = (ctx) => {
  const size = ctx.insn.operandBytes * 8;
  const count = ctx.i32(size === 64 ? 63 : 31);
  writeRegister(ctx, RDX, size, words.shiftArithmetic(ctx.ir, size, readRegister(ctx, RAX, size), count));
};

/** XLAT: AL = [rBX + AL]. */
export const xlat: Lifter = (ctx) => {
  const { ir } = ctx;
  const index = ir.add("zext.i64", readRegister(ctx, RAX, 8) as Value<"i32">);
  const sum = ir.add("add.i64", addressRegister(ctx, RBX), index);
  const offset = ctx.insn.addressBytes === 8 ? sum : ir.add("zext.i64", ir.add("low.i32", sum));
  ctx.setGeneral8(RAX, false, load(ctx, 8, withSegment(ctx, offset)) as Value<"i32">);
};
