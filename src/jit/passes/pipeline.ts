/** The passes in the order they run, each with its switch. Blocks are verified between them when checks are on. */

import { type CheckLevel, demand } from "../../invariant.ts";
import type { IrBlock } from "../ir/block.ts";
import { verify } from "../ir/verify.ts";
import type { JitOptions } from "../options.ts";
import { removeDead } from "./dead.ts";
import { foldConstants } from "./fold-constants.ts";
import { forwardState } from "./forward-state.ts";
import { lowerFlags } from "./lower-flags.ts";

export interface Pass {
  readonly name: string;
  /** It runs when one of these is on. */
  readonly options: readonly (keyof JitOptions)[];
  readonly run: (block: IrBlock, options: JitOptions) => IrBlock;
}

/**
 * Forwarding first: it shows the flags and values that later passes look at. Conditions are lowered before
 * folding, which cleans up after them. What is dead is known last.
 */
export const PASSES: readonly Pass[] = [
  { name: "forward-state", options: ["stateForwarding"], run: forwardState },
  { name: "lower-flags", options: ["flagFusion"], run: lowerFlags },
  { name: "fold-constants", options: ["constantFolding"], run: foldConstants },
  { name: "dead", options: ["deadState", "deadFlags", "deadCode"], run: removeDead },
];

/** Called with the block as lifted (`lift`) and after each pass that ran. */
export type PassObserver = (pass: string, block: IrBlock) => void;

/** JIT-4 and which step broke it. */
const verifyAfter = (step: string, block: IrBlock): string[] =>
  verify(block).map((line) => `${line} (after ${step})`);

/**
 * Runs the passes that `options` switches on. Throws an `InvariantError` (JIT-4) when a block is not well formed:
 * with full checks as lifted and after each pass, with frugal checks at the end.
 */
export function runPasses(
  block: IrBlock,
  options: JitOptions,
  checks: CheckLevel,
  observer?: PassObserver,
): IrBlock {
  if (checks === "full") demand(verifyAfter("lift", block));
  observer?.("lift", block);
  let current = block;
  for (const pass of PASSES) {
    if (!pass.options.some((option) => options[option] === true)) continue;
    const next = pass.run(current, options);
    if (checks === "full" && next !== current) demand(verifyAfter(pass.name, next));
    observer?.(pass.name, next);
    current = next;
  }
  if (checks === "frugal") demand(verifyAfter("all passes", current));
  return current;
}
