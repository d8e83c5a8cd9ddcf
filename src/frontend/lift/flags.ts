/**
 * The flag kinds that lifters name, for any operand width, and RFLAGS as a whole. A kind gets the operands of the
 * operation; nothing here computes a flag bit that the kind can stand for.
 */

import { CF } from "../../jit/ir/flags.ts";
import type { Value } from "../../jit/ir/ops.ts";
import { DIRECTION, ID_AC, RFLAGS_FIXED } from "../guest-state.ts";
import type { LiftContext, Word } from "./context.ts";

type Flags = Value<"flags">;
const narrow = (word: Word): Value<"i32"> => word as Value<"i32">;
const wide = (word: Word): Value<"i64"> => word as Value<"i64">;

export function addFlags({ ir }: LiftContext, size: number, a: Word, b: Word): Flags {
  if (size === 64) return ir.add("flags.add.i64", wide(a), wide(b));
  return ir.add("flags.add.i32", size, narrow(a), narrow(b));
}

export function subFlags({ ir }: LiftContext, size: number, a: Word, b: Word): Flags {
  if (size === 64) return ir.add("flags.sub.i64", wide(a), wide(b));
  return ir.add("flags.sub.i32", size, narrow(a), narrow(b));
}

export interface CarryOperands {
  readonly a: Word;
  readonly b: Word;
  readonly carry: Value<"i1">;
}

export function adcFlags({ ir }: LiftContext, size: number, { a, b, carry }: CarryOperands): Flags {
  if (size === 64) return ir.add("flags.adc.i64", wide(a), wide(b), carry);
  return ir.add("flags.adc.i32", size, narrow(a), narrow(b), carry);
}

export function sbbFlags({ ir }: LiftContext, size: number, { a, b, carry }: CarryOperands): Flags {
  if (size === 64) return ir.add("flags.sbb.i64", wide(a), wide(b), carry);
  return ir.add("flags.sbb.i32", size, narrow(a), narrow(b), carry);
}

export function logicFlags({ ir }: LiftContext, size: number, result: Word): Flags {
  if (size === 64) return ir.add("flags.logic.i64", wide(result));
  return ir.add("flags.logic.i32", size, narrow(result));
}

export function incFlags({ ir }: LiftContext, size: number, result: Word, carry: Value<"i1">): Flags {
  if (size === 64) return ir.add("flags.inc.i64", wide(result), carry);
  return ir.add("flags.inc.i32", size, narrow(result), carry);
}

export function decFlags({ ir }: LiftContext, size: number, result: Word, carry: Value<"i1">): Flags {
  if (size === 64) return ir.add("flags.dec.i64", wide(result), carry);
  return ir.add("flags.dec.i32", size, narrow(result), carry);
}

export interface CarryAndOverflow {
  readonly carry: Value<"i1">;
  readonly overflow: Value<"i1">;
}

/** ZF, SF, PF of the result, CF and OF as given; AF, undefined wherever this is used, is 0. */
export function resultFlags(ctx: LiftContext, size: number, result: Word, given: CarryAndOverflow): Flags {
  const { ir } = ctx;
  const auxiliary = ctx.i1(false);
  if (size === 64) return ir.add("flags.result.i64", wide(result), given.carry, given.overflow, auxiliary);
  return ir.add("flags.result.i32", size, narrow(result), given.carry, given.overflow, auxiliary);
}

/** The flags before the instruction with some bits replaced: `bits` lie inside `mask`. */
export function replacedFlags(ctx: LiftContext, mask: number, bits: Value<"i32">): Flags {
  const { ir } = ctx;
  const kept = ir.add("and.i32", ir.add("bits.flags", ctx.flags), ctx.i32(~mask));
  return ir.add("flags.bits", ir.add("or.i32", kept, bits));
}

/** Sets CF alone. */
export function setCarry(ctx: LiftContext, carry: Value<"i1">): void {
  ctx.setFlags(replacedFlags(ctx, CF, ctx.ir.add("bool.i32", carry)), carry);
}

/** RFLAGS as PUSHF and SYSCALL store it. */
export function rflags(ctx: LiftContext): Value<"i32"> {
  const { ir } = ctx;
  const status = ir.add("or.i32", ir.add("bits.flags", ctx.flags), ctx.i32(RFLAGS_FIXED));
  const others = ir.add("or.i32", ir.add("get.i32", DIRECTION), ir.add("get.i32", ID_AC));
  return ir.add("or.i32", status, others);
}
