import { expect, test } from "vitest";
import { printSpace } from "../../src/mmu/print-space.ts";
import { load, machine, map, page, R, RW, RX, store } from "./support.ts";

test("runs of equal permissions share a line; gaps and changes begin one; the kernel half follows", () => {
  const { mmu, parts, newSpace } = machine();
  const space = newSpace();
  mmu.activate(space);
  for (const [at, protection] of [
    [16, RX],
    [17, RX],
    [19, RX],
    [20, R],
    [21, RW],
    [22, RW],
  ] as const) {
    map(space, at, at, protection);
  }
  space.protect(page(22), undefined);
  store(mmu, 0x15000, 4);
  load(mmu, 0x10000, 4);
  expect(printSpace(space)).toEqual([
    "0x10000-0x12000 r-x user 2 pages, 1 accessed, 0 dirty",
    "0x13000-0x14000 r-x user 1 page, 0 accessed, 0 dirty",
    "0x14000-0x15000 r-- user 1 page, 0 accessed, 0 dirty",
    "0x15000-0x16000 rw- user 1 page, 1 accessed, 1 dirty",
    "0x16000-0x17000 --- user 1 page, 0 accessed, 0 dirty",
  ]);
  expect(printSpace(newSpace(), parts.kernel)).toEqual([
    "0xffff800000000000-0xffff800000100000 rw- direct map",
    "0xffffffff80000000-0xffffffff80004000 r-x text",
    "0xffffffff80004000-0xffffffff80006000 r-- rodata",
    "0xffffffff80006000-0xffffffff80008000 rw- data",
  ]);
});
