/**
 * A region: blocks that become one function. Control passes between them inside it; whatever else they lead to
 * leaves. Edges are not stored: a direct exit to the address of a block of the region is one, and so is a computed
 * jump that was seen to go there.
 */

import { fromHalves, type GuestAddress } from "../../mmu/address.ts";
import type { IrBlock } from "./block.ts";

/**
 * Where the computed jumps of blocks were seen to go, by the block's address; the most frequent target first. These
 * are hints: a target that is not among them leaves the region.
 */
export type JumpHints = ReadonlyMap<GuestAddress, readonly GuestAddress[]>;

export interface Region {
  readonly blocks: readonly IrBlock[];
  /** Indices of the blocks that can be entered from outside; the position in this list is the entry's label. */
  readonly entries: readonly number[];
  /** Guest calls are calls: what a call leads to comes back into the region. Otherwise it leaves for good. */
  readonly returns: boolean;
  readonly jumps?: JumpHints;
}

const NONE: readonly GuestAddress[] = [];

/** Whether a block ends in a jump to a computed address that is neither a call nor a return. */
export const jumpsComputed = ({ exit }: IrBlock): boolean =>
  exit.kind === "indirect" && exit.transfer === "jump";

/** Where the computed jump at the end of a block was seen to go. */
export const hintsOf = (
  block: IrBlock,
  jumps: Pick<JumpHints, "get"> | undefined,
): readonly GuestAddress[] => (jumpsComputed(block) ? (jumps?.get(block.address) ?? NONE) : NONE);

/** The addresses a block may go on at inside a region, by exits that name them. */
export function directTargets({ code, exit }: IrBlock, returns: boolean): GuestAddress[] {
  const targets: GuestAddress[] = [];
  if (exit.kind === "branch") targets.push(exit.notTaken, exit.taken);
  else if (exit.kind === "jump" && exit.transfer !== "call") targets.push(exit.target);
  else if (returns && "returnTo" in exit) targets.push(exit.returnTo);
  for (const { op, imm } of code) {
    if (op === "exit.if") targets.push(fromHalves(imm[0] ?? 0, imm[1] ?? 0));
  }
  return targets;
}

/** Index of each block by its address. */
export const blockIndices = (blocks: readonly IrBlock[]): ReadonlyMap<number, number> =>
  new Map(blocks.map(({ address }, index) => [address, index]));

/** For each block those of the region that it may go on to. */
export function successorsIn({ blocks, returns, jumps }: Region): number[][] {
  const indices = blockIndices(blocks);
  return blocks.map((block) =>
    [...directTargets(block, returns), ...hintsOf(block, jumps)].flatMap((target) => {
      const index = indices.get(target);
      return index === undefined ? [] : [index];
    }),
  );
}

/**
 * Whether a transfer to the target is one at which the guest may be preempted because it goes backwards: from the
 * block's last instruction, which makes it. That depends on the guest program alone, not on how it was cut.
 */
export const isBackward = ({ instructions }: IrBlock, target: GuestAddress): boolean =>
  target <= (instructions.at(-1)?.address ?? 0);
