/**
 * String instructions (Intel SDM vol. 2, MOVS, CMPS, STOS, LODS, SCAS, REP).
 *
 * With a repeat prefix one execution of the lifted block is one iteration: it leaves at a zero count, does one
 * element, and goes back to itself while more remain. MOVS and STOS first do in bulk what they can. Every iteration
 * is a place to stop and to restart, as the manual has it, and n iterations count n instructions.
 */

import type { Value } from "../../jit/ir/ops.ts";
import { highHalf, lowHalf } from "../../mmu/address.ts";
import { DIRECTION, generalSlot, RAX, RCX, RDI, RSI } from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext, Word } from "./context.ts";
import { subFlags } from "./flags.ts";
import {
  addressRegister,
  load,
  readRegister,
  setAddressRegister,
  sizeOf,
  store,
  withSegment,
  writeRegister,
} from "./operands.ts";
import { equal } from "./words.ts";

const REPNE = 0xf2;

/** The step of RSI and RDI: element size, negative with DF. */
function step(ctx: LiftContext, size: number): Value<"i64"> {
  const { ir } = ctx;
  const down = ir.add("ne.i32", ir.add("get.i32", DIRECTION), ctx.i32(0));
  return ir.add("select.i64", down, ctx.wide(-(size >> 3)), ctx.wide(size >> 3));
}

/** The address in a pointer register, which moves by one element at the end. */
function advance(ctx: LiftContext, register: number, by: Value<"i64">): Value<"i64"> {
  const pointer = addressRegister(ctx, register);
  setAddressRegister(ctx, register, ctx.ir.add("add.i64", pointer, by));
  return register === RSI ? withSegment(ctx, pointer) : pointer;
}

/** What a comparing instruction found; repetition goes on while it is as the prefix says. */
type Element = (ctx: LiftContext, size: number, by: Value<"i64">) => Value<"i1"> | undefined;

/** Does some elements at once and gives how many; the registers are moved here, not by it. */
type Bulk = (ctx: LiftContext, size: number, count: Value<"i64">) => Value<"i32">;

/** Elements done at once are complete: the registers move before the one that is left to the iteration itself. */
function doInBulk(ctx: LiftContext, bulk: Bulk, size: number, count: Value<"i64">): void {
  const { ir } = ctx;
  const up = ir.add("eq.i32", ir.add("get.i32", DIRECTION), ctx.i32(0));
  const done = ir.add("zext.i64", bulk(ctx, size, ir.add("select.i64", up, count, ctx.i64(0))));
  const bytes = ir.add("mul.i64", done, ctx.wide(size >> 3));
  for (const register of bulk === copyInBulk ? [RDI, RSI] : [RDI]) {
    const slot = generalSlot(register);
    ir.add("set.i64", slot, ir.add("add.i64", ir.add("get.i64", slot), bytes));
  }
  ir.add("set.i64", generalSlot(RCX), ir.add("sub.i64", count, done));
}

const storeInBulk: Bulk = (ctx, size, count) =>
  ctx.ir.add("bulk.store", size >> 3, addressRegister(ctx, RDI), ctx.general(RAX), count);
const copyInBulk: Bulk = (ctx, size, count) =>
  ctx.ir.add(
    "bulk.copy",
    size >> 3,
    addressRegister(ctx, RDI),
    withSegment(ctx, addressRegister(ctx, RSI)),
    count,
  );

function repeat(ctx: LiftContext, { element, bulk }: StringAction, size: number): void {
  const { ir } = ctx;
  const wanted = addressRegister(ctx, RCX);
  const { next } = ctx;
  ir.add("exit.if", lowHalf(next), highHalf(next), ir.add("eq.i64", wanted, ctx.i64(0)));
  if (bulk !== undefined && ctx.insn.addressBytes === 8) doInBulk(ctx, bulk, size, wanted);
  const count = addressRegister(ctx, RCX);
  const left = ir.add("sub.i64", count, ctx.i64(1));
  setAddressRegister(ctx, RCX, left);
  const matched = element(ctx, size, step(ctx, size));
  const more = ir.add("ne.i64", left, ctx.i64(0));
  if (matched === undefined) return ctx.branch(more, ctx.insn.address);
  const goesOn = ctx.insn.repeat === REPNE ? ir.add("not.i1", matched) : matched;
  ctx.branch(ir.add("and.i1", more, goesOn), ctx.insn.address);
}

interface StringAction {
  readonly element: Element;
  readonly bulk?: Bulk;
}

const stringInstruction =
  (element: Element, bulk?: Bulk): Lifter =>
  (ctx) => {
    const size = sizeOf(ctx, 0);
    const action = bulk === undefined ? { element } : { element, bulk };
    if (ctx.insn.repeat !== 0) repeat(ctx, action, size);
    else element(ctx, size, step(ctx, size));
  };

export const movs = stringInstruction((ctx, size, by) => {
  const value = load(ctx, size, advance(ctx, RSI, by));
  store(ctx, size, advance(ctx, RDI, by), { value });
  return undefined;
}, copyInBulk);

export const stos = stringInstruction((ctx, size, by) => {
  store(ctx, size, advance(ctx, RDI, by), { value: readRegister(ctx, RAX, size) });
  return undefined;
}, storeInBulk);

export const lods = stringInstruction((ctx, size, by) => {
  writeRegister(ctx, RAX, size, load(ctx, size, advance(ctx, RSI, by)));
  return undefined;
});

function compare(ctx: LiftContext, size: number, left: Word, right: Word): Value<"i1"> {
  ctx.setFlags(subFlags(ctx, size, left, right));
  return equal(ctx.ir, size, left, right);
}

/** The destination is read first, as processors mostly do; it shows when both operands fault. */
export const cmps = stringInstruction((ctx, size, by) => {
  const right = load(ctx, size, advance(ctx, RDI, by));
  return compare(ctx, size, load(ctx, size, advance(ctx, RSI, by)), right);
});

export const scas = stringInstruction((ctx, size, by) =>
  compare(ctx, size, readRegister(ctx, RAX, size), load(ctx, size, advance(ctx, RDI, by))),
);
