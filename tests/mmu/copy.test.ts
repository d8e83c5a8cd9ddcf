import { expect, test } from "vitest";
import { address, USER_END } from "../../src/mmu/address.ts";
import { frame, machine, map, page, pattern, R, RW, RX } from "./support.ts";

const setup = () => {
  const all = machine();
  const space = all.newSpace();
  map(space, 16, 5, RW);
  map(space, 17, 9, RW);
  map(space, 18, 3, R);
  map(space, 19, 4, RX);
  const heard: number[] = [];
  all.mmu.setCodeListener({ onCodeWrite: (f) => heard.push(f), onExecutableChange: () => undefined });
  return { ...all, space, heard };
};
const at = (n: number) => address(n);

test("copies cross pages, set A and D, and reach kernel-written bytes back", () => {
  const { space, mmu } = setup();
  const bytes = pattern(5000, 1);
  expect(space.copyOut(at(0x10f00), bytes)).toMatchObject({
    vector: 14,
    errorCode: 7,
    lo: 0x12000,
    access: "write",
  });
  expect(mmu.frameBytes(frame(5)).every((byte) => byte === 0)).toBe(true);
  expect(space.query(page(16))).toMatchObject({ accessed: false, dirty: false });
  expect(space.copyOut(at(0x10100), bytes)).toBeUndefined();
  expect(space.copyIn(at(0x10100), 5000)).toEqual(bytes);
  expect(space.query(page(17))).toMatchObject({ accessed: true, dirty: true });
  expect(space.copyIn(at(0x11ffe), 4)).toEqual(Uint8Array.of(0, 0, 0, 0));
  expect(space.query(page(18))).toMatchObject({ accessed: true, dirty: false });
});

test("refusals carry the user bit, and copies need the user's permissions", () => {
  const { space } = setup();
  space.protect(page(17), undefined);
  expect(space.copyIn(at(0x10ff0), 32)).toEqual({
    vector: 14,
    errorCode: 4,
    lo: 0x11000,
    hi: 0,
    access: "read",
  });
  expect(space.copyOut(at(0x20000), Uint8Array.of(1))).toMatchObject({ errorCode: 6 });
  expect(space.copyOut(at(0x13004), Uint8Array.of(1))).toMatchObject({ errorCode: 7, lo: 0x13004 });
});

test("nothing to copy is always fine, and the end of the user half is not canonical", () => {
  const { space } = setup();
  expect(space.copyIn(at(0x50000), 0)).toEqual(new Uint8Array(0));
  expect(space.copyOut(at(0x50000), new Uint8Array(0))).toBeUndefined();
  expect(space.check(at(0), 0, "write")).toBeUndefined();
  map(space, USER_END / 4096 - 1, 6, RW);
  expect(space.copyIn(at(USER_END - 4), 4)).toHaveLength(4);
  expect(space.copyIn(at(USER_END - 4), 5)).toEqual({
    vector: 13,
    errorCode: 0,
    lo: 0,
    hi: 0x8000,
    access: "read",
  });
  expect(space.peek(at(USER_END - 4), new Uint8Array(5))).toBe(false);
});

test("an absurd length stops at the first page that is not mapped", () => {
  const { space } = setup();
  expect(space.copyIn(at(0x10000), 2 ** 46)).toMatchObject({ errorCode: 4, lo: 0x14000 });
});

test("check says what a user access would raise and changes nothing", () => {
  const { space, mmu } = setup();
  expect(space.check(at(0x10000), 0x4000, "read")).toBeUndefined();
  expect(space.check(at(0x10000), 0x4000, "write")).toMatchObject({ errorCode: 7, lo: 0x12000 });
  expect(space.check(at(0x13000), 16, "execute")).toBeUndefined();
  expect(space.check(at(0x12ff8), 16, "execute")).toMatchObject({
    errorCode: 21,
    lo: 0x12ff8,
    access: "execute",
  });
  expect(space.check(at(0x13ff8), 16, "execute")).toMatchObject({ errorCode: 20, lo: 0x14000 });
  expect([...space.entries()].some(([, entry]) => entry.accessed)).toBe(false);
  expect(mmu.stats).toEqual({ tlbFills: 0, tlbFlushes: 0, slowAccesses: 0 });
});

test("a copy out tells the listener of each watched frame before it writes it", () => {
  const { space, mmu, heard } = setup();
  mmu.watchCode(frame(5));
  mmu.watchCode(frame(9));
  expect(space.copyOut(at(0x11000), Uint8Array.of(1))).toBeUndefined();
  expect(heard).toEqual([9]);
  expect([...mmu.watchedFrames]).toEqual([5]);
  // A refused copy tells nobody.
  expect(space.copyOut(at(0x10ff0), new Uint8Array(0x1020))).toMatchObject({ lo: 0x12000 });
  expect(heard).toEqual([9]);
});

test("peek and poke ignore permissions, see kept pages, and need every page mapped", () => {
  const { space, mmu, heard } = setup();
  space.protect(page(17), undefined);
  mmu.watchCode(frame(3));
  const bytes = pattern(0x2002, 4);
  expect(space.poke(at(0x10fff), bytes)).toBe(true);
  expect(heard).toEqual([3]);
  const back = new Uint8Array(0x2002);
  expect(space.peek(at(0x10fff), back)).toBe(true);
  expect(back).toEqual(bytes);
  expect(space.query(page(18))).toMatchObject({ accessed: false, dirty: false });
  expect(space.poke(at(0x13ffe), Uint8Array.of(1, 2, 3))).toBe(false);
  expect(mmu.frameBytes(frame(4))[4094]).toBe(0);
  expect(space.peek(at(0xfffe), new Uint8Array(4))).toBe(false);
});
