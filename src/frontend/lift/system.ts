/** Flag control, identification, counters, fences and what little user code may do with the system registers. */

import { AF, CF, PF, SF, ZF } from "../../jit/ir/flags.ts";
import type { Value } from "../../jit/ir/ops.ts";
import { DF, DIRECTION, FS_BASE, GS_BASE, MXCSR, RAX, RBX, RCX, RDX } from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import { type LiftContext, VECTOR_PROTECTION } from "./context.ts";
import { replacedFlags } from "./flags.ts";
import { addressOf, load, read, readRegister, sizeOf, stackAccess, write } from "./operands.ts";
import { extended, fromI64, toI64 } from "./words.ts";

type I32 = Value<"i32">;

export const cld: Lifter = (ctx) => ctx.setSlot32(DIRECTION, ctx.i32(0));
export const std: Lifter = (ctx) => ctx.setSlot32(DIRECTION, ctx.i32(DF));

const IN_AH = SF | ZF | AF | PF | CF;

/** LAHF: the flags of the low byte, bit 1 set. */
export const lahf: Lifter = (ctx) => {
  const { ir } = ctx;
  const bits = ir.add("and.i32", ir.add("bits.flags", ctx.flags), ctx.i32(IN_AH));
  ctx.setGeneral8(RAX, true, ir.add("or.i32", bits, ctx.i32(2)));
};

/** SAHF: OF stays. */
export const sahf: Lifter = (ctx) => {
  const { ir } = ctx;
  const bits = ir.add("and.i32", ir.add("extract.i32", 8, 8, ctx.general(RAX)), ctx.i32(IN_AH));
  ctx.setFlags(replacedFlags(ctx, IN_AH, bits));
};

export const cpuid: Lifter = (ctx) => {
  const { ir } = ctx;
  const leaf = readRegister(ctx, RAX, 32) as I32;
  const subleaf = readRegister(ctx, RCX, 32) as I32;
  [RAX, RBX, RCX, RDX].forEach((register, i) => {
    ctx.setGeneral32(register, ir.add("cpuid", i, leaf, subleaf));
  });
};

export const rdtsc: Lifter = (ctx) => {
  const { ir } = ctx;
  const counter = ir.add("tsc");
  ctx.setGeneral32(RAX, ir.add("low.i32", counter));
  ctx.setGeneral32(RDX, ir.add("high.i32", counter));
};

/** RDTSCP: also TSC_AUX, the processor's number. */
export const rdtscp: Lifter = (ctx) => {
  rdtsc(ctx);
  ctx.setGeneral32(RCX, ctx.i32(0));
};

/** RDPID: TSC_AUX. */
export const rdpid: Lifter = (ctx) => write(ctx, 0, ctx.i64(0));

/** RDRAND, RDSEED: always succeed, CF = 1 and the other flags zero. */
export const random: Lifter = (ctx) => {
  const { ir } = ctx;
  write(ctx, 0, fromI64(ir, sizeOf(ctx, 0), ir.add("random")));
  ctx.setFlags(ir.add("flags.bits", ctx.i32(CF)), ctx.i1(true));
};

/** CLFLUSH faults as a read of its byte would. */
export const clflush: Lifter = (ctx) => {
  load(ctx, 8, addressOf(ctx), stackAccess(ctx.insn));
};

/** Bits of MXCSR that exist (with DAZ). */
const MXCSR_MASK = 0xffff;

export const ldmxcsr: Lifter = (ctx) => {
  const { ir } = ctx;
  const value = read(ctx, 0) as I32;
  const reserved = ir.add("and.i32", value, ctx.i32(~MXCSR_MASK));
  ir.add("fault.if", VECTOR_PROTECTION, ir.add("ne.i32", reserved, ctx.i32(0)));
  ir.add("poke.i32", MXCSR, value);
};

export const stmxcsr: Lifter = (ctx) => write(ctx, 0, ctx.ir.add("peek.i32", MXCSR));

const readingBase =
  (slot: number): Lifter =>
  (ctx) =>
    write(ctx, 0, fromI64(ctx.ir, sizeOf(ctx, 0), ctx.ir.add("get.i64", slot)));
export const rdfsbase = readingBase(FS_BASE);
export const rdgsbase = readingBase(GS_BASE);

/** A non-canonical base is refused: bits 47..63 must be equal. */
function demandCanonical(ctx: LiftContext, base: Value<"i64">): void {
  const { ir } = ctx;
  const extension = ir.add("sar.i64", ir.add("shl.i64", base, ctx.i32(16)), ctx.i32(16));
  ir.add("fault.if", VECTOR_PROTECTION, ir.add("ne.i64", extension, base));
}

const writingBase =
  (slot: number): Lifter =>
  (ctx) => {
    const size = sizeOf(ctx, 0);
    const base = toI64(ctx.ir, size, read(ctx, 0));
    if (size === 64) demandCanonical(ctx, base);
    ctx.setSlot64(slot, base);
  };
export const wrfsbase = writingBase(FS_BASE);
export const wrgsbase = writingBase(GS_BASE);

/** MOV from a segment register: a register gets the selector zero-extended. */
export const movFromSegment: Lifter = (ctx) =>
  write(ctx, 0, extended(ctx.ir, read(ctx, 1), { from: 16, to: sizeOf(ctx, 0), signed: false }));
