/**
 * Instructions for programs: any row of the tables whose operands can be made such that the program goes on. Memory
 * operands lie in the data pages; R12 to R15 and RSP belong to the structure of a program.
 */

import { decode, DECODED } from "../../src/frontend/decode.ts";
import { type Instruction, newInstruction } from "../../src/frontend/instruction.ts";
import type { OperandCode } from "../../src/frontend/operand-codes.ts";
import { type Encoding, rowNames } from "../../src/frontend/tables/encodings.ts";
import { rowName } from "../../src/frontend/tables/row.ts";
import { EVEX_ROW } from "../../src/frontend/tables/vex.ts";
import { CODE_PAGE, DATA_PAGES, FS_BASE, GS_BASE } from "../support/state.ts";
import { ENCODINGS, isExcluded } from "./generator.ts";
import type { Code, Group, Node } from "./program.ts";
import type { Random } from "./random.ts";
import type { Piece } from "./specimen.ts";

/** Offsets below this are for data, what is above is the stack. */
export const DATA_END = 6656;
export const STACK_START = DATA_PAGES + 7936;
const BORDER = 4096;
const RSP = 4;
const FIRST_RESERVED = 12;

/** Registers that instructions of a program may change. */
export const FREE_REGISTERS = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11] as const;

/** What would end the program, lose its way, or change modes; nodes of their own have some of them. */
const NOT_IN_PROGRAMS =
  /^(j|loop|call|ret|push|pop|enter|leave|int|ud|hlt|in|out|cli|sti|std|xlatb|maskmov|ldmxcsr|fldcw|fldenv|frstor|div|idiv|cmps|scas|lods|stos|movs[bwdq]$|(l|s)(g|i|l)dt|ltr|lmsw|invlpg|invd|wbinvd|clts|swapgs|rdmsr|wrmsr|mov cr|vm|clac|stac|monitor|mwait|xgetbv|xsetbv|fx|cmpxchg16b)/;

const isUsable = ({ row, map, opcode }: Encoding): boolean =>
  !row.ends &&
  !rowNames(row)
    .split("/")
    .some((name) => (NOT_IN_PROGRAMS.test(name) && name !== "movsd") || isExcluded(name)) &&
  !row.operands.some(({ kind }) =>
    ["segment", "fixedSegment", "control", "debug", "relative", "offset"].includes(kind),
  ) &&
  !isStringMove(map, opcode) &&
  // 0F 0D with a register differs from processor to processor.
  !(map === "0f" && opcode === 0x0d);

/** MOVSD is also the name of a move between vector registers. */
const isStringMove = (map: string, opcode: number): boolean =>
  map === "" && (opcode === 0xa4 || opcode === 0xa5);

const USABLE: readonly Encoding[] = ENCODINGS.filter(isUsable);
const MANDATORY = [[], [0x66], [0xf3], [0xf2]] as const;
const ESCAPES: Readonly<Record<string, readonly number[]>> = {
  "": [],
  "0f": [0x0f],
  "0f38": [0x0f, 0x38],
  "0f3a": [0x0f, 0x3a],
};

const insn: Instruction = newInstruction(EVEX_ROW);

/** Decodes bytes that are known to be an instruction. */
export function piece(...bytes: number[]): Piece {
  if (decode(Uint8Array.from(bytes), 0, bytes.length, CODE_PAGE, insn) !== DECODED)
    throw new RangeError(`no instruction: ${Buffer.from(bytes).toString("hex")}`);
  return {
    bytes: Uint8Array.from(bytes.slice(0, insn.length)),
    name: rowName(insn.row, insn.operandBytes),
    row: insn.row,
    encoding: undefined,
  };
}

export const code = (...bytes: number[]): Code => ({ kind: "code", piece: piece(...bytes) });

/** A code with a displacement in its last four bytes that counts to an address. */
export const referring = (address: number, ...bytes: number[]): Code => ({
  kind: "code",
  piece: piece(...bytes, 0, 0, 0, 0),
  reference: { at: bytes.length, address },
});

const word = (value: number): number[] => [value, value >> 8, value >> 16, value >> 24].map((b) => b & 0xff);

/** An offset in the data pages: often at the border of the two, usually aligned. */
export function dataOffset(random: Random, aligned: boolean): number {
  const offset = random.chance(50) ? BORDER - 24 + random.below(48) : random.below(DATA_END - 512);
  return aligned || random.chance(30) ? offset & ~15 : offset;
}

/** A memory operand: ModRM and what follows it, prefixes and REX bits it needs, and what has to come before. */
interface Memory {
  readonly prefix: readonly number[];
  readonly rex: number;
  readonly modrm: readonly number[];
  readonly before: readonly Node[];
  /** Offset in `modrm` of a displacement that counts from the end of the instruction, and where to. */
  readonly address?: number;
}

/** MOVZX of a register's low byte into itself: a small index, and no flag changes. */
export function smallIndex(register: number): Code {
  const rex = 0x40 | (register >= 8 ? 5 : 0);
  return code(rex, 0x0f, 0xb6, 0xc0 | ((register & 7) << 3) | (register & 7));
}

function memoryOperand(random: Random, reg: number, aligned: boolean): Memory {
  const offset = dataOffset(random, aligned);
  const field = (reg & 7) << 3;
  // An index would spoil the alignment.
  switch (random.below(aligned ? 5 : 7)) {
    case 5:
    case 6: {
      const index = random.pick(FREE_REGISTERS);
      const scale = random.below(4);
      return {
        prefix: [],
        rex: 1 | (index >= 8 ? 2 : 0),
        modrm: [0x84 | field, (scale << 6) | ((index & 7) << 3) | 7, ...word(offset >> 1)],
        before: [smallIndex(index)],
      };
    }
    case 1:
      return {
        prefix: [],
        rex: 0,
        modrm: [0x05 | field, 0, 0, 0, 0],
        before: [],
        address: DATA_PAGES + offset,
      };
    case 2:
      return { prefix: [], rex: 0, modrm: [0x04 | field, 0x25, ...word(DATA_PAGES + offset)], before: [] };
    case 3: {
      const fs = random.chance(50);
      const place = DATA_PAGES + offset - (fs ? FS_BASE : GS_BASE);
      return { prefix: [fs ? 0x64 : 0x65], rex: 0, modrm: [0x04 | field, 0x25, ...word(place)], before: [] };
    }
    default:
      return { prefix: [], rex: 1, modrm: [0x87 | field, ...word(offset)], before: [] };
  }
}

const GENERAL_KINDS = new Set(["rm", "reg", "opcode", "vvvv"]);

/** The number of a general register operand, or undefined for anything else. */
function registerOf(operand: OperandCode, decoded: Instruction): number | undefined {
  const { rex, memory, reg, rm, opcode, vvvv } = decoded;
  if (!GENERAL_KINDS.has(operand.kind) || (operand.kind === "rm" && memory)) return undefined;
  const number =
    operand.kind === "rm"
      ? rm
      : operand.kind === "reg"
        ? reg
        : operand.kind === "vvvv"
          ? vvvv
          : (opcode & 7) | ((rex & 1) << 3);
  // Without REX, byte registers 4 to 7 are AH to BH.
  const high = operand.bits === 8 && rex === 0 && number >= 4 && number < 8;
  return high ? number - 4 : number;
}

const isReserved = (register: number | undefined): boolean =>
  register !== undefined && (register === RSP || register >= FIRST_RESERVED);

/** Bytes for an encoding, with `memory` as its operand if it is to have one. */
function bytesFor(random: Random, encoding: Encoding, memory: Memory | undefined, reg: number): number[] {
  const { row, map, opcode, prefix, wide, extended } = encoding;
  const free = random.chance(50) ? random.below(16) : 0;
  const w = wide === undefined ? free & 8 : wide ? 8 : 0;
  const b = extended === undefined ? free & 1 : extended ? 1 : 0;
  const r = reg >= 8 ? 4 : 0;
  const rex = memory === undefined ? w | r | (free & 2) | b : w | r | memory.rex;
  const tail = Array.from({ length: 4 }, () => (random.chance(40) ? 0 : random.below(256)));
  const rm = encoding.rm ?? random.below(8);
  const modrm = memory?.modrm ?? [0xc0 | ((reg & 7) << 3) | rm];
  const wants = row.modrm || encoding.reg !== undefined || encoding.memory !== undefined;
  const operand = wants ? modrm : [];
  if (map.startsWith("vex.")) {
    const vvvv = row.operands.some(({ kind }) => kind === "vvvv") ? random.pick(FREE_REGISTERS) : 0;
    const second = (((rex & 7) ^ 7) << 5) | (map === "vex.0f38" ? 2 : 3);
    const third = ((rex & 8) << 4) | ((vvvv ^ 15) << 3) | (prefix ?? 0);
    return [...(memory?.prefix ?? []), 0xc4, second, third, opcode, ...operand, ...tail];
  }
  const size = prefix === undefined && random.chance(15) ? [0x66] : [];
  const lock = row.lockable && memory !== undefined && random.chance(10) ? [0xf0] : [];
  const prefixes = [...(memory?.prefix ?? []), ...size, ...lock, ...MANDATORY[prefix ?? 0]!];
  const wide64 = rex === 0 ? [] : [0x40 | rex];
  return [...prefixes, ...wide64, ...(ESCAPES[map] ?? []), opcode, ...operand, ...tail];
}

/** Makes all six status flags defined again. */
export function definedFlags(random: Random): Code {
  const [a, b] = [random.pick(FREE_REGISTERS), random.pick(FREE_REGISTERS)];
  const rex = 0x40 | (random.below(2) * 8) | (a >= 8 ? 1 : 0) | (b >= 8 ? 4 : 0);
  const modrm = 0xc0 | ((b & 7) << 3) | (a & 7);
  // CMP, ADD, SUB, and NEG of the first.
  const opcode = random.pick([0x39, 0x39, 0x01, 0x29, 0x38, 0xf7]);
  return code(rex, opcode, opcode === 0xf7 ? 0xd8 | (a & 7) : modrm);
}

/** A bit offset in a register would reach far beyond the data. */
const bitOffset = (name: string, register: number | undefined): Node[] =>
  /^bt[src]?$/.test(name) && register !== undefined ? [smallIndex(register)] : [];

/** One random instruction with what it needs around it, or undefined for a miss. */
export function tablePiece(random: Random): Node | undefined {
  const encoding = USABLE[random.below(USABLE.length)]!;
  const { row } = encoding;
  const mayHaveMemory = row.modrm && encoding.memory !== false;
  const inMemory = encoding.memory === true || (mayHaveMemory && random.chance(45));
  const vector = row.operands.some(({ kind }) => kind === "xreg");
  const reg = encoding.reg ?? (vector ? random.below(16) : random.pick(FREE_REGISTERS));
  const aligned = row.operands.some((operand) => operand.aligned);
  const memory = inMemory ? memoryOperand(random, reg, aligned) : undefined;
  const bytes = Uint8Array.from(bytesFor(random, encoding, memory, reg));
  if (decode(bytes, 0, bytes.length, CODE_PAGE, insn) !== DECODED || insn.row !== row) return undefined;
  if (insn.memory !== inMemory && row.modrm) return undefined;
  const registers = row.operands.map((operand) => registerOf(operand, insn));
  if (registers.some(isReserved)) return undefined;
  const name = rowName(row, insn.operandBytes);
  if (isExcluded(name)) return undefined;
  const made: Piece = { bytes: bytes.slice(0, insn.length), name, row, encoding };
  // The displacement follows ModRM, and only an immediate comes behind it.
  const at = insn.length - immediateBytes(insn) - 4;
  const main: Code = {
    kind: "code",
    piece: made,
    ...(memory?.address === undefined ? {} : { reference: { at, address: memory.address } }),
  };
  const index = row.operands.findIndex(({ kind }) => kind === "reg");
  const before = [...(memory?.before ?? []), ...(inMemory ? bitOffset(name, registers[index]) : [])];
  const after = row.undefinedFlags === 0 ? [] : [definedFlags(random)];
  if (before.length + after.length === 0) return main;
  return { kind: "group", nodes: [...before, main, ...after] } satisfies Group;
}

/** Bytes of the immediate behind ModRM. */
function immediateBytes({ row, operandBytes, rex }: Instruction): number {
  switch (row.immediate) {
    case "none":
    case "offset":
      return 0;
    case "b":
    case "bs":
      return 1;
    case "w":
    case "bb":
      return 2;
    case "wb":
      return 3;
    case "z":
      return operandBytes === 2 ? 2 : 4;
    case "v":
      return (rex & 8) !== 0 ? 8 : operandBytes === 2 ? 2 : 4;
  }
}
