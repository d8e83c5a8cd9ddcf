/**
 * A decoded instruction and its text form. The fields are what the bytes say, before any meaning; the text is
 * Intel syntax, with memory sizes always written and numbers in hexadecimal.
 */

import { type OperandCode, operandBits } from "./operand-codes.ts";
import { type Row, rowName } from "./tables/row.ts";

/** Values of `base` and `index` beside register numbers. */
export const NO_REGISTER = -1;
export const RIP_RELATIVE = 16;

/** Values of `segment`: the segment override in encoding order of the segment registers. */
export const NO_SEGMENT = -1;
export const SEGMENT_FS = 4;
export const SEGMENT_GS = 5;

/** Filled by `decode`; one object serves many instructions, its shape never changes. */
export interface Instruction {
  row: Row;
  address: number;
  length: number;
  /** 2, 4 or 8. */
  operandBytes: number;
  /** 4 or 8. */
  addressBytes: number;
  /** The REX prefix, or 0. */
  rex: number;
  /** 0, or the last of F2 and F3. */
  repeat: number;
  lock: boolean;
  segment: number;
  /** The last opcode byte. */
  opcode: number;
  /** Register number of VEX.vvvv. */
  vvvv: number;
  /** The whole byte, as the opcode register of the x87 unit keeps it. */
  modrm: number;
  /** True when ModRM names memory; then base, index, scale and displacement count, otherwise `rm`. */
  memory: boolean;
  reg: number;
  rm: number;
  base: number;
  index: number;
  /** Shift count, 0..3. */
  scale: number;
  displacement: number;
  /** Sign-extended to 64 bits. A memory offset (A0..A3) also comes in these. */
  immediateLow: number;
  immediateHigh: number;
  immediate2: number;
}

export const newInstruction = (row: Row): Instruction => ({
  row,
  address: 0,
  length: 0,
  operandBytes: 4,
  addressBytes: 8,
  rex: 0,
  repeat: 0,
  lock: false,
  segment: NO_SEGMENT,
  opcode: 0,
  vvvv: 0,
  modrm: 0,
  memory: false,
  reg: 0,
  rm: 0,
  base: NO_REGISTER,
  index: NO_REGISTER,
  scale: 0,
  displacement: 0,
  immediateLow: 0,
  immediateHigh: 0,
  immediate2: 0,
});

const LEGACY = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const LEGACY_BYTES = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"];
const HIGH_BYTES = ["ah", "ch", "dh", "bh"];
const SEGMENTS = ["es", "cs", "ss", "ds", "fs", "gs"];

/** The name of a general register at a width. Without REX the byte registers 4..7 are AH..BH. */
export function registerName(register: number, bits: number, rex = 0): string {
  if (register >= 8) return `r${register}${bits === 64 ? "" : bits === 32 ? "d" : bits === 16 ? "w" : "b"}`;
  if (bits === 8) {
    return (rex === 0 && register >= 4 ? HIGH_BYTES[register - 4] : LEGACY_BYTES[register]) ?? "";
  }
  return `${bits === 64 ? "r" : bits === 32 ? "e" : ""}${LEGACY[register] ?? ""}`;
}

const SIZE_NAMES: Readonly<Record<number, string>> = {
  8: "byte",
  16: "word",
  32: "dword",
  48: "fword",
  64: "qword",
  80: "tbyte",
  128: "xmmword",
};

const hexOf = (value: number): string => `0x${value.toString(16)}`;

/** The low `bits` of the immediate, unsigned. */
function immediateText({ immediateLow, immediateHigh }: Instruction, bits: number): string {
  if (bits === 8) return hexOf(immediateLow & 0xff);
  if (bits === 16) return hexOf(immediateLow & 0xffff);
  if (bits === 32 || immediateHigh === 0) return hexOf(immediateLow >>> 0);
  return `0x${(immediateHigh >>> 0).toString(16)}${(immediateLow >>> 0).toString(16).padStart(8, "0")}`;
}

/** A sum that may have wrapped around 2^64, unsigned. */
function addressText(value: number): string {
  if (value >= 0) return hexOf(value);
  const high = Math.floor(value / 2 ** 32) >>> 0;
  return `0x${high.toString(16)}${(value >>> 0).toString(16).padStart(8, "0")}`;
}

/** Only FS and GS have a base in 64-bit mode; other overrides do nothing. */
const segmentText = ({ segment }: Instruction): string =>
  segment < SEGMENT_FS ? "" : `${SEGMENTS[segment] ?? ""}:`;

function memoryText(insn: Instruction, bits: number): string {
  const size = SIZE_NAMES[bits];
  const { displacement } = insn;
  const names: string[] = [];
  const nameBits = insn.addressBytes * 8;
  if (insn.base === RIP_RELATIVE) {
    const target = insn.address + insn.length + displacement;
    names.push(addressText(nameBits === 32 ? target >>> 0 : target));
  } else {
    if (insn.base !== NO_REGISTER) names.push(registerName(insn.base, nameBits));
    if (insn.index !== NO_REGISTER) {
      const scaled = insn.scale > 0 || insn.base === NO_REGISTER;
      names.push(`${registerName(insn.index, nameBits)}${scaled ? `*${1 << insn.scale}` : ""}`);
    }
    if (names.length === 0) names.push(addressText(nameBits === 32 ? displacement >>> 0 : displacement));
    else if (displacement !== 0) names.push(hexOf(Math.abs(displacement)));
  }
  let text = names.join("+");
  if (displacement < 0 && names.length > 1) text = text.replace(/\+([^+]*)$/, "-$1");
  return `${size === undefined ? "" : `${size} ptr `}${segmentText(insn)}[${text}]`;
}

const vectorName = (code: OperandCode, register: number): string =>
  code.kind === "mmreg" || code.kind === "mmrm" ? `mm${register & 7}` : `xmm${register}`;

function stringOperand(insn: Instruction, code: OperandCode, bits: number): string {
  const pointer = registerName(code.kind === "source" ? 6 : 7, insn.addressBytes * 8);
  const segment = code.kind === "source" ? segmentText(insn) : "";
  return `${SIZE_NAMES[bits] ?? ""} ptr ${segment}[${pointer}]`;
}

function operandText(insn: Instruction, code: OperandCode): string {
  const bits = operandBits(code, insn.operandBytes);
  switch (code.kind) {
    case "rm":
      return insn.memory ? memoryText(insn, bits) : registerName(insn.rm, bits, insn.rex);
    case "memory":
      return memoryText(insn, bits);
    case "address":
      return memoryText(insn, 0);
    case "reg":
      return registerName(insn.reg, bits, insn.rex);
    case "opcode":
      return registerName((insn.opcode & 7) | ((insn.rex & 1) << 3), bits, insn.rex);
    case "vvvv":
      return registerName(insn.vvvv, bits);
    case "fixed":
      return registerName(code.number, bits);
    case "immediate":
      return immediateText(insn, bits);
    case "immediate2":
      return hexOf(insn.immediate2);
    case "one":
      return "0x1";
    case "relative":
      return addressText(insn.address + insn.length + insn.immediateLow);
    case "offset":
      return `${SIZE_NAMES[bits] ?? ""} ptr ${segmentText(insn)}[${immediateText(insn, insn.addressBytes * 8)}]`;
    case "source":
    case "destination":
      return stringOperand(insn, code, bits);
    case "xreg":
    case "mmreg":
      return vectorName(code, insn.reg);
    case "xrm":
    case "mmrm":
      return insn.memory ? memoryText(insn, bits) : vectorName(code, insn.rm);
    case "top":
      return "st";
    case "stack":
      return `st(${insn.rm & 7})`;
    case "segment":
      return SEGMENTS[insn.reg & 7] ?? "";
    case "fixedSegment":
      return SEGMENTS[code.number] ?? "";
    case "control":
      return `cr${insn.reg}`;
    case "debug":
      return `dr${insn.reg}`;
  }
}

function prefixText({ row, lock, repeat }: Instruction, name: string): string {
  const comparing = name.startsWith("cmps") || name.startsWith("scas");
  const repetition =
    !row.repeatable || repeat === 0 ? "" : repeat === 0xf2 ? "repne " : comparing ? "repe " : "rep ";
  return `${lock ? "lock " : ""}${repetition}`;
}

/** The instruction in Intel syntax, as `mov dword ptr [rax+0x8], ecx`. */
export function formatInstruction(insn: Instruction): string {
  const name = rowName(insn.row, insn.operandBytes);
  const operands = insn.row.operands.map((code) => operandText(insn, code)).join(", ");
  return `${prefixText(insn, name)}${name}${operands === "" ? "" : ` ${operands}`}`;
}
