import { expect, test } from "vitest";
import type { AddressSpace } from "../../src/mmu/mmu.ts";
import { frame, machine, map, page, R, RW, RX, FIRST_TABLE_FRAME } from "./support.ts";

const setup = () => {
  const all = machine();
  const space = all.newSpace();
  all.mmu.activate(space);
  const writes: number[] = [];
  const changes: [AddressSpace, number, string][] = [];
  all.mmu.setCodeListener({
    onCodeWrite: (written) => {
      expect(all.mmu.watchedFrames.has(written)).toBe(true);
      writes.push(written);
    },
    onExecutableChange: (where, at, why) => changes.push([where, at, why]),
  });
  return { ...all, space, writes, changes };
};

test("fetching needs execute permission, sets A, and names the frame", () => {
  const { space } = setup();
  map(space, 16, 5, RX);
  map(space, 17, 6, R);
  expect(space.fetchFrame(page(16))).toBe(5);
  expect(space.query(page(16))?.accessed).toBe(true);
  expect(space.fetchFrame(page(17))).toEqual({
    vector: 14,
    errorCode: 21,
    lo: 0x11000,
    hi: 0,
    access: "execute",
  });
  expect(space.fetchFrame(page(2 ** 34))).toEqual({
    vector: 14,
    errorCode: 20,
    lo: 0,
    hi: 0x4000,
    access: "execute",
  });
});

test("the listener hears of pages that were fetched from and stop being executable, once", () => {
  const { space, changes } = setup();
  map(space, 16, 5, RX);
  map(space, 17, 6, RX);
  space.protect(page(17), R);
  expect(changes).toEqual([]);
  space.fetchFrame(page(16));
  space.protect(page(16), RX);
  expect(changes).toEqual([]);
  space.protect(page(16), RW);
  expect(changes).toEqual([[space, 16, "protect"]]);
  space.protect(page(16), RX);
  space.unmap(page(16));
  expect(changes).toHaveLength(1);
});

test("unmap, PROT_NONE and teardown of a fetched page say why", () => {
  const { space, changes } = setup();
  for (const at of [16, 17, 18]) {
    map(space, at, at, RX);
    space.fetchFrame(page(at));
  }
  space.unmap(page(16));
  space.protect(page(17), undefined);
  space.unmap(page(17), "destroy");
  space.unmap(page(18), "destroy");
  expect(changes).toEqual([
    [space, 16, "unmap"],
    [space, 17, "protect"],
    [space, 18, "destroy"],
  ]);
  space.destroy();
});

test("only the space concerned is named for a shared frame", () => {
  const { space, newSpace, changes } = setup();
  const other = newSpace();
  for (const each of [space, other]) {
    map(each, 16, 5, RX);
    each.fetchFrame(page(16));
  }
  other.unmap(page(16));
  expect(changes).toEqual([[other, 16, "unmap"]]);
  expect(space.fetchFrame(page(16))).toBe(5);
});

test("zeroing, a write from outside, and a new page table each end the watch", () => {
  const { mmu, source, newSpace, writes } = setup();
  for (const each of [5, 6]) mmu.watchCode(frame(each));
  mmu.watchCode(frame(5));
  mmu.zeroFrame(frame(5));
  mmu.beforeFrameWrite(frame(6));
  mmu.beforeFrameWrite(frame(6));
  expect(writes).toEqual([5, 6]);
  const next = FIRST_TABLE_FRAME + source.taken.size;
  mmu.watchCode(frame(next));
  newSpace();
  expect(writes).toEqual([5, 6, next]);
  expect(mmu.watchedFrames.size).toBe(0);
});

test("unwatching twice, or what was never watched, is fine and says nothing", () => {
  const { mmu, writes } = setup();
  mmu.watchCode(frame(5));
  mmu.unwatchCode(frame(5));
  mmu.unwatchCode(frame(5));
  mmu.beforeFrameWrite(frame(5));
  expect(writes).toEqual([]);
});
