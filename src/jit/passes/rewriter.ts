/**
 * What passes share: building a new block from an old one in a single walk. A pass says for each operation which
 * new value stands for it; numbering, guest instruction starts and the exit follow.
 */

import type { GuestInstruction, IrBlock, IrExit, IrInstruction } from "../ir/block.ts";
import type { CodeSink } from "../ir/flag-expansion.ts";
import type { OpName, Value } from "../ir/ops.ts";

/** Result of `visit` for an operation that is left out and has no result. */
export const DROPPED = -1;

/** The value that the exit uses, or -1. */
export const exitValue = (exit: IrExit): number =>
  exit.kind === "branch" ? exit.condition : exit.kind === "indirect" ? exit.target : -1;

/** The exit with another value in place of the one it uses. */
export function exitWith(exit: IrExit, value: number): IrExit {
  if (exit.kind === "branch") return { ...exit, condition: value as Value<"i1"> };
  if (exit.kind === "indirect") return { ...exit, target: value as Value<"i64"> };
  return exit;
}

/**
 * A pass over one block, front to back. `visit` emits what it wants and returns the value's new index.
 *
 * Most walks change nothing for a long time. So as long as every operation is kept as it is, the old code serves
 * as the new code and nothing is copied; from the first difference on there is an own list.
 */
export abstract class Rewriter implements CodeSink {
  protected readonly block: IrBlock;
  /** The new code; only the first `length` operations count. */
  protected code: readonly IrInstruction[];
  protected length = 0;
  /** Undefined while the new code is a prefix of the old. */
  #own: IrInstruction[] | undefined;
  /** The old index where they first differ, and the new indices of the old values from there on. */
  #from = 0;
  readonly #map: number[] = [];
  /** The old index being visited. */
  #at = 0;
  readonly #guests: GuestInstruction[] = [];

  constructor(block: IrBlock) {
    this.block = block;
    this.code = block.code;
  }

  protected abstract visit(instruction: IrInstruction, index: number): number;

  /** The new block; the old one when nothing changes. `first`: operations before it are kept unseen. */
  rewrite(first = 0): IrBlock {
    const { code, exit, address } = this.block;
    this.length = first;
    for (let index = first; index < code.length; index++) {
      this.#at = index;
      if (this.#own !== undefined) this.#startGuests(index);
      const value = this.visit(code[index] as IrInstruction, index);
      if (this.#own !== undefined) this.#map.push(value);
      else if (value !== index || this.length !== index + 1) this.#differ().push(value);
    }
    if (this.#own === undefined) return this.block;
    this.#startGuests(code.length);
    const value = exitValue(exit);
    const newExit = value < this.#from ? exit : exitWith(exit, this.#newIndex(value));
    return { address, instructions: this.#guests, code: this.#own, exit: newExit };
  }

  emit(op: OpName, imm: readonly number[], args: readonly number[]): number {
    return this.#push({ op, imm, args });
  }

  /** The instruction with its arguments renumbered; the same object when nothing changes. */
  protected copy(instruction: IrInstruction): number {
    if (this.#own === undefined) return this.length++;
    const args = this.mapped(instruction.args);
    return this.#push(
      args === instruction.args ? instruction : { op: instruction.op, imm: instruction.imm, args },
    );
  }

  /** The arguments in the new numbering; the same array when nothing changes. */
  protected mapped(args: readonly number[]): readonly number[] {
    if (this.#own === undefined) return args;
    for (let i = 0; i < args.length; i++) {
      const arg = args[i] as number;
      if (this.#newIndex(arg) !== arg) return this.#renumber(args);
    }
    return args;
  }

  #renumber(args: readonly number[]): number[] {
    const result: number[] = [];
    for (let i = 0; i < args.length; i++) result.push(this.#newIndex(args[i] as number));
    return result;
  }

  #newIndex(old: number): number {
    return old < this.#from ? old : (this.#map[old - this.#from] as number);
  }

  #push(instruction: IrInstruction): number {
    if (this.#own === undefined) this.#differ();
    (this.#own as IrInstruction[]).push(instruction);
    return this.length++;
  }

  /** From the current operation on the code differs. */
  #differ(): number[] {
    this.#from = this.#at;
    this.code = this.#own = this.block.code.slice(0, this.length);
    this.#startGuests(this.#at);
    return this.#map;
  }

  /** Guest instructions whose old start is at or before `index` start here, if they have not yet. */
  #startGuests(index: number): void {
    const { instructions } = this.block;
    for (let at = this.#guests.length; at < instructions.length; at++) {
      const { address, length, start } = instructions[at] as GuestInstruction;
      if (start > index) return;
      const moved = start > this.#from && start !== this.length;
      this.#guests.push(
        moved ? { address, length, start: this.length } : (instructions[at] as GuestInstruction),
      );
    }
  }
}

/** Leaves out the operations marked in `dead`; nothing that stays may use them. */
class Remover extends Rewriter {
  readonly #dead: readonly boolean[];

  constructor(block: IrBlock, dead: readonly boolean[]) {
    super(block);
    this.#dead = dead;
  }

  protected visit(instruction: IrInstruction, index: number): number {
    return this.#dead[index] === true ? DROPPED : this.copy(instruction);
  }
}

/** The block without the operations marked in `dead`, of which `first` is the first. */
export const removeOperations = (block: IrBlock, dead: readonly boolean[], first: number): IrBlock =>
  new Remover(block, dead).rewrite(first);
