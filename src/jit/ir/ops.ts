/**
 * The operation table: every fact about an IR operation stands in its row, and the types of builder, evaluator
 * and emitters are derived from it. A new row does not compile until each of them has its case.
 *
 * Value types
 *   i1     a truth value
 *   i32    32 bits; 8- and 16-bit quantities are i32 values that are zero-extended (upper bits clear)
 *   i64    64 bits
 *   v128   128 bits of a vector register
 *   flags  the six status flags as kind + operands, never as bits; see flags.ts
 *
 * Effects
 *   none    a pure function of arguments and immediates: may be removed, merged, reordered
 *   read    reads guest state: may be removed; does not move across a write of the same slot
 *   write   writes guest state: removed only by a pass that knows it dead
 *   memory  touches guest memory or raises a guest fault: never removed or reordered among memory ops.
 *           At such an op the guest state is exactly that before the current guest instruction.
 *
 * Operations with `call: true` are functions that every back end calls the same way; see calls/call.ts.
 *
 * A shift or rotate count is an i32 in 0 .. width - 1: the lifter masks as the processor does.
 */

import { CRYPTO_OPS } from "./calls/crypto.ts";
import { FLOAT_OPS } from "./calls/float.ts";
import { VECTOR_OPS } from "./calls/vector.ts";
import { X87_OPS } from "./calls/x87.ts";

export type IrType = "i1" | "i32" | "i64" | "v128" | "flags";
export type Effect = "none" | "read" | "write" | "memory";

/** What an immediate of an operation means; all are safe integers. */
export type ImmKind =
  /** Byte offset in the state block; printed with the front end's name of it. */
  | "slot"
  /** An int32 constant, or half of a 64-bit one. */
  | "int32"
  /** Width in bits of the quantity an i32 holds: 8, 16 or 32. */
  | "width"
  /** Bit position. */
  | "bit"
  /** Condition number of flags.ts (`CONDITIONS`). */
  | "condition"
  /** Bits of `ACCESS_*` below. */
  | "access"
  /** Exception vector. */
  | "vector"
  /** Lane number, shuffle control or byte count of a vector operation. */
  | "lane";

export interface OpRow {
  readonly args: readonly IrType[];
  readonly result?: IrType;
  readonly effect: Effect;
  readonly imm?: readonly ImmKind[];
  /** A function does it: calls/index.ts has one. */
  readonly call?: true;
}

/** The access is part of a read-modify-write: the page must be writable even for the load. */
export const ACCESS_MODIFY = 1;
/** A non-canonical address raises #SS instead of #GP. */
export const ACCESS_STACK = 2;
/** A 16-byte access that raises #GP when misaligned. */
export const ACCESS_ALIGNED = 4;

const defineOps = <const T extends Record<string, OpRow>>(rows: T): T => rows;

const pure = <const A extends readonly IrType[], const R extends IrType>(args: A, result: R) =>
  ({ args, result, effect: "none" }) as const;

const pureImm = <
  const I extends readonly ImmKind[],
  const A extends readonly IrType[],
  const R extends IrType,
>(
  imm: I,
  args: A,
  result: R,
) => ({ args, result, effect: "none", imm }) as const;

const load = <const R extends IrType>(result: R) =>
  ({ args: ["i64"], result, effect: "memory", imm: ["access"] }) as const;
const store = <const V extends IrType>(value: V) =>
  ({ args: ["i64", value], effect: "memory", imm: ["access"] }) as const;

const BINARY_I32 = pure(["i32", "i32"], "i32");
const BINARY_I64 = pure(["i64", "i64"], "i64");
const SHIFT_I64 = pure(["i64", "i32"], "i64");
const COMPARE_I32 = pure(["i32", "i32"], "i1");
const COMPARE_I64 = pure(["i64", "i64"], "i1");
const UNARY_I32 = pure(["i32"], "i32");
const UNARY_I64 = pure(["i64"], "i64");
const BINARY_I1 = pure(["i1", "i1"], "i1");
const BINARY_V = pure(["v128", "v128"], "v128");
const SHIFT_V = pure(["v128", "i32"], "v128");
const DIVIDE = pure(["i64", "i64", "i64"], "i64");

const FLAGS_2_I32 = pureImm(["width"], ["i32", "i32"], "flags");
const FLAGS_2_I64 = pure(["i64", "i64"], "flags");
const FLAGS_CARRY_I32 = pureImm(["width"], ["i32", "i32", "i1"], "flags");
const FLAGS_CARRY_I64 = pure(["i64", "i64", "i1"], "flags");

export const OPS = defineOps({
  // Constants. A 64-bit constant has two immediates: low and high half.
  "const.i1": pureImm(["int32"], [], "i1"),
  "const.i32": pureImm(["int32"], [], "i32"),
  "const.i64": pureImm(["int32", "int32"], [], "i64"),
  "const.v128": pureImm(["int32", "int32", "int32", "int32"], [], "v128"),

  // Guest state: the front end decides what lies at which byte offset of the state block.
  "get.i32": { args: [], result: "i32", effect: "read", imm: ["slot"] },
  "get.i64": { args: [], result: "i64", effect: "read", imm: ["slot"] },
  "get.v128": { args: [], result: "v128", effect: "read", imm: ["slot"] },
  "get.flags": { args: [], result: "flags", effect: "read" },
  "set.i32": { args: ["i32"], effect: "write", imm: ["slot"] },
  "set.i64": { args: ["i64"], effect: "write", imm: ["slot"] },
  "set.v128": { args: ["v128"], effect: "write", imm: ["slot"] },
  "set.flags": { args: ["flags"], effect: "write" },

  // Pinned state (state.ts): read and written in place, in order with memory operations and calls.
  "peek.i32": { args: [], result: "i32", effect: "memory", imm: ["slot"] },
  "peek.i64": { args: [], result: "i64", effect: "memory", imm: ["slot"] },
  "poke.i32": { args: ["i32"], effect: "memory", imm: ["slot"] },
  "poke.i64": { args: ["i64"], effect: "memory", imm: ["slot"] },

  // Guest memory, little-endian, at the full 64-bit virtual address. Narrow loads zero-extend, narrow stores
  // take the low bits.
  "load8.i32": load("i32"),
  "load16.i32": load("i32"),
  "load.i32": load("i32"),
  "load.i64": load("i64"),
  "load.v128": load("v128"),
  "store8.i32": store("i32"),
  "store16.i32": store("i32"),
  "store.i32": store("i32"),
  "store.i64": store("i64"),
  "store.v128": store("v128"),
  /** Faults as a write of `lane` bytes at the address would; changes nothing. Before an instruction's 2nd store. */
  "probe.write": { args: ["i64"], effect: "memory", imm: ["access", "lane"] },
  /**
   * Repeated stores (address, value, count) and copies (to, from, count) of elements of `lane` bytes, upwards: does
   * some of the elements, but not the last, and gives how many; none is always allowed. Never faults. Counts one
   * guest instruction per element by itself. State writes right behind it complete those elements: they may come
   * before further memory operations of the instruction.
   */
  "bulk.store": { args: ["i64", "i64", "i64"], result: "i32", effect: "memory", imm: ["lane"] },
  "bulk.copy": { args: ["i64", "i64", "i64"], result: "i32", effect: "memory", imm: ["lane"] },
  /** Raises the exception `vector` (error code 0) at the current instruction when the condition holds. */
  "fault.if": { args: ["i1"], effect: "memory", imm: ["vector"] },
  /**
   * Leaves the unit when the condition holds, to the address whose low and high half are given. The current guest
   * instruction counts as completed; the state is as set so far. (REP string instructions with a zero count.)
   */
  "exit.if": { args: ["i1"], effect: "memory", imm: ["int32", "int32"] },

  // Truth values.
  "and.i1": BINARY_I1,
  "or.i1": BINARY_I1,
  "xor.i1": BINARY_I1,
  "not.i1": pure(["i1"], "i1"),

  // 32-bit integers.
  "add.i32": BINARY_I32,
  "sub.i32": BINARY_I32,
  "mul.i32": BINARY_I32,
  "and.i32": BINARY_I32,
  "or.i32": BINARY_I32,
  "xor.i32": BINARY_I32,
  "not.i32": UNARY_I32,
  "neg.i32": UNARY_I32,
  "shl.i32": BINARY_I32,
  "shr.i32": BINARY_I32,
  "sar.i32": BINARY_I32,
  "rotl.i32": BINARY_I32,
  "rotr.i32": BINARY_I32,
  "clz.i32": UNARY_I32,
  "ctz.i32": UNARY_I32,
  "popcnt.i32": UNARY_I32,
  "bswap.i32": UNARY_I32,
  "eq.i32": COMPARE_I32,
  "ne.i32": COMPARE_I32,
  "ult.i32": COMPARE_I32,
  "ule.i32": COMPARE_I32,
  "slt.i32": COMPARE_I32,
  "sle.i32": COMPARE_I32,
  "select.i32": pure(["i1", "i32", "i32"], "i32"),

  // 64-bit integers.
  "add.i64": BINARY_I64,
  "sub.i64": BINARY_I64,
  "mul.i64": BINARY_I64,
  "and.i64": BINARY_I64,
  "or.i64": BINARY_I64,
  "xor.i64": BINARY_I64,
  "not.i64": UNARY_I64,
  "neg.i64": UNARY_I64,
  "shl.i64": SHIFT_I64,
  "shr.i64": SHIFT_I64,
  "sar.i64": SHIFT_I64,
  "rotl.i64": SHIFT_I64,
  "rotr.i64": SHIFT_I64,
  "clz.i64": pure(["i64"], "i32"),
  "ctz.i64": pure(["i64"], "i32"),
  "popcnt.i64": pure(["i64"], "i32"),
  "bswap.i64": UNARY_I64,
  "eq.i64": COMPARE_I64,
  "ne.i64": COMPARE_I64,
  "ult.i64": COMPARE_I64,
  "ule.i64": COMPARE_I64,
  "slt.i64": COMPARE_I64,
  "sle.i64": COMPARE_I64,
  "select.i64": pure(["i1", "i64", "i64"], "i64"),

  // Multiplication and division beyond the word. clz and ctz of zero give the width.
  /** 32 x 32 to 64 bits, unsigned and signed. */
  "mulwide.u32": pure(["i32", "i32"], "i64"),
  "mulwide.s32": pure(["i32", "i32"], "i64"),
  /** High half of the 128-bit product. */
  "mulhigh.u64": BINARY_I64,
  "mulhigh.s64": BINARY_I64,
  /** Quotient and remainder of (high:low) / divisor; arguments high, low, divisor. Any result when it does not fit. */
  "div.u128": DIVIDE,
  "rem.u128": DIVIDE,
  "div.s128": DIVIDE,
  "rem.s128": DIVIDE,
  /** Whether the divisor is non-zero and the quotient of (high:low) / divisor fits 64 bits. */
  "divfits.u128": pure(["i64", "i64", "i64"], "i1"),
  "divfits.s128": pure(["i64", "i64", "i64"], "i1"),
  /** 64-bit division; any result when the divisor is zero, or for the minimum divided by -1. */
  "div.u64": BINARY_I64,
  "rem.u64": BINARY_I64,
  "div.s64": BINARY_I64,
  "rem.s64": BINARY_I64,

  // Conversions.
  "zext8.i32": UNARY_I32,
  "zext16.i32": UNARY_I32,
  "sext8.i32": UNARY_I32,
  "sext16.i32": UNARY_I32,
  "zext.i64": pure(["i32"], "i64"),
  "sext.i64": pure(["i32"], "i64"),
  "low.i32": pure(["i64"], "i32"),
  "high.i32": pure(["i64"], "i32"),
  /** From low and high half. */
  "concat.i64": pure(["i32", "i32"], "i64"),
  "bool.i32": pure(["i1"], "i32"),
  /** Replaces `width` bits of the first argument at `bit` (bit + width <= 32) by the low bits of the second. */
  "insert.i64": pureImm(["bit", "width"], ["i64", "i32"], "i64"),
  /** The `width` bits at `bit` (bit + width <= 32), zero-extended. */
  "extract.i32": pureImm(["bit", "width"], ["i64"], "i32"),

  // Flags, made: a value that stands for the six status flags after an operation. See flags.ts.
  "flags.add.i32": FLAGS_2_I32,
  "flags.add.i64": FLAGS_2_I64,
  "flags.adc.i32": FLAGS_CARRY_I32,
  "flags.adc.i64": FLAGS_CARRY_I64,
  "flags.sub.i32": FLAGS_2_I32,
  "flags.sub.i64": FLAGS_2_I64,
  "flags.sbb.i32": FLAGS_CARRY_I32,
  "flags.sbb.i64": FLAGS_CARRY_I64,
  /** Argument: the result. CF = OF = AF = 0. */
  "flags.logic.i32": pureImm(["width"], ["i32"], "flags"),
  "flags.logic.i64": pure(["i64"], "flags"),
  /** Arguments: the result and the carry that stays. */
  "flags.inc.i32": pureImm(["width"], ["i32", "i1"], "flags"),
  "flags.inc.i64": pure(["i64", "i1"], "flags"),
  "flags.dec.i32": pureImm(["width"], ["i32", "i1"], "flags"),
  "flags.dec.i64": pure(["i64", "i1"], "flags"),
  /** ZF, SF, PF from the result; CF, OF, AF given in this order. */
  "flags.result.i32": pureImm(["width"], ["i32", "i1", "i1", "i1"], "flags"),
  "flags.result.i64": pure(["i64", "i1", "i1", "i1"], "flags"),
  /** All six given as bits at their places in RFLAGS; other bits are ignored. */
  "flags.bits": pure(["i32"], "flags"),
  "select.flags": pure(["i1", "flags", "flags"], "flags"),

  // Flags, read.
  /** Whether condition number `condition` of flags.ts holds. */
  cond: pureImm(["condition"], ["flags"], "i1"),
  /** The six status flags at their places in RFLAGS, all other bits zero. */
  "bits.flags": pure(["flags"], "i32"),

  // The machine around the processor.
  /** CPUID: register 0..3 (eax, ebx, ecx, edx) of leaf and subleaf. */
  cpuid: pureImm(["lane"], ["i32", "i32"], "i32"),
  /** The time-stamp counter: guest instructions completed before the current one. */
  tsc: { args: [], result: "i64", effect: "read" },
  /** 64 bits from the machine's entropy input (RDRAND, RDSEED). */
  random: { args: [], result: "i64", effect: "memory" },

  // Vectors, 128 bits. Lane 0 is the lowest. Names: operation.v<lane bits>.
  "and.v128": BINARY_V,
  "or.v128": BINARY_V,
  "xor.v128": BINARY_V,
  /** NOT first AND second. */
  "andnot.v128": BINARY_V,
  "add.v8": BINARY_V,
  "add.v16": BINARY_V,
  "add.v32": BINARY_V,
  "add.v64": BINARY_V,
  "sub.v8": BINARY_V,
  "sub.v16": BINARY_V,
  "sub.v32": BINARY_V,
  "sub.v64": BINARY_V,
  "addsat.s8": BINARY_V,
  "addsat.s16": BINARY_V,
  "addsat.u8": BINARY_V,
  "addsat.u16": BINARY_V,
  "subsat.s8": BINARY_V,
  "subsat.s16": BINARY_V,
  "subsat.u8": BINARY_V,
  "subsat.u16": BINARY_V,
  "mul.v16": BINARY_V,
  "mulhigh.s16": BINARY_V,
  "mulhigh.u16": BINARY_V,
  /** Products of the even unsigned 32-bit lanes (PMULUDQ). */
  "muleven.u32": BINARY_V,
  /** Sums of neighbouring products of signed 16-bit lanes (PMADDWD). */
  "madd.s16": BINARY_V,
  /** Sums of absolute differences of bytes per 64-bit half (PSADBW). */
  "sad.u8": BINARY_V,
  "avg.u8": BINARY_V,
  "avg.u16": BINARY_V,
  "min.u8": BINARY_V,
  "max.u8": BINARY_V,
  "min.s16": BINARY_V,
  "max.s16": BINARY_V,
  "eq.v8": BINARY_V,
  "eq.v16": BINARY_V,
  "eq.v32": BINARY_V,
  "sgt.v8": BINARY_V,
  "sgt.v16": BINARY_V,
  "sgt.v32": BINARY_V,
  /** Every lane shifted by the same count; a count of the lane width or more gives zero (sar: sign). */
  "shl.v16": SHIFT_V,
  "shl.v32": SHIFT_V,
  "shl.v64": SHIFT_V,
  "shr.v16": SHIFT_V,
  "shr.v32": SHIFT_V,
  "shr.v64": SHIFT_V,
  "sar.v16": SHIFT_V,
  "sar.v32": SHIFT_V,
  /** Whole register by `lane` bytes, 0..16. */
  "shlbytes.v128": pureImm(["lane"], ["v128"], "v128"),
  "shrbytes.v128": pureImm(["lane"], ["v128"], "v128"),
  /** PSHUFD, PSHUFLW, PSHUFHW: immediate is the 8-bit control. */
  "shuffle.v32": pureImm(["lane"], ["v128"], "v128"),
  "shufflelow.v16": pureImm(["lane"], ["v128"], "v128"),
  "shufflehigh.v16": pureImm(["lane"], ["v128"], "v128"),
  /** SHUFPS, SHUFPD: low lanes from the first, high lanes from the second argument. */
  "shuffle2.v32": pureImm(["lane"], ["v128", "v128"], "v128"),
  "shuffle2.v64": pureImm(["lane"], ["v128", "v128"], "v128"),
  "unpacklow.v8": BINARY_V,
  "unpacklow.v16": BINARY_V,
  "unpacklow.v32": BINARY_V,
  "unpacklow.v64": BINARY_V,
  "unpackhigh.v8": BINARY_V,
  "unpackhigh.v16": BINARY_V,
  "unpackhigh.v32": BINARY_V,
  "unpackhigh.v64": BINARY_V,
  /** Narrowing with saturation: result low half from the first argument. */
  "packs.s16": BINARY_V,
  "packs.s32": BINARY_V,
  "packu.s16": BINARY_V,
  /** Sign bits of the lanes, lane 0 in bit 0. */
  "movemask.v8": pure(["v128"], "i32"),
  "movemask.v32": pure(["v128"], "i32"),
  "movemask.v64": pure(["v128"], "i32"),
  "extract.v16": pureImm(["lane"], ["v128"], "i32"),
  "extract.v32": pureImm(["lane"], ["v128"], "i32"),
  "extract.v64": pureImm(["lane"], ["v128"], "i64"),
  "insert.v16": pureImm(["lane"], ["v128", "i32"], "v128"),
  "insert.v32": pureImm(["lane"], ["v128", "i32"], "v128"),
  "insert.v64": pureImm(["lane"], ["v128", "i64"], "v128"),

  // Call operations.
  ...FLOAT_OPS,
  ...X87_OPS,
  ...VECTOR_OPS,
  ...CRYPTO_OPS,
});

export type OpName = keyof typeof OPS;
export const OP_NAMES = Object.keys(OPS) as readonly OpName[];

type Row<K extends OpName> = (typeof OPS)[K];
/** Names of the call operations. */
export type CallOpName = {
  [K in OpName]: Row<K> extends { readonly call: true } ? K : never;
}[OpName];
export type ResultOf<K extends OpName> =
  Row<K> extends { readonly result: infer R extends IrType } ? R : void;
export type ArgsOf<K extends OpName> = Row<K>["args"];
export type ImmOf<K extends OpName> =
  Row<K> extends { readonly imm: infer I extends readonly ImmKind[] } ? I : [];

declare const valueType: unique symbol;
/** The result of an instruction: its index in `IrBlock.code`, typed. */
export type Value<T extends IrType = IrType> = number & { readonly [valueType]: T };

export type ValuesOf<A extends readonly IrType[]> = { -readonly [I in keyof A]: Value<A[I]> };
export type NumbersOf<I extends readonly ImmKind[]> = { -readonly [K in keyof I]: number };

/** Immediates first, then arguments. */
export type OperandsOf<K extends OpName> = [...NumbersOf<ImmOf<K>>, ...ValuesOf<ArgsOf<K>>];
export type ResultValue<K extends OpName> = ResultOf<K> extends IrType ? Value<ResultOf<K>> : void;

export const rowOf = (op: OpName): OpRow => OPS[op];
