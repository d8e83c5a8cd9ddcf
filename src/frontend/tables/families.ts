/** Rows that come in families, and the names they share. */

import { AF, CF, OF, PF, SF, ZF } from "../../jit/ir/flags.ts";
import * as bits from "../lift/bits.ts";
import * as move from "../lift/move.ts";
import { nop } from "../lift/move.ts";
import { jcc } from "../lift/control.ts";
import type { OperandName } from "../operand-codes.ts";
import { type Entry, type Lifter, repeated, row, type RowOptions } from "./row.ts";

/** Flags that the manual leaves undefined. */
export const UNDEFINED_AF = AF;
export const UNDEFINED_SHIFT = AF | OF | CF;
export const UNDEFINED_ROTATE = OF;
export const UNDEFINED_MULTIPLY = SF | ZF | AF | PF;
export const UNDEFINED_DIVIDE = CF | OF | SF | ZF | AF | PF;
export const UNDEFINED_BIT_TEST = OF | SF | AF | PF;
export const UNDEFINED_SCAN = CF | OF | SF | AF | PF;
export const UNDEFINED_COUNT = OF | SF | AF | PF;
export const UNDEFINED_BMI = AF | PF;

/** Suffixes of Jcc, SETcc, CMOVcc by condition code. */
const CONDITION_NAMES = [
  "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g",
] as const; // prettier-ignore

const conditional = (
  base: number,
  prefix: string,
  lift: Lifter,
  operands: readonly OperandName[],
  options: RowOptions = {},
): [number, Entry][] =>
  CONDITION_NAMES.map((name, i) => [base + i, row(`${prefix}${name}`, lift, operands, options)]);

export const jccRows = (base: number, operand: "Jb" | "Jz"): [number, Entry][] =>
  conditional(base, "j", jcc, [operand], { width: "only64", ends: true });
export const setccRows = (base: number): [number, Entry][] => conditional(base, "set", move.setcc, ["Eb"]);
export const cmovccRows = (base: number): [number, Entry][] =>
  conditional(base, "cmov", move.cmovcc, ["Gv", "Ev"], { feature: "cmov" });

/** The six forms of an ALU operation. CMP takes no LOCK: the row says so, not the lifter. */
export function aluRows(
  base: number,
  name: string,
  lift: Lifter,
  options: RowOptions = {},
): [number, Entry][] {
  const memory: RowOptions = { ...options, lockable: name !== "cmp" };
  return [
    [base + 0, row(name, lift, ["Eb", "Gb"], memory)],
    [base + 1, row(name, lift, ["Ev", "Gv"], memory)],
    [base + 2, row(name, lift, ["Gb", "Eb"], options)],
    [base + 3, row(name, lift, ["Gv", "Ev"], options)],
    [base + 4, row(name, lift, ["AL", "Ib"], options)],
    [base + 5, row(name, lift, ["rAX", "Iz"], options)],
  ];
}

/** BT and its kin take a register or an immediate offset. */
export const bitTestRow = (name: "bt" | "bts" | "btr" | "btc", operands: readonly OperandName[]): Entry =>
  row(name, bits[name], operands, { lockable: name !== "bt", undefinedFlags: UNDEFINED_BIT_TEST });

/** The reserved NOPs with a ModRM byte. */
export const nopRows = (base: number, count: number): [number, Entry][] =>
  repeated(base, count, row("nop", nop, ["Ev", "Gv"]));
