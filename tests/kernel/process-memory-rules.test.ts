/** Each memory rule is broken by hand, and exactly that id is reported. */

import { beforeEach, expect, test } from "vitest";
import { brokenLedgerRules } from "../../src/kernel/ledger.ts";
import { brokenMemoryRules } from "../../src/kernel/objects/memory-checks.ts";
import type { MemoryObject } from "../../src/kernel/objects/memory-object.ts";
import type { ProcessMemory } from "../../src/kernel/objects/process-memory.ts";
import { address, pageNumber } from "../../src/mmu/address.ts";
import { MemoryMachine } from "../support/memory.ts";

const PAGE = 0x1000n;
const A = 0x1_0000_0000n;
const FIRST = 0x10_0000;
const page = (i: number) => pageNumber(FIRST + i);

let machine: MemoryMachine;
let memory: ProcessMemory;
let object: MemoryObject;

/** Pages 0 and 1: committed RW; 2: committed, protection none; 3: reserved; 4 and 5: borrowed. */
beforeEach(() => {
  machine = new MemoryMachine();
  memory = machine.process();
  object = machine.object(2);
  memory.reserve(A, 4n * PAGE, "");
  memory.commit(A, 2n * PAGE, 3, "");
  memory.commit(A + 2n * PAGE, PAGE, 0, "");
  memory.mapObject(object, { hint: A + 4n * PAGE, offset: 0n, size: 2n * PAGE, prot: 3 }, "");
  memory.addRingPage(address(0x120_0000), "");
  memory.addCapSetPage(new Uint8Array(1), "");
  expect(machine.brokenRules()).toEqual([]);
});

const ids = (broken: readonly string[]): string[] => [
  ...new Set(broken.map((line) => line.split(" ")[0] ?? "")),
];

test("KER-1 notices a reservation outside the user half", () => {
  memory.reservations.reserved.set(2 ** 35, 1, true);
  expect(ids(brokenMemoryRules(memory))).toEqual(["KER-1"]);
});

test("KER-2 notices a committed page whose reservation is gone", () => {
  memory.reservations.reserved.delete(FIRST + 1, 1);
  expect(ids(brokenMemoryRules(memory))).toEqual(["KER-2"]);
});

test("KER-3 notices a charge that nothing stands for", () => {
  memory.ledger.charge("frameGrantPages", 1);
  expect(brokenLedgerRules(memory.ledger, memory.charges())).toEqual([
    "KER-3 ledger says 6 frame grant pages used, their sum is 5",
  ]);
});

test("KER-20 notices a frame with two owners", () => {
  const frame = memory.space.query(page(0))?.frame;
  if (frame === undefined) throw new Error("no frame");
  const stolen = machine.object(1);
  (stolen as { frames: readonly number[] }).frames = [frame];
  expect(ids(machine.brokenSharingRules())).toEqual(["KER-20"]);
});

test("KER-20 notices a frame in use that counts as free, and one that nobody owns", () => {
  machine.frames.allocate();
  expect(machine.brokenSharingRules()).toHaveLength(1);
  expect(machine.brokenSharingRules().join()).toMatch(
    /^KER-20 \d+ frames are used, the owners of \d+ are known$/,
  );
  const frame = memory.space.query(page(0))?.frame;
  if (frame === undefined) throw new Error("no frame");
  machine.frames.free(frame);
  expect(machine.brokenSharingRules()).toEqual([
    expect.stringMatching(/^KER-20 frame .* of page 0x100000000 is free$/),
  ]);
});

test("KER-21 notices a count of mapped pages that is not their number", () => {
  object.addMappedPages(1);
  expect(machine.brokenSharingRules()).toEqual(["KER-21 a memory object counts 3 mapped pages, there are 2"]);
});

test("KER-21 notices a borrowed page that shows another frame", () => {
  const borrow = memory.borrowed.get(FIRST + 4);
  if (borrow === undefined) throw new Error("nothing borrowed");
  memory.borrowed.set(FIRST + 4, 1, { ...borrow, delta: borrow.delta + 1 });
  expect(ids(machine.brokenSharingRules())).toEqual(["KER-21"]);
});

test("KER-21 notices an object whose frames went back under a mapping", () => {
  object.dropMappedPages(2);
  object.dropHold();
  const broken = machine.brokenSharingRules();
  expect(broken).toContain("KER-21 a memory object counts 0 mapped pages, there are 2");
  expect(broken).toContain("KER-21 a memory object with 0 holds and 2 mapped pages has no frames");
  expect(ids(broken)).toEqual(["KER-21"]);
});

test("KER-22 notices an entry that grants what the map does not, a page behind none included", () => {
  memory.space.protect(page(2), { writable: false, executable: false });
  expect(brokenMemoryRules(memory)).toEqual(["KER-22 page 0x100002000 is r, its map says none"]);
  memory.space.protect(page(2), undefined);
  memory.space.protect(page(0), { writable: false, executable: true });
  expect(brokenMemoryRules(memory)).toEqual(["KER-22 page 0x100000000 is rx, its map says rw"]);
});

test("KER-22 notices a leaf that no map knows, and a page that lost its leaf", () => {
  memory.borrowed.delete(FIRST + 5, 1);
  expect(brokenMemoryRules(memory)).toEqual(["KER-22 page 0x100005000 has a leaf entry and no map knows it"]);
  memory.space.unmap(page(5));
  memory.space.unmap(page(1));
  expect(brokenMemoryRules(memory)).toEqual(["KER-22 page 0x100001000 should have a frame and has none"]);
});

test("KER-23 notices a reserved page with a frame", () => {
  memory.reservations.committed.delete(FIRST + 1, 1);
  expect(ids(brokenMemoryRules(memory))).toEqual(["KER-23"]);
});

test("KER-24 notices a ring page that is not writable and a CapSet page that is", () => {
  for (const [number, protection] of [
    [0x1200, "r"],
    [0x1300, "rw"],
  ] as const) {
    const writable = protection === "rw";
    memory.space.protect(pageNumber(number), { writable, executable: false });
    memory.fixed.set(number, 1, protection);
    expect(ids(brokenMemoryRules(memory))).toEqual(["KER-24"]);
    memory.space.protect(pageNumber(number), { writable: !writable, executable: false });
    memory.fixed.set(number, 1, writable ? "r" : "rw");
  }
  expect(brokenMemoryRules(memory)).toEqual([]);
});

test("KER-25 notices a page that is writable and executable", () => {
  // The MMU refuses to make one, so what it reads is forged.
  const leaves = memory.space.leaves();
  const highs = leaves.highs.map((high, i) => (leaves.pages[i] === FIRST ? 0 : high));
  Object.defineProperty(memory.space, "leaves", { value: () => ({ ...leaves, highs }) });
  expect(ids(brokenMemoryRules(memory)).sort()).toEqual(["KER-22", "KER-25"]);
});

test("KER-26 comes with the rules between processes", () => {
  const [own] = machine.frames.bitmapFrames;
  if (own === undefined) throw new Error("no bitmap frame");
  const bytes = machine.mmu.frameBytes(own);
  bytes[0] = (bytes[0] ?? 0) & 0xfe;
  expect(ids(machine.brokenSharingRules())).toEqual(["KER-26"]);
});
