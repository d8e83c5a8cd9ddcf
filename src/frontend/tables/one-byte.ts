/** The one-byte opcode map (Intel SDM vol. 2, table A-2), as 64-bit mode has it. */

import * as alu from "../lift/alu.ts";
import * as bits from "../lift/bits.ts";
import * as control from "../lift/control.ts";
import * as move from "../lift/move.ts";
import * as muldiv from "../lift/muldiv.ts";
import * as stack from "../lift/stack.ts";
import * as string from "../lift/string.ts";
import * as system from "../lift/system.ts";
import { fwait } from "../lift/x87.ts";
import { aluRows, jccRows, UNDEFINED_AF, UNDEFINED_MULTIPLY } from "./families.ts";
import {
  GROUP_1,
  GROUP_11,
  GROUP_1A,
  GROUP_2,
  GROUP_3_BYTE,
  GROUP_3_WORD,
  GROUP_4,
  GROUP_5,
} from "./groups.ts";
import {
  byExtension,
  byMod,
  byReg,
  byPrefix,
  type Entry,
  type OpcodeMap,
  opcodeMap,
  row,
  unsupported,
} from "./row.ts";
import { X87_ROWS } from "./x87.ts";

const near = { width: "only64", ends: true } as const;
const stacked = { width: "default64" } as const;
const logic = { undefinedFlags: UNDEFINED_AF };
const multiply = { undefinedFlags: UNDEFINED_MULTIPLY };
const stringRow = { repeatable: true } as const;
const ends = { ends: true } as const;

const registers = (base: number, make: (index: number) => Entry): [number, Entry][] =>
  Array.from({ length: 8 }, (_, i) => [base + i, make(i)]);

/** PUSHF and POPF by operand size; a 32-bit form does not exist here. */
const sized = (name: string): [string, string, string] => [name, `${name}q`, `${name}q`];
/** String instructions carry the element size in their names. */
const stringName = (name: string): [string, string, string] => [`${name}w`, `${name}d`, `${name}q`];

const inOut = (name: string, operands: Parameters<typeof row>[2]): Entry =>
  row(name, control.privileged, operands, ends);

/** There are six segment registers, and CS is never loaded this way. */
const segments = (entry: Entry): Entry => byReg([entry, entry, entry, entry, entry, entry]);
const loadSegment = unsupported("mov", ["Sw", "Ew"]);
const SEGMENT_LOADS = byReg([loadSegment, undefined, loadSegment, loadSegment, loadSegment, loadSegment]);

export const ONE_BYTE: OpcodeMap = opcodeMap([
  ...aluRows(0x00, "add", alu.add),
  ...aluRows(0x08, "or", alu.or, logic),
  ...aluRows(0x10, "adc", alu.adc),
  ...aluRows(0x18, "sbb", alu.sbb),
  ...aluRows(0x20, "and", alu.and, logic),
  ...aluRows(0x28, "sub", alu.sub),
  ...aluRows(0x30, "xor", alu.xor, logic),
  ...aluRows(0x38, "cmp", alu.cmp),
  ...registers(0x50, () => row("push", stack.push, ["Zv"], stacked)),
  ...registers(0x58, () => row("pop", stack.pop, ["Zv"], stacked)),
  [0x63, row("movsxd", move.movsx, ["Gv", "Ez"])],
  [0x68, row("push", stack.push, ["Iz"], stacked)],
  [0x69, row("imul", muldiv.imulImmediate, ["Gv", "Ev", "Iz"], multiply)],
  [0x6a, row("push", stack.push, ["Is"], stacked)],
  [0x6b, row("imul", muldiv.imulImmediate, ["Gv", "Ev", "Is"], multiply)],
  [0x6c, row("insb", control.privileged, ["Yb", "DX"], { ...stringRow, ends: true })],
  [0x6d, row(["insw", "insd", "insd"], control.privileged, ["Yz", "DX"], { ...stringRow, ends: true })],
  [0x6e, row("outsb", control.privileged, ["DX", "Xb"], { ...stringRow, ends: true })],
  [0x6f, row(["outsw", "outsd", "outsd"], control.privileged, ["DX", "Xz"], { ...stringRow, ends: true })],
  ...jccRows(0x70, "Jb"),
  [0x80, GROUP_1(["Eb", "Ib"])],
  [0x81, GROUP_1(["Ev", "Iz"])],
  [0x83, GROUP_1(["Ev", "Is"])],
  [0x84, row("test", alu.test, ["Eb", "Gb"], logic)],
  [0x85, row("test", alu.test, ["Ev", "Gv"], logic)],
  [0x86, row("xchg", move.xchg, ["Eb", "Gb"], { lockable: true })],
  [0x87, row("xchg", move.xchg, ["Ev", "Gv"], { lockable: true })],
  [0x88, row("mov", move.mov, ["Eb", "Gb"])],
  [0x89, row("mov", move.mov, ["Ev", "Gv"])],
  [0x8a, row("mov", move.mov, ["Gb", "Eb"])],
  [0x8b, row("mov", move.mov, ["Gv", "Ev"])],
  [
    0x8c,
    segments(
      byMod(row("mov", system.movFromSegment, ["Mw", "Sw"]), row("mov", system.movFromSegment, ["Ev", "Sw"])),
    ),
  ],
  [0x8d, byMod(row("lea", move.lea, ["Gv", "M"]), undefined)],
  [0x8e, SEGMENT_LOADS],
  [0x8f, GROUP_1A],
  // 90 exchanges rAX with itself and so does nothing, not even clear the upper half of RAX; F3 90 is PAUSE.
  [
    0x90,
    byExtension(
      byPrefix(row("nop", move.nop), row("nop", move.nop), row("pause", move.nop), row("nop", move.nop)),
      row("xchg", move.xchg, ["Zv", "rAX"]),
    ),
  ],
  ...registers(0x90, () => row("xchg", move.xchg, ["Zv", "rAX"])).slice(1),
  [0x98, row(["cbw", "cwde", "cdqe"], move.cbw)],
  [0x99, row(["cwd", "cdq", "cqo"], move.cwd)],
  [0x9b, row("fwait", fwait, [], { feature: "fpu" })],
  [0x9c, row(sized("pushf"), stack.pushf, [], stacked)],
  [0x9d, row(sized("popf"), stack.popf, [], stacked)],
  [0x9e, row("sahf", system.sahf, [], { feature: "lahf" })],
  [0x9f, row("lahf", system.lahf, [], { feature: "lahf" })],
  [0xa0, row("mov", move.mov, ["AL", "Ob"])],
  [0xa1, row("mov", move.mov, ["rAX", "Ov"])],
  [0xa2, row("mov", move.mov, ["Ob", "AL"])],
  [0xa3, row("mov", move.mov, ["Ov", "rAX"])],
  [0xa4, row("movsb", string.movs, ["Yb", "Xb"], stringRow)],
  [0xa5, row(stringName("movs"), string.movs, ["Yv", "Xv"], stringRow)],
  [0xa6, row("cmpsb", string.cmps, ["Xb", "Yb"], stringRow)],
  [0xa7, row(stringName("cmps"), string.cmps, ["Xv", "Yv"], stringRow)],
  [0xa8, row("test", alu.test, ["AL", "Ib"], logic)],
  [0xa9, row("test", alu.test, ["rAX", "Iz"], logic)],
  [0xaa, row("stosb", string.stos, ["Yb", "AL"], stringRow)],
  [0xab, row(stringName("stos"), string.stos, ["Yv", "rAX"], stringRow)],
  [0xac, row("lodsb", string.lods, ["AL", "Xb"], stringRow)],
  [0xad, row(stringName("lods"), string.lods, ["rAX", "Xv"], stringRow)],
  [0xae, row("scasb", string.scas, ["AL", "Yb"], stringRow)],
  [0xaf, row(stringName("scas"), string.scas, ["rAX", "Yv"], stringRow)],
  ...registers(0xb0, () => row("mov", move.mov, ["Zb", "Ib"])),
  ...registers(0xb8, () => row("mov", move.mov, ["Zv", "Iv"])),
  [0xc0, GROUP_2(["Eb", "Ib"])],
  [0xc1, GROUP_2(["Ev", "Ib"])],
  [0xc2, row("ret", control.ret, ["Iw"], near)],
  [0xc3, row("ret", control.ret, [], near)],
  [0xc6, GROUP_11(["Eb", "Ib"])],
  [0xc7, GROUP_11(["Ev", "Iz"])],
  [0xc8, row("enter", stack.enter, ["Iwb", "I2"], stacked)],
  [0xc9, row("leave", stack.leave, [], stacked)],
  [0xca, unsupported("retf", ["Iw"])],
  [0xcb, unsupported("retf")],
  [0xcc, row("int3", control.int3, [], ends)],
  [0xcd, row("int", control.int, ["Ib"], ends)],
  [0xcf, unsupported(["iret", "iretd", "iretq"])],
  [0xd0, GROUP_2(["Eb", "1"])],
  [0xd1, GROUP_2(["Ev", "1"])],
  [0xd2, GROUP_2(["Eb", "CL"])],
  [0xd3, GROUP_2(["Ev", "CL"])],
  [0xd7, row("xlatb", move.xlat)],
  ...X87_ROWS,
  [0xe0, row("loopne", control.loopne, ["Jb"], near)],
  [0xe1, row("loope", control.loope, ["Jb"], near)],
  [0xe2, row("loop", control.loop, ["Jb"], near)],
  [0xe3, row("jrcxz", control.jrcxz, ["Jb"], near)],
  [0xe4, inOut("in", ["AL", "Ib"])],
  [0xe5, inOut("in", ["eAX", "Ib"])],
  [0xe6, inOut("out", ["Ib", "AL"])],
  [0xe7, inOut("out", ["Ib", "eAX"])],
  [0xe8, row("call", control.call, ["Jz"], near)],
  [0xe9, row("jmp", control.jump, ["Jz"], near)],
  [0xeb, row("jmp", control.jump, ["Jb"], near)],
  [0xec, inOut("in", ["AL", "DX"])],
  [0xed, inOut("in", ["eAX", "DX"])],
  [0xee, inOut("out", ["DX", "AL"])],
  [0xef, inOut("out", ["DX", "eAX"])],
  [0xf1, row("int1", control.int1, [], ends)],
  [0xf4, row("hlt", control.privileged, [], ends)],
  [0xf5, row("cmc", bits.cmc)],
  [0xf6, GROUP_3_BYTE],
  [0xf7, GROUP_3_WORD],
  [0xf8, row("clc", bits.clc)],
  [0xf9, row("stc", bits.stc)],
  [0xfa, row("cli", control.privileged, [], ends)],
  [0xfb, row("sti", control.privileged, [], ends)],
  [0xfc, row("cld", system.cld)],
  [0xfd, row("std", system.std)],
  [0xfe, GROUP_4],
  [0xff, GROUP_5],
]);
