import fc from "fast-check";
import { expect, test } from "vitest";
import type { Space } from "../../src/mmu/address-space.ts";
import { FAR_ENTRIES, FarTlb } from "../../src/mmu/far-tlb.ts";
import { frameByte } from "../../src/mmu/frames.ts";
import { TABLE_POINTER_WORD, TLB_READ, TLB_SLOTS, TLB_WRITE } from "../../src/mmu/layout.ts";
import type { AddressSpace } from "../../src/mmu/mmu.ts";
import { entryByte, entryFrame, tableWord } from "../../src/mmu/tlb.ts";
import { frame, load, type Machine, machine, map, page, R, RW, store } from "./support.ts";

const slotOf = (space: AddressSpace): number => (space as Space).slot;
const flags = ({ parts }: Machine, space: AddressSpace, where: number): number =>
  slotOf(space) < 0 ? 0 : parts.tlb.entry(slotOf(space), where) & 3;

test("an entry leads emitted code to the byte, for the lowest and the highest page", () => {
  const all = machine();
  const space = all.newSpace();
  all.mmu.activate(space);
  for (const where of [0, 0x7fff_f000, 0x8000_0000, 0xffff_f000]) {
    map(space, where / 4096, 9, RW);
    store(all.mmu, where + 8, 4);
    const pointer = all.mmu.words[TABLE_POINTER_WORD] ?? 0;
    const entry = all.mmu.words[pointer + (where >>> 12)] ?? 0;
    expect(entry & 3).toBe(TLB_READ | TLB_WRITE);
    expect(((entry + (where + 8)) & ~3) >>> 0).toBe(frameByte(9) + 8);
    expect(entryByte(entry, where + 0xffd)).toBe(frameByte(9) + 0xffd);
    expect(entryFrame(entry, where + 0xffd)).toBe(9);
    space.unmap(page(where / 4096));
    expect(all.mmu.words[pointer + (where >>> 12)]).toBe(0);
  }
});

test("a read fills a read entry, a write a writable one, a read after a write too", () => {
  const all = machine();
  const space = all.newSpace();
  all.mmu.activate(space);
  map(space, 16, 9, RW);
  load(all.mmu, 0x10000, 1);
  expect(flags(all, space, 0x10000)).toBe(TLB_READ);
  store(all.mmu, 0x10000, 1);
  expect(flags(all, space, 0x10000)).toBe(TLB_READ | TLB_WRITE);
  space.protect(page(16), R);
  expect(flags(all, space, 0x10000)).toBe(0);
  load(all.mmu, 0x10000, 1);
  expect(flags(all, space, 0x10000)).toBe(TLB_READ);
  space.protect(page(16), RW);
  load(all.mmu, 0x10000, 1);
  // Dirty since the store, so the read may grant writing.
  expect(flags(all, space, 0x10000)).toBe(TLB_READ | TLB_WRITE);
});

test("a hit in the slow path does not fill again", () => {
  const all = machine();
  const space = all.newSpace();
  all.mmu.activate(space);
  map(space, 16, 9, RW);
  map(space, 2 ** 30, 9, RW);
  for (const where of [0x10000, 2 ** 42]) {
    const before = all.mmu.stats.tlbFills;
    for (let turn = 0; turn < 5; turn++) store(all.mmu, where + turn, 8);
    expect(all.mmu.stats.tlbFills).toBe(before + 1);
  }
  expect(all.mmu.stats.slowAccesses).toBe(10);
});

test("the least recently used table is taken over, emptied; others keep their entries", () => {
  const all = machine();
  const spaces = Array.from({ length: TLB_SLOTS + 1 }, () => all.newSpace());
  for (const [index, space] of spaces.entries()) {
    map(space, 16, index, RW);
    if (index === TLB_SLOTS) break;
    all.mmu.activate(space);
    load(all.mmu, 0x10000, 1);
  }
  const [first, second, last] = [spaces[0], spaces[1], spaces[TLB_SLOTS]] as [
    AddressSpace,
    AddressSpace,
    AddressSpace,
  ];
  all.mmu.activate(first);
  const taken = slotOf(second);
  all.mmu.activate(last);
  expect(slotOf(last)).toBe(taken);
  expect(slotOf(second)).toBe(-1);
  expect(all.mmu.words[TABLE_POINTER_WORD]).toBe(tableWord(taken));
  expect(flags(all, last, 0x10000)).toBe(0);
  expect(flags(all, first, 0x10000)).toBe(TLB_READ);
  expect(all.mmu.brokenRules()).toEqual([]);
});

test("the table pointer of a destroyed active space names an empty table", () => {
  const all = machine();
  const [one, two] = [all.newSpace(), all.newSpace()];
  map(one, 16, 9, RW);
  map(two, 16, 8, RW);
  all.mmu.activate(two);
  load(all.mmu, 0x10000, 1);
  all.mmu.activate(one);
  load(all.mmu, 0x10000, 1);
  one.unmap(page(16));
  one.destroy();
  expect(all.mmu.active).toBeUndefined();
  expect(all.parts.tlb.holders.filter((holder) => holder !== undefined)).toEqual([two]);
  expect(all.mmu.words[(all.mmu.words[TABLE_POINTER_WORD] ?? 0) + 16]).toBe(0);
  expect(flags(all, two, 0x10000)).toBe(TLB_READ);
  expect(() => all.mmu.activate(one)).toThrow(/^MMU-9/);
  expect(all.mmu.brokenRules()).toEqual([]);
});

test("watching a frame takes the write bit out of every alias in every table, and of nothing else", () => {
  const all = machine();
  const spaces = [all.newSpace(), all.newSpace(), all.newSpace()];
  for (const space of spaces) {
    all.mmu.activate(space);
    for (const [at, to] of [
      [16, 9],
      [17, 9],
      [18, 8],
      [2 ** 30, 9],
      [2 ** 30 + 1, 8],
    ] as const) {
      map(space, at, to, RW);
      store(all.mmu, at * 4096, 4);
    }
  }
  all.mmu.watchCode(frame(9));
  for (const space of spaces) {
    expect([16, 17, 18].map((at) => flags(all, space, at * 4096))).toEqual([
      TLB_READ,
      TLB_READ,
      TLB_READ | TLB_WRITE,
    ]);
  }
  const last = spaces[2] as AddressSpace;
  const { farTlb } = all.parts;
  expect(farTlb.lookup(last.id, 0, 2 ** 10, TLB_READ)).toBe(frameByte(9));
  expect(farTlb.lookup(last.id, 0, 2 ** 10, TLB_WRITE)).toBe(-1);
  expect(farTlb.lookup(last.id, 4096, 2 ** 10, TLB_WRITE)).toBe(frameByte(8));
  expect(all.mmu.brokenRules()).toEqual([]);
});

test("thousands of watched frames and of aliases stay cheap: each entry is visited once", () => {
  const all = machine(64 << 20);
  const space = all.newSpace();
  all.mmu.activate(space);
  for (let at = 0; at < 4000; at++) {
    map(space, at, 8000 + (at % 2000), RW);
    store(all.mmu, at * 4096, 4);
  }
  const flushes = all.mmu.stats.tlbFlushes;
  for (let turn = 0; turn < 3; turn++) {
    for (let each = 8000; each < 10000; each++) {
      all.mmu.watchCode(frame(each));
      all.mmu.unwatchCode(frame(each));
    }
  }
  expect(all.mmu.stats.tlbFlushes - flushes).toBe(4000);
  expect(all.mmu.brokenRules()).toEqual([]);
});

test("records are reused: a page that is filled and flushed forever takes one", () => {
  const all = machine();
  const space = all.newSpace();
  all.mmu.activate(space);
  map(space, 16, 9, RW);
  for (let turn = 0; turn < 5000; turn++) {
    store(all.mmu, 0x10000, 1);
    space.protect(page(16), RW);
  }
  store(all.mmu, 0x10000, 1);
  expect(all.parts.tlb.listedRecords(slotOf(space))).toBe(1);
  expect(all.mmu.brokenRules()).toEqual([]);
});

test("the far TLB against a map", () => {
  const command = fc.record({
    kind: fc.constantFrom("fill", "flush", "dropWrites"),
    space: fc.integer({ min: 1, max: 2 }),
    // Pages that share places: FAR_ENTRIES apart.
    page: fc.tuple(fc.nat(2), fc.nat(2)).map(([a, b]) => a + b * FAR_ENTRIES),
    hi: fc.integer({ min: 1, max: 3 }),
    frame: fc.nat(2),
    writable: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const counters = { tlbFills: 0, tlbFlushes: 0, slowAccesses: 0 };
      const tlb = new FarTlb(counters);
      const model = new Map<string, { frame: number; writable: boolean }>();
      for (const { kind, space, page: at, hi, frame: to, writable } of commands) {
        const lo = at << 12;
        const key = `${space} ${hi} ${at}`;
        if (kind === "fill") {
          tlb.fill(space, lo, hi, to, writable);
          model.set(key, { frame: to, writable });
        } else if (kind === "flush") {
          tlb.flushPage(space, lo + 5, hi);
          model.delete(key);
        } else {
          tlb.dropWrites(to);
          for (const [each, value] of model)
            if (value.frame === to) model.set(each, { ...value, writable: false });
        }
        // The cache may forget, and never invents: every entry it has is the model's.
        tlb.forEach((id, low, high, bits, host) => {
          expect(model.get(`${id} ${high} ${low >>> 12}`)).toEqual({
            frame: (host - frameByte(0)) / 4096,
            writable: (bits & TLB_WRITE) !== 0,
          });
        });
        if (kind === "fill") expect(tlb.lookup(space, lo + 7, hi, TLB_READ)).toBe(frameByte(to) + 7);
      }
    }),
    { numRuns: 100 },
  );
});
