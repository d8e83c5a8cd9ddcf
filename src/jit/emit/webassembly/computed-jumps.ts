/**
 * Computed jumps inside a region: which of them share a dispatch, and how a target address becomes the number of a
 * landing. Which targets are known is a hint; the emitted code compares.
 *
 *   switch in a loop     one jump, its targets are its successors
 *   computed goto        every handler ends in a jump to every other: with a node of their own in between, the
 *                        graph has a loop with one header instead of a web without any
 *
 *     handler --+                +--> handler
 *     handler --+--> dispatch ---+--> handler
 *     handler --+                +--> handler
 */

import type { GuestAddress } from "../../../mmu/address.ts";
import { blockIndices, directTargets, hintsOf, type Region } from "../../ir/region.ts";

export interface Dispatch {
  /** Its node in the graph: the block with the jump, or behind all blocks when several jumps share it. */
  readonly node: number;
  /** Address of a block whose jump it is: what leaves here is noted as its. */
  readonly source: GuestAddress;
  /** Indices of the blocks it leads to, the most frequent first. */
  readonly targets: readonly number[];
}

export interface RegionGraph {
  /** For each node those it may go on to; the first nodes are the blocks. */
  readonly successors: readonly (readonly number[])[];
  /** By the block that ends in the jump. */
  readonly dispatchOf: ReadonlyMap<number, Dispatch>;
  /** Dispatches that are nodes of their own, by node. */
  readonly shared: ReadonlyMap<number, Dispatch>;
}

/** Ways out of all dispatches of a region; jumps beyond leave it. */
const MAX_LANDINGS = 1024;

interface Group {
  readonly members: number[];
  readonly targets: Set<number>;
}

/** The region's blocks and shared dispatches with the edges between them. */
export function regionGraph(region: Region): RegionGraph {
  const { blocks, returns } = region;
  const indices = blockIndices(blocks);
  const inside = (addresses: readonly GuestAddress[]): number[] =>
    addresses.flatMap((address) => indices.get(address) ?? []);
  const successors = blocks.map((block) => inside(directTargets(block, returns)));
  const dispatchOf = new Map<number, Dispatch>();
  const shared = new Map<number, Dispatch>();
  for (const { members, targets } of groupsOf(region, inside)) {
    const [first = 0] = members;
    const own = members.length > 1;
    const dispatch = {
      node: own ? successors.length : first,
      source: blocks[first]?.address as GuestAddress,
      targets: [...targets],
    };
    if (own) {
      for (const member of members) successors[member]?.push(dispatch.node);
      successors.push([...targets]);
      shared.set(dispatch.node, dispatch);
    } else successors[first]?.push(...targets);
    for (const member of members) dispatchOf.set(member, dispatch);
  }
  return { successors, dispatchOf, shared };
}

/** Jumps that have at least half of their targets in common with others share a dispatch. */
function groupsOf(
  { blocks, jumps }: Region,
  inside: (addresses: readonly GuestAddress[]) => number[],
): readonly Group[] {
  const sites = blocks
    .map((block, index) => ({ index, targets: inside(hintsOf(block, jumps)) }))
    .filter(({ targets }) => targets.length > 0)
    .sort((a, b) => b.targets.length - a.targets.length);
  const groups: Group[] = [];
  let landings = 0;
  for (const { index, targets } of sites) {
    const group = groups.find(({ targets: known }) => 2 * countIn(targets, known) >= targets.length);
    const fresh = targets.length - (group === undefined ? 0 : countIn(targets, group.targets));
    if (landings + fresh > MAX_LANDINGS) continue;
    landings += fresh;
    if (group === undefined) groups.push({ members: [index], targets: new Set(targets) });
    else {
      group.members.push(index);
      for (const target of targets) group.targets.add(target);
    }
  }
  return groups;
}

const countIn = (items: readonly number[], set: ReadonlySet<number>): number =>
  items.reduce((count, item) => count + (set.has(item) ? 1 : 0), 0);

/** Place of an address: `(low half * multiplier >>> shift) & (2^bits - 1)`. */
export interface Placing {
  readonly multiplier: number;
  readonly shift: number;
  readonly bits: number;
}

export const placeOf = (low: number, { multiplier, shift, bits }: Placing): number =>
  (Math.imul(low, multiplier) >>> shift) & ((1 << bits) - 1);

/** Places per target are at most four. */
const SPARE_BITS = 2;
const MULTIPLIERS = 16;
/** 2^32 divided by the golden ratio, odd: multiples of it spread well. */
const GOLDEN = 0x9e3779b1;
/** Code addresses of one region differ below this bit. */
const SHIFTS = 16;

/** A placing with few targets per place: none share one where the search finds such. */
export function choosePlacing(lows: readonly number[]): Placing {
  let best: Placing = { multiplier: 1, shift: 0, bits: 0 };
  let fewest = lows.length;
  const least = Math.ceil(Math.log2(Math.max(lows.length, 2)));
  for (let bits = least; bits <= least + SPARE_BITS; bits++) {
    for (const placing of placings(bits)) {
      const clashes = lows.length - new Set(lows.map((low) => placeOf(low, placing))).size;
      if (clashes >= fewest) continue;
      fewest = clashes;
      best = placing;
      if (clashes === 0) return best;
    }
  }
  return best;
}

function* placings(bits: number): Iterable<Placing> {
  for (let shift = 0; shift < SHIFTS; shift++) yield { multiplier: 1, shift, bits };
  for (let k = 1; k <= MULTIPLIERS; k++) {
    yield { multiplier: Math.imul(GOLDEN, 2 * k - 1), shift: 32 - bits, bits };
  }
}
