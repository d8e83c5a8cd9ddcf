/**
 * Flag fusion: a condition on flags whose making operation is in the block becomes plain comparisons of that
 * operation's operands; `sub` + `jl` is one comparison. What is asked of a chosen pair (`select.flags`) is asked
 * of both. Flags that come from before the block stay a question to the state words.
 */

import type { IrBlock, IrInstruction } from "../ir/block.ts";
import { lowerBits, lowerCondition } from "../ir/flag-lowering.ts";
import type { OpName } from "../ir/ops.ts";
import { Rewriter } from "./rewriter.ts";

/** Nested selects followed; bounds the code made for one condition to 2^3 expansions. */
const SELECT_DEPTH = 3;
/** How far around the flags operation its result is looked for. */
const WINDOW = 8;

const NO_IMMEDIATES: readonly number[] = [];

/** What the lifter also computes next to the flags; found there instead of computed again. */
const SHARED: ReadonlySet<OpName> = new Set<OpName>([
  "add.i32",
  "add.i64",
  "sub.i32",
  "sub.i64",
  "zext8.i32",
  "zext16.i32",
]);

class LowerFlags extends Rewriter {
  /** Place of the flags operation being expanded, in the new code. */
  #flagsAt = 0;

  protected visit(instruction: IrInstruction): number {
    if (instruction.op === "cond") {
      const flags = this.mapped(instruction.args)[0] as number;
      if (this.#isUnknown(flags)) return this.copy(instruction);
      return this.#condition(flags, instruction.imm, SELECT_DEPTH);
    }
    if (instruction.op === "bits.flags") {
      const flags = this.mapped(instruction.args)[0] as number;
      if (this.#isUnknown(flags)) return this.copy(instruction);
      return this.#bits(flags, SELECT_DEPTH);
    }
    return this.copy(instruction);
  }

  #isUnknown(flags: number): boolean {
    return (this.code[flags] as IrInstruction).op === "get.flags";
  }

  override emit(op: OpName, imm: readonly number[], args: readonly number[]): number {
    const found = SHARED.has(op) ? this.#find(op, args) : -1;
    return found >= 0 ? found : super.emit(op, imm, args);
  }

  /** An equal operation near the flags operation, or -1. */
  #find(op: OpName, args: readonly number[]): number {
    const end = Math.min(this.length, this.#flagsAt + WINDOW);
    for (let index = Math.max(0, this.#flagsAt - WINDOW); index < end; index++) {
      const other = this.code[index] as IrInstruction;
      if (other.op === op && other.args[0] === args[0] && other.args[1] === args[1]) return index;
    }
    return -1;
  }

  #condition(flags: number, imm: readonly number[], depth: number): number {
    const maker = this.code[flags] as IrInstruction;
    if (maker.op === "select.flags" && depth > 0) {
      const [choice = 0, first = 0, second = 0] = maker.args;
      const whenTrue = this.#condition(first, imm, depth - 1);
      const whenFalse = this.#condition(second, imm, depth - 1);
      const left = super.emit("and.i1", NO_IMMEDIATES, [choice, whenTrue]);
      const other = super.emit("not.i1", NO_IMMEDIATES, [choice]);
      const right = super.emit("and.i1", NO_IMMEDIATES, [other, whenFalse]);
      return super.emit("or.i1", NO_IMMEDIATES, [left, right]);
    }
    this.#flagsAt = flags;
    return lowerCondition(this, maker, imm[0] as number) ?? super.emit("cond", imm, [flags]);
  }

  #bits(flags: number, depth: number): number {
    const maker = this.code[flags] as IrInstruction;
    if (maker.op === "select.flags" && depth > 0) {
      const [choice = 0, first = 0, second = 0] = maker.args;
      const whenTrue = this.#bits(first, depth - 1);
      const whenFalse = this.#bits(second, depth - 1);
      return super.emit("select.i32", NO_IMMEDIATES, [choice, whenTrue, whenFalse]);
    }
    this.#flagsAt = flags;
    return lowerBits(this, maker) ?? super.emit("bits.flags", NO_IMMEDIATES, [flags]);
  }
}

/** Index of the first question about flags, or -1. Most blocks have at most one, at their end. */
function firstQuestion(block: IrBlock): number {
  const { code } = block;
  for (let index = 0; index < code.length; index++) {
    const { op } = code[index] as IrInstruction;
    if (op === "cond" || op === "bits.flags") return index;
  }
  return -1;
}

export function lowerFlags(block: IrBlock): IrBlock {
  const first = firstQuestion(block);
  return first < 0 ? block : new LowerFlags(block).rewrite(first);
}
