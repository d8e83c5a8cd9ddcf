/** Which computed jumps share a dispatch, what graph comes of it, and where targets are looked for. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { structureOf } from "../../../../src/jit/emit/structure.ts";
import { choosePlacing, placeOf, regionGraph } from "../../../../src/jit/emit/webassembly/computed-jumps.ts";
import { BlockBuilder, type IrBlock } from "../../../../src/jit/ir/block.ts";
import type { Region } from "../../../../src/jit/ir/region.ts";
import type { GuestAddress } from "../../../../src/mmu/address.ts";

const at = (k: number): GuestAddress => (0x401000 + 16 * k) as GuestAddress;

/** Blocks that end in a computed jump, each with the numbers of its known targets. */
function regionOf(targets: readonly (readonly number[])[]): Region {
  const blocks = targets.map((_, k): IrBlock => {
    const builder = new BlockBuilder(at(k));
    builder.begin(at(k), 4);
    return builder.finish({ kind: "indirect", target: builder.add("get.i64", 128), transfer: "jump" });
  });
  const jumps = new Map(targets.map((known, k) => [at(k), known.map(at)]));
  return { blocks, entries: [0], returns: true, jumps };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, k) => k);

describe("dispatches", () => {
  test("one jump leads on itself", () => {
    const { successors, shared, dispatchOf } = regionGraph(regionOf([[1, 2, 3], [], [], []]));
    expect(successors).toEqual([[1, 2, 3], [], [], []]);
    expect([shared.size, dispatchOf.get(0)?.node]).toEqual([0, 0]);
  });

  test("computed goto is one loop with one way in", () => {
    const { successors, shared, dispatchOf } = regionGraph(regionOf(range(20).map(() => range(20))));
    expect(successors.slice(0, 20)).toEqual(range(20).map(() => [20]));
    expect(shared.get(20)?.targets).toHaveLength(20);
    expect(new Set(range(20).map((k) => dispatchOf.get(k))).size).toBe(1);
    expect(structureOf(successors, [0]).entries).toEqual([0]);
  });

  test("jumps with other targets go their own way", () => {
    const { shared } = regionGraph(regionOf([[1, 2, 3], [4, 5, 6], [], [], [], [], []]));
    expect(shared.size).toBe(0);
  });

  test("a target outside the region is none of its blocks", () => {
    expect(regionGraph(regionOf([[1, 99], []])).successors).toEqual([[1], []]);
  });

  test("the ways out of a region are bounded", () => {
    const known = range(400).map((k) => range(100).map((j) => (k + 5 * j + k * j) % 400));
    const { dispatchOf } = regionGraph(regionOf(known));
    const landings = [...new Set(dispatchOf.values())].reduce((sum, { targets }) => sum + targets.length, 0);
    expect(landings).toBeLessThanOrEqual(1024);
  });
});

describe("places", () => {
  const clashes = (lows: readonly number[]): number => {
    const placing = choosePlacing(lows);
    const places = lows.map((low) => placeOf(low, placing));
    for (const place of places) expect(place >= 0 && place < 1 << placing.bits).toBe(true);
    expect(1 << placing.bits).toBeLessThanOrEqual(8 * lows.length);
    return lows.length - new Set(places).size;
  };

  test("neighbours and evenly spaced handlers have places of their own", () => {
    for (const step of [1, 4, 16, 24, 48, 100]) {
      expect(clashes(range(30).map((k) => 0x401234 + step * k))).toBe(0);
    }
  });

  test("any targets: in range, and most places are not shared", () => {
    const lows = fc.uniqueArray(fc.integer({ min: 0x401000, max: 0x401fff }), {
      minLength: 4,
      maxLength: 128,
    });
    fc.assert(
      fc.property(lows, (some) => {
        expect(clashes(some)).toBeLessThan(Math.max(1, some.length / 3));
      }),
    );
  });

  test("equal low halves share their place", () => {
    expect(clashes([7, 7, 7, 7])).toBe(3);
  });
});
