import fc from "fast-check";
import { expect, test } from "vitest";
import { InvariantError } from "../../src/invariant.ts";
import { address, USER_END_PAGE } from "../../src/mmu/address.ts";
import { rangesOf } from "../../src/mmu/address-space.ts";
import type { AddressSpace, Protection } from "../../src/mmu/mmu.ts";
import { frame, load, machine, map, page, R, RW, RX, store } from "./support.ts";

const setup = () => {
  const all = machine();
  const space = all.newSpace();
  expect(space.ensureTables(page(16), 16)).toBe(true);
  return { ...all, space };
};

test("map, protect and unmap change what a query says", () => {
  const { space, mmu } = setup();
  const base = { frame: 5, accessed: false, dirty: false };
  expect(space.query(page(16))).toBeUndefined();
  expect(space.query(page(2 ** 30))).toBeUndefined();
  space.map(page(16), frame(5), RW);
  expect(space.query(page(16))).toEqual({ ...base, present: true, writable: true, executable: false });
  space.protect(page(16), RX);
  expect(space.query(page(16))).toEqual({ ...base, present: true, writable: false, executable: true });
  space.protect(page(16), undefined);
  expect(space.query(page(16))).toEqual({ ...base, present: false, writable: false, executable: false });
  space.protect(page(16), R);
  expect(space.query(page(16))).toEqual({ ...base, present: true, writable: false, executable: false });
  expect(space.unmap(page(16))).toBe(5);
  expect(space.query(page(16))).toBeUndefined();
  expect(mmu.brokenRules()).toEqual([]);
});

test("frame 0 is a frame like others, kept too", () => {
  const { space, mmu } = setup();
  space.map(page(16), frame(0), RW);
  space.protect(page(16), undefined);
  expect(space.query(page(16))?.frame).toBe(0);
  expect(space.unmap(page(16))).toBe(0);
  expect(mmu.brokenRules()).toEqual([]);
});

test("entries come in address order, over all levels, kept ones included", () => {
  const { space } = setup();
  const pages = [0, 31, 512, 2 ** 18 + 5, 2 ** 27, 2 ** 34 + 2 ** 20, USER_END_PAGE - 1];
  for (const [index, at] of [...pages.entries()].reverse()) map(space, at, index, RW);
  space.protect(page(512), undefined);
  expect([...space.entries()].map(([at, entry]) => [at, entry.frame, entry.present])).toEqual(
    pages.map((at, index) => [at, index, at !== 512]),
  );
});

test("destroying gives every table back and ends the space", () => {
  const { space, source, parts, mmu } = setup();
  for (const at of [16, 2 ** 27, USER_END_PAGE - 1]) map(space, at, 5, RW);
  expect(() => space.destroy()).toThrow(/^MMU-9: page 0x10000 is still mapped/);
  for (const [at] of space.entries()) space.unmap(at);
  space.destroy();
  expect(source.taken.size).toBe(0);
  expect(parts.spaces.size).toBe(0);
  expect(mmu.brokenRules()).toEqual([]);
  expect(parts.frames.references[5]).toBe(0);
  expect(() => space.destroy()).toThrow(/^MMU-9/);
  expect(() => space.query(page(16))).toThrow(/^MMU-9/);
  expect(() => space.copyIn(address(0x10000), 1)).toThrow(/^MMU-9/);
});

test("ids are not reused, tables of another space are not touched", () => {
  const { newSpace, mmu } = setup();
  const [one, two] = [newSpace(), newSpace()];
  map(one, 16, 5, RW);
  map(two, 16, 6, R);
  one.unmap(page(16));
  one.destroy();
  const three = newSpace();
  expect(three.id).toBeGreaterThan(two.id);
  expect(three.root).toBe(one.root);
  expect(two.query(page(16))?.frame).toBe(6);
  mmu.activate(three);
  expect(load(mmu, 0x10000, 1)).toBe(1);
  mmu.activate(two);
  expect(load(mmu, 0x10000, 1)).toBe(0);
});

test("MMU-6 writable and executable is refused, before anything changes", () => {
  const { space } = setup();
  const both = { writable: true, executable: true };
  expect(() => space.map(page(16), frame(5), both)).toThrow(/^MMU-6/);
  expect(space.query(page(16))).toBeUndefined();
  space.map(page(16), frame(5), R);
  expect(() => space.protect(page(16), both)).toThrow(/^MMU-6/);
  expect(space.query(page(16))).toMatchObject({ writable: false, executable: false });
});

test("MMU-9 changes where they are not possible are refused", () => {
  const { space, mmu } = setup();
  space.map(page(16), frame(5), R);
  const wrong: (() => unknown)[] = [
    () => space.map(page(16), frame(6), R),
    () => space.map(page(17), frame(mmu.frameCount), R),
    () => space.map(page(17), frame(-1), R),
    () => space.map(page(1024), frame(6), R),
    () => space.map(page(USER_END_PAGE), frame(6), R),
    () => space.protect(page(17), R),
    () => space.protect(page(1024), undefined),
    () => space.unmap(page(17)),
    () => space.unmap(page(1024)),
    () => space.fetchFrame(page(USER_END_PAGE)),
    () => space.query(page(-1)),
  ];
  for (const attempt of wrong) {
    expect(attempt).toThrow(InvariantError);
    expect(attempt).toThrow(/^MMU-9/);
  }
  expect([...space.entries()]).toHaveLength(1);
  expect(mmu.brokenRules()).toEqual([]);
});

test("MMU-7 a page table is never mapped for users", () => {
  const { space, parts } = setup();
  expect(() => space.map(page(16), space.root, R)).toThrow(/^MMU-7/);
  expect(() => space.map(page(16), parts.kernel.root, R)).toThrow(/^MMU-9/);
});

/** The same change, by a range operation and page by page. */
interface Changer {
  map(space: AddressSpace, first: number, frames: readonly number[], protection?: Protection): void;
  protect(space: AddressSpace, first: number, count: number, protection?: Protection): void;
  unmap(space: AddressSpace, first: number, count: number): number[];
}

const BY_RANGE: Changer = {
  map: (space, first, frames, protection) =>
    rangesOf(space).mapRange(page(first), frames.map(frame), protection),
  protect: (space, first, count, protection) => rangesOf(space).protectRange(page(first), count, protection),
  unmap: (space, first, count) => rangesOf(space).unmapRange(page(first), count, "unmap"),
};

const BY_PAGE: Changer = {
  map: (space, first, frames, protection) => {
    for (const [i, at] of frames.entries()) {
      space.map(page(first + i), frame(at), protection ?? R);
      if (protection === undefined) space.protect(page(first + i), undefined);
    }
  },
  protect: (space, first, count, protection) => {
    for (let i = 0; i < count; i++) space.protect(page(first + i), protection);
  },
  unmap: (space, first, count) => Array.from({ length: count }, (_, i) => space.unmap(page(first + i))),
};

/** Pages around the ends of page tables, of a directory, and of the part the flat tables reach. */
const BASES = [508, 2 ** 18 - 4, 2 ** 20 - 4, 2 ** 27 - 4];
const PROTECTIONS = [undefined, R, RW, RX];

test("operations on ranges do what the same operations on pages do", () => {
  const step = fc.record({
    what: fc.constantFrom("map", "protect", "unmap", "touch" as const),
    base: fc.constantFrom(...BASES),
    skip: fc.nat(7),
    count: fc.nat(8),
    to: fc.nat(40),
    protection: fc.constantFrom(...PROTECTIONS),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 25 }), (steps) => {
      const [ranged, paged] = [BY_RANGE, BY_PAGE].map((by) => trial(by, steps));
      expect(ranged).toEqual(paged);
    }),
    { numRuns: 30 },
  );
});

interface Step {
  readonly what: string;
  readonly base: number;
  readonly skip: number;
  readonly count: number;
  readonly to: number;
  readonly protection: Protection | undefined;
}

/** What can be seen of a space after each step, and all the code listener heard. */
function trial(by: Changer, steps: readonly Step[]): unknown {
  const { mmu, parts, newSpace } = machine();
  const space = newSpace();
  const seen: unknown[] = [];
  mmu.setCodeListener({
    onCodeWrite: (at) => seen.push(["write", at]),
    onExecutableChange: (_, at, why) => seen.push([why, at]),
  });
  for (const base of BASES) expect(space.ensureTables(page(base), 16)).toBe(true);
  mmu.activate(space);
  for (const { what, base, skip, count, to, protection } of steps) {
    const first = base + skip;
    const frames = Array.from({ length: count }, (_, i) => to + i);
    try {
      if (what === "map") by.map(space, first, frames, protection);
      else if (what === "protect") by.protect(space, first, count, protection);
      else if (what === "unmap") seen.push(by.unmap(space, first, count));
      else {
        seen.push(space.fetchFrame(page(first)), load(mmu, first * 4096, 8), store(mmu, first * 4096, 8));
      }
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
      seen.push(error.message);
    }
    expect(mmu.brokenRules()).toEqual([]);
    seen.push([...space.entries()], [...parts.frames.references], [...parts.frames.content]);
  }
  return seen;
}

test("MMU-6, MMU-9 a range is checked before its first page changes", () => {
  const { space } = setup();
  const both = { writable: true, executable: true };
  const ranges = rangesOf(space);
  expect(() => ranges.mapRange(page(16), [frame(5)], both)).toThrow(/^MMU-6/);
  expect(() => ranges.mapRange(page(USER_END_PAGE - 1), [frame(5), frame(6)], R)).toThrow(/^MMU-9/);
  expect(() => ranges.protectRange(page(USER_END_PAGE - 1), 2, R)).toThrow(/^MMU-9/);
  expect(() => ranges.unmapRange(page(16), -1, "unmap")).toThrow(/^MMU-9/);
  expect([...space.entries()]).toEqual([]);
  expect(() => rangesOf({ ...space })).toThrow(TypeError);
});
