/** The stack: PUSH and POP, flags on the stack, frames (Intel SDM vol. 1, 6). */

import { ACCESS_STACK, type Value } from "../../jit/ir/ops.ts";
import { AC, DF, DIRECTION, ID, ID_AC, RBP, RSP } from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext, Word } from "./context.ts";
import { rflags } from "./flags.ts";
import {
  load,
  offsetOfMemory,
  read,
  readRegister,
  registerOf,
  sizeOf,
  store,
  withSegment,
  write,
  writeRegister,
} from "./operands.ts";
import { fromI64, toI32 } from "./words.ts";

/** Width of a stack slot: 16 or 64 bits. */
const slotBits = (ctx: LiftContext): number => ctx.insn.operandBytes * 8;

const below = (ctx: LiftContext, pointer: Value<"i64">, bytes: number): Value<"i64"> =>
  ctx.ir.add("add.i64", pointer, ctx.wide(-bytes));

/** Stores a word below RSP and moves RSP. */
export function pushWord(ctx: LiftContext, size: number, value: Word): void {
  const pointer = below(ctx, ctx.general(RSP), size >> 3);
  store(ctx, size, pointer, { value, access: ACCESS_STACK });
  ctx.setGeneral(RSP, pointer);
}

/** Loads the word at RSP and moves RSP, by `extra` bytes more. */
export function popWord(ctx: LiftContext, size: number, extra = 0): Word {
  const pointer = ctx.general(RSP);
  const value = load(ctx, size, pointer, ACCESS_STACK);
  ctx.setGeneral(RSP, ctx.ir.add("add.i64", pointer, ctx.wide((size >> 3) + extra)));
  return value;
}

export const push: Lifter = (ctx) => pushWord(ctx, slotBits(ctx), read(ctx, 0));

/** PUSH FS, PUSH GS: the selector, zero-extended. */
export const pushSelector: Lifter = (ctx) => {
  const size = slotBits(ctx);
  pushWord(ctx, size, size === 64 ? ctx.i64(0) : ctx.i32(0));
};

/** RSP moves before an address on it is computed, and before POP RSP writes it. */
export const pop: Lifter = (ctx) => {
  const size = sizeOf(ctx, 0);
  const value = popWord(ctx, size);
  if (registerOf(ctx, 0) === undefined && ctx.insn.base === RSP) {
    ctx.address = withSegment(ctx, offsetOfMemory(ctx, size >> 3));
  }
  write(ctx, 0, value);
};

export const pushf: Lifter = (ctx) => {
  const size = slotBits(ctx);
  const bits = rflags(ctx);
  pushWord(ctx, size, ctx.ir.add(size === 64 ? "zext.i64" : "zext16.i32", bits));
};

/** Status flags, DF, AC and ID change; IF and IOPL stay as user code may not change them, TF is ignored. */
export const popf: Lifter = (ctx) => {
  const { ir } = ctx;
  const size = slotBits(ctx);
  const bits = toI32(ir, size, popWord(ctx, size));
  ctx.setFlags(ir.add("flags.bits", bits));
  ctx.setSlot32(DIRECTION, ir.add("and.i32", bits, ctx.i32(DF)));
  if (size === 64) ctx.setSlot32(ID_AC, ir.add("and.i32", bits, ctx.i32(ID | AC)));
};

export const leave: Lifter = (ctx) => {
  const size = slotBits(ctx);
  const frame = ctx.general(RBP);
  const saved = load(ctx, size, frame, ACCESS_STACK);
  ctx.setGeneral(RSP, ctx.ir.add("add.i64", frame, ctx.wide(size >> 3)));
  writeRegister(ctx, RBP, size, saved);
};

interface Frame {
  readonly size: number;
  readonly level: number;
  /** Where the old frame pointer goes, and with it the new frame pointer. */
  readonly top: Value<"i64">;
  /** The stack pointer at the end. */
  readonly end: Value<"i64">;
}

/** Everything of ENTER that can fault, in the processor's order: nothing is stored before. */
function probeFrame(ctx: LiftContext, { size, level, top, end }: Frame): void {
  const bytes = size >> 3;
  const outer = ctx.general(RBP);
  const probe = (address: Value<"i64">) => ctx.ir.add("probe.write", ACCESS_STACK, bytes, address);
  probe(top);
  for (let i = 1; i <= level; i++) {
    if (i < level) load(ctx, size, below(ctx, outer, i * bytes), ACCESS_STACK);
    probe(below(ctx, top, i * bytes));
  }
  // The manual demands that a write at the final stack pointer would succeed.
  probe(end);
}

/** The old frame pointer, then those of the outer levels, then the new one. */
function storeFrame(ctx: LiftContext, { size, level, top }: Frame): void {
  const bytes = size >> 3;
  const access = ACCESS_STACK;
  const outer = ctx.general(RBP);
  store(ctx, size, top, { value: readRegister(ctx, RBP, size), access });
  for (let i = 1; i < level; i++) {
    // Loaded again, because a store may have changed what is copied next.
    const value = load(ctx, size, below(ctx, outer, i * bytes), access);
    store(ctx, size, below(ctx, top, i * bytes), { value, access });
  }
  if (level > 0)
    store(ctx, size, below(ctx, top, level * bytes), { value: fromI64(ctx.ir, size, top), access });
}

/** ENTER: operands are the size of the locals and the nesting level, modulo 32. */
export const enter: Lifter = (ctx) => {
  const { insn } = ctx;
  const size = slotBits(ctx);
  const level = insn.immediate2 & 31;
  const top = below(ctx, ctx.general(RSP), size >> 3);
  const end = below(ctx, top, (insn.immediateLow & 0xffff) + level * (size >> 3));
  const frame = { size, level, top, end };
  probeFrame(ctx, frame);
  storeFrame(ctx, frame);
  ctx.setGeneral(RSP, end);
  writeRegister(ctx, RBP, size, fromI64(ctx.ir, size, top));
};
