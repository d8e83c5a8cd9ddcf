/**
 * The x87 unit (Intel SDM vol. 1, chapter 8). The operations know stack, exceptions and rounding; a lifter says
 * which operand they get. Instructions that wait look for a pending exception before they touch memory. A store is
 * load, value, store, pop: the load finds a fault before anything changes, and memory keeps what it holds when an
 * unmasked exception stops the store.
 */

import { SPECIAL_NAMES } from "../../jit/ir/calls/x87.ts";
import { CONDITIONS } from "../../jit/ir/flags.ts";
import { ACCESS_MODIFY, type Value } from "../../jit/ir/ops.ts";
import {
  RAX,
  USER_CS,
  X87_CONTROL,
  X87_INSTRUCTION,
  X87_OPCODE,
  X87_OPERAND,
  X87_STATUS,
} from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext } from "./context.ts";
import { addressOf, load, read, sizeOf, stackAccess, store, write } from "./operands.ts";

type I32 = Value<"i32">;
type I64 = Value<"i64">;

const wait = (ctx: LiftContext): void => ctx.ir.add("x87.check");
/** The register that ModRM.rm names; REX does not extend it. */
const number = ({ insn }: LiftContext): number => insn.rm & 7;

/** A memory operand to be read, or also to be written. */
const operand = (ctx: LiftContext, modify = 0): Value =>
  load(ctx, sizeOf(ctx, 0), addressOf(ctx), stackAccess(ctx.insn) | modify);
const signed = (ctx: LiftContext): I32 => {
  const value = operand(ctx) as I32;
  return sizeOf(ctx, 0) === 16 ? ctx.ir.add("sext16.i32", value) : value;
};

/** The ten bytes of an 80-bit operand. */
const extended = (ctx: LiftContext, modify = 0): Value<"v128"> => {
  const { ir } = ctx;
  const access = stackAccess(ctx.insn) | modify;
  const address = addressOf(ctx);
  const low = ir.add("load.i64", access, address);
  const high = ir.add("load16.i32", access, ir.add("add.i64", address, ctx.i64(8)));
  const vector = ir.add("insert.v64", 0, ir.add("const.v128", 0, 0, 0, 0), low);
  return ir.add("insert.v32", 2, vector, high);
};
const storeExtended = (ctx: LiftContext, value: Value<"v128">): void => {
  const { ir } = ctx;
  const access = stackAccess(ctx.insn);
  ir.add("store.i64", access, addressOf(ctx), ir.add("extract.v64", 0, value));
  ir.add(
    "store16.i32",
    access,
    ir.add("add.i64", addressOf(ctx), ctx.i64(8)),
    ir.add("extract.v32", 2, value),
  );
};

/** Bits of the first opcode byte that the opcode register keeps; the second byte is ModRM. */
const opcodeOf = ({ insn }: LiftContext): number => ((insn.opcode & 7) << 8) | insn.modrm;

/** Leaves the opcode and the addresses of instruction and operand in the unit, behind the instruction proper. */
export const noted =
  (lift: Lifter): Lifter =>
  (ctx) => {
    lift(ctx);
    const { ir, insn } = ctx;
    ir.add("poke.i32", X87_OPCODE, ctx.i32((opcodeOf(ctx) << 16) | USER_CS));
    ir.add("poke.i64", X87_INSTRUCTION, ctx.wide(insn.address));
    if (insn.memory) ir.add("poke.i64", X87_OPERAND, addressOf(ctx));
  };

export type MemoryFormat = "f32" | "f64" | "integer";

const COMPARE = 2;
const COMPARE_POP = 3;

/** D8, DA, DC, DE with memory: `kind` is ModRM.reg. */
export const arithmeticMemory =
  (kind: number, format: MemoryFormat): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    wait(ctx);
    const compares = kind === COMPARE || kind === COMPARE_POP;
    const pops = kind - COMPARE;
    if (format === "f64") {
      const value = operand(ctx) as I64;
      if (compares) ir.add("x87.compare.f64", pops, value);
      else ir.add("x87.arith.f64", kind, value);
      return;
    }
    const value = format === "f32" ? (operand(ctx) as I32) : signed(ctx);
    if (format === "f32") {
      if (compares) ir.add("x87.compare.f32", pops, value);
      else ir.add("x87.arith.f32", kind, value);
    } else if (compares) ir.add("x87.compare.s32", pops, value);
    else ir.add("x87.arith.s32", kind, value);
  };

/** ST(0) = ST(0) op ST(i). */
export const arithmeticTop =
  (kind: number): Lifter =>
  (ctx) =>
    ctx.ir.add("x87.arith", kind, 0, number(ctx), 0);
/** ST(i) = ST(i) op ST(0), and pop. */
export const arithmeticRegister =
  (kind: number, pops: 0 | 1): Lifter =>
  (ctx) =>
    ctx.ir.add("x87.arith", kind, number(ctx), 0, pops);

export const compareRegister =
  (quiet: 0 | 1, pops: 0 | 1 | 2): Lifter =>
  (ctx) =>
    ctx.ir.add("x87.compare", number(ctx), quiet, pops);

/** FCOMI: ZF, PF and CF; the other status flags zero. */
export const compareFlags =
  (quiet: 0 | 1, pops: 0 | 1): Lifter =>
  (ctx) =>
    ctx.setFlags(ctx.ir.add("flags.bits", ctx.ir.add("x87.compareflags", number(ctx), quiet, pops)));

export const special = (name: (typeof SPECIAL_NAMES)[number]): Lifter => {
  const index = SPECIAL_NAMES.indexOf(name);
  return (ctx) => ctx.ir.add("x87.special", index);
};

// Loads

export const loadSingle: Lifter = (ctx) => {
  wait(ctx);
  ctx.ir.add("x87.push.f32", operand(ctx) as I32);
};
export const loadDouble: Lifter = (ctx) => {
  wait(ctx);
  ctx.ir.add("x87.push.f64", operand(ctx) as I64);
};
export const loadExtended: Lifter = (ctx) => {
  wait(ctx);
  ctx.ir.add("x87.push.f80", extended(ctx));
};
export const loadDecimal: Lifter = (ctx) => {
  wait(ctx);
  ctx.ir.add("x87.push.bcd", extended(ctx));
};
export const loadInteger: Lifter = (ctx) => {
  wait(ctx);
  const value = sizeOf(ctx, 0) === 64 ? (operand(ctx) as I64) : ctx.ir.add("sext.i64", signed(ctx));
  ctx.ir.add("x87.push.s64", value);
};
export const loadRegister: Lifter = (ctx) => ctx.ir.add("x87.push.st", number(ctx));

// Stores

const popIf = (ctx: LiftContext, pops: 0 | 1): void => {
  if (pops === 1) ctx.ir.add("x87.pop");
};

export const storeSingle =
  (pops: 0 | 1): Lifter =>
  (ctx) => {
    wait(ctx);
    const old = operand(ctx, ACCESS_MODIFY) as I32;
    const value = ctx.ir.add("x87.value.f32", old);
    store(ctx, 32, addressOf(ctx), { value, access: stackAccess(ctx.insn) });
    popIf(ctx, pops);
  };
export const storeDouble =
  (pops: 0 | 1): Lifter =>
  (ctx) => {
    wait(ctx);
    const old = operand(ctx, ACCESS_MODIFY) as I64;
    const value = ctx.ir.add("x87.value.f64", old);
    store(ctx, 64, addressOf(ctx), { value, access: stackAccess(ctx.insn) });
    popIf(ctx, pops);
  };
export const storeInteger =
  (pops: 0 | 1, truncate: 0 | 1): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    wait(ctx);
    const size = sizeOf(ctx, 0);
    const old = operand(ctx, ACCESS_MODIFY);
    const wide = size === 64 ? (old as I64) : ir.add("zext.i64", old as I32);
    const value = ir.add("x87.value.s64", size, truncate, wide);
    const word = size === 64 ? value : ir.add("low.i32", value);
    store(ctx, size, addressOf(ctx), { value: word, access: stackAccess(ctx.insn) });
    popIf(ctx, pops);
  };
export const storeExtendedPop: Lifter = (ctx) => {
  wait(ctx);
  storeExtended(ctx, ctx.ir.add("x87.value.f80", extended(ctx, ACCESS_MODIFY)));
  ctx.ir.add("x87.pop");
};
export const storeDecimalPop: Lifter = (ctx) => {
  wait(ctx);
  storeExtended(ctx, ctx.ir.add("x87.value.bcd", extended(ctx, ACCESS_MODIFY)));
  ctx.ir.add("x87.pop");
};
export const storeRegister =
  (pops: 0 | 1): Lifter =>
  (ctx) =>
    ctx.ir.add("x87.copy", number(ctx), pops);

/** D9 D8: FSTP that never faults. */
export const storeAny: Lifter = (ctx) => ctx.ir.add("x87.copyany", number(ctx));

// Registers

export const exchange: Lifter = (ctx) => ctx.ir.add("x87.exchange", number(ctx));
export const free =
  (pops: 0 | 1): Lifter =>
  (ctx) =>
    ctx.ir.add("x87.free", number(ctx), pops);
export const move =
  (condition: (typeof CONDITIONS)[number]): Lifter =>
  (ctx) => {
    wait(ctx);
    ctx.ir.add("x87.move", number(ctx), ctx.condition(CONDITIONS.indexOf(condition)));
  };

// Control

export const fwait: Lifter = wait;
export const fnop: Lifter = wait;
/** Left over from the 8087 and the 80287. */
export const ignored: Lifter = () => undefined;

export const fldcw: Lifter = (ctx) => {
  wait(ctx);
  ctx.ir.add("x87.control", read(ctx, 0) as I32);
};
export const fnstcw: Lifter = (ctx) => write(ctx, 0, ctx.ir.add("peek.i32", X87_CONTROL));
export const fnstsw: Lifter = (ctx) => write(ctx, 0, ctx.ir.add("peek.i32", X87_STATUS));
export const fnstswAx: Lifter = (ctx) => ctx.setGeneral16(RAX, ctx.ir.add("peek.i32", X87_STATUS));
export const fnclex: Lifter = (ctx) => ctx.ir.add("x87.clear");
export const fninit: Lifter = (ctx) => ctx.ir.add("x87.init");
