/**
 * Operands of the current instruction by position: loading, computing addresses, writing back. Knows widths, zero
 * extension of 32-bit writes, AH..BH, sign extension of immediates and segment bases. No lifter looks at ModRM.
 */

import { ACCESS_ALIGNED, ACCESS_MODIFY, ACCESS_STACK, type Value } from "../../jit/ir/ops.ts";
import { InvariantError } from "../../invariant.ts";
import { FS_BASE, GS_BASE, RBP, RSP, USER_CS, USER_SS } from "../guest-state.ts";
import { type Instruction, NO_REGISTER, RIP_RELATIVE, SEGMENT_FS, SEGMENT_GS } from "../instruction.ts";
import { type OperandCode, operandBits } from "../operand-codes.ts";
import { rowName } from "../tables/row.ts";
import type { LiftContext, Word } from "./context.ts";
import { constant } from "./words.ts";

/** FE-2: a lifter asks only for operands that its row has. */
function operand(ctx: LiftContext, position: number): OperandCode {
  const code = ctx.insn.row.operands[position];
  if (code !== undefined) return code;
  throw new InvariantError([`FE-2 ${rowName(ctx.insn.row, 4)} has no operand ${position}`]);
}

/** Width of an operand in bits. */
export const sizeOf = (ctx: LiftContext, position: number): number =>
  operandBits(operand(ctx, position), ctx.insn.operandBytes);

// Registers

/** Without REX the byte registers 4..7 are bits 8..15 of registers 0..3. */
const isHighByte = (insn: Instruction, register: number): boolean =>
  insn.rex === 0 && register >= 4 && register < 8;

export function readRegister(ctx: LiftContext, register: number, size: number): Word {
  const { ir } = ctx;
  if (size === 64) return ctx.general(register);
  if (size === 32) return ir.add("low.i32", ctx.general(register));
  if (size === 16) return ir.add("extract.i32", 0, 16, ctx.general(register));
  const high = isHighByte(ctx.insn, register);
  return ir.add("extract.i32", high ? 8 : 0, 8, ctx.general(high ? register - 4 : register));
}

export function writeRegister(ctx: LiftContext, register: number, size: number, value: Word): void {
  if (size === 64) return ctx.setGeneral(register, value as Value<"i64">);
  if (size === 32) return ctx.setGeneral32(register, value as Value<"i32">);
  if (size === 16) return ctx.setGeneral16(register, value as Value<"i32">);
  const high = isHighByte(ctx.insn, register);
  ctx.setGeneral8(high ? register - 4 : register, high, value as Value<"i32">);
}

// Addresses

const segmentSlot = (insn: Instruction): number | undefined =>
  insn.segment === SEGMENT_FS ? FS_BASE : insn.segment === SEGMENT_GS ? GS_BASE : undefined;

/** Adds the base of FS or GS, when an override names one. */
export function withSegment(ctx: LiftContext, address: Value<"i64">): Value<"i64"> {
  const slot = segmentSlot(ctx.insn);
  return slot === undefined ? address : ctx.ir.add("add.i64", ctx.ir.add("get.i64", slot), address);
}

/** An address register at the address size. */
export function addressRegister(ctx: LiftContext, register: number): Value<"i64"> {
  const full = ctx.general(register);
  return ctx.insn.addressBytes === 8 ? full : ctx.ir.add("zext.i64", ctx.ir.add("low.i32", full));
}

/** Writes an address register at the address size. */
export function setAddressRegister(ctx: LiftContext, register: number, value: Value<"i64">): void {
  if (ctx.insn.addressBytes === 8) ctx.setGeneral(register, value);
  else ctx.setGeneral32(register, ctx.ir.add("low.i32", value));
}

function baseAndIndex(ctx: LiftContext): Value<"i64"> | undefined {
  const { ir, insn } = ctx;
  const base = insn.base === NO_REGISTER ? undefined : ctx.general(insn.base);
  if (insn.index === NO_REGISTER) return base;
  const index = ctx.general(insn.index);
  const scaled = insn.scale === 0 ? index : ir.add("shl.i64", index, ctx.i32(insn.scale));
  return base === undefined ? scaled : ir.add("add.i64", base, scaled);
}

/**
 * The offset part of a ModRM address, without segment: what LEA computes. `adjust` is added to it (POP computes
 * an address on RSP after it moved).
 */
export function offsetOfMemory(ctx: LiftContext, adjust = 0): Value<"i64"> {
  const { ir, insn } = ctx;
  const displacement = insn.displacement + adjust;
  const narrowAddress = insn.addressBytes === 4;
  if (insn.base === RIP_RELATIVE) {
    const target = ctx.next + displacement;
    return narrowAddress ? ctx.i64(target | 0, 0) : ctx.wide(target);
  }
  const registers = baseAndIndex(ctx);
  if (registers === undefined) return narrowAddress ? ctx.i64(displacement | 0, 0) : ctx.wide(displacement);
  const sum = displacement === 0 ? registers : ir.add("add.i64", registers, ctx.wide(displacement));
  return narrowAddress ? ir.add("zext.i64", ir.add("low.i32", sum)) : sum;
}

/** The linear address of the memory operand; computed once per instruction. */
export function addressOf(ctx: LiftContext): Value<"i64"> {
  ctx.address ??= withSegment(ctx, offsetOfMemory(ctx));
  return ctx.address;
}

/** ACCESS_STACK when the operand's default segment is SS. */
export const stackAccess = ({ base, segment }: Instruction): number =>
  (base === RSP || base === RBP) && segment < SEGMENT_FS ? ACCESS_STACK : 0;

// Memory

export function load(ctx: LiftContext, size: number, address: Value<"i64">, access = 0): Word {
  const { ir } = ctx;
  if (size === 64) return ir.add("load.i64", access, address);
  if (size === 32) return ir.add("load.i32", access, address);
  return size === 16 ? ir.add("load16.i32", access, address) : ir.add("load8.i32", access, address);
}

export interface StoreOptions {
  readonly value: Word;
  readonly access?: number;
}

export function store(
  ctx: LiftContext,
  size: number,
  address: Value<"i64">,
  { value, access = 0 }: StoreOptions,
): void {
  const { ir } = ctx;
  if (size === 64) ir.add("store.i64", access, address, value as Value<"i64">);
  else if (size === 32) ir.add("store.i32", access, address, value as Value<"i32">);
  else if (size === 16) ir.add("store16.i32", access, address, value as Value<"i32">);
  else ir.add("store8.i32", access, address, value as Value<"i32">);
}

/** The address of a memory offset in the instruction (A0..A3). */
const offsetAddress = (ctx: LiftContext): Value<"i64"> =>
  withSegment(ctx, ctx.i64(ctx.insn.immediateLow, ctx.insn.immediateHigh));

// Operands by position

/** Register number of a register operand, or undefined when it is memory or an immediate. */
export function registerOf(ctx: LiftContext, position: number): number | undefined {
  const { insn } = ctx;
  const code = operand(ctx, position);
  switch (code.kind) {
    case "rm":
    case "xrm":
    case "mmrm":
      return insn.memory ? undefined : insn.rm;
    case "reg":
    case "xreg":
    case "mmreg":
    case "segment":
      return insn.reg;
    case "opcode":
      return (insn.opcode & 7) | ((insn.rex & 1) << 3);
    case "vvvv":
      return insn.vvvv;
    case "fixed":
      return code.number;
    default:
      return undefined;
  }
}

/** Both operands are the same register, so that `xor` makes zero. */
export function sameRegister(ctx: LiftContext): boolean {
  const left = registerOf(ctx, 0);
  return left !== undefined && left === registerOf(ctx, 1);
}

const SELECTORS = [USER_SS, USER_CS, USER_SS, USER_SS, 0, 0];

function readAs(ctx: LiftContext, position: number, access: number): Word {
  const { insn } = ctx;
  const code = operand(ctx, position);
  const size = operandBits(code, insn.operandBytes);
  switch (code.kind) {
    case "immediate":
      return constant(ctx, size, insn.immediateLow, insn.immediateHigh);
    case "immediate2":
      return constant(ctx, size, insn.immediate2);
    case "one":
      return ctx.i32(1);
    case "segment":
      return ctx.i32(SELECTORS[insn.reg & 7] ?? 0);
    case "offset":
      return load(ctx, size, offsetAddress(ctx), access);
    default: {
      const register = registerOf(ctx, position);
      if (register !== undefined) return readRegister(ctx, register, size);
      return load(ctx, size, addressOf(ctx), access | stackAccess(insn));
    }
  }
}

export const read = (ctx: LiftContext, position: number): Word => readAs(ctx, position, 0);
/** Reads an operand that will be written: its page must be writable. */
export const modify = (ctx: LiftContext, position: number): Word => readAs(ctx, position, ACCESS_MODIFY);

export function write(ctx: LiftContext, position: number, value: Word): void {
  const size = sizeOf(ctx, position);
  const register = registerOf(ctx, position);
  if (register !== undefined) writeRegister(ctx, register, size, value);
  else if (operand(ctx, position).kind === "offset") store(ctx, size, offsetAddress(ctx), { value });
  else store(ctx, size, addressOf(ctx), { value, access: stackAccess(ctx.insn) });
}

/** The unsigned 8-bit immediate as a number: control of a shuffle, count of a shift. */
export const immediateByte = (ctx: LiftContext): number => ctx.insn.immediateLow & 0xff;

/** An immediate operand's value when it is known now, else undefined. */
export function knownByte(ctx: LiftContext, position: number): number | undefined {
  const { kind } = operand(ctx, position);
  return kind === "one" ? 1 : kind === "immediate" ? immediateByte(ctx) : undefined;
}

// Vector operands

const alignment = (code: OperandCode): number => (code.aligned ? ACCESS_ALIGNED : 0);

/** A 128-bit operand. */
export function readVector(ctx: LiftContext, position: number): Value<"v128"> {
  const register = registerOf(ctx, position);
  if (register !== undefined) return ctx.vector(register);
  const access = alignment(operand(ctx, position)) | stackAccess(ctx.insn);
  return ctx.ir.add("load.v128", access, addressOf(ctx));
}

export function writeVector(ctx: LiftContext, position: number, value: Value<"v128">): void {
  const register = registerOf(ctx, position);
  if (register !== undefined) return ctx.setVector(register, value);
  const access = alignment(operand(ctx, position)) | stackAccess(ctx.insn);
  ctx.ir.add("store.v128", access, addressOf(ctx), value);
}

/** The low 32 or 64 bits of a vector operand; memory of that width. */
export function readLane(ctx: LiftContext, position: number, size: 32 | 64): Word {
  const { ir } = ctx;
  const register = registerOf(ctx, position);
  if (register === undefined) return load(ctx, size, addressOf(ctx), stackAccess(ctx.insn));
  const vector = ctx.vector(register);
  return size === 32 ? ir.add("extract.v32", 0, vector) : ir.add("extract.v64", 0, vector);
}
