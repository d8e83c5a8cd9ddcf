/** Integer arithmetic and logic (Intel SDM vol. 1, 5.1.2 and 5.1.4). */

import type { BlockBuilder } from "../../jit/ir/block.ts";
import { CF, CONDITIONS, OF, ZF } from "../../jit/ir/flags.ts";
import { ACCESS_ALIGNED, ACCESS_MODIFY, type Value } from "../../jit/ir/ops.ts";
import { RAX, RBX, RCX, RDX } from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext, Word } from "./context.ts";
import * as flags from "./flags.ts";
import {
  addressOf,
  load,
  modify,
  read,
  readRegister,
  registerOf,
  sameRegister,
  sizeOf,
  stackAccess,
  store,
  write,
  writeRegister,
} from "./operands.ts";
import * as words from "./words.ts";

const CONDITION_O = CONDITIONS.indexOf("o");

type Binary = (ctx: LiftContext, size: number, left: Word, right: Word) => Word;

/** destination = operation(destination, source). */
const updating =
  (operation: Binary): Lifter =>
  (ctx) => {
    const left = modify(ctx, 0);
    const right = sameRegister(ctx) ? left : read(ctx, 1);
    write(ctx, 0, operation(ctx, sizeOf(ctx, 0), left, right));
  };

const updatingOne =
  (operation: (ctx: LiftContext, size: number, value: Word) => Word): Lifter =>
  (ctx) => {
    write(ctx, 0, operation(ctx, sizeOf(ctx, 0), modify(ctx, 0)));
  };

const logic =
  (operation: (ir: BlockBuilder, size: number, left: Word, right: Word) => Word): Binary =>
  (ctx, size, left, right) => {
    const result = operation(ctx.ir, size, left, right);
    ctx.setFlags(flags.logicFlags(ctx, size, result));
    return result;
  };

const carryWord = (ctx: LiftContext, size: number, carry: Value<"i1">): Word =>
  words.fromBool(ctx.ir, size, carry);

export const add = updating((ctx, size, left, right) => {
  ctx.setFlags(flags.addFlags(ctx, size, left, right));
  return words.plus(ctx.ir, size, left, right);
});

export const adc = updating((ctx, size, left, right) => {
  const { carry, ir } = ctx;
  ctx.setFlags(flags.adcFlags(ctx, size, { a: left, b: right, carry }));
  return words.plus(ir, size, words.plus(ir, size, left, right), carryWord(ctx, size, carry));
});

export const sub = updating((ctx, size, left, right) => {
  ctx.setFlags(flags.subFlags(ctx, size, left, right));
  return words.minus(ctx.ir, size, left, right);
});

export const sbb = updating((ctx, size, left, right) => {
  const { carry, ir } = ctx;
  ctx.setFlags(flags.sbbFlags(ctx, size, { a: left, b: right, carry }));
  return words.minus(ir, size, words.minus(ir, size, left, right), carryWord(ctx, size, carry));
});

export const and = updating(logic(words.and));
export const or = updating(logic(words.or));
const xorUpdate = updating(logic(words.xor));

/** `xor r, r` is how zero is written: no reads, and flags that are known. */
export const xor: Lifter = (ctx) => {
  if (!sameRegister(ctx)) return xorUpdate(ctx);
  const size = sizeOf(ctx, 0);
  const zero = words.constant(ctx, size, 0);
  ctx.setFlags(flags.logicFlags(ctx, size, zero));
  write(ctx, 0, zero);
};

export const cmp: Lifter = (ctx) => {
  const left = read(ctx, 0);
  ctx.setFlags(flags.subFlags(ctx, sizeOf(ctx, 0), left, read(ctx, 1)));
};

export const test: Lifter = (ctx) => {
  const size = sizeOf(ctx, 0);
  const left = read(ctx, 0);
  const result = sameRegister(ctx) ? left : words.and(ctx.ir, size, left, read(ctx, 1));
  ctx.setFlags(flags.logicFlags(ctx, size, result));
};

/** left + right + carry, and whether the sum left the width. */
function sumWithCarry(ctx: LiftContext, size: number, left: Word, right: Word, carry: Value<"i1">) {
  const { ir } = ctx;
  const partial = words.plus(ir, size, left, right);
  const sum = words.plus(ir, size, partial, carryWord(ctx, size, carry));
  const out = ir.add("or.i1", words.below(ir, size, partial, left), words.below(ir, size, sum, partial));
  return { sum, out };
}

/** ADCX and ADOX: an addition that takes its carry from one flag, returns it there, and changes no other. */
const addThrough =
  (flag: typeof CF | typeof OF): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    const size = sizeOf(ctx, 0);
    const carry = flag === CF ? ctx.carry : ctx.condition(CONDITION_O);
    const { sum, out } = sumWithCarry(ctx, size, read(ctx, 0), read(ctx, 1), carry);
    const position = ctx.i32(flag === CF ? 0 : 11);
    const bits = ir.add("shl.i32", ir.add("bool.i32", out), position);
    ctx.setFlags(flags.replacedFlags(ctx, flag, bits), flag === CF ? out : undefined);
    write(ctx, 0, sum);
  };
export const adcx = addThrough(CF);
export const adox = addThrough(OF);

/** INC and DEC leave CF as it is. */
export const inc = updatingOne((ctx, size, value) => {
  const result = words.plus(ctx.ir, size, value, words.constant(ctx, size, 1));
  ctx.setFlags(flags.incFlags(ctx, size, result, ctx.carry));
  return result;
});

export const dec = updatingOne((ctx, size, value) => {
  const result = words.minus(ctx.ir, size, value, words.constant(ctx, size, 1));
  ctx.setFlags(flags.decFlags(ctx, size, result, ctx.carry));
  return result;
});

export const neg = updatingOne((ctx, size, value) => {
  const zero = words.constant(ctx, size, 0);
  ctx.setFlags(flags.subFlags(ctx, size, zero, value));
  return words.minus(ctx.ir, size, zero, value);
});

export const not = updatingOne((ctx, size, value) => words.not(ctx.ir, size, value));

/** The source gets the old destination; with both the same register the sum stays. */
export const xadd: Lifter = (ctx) => {
  const size = sizeOf(ctx, 0);
  const left = modify(ctx, 0);
  const right = read(ctx, 1);
  ctx.setFlags(flags.addFlags(ctx, size, left, right));
  const sum = words.plus(ctx.ir, size, left, right);
  write(ctx, 1, left);
  write(ctx, 0, sum);
};

/** ANDN: the inverted second operand and the third. */
export const andn: Lifter = (ctx) => {
  const size = sizeOf(ctx, 0);
  const result = words.and(ctx.ir, size, words.not(ctx.ir, size, read(ctx, 1)), read(ctx, 2));
  ctx.setFlags(flags.logicFlags(ctx, size, result));
  write(ctx, 0, result);
};

/**
 * The accumulator is written only on a mismatch, a register destination only on a match, so that neither loses
 * its upper half in the other case. Memory is always written.
 */
function exchangeRegister(ctx: LiftContext, register: number, size: number): void {
  const { ir } = ctx;
  const accumulator = readRegister(ctx, RAX, size);
  const destination = readRegister(ctx, register, size);
  const equal = words.equal(ir, size, accumulator, destination);
  ctx.setFlags(flags.subFlags(ctx, size, accumulator, destination));
  if (size !== 32) {
    // Accumulator first: with the accumulator as destination the comparison holds and the source lands.
    writeRegister(ctx, RAX, size, words.select(ir, size, equal, accumulator, destination));
    writeRegister(ctx, register, size, words.select(ir, size, equal, read(ctx, 1), destination));
    return;
  }
  const wide = words.toI64(ir, size, destination);
  ctx.setGeneral(RAX, ir.add("select.i64", equal, ctx.general(RAX), wide));
  const source = words.toI64(ir, size, read(ctx, 1));
  ctx.setGeneral(register, ir.add("select.i64", equal, source, ctx.general(register)));
}

export const cmpxchg: Lifter = (ctx) => {
  const { ir } = ctx;
  const size = sizeOf(ctx, 0);
  const register = registerOf(ctx, 0);
  if (register !== undefined) return exchangeRegister(ctx, register, size);
  const accumulator = readRegister(ctx, RAX, size);
  const destination = modify(ctx, 0);
  const equal = words.equal(ir, size, accumulator, destination);
  write(ctx, 0, words.select(ir, size, equal, read(ctx, 1), destination));
  ctx.setFlags(flags.subFlags(ctx, size, accumulator, destination));
  if (size !== 32)
    return writeRegister(ctx, RAX, size, words.select(ir, size, equal, accumulator, destination));
  const mismatch = words.toI64(ir, size, destination);
  ctx.setGeneral(RAX, ir.add("select.i64", equal, ctx.general(RAX), mismatch));
};

function setZeroFlag(ctx: LiftContext, zero: Value<"i1">): void {
  const { ir } = ctx;
  const bit = ir.add("shl.i32", ir.add("bool.i32", zero), ctx.i32(6));
  ctx.setFlags(flags.replacedFlags(ctx, ZF, bit));
}

/** CMPXCHG8B: EDX:EAX with memory; ECX:EBX is stored on a match. */
export const cmpxchg8b: Lifter = (ctx) => {
  const { ir } = ctx;
  const address = addressOf(ctx);
  const access = stackAccess(ctx.insn);
  const half = (register: number) => ir.add("low.i32", ctx.general(register));
  const old = load(ctx, 64, address, access | ACCESS_MODIFY) as Value<"i64">;
  const equal = ir.add("eq.i64", old, ir.add("concat.i64", half(RAX), half(RDX)));
  const source = ir.add("concat.i64", half(RBX), half(RCX));
  store(ctx, 64, address, { value: ir.add("select.i64", equal, source, old), access });
  const keep = (register: number, value: Value<"i32">) =>
    ctx.setGeneral(register, ir.add("select.i64", equal, ctx.general(register), ir.add("zext.i64", value)));
  keep(RAX, ir.add("low.i32", old));
  keep(RDX, ir.add("high.i32", old));
  setZeroFlag(ctx, equal);
};

/** CMPXCHG16B: RDX:RAX with aligned memory; RCX:RBX is stored on a match. */
export const cmpxchg16b: Lifter = (ctx) => {
  const { ir } = ctx;
  const address = addressOf(ctx);
  const access = stackAccess(ctx.insn) | ACCESS_ALIGNED;
  const old = ir.add("load.v128", access | ACCESS_MODIFY, address);
  const low = ir.add("extract.v64", 0, old);
  const high = ir.add("extract.v64", 1, old);
  const [rax, rdx] = [ctx.general(RAX), ctx.general(RDX)];
  const equal = ir.add("and.i1", ir.add("eq.i64", low, rax), ir.add("eq.i64", high, rdx));
  const first = ir.add("insert.v64", 0, old, ir.add("select.i64", equal, ctx.general(RBX), low));
  const both = ir.add("insert.v64", 1, first, ir.add("select.i64", equal, ctx.general(RCX), high));
  ir.add("store.v128", access, address, both);
  ctx.setGeneral(RAX, ir.add("select.i64", equal, rax, low));
  ctx.setGeneral(RDX, ir.add("select.i64", equal, rdx, high));
  setZeroFlag(ctx, equal);
};
