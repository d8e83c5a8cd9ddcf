/**
 * Flags across the blocks of a region: where every way into a block sets flags of one kind and width, a condition
 * that the block asks of them becomes comparisons of the operands, which lie in the flags words of the state. The
 * words are locals inside a region, so `cmp` in one block and `jl`, `je` in the next two cost one comparison each.
 */

import type { IrBlock, IrInstruction } from "../ir/block.ts";
import { FLAG_KIND_OF, flagBitsCode, type FlagCode, flagReaderCode } from "../ir/flag-lowering.ts";
import { CONDITIONS, type FlagKind, type FlagWidth } from "../ir/flags.ts";
import { type Region, successorsIn } from "../ir/region.ts";
import { Rewriter } from "./rewriter.ts";

interface Form {
  readonly kind: FlagKind;
  readonly width: FlagWidth;
}
/** `anything`: no way in is known yet; `unknown`: the ways in differ, or come from outside. */
type Known = Form | "anything" | "unknown";

const same = (a: Form, b: Form): boolean => a.kind === b.kind && a.width === b.width;

function meet(a: Known, b: Known): Known {
  if (a === "anything") return b;
  if (b === "anything") return a;
  if (a === "unknown" || b === "unknown") return "unknown";
  return same(a, b) ? a : "unknown";
}

/** What a block leaves behind, given what it finds. */
function after({ code }: IrBlock, before: Known): Known {
  for (let i = code.length - 1; i >= 0; i--) {
    const { op, args } = code[i] as IrInstruction;
    if (op !== "set.flags") continue;
    const made = code[args[0] ?? 0] as IrInstruction;
    if (made.op === "get.flags") return before;
    const kind = FLAG_KIND_OF.get(made.op);
    return kind === undefined ? "unknown" : { kind, width: (made.imm[0] ?? 64) as FlagWidth };
  }
  return before;
}

/** A way out in the middle leaves behind what the block found. */
function outOf(block: IrBlock, before: Known): Known {
  const end = after(block, before);
  return block.code.some(({ op }) => op === "exit.if") ? meet(before, end) : end;
}

/** Replaces the conditions that a block asks of the flags it finds. */
class ReadKnownFlags extends Rewriter {
  readonly #form: Form;
  #assigned = false;

  constructor(block: IrBlock, form: Form) {
    super(block);
    this.#form = form;
  }

  protected visit(instruction: IrInstruction): number {
    const { op, args, imm } = instruction;
    if (op === "set.flags") this.#assigned = true;
    // From here on the words hold other flags than the block found.
    if (this.#assigned) return this.copy(instruction);
    if (op !== "cond" && op !== "bits.flags") return this.copy(instruction);
    const flags = this.code[this.mapped(args)[0] as number] as IrInstruction;
    if (flags.op !== "get.flags") return this.copy(instruction);
    const { kind, width } = this.#form;
    const condition = CONDITIONS[imm[0] ?? 0];
    if (op === "bits.flags") return this.#paste(flagBitsCode(kind, width));
    return condition === undefined
      ? this.copy(instruction)
      : this.#paste(flagReaderCode(kind, width, condition));
  }

  #paste({ code, result }: FlagCode): number {
    const indices: number[] = [];
    for (const { op, imm, args } of code) {
      indices.push(
        this.emit(
          op,
          imm,
          args.map((arg) => indices[arg] as number),
        ),
      );
    }
    return indices[result] as number;
  }
}

const asks = ({ code }: IrBlock): boolean => code.some(({ op }) => op === "get.flags");

/** The region with conditions on flags of known form made concrete. */
export function lowerRegionFlags(region: Region): Region {
  const { blocks, entries } = region;
  const successors = successorsIn(region);
  const before: Known[] = blocks.map(() => "anything");
  for (const entry of entries) before[entry] = "unknown";
  const work = [...blocks.keys()];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    // What a called function leaves in the flags is not known.
    const block = blocks[at] as IrBlock;
    const out = isCall(block) ? "unknown" : outOf(block, before[at] as Known);
    for (const to of successors[at] ?? []) {
      const met = meet(before[to] as Known, out);
      if (met === before[to] || (isForm(met) && isForm(before[to]) && same(met, before[to]))) continue;
      before[to] = met;
      work.push(to);
    }
  }
  return {
    ...region,
    blocks: blocks.map((block, k) => {
      const form = before[k];
      return isForm(form) && asks(block) ? new ReadKnownFlags(block, form).rewrite() : block;
    }),
  };
}

const isForm = (known: Known | undefined): known is Form => typeof known === "object";

const isCall = ({ exit }: IrBlock): boolean =>
  (exit.kind === "jump" || exit.kind === "indirect") && exit.transfer === "call";
