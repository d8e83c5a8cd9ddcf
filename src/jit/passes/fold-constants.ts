/**
 * Constant folding and algebra: operations on constants, neutral and absorbing operands, halves of what was just
 * put together, and 64-bit operations on values that fit 32 bits. One walk; a rule's own operations are folded as
 * they are emitted, so nothing is visited twice.
 */

import type { IrBlock, IrInstruction } from "../ir/block.ts";
import type { OpName } from "../ir/ops.ts";
import { CONVERT_RULES } from "./fold-convert.ts";
import { LONG_RULES } from "./fold-long.ts";
import { VECTOR_RULES } from "./fold-vector.ts";
import { WORD_RULES } from "./fold-word.ts";
import { Folder, NO_FOLD, type Rule } from "./folder.ts";
import { exitValue } from "./rewriter.ts";

const RULES: ReadonlyMap<OpName, Rule> = new Map(
  Object.entries({ ...WORD_RULES, ...LONG_RULES, ...CONVERT_RULES, ...VECTOR_RULES }) as [OpName, Rule][],
);

class FoldConstants extends Folder {
  /** The old value that a new one stands for. */
  readonly #origin: number[] = [];
  /** Users of each old value; counted when first asked for. */
  #uses: number[] | undefined;

  isSingleUse(value: number): boolean {
    this.#uses ??= countUses(this.block);
    const origin = this.#origin[value];
    return origin === undefined || (this.#uses[origin] as number) <= 1;
  }

  protected visit(instruction: IrInstruction, index: number): number {
    const rule = RULES.get(instruction.op);
    let value = NO_FOLD;
    if (rule !== undefined) value = rule(this, this.mapped(instruction.args), instruction.imm);
    if (value === NO_FOLD) value = this.copy(instruction);
    if (value >= 0) this.#origin[value] = index;
    return value;
  }

  override emit(op: OpName, imm: readonly number[], args: readonly number[]): number {
    const value = RULES.get(op)?.(this, args, imm) ?? NO_FOLD;
    return value === NO_FOLD ? super.emit(op, imm, args) : value;
  }
}

function countUses({ code, exit }: IrBlock): number[] {
  const uses: number[] = [];
  for (const { args } of code) {
    uses.push(0);
    for (const arg of args) uses[arg] = (uses[arg] as number) + 1;
  }
  const value = exitValue(exit);
  if (value >= 0) uses[value] = (uses[value] as number) + 1;
  return uses;
}

export const foldConstants = (block: IrBlock): IrBlock => new FoldConstants(block).rewrite();
