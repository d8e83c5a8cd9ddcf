/** Whatever way control takes: what is dirty is known to be, and what is needed is held. */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { IrBlock } from "../../../../src/jit/ir/block.ts";
import { type FlowInput, stateFlow, wholeFlow } from "../../../../src/jit/emit/webassembly/state-flow.ts";
import type { GuestAddress } from "../../../../src/mmu/address.ts";

const VARIABLES = 6;
const ALL = (1n << BigInt(VARIABLES)) - 1n;

interface Node {
  readonly exposed: number;
  readonly assigned: number;
  readonly successors: readonly number[];
  readonly calls: boolean;
  readonly branchesInside: boolean;
}

const nodes = fc.integer({ min: 1, max: 10 }).chain((count) =>
  fc.array(
    fc.record<Node>({
      exposed: fc.nat({ max: Number(ALL) }),
      assigned: fc.nat({ max: Number(ALL) }),
      successors: fc.array(fc.nat({ max: count - 1 }), { maxLength: 3 }),
      calls: fc.boolean(),
      branchesInside: fc.boolean(),
    }),
    { minLength: count, maxLength: count },
  ),
);

/** The last of the nodes is a dispatch: it has no block. */
function inputOf(list: readonly Node[]): FlowInput {
  const blocks = list.slice(0, -1).map(({ branchesInside }, k): IrBlock => {
    const address = (0x1000 + k) as GuestAddress;
    const code: IrBlock["code"] = branchesInside ? [{ op: "exit.if", imm: [0, 0], args: [0] }] : [];
    return { address, instructions: [], code, exit: { kind: "syscall", next: address } };
  });
  return {
    blocks,
    successors: list.map(({ successors }) => successors),
    accessesOf: ({ address }) => {
      const { exposed, assigned } = list[address - 0x1000] as Node;
      return { exposed: BigInt(exposed), assigned: BigInt(assigned) };
    },
    calls: (block) => (list[block] as Node).calls,
  };
}

/** Walks along `choices`, and names what is wrong on the way. */
function walk(input: FlowInput, choices: readonly number[], flow: ReturnType<typeof stateFlow>): string[] {
  const broken: string[] = [];
  let node = 0;
  let held = flow.live[0] ?? 0n;
  let dirty = 0n;
  for (const choice of choices) {
    const known = { dirty: flow.dirty[node] ?? 0n, live: flow.live[node] ?? 0n };
    if ((dirty & ~known.dirty) !== 0n) broken.push(`node ${node} does not write back all`);
    if ((known.dirty & ~known.live) !== 0n || (known.live & ~held) !== 0n)
      broken.push(`node ${node} lacks some`);
    const block = input.blocks[node];
    const to = input.successors[node]?.[choice % 3];
    if (block === undefined) {
      if (to === undefined) break;
      node = to;
      continue;
    }
    const { exposed, assigned } = input.accessesOf(block);
    if ((exposed & ~held) !== 0n) broken.push(`node ${node} reads what is not held`);
    if (to === undefined) break;
    // Out of the middle, before anything was assigned.
    const early = block.code.length > 0 && choice > 50;
    if (!early) {
      held |= assigned;
      dirty |= assigned;
    }
    if (input.calls(node) && !early) {
      held = flow.live[to] ?? 0n;
      dirty = 0n;
    }
    node = to;
  }
  return broken;
}

test("on every way what leaves writes back all that is dirty, and holds it", () => {
  fc.assert(
    fc.property(nodes, fc.array(fc.nat({ max: 100 }), { maxLength: 40 }), (list, choices) => {
      const input = inputOf(list);
      expect(walk(input, choices, stateFlow(input))).toEqual([]);
      expect(walk(input, choices, wholeFlow(input, ALL))).toEqual([]);
    }),
    { numRuns: 3000 },
  );
});

test("a call in a straight line: only what changed is written, only what is read later is read", () => {
  const [first, second, dispatch] = [
    { exposed: 0b0011, assigned: 0b0100, successors: [1], calls: true, branchesInside: false },
    { exposed: 0b1000, assigned: 0b0001, successors: [], calls: false, branchesInside: false },
    { exposed: 0, assigned: 0, successors: [], calls: false, branchesInside: false },
  ];
  const { dirty, live } = stateFlow(inputOf([first, second, dispatch] as Node[]));
  expect(dirty.slice(0, 2)).toEqual([0n, 0n]);
  expect(live.slice(0, 2)).toEqual([0b0011n, 0b1000n]);
});
