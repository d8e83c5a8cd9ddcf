/**
 * Random instructions, driven by the decoder's own tables: every encoding it accepts is tried, a new row without
 * being listed.
 */

import { decode, DECODED } from "../../src/frontend/decode.ts";
import { type Instruction, newInstruction, SEGMENT_FS } from "../../src/frontend/instruction.ts";
import { type Encoding, encodings } from "../../src/frontend/tables/encodings.ts";
import { type Row, rowName } from "../../src/frontend/tables/row.ts";
import { EVEX_ROW } from "../../src/frontend/tables/vex.ts";
import { CODE_PAGE } from "../support/state.ts";
import type { Random } from "./random.ts";

/** Reasons to leave an encoding out: the answer is the host's, or it would reach the host. */
export const EXCLUDED: ReadonlySet<string> = new Set([
  // System calls and software interrupts of the host.
  "syscall", "sysenter", "sysexit", "sysret", "int",
  // Answers differ from machine to machine.
  "cpuid", "rdtsc", "rdtscp", "rdrand", "rdseed", "rdpmc", "xgetbv", "rdpid",
  // Selectors and bases are the host's.
  "str", "sldt", "smsw", "sgdt", "sidt", "lar", "lsl", "verr", "verw",
  "rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase", "lfs", "lgs", "lss",
  // POPF may set TF, which ends the experiment; far transfers change the code segment.
  "popf", "iret", "retf", "xbegin", "xabort", "xend", "xtest", "xrstor", "xsave", "fxrstor", "fxsave", "fxrstor64", "fxsave64",
  // They store the selector and the address of an earlier x87 instruction, which outlive a case on the host.
  "fnstenv", "fnsave",
  // Within one unit in the last place, no two processors agree: tests/jit/float/x87-native.test.ts.
  "fsin", "fcos", "fsincos", "fptan", "fpatan", "f2xm1", "fyl2x", "fyl2xp1",
  // Linux reports INT1 in its own way.
  "int1",
  "monitor", "mwait", "serialize", "umonitor", "umwait", "tpause", "rdpkru", "wrpkru",
]); // prettier-ignore

/** Two accesses that both fault: which one is reported, and what ENTER has stored by then, is the processor's. */
export const FREE_ORDER: ReadonlySet<string> = new Set([
  "enter", "cmpsb", "cmpsw", "cmpsd", "cmpsq", "fldenv", "fnstenv", "frstor", "fnsave",
]); // prettier-ignore

const LEGACY_PREFIXES = [0x66, 0xf2, 0xf3, 0x67, 0xf0, 0x2e, 0x3e] as const;
/** Segments with a base are rare among instructions, and bases rare among bugs. */
const SEGMENT_PREFIXES = [0x64, 0x65] as const;

export interface Candidate {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly row: Row;
  /** What the bytes are an encoding of, where the choices of the tables say it. */
  readonly encoding: Encoding | undefined;
  readonly undefinedFlags: number;
  readonly supported: boolean;
  /** May go elsewhere: nothing follows it in a sequence, or the target could lie inside the sequence. */
  readonly branches: boolean;
  /** Where a relative branch goes, counted from its first byte. */
  readonly target: number | undefined;
}

const insn: Instruction = newInstruction(EVEX_ROW);

/** Rows that can be compared with a processor, by everything that leads to them. */
export const ENCODINGS: readonly Encoding[] = encodings().filter(({ row }) => row.supported);
const MANDATORY = [undefined, 0x66, 0xf3, 0xf2] as const;
const ESCAPES: Readonly<Record<string, readonly number[]>> = {
  "": [],
  "0f": [0x0f],
  "0f38": [0x0f, 0x38],
  "0f3a": [0x0f, 0x3a],
};

/** Displacements, SIB bytes and immediates: small ones and the ends of their ranges. */
function pushTail(random: Random, raw: number[]): void {
  raw.push(random.below(256));
  for (let i = 0; i < 10; i++) raw.push(random.chance(50) ? 0 : random.chance(30) ? 0xff : random.below(256));
}

/** ModRM with the fields that the encoding fixes. */
function modrmByte(random: Random, { reg, rm, memory }: Encoding): number {
  const mod = memory === false ? 3 : memory === true ? random.below(3) : random.below(4);
  return (mod << 6) | ((reg ?? random.below(8)) << 3) | (rm ?? random.below(8));
}

function rexBits(random: Random, { wide, extended }: Encoding): number {
  const free = random.chance(40) ? random.below(16) : 0;
  const w = wide === undefined ? free & 8 : wide ? 8 : 0;
  const b = extended === undefined ? free & 1 : extended ? 1 : 0;
  return w | (free & 6) | b;
}

function pushVex(random: Random, encoding: Encoding, raw: number[]): void {
  const rex = rexBits(random, encoding);
  const vvvv = encoding.row.operands.some(({ kind }) => kind === "vvvv") ? random.below(16) : 15;
  raw.push(0xc4, (((rex & 7) ^ 7) << 5) | (encoding.map === "vex.0f38" ? 2 : 3));
  raw.push(((rex & 8) << 4) | (vvvv << 3) | (encoding.prefix ?? 0), encoding.opcode);
}

function pushLegacy(random: Random, encoding: Encoding, raw: number[]): void {
  const mandatory = MANDATORY[encoding.prefix ?? 0];
  while (random.chance(20) && raw.length < 3) raw.push(random.pick(LEGACY_PREFIXES));
  if (mandatory !== undefined) raw.push(mandatory);
  const rex = rexBits(random, encoding);
  if (rex !== 0 || random.chance(5)) raw.push(0x40 | rex);
  raw.push(...(ESCAPES[encoding.map] ?? []), encoding.opcode);
}

/** Bytes meant for the encoding; prefixes may turn them into another one. */
function encodingBytes(random: Random, encoding: Encoding): Uint8Array {
  const raw: number[] = [];
  if (encoding.map.startsWith("vex.")) pushVex(random, encoding, raw);
  else pushLegacy(random, encoding, raw);
  raw.push(modrmByte(random, encoding));
  pushTail(random, raw);
  return Uint8Array.from(raw);
}

/** Bytes at random: prefixes in combinations that no encoding asks for. */
function anyBytes(random: Random): Uint8Array {
  const raw: number[] = [];
  while (random.chance(25) && raw.length < 4) raw.push(random.pick(LEGACY_PREFIXES));
  if (random.chance(40)) raw.push(0x40 | random.below(16));
  if (random.chance(45)) raw.push(0x0f);
  raw.push(random.below(256), random.below(256));
  pushTail(random, raw);
  return Uint8Array.from(raw);
}

const ROW_ENCODINGS = new Map<Row, Encoding[]>();
for (const encoding of encodings()) {
  const of = ROW_ENCODINGS.get(encoding.row) ?? [];
  of.push(encoding);
  ROW_ENCODINGS.set(encoding.row, of);
}

/** The encoding of the decoded instruction: several may share a row. */
function encodingOf(
  { row, opcode, modrm, memory, rex, repeat }: Instruction,
  raw: Uint8Array,
): Encoding | undefined {
  const operandPrefix = raw
    .subarray(
      0,
      raw.findIndex((byte) => !isPrefix(byte)),
    )
    .includes(0x66);
  const prefix = repeat === 0xf2 ? 3 : repeat === 0xf3 ? 2 : operandPrefix ? 1 : 0;
  const fits = (choice: number | boolean | undefined, actual: number | boolean): boolean =>
    choice === undefined || choice === actual;
  return ROW_ENCODINGS.get(row)?.find(
    (encoding) =>
      encoding.opcode === opcode &&
      (encoding.map.startsWith("vex") || fits(encoding.prefix, prefix)) &&
      fits(encoding.reg, (modrm >> 3) & 7) &&
      fits(encoding.rm, modrm & 7) &&
      fits(encoding.memory, memory) &&
      fits(encoding.wide, (rex & 8) !== 0) &&
      fits(encoding.extended, (rex & 1) !== 0),
  );
}

/** By its name, whatever the operand size. */
export const isExcluded = (name: string): boolean =>
  EXCLUDED.has(name.replace(/[qdw]$/, "")) || EXCLUDED.has(name);

/** An instruction whose bytes are given, or undefined when they are none that can be compared. */
export function candidateFrom(raw: Uint8Array): Candidate | undefined {
  if (decode(raw, 0, raw.length, CODE_PAGE, insn) !== DECODED) return undefined;
  const { row } = insn;
  const name = rowName(row, insn.operandBytes);
  if (isExcluded(name) || isHostSpecific(raw)) return undefined;
  return {
    bytes: raw.slice(0, insn.length),
    name,
    row,
    encoding: encodingOf(insn, raw),
    undefinedFlags: row.undefinedFlags,
    supported: row.supported,
    branches: row.ends || /^(j|loop)/.test(name),
    target: row.operands.some(({ kind }) => kind === "relative")
      ? insn.length + insn.immediateLow
      : undefined,
  };
}

/** A random instruction of an encoding, or undefined for a miss. */
export function instructionOf(random: Random, encoding: Encoding): Candidate | undefined {
  const candidate = candidateFrom(encodingBytes(random, encoding));
  // Recorded vectors start from states without segment bases.
  return candidate?.row === encoding.row && insn.segment < SEGMENT_FS ? candidate : undefined;
}

/** A random instruction whose name matches, or undefined for a miss. */
export function randomInstruction(random: Random, only?: RegExp): Candidate | undefined {
  const from = only === undefined ? ENCODINGS : encodingsNamed(only);
  const plain =
    only === undefined && random.chance(20)
      ? anyBytes(random)
      : encodingBytes(random, from[random.below(from.length)]!);
  const bytes = random.chance(4) ? Uint8Array.of(random.pick(SEGMENT_PREFIXES), ...plain) : plain;
  const candidate = candidateFrom(bytes);
  return candidate === undefined || only?.test(candidate.name) === false ? undefined : candidate;
}

const named = new Map<string, readonly Encoding[]>();

/** The encodings with a name that matches; at least one. */
function encodingsNamed(only: RegExp): readonly Encoding[] {
  const known = named.get(only.source);
  if (known !== undefined) return known;
  const found = ENCODINGS.filter(({ row }) => [2, 4, 8].some((size) => only.test(rowName(row, size))));
  if (found.length === 0) throw new RangeError(`no implemented instruction is named ${only.source}`);
  named.set(only.source, found);
  return found;
}

const isPrefix = (byte: number): boolean =>
  LEGACY_PREFIXES.some((prefix) => prefix === byte) ||
  (byte & 0xf0) === 0x40 ||
  (byte & 0xe7) === 0x26 ||
  (byte & 0xfe) === 0x64;

/** Selectors are the host's; what differs between Intel's and AMD's processors is as Intel's manual has it. */
function isHostSpecific(bytes: Uint8Array): boolean {
  const at = bytes.findIndex((byte) => !isPrefix(byte));
  const [opcode = 0, second = 0] = bytes.subarray(at);
  if (opcode === 0x8c || opcode === 0x8e) return true;
  if (opcode === 0x0f && [0xa0, 0xa1, 0xa8, 0xa9].includes(second)) return true;
  // MOVSXD to 16 bits reads 16 bits of memory on Intel processors and 32 on AMD's.
  const narrow = bytes.subarray(0, at).includes(0x66) && ((bytes[at - 1] ?? 0) & 0xf8) !== 0x48;
  if (opcode === 0x63 && narrow && second < 0xc0) return true;
  // 0F 0D with a register is a NOP on Intel processors and undefined on AMD's; VMX answers for itself.
  const modrm = bytes[at + 2] ?? 0;
  if (opcode === 0x0f && second === 0x0d && modrm >= 0xc0) return true;
  if (opcode === 0x0f && second === 0x01 && modrm >= 0xc0) return true;
  // LOOPE and LOOPNE with F2 or F3 are undefined; processors let the prefix choose the condition.
  if ((opcode === 0xe0 || opcode === 0xe1) && bytes.slice(0, at).some((byte) => byte >= 0xf2)) return true;
  // A near branch with prefix 66 is 16 bits wide on AMD processors and not on Intel's.
  const nearBranch =
    (opcode >= 0x70 && opcode < 0x80) ||
    (opcode === 0x0f && second >= 0x80 && second < 0x90) ||
    [0xc2, 0xc3, 0xe8, 0xe9, 0xeb, 0xe0, 0xe1, 0xe2, 0xe3].includes(opcode) ||
    (opcode === 0xff && (second & 0x38) >= 0x10 && (second & 0x38) <= 0x20);
  return nearBranch && bytes.slice(0, at).includes(0x66);
}
