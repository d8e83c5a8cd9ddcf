/** Opcode extensions in ModRM.reg (Intel SDM vol. 2, table A-6). */

import * as alu from "../lift/alu.ts";
import * as control from "../lift/control.ts";
import * as muldiv from "../lift/muldiv.ts";
import * as move from "../lift/move.ts";
import * as rotate from "../lift/rotate.ts";
import * as segment from "../lift/segment.ts";
import * as shift from "../lift/shift.ts";
import * as stack from "../lift/stack.ts";
import * as system from "../lift/system.ts";
import * as x87State from "../lift/x87-state.ts";
import type { OperandName } from "../operand-codes.ts";
import {
  bitTestRow,
  UNDEFINED_AF,
  UNDEFINED_DIVIDE,
  UNDEFINED_MULTIPLY,
  UNDEFINED_ROTATE,
  UNDEFINED_SHIFT,
} from "./families.ts";
import { byMod, byPrefix, byReg, byRm, byWide, type Entry, row, unsupported } from "./row.ts";

type Operands = readonly OperandName[];
const lockable = { lockable: true } as const;
const logic = { lockable: true, undefinedFlags: UNDEFINED_AF } as const;
const ends = { ends: true } as const;

/** 80, 81, 83: the ALU operations with an immediate. */
export const GROUP_1 = (operands: Operands): Entry =>
  byReg([
    row("add", alu.add, operands, lockable),
    row("or", alu.or, operands, logic),
    row("adc", alu.adc, operands, lockable),
    row("sbb", alu.sbb, operands, lockable),
    row("and", alu.and, operands, logic),
    row("sub", alu.sub, operands, lockable),
    row("xor", alu.xor, operands, logic),
    row("cmp", alu.cmp, operands),
  ]);

/** 8F: POP. */
export const GROUP_1A: Entry = byReg([row("pop", stack.pop, ["Ev"], { width: "default64" })]);

/** C0, C1, D0 to D3: shifts and rotates. /6 is SHL once more. */
export const GROUP_2 = (operands: Operands): Entry => {
  const one = operands[1] === "1";
  const shifted = { undefinedFlags: one ? UNDEFINED_AF : UNDEFINED_SHIFT };
  const rotated = { undefinedFlags: one ? 0 : UNDEFINED_ROTATE };
  return byReg([
    row("rol", rotate.rol, operands, rotated),
    row("ror", rotate.ror, operands, rotated),
    row("rcl", rotate.rcl, operands, rotated),
    row("rcr", rotate.rcr, operands, rotated),
    row("shl", shift.shl, operands, shifted),
    row("shr", shift.shr, operands, shifted),
    row("shl", shift.shl, operands, shifted),
    row("sar", shift.sar, operands, shifted),
  ]);
};

const group3 = (operand: OperandName, immediate: OperandName): Entry => {
  const multiply = { undefinedFlags: UNDEFINED_MULTIPLY };
  const divide = { undefinedFlags: UNDEFINED_DIVIDE };
  const test = row("test", alu.test, [operand, immediate], { undefinedFlags: UNDEFINED_AF });
  return byReg([
    test,
    test,
    row("not", alu.not, [operand], lockable),
    row("neg", alu.neg, [operand], lockable),
    row("mul", muldiv.mul, [operand], multiply),
    row("imul", muldiv.imulAccumulator, [operand], multiply),
    row("div", muldiv.div, [operand], divide),
    row("idiv", muldiv.idiv, [operand], divide),
  ]);
};
export const GROUP_3_BYTE = group3("Eb", "Ib");
export const GROUP_3_WORD = group3("Ev", "Iz");

export const GROUP_4: Entry = byReg([
  row("inc", alu.inc, ["Eb"], lockable),
  row("dec", alu.dec, ["Eb"], lockable),
]);

const near = { width: "only64", ends: true } as const;
export const GROUP_5: Entry = byReg([
  row("inc", alu.inc, ["Ev"], lockable),
  row("dec", alu.dec, ["Ev"], lockable),
  row("call", control.callNear, ["Ev"], near),
  byMod(unsupported("call far", ["Mp"]), undefined),
  row("jmp", control.jumpNear, ["Ev"], near),
  byMod(unsupported("jmp far", ["Mp"]), undefined),
  row("push", stack.push, ["Ev"], { width: "default64" }),
]);

/** 0F 00: descriptor tables. What stores is refused to user code (UMIP), what looks up finds two flat segments. */
export const GROUP_6: Entry = byReg([
  byMod(row("sldt", control.privileged, ["Mw"], ends), row("sldt", control.privileged, ["Ev"], ends)),
  byMod(row("str", control.privileged, ["Mw"], ends), row("str", control.privileged, ["Ev"], ends)),
  row("lldt", control.privileged, ["Ew"], ends),
  row("ltr", control.privileged, ["Ew"], ends),
  row("verr", segment.verr, ["Ew"]),
  row("verw", segment.verw, ["Ew"]),
]);

const privileged = (name: string): Entry => row(name, control.privileged, [], ends);
const undefinedHere = (name: string): Entry => row(name, control.undefinedInstruction, [], ends);

/** 0F 01: system tables in memory, and instructions without operands by ModRM.rm. */
export const GROUP_7: Entry = byReg([
  byMod(
    row("sgdt", control.privileged, ["M"], ends),
    byPrefix(
      byRm([
        undefined,
        undefinedHere("vmcall"),
        undefinedHere("vmlaunch"),
        undefinedHere("vmresume"),
        undefinedHere("vmxoff"),
      ]),
    ),
  ),
  byMod(
    row("sidt", control.privileged, ["M"], ends),
    byPrefix(
      byRm([undefinedHere("monitor"), undefinedHere("mwait"), undefinedHere("clac"), undefinedHere("stac")]),
    ),
  ),
  byMod(
    row("lgdt", control.privileged, ["M"], ends),
    byPrefix(byRm([undefinedHere("xgetbv"), undefinedHere("xsetbv")])),
  ),
  byMod(row("lidt", control.privileged, ["M"], ends), undefined),
  byMod(row("smsw", control.privileged, ["Mw"], ends), row("smsw", control.privileged, ["Ev"], ends)),
  undefined,
  row("lmsw", control.privileged, ["Ew"], ends),
  byMod(
    row("invlpg", control.privileged, ["M"], ends),
    byRm([privileged("swapgs"), row("rdtscp", system.rdtscp, [], { feature: "rdtscp" })]),
  ),
]);

/** 0F BA: bit tests with an immediate. */
export const GROUP_8: Entry = byReg([
  undefined,
  undefined,
  undefined,
  undefined,
  bitTestRow("bt", ["Ev", "Ib"]),
  bitTestRow("bts", ["Ev", "Ib"]),
  bitTestRow("btr", ["Ev", "Ib"]),
  bitTestRow("btc", ["Ev", "Ib"]),
]);

const exchange = { lockable: true } as const;
const randomRow = (name: "rdrand" | "rdseed"): Entry => {
  const made = row(name, system.random, ["Ev"], { feature: name });
  return byPrefix(made, made, undefined, undefined);
};

/** 0F C7: wide compare and exchange, random numbers. */
export const GROUP_9: Entry = byReg([
  undefined,
  byMod(
    byWide(
      row("cmpxchg8b", alu.cmpxchg8b, ["Mq"], { ...exchange, feature: "cx8" }),
      row("cmpxchg16b", alu.cmpxchg16b, ["Mu"], { ...exchange, feature: "cx16" }),
    ),
    undefined,
  ),
  undefined,
  byMod(byPrefix(unsupported("xrstors", ["M"])), undefined),
  byMod(byPrefix(unsupported("xsavec", ["M"])), undefined),
  byMod(byPrefix(unsupported("xsaves", ["M"])), undefined),
  byMod(
    byPrefix(undefinedHere("vmptrld"), undefinedHere("vmclear"), undefinedHere("vmxon")),
    randomRow("rdrand"),
  ),
  byMod(
    byPrefix(undefinedHere("vmptrst")),
    byPrefix(
      row("rdseed", system.random, ["Ev"], { feature: "rdseed" }),
      row("rdseed", system.random, ["Ev"], { feature: "rdseed" }),
      row("rdpid", system.rdpid, ["Eq"], { feature: "rdpid" }),
    ),
  ),
]);

/** C6, C7: MOV with an immediate. */
export const GROUP_11 = (operands: Operands): Entry => byReg([row("mov", move.mov, operands)]);

const fence = (name: string): Entry => byPrefix(row(name, move.nop));
const base = { feature: "fsgsbase" } as const;

/** 0F AE: state of the vector unit, fences, segment bases. */
export const GROUP_15: Entry = byReg([
  byMod(
    byPrefix(
      byWide(
        row("fxsave", x87State.fxsave, ["M"], { feature: "fxsr" }),
        row("fxsave64", x87State.fxsave, ["M"], { feature: "fxsr" }),
      ),
    ),
    byPrefix(undefined, undefined, row("rdfsbase", system.rdfsbase, ["Ey"], base)),
  ),
  byMod(
    byPrefix(
      byWide(
        row("fxrstor", x87State.fxrstor, ["M"], { feature: "fxsr" }),
        row("fxrstor64", x87State.fxrstor, ["M"], { feature: "fxsr" }),
      ),
    ),
    byPrefix(undefined, undefined, row("rdgsbase", system.rdgsbase, ["Ey"], base)),
  ),
  byMod(
    byPrefix(row("ldmxcsr", system.ldmxcsr, ["Md"], { feature: "sse" })),
    byPrefix(undefined, undefined, row("wrfsbase", system.wrfsbase, ["Ey"], base)),
  ),
  byMod(
    byPrefix(row("stmxcsr", system.stmxcsr, ["Md"], { feature: "sse" })),
    byPrefix(undefined, undefined, row("wrgsbase", system.wrgsbase, ["Ey"], base)),
  ),
  byMod(
    byPrefix(
      byWide(
        unsupported("xsave", ["M"], { feature: "xsave" }),
        unsupported("xsave64", ["M"], { feature: "xsave" }),
      ),
    ),
    undefined,
  ),
  byMod(
    byPrefix(
      byWide(
        unsupported("xrstor", ["M"], { feature: "xsave" }),
        unsupported("xrstor64", ["M"], { feature: "xsave" }),
      ),
    ),
    fence("lfence"),
  ),
  byMod(
    byPrefix(unsupported("xsaveopt", ["M"]), row("clwb", system.clflush, ["Mb"], { feature: "clwb" })),
    fence("mfence"),
  ),
  byMod(
    byPrefix(
      row("clflush", system.clflush, ["Mb"], { feature: "clfsh" }),
      row("clflushopt", system.clflush, ["Mb"], { feature: "clflushopt" }),
    ),
    fence("sfence"),
  ),
]);

/** 0F 18: prefetches touch nothing and never fault. */
export const GROUP_16: Entry = byReg([
  byMod(row("prefetchnta", move.nop, ["Mb"]), row("nop", move.nop, ["Ev"])),
  byMod(row("prefetcht0", move.nop, ["Mb"]), row("nop", move.nop, ["Ev"])),
  byMod(row("prefetcht1", move.nop, ["Mb"]), row("nop", move.nop, ["Ev"])),
  byMod(row("prefetcht2", move.nop, ["Mb"]), row("nop", move.nop, ["Ev"])),
  ...Array.from({ length: 4 }, () => row("nop", move.nop, ["Ev", "Gv"])),
]);

/** 0F 0D: prefetches of AMD. */
export const GROUP_P: Entry = byReg([
  byMod(row("prefetch", move.nop, ["Mb"]), row("nop", move.nop, ["Ev"])),
  byMod(row("prefetchw", move.nop, ["Mb"]), row("nop", move.nop, ["Ev"])),
  byMod(row("prefetchwt1", move.nop, ["Mb"]), row("nop", move.nop, ["Ev"])),
  ...Array.from({ length: 5 }, () => row("nop", move.nop, ["Ev", "Gv"])),
]);
