/**
 * Bytes to instruction: prefixes, REX, opcode maps, ModRM, SIB, displacement, immediates. Pure: it reads bytes and
 * the tables and fills the instruction it is given.
 *
 *   [66 67 F2 F3 F0 2E 36 3E 26 64 65]*  [REX]  opcode  [ModRM [SIB]] [displacement] [immediate]
 *
 * Bytes behind the given end read as zero while decoding; whether any of them counted is decided once at the end.
 */

import { type Instruction, NO_REGISTER, NO_SEGMENT, RIP_RELATIVE } from "./instruction.ts";
import type { ImmediateForm } from "./operand-codes.ts";
import { MAP_0F38 } from "./tables/map-0f38.ts";
import { MAP_0F3A } from "./tables/map-0f3a.ts";
import { ONE_BYTE } from "./tables/one-byte.ts";
import type { Entry, OpcodeMap, Row, WidthRule } from "./tables/row.ts";
import { TWO_BYTE } from "./tables/two-byte.ts";
import { EVEX_ROW, VEX_0F38, VEX_0F3A, VEX_ROW } from "./tables/vex.ts";

/** The instruction is filled. */
export const DECODED = 0;
/** The bytes end inside the instruction. */
export const TRUNCATED = 1;
/** No such encoding: #UD. `length` counts the bytes looked at. */
export const UNDEFINED = 2;
/** More than 15 bytes: #GP. */
export const TOO_LONG = 3;
export type DecodeStatus = typeof DECODED | typeof TRUNCATED | typeof UNDEFINED | typeof TOO_LONG;

export const MAX_INSTRUCTION_BYTES = 15;

/** What a byte is before the opcode. */
const NOT_A_PREFIX = 0;
const REX_PREFIX = 1;
const OPERAND_PREFIX = 2;
const ADDRESS_PREFIX = 3;
const REPEAT_PREFIX = 4;
const LOCK_PREFIX = 5;
/** Plus the segment's number. */
const SEGMENT_PREFIX = 8;

const PREFIXES = new Uint8Array(256);
PREFIXES.fill(REX_PREFIX, 0x40, 0x50);
PREFIXES[0x66] = OPERAND_PREFIX;
PREFIXES[0x67] = ADDRESS_PREFIX;
PREFIXES[0xf2] = REPEAT_PREFIX;
PREFIXES[0xf3] = REPEAT_PREFIX;
PREFIXES[0xf0] = LOCK_PREFIX;
[0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65].forEach((byte, i) => (PREFIXES[byte] = SEGMENT_PREFIX + i));

/** State of one call; a decoder is never entered twice at the same time. */
let code: Uint8Array = new Uint8Array(0);
let at = 0;
let operandPrefix = false;
/** 0..3 for none, 66, F3, F2, as VEX.pp has it. */
let mandatory = 0;

const peek = (): number => code[at] ?? 0;
const byte = (): number => code[at++] ?? 0;
const signedByte = (): number => (byte() << 24) >> 24;

function word(): number {
  const low = byte();
  return low | (byte() << 8);
}

function doubleword(): number {
  const low = word();
  return low | (word() << 16);
}

/** Reads prefixes; gives the first byte that is none. */
function readPrefixes(insn: Instruction, start: number): number {
  for (;;) {
    const value = byte();
    const kind = PREFIXES[value] ?? NOT_A_PREFIX;
    if (kind === NOT_A_PREFIX || at - start > MAX_INSTRUCTION_BYTES) return value;
    if (kind === REX_PREFIX) {
      insn.rex = value;
      continue;
    }
    // REX counts only right before the opcode.
    insn.rex = 0;
    if (kind === OPERAND_PREFIX) operandPrefix = true;
    else if (kind === ADDRESS_PREFIX) insn.addressBytes = 4;
    else if (kind === REPEAT_PREFIX) insn.repeat = value;
    else if (kind === LOCK_PREFIX) insn.lock = true;
    else if (kind >= SEGMENT_PREFIX + 4 || insn.segment < 4) insn.segment = kind - SEGMENT_PREFIX;
  }
}

/**
 * VEX in its forms of two and three bytes (Intel SDM vol. 2, 2.3.5). Only the general-register instructions of maps
 * 0F38 and 0F3A are there; REX, VEX.R, X, B and W come to stand in `rex`.
 */
function readVex(insn: Instruction, first: number): Entry | undefined {
  if (insn.rex !== 0 || operandPrefix || insn.repeat !== 0 || insn.lock) return undefined;
  const second = byte();
  const short = first === 0xc5;
  const map = short ? 1 : second & 0x1f;
  const last = short ? second & 0x7f : byte();
  // R, X and B are stored inverted.
  const extensions = short ? ((second >> 5) & 4) ^ 4 : (second >> 5) ^ 7;
  insn.rex = 0x40 | extensions | (short ? 0 : (last >> 4) & 8);
  insn.vvvv = ((last >> 3) & 15) ^ 15;
  insn.opcode = byte();
  mandatory = last & 3;
  if (map === 0 || map > 3) return undefined;
  const entry = map === 1 ? undefined : (map === 2 ? VEX_0F38 : VEX_0F3A)[insn.opcode];
  // Instructions on general registers exist with VEX.L clear only.
  return entry === undefined ? VEX_ROW : (last & 4) === 0 ? entry : undefined;
}

function readOpcode(insn: Instruction, first: number): Entry | undefined {
  if (first === 0xc4 || first === 0xc5) return readVex(insn, first);
  if (first === 0x62) return EVEX_ROW;
  let map: OpcodeMap = ONE_BYTE;
  insn.opcode = first;
  if (first === 0x0f) {
    map = TWO_BYTE;
    insn.opcode = byte();
    if (insn.opcode === 0x38 || insn.opcode === 0x3a) {
      map = insn.opcode === 0x38 ? MAP_0F38 : MAP_0F3A;
      insn.opcode = byte();
    }
  }
  mandatory = insn.repeat === 0xf2 ? 3 : insn.repeat === 0xf3 ? 2 : operandPrefix ? 1 : 0;
  return map[insn.opcode];
}

/** Whether the last `chooseRow` looked at ModRM, which then belongs to the instruction. */
let modrmSeen = false;

/** Follows the choices of an entry; ModRM is looked at, not consumed. */
function chooseRow(entry: Entry | undefined, rex: number): Row | undefined {
  modrmSeen = false;
  let current = entry;
  while (current !== undefined && current.choose !== "row") {
    switch (current.choose) {
      case "prefix":
        current = current.entries[mandatory];
        break;
      case "wide":
        current = (rex & 8) !== 0 ? current.set : current.clear;
        break;
      case "extended":
        current = (rex & 1) !== 0 ? current.set : current.clear;
        break;
      case "reg":
        modrmSeen = true;
        current = current.entries[(peek() >> 3) & 7];
        break;
      case "rm":
        modrmSeen = true;
        current = current.entries[peek() & 7];
        break;
      case "mod":
        modrmSeen = true;
        current = peek() < 0xc0 ? current.memory : current.register;
        break;
    }
  }
  return current;
}

function operandSize(rule: WidthRule, rex: number): number {
  if (rule === "only64" || (rex & 8) !== 0) return 8;
  if (operandPrefix) return 2;
  return rule === "default64" ? 8 : 4;
}

function readSib(insn: Instruction, mod: number): void {
  const sib = byte();
  const index = ((sib >> 3) & 7) | ((insn.rex & 2) << 2);
  insn.index = index === 4 ? NO_REGISTER : index;
  insn.scale = sib >> 6;
  const base = sib & 7;
  if (base === 5 && mod === 0) insn.displacement = doubleword();
  else insn.base = base | ((insn.rex & 1) << 3);
}

/** ModRM with what follows it (Intel SDM vol. 2, 2.1.5 and 2.2.1.2). */
function readModrm(insn: Instruction): void {
  const modrm = byte();
  insn.modrm = modrm;
  const mod = insn.row.ignoresMod ? 3 : modrm >> 6;
  const rm = modrm & 7;
  insn.reg = ((modrm >> 3) & 7) | ((insn.rex & 4) << 1);
  insn.memory = mod !== 3;
  if (mod === 3) {
    insn.rm = rm | ((insn.rex & 1) << 3);
    return;
  }
  if (rm === 4) readSib(insn, mod);
  else if (rm === 5 && mod === 0) {
    insn.base = RIP_RELATIVE;
    insn.displacement = doubleword();
  } else insn.base = rm | ((insn.rex & 1) << 3);
  if (mod === 1) insn.displacement = signedByte();
  else if (mod === 2) insn.displacement = doubleword();
}

function setImmediate(insn: Instruction, low: number): void {
  insn.immediateLow = low;
  insn.immediateHigh = low >> 31;
}

function setWideImmediate(insn: Instruction): void {
  insn.immediateLow = doubleword();
  insn.immediateHigh = doubleword();
}

function readImmediate(insn: Instruction, form: ImmediateForm): void {
  switch (form) {
    case "none":
      return;
    case "b":
    case "bs":
      return setImmediate(insn, signedByte());
    case "w":
      return setImmediate(insn, word());
    case "z":
      return setImmediate(insn, insn.operandBytes === 2 ? (word() << 16) >> 16 : doubleword());
    case "v":
      if (insn.operandBytes === 8) return setWideImmediate(insn);
      return setImmediate(insn, insn.operandBytes === 2 ? (word() << 16) >> 16 : doubleword());
    case "offset":
      if (insn.addressBytes === 8) return setWideImmediate(insn);
      setImmediate(insn, doubleword());
      insn.immediateHigh = 0;
      return;
    case "wb":
      setImmediate(insn, word());
      insn.immediate2 = byte();
      return;
    case "bb":
      setImmediate(insn, signedByte());
      insn.immediate2 = byte();
  }
}

function reset(insn: Instruction, address: number): void {
  insn.address = address;
  insn.addressBytes = 8;
  insn.rex = 0;
  insn.repeat = 0;
  insn.lock = false;
  insn.segment = NO_SEGMENT;
  insn.vvvv = 0;
  insn.memory = false;
  insn.base = NO_REGISTER;
  insn.index = NO_REGISTER;
  insn.scale = 0;
  insn.displacement = 0;
  insn.immediateLow = 0;
  insn.immediateHigh = 0;
  insn.immediate2 = 0;
}

function finish(insn: Instruction, start: number, end: number, status: DecodeStatus): DecodeStatus {
  insn.length = at - start;
  if (insn.length > MAX_INSTRUCTION_BYTES) {
    insn.length = MAX_INSTRUCTION_BYTES;
    return end - start < MAX_INSTRUCTION_BYTES ? TRUNCATED : TOO_LONG;
  }
  return at > end ? TRUNCATED : status;
}

/** VEX.vvvv names a register that the instruction does not have (Intel SDM vol. 2, 2.3.5.6). */
const hasIdleVvvv = ({ row, vvvv }: Instruction): boolean =>
  vvvv !== 0 && row !== VEX_ROW && !row.operands.some(({ kind }) => kind === "vvvv");

/** Decodes the instruction at `start` of `bytes`, which end at `end`; `address` is where it lies in the guest. */
export function decode(
  bytes: Uint8Array,
  start: number,
  end: number,
  address: number,
  insn: Instruction,
): DecodeStatus {
  code = bytes;
  at = start;
  operandPrefix = false;
  reset(insn, address);
  const first = readPrefixes(insn, start);
  if (at - start > MAX_INSTRUCTION_BYTES) return finish(insn, start, end, TOO_LONG);
  const row = chooseRow(readOpcode(insn, first), insn.rex);
  if (row === undefined) {
    if (modrmSeen) at++;
    return finish(insn, start, end, UNDEFINED);
  }
  insn.row = row;
  insn.operandBytes = operandSize(row.width, insn.rex);
  if (modrmSeen || row.modrm) readModrm(insn);
  readImmediate(insn, row.immediate);
  // LOCK needs a row that allows it and a destination in memory (Intel SDM vol. 2, LOCK).
  const refused = (insn.lock && !(row.lockable && insn.memory)) || hasIdleVvvv(insn);
  return finish(insn, start, end, refused ? UNDEFINED : DECODED);
}
