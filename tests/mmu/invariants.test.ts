/** Each rule is broken by hand, and exactly its id is reported. */

import { expect, test } from "vitest";
import { address } from "../../src/mmu/address.ts";
import type { Space } from "../../src/mmu/address-space.ts";
import {
  DIRTY, entryWord, frameOf, GLOBAL, HIGH_FRAME_BITS, KEPT, LARGE, NO_EXECUTE, PRESENT, USER, WRITABLE,
} from "../../src/mmu/entry.ts"; // prettier-ignore
import { KERNEL_IMAGE_BASE, upperHalves } from "../../src/mmu/kernel-half.ts";
import { recordWord, TAG_DELTA, TAG_WRITE, tagWord } from "../../src/mmu/layout.ts";
import { tableWord } from "../../src/mmu/tlb.ts";
import { tableIndex } from "../../src/mmu/walk.ts";
import { frame, load, machine, map, page, R, RW, RX, store } from "./support.ts";

const FAR_PAGE = 2 ** 21;

/** A space with a dirty page 16, a read page 17 and a text page 18, and a dirty page above 4 GiB. */
const setup = () => {
  const all = machine();
  const space = all.newSpace() as Space;
  all.mmu.activate(space);
  map(space, 16, 5, RW);
  map(space, 17, 6, R);
  map(space, 18, 7, RX);
  map(space, FAR_PAGE, 8, RW);
  map(space, 21, 11, RW);
  store(all.mmu, 0x10000, 4);
  load(all.mmu, 0x11000, 4);
  store(all.mmu, FAR_PAGE * 4096, 4);
  expect(all.mmu.brokenRules()).toEqual([]);
  const { words } = all.mmu;
  return {
    ...all,
    space,
    words,
    leaf: (at: number): number => all.parts.tables.leafWord(space.root, page(at)),
    set: (word: number, bits: number): void => void (words[word] = (words[word] ?? 0) | bits),
    clear: (word: number, bits: number): void => void (words[word] = (words[word] ?? 0) & ~bits),
    entry: (at: number): number => tableWord(space.slot) + at,
    kernelLeaf: (offset: number): number => {
      const { lo, hi } = upperHalves(KERNEL_IMAGE_BASE + BigInt(offset));
      let table = all.parts.kernel.root;
      for (const level of [4, 3, 2]) table = frameOf(words[entryWord(table, tableIndex(level, lo, hi))] ?? 0);
      return entryWord(table, tableIndex(1, lo, hi));
    },
    /** The ids reported, once each. */
    ids: (): string[] => [...new Set(all.mmu.brokenRules().map((line) => line.replace(/:.*/s, "")))].sort(),
  };
};
type Setup = ReturnType<typeof setup>;

const SABOTAGE: readonly (readonly [id: string, what: string, how: (s: Setup) => void])[] = [
  ["MMU-1", "a page that became read-only", (s) => s.clear(s.leaf(16), WRITABLE)],
  ["MMU-1", "a page that became clean", (s) => s.clear(s.leaf(16), DIRTY)],
  ["MMU-1", "a page that was never accessed", (s) => s.clear(s.leaf(17), 0x20)],
  ["MMU-1", "a page that became read-only, above 4 GiB", (s) => s.clear(s.leaf(FAR_PAGE), WRITABLE)],
  [
    "MMU-1",
    "an entry that leads to another frame",
    (s) => {
      for (const word of [s.entry(17), tagWord(s.entry(17)) + (TAG_DELTA >> 2)]) {
        s.words[word] = (s.words[word] ?? 0) + 4096;
      }
    },
  ],
  ["MMU-1", "an entry of a space that does not exist", (s) => s.parts.farTlb.fill(999, 0, 1, 9, false)],
  ["MMU-1", "a table that no space holds", (s) => (s.parts.tlb.holders[s.space.slot] = undefined)],
  [
    "MMU-2",
    "a frame watched behind the TLB's back",
    (s) => (s.parts.watch.flags[5] = s.parts.watch.frames.add(frame(5)).size),
  ],
  [
    "MMU-2",
    "the same above 4 GiB",
    (s) => (s.parts.watch.flags[8] = s.parts.watch.frames.add(frame(8)).size),
  ],
  ["MMU-12", "a page that is the kernel's in a user half", (s) => s.clear(s.leaf(21), USER)],
  ["MMU-2", "a watch flag that the list lacks", (s) => (s.parts.watch.flags[20] = 1)],
  ["MMU-3", "a count one too high", (s) => (s.parts.frames.references[5] = 2)],
  ["MMU-3", "a count on a free frame", (s) => (s.parts.frames.references[30] = 1)],
  ["MMU-3", "a free frame marked as a page table", (s) => (s.parts.frames.tableLevel[30] = 1)],
  [
    "MMU-3",
    "a page table with two owners",
    (s) => (s.words[entryWord(s.space.root, 9)] = s.words[entryWord(s.space.root, 0)] ?? 0),
  ],
  ["MMU-4", "an upper entry open to users", (s) => s.set(entryWord(s.space.root, 256), USER)],
  ["MMU-4", "an upper entry of one space alone", (s) => s.set(entryWord(s.space.root, 300), 0x200)],
  ["MMU-4", "kernel data open to users", (s) => s.set(s.kernelLeaf(0x6000), USER)],
  ["MMU-4", "kernel text open to users", (s) => s.set(s.kernelLeaf(0), USER)],
  ["MMU-5", "writable rodata", (s) => s.set(s.kernelLeaf(0x4000), WRITABLE)],
  ["MMU-5", "executable rodata", (s) => (s.words[s.kernelLeaf(0x5000) + 1] = 0)],
  ["MMU-5", "text that does not execute", (s) => (s.words[s.kernelLeaf(0x1000) + 1] = NO_EXECUTE)],
  ["MMU-5", "data that is not global", (s) => s.clear(s.kernelLeaf(0x7000), GLOBAL)],
  [
    "MMU-5",
    "a page more than there should be",
    (s) => s.set(s.kernelLeaf(0x8000), (20 << 12) | PRESENT | GLOBAL),
  ],
  ["MMU-6", "a writable page that executes", (s) => (s.words[s.leaf(16) + 1] = 0)],
  ["MMU-6", "an executable page that is writable", (s) => s.set(s.leaf(18), WRITABLE)],
  ["MMU-7", "a leaf both present and kept", (s) => s.set(s.leaf(18), KEPT)],
  ["MMU-7", "reserved bits in a leaf", (s) => s.set(s.leaf(18) + 1, HIGH_FRAME_BITS)],
  ["MMU-7", "an empty entry with a high word", (s) => s.set(s.leaf(20) + 1, 1)],
  ["MMU-7", "a large page in the user half", (s) => s.set(entryWord(s.space.root, 77), PRESENT | LARGE)],
  [
    "MMU-8",
    "a page table freed without the space",
    (s) => {
      expect(s.space.ensureTables(page(2 ** 28), 1)).toBe(true);
      s.parts.tables.prune(s.space.root, 2 ** 28, 2 ** 28, s.source);
    },
  ],
  ["MMU-10", "a tag that is left behind", (s) => (s.words[tagWord(s.entry(20))] = 0x14fff)],
  [
    "MMU-10",
    "a tag that allows writing",
    (s) => (s.words[tagWord(s.entry(17)) + (TAG_WRITE >> 2)] = 0x11fff),
  ],
  [
    "MMU-10",
    "another frame in the tag entry",
    (s) => (s.words[tagWord(s.entry(17)) + (TAG_DELTA >> 2)] = 4096),
  ],
  ["MMU-10", "an entry without a record", (s) => (s.words[recordWord(s.entry(17))] = 0)],
  [
    "MMU-10",
    "a writable entry with a read entry's record",
    (s) => (s.words[recordWord(s.entry(16))] = s.words[recordWord(s.entry(17))] ?? 0),
  ],
];

test.each(SABOTAGE)("%s notices %s", (id, _what, how) => {
  const all = setup();
  how(all);
  expect(all.ids()).toEqual([id]);
});

test("a page that is the kernel's while the TLB still grants it breaks both rules about it", () => {
  const all = setup();
  all.clear(all.leaf(17), USER);
  expect(all.ids()).toEqual(["MMU-1", "MMU-12"]);
});

test("kernel text that is writable breaks its permissions and W^X", () => {
  const all = setup();
  all.set(all.kernelLeaf(0), WRITABLE);
  expect(all.ids()).toEqual(["MMU-5", "MMU-6"]);
});

test("a leaf that names a page table or a kernel frame is reported, whatever else it breaks", () => {
  for (const to of ["root", "kernel"] as const) {
    const all = setup();
    const named = to === "root" ? all.space.root : all.parts.kernel.root;
    all.words[all.leaf(18)] = (named << 12) | PRESENT | USER;
    expect(all.ids()).toContain("MMU-7");
    expect(all.ids()).toContain("MMU-3");
  }
});

test("a link to something that is no page table is not followed", () => {
  const all = setup();
  all.words[entryWord(all.space.root, 3)] = (5 << 12) | PRESENT | WRITABLE | USER;
  expect(all.ids()).toEqual(["MMU-7"]);
});

test("a change is checked at once, at every level but off: MMU-3, MMU-1", () => {
  const all = setup();
  all.parts.frames.references[9] = 0xffff_ffff;
  expect(() => map(all.space, 19, 9, RW)).toThrow(/^MMU-3/);
  // A walk that grants more than the entry that was filled from it.
  const other = setup();
  other.parts.walker.markUsed = () => undefined;
  map(other.space, 20, 9, RW);
  expect(() => load(other.mmu, 0x14000, 4)).toThrow(/^MMU-1/);
});

test("thousands of broken pages make a short report", () => {
  const all = setup();
  expect(all.space.ensureTables(page(512), 400)).toBe(true);
  for (let at = 512; at < 912; at++) all.space.map(page(at), frame(9), R);
  for (let at = 512; at < 912; at++) all.set(all.leaf(at), KEPT);
  expect(all.mmu.brokenRules().length).toBe(8);
  expect(all.space.peek(address(0), new Uint8Array(1))).toBe(false);
});
