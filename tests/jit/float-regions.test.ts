/**
 * SSE arithmetic in loops that are regions from the first entry, next to plain translations: what MXCSR and the
 * numbers are like changes on the way, so the fast mode goes off and on again.
 */

import { describe, expect, test } from "vitest";
import { createCpu, type Cpu, type CpuOptions } from "../../src/cpu.ts";
import { PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { floatBytes } from "../support/float-values.ts";
import { Operands } from "./emit/operands.ts";

const CODE = 0x401000n;
const INPUT = 0x500000n;
const OUTPUT = 0x510000n;
const MODES = 0x520000n;
const PAGE = 4096;
const ROUNDS = 24;

const USUAL = 0x1f80;
const INEXACT = 0x20;
const DENORMAL_OPERAND = 0x02;
const OVERFLOW = 0x08;
const UNDERFLOW = 0x10;
const INVALID = 0x01;
const ZERO_DIVIDE = 0x04;

/** [RSI + RCX * 8] as the second operand of register `reg`. */
const input = (reg: number): number[] => [(reg << 3) | 4, 0xce];
const output = (reg: number): number[] => [(reg << 3) | 4, 0xcf];
const register = (reg: number, rm: number): number[] => [0xc0 | (reg << 3) | rm];

const LOAD = [0xf2, 0x0f, 0x10];
const STORE = [0xf2, 0x0f, 0x11];
const ADD = [0xf2, 0x0f, 0x58];
const MULTIPLY = [0xf2, 0x0f, 0x59];
const DIVIDE = [0xf2, 0x0f, 0x5e];
const ADD_PACKED = [0x66, 0x0f, 0x58];
/** LDMXCSR [R8 + RCX * 4] */
const LOAD_MODE = [0x41, 0x0f, 0xae, 0x14, 0x88];

/** The body once for each RCX below ROUNDS, then HLT. */
function loop(body: readonly number[]): Uint8Array {
  const end = [0xff, 0xc1, 0x83, 0xf9, ROUNDS];
  const back = -(body.length + end.length + 6);
  const offset = new Uint8Array(new Int32Array([back]).buffer);
  return new Uint8Array([...body, ...end, 0x0f, 0x8c, ...offset, 0xf4]);
}

interface Run {
  readonly code: Uint8Array;
  readonly mxcsr: number;
  readonly input: Uint8Array;
  readonly modes?: readonly number[];
  readonly xmm?: readonly bigint[];
}

function prepared(options: CpuOptions): Cpu {
  const cpu = createCpu({ memoryBytes: 4 << 20, checks: "off", ...options });
  cpu.map(CODE, PAGE, "rx");
  for (const at of [INPUT, OUTPUT, MODES]) cpu.map(at, PAGE, "rw");
  return cpu;
}

const hot = prepared({ tier: "wasm", jit: { regionEntries: 1 } });
const plain = prepared({ jit: PLAIN_OPTIONS });

/** All that the program changed. */
function outcome(cpu: Cpu, { code, mxcsr, input: bytes, modes = [], xmm = [] }: Run) {
  const zeros = new Uint8Array(PAGE);
  const page = zeros.slice();
  page.set(code);
  cpu.write(CODE, page);
  cpu.write(INPUT, zeros);
  cpu.write(INPUT, bytes);
  cpu.write(OUTPUT, zeros);
  cpu.write(MODES, new Uint8Array(Int32Array.from({ length: ROUNDS }, (_, k) => modes[k] ?? mxcsr).buffer));
  const start = { rip: CODE, rax: 0n, rdx: 0n, rcx: 0n, rsi: INPUT, rdi: OUTPUT, r8: MODES, rflags: 2n };
  for (const [name, value] of Object.entries(start)) cpu.set(name, value);
  for (let k = 0; k < 16; k++) cpu.set(`xmm${k}`, xmm[k] ?? 0n);
  cpu.set("mxcsr", BigInt(mxcsr));
  const exit = cpu.run({ maxInstructions: 100_000 });
  const names = ["rax", "rcx", "rdx", "rip", "rflags", "mxcsr", ...xmm.map((_, k) => `xmm${k}`)];
  const registers = Object.fromEntries(names.map((name) => [name, cpu.get(name)]));
  return { exit, registers, output: cpu.read(OUTPUT, 256) };
}

/** Runs the program in both ways, several times, so that later runs meet code that is compiled; gives MXCSR. */
function agree(run: Run): number {
  const expected = outcome(plain, run);
  for (let k = 0; k < 3; k++) expect(outcome(hot, run)).toEqual(expected);
  return Number(expected.registers["mxcsr"]);
}

const doubles = (of: (k: number) => number): Uint8Array =>
  new Uint8Array(Float64Array.from({ length: ROUNDS + 1 }, (_, k) => of(k)).buffer);

const SUMS = loop([...ADD, ...input(1), ...STORE, ...output(1)]);
const PRODUCTS = loop([...LOAD, ...input(0), ...MULTIPLY, ...register(0, 2), ...STORE, ...output(0)]);
const xmmWith = (values: Readonly<Record<number, number>>): bigint[] =>
  Array.from({ length: 8 }, (_, k) => new BigUint64Array(Float64Array.of(values[k] ?? 0).buffer)[0] ?? 0n);

describe("sticky flags in a hot loop", () => {
  test("exact operations leave them alone", () => {
    expect(agree({ code: SUMS, mxcsr: USUAL, input: doubles((k) => k) })).toBe(USUAL);
  });

  test("the first inexact operation sets one, and the fast mode goes on from there", () => {
    const run = { code: SUMS, mxcsr: USUAL, input: doubles((k) => (k < 10 ? k : 0.1)) };
    expect(agree(run)).toBe(USUAL | INEXACT);
  });

  test("a denormal operand", () => {
    const run = {
      code: SUMS,
      mxcsr: USUAL | INEXACT,
      input: doubles((k) => (k === 17 ? 5e-324 : 1 / (k + 1))),
    };
    expect(agree(run)).toBe(USUAL | INEXACT | DENORMAL_OPERAND);
  });

  test("a denormal in a register all the time", () => {
    const run = { code: PRODUCTS, mxcsr: USUAL | INEXACT, input: doubles((k) => 2 ** (k * 40)) };
    const flags = agree({ ...run, xmm: xmmWith({ 2: 2 ** -1060 }) });
    expect(flags).toBe(USUAL | INEXACT | DENORMAL_OPERAND);
  });

  test("a result that is a denormal, and goes on as an operand", () => {
    const code = loop([...MULTIPLY, ...input(1), ...ADD, ...register(3, 1), ...STORE, ...output(3)]);
    const run = { code, mxcsr: USUAL | INEXACT, input: doubles((k) => (k < 16 ? 2 ** -64 / 3 : 1)) };
    const flags = agree({ ...run, xmm: xmmWith({ 1: 1, 3: 1 }) });
    expect(flags).toBe(USUAL | INEXACT | UNDERFLOW | DENORMAL_OPERAND);
  });

  test("overflow", () => {
    const run = { code: PRODUCTS, mxcsr: USUAL | INEXACT, input: doubles((k) => 10 ** (k * 14)) };
    expect(agree({ ...run, xmm: xmmWith({ 2: 1e9 }) })).toBe(USUAL | INEXACT | OVERFLOW);
  });

  test("a NaN and a division by zero", () => {
    const code = loop([...LOAD, ...input(0), ...DIVIDE, ...register(0, 2), ...STORE, ...output(0)]);
    const run = { code, mxcsr: USUAL | INEXACT, input: doubles((k) => (k === 20 ? 0 : k)) };
    expect(agree({ ...run, xmm: xmmWith({ 2: 0 }) })).toBe(USUAL | INEXACT | INVALID | ZERO_DIVIDE);
  });

  test("an exception that is not masked stops the loop where it is", () => {
    const run = { code: SUMS, mxcsr: USUAL & ~(OVERFLOW << 7), input: doubles((k) => (k < 9 ? k : 1.7e308)) };
    expect(agree(run) & OVERFLOW).toBe(OVERFLOW);
    expect(hot.get("rcx")).toBe(10n);
  });
});

describe("LDMXCSR in a hot loop", () => {
  const code = loop([...LOAD_MODE, ...ADD, ...input(1), ...STORE, ...output(1)]);
  const thirds = doubles((k) => 1 / (k + 3));
  const modes = (of: (k: number) => number): number[] => Array.from({ length: ROUNDS }, (_, k) => of(k));

  test("flags are cleared each time", () => {
    expect(agree({ code, mxcsr: USUAL, input: thirds, modes: modes(() => USUAL) })).toBe(USUAL | INEXACT);
  });
  test("rounding changes", () => {
    agree({ code, mxcsr: USUAL, input: thirds, modes: modes((k) => USUAL | INEXACT | ((k & 3) << 13)) });
  });
  test("behind an operation of the same block", () => {
    const behind = loop([
      ...ADD,
      ...input(1),
      ...LOAD_MODE,
      ...ADD,
      ...register(2, 1),
      ...STORE,
      ...output(2),
    ]);
    agree({ code: behind, mxcsr: USUAL, input: thirds, modes: modes((k) => (k % 5 === 4 ? USUAL : 0x7fa0)) });
  });
  test("denormals are zeros now and then", () => {
    const run = { code, mxcsr: USUAL, input: doubles((k) => (k % 3 === 0 ? 2 ** -1050 : k)) };
    agree({ ...run, modes: modes((k) => USUAL | INEXACT | (k % 4 === 1 ? 0x8040 : 0)) });
  });
});

/** Instructions with a register as their first operand and anything as their second. */
const ANY = [
  ...[0x51, 0x58, 0x59, 0x5c, 0x5d, 0x5e, 0x5f].flatMap((code) => [
    [0x0f, code],
    [0x66, 0x0f, code],
    [0xf2, 0x0f, code],
    [0xf3, 0x0f, code],
  ]),
  [0x0f, 0x2e], [0x66, 0x0f, 0x2f], [0xf2, 0x0f, 0x5a], [0xf3, 0x0f, 0x5a], [0x0f, 0x5b], [0x66, 0x0f, 0x5b],
  [0xf3, 0x0f, 0x5b], [0xf2, 0x0f, 0x10], [0xf3, 0x0f, 0x10], [0x0f, 0x10], [0x66, 0x0f, 0x14], [0x0f, 0x15],
  [0x0f, 0x57], [0x66, 0x0f, 0x54], [0xf2, 0x0f, 0x2a], [0xf3, 0x48, 0x0f, 0x2a], [0xf2, 0x48, 0x0f, 0x2c],
  [0xf3, 0x0f, 0x2d],
] as const; // prettier-ignore
const WITH_IMMEDIATE = [[0x0f, 0xc6], [0xf2, 0x0f, 0xc2], [0x0f, 0xc2], [0x66, 0x0f, 0x70]] as const; // prettier-ignore

function randomBody(operands: Operands): number[] {
  const body: number[] = [];
  for (let k = 2 + operands.below(10); k > 0; k--) {
    const [reg, rm] = [operands.below(4), operands.below(4)];
    const immediate = operands.below(6) === 0;
    const code = operands.pick<readonly number[]>(immediate ? WITH_IMMEDIATE : ANY);
    const isUnaligned = code[0] === 0x0f || code[0] === 0x66;
    const memory = !isUnaligned && operands.coin();
    const isInteger = code.at(-1) === 0x2c || code.at(-1) === 0x2d;
    body.push(...code, ...(memory ? input(isInteger ? 2 : reg) : register(isInteger ? 2 : reg, rm)));
    if (immediate) body.push(operands.below(256));
    // ADC EAX, EDX: flags and integers show.
    if (operands.below(3) === 0) body.push(0x11, 0xd0);
  }
  if (operands.below(6) === 0) body.push(...LOAD_MODE);
  return [...body, ...ADD_PACKED, ...register(3, operands.below(3)), ...STORE, ...output(operands.below(4))];
}

test("random loops", () => {
  for (let seed = 0; seed < 50; seed++) {
    const operands = new Operands(seed);
    const next = (): number => operands.next() >>> 0;
    const moderate = (): number => (operands.below(9001) - 4500) / 7;
    const bytes = doubles(moderate);
    const special = floatBytes(next, 8);
    for (let k = operands.below(4); k > 0; k--) bytes.set(special, 8 * operands.below(ROUNDS));
    const mxcsr = operands.pick([USUAL, USUAL | INEXACT, USUAL | INEXACT, 0x3fa0]);
    agree({
      code: loop(randomBody(operands)),
      mxcsr,
      input: bytes,
      modes: Array.from({ length: ROUNDS }, () => operands.pick([USUAL, USUAL | INEXACT, 0x1fbf, 0x9fe0])),
      xmm: xmmWith({ 0: moderate(), 1: moderate(), 2: moderate(), 3: 1 }),
    });
  }
});
