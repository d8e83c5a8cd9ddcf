/** Control transfers, software interrupts, SYSCALL (Intel SDM vol. 1, 5.1.7). Each of these ends its block. */

import { CONDITIONS } from "../../jit/ir/flags.ts";
import { ACCESS_STACK, type Value } from "../../jit/ir/ops.ts";
import { isUserAddress, USER_END } from "../../mmu/address.ts";
import { R11, RCX, RSP } from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import {
  type LiftContext,
  VECTOR_BREAKPOINT,
  VECTOR_DEBUG,
  VECTOR_PROTECTION,
  VECTOR_UNDEFINED,
} from "./context.ts";
import { rflags } from "./flags.ts";
import { addressRegister, read, setAddressRegister, store } from "./operands.ts";
import { popWord } from "./stack.ts";

const CONDITION_Z = CONDITIONS.indexOf("z");
const CONDITION_NZ = CONDITIONS.indexOf("nz");

const relativeTarget = (ctx: LiftContext): number => ctx.next + ctx.insn.immediateLow;

/** A transfer to a non-canonical address faults at the transfer itself, with nothing of it done. */
function demandCanonical(ctx: LiftContext, target: Value<"i64">): void {
  const { ir } = ctx;
  const high = ir.add("high.i32", target);
  const sixteen = ctx.i32(16);
  const extended = ir.add("sar.i32", ir.add("shl.i32", high, sixteen), sixteen);
  ir.add("fault.if", VECTOR_PROTECTION, ir.add("ne.i32", extended, high));
}

/** The only targets of a displacement that are not canonical lie right behind the user half. */
function isBeyondUserHalf(ctx: LiftContext): boolean {
  if (relativeTarget(ctx) < USER_END) return false;
  ctx.raise(VECTOR_PROTECTION);
  return true;
}

export const jump: Lifter = (ctx) => {
  if (!isBeyondUserHalf(ctx)) ctx.jumpTo(relativeTarget(ctx), "jump");
};
export const jumpNear: Lifter = (ctx) => {
  const target = read(ctx, 0) as Value<"i64">;
  demandCanonical(ctx, target);
  ctx.jumpIndirect(target, "jump");
};

/** The condition is in the low bits of the opcode. */
export const jcc: Lifter = (ctx) => ctx.branch(ctx.condition(ctx.insn.opcode & 15), relativeTarget(ctx));

function pushReturn(ctx: LiftContext): void {
  const pointer = ctx.ir.add("add.i64", ctx.general(RSP), ctx.wide(-8));
  store(ctx, 64, pointer, { value: ctx.wide(ctx.next), access: ACCESS_STACK });
  ctx.setGeneral(RSP, pointer);
}

export const call: Lifter = (ctx) => {
  if (isBeyondUserHalf(ctx)) return;
  pushReturn(ctx);
  ctx.jumpTo(relativeTarget(ctx), "call");
};

/** The target is read before the return address is pushed, and looked at after the stack was. */
export const callNear: Lifter = (ctx) => {
  const { ir } = ctx;
  const target = read(ctx, 0) as Value<"i64">;
  ir.add("probe.write", ACCESS_STACK, 8, ir.add("add.i64", ctx.general(RSP), ctx.wide(-8)));
  demandCanonical(ctx, target);
  pushReturn(ctx);
  ctx.jumpIndirect(target, "call");
};

/** RET, and RET imm16, which drops that many bytes more. */
export const ret: Lifter = (ctx) => {
  const target = popWord(ctx, 64, ctx.insn.immediateLow & 0xffff) as Value<"i64">;
  demandCanonical(ctx, target);
  ctx.jumpIndirect(target, "return");
};

/** LOOP, LOOPE, LOOPNE: no flags change; the count is RCX or, with 67, ECX. */
const looping =
  (condition: number | undefined): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    const count = ir.add("sub.i64", addressRegister(ctx, RCX), ctx.i64(1));
    setAddressRegister(ctx, RCX, count);
    const more =
      ctx.insn.addressBytes === 8
        ? ir.add("ne.i64", count, ctx.i64(0))
        : ir.add("ne.i32", ir.add("low.i32", count), ctx.i32(0));
    const taken = condition === undefined ? more : ir.add("and.i1", more, ctx.condition(condition));
    ctx.branch(taken, relativeTarget(ctx));
  };
export const loop = looping(undefined);
export const loope = looping(CONDITION_Z);
export const loopne = looping(CONDITION_NZ);

export const jrcxz: Lifter = (ctx) =>
  ctx.branch(ctx.ir.add("eq.i64", addressRegister(ctx, RCX), ctx.i64(0)), relativeTarget(ctx));

export const int3: Lifter = (ctx) => ctx.trap(VECTOR_BREAKPOINT);
export const int1: Lifter = (ctx) => ctx.trap(VECTOR_DEBUG);

/** INT n: only the breakpoint gate is open to user code; others are #GP with the gate's selector code. */
export const int: Lifter = (ctx) => {
  const vector = ctx.insn.immediateLow & 0xff;
  if (vector === VECTOR_BREAKPOINT) ctx.trap(vector);
  else ctx.raise(VECTOR_PROTECTION, (vector << 3) | 2);
};

export const undefinedInstruction: Lifter = (ctx) => ctx.raise(VECTOR_UNDEFINED);
/** Privileged, or refused to user code by the control registers: #GP(0). */
export const privileged: Lifter = (ctx) => ctx.raise(VECTOR_PROTECTION);

/** MOV from or to a control or debug register: one that does not exist is undefined before privilege counts. */
const systemRegister =
  (exists: (register: number) => boolean): Lifter =>
  (ctx) =>
    ctx.raise(exists(ctx.insn.reg) ? VECTOR_PROTECTION : VECTOR_UNDEFINED);
export const controlMove = systemRegister((register) => [0, 2, 3, 4, 8].includes(register));
export const debugMove = systemRegister((register) => register < 8);

/** RCX gets the return address, R11 the flags. */
export const syscall: Lifter = (ctx) => {
  const { next } = ctx;
  // Behind the last user page there is nothing to return to; no such code is ever mapped in practice.
  if (!isUserAddress(next)) return ctx.raise(VECTOR_PROTECTION);
  ctx.setGeneral(RCX, ctx.wide(next));
  ctx.setGeneral(R11, ctx.ir.add("zext.i64", rflags(ctx)));
  ctx.exit = { kind: "syscall", next };
};
