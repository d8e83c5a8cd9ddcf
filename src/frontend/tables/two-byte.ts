/** The two-byte opcode map, 0F xx (Intel SDM vol. 2, table A-3), as 64-bit mode has it. */

import * as alu from "../lift/alu.ts";
import * as bits from "../lift/bits.ts";
import * as control from "../lift/control.ts";
import * as double from "../lift/double-shift.ts";
import * as move from "../lift/move.ts";
import * as muldiv from "../lift/muldiv.ts";
import * as segment from "../lift/segment.ts";
import * as stack from "../lift/stack.ts";
import * as system from "../lift/system.ts";
import {
  bitTestRow,
  cmovccRows,
  jccRows,
  nopRows,
  setccRows,
  UNDEFINED_COUNT,
  UNDEFINED_MULTIPLY,
  UNDEFINED_SCAN,
  UNDEFINED_SHIFT,
} from "./families.ts";
import { GROUP_15, GROUP_16, GROUP_6, GROUP_7, GROUP_8, GROUP_9, GROUP_P } from "./groups.ts";
import {
  byMod,
  byPrefix,
  byReg,
  byRm,
  type Entry,
  type Lifter,
  type OpcodeMap,
  opcodeMap,
  row,
  unsupported,
} from "./row.ts";
import { SSE_ROWS } from "./sse.ts";

const ends = { ends: true } as const;
const stacked = { width: "default64" } as const;
const lockable = { lockable: true } as const;
const shifted = { undefinedFlags: UNDEFINED_SHIFT };

const farLoad = (name: string): Entry => byMod(unsupported(name, ["Gv", "Mp"]), undefined);
/** A selector is 16 bits of memory, or the low 16 of a register. */
const aboutSelector = (name: string, lift: Lifter): Entry =>
  byMod(row(name, lift, ["Gv", "Mw"]), row(name, lift, ["Gv", "Ev"]));
const privileged = (name: string): Entry => row(name, control.privileged, [], ends);
const systemMove = (lift: Lifter, operands: Parameters<typeof row>[2]): Entry =>
  row("mov", lift, operands, { ends: true, width: "only64" });

const controlRegister = (operands: Parameters<typeof row>[2]): Entry => {
  const move = systemMove(control.controlMove, operands);
  return byReg([move, undefined, move, move, move]);
};

const NOP = row("nop", move.nop, ["Ev", "Gv"]);
/** F3 0F 1E /7: landing pads of indirect branches; hints here, because nothing demands them. */
const LANDING = byMod(
  NOP,
  byRm([NOP, NOP, row("endbr64", move.nop), row("endbr32", move.nop), NOP, NOP, NOP, NOP]),
);

const scanRow = (name: "bsf" | "bsr") =>
  row(name, bits[name], ["Gv", "Ev"], { undefinedFlags: UNDEFINED_SCAN });
const BSF = scanRow("bsf");
const BSR = scanRow("bsr");
const count = { undefinedFlags: UNDEFINED_COUNT };

export const TWO_BYTE: OpcodeMap = opcodeMap([
  [0x00, GROUP_6],
  [0x01, GROUP_7],
  [0x02, aboutSelector("lar", segment.lar)],
  [0x03, aboutSelector("lsl", segment.lsl)],
  [0x05, row("syscall", control.syscall, [], { ends: true, feature: "syscall" })],
  [0x06, privileged("clts")],
  [0x07, privileged("sysret")],
  [0x08, privileged("invd")],
  [0x09, privileged("wbinvd")],
  [0x0b, row("ud2", control.undefinedInstruction, [], ends)],
  [0x0d, GROUP_P],
  ...SSE_ROWS,
  [0x18, GROUP_16],
  ...nopRows(0x19, 5),
  [0x1e, byPrefix(NOP, NOP, byReg([NOP, NOP, NOP, NOP, NOP, NOP, NOP, LANDING]), NOP)],
  [0x1f, byReg([row("nop", move.nop, ["Ev"]), NOP, NOP, NOP, NOP, NOP, NOP, NOP])],
  [0x20, controlRegister(["Eq", "Cd"])],
  [0x21, systemMove(control.debugMove, ["Eq", "Dd"])],
  [0x22, controlRegister(["Cd", "Eq"])],
  [0x23, systemMove(control.debugMove, ["Dd", "Eq"])],
  [0x30, privileged("wrmsr")],
  [0x31, row("rdtsc", system.rdtsc, [], { feature: "tsc" })],
  [0x32, privileged("rdmsr")],
  [0x33, privileged("rdpmc")],
  [0x34, row("sysenter", control.undefinedInstruction, [], ends)],
  [0x35, row("sysexit", control.undefinedInstruction, [], ends)],
  ...cmovccRows(0x40),
  ...jccRows(0x80, "Jz"),
  ...setccRows(0x90),
  [0xa0, row("push", stack.pushSelector, ["FS"], stacked)],
  [0xa1, unsupported("pop", ["FS"], stacked)],
  [0xa2, row("cpuid", system.cpuid)],
  [0xa3, bitTestRow("bt", ["Ev", "Gv"])],
  [0xa4, row("shld", double.shld, ["Ev", "Gv", "Ib"], shifted)],
  [0xa5, row("shld", double.shld, ["Ev", "Gv", "CL"], shifted)],
  [0xa8, row("push", stack.pushSelector, ["GS"], stacked)],
  [0xa9, unsupported("pop", ["GS"], stacked)],
  [0xab, bitTestRow("bts", ["Ev", "Gv"])],
  [0xac, row("shrd", double.shrd, ["Ev", "Gv", "Ib"], shifted)],
  [0xad, row("shrd", double.shrd, ["Ev", "Gv", "CL"], shifted)],
  [0xae, GROUP_15],
  [0xaf, row("imul", muldiv.imul, ["Gv", "Ev"], { undefinedFlags: UNDEFINED_MULTIPLY })],
  [0xb0, row("cmpxchg", alu.cmpxchg, ["Eb", "Gb"], lockable)],
  [0xb1, row("cmpxchg", alu.cmpxchg, ["Ev", "Gv"], lockable)],
  [0xb2, farLoad("lss")],
  [0xb3, bitTestRow("btr", ["Ev", "Gv"])],
  [0xb4, farLoad("lfs")],
  [0xb5, farLoad("lgs")],
  [0xb6, row("movzx", move.movzx, ["Gv", "Eb"])],
  [0xb7, row("movzx", move.movzx, ["Gv", "Ew"])],
  [0xb8, byPrefix(undefined, undefined, row("popcnt", bits.popcnt, ["Gv", "Ev"], { feature: "popcnt" }))],
  [0xb9, row("ud1", control.undefinedInstruction, ["Gv", "Ev"], ends)],
  [0xba, GROUP_8],
  [0xbb, bitTestRow("btc", ["Ev", "Gv"])],
  [
    0xbc,
    byPrefix(
      BSF,
      BSF,
      row("tzcnt", bits.tzcnt, ["Gv", "Ev"], { ...count, feature: "bmi1", without: BSF }),
      BSF,
    ),
  ],
  [
    0xbd,
    byPrefix(
      BSR,
      BSR,
      row("lzcnt", bits.lzcnt, ["Gv", "Ev"], { ...count, feature: "lzcnt", without: BSR }),
      BSR,
    ),
  ],
  [0xbe, row("movsx", move.movsx, ["Gv", "Eb"])],
  [0xbf, row("movsx", move.movsx, ["Gv", "Ew"])],
  [0xc0, row("xadd", alu.xadd, ["Eb", "Gb"], lockable)],
  [0xc1, row("xadd", alu.xadd, ["Ev", "Gv"], lockable)],
  [0xc7, GROUP_9],
  ...Array.from({ length: 8 }, (_, i): [number, Entry] => [0xc8 + i, row("bswap", move.bswap, ["Zv"])]),
  [0xff, row("ud0", control.undefinedInstruction, ["Gv", "Ev"], ends)],
]);
