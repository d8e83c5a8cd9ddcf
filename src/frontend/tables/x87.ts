/**
 * The x87 escapes D8 to DF (Intel SDM vol. 2, tables ). Memory forms go by ModRM.reg, register forms by
 * ModRM.reg and, where there are several instructions, by ModRM.rm.
 */

import * as x87 from "../lift/x87.ts";
import * as state from "../lift/x87-state.ts";
import type { OperandName } from "../operand-codes.ts";
import { byMod, byReg, byRm, type Entry, type Lifter, row } from "./row.ts";

const fpu = { feature: "fpu" } as const;
const sse3 = { feature: "sse3" } as const;
/** FCMOV and FCOMI came with CMOV. */
const cmov = { feature: "cmov" } as const;

type MaybeEntry = Entry | undefined;

const control = (name: string, lift: Lifter): Entry => row(name, lift, [], fpu);
/** All but control instructions leave their address for FNSTENV. */
const plain = (name: string, lift: Lifter, operands: readonly OperandName[] = []): Entry =>
  row(name, x87.noted(lift), operands, fpu);
/** With both register operands; which one an instruction changes is the first. */
const FROM_STACK = ["ST", "STi"] as const;
const TO_STACK = ["STi", "ST"] as const;
const memory = (
  name: string,
  operand: OperandName,
  lift: Lifter,
  options: typeof fpu | typeof sse3 = fpu,
): Entry => row(name, x87.noted(lift), [operand], options);
const controlMemory = (name: string, operand: OperandName, lift: Lifter): Entry =>
  row(name, lift, [operand], fpu);
const special = (name: Parameters<typeof x87.special>[0]): Entry => plain(name, x87.special(name));

const NAMES = ["fadd", "fmul", "fcom", "fcomp", "fsub", "fsubr", "fdiv", "fdivr"] as const;
const INTEGER_NAMES = ["fiadd", "fimul", "ficom", "ficomp", "fisub", "fisubr", "fidiv", "fidivr"] as const;

const arithmeticMemory = (operand: OperandName, format: x87.MemoryFormat): Entry[] =>
  (format === "integer" ? INTEGER_NAMES : NAMES).map((name, kind) =>
    memory(name, operand, x87.arithmeticMemory(kind, format)),
  );

/** The subtraction and the division of ST(i) by number: here the names of the forms are the other way round. */
const REVERSED = [0, 1, 2, 3, 5, 4, 7, 6] as const;
const arithmeticRegister = (suffix: "" | "p", pops: 0 | 1): MaybeEntry[] =>
  REVERSED.map((kind) => {
    const name = NAMES[kind];
    return kind === 2 || kind === 3
      ? undefined
      : plain(`${name ?? ""}${suffix}`, x87.arithmeticRegister(kind, pops), TO_STACK);
  });

const fcom = plain("fcom", x87.compareRegister(0, 0), FROM_STACK);
const fcomp = plain("fcomp", x87.compareRegister(0, 1), FROM_STACK);
const fxch = plain("fxch", x87.exchange, FROM_STACK);
const fstpRegister = plain("fstp", x87.storeRegister(1), TO_STACK);

/** With FCOM and FCOMP in their places. */
const withCompares = (entries: readonly MaybeEntry[], second: MaybeEntry, third: MaybeEntry): MaybeEntry[] =>
  entries.map((entry, reg) => (reg === 2 ? second : reg === 3 ? third : entry));

const move = (name: string, condition: Parameters<typeof x87.move>[0]): Entry =>
  row(name, x87.noted(x87.move(condition)), FROM_STACK, cmov);

/** Register forms of each escape by reg. */
const REGISTERS: readonly (readonly MaybeEntry[])[] = [
  withCompares(
    NAMES.map((name, kind) => plain(name, x87.arithmeticTop(kind), FROM_STACK)),
    fcom,
    fcomp,
  ),
  [
    plain("fld", x87.loadRegister, FROM_STACK),
    fxch,
    byRm([plain("fnop", x87.fnop)]),
    plain("fstp", x87.storeAny, TO_STACK),
    byRm([special("fchs"), special("fabs"), undefined, undefined, special("ftst"), special("fxam")]),
    byRm((["fld1", "fldl2t", "fldl2e", "fldpi", "fldlg2", "fldln2", "fldz"] as const).map(special)),
    byRm(
      (["f2xm1", "fyl2x", "fptan", "fpatan", "fxtract", "fprem1", "fdecstp", "fincstp"] as const).map(
        special,
      ),
    ),
    byRm(
      (["fprem", "fyl2xp1", "fsqrt", "fsincos", "frndint", "fscale", "fsin", "fcos"] as const).map(special),
    ),
  ],
  [
    move("fcmovb", "b"),
    move("fcmove", "z"),
    move("fcmovbe", "be"),
    move("fcmovu", "p"),
    undefined,
    byRm([undefined, plain("fucompp", x87.compareRegister(1, 2))]),
  ],
  [
    move("fcmovnb", "ae"),
    move("fcmovne", "nz"),
    move("fcmovnbe", "a"),
    move("fcmovnu", "np"),
    byRm([
      control("fneni", x87.ignored),
      control("fndisi", x87.ignored),
      control("fnclex", x87.fnclex),
      control("fninit", x87.fninit),
      control("fnsetpm", x87.ignored),
    ]),
    row("fucomi", x87.noted(x87.compareFlags(1, 0)), FROM_STACK, cmov),
    row("fcomi", x87.noted(x87.compareFlags(0, 0)), FROM_STACK, cmov),
  ],
  withCompares(arithmeticRegister("", 0), fcom, fcomp),
  [
    plain("ffree", x87.free(0), ["STi"]),
    fxch,
    plain("fst", x87.storeRegister(0), TO_STACK),
    fstpRegister,
    plain("fucom", x87.compareRegister(1, 0), FROM_STACK),
    plain("fucomp", x87.compareRegister(1, 1), FROM_STACK),
  ],
  withCompares(
    arithmeticRegister("p", 1),
    fcomp,
    byRm([undefined, plain("fcompp", x87.compareRegister(0, 2))]),
  ),
  [
    plain("ffreep", x87.free(1), ["STi"]),
    fxch,
    fstpRegister,
    fstpRegister,
    byRm([row("fnstsw", x87.fnstswAx, ["AX"], fpu)]),
    row("fucomip", x87.noted(x87.compareFlags(1, 1)), FROM_STACK, cmov),
    row("fcomip", x87.noted(x87.compareFlags(0, 1)), FROM_STACK, cmov),
  ],
];

const integers = (operand: "Mw" | "Md"): Entry[] => [
  memory("fild", operand, x87.loadInteger),
  memory("fisttp", operand, x87.storeInteger(1, 1), sse3),
  memory("fist", operand, x87.storeInteger(0, 0)),
  memory("fistp", operand, x87.storeInteger(1, 0)),
];

/** Memory forms of each escape by reg. */
const MEMORY: readonly (readonly MaybeEntry[])[] = [
  arithmeticMemory("Md", "f32"),
  [
    memory("fld", "Md", x87.loadSingle),
    undefined,
    memory("fst", "Md", x87.storeSingle(0)),
    memory("fstp", "Md", x87.storeSingle(1)),
    controlMemory("fldenv", "M", state.fldenv),
    controlMemory("fldcw", "Mw", x87.fldcw),
    controlMemory("fnstenv", "M", state.fnstenv),
    controlMemory("fnstcw", "Mw", x87.fnstcw),
  ],
  arithmeticMemory("Md", "integer"),
  [
    ...integers("Md"),
    undefined,
    memory("fld", "Mt", x87.loadExtended),
    undefined,
    memory("fstp", "Mt", x87.storeExtendedPop),
  ],
  arithmeticMemory("Mq", "f64"),
  [
    memory("fld", "Mq", x87.loadDouble),
    memory("fisttp", "Mq", x87.storeInteger(1, 1), sse3),
    memory("fst", "Mq", x87.storeDouble(0)),
    memory("fstp", "Mq", x87.storeDouble(1)),
    controlMemory("frstor", "M", state.frstor),
    undefined,
    controlMemory("fnsave", "M", state.fnsave),
    controlMemory("fnstsw", "Mw", x87.fnstsw),
  ],
  arithmeticMemory("Mw", "integer"),
  [
    ...integers("Mw"),
    memory("fbld", "Mt", x87.loadDecimal),
    memory("fild", "Mq", x87.loadInteger),
    memory("fbstp", "Mt", x87.storeDecimalPop),
    memory("fistp", "Mq", x87.storeInteger(1, 0)),
  ],
];

export const X87_ROWS: readonly (readonly [number, Entry])[] = MEMORY.map((forms, index) => [
  0xd8 + index,
  byReg(Array.from({ length: 8 }, (_, reg) => byMod(forms[reg], REGISTERS[index]?.[reg]))),
]);
