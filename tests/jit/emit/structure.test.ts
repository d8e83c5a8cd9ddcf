/** Graphs as nested loops and forward jumps: every edge can be made, by a jump that the form allows. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Item, leader, type Structure, structureOf } from "../../../src/jit/emit/structure.ts";

type Successors = readonly (readonly number[])[];
type Way = "forward" | "continue" | "dispatch";

/** The jumps that a back end can make at each block, found by walking the items as one does. */
function waysAt({ items, entries }: Structure): Map<number, Map<number, Way>> {
  const ways = new Map<number, Map<number, Way>>();
  const walk = (sequence: readonly Item[], around: ReadonlyMap<number, Way>): void => {
    for (const [k, item] of sequence.entries()) {
      const here = new Map(around);
      for (const later of sequence.slice(k + 1)) here.set(leader(later), "forward");
      if (typeof item === "number") {
        expect(ways.has(item), `block ${item} stands twice`).toBe(false);
        ways.set(item, here);
      } else {
        expect(leader(item.body[0] as Item), "a loop begins with its header").toBe(item.header);
        walk(item.body, here.set(item.header, "continue"));
      }
    }
  };
  walk(items, new Map());
  for (const here of ways.values()) {
    if (entries.length < 2) continue;
    for (const entry of entries) if (!here.has(entry)) here.set(entry, "dispatch");
  }
  return ways;
}

function reachable(successors: Successors, entries: readonly number[]): Set<number> {
  const seen = new Set(entries);
  for (const block of seen) for (const to of successors[block] ?? []) seen.add(to);
  return seen;
}

/** What is wrong with a structure; empty when every edge of the graph can be made. */
function broken(successors: Successors, wanted: readonly number[]): string[] {
  const structure = structureOf(successors, wanted);
  const ways = waysAt(structure);
  const list: string[] = [];
  const blocks = reachable(successors, wanted);
  const sorted = (of: Iterable<number>): string => [...of].sort((a, b) => a - b).join();
  if (sorted(ways.keys()) !== sorted(blocks)) list.push(`blocks ${sorted(ways.keys())} of ${sorted(blocks)}`);
  for (const from of blocks) {
    for (const to of successors[from] ?? []) {
      const way = ways.get(from)?.get(to);
      const dispatches = structure.dispatches(from, to);
      if (way === undefined) list.push(`no way from ${from} to ${to}`);
      else if (dispatches && !structure.entries.includes(to)) list.push(`${to} is no entry, from ${from}`);
      else if (!dispatches && way === "dispatch") list.push(`${from} to ${to} needs the switch`);
    }
  }
  const outermost = structure.items.map(leader);
  for (const entry of structure.entries) {
    if (!outermost.includes(entry)) list.push(`entry ${entry} is not in the outermost sequence`);
  }
  if (structure.entries.length === 1 && outermost[0] !== wanted[0]) list.push("the entry is not first");
  const asked = structure.entries.slice(0, wanted.length);
  if (asked.join() !== wanted.join()) list.push(`entries ${asked.join()}, asked for ${wanted.join()}`);
  return list;
}

const graphs = fc.integer({ min: 1, max: 14 }).chain((count) =>
  fc.record({
    successors: fc.array(fc.array(fc.nat({ max: count - 1 }), { maxLength: 3 }), {
      minLength: count,
      maxLength: count,
    }),
    entries: fc.uniqueArray(fc.nat({ max: count - 1 }), { minLength: 1, maxLength: Math.min(4, count) }),
  }),
);

test("every edge of every graph can be made", () => {
  fc.assert(
    fc.property(graphs, ({ successors, entries }) => {
      expect(broken(successors, entries)).toEqual([]);
    }),
    { numRuns: 3000 },
  );
});

test("the deepest graph a function can have is no recursion", () => {
  const chain = Array.from({ length: 50_000 }, (_, k) => (k < 49_999 ? [k + 1] : []));
  expect(structureOf(chain, [0]).items).toHaveLength(50_000);
});

describe("golden", () => {
  test("a diamond is four blocks in order, without a switch", () => {
    const structure = structureOf([[1, 2], [3], [3], []], [0]);
    expect(structure.entries).toEqual([0]);
    expect(structure.items).toHaveLength(4);
    expect([structure.items[0], structure.items[3]]).toEqual([0, 3]);
  });

  test("a loop in a loop is an item in an item", () => {
    const { items, entries } = structureOf([[1], [2], [2, 3], [1, 4], []], [0]);
    expect(items).toEqual([0, { header: 1, body: [1, { header: 2, body: [2] }, 3] }, 4]);
    expect(entries).toEqual([0]);
  });

  test("two blocks that each can be the way into their loop: one becomes an entry", () => {
    const structure = structureOf([[1, 2], [2], [1]], [0]);
    const [, extra] = structure.entries;
    expect(structure.entries).toHaveLength(2);
    expect(structure.items.every((item) => typeof item !== "number" || item >= 0)).toBe(true);
    const [from, to] = extra === 1 ? [2, 1] : [1, 2];
    expect([structure.dispatches(from, to), structure.dispatches(0, from)]).toEqual([
      !structure.items.some((item) => typeof item !== "number" && item.header === to),
      false,
    ]);
    expect(broken([[1, 2], [2], [1]], [0])).toEqual([]);
  });

  test("two entries into one loop: no loop is left, the way back goes through the switch", () => {
    const structure = structureOf([[1], [0]], [0, 1]);
    expect([...structure.items].sort()).toEqual([0, 1]);
    expect(structure.entries).toEqual([0, 1]);
    expect([structure.dispatches(0, 1), structure.dispatches(1, 0)].filter(Boolean)).toHaveLength(1);
  });

  test("a block that no entry reaches is left out", () => {
    expect(structureOf([[], [0]], [0]).items).toEqual([0]);
  });
});
