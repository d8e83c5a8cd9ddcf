/**
 * Random experiments, driven by the decoder's own tables: every encoding it accepts is tried, a new row without
 * being listed. Registers hold interesting numbers, or addresses near the edges of the data pages, so that about
 * half of all accesses hit, and many cross a page or fault.
 */

import { decode, DECODED } from "../../src/frontend/decode.ts";
import { type Instruction, newInstruction } from "../../src/frontend/instruction.ts";
import { type Encoding, encodings } from "../../src/frontend/tables/encodings.ts";
import { type Row, rowName } from "../../src/frontend/tables/row.ts";
import { EVEX_ROW } from "../../src/frontend/tables/vex.ts";
import { floatBytes, mxcsr, x87 } from "../support/float-values.ts";
import {
  CODE_BYTES,
  CODE_PAGE,
  DATA_BYTES,
  DATA_PAGES,
  RODATA_PAGE,
  type TestCase,
  WINDOW_BYTES,
} from "../support/state.ts";

/** 32 random bits; xorshift, so that a seed repeats a run. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (this.#state = x) >>> 0;
  }
  below(limit: number): number {
    return this.next() % limit;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next() >>> 13);
  }
}

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
const EDGES = [0n, 1n, 2n, 3n, 7n, 8n, 31n, 32n, 63n, 64n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn,
  0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_fff0n, 0x0000_8000_0000_0000n] as const; // prettier-ignore
const PLACES = [DATA_PAGES, DATA_PAGES + 8, DATA_PAGES + 32, DATA_PAGES + 4096, DATA_PAGES + 4088, DATA_PAGES + 4000,
  DATA_PAGES + 4160, DATA_PAGES + DATA_BYTES - 32, DATA_PAGES + DATA_BYTES - 4, RODATA_PAGE + 16, CODE_PAGE] as const; // prettier-ignore

export interface Candidate {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly row: Row;
  readonly undefinedFlags: number;
  readonly supported: boolean;
  /** May go elsewhere: nothing follows it in a sequence, or the target could lie inside the sequence. */
  readonly branches: boolean;
}

const insn: Instruction = newInstruction(EVEX_ROW);

/** Rows that can be compared with a processor, by everything that leads to them. */
const ENCODINGS: readonly Encoding[] = encodings().filter(({ row }) => row.supported);
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

/** An instruction whose bytes are given, or undefined when they are none that can be compared. */
export function candidateFrom(raw: Uint8Array): Candidate | undefined {
  if (decode(raw, 0, raw.length, CODE_PAGE, insn) !== DECODED) return undefined;
  const name = rowName(insn.row, insn.operandBytes);
  if (EXCLUDED.has(name.replace(/[qdw]$/, "")) || EXCLUDED.has(name) || insn.segment >= 4) return undefined;
  if (isHostSpecific(raw)) return undefined;
  return {
    bytes: raw.slice(0, insn.length),
    name,
    row: insn.row,
    undefinedFlags: insn.row.undefinedFlags,
    supported: insn.row.supported,
    branches: insn.row.ends || /^(j|loop)/.test(name),
  };
}

/** A random instruction of an encoding, or undefined for a miss. */
export function instructionOf(random: Random, encoding: Encoding): Candidate | undefined {
  const candidate = candidateFrom(encodingBytes(random, encoding));
  return candidate?.row === encoding.row ? candidate : undefined;
}

/** A random instruction whose name matches, or undefined for a miss. */
export function randomInstruction(random: Random, only?: RegExp): Candidate | undefined {
  const from = only === undefined ? ENCODINGS : encodingsNamed(only);
  const bytes =
    only === undefined && random.chance(30)
      ? anyBytes(random)
      : encodingBytes(random, from[random.below(from.length)]!);
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
  LEGACY_PREFIXES.some((prefix) => prefix === byte) || (byte & 0xf0) === 0x40 || (byte & 0xe7) === 0x26;

/** Selectors are the host's; near branches with prefix 66 are 16 bits wide on AMD processors and not on Intel's. */
function isHostSpecific(bytes: Uint8Array): boolean {
  const at = bytes.findIndex((byte) => !isPrefix(byte));
  const [opcode = 0, second = 0] = bytes.subarray(at);
  if (opcode === 0x8c || opcode === 0x8e) return true;
  if (opcode === 0x0f && [0xa0, 0xa1, 0xa8, 0xa9].includes(second)) return true;
  // 0F 0D with a register is a NOP on Intel processors and undefined on AMD's; VMX answers for itself.
  const modrm = bytes[at + 2] ?? 0;
  if (opcode === 0x0f && second === 0x0d && modrm >= 0xc0) return true;
  if (opcode === 0x0f && second === 0x01 && modrm >= 0xc0) return true;
  // LOOPE and LOOPNE with F2 or F3 are undefined; processors let the prefix choose the condition.
  if ((opcode === 0xe0 || opcode === 0xe1) && bytes.slice(0, at).some((byte) => byte >= 0xf2)) return true;
  const nearBranch =
    (opcode >= 0x70 && opcode < 0x80) ||
    (opcode === 0x0f && second >= 0x80 && second < 0x90) ||
    [0xc2, 0xc3, 0xe8, 0xe9, 0xeb, 0xe0, 0xe1, 0xe2, 0xe3].includes(opcode) ||
    (opcode === 0xff && (second & 0x38) >= 0x10 && (second & 0x38) <= 0x20);
  return nearBranch && bytes.slice(0, at).includes(0x66);
}

function randomRegister(random: Random): bigint {
  const kind = random.below(10);
  if (kind < 2) return BigInt(random.pick(PLACES) & ~15);
  if (kind < 4) return BigInt(random.pick(PLACES) + random.below(16) - 8);
  if (kind < 7) return random.pick(EDGES);
  if (kind < 8) return BigInt(random.below(100));
  return (BigInt(random.next()) << 32n) | BigInt(random.next());
}

const STATUS = 0x8d5;
const DIRECTION = 0x400;

/** A start state and memory around the code. */
export function randomCase(random: Random, code: Uint8Array): TestCase {
  const gpr = Array.from({ length: 16 }, () => randomRegister(random));
  // A count register that is not far too large keeps repeated instructions short.
  if (random.chance(70)) gpr[1] = BigInt(random.below(80));
  const codeOffset = random.chance(10) ? 4096 - code.length - random.below(2) : random.below(3) * 1024;
  const sparse = random.chance(30);
  const floats = random.chance(60);
  const next = (): number => random.next() >>> 0;
  const window =
    floats && !sparse
      ? floatBytes(next, WINDOW_BYTES)
      : random.bytes(WINDOW_BYTES).map((byte) => (sparse && byte < 128 ? 0 : byte));
  return {
    state: {
      gpr,
      rip: BigInt(CODE_PAGE + codeOffset),
      rflags: BigInt((random.next() & (STATUS | (random.chance(20) ? DIRECTION : 0))) | 0x202),
      xmm: floats ? floatBytes(next, 256) : random.bytes(256).map((byte) => (random.chance(20) ? 0 : byte)),
      mxcsr: mxcsr(next),
      x87: x87(next),
    },
    code: code.slice(0, CODE_BYTES),
    codeOffset,
    window,
    rodata: random.bytes(64),
  };
}
