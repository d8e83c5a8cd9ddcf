/**
 * Which variables of a region have to be in step with the state block where.
 *
 *   dirty   may have been assigned since the function was entered or a call came back: written back by whatever
 *           leaves or calls
 *   live    is read, or written back, before it is assigned: read from the state block at the entry and behind calls
 *
 * A variable that is dirty on one way to a node and not on another is live on both, so that what leaves at the node
 * may write it back.
 */

import type { IrBlock } from "../../ir/block.ts";
import type { BlockAccesses, VariableSet } from "./places.ts";
import { NO_VARIABLES } from "./places.ts";

export interface FlowInput {
  readonly blocks: readonly IrBlock[];
  /** The first nodes are the blocks. */
  readonly successors: readonly (readonly number[])[];
  readonly accessesOf: (block: IrBlock) => BlockAccesses;
  /** Whether control goes on from the block's end by way of a call. */
  readonly calls: (block: number) => boolean;
}

export interface StateFlow {
  /** At the begin of a node. */
  readonly dirty: readonly VariableSet[];
  readonly live: readonly VariableSet[];
}

interface NodeFacts extends BlockAccesses {
  readonly calls: boolean;
  /** Control may leave in the middle and go on inside the region. */
  readonly branchesInside: boolean;
}

const NOTHING: NodeFacts = {
  exposed: NO_VARIABLES,
  assigned: NO_VARIABLES,
  calls: false,
  branchesInside: false,
};

export function stateFlow({ blocks, successors, accessesOf, calls }: FlowInput): StateFlow {
  const facts = successors.map((_, node): NodeFacts => {
    const block = blocks[node];
    if (block === undefined) return NOTHING;
    const branchesInside = block.code.some(({ op }) => op === "exit.if");
    return { ...accessesOf(block), calls: calls(node), branchesInside };
  });
  const dirty = successors.map(() => NO_VARIABLES);
  untilStable(successors.keys(), (node) => {
    const { assigned, calls: synced, branchesInside } = facts[node] as NodeFacts;
    const out = synced && !branchesInside ? NO_VARIABLES : (dirty[node] as VariableSet) | assigned;
    return raise(dirty, successors[node] ?? [], out);
  });
  const live = successors.map(() => NO_VARIABLES);
  const backward = [...successors.keys()].reverse();
  untilStable(backward, (node) => {
    const { exposed, assigned, calls: synced, branchesInside } = facts[node] as NodeFacts;
    const all = (successors[node] ?? []).reduce((set, to) => set | (live[to] as VariableSet), NO_VARIABLES);
    const after = synced && !branchesInside ? NO_VARIABLES : all;
    const through = branchesInside ? after : after & ~assigned;
    return raise(live, [node], (dirty[node] as VariableSet) | exposed | through);
  });
  return { dirty, live };
}

/** Everything always: each way out writes all that is assigned anywhere, each way in reads all. */
export function wholeFlow({ blocks, successors, accessesOf }: FlowInput, all: VariableSet): StateFlow {
  const assigned = blocks.reduce((set, block) => set | accessesOf(block).assigned, NO_VARIABLES);
  return { dirty: successors.map(() => assigned), live: successors.map(() => all) };
}

/** Visits all nodes until no visit changes anything. */
function untilStable(nodes: Iterable<number>, visit: (node: number) => boolean): void {
  const order = [...nodes];
  for (let changed = true; changed;) {
    changed = false;
    for (const node of order) if (visit(node)) changed = true;
  }
}

/** Adds variables to the sets of some nodes; true when one of them grew. */
function raise(sets: VariableSet[], nodes: readonly number[], more: VariableSet): boolean {
  let grew = false;
  for (const node of nodes) {
    const before = sets[node] as VariableSet;
    const after = before | more;
    if (after === before) continue;
    sets[node] = after;
    grew = true;
  }
  return grew;
}
