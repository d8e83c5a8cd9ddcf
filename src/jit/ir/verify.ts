/**
 * JIT-4: IR is well formed after lifting and after every pass. The rules:
 *
 *   Operations   the op is in the table; numbers of immediates and arguments are those of its row
 *   Immediates   int32 in range, const.i1 0 or 1; slots 4-byte aligned inside the guest part of the state block,
 *                those of peek and poke inside its pinned part, all others outside;
 *                width 8, 16 or 32; bit + width <= 32; condition, access, vector and lane in range; `aligned`
 *                only for 16-byte accesses
 *   Arguments    defined by an earlier operation, of the type in the row
 *   Constants    a constant shift or rotate count is below the width; a constant operand of narrow flags has no
 *                bits above the width
 *   Guest        at least one guest instruction; they follow each other in memory, 1 to 15 bytes each; starts
 *                begin at 0, ascend and stay within the code
 *   Faults       state writes of a guest instruction come after its last memory operation, so that a fault
 *                always meets the state before the instruction
 *   Exit         its value is defined and typed; addresses are user-half; a fault reports the last instruction
 *                or the one after it
 */

import { hex, isUserAddress } from "../../mmu/address.ts";
import type { IrBlock, IrExit, IrInstruction } from "./block.ts";
import { CONDITIONS } from "./flags.ts";
import {
  ACCESS_ALIGNED,
  ACCESS_MODIFY,
  ACCESS_STACK,
  type ImmKind,
  type IrType,
  type OpName,
  type OpRow,
  OPS,
  rowOf,
} from "./ops.ts";
import { printInstruction } from "./print.ts";
import { FLAGS_A, FLAGS_B, FLAGS_CODE, GUEST_STATE, PINNED_END, PINNED_START } from "./state.ts";

/** End of the state block for slots; far more than any front end needs. Passes size their tables by it. */
export const STATE_END = 4096;

const ALL_ACCESS = ACCESS_MODIFY | ACCESS_STACK | ACCESS_ALIGNED;
const MAX_INSTRUCTION_BYTES = 15;

/** Operations whose last argument is a count below this width. */
const COUNT_LIMIT: ReadonlyMap<OpName, number> = new Map<OpName, number>([
  ["shl.i32", 32],
  ["shr.i32", 32],
  ["sar.i32", 32],
  ["rotl.i32", 32],
  ["rotr.i32", 32],
  ["shl.i64", 64],
  ["shr.i64", 64],
  ["sar.i64", 64],
  ["rotl.i64", 64],
  ["rotr.i64", 64],
]);

/** Largest value of a `lane` immediate. */
const LANE_LIMIT: ReadonlyMap<OpName, number> = new Map<OpName, number>([
  ["cpuid", 3],
  ["probe.write", 16],
  ["bulk.store", 8],
  ["bulk.copy", 8],
  ["shlbytes.v128", 16],
  ["shrbytes.v128", 16],
  ["shuffle.v32", 255],
  ["shufflelow.v16", 255],
  ["shufflehigh.v16", 255],
  ["shuffle2.v32", 255],
  ["shuffle2.v64", 3],
  ["extract.v16", 7],
  ["extract.v32", 3],
  ["extract.v64", 1],
  ["insert.v16", 7],
  ["insert.v32", 3],
  ["insert.v64", 1],
]);

/** Slot sizes in bytes, for the end of the state block. */
const TYPE_BYTES: Readonly<Record<IrType, number>> = { i1: 0, i32: 4, i64: 8, v128: 16, flags: 0 };

const isBulk = (op: OpName): boolean => op === "bulk.store" || op === "bulk.copy";

/** The flags words, which region passes read where the flags were set in another block. */
const FLAGS_WORDS: readonly number[] = [FLAGS_CODE, FLAGS_A, FLAGS_B];

const isInt32 = (value: number): boolean => (value | 0) === value;
const isIn = (value: number, low: number, high: number): boolean =>
  Number.isInteger(value) && value >= low && value <= high;

function slotIsFine(op: OpName, row: OpRow, value: number): boolean {
  const bytes = TYPE_BYTES[row.result ?? row.args[0] ?? "i32"];
  if (op.startsWith("peek.") || op.startsWith("poke.")) {
    return value % 4 === 0 && isIn(value, PINNED_START, PINNED_END - bytes);
  }
  if (op.startsWith("get.") && bytes <= 8 && FLAGS_WORDS.includes(value)) return true;
  if (value < PINNED_END && value + bytes > PINNED_START) return false;
  return value % 4 === 0 && isIn(value, GUEST_STATE, STATE_END - bytes);
}

function immediateIsFine(op: OpName, row: OpRow, kind: ImmKind, value: number): boolean {
  switch (kind) {
    case "slot":
      return slotIsFine(op, row, value);
    case "int32":
      return op === "const.i1" ? isIn(value, 0, 1) : isInt32(value);
    case "width":
      return op === "insert.i64" || op === "extract.i32"
        ? isIn(value, 1, 32)
        : value === 8 || value === 16 || value === 32;
    case "bit":
      return isIn(value, 0, 31);
    case "condition":
      return isIn(value, 0, CONDITIONS.length - 1);
    case "access":
      return (
        isIn(value, 0, ALL_ACCESS) &&
        ((value & ACCESS_ALIGNED) === 0 || row.args[1] === "v128" || row.result === "v128")
      );
    case "vector":
      return isIn(value, 0, 31);
    case "lane":
      return isIn(value, 0, LANE_LIMIT.get(op) ?? (row.call === true ? 255 : 0));
  }
}

/** Checks one block; the object only carries the list of findings. */
class Verifier {
  readonly broken: string[] = [];
  readonly #block: IrBlock;

  constructor(block: IrBlock) {
    this.#block = block;
  }

  run(): void {
    const { code } = this.#block;
    for (let index = 0; index < code.length; index++)
      this.#checkOperation(code[index] as IrInstruction, index);
    this.#checkGuestInstructions();
    this.#checkExit(this.#block.exit);
  }

  #checkOperation(instruction: IrInstruction, index: number): void {
    const { op, imm, args } = instruction;
    if (!Object.hasOwn(OPS, op)) return this.#report(index, `no operation \`${op}\``);
    const row = rowOf(op);
    const kinds = row.imm ?? [];
    if (imm.length !== kinds.length) return this.#report(index, `takes ${kinds.length} immediates`);
    if (args.length !== row.args.length) return this.#report(index, `takes ${row.args.length} arguments`);
    for (let i = 0; i < kinds.length; i++) {
      const kind = kinds[i];
      const value = imm[i];
      if (kind === undefined || value === undefined || immediateIsFine(op, row, kind, value)) continue;
      this.#report(index, `immediate ${i} (${kind}) is out of range`);
    }
    for (let i = 0; i < args.length; i++) this.#checkArgument(index, args[i] ?? -1, row.args[i]);
    this.#checkConstants(instruction, index);
  }

  #checkArgument(index: number, arg: number, type: IrType | undefined): void {
    const found = this.#typeOf(arg, index);
    if (found === undefined) this.#report(index, `%${arg} is not a value defined before`);
    else if (found !== type) this.#report(index, `%${arg} is ${found}, not ${type}`);
  }

  /** Type of the value `arg` as seen by an operation at `before`, or undefined when there is none. */
  #typeOf(arg: number, before: number): IrType | undefined {
    if (!isIn(arg, 0, before - 1)) return undefined;
    const op = this.#block.code[arg]?.op;
    return op !== undefined && Object.hasOwn(OPS, op) ? rowOf(op).result : undefined;
  }

  #checkConstants({ op, imm, args }: IrInstruction, index: number): void {
    if (op === "insert.i64" || op === "extract.i32") {
      if ((imm[0] ?? 0) + (imm[1] ?? 0) > 32) this.#report(index, "bit + width is above 32");
    }
    if (isBulk(op) && ![1, 2, 4, 8].includes(imm[0] ?? 0)) this.#report(index, "no such element size");
    if (op === "probe.write" && ![1, 2, 4, 8, 16].includes(imm[1] ?? 0)) {
      this.#report(index, "immediate 1 (lane) is not an access size");
    }
    const limit = COUNT_LIMIT.get(op);
    const count = this.#constant(args[1]);
    if (limit !== undefined && count !== undefined && !isIn(count, 0, limit - 1)) {
      this.#report(index, `the count is not below ${limit}`);
    }
    const width = imm[0] ?? 32;
    if (!op.startsWith("flags.") || !op.endsWith(".i32") || width >= 32) return;
    for (const arg of args) {
      const value = this.#constant(arg);
      if (value !== undefined && value >>> width !== 0) {
        this.#report(index, `%${arg} has bits above the width`);
      }
    }
  }

  #constant(arg: number | undefined): number | undefined {
    const instruction = arg === undefined ? undefined : this.#block.code[arg];
    return instruction?.op === "const.i32" ? instruction.imm[0] : undefined;
  }

  #checkGuestInstructions(): void {
    const { instructions, code, address } = this.#block;
    if (instructions.length === 0) return this.#say("there is no guest instruction");
    let expected: number = address;
    let previous = 0;
    instructions.forEach((guest, i) => {
      const where = `guest instruction ${i}`;
      if (guest.address !== expected) this.#say(`${where} is not at ${hex(expected)}`);
      if (!isIn(guest.length, 1, MAX_INSTRUCTION_BYTES)) this.#say(`${where} has ${guest.length} bytes`);
      if (!isIn(guest.start, i === 0 ? 0 : previous, i === 0 ? 0 : code.length)) {
        this.#say(`${where} starts at operation ${guest.start}`);
      }
      this.#checkOrder(guest.start, instructions[i + 1]?.start ?? code.length);
      expected = guest.address + guest.length;
      previous = guest.start;
    });
  }

  #checkOrder(start: number, end: number): void {
    const { code } = this.#block;
    let written = false;
    let completes = false;
    for (let index = start; index < end; index++) {
      const op = code[index]?.op;
      if (op === undefined || !Object.hasOwn(OPS, op)) continue;
      const { effect } = rowOf(op);
      // What follows a bulk operation completes its elements.
      if (isBulk(op)) completes = true;
      if (effect === "write") written ||= !completes;
      else if (effect === "memory") {
        if (written) {
          this.#report(index, "a memory operation after a state write of the same guest instruction");
        }
        completes = isBulk(op);
      }
    }
  }

  #checkExit(exit: IrExit): void {
    switch (exit.kind) {
      case "jump":
        this.#checkAddress(exit.target);
        this.#checkAddress(exit.returnTo ?? 0);
        return;
      case "branch":
        this.#checkExitValue(exit.condition, "i1");
        this.#checkAddress(exit.taken);
        this.#checkAddress(exit.notTaken);
        return;
      case "indirect":
        this.#checkExitValue(exit.target, "i64");
        this.#checkAddress(exit.returnTo ?? 0);
        return;
      case "syscall":
        return this.#checkAddress(exit.next);
      case "fault":
        this.#checkFaultExit(exit.vector, exit.rip);
    }
  }

  #checkFaultExit(vector: number, rip: number): void {
    if (!isIn(vector, 0, 31)) this.#say(`the exit raises vector ${vector}`);
    const last = this.#block.instructions.at(-1);
    if (last !== undefined && rip !== last.address && rip !== last.address + last.length) {
      this.#say(`the exit's rip ${hex(rip)} is neither the last instruction nor the one after it`);
    }
  }

  #checkExitValue(value: number, type: IrType): void {
    const found = this.#typeOf(value, this.#block.code.length);
    if (found !== type) this.#say(`the exit's %${value} is ${found ?? "no value"}, not ${type}`);
  }

  #checkAddress(address: number): void {
    if (!isUserAddress(address)) this.#say(`the exit's address ${address} is not in the user half`);
  }

  #report(index: number, message: string): void {
    const instruction = this.#block.code[index];
    const known = instruction !== undefined && Object.hasOwn(OPS, instruction.op);
    const text = known ? printInstruction(instruction, index) : `%${index}`;
    this.#say(`${message}: ${text}`);
  }

  #say(message: string): void {
    this.broken.push(`JIT-4 block ${hex(this.#block.address)}: ${message}`);
  }
}

/** JIT-4  The broken rules of this block; empty when it is well formed. */
export function verify(block: IrBlock): string[] {
  const verifier = new Verifier(block);
  verifier.run();
  return verifier.broken;
}
