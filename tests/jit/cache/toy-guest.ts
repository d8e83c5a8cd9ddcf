/**
 * A small byte-coded guest for tests of the engine: eight 64-bit registers, a handful of instructions of one to six
 * bytes. It has a lifter and an assembler, and knows nothing of x86.
 */

import {
  type GuestAddress,
  highHalf,
  lowHalf,
  offsetInPage,
  PAGE_BYTES,
  pageOf,
  pageStart,
} from "../../../src/mmu/address.ts";
import { BlockBuilder, type CodeSource, type IrExit, type Lift } from "../../../src/jit/ir/block.ts";
import type { Value } from "../../../src/jit/ir/ops.ts";
import { GUEST_STATE } from "../../../src/jit/ir/state.ts";

/** Byte offset of toy register `r` in the state block. */
export const slotOf = (r: number): number => GUEST_STATE + 8 * (r & 7);
/** The register that `call` writes and `ret` reads. */
export const LINK = 7;

type Operand = "reg" | "imm32" | "imm8" | "rel16";

const INSTRUCTIONS = {
  bad: [0x00, []],
  mov: [0x01, ["reg", "imm32"]],
  add: [0x02, ["reg", "reg"]],
  sub: [0x03, ["reg", "reg"]],
  load: [0x04, ["reg", "reg"]],
  store: [0x05, ["reg", "reg"]],
  jump: [0x06, ["rel16"]],
  jnz: [0x07, ["reg", "rel16"]],
  jr: [0x08, ["reg"]],
  syscall: [0x09, []],
  call: [0x0a, ["rel16"]],
  ret: [0x0b, []],
  addi: [0x0c, ["reg", "imm8"]],
  nop: [0x0d, []],
  store8: [0x0e, ["reg", "reg"]],
  trap: [0x0f, []],
  tsc: [0x10, ["reg"]],
  frob: [0x11, []],
  copy: [0x12, ["reg", "reg"]],
} as const satisfies Record<string, readonly [number, readonly Operand[]]>;

export type ToyName = keyof typeof INSTRUCTIONS;
const NAMES = new Map<number, ToyName>(
  Object.entries(INSTRUCTIONS).map(([name, [opcode]]) => [opcode, name as ToyName]),
);
const WIDTH: Record<Operand, number> = { reg: 1, imm32: 4, imm8: 1, rel16: 2 };

export const lengthOf = (name: ToyName): number =>
  INSTRUCTIONS[name][1].reduce((sum: number, operand) => sum + WIDTH[operand], 1);

/** A line of toy assembly: a label, or an instruction with numbers and label names. */
export type Line = string | readonly [ToyName, ...(number | string)[]];

/** Assembles at `base`; operands may be label names (`rel16` relative to the next instruction, `imm32` absolute). */
export function assemble(base: number, lines: readonly Line[]): Uint8Array {
  const labels = new Map<string, number>();
  let at = base;
  for (const line of lines) {
    if (typeof line === "string") labels.set(line, at);
    else at += lengthOf(line[0]);
  }
  const bytes: number[] = [];
  for (const line of lines) {
    if (typeof line === "string") continue;
    const [name, ...operands] = line;
    const end = base + bytes.length + lengthOf(name);
    bytes.push(INSTRUCTIONS[name][0]);
    for (const [i, kind] of INSTRUCTIONS[name][1].entries()) {
      const operand = operands[i] ?? 0;
      let value = typeof operand === "string" ? (labels.get(operand) ?? NaN) : operand;
      if (kind === "rel16") value -= end;
      if (Number.isNaN(value)) throw new Error(`unknown label ${operand}`);
      for (let byte = 0; byte < WIDTH[kind]; byte++) bytes.push((value >> (8 * byte)) & 255);
    }
  }
  return Uint8Array.from(bytes);
}

/** Where a label of a program lies. */
export function labelAt(base: number, lines: readonly Line[], label: string): GuestAddress {
  const before = lines.slice(0, lines.indexOf(label));
  return (base + assemble(base, before.map(withoutLabels)).length) as GuestAddress;
}

const withoutLabels = (line: Line): Line => (typeof line === "string" ? line : [line[0]]);

interface Decoded {
  readonly name: ToyName;
  readonly address: GuestAddress;
  readonly end: number;
  readonly operands: readonly number[];
}

/** Undefined when the instruction needs a next page that may not be executed. */
function decode(address: GuestAddress, source: CodeSource): Decoded | undefined {
  const offset = offsetInPage(address);
  const name = NAMES.get(source.page[offset]!) ?? "bad";
  const length = lengthOf(name);
  const next = offset + length > PAGE_BYTES ? source.next() : source.page;
  if (next === undefined) return undefined;
  const byte = (i: number): number => (i < PAGE_BYTES ? source.page[i]! : next[i - PAGE_BYTES]!);
  const operands: number[] = [];
  let at = offset + 1;
  for (const kind of INSTRUCTIONS[name][1]) {
    let value = 0;
    for (let i = 0; i < WIDTH[kind]; i++) value |= byte(at++) << (8 * i);
    if (kind === "imm8") value = (value << 24) >> 24;
    if (kind === "rel16") value = ((value << 16) >> 16) + address + length;
    operands.push(value);
  }
  return { name, address, end: address + length, operands };
}

/** Lifts toy code. `lifted` hears of every call. */
export function createToyLift(lifted?: (address: GuestAddress) => void): Lift {
  return (address, source, maxInstructions) => {
    lifted?.(address);
    const builder = new BlockBuilder(address);
    const pageEnd = pageStart(pageOf(address)) + PAGE_BYTES;
    let at: number = address;
    for (;;) {
      const crossing = at < pageEnd && at + lengthAt(at, source) > pageEnd;
      const cut = builder.count > 0 && (builder.count >= maxInstructions || crossing || at >= pageEnd);
      if (cut) return builder.finish(fallthrough(at));
      const instruction = decode(at as GuestAddress, source);
      if (instruction === undefined) return { kind: "fetch-fault", address: pageEnd as GuestAddress };
      builder.begin(at as GuestAddress, instruction.end - at);
      const exit = liftOne(builder, instruction);
      if (exit !== undefined) return builder.finish(exit);
      at = instruction.end;
    }
  };
}

const lengthAt = (at: number, source: CodeSource): number =>
  lengthOf(NAMES.get(source.page[offsetInPage(at as GuestAddress)]!) ?? "bad");

const fallthrough = (at: number): IrExit => ({
  kind: "jump",
  target: at as GuestAddress,
  transfer: "fallthrough",
});

/** Adds the operations of one instruction; returns the exit when it ends the block. */
function liftOne(b: BlockBuilder, { name, address, end, operands }: Decoded): IrExit | undefined {
  const [x = 0, y = 0] = operands;
  const reg = (r: number): Value<"i64"> => b.add("get.i64", slotOf(r));
  const constant = (value: number): Value<"i64"> => b.add("const.i64", lowHalf(value), highHalf(value));
  const next = end as GuestAddress;
  switch (name) {
    case "mov":
      b.add("set.i64", slotOf(x), constant(y >>> 0));
      return undefined;
    case "copy":
      b.add("set.i64", slotOf(x), reg(y));
      return undefined;
    case "add":
      b.add("set.i64", slotOf(x), b.add("add.i64", reg(x), reg(y)));
      return undefined;
    case "sub":
      b.add("set.i64", slotOf(x), b.add("sub.i64", reg(x), reg(y)));
      return undefined;
    case "addi":
      b.add("set.i64", slotOf(x), b.add("add.i64", reg(x), b.add("const.i64", y, y >> 31)));
      return undefined;
    case "load":
      b.add("set.i64", slotOf(x), b.add("load.i64", 0, reg(y)));
      return undefined;
    case "store":
      b.add("store.i64", 0, reg(x), reg(y));
      return undefined;
    case "store8":
      b.add("store8.i32", 0, reg(x), b.add("low.i32", reg(y)));
      return undefined;
    case "tsc":
      b.add("set.i64", slotOf(x), b.add("tsc"));
      return undefined;
    case "nop":
      return undefined;
    case "jump":
      return jump(x, constant);
    case "jnz":
      return branch(b, x, y, next);
    case "jr":
      return { kind: "indirect", target: reg(x), transfer: "jump" };
    case "call":
      b.add("set.i64", slotOf(LINK), constant(end));
      return { kind: "jump", target: x as GuestAddress, transfer: "call", returnTo: next };
    case "ret":
      return { kind: "indirect", target: reg(LINK), transfer: "return" };
    case "syscall":
      return { kind: "syscall", next };
    case "trap":
      return { kind: "fault", vector: 3, errorCode: 0, rip: next };
    case "frob":
      return { kind: "fault", vector: 6, errorCode: 0, rip: address, unsupported: "frob" };
    case "bad":
      return { kind: "fault", vector: 6, errorCode: 0, rip: address };
  }
}

function jump(target: number, constant: (value: number) => Value<"i64">): IrExit {
  return target >= 0
    ? { kind: "jump", target: target as GuestAddress, transfer: "jump" }
    : { kind: "indirect", target: constant(target), transfer: "jump" };
}

function branch(b: BlockBuilder, r: number, taken: number, notTaken: GuestAddress): IrExit {
  const value = b.add("get.i64", slotOf(r));
  const condition = b.add("ne.i64", value, b.add("const.i64", 0, 0));
  return { kind: "branch", condition, taken: taken as GuestAddress, notTaken };
}
