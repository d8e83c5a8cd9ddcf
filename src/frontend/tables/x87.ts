/**
 * The x87 escapes D8 to DF: names alone, because none of them is implemented. Memory forms by ModRM.reg, register
 * forms by ModRM.reg and, where they differ, by ModRM.rm; an empty name is an undefined encoding.
 */

import type { OperandName } from "../operand-codes.ts";
import { byMod, byReg, byRm, type Entry, unsupported } from "./row.ts";

const words = (text: string): string[] => text.split(" ");

const ARITHMETIC = "fadd fmul fcom fcomp fsub fsubr fdiv fdivr";
const INTEGER = "fiadd fimul ficom ficomp fisub fisubr fidiv fidivr";

/** Names of the memory forms, by opcode and reg; `-` is undefined. */
const MEMORY: readonly (readonly [names: string, operands: readonly OperandName[]])[] = [
  [ARITHMETIC, ["Md", "Md", "Md", "Md", "Md", "Md", "Md", "Md"]],
  ["fld - fst fstp fldenv fldcw fnstenv fnstcw", ["Md", "M", "Md", "Md", "M", "Mw", "M", "Mw"]],
  [INTEGER, ["Md", "Md", "Md", "Md", "Md", "Md", "Md", "Md"]],
  ["fild fisttp fist fistp - fld - fstp", ["Md", "Md", "Md", "Md", "M", "Mt", "M", "Mt"]],
  [ARITHMETIC, ["Mq", "Mq", "Mq", "Mq", "Mq", "Mq", "Mq", "Mq"]],
  ["fld fisttp fst fstp frstor - fnsave fnstsw", ["Mq", "Mq", "Mq", "Mq", "M", "M", "M", "Mw"]],
  [INTEGER, ["Mw", "Mw", "Mw", "Mw", "Mw", "Mw", "Mw", "Mw"]],
  ["fild fisttp fist fistp fbld fild fbstp fistp", ["Mw", "Mw", "Mw", "Mw", "Mt", "Mq", "Mt", "Mq"]],
];

/** Names of the register forms, by opcode and reg; eight names separated by `/` go by rm. */
const REGISTER: readonly string[] = [
  ARITHMETIC,
  "fld fxch fnop/-/-/-/-/-/-/- fstp fchs/fabs/-/-/ftst/fxam/-/- " +
    "fld1/fldl2t/fldl2e/fldpi/fldlg2/fldln2/fldz/- " +
    "f2xm1/fyl2x/fptan/fpatan/fxtract/fprem1/fdecstp/fincstp " +
    "fprem/fyl2xp1/fsqrt/fsincos/frndint/fscale/fsin/fcos",
  "fcmovb fcmove fcmovbe fcmovu - -/fucompp/-/-/-/-/-/- - -",
  "fcmovnb fcmovne fcmovnbe fcmovnu fneni/fndisi/fnclex/fninit/fnsetpm/frstpm/-/- fucomi fcomi -",
  "fadd fmul fcom fcomp fsubr fsub fdivr fdiv",
  "ffree fxch fst fstp fucom fucomp - -",
  "faddp fmulp fcomp -/fcompp/-/-/-/-/-/- fsubrp fsubp fdivrp fdivp",
  "ffreep fxch fstp fstp fnstsw/-/-/-/-/-/-/- fucomip fcomip -",
];

const named = (name: string, operands: readonly OperandName[] = []): Entry | undefined =>
  name === "-" || name === "" ? undefined : unsupported(name, operands);

const registerForm = (text: string): Entry | undefined =>
  text.includes("/") ? byRm(text.split("/").map((name) => named(name))) : named(text);

function escape(index: number): Entry {
  const [memoryNames = "", operands = []] = MEMORY[index] ?? [];
  const memory = words(memoryNames);
  const register = words(REGISTER[index] ?? "");
  return byReg(
    memory.map((name, reg) => byMod(named(name, [operands[reg] ?? "M"]), registerForm(register[reg] ?? ""))),
  );
}

export const X87_ROWS: readonly (readonly [number, Entry])[] = Array.from({ length: 8 }, (_, i) => [
  0xd8 + i,
  escape(i),
]);
