import fc from "fast-check";
import { expect, test } from "vitest";
import { USER_END_PAGE } from "../../src/mmu/address.ts";
import { createMmu } from "../../src/mmu/create-mmu.ts";
import { CountingSource, FIRST_TABLE_FRAME, machine, map, page } from "./support.ts";

test("tables are counted exactly, made once, and pruned when empty", () => {
  const { mmu, source, newSpace } = machine();
  const space = newSpace();
  expect(space.tableFrames).toBe(1);
  expect(space.missingTables(page(5), 1)).toBe(3);
  // The last page of one page table and the first of the next.
  expect(space.missingTables(page(511), 2)).toBe(4);
  // Page tables, directories and PDPTs on both sides of a PML4 entry's end.
  expect(space.missingTables(page(2 ** 27 - 1), 2)).toBe(6);
  expect(space.ensureTables(page(511), 2)).toBe(true);
  expect(space.tableFrames).toBe(5);
  expect(space.missingTables(page(0), 1024)).toBe(0);
  expect(space.missingTables(page(0), 1025)).toBe(1);
  expect(source.taken.size).toBe(5);
  space.pruneTables(page(512), 1);
  expect(space.tableFrames).toBe(4);
  space.pruneTables(page(0), 1);
  expect(space.tableFrames).toBe(1);
  expect(source.taken).toEqual(new Set([space.root]));
  expect(mmu.brokenRules()).toEqual([]);
});

test("a table with an entry, present or kept, is not pruned", () => {
  const { mmu, newSpace } = machine();
  const space = newSpace();
  map(space, 7, 3);
  space.protect(page(7), undefined);
  space.pruneTables(page(0), USER_END_PAGE);
  expect(space.tableFrames).toBe(4);
  space.unmap(page(7));
  space.pruneTables(page(0), USER_END_PAGE);
  expect(space.tableFrames).toBe(1);
  expect(mmu.brokenRules()).toEqual([]);
});

test("too few frames: nothing is kept", () => {
  const { mmu } = machine();
  for (let frames = 1; frames < 6; frames++) {
    const source = new CountingSource(FIRST_TABLE_FRAME + 10 * frames, FIRST_TABLE_FRAME + 11 * frames);
    const space = mmu.createAddressSpace(source);
    expect(space?.ensureTables(page(511), 2)).toBe(frames >= 5);
    expect(source.left).toBe(frames >= 5 ? frames - 5 : frames - 1);
    expect(space?.tableFrames).toBe(frames >= 5 ? 5 : 1);
  }
  expect(mmu.createAddressSpace(new CountingSource(64, 64))).toBeUndefined();
  expect(mmu.brokenRules()).toEqual([]);
});

test("the whole user half is counted without visiting it, and refused without emptying the source", () => {
  const { source, newSpace } = machine();
  const space = newSpace();
  map(space, 5, 3);
  expect(space.missingTables(page(0), USER_END_PAGE)).toBe(2 ** 26 + 2 ** 17 + 2 ** 8 - 3);
  const left = source.left;
  expect(space.ensureTables(page(0), USER_END_PAGE)).toBe(false);
  expect(source.left).toBe(left);
});

test("no pages need no tables", () => {
  const { newSpace } = machine();
  const space = newSpace();
  expect(space.missingTables(page(0), 0)).toBe(0);
  expect(space.ensureTables(page(USER_END_PAGE), 0)).toBe(true);
  space.pruneTables(page(9), 0);
  expect(space.tableFrames).toBe(1);
});

test("MMU-9 a range outside the user half is refused", () => {
  const { newSpace } = machine();
  const space = newSpace();
  for (const [first, count] of [
    [-1, 1],
    [USER_END_PAGE, 1],
    [USER_END_PAGE - 1, 2],
    [0, -1],
    [0.5, 1],
    [0, NaN],
  ] as const) {
    expect(() => space.missingTables(page(first), count)).toThrow(/^MMU-9/);
    expect(() => space.ensureTables(page(first), count)).toThrow(/^MMU-9/);
    expect(() => space.pruneTables(page(first), count)).toThrow(/^MMU-9/);
  }
});

test("MMU-3 a frame in use is not accepted as a page table", () => {
  const { mmu, newSpace } = machine();
  const space = newSpace();
  map(space, 5, 3);
  const handsOutUsed = { allocate: () => 3 as never, free: () => undefined };
  expect(() => mmu.createAddressSpace(handsOutUsed)).toThrow(/^MMU-3/);
});

test("missing tables agree with the set of table numbers", () => {
  const anchors = [0, 510, 2 ** 18 - 2, 2 ** 27 - 3, 2 ** 20, USER_END_PAGE - 1200];
  const range = fc
    .tuple(fc.constantFrom(...anchors), fc.nat(600), fc.nat(600))
    .map(([a, b, count]) => [a + b, count] as const);
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 6 }), (ranges) => {
      const mmu = createMmu({ ramBytes: 1 << 20, checks: "off" });
      const source = new CountingSource(1, mmu.frameCount);
      const space = mmu.createAddressSpace(source);
      if (space === undefined) return;
      const model = new Set<string>(["root"]);
      for (const [first, count] of ranges) {
        const before = model.size;
        for (let each = first; each < first + count; each++) {
          for (const level of [1, 2, 3]) model.add(`${level}:${Math.floor(each / 512 ** level)}`);
        }
        expect(space.missingTables(page(first), count)).toBe(model.size - before);
        expect(space.ensureTables(page(first), count)).toBe(true);
        expect(space.tableFrames).toBe(model.size);
      }
      expect(source.taken.size).toBe(model.size);
      space.destroy();
      expect(source.taken.size).toBe(0);
    }),
    { numRuns: 40 },
  );
});
