/**
 * Which parts of each value are needed: halves of a 64-bit value, words of a vector, words of a flags value. One
 * backward pass. Most x86-64 code is 32-bit work; what only feeds upper halves that nobody reads is not emitted.
 */

import type { IrExit, IrInstruction } from "../../ir/block.ts";
import { type IrType, type OpName, OP_NAMES, rowOf } from "../../ir/ops.ts";
import { HIGH, LOW } from "./int64.ts";

/** All parts of a value of the type, as a bit set. */
const ALL_PARTS: { readonly [T in IrType]: number } = { i1: 1, i32: 1, i64: 3, v128: 15, flags: 31 };

/** Parts of argument number `argument` that an operation reads when the parts `need` of its result are. */
type Demand = (need: number, argument: number, imm: readonly number[]) => number;

const same: Demand = (need) => need;
/** Carries go upwards only. */
const upwards: Demand = (need) => ((need & HIGH) !== 0 ? LOW | HIGH : LOW);
const shiftRight: Demand = (need, argument) => (argument === 1 ? 1 : need === HIGH ? HIGH : LOW | HIGH);
/** Words of a vector in pairs. */
const pairs: Demand = (need) => ((need & 3) !== 0 ? 3 : 0) | ((need & 12) !== 0 ? 12 : 0);
const shiftWords: Demand = (need, argument) => (argument === 1 ? 1 : need);

const DEMANDS: Partial<Record<OpName, Demand>> = {
  "add.i64": upwards,
  "sub.i64": upwards,
  "mul.i64": upwards,
  "neg.i64": upwards,
  "and.i64": same,
  "or.i64": same,
  "xor.i64": same,
  "not.i64": same,
  "shl.i64": (need, argument) => (argument === 1 ? 1 : upwards(need, 0, [])),
  "shr.i64": shiftRight,
  "sar.i64": shiftRight,
  "bswap.i64": (need) => ((need & LOW) << 1) | ((need & HIGH) >> 1),
  "select.i64": (need, argument) => (argument === 0 ? 1 : need),
  "select.flags": (need, argument) => (argument === 0 ? 1 : need),
  "low.i32": () => LOW,
  "high.i32": () => HIGH,
  "zext.i64": (need) => need & LOW,
  "concat.i64": (need, argument) => (need >> argument) & 1,
  "insert.i64": (need, argument, imm) => (argument === 1 ? need & LOW : imm[1] === 32 ? need & HIGH : need),
  "extract.i32": () => LOW,
  "and.v128": same,
  "or.v128": same,
  "xor.v128": same,
  "andnot.v128": same,
  "add.v64": pairs,
  "sub.v64": pairs,
  "shl.v16": shiftWords,
  "shl.v32": shiftWords,
  "shr.v16": shiftWords,
  "shr.v32": shiftWords,
  "sar.v16": shiftWords,
  "sar.v32": shiftWords,
  "muleven.u32": () => 5,
  "extract.v16": (_need, _argument, imm) => 1 << ((imm[0] ?? 0) >> 1),
  "extract.v32": (_need, _argument, imm) => 1 << (imm[0] ?? 0),
  "extract.v64": (need, _argument, imm) => need << (2 * (imm[0] ?? 0)),
  "insert.v32": (need, argument, imm) =>
    argument === 1 ? (need >> (imm[0] ?? 0)) & 1 : need & ~(1 << (imm[0] ?? 0)),
  "insert.v64": (need, argument, imm) =>
    argument === 1 ? (need >> (2 * (imm[0] ?? 0))) & 3 : need & ~(3 << (2 * (imm[0] ?? 0))),
};

interface Plan {
  readonly demand: Demand | undefined;
  readonly full: readonly number[];
  /** Left out when no part of the result is needed. */
  readonly removable: boolean;
}

const planOf = (op: OpName): Plan => {
  const row = rowOf(op);
  return {
    demand: DEMANDS[op],
    full: row.args.map((type) => ALL_PARTS[type]),
    removable: row.effect === "none" || row.effect === "read",
  };
};
const PLANS = new Map<OpName, Plan>(OP_NAMES.map((op) => [op, planOf(op)]));

/** Valid until the next call of `demandsOf`: one function is emitted at a time, and its arrays serve the next. */
export interface Demands {
  /** Needed parts per value; an operation with none may be left out unless it is `kept`. */
  readonly need: Uint8Array;
  /** How often each value is an argument of an operation that stays, or of the exit; counted down while emitting. */
  readonly uses: Uint16Array;
  /** 1 for operations to emit. */
  readonly kept: Uint8Array;
}

let arrays = { need: new Uint8Array(512), uses: new Uint16Array(512), kept: new Uint8Array(512) };

/** The arrays, cleared for `count` operations. */
function workspace(count: number): Demands {
  if (count > arrays.need.length) {
    const size = 2 * count;
    arrays = { need: new Uint8Array(size), uses: new Uint16Array(size), kept: new Uint8Array(size) };
  }
  arrays.need.fill(0, 0, count);
  arrays.uses.fill(0, 0, count);
  arrays.kept.fill(0, 0, count);
  return arrays;
}

/** `result`: a value that is wanted besides what the exit wants, or -1. */
export function demandsOf(code: readonly IrInstruction[], exit: IrExit | undefined, result: number): Demands {
  const { need, uses, kept } = workspace(code.length);
  if (exit?.kind === "branch") want(need, uses, exit.condition, 1);
  if (exit?.kind === "indirect") want(need, uses, exit.target, LOW | HIGH);
  if (result >= 0) want(need, uses, result, 1);
  for (let i = code.length - 1; i >= 0; i--) {
    const instruction = code[i] as IrInstruction;
    const plan = PLANS.get(instruction.op) as Plan;
    const wanted = need[i] as number;
    if (wanted === 0 && plan.removable) continue;
    kept[i] = 1;
    const { args } = instruction;
    for (let k = 0; k < args.length; k++) {
      const parts =
        plan.demand === undefined ? (plan.full[k] as number) : plan.demand(wanted, k, instruction.imm);
      want(need, uses, args[k] as number, parts);
    }
  }
  return { need, uses, kept };
}

function want(need: Uint8Array, uses: Uint16Array, value: number, parts: number): void {
  need[value] = (need[value] as number) | parts;
  uses[value] = (uses[value] as number) + 1;
}
