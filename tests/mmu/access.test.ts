import { expect, test } from "vitest";
import { address, PAGE_BYTES, USER_END, USER_END_PAGE } from "../../src/mmu/address.ts";
import { ACCESS_ALIGNED, ACCESS_MODIFY, ACCESS_STACK, TLB_WRITE } from "../../src/mmu/layout.ts";
import { ACCESS_CODE, ACCESS_FAULT, ACCESS_OK } from "../../src/mmu/mmu.ts";
import { load, machine, map, page, pattern, probe, R, RW, RX, scratch, store, frame } from "./support.ts";

/** The same tests below and above 4 GiB, where the caches differ. */
const BASES = [0x40_0000, 0x5_0000_0000, 0x7fff_0000_0000];

const setup = (base: number) => {
  const all = machine();
  const space = all.newSpace();
  all.mmu.activate(space);
  map(space, base / PAGE_BYTES, 5, RW);
  map(space, base / PAGE_BYTES + 1, 3, RW);
  return { ...all, space };
};

test.each(BASES)("loads and stores of every size at every offset, base %i", (base) => {
  const { mmu } = setup(base);
  const [first, second] = [mmu.frameBytes(frame(5)), mmu.frameBytes(frame(3))];
  const byteAt = (offset: number): number => (offset < 4096 ? first[offset] : second[offset - 4096]) ?? 0;
  for (const size of [1, 2, 4, 8, 16]) {
    for (const offset of [0, 1, 2, 3, 7, 2040, 4096 - size, 4096 - size + 1, 4093, 4095, 4096]) {
      const value = pattern(16, size + offset);
      const [before, after] = [byteAt(offset - 1), byteAt(offset + size)];
      scratch(mmu).set(value);
      expect(store(mmu, base + offset, size)).toBe(ACCESS_OK);
      const written = Array.from({ length: size }, (_, index) => byteAt(offset + index));
      expect(written).toEqual([...value.subarray(0, size)]);
      expect([byteAt(offset - 1), byteAt(offset + size)]).toEqual([before, after]);
      scratch(mmu).fill(0xee);
      expect(load(mmu, base + offset, size)).toBe(ACCESS_OK);
      // Zero-extended to the 16 scratch bytes.
      expect([...scratch(mmu)]).toEqual([...written, ...Array.from({ length: 16 - size }, () => 0)]);
    }
  }
  expect(mmu.brokenRules()).toEqual([]);
});

test.each(BASES)("accessed and dirty bits are set by what happened, base %i", (base) => {
  const { mmu, space } = setup(base);
  const where = page(base / PAGE_BYTES);
  const bits = () => [space.query(where)?.accessed, space.query(where)?.dirty];
  expect(probe(mmu, base, 8)).toBe(ACCESS_OK);
  expect(bits()).toEqual([false, false]);
  load(mmu, base, 8);
  expect(bits()).toEqual([true, false]);
  load(mmu, base, 8, ACCESS_MODIFY);
  expect(bits()).toEqual([true, false]);
  store(mmu, base, 8);
  expect(bits()).toEqual([true, true]);
});

test.each(BASES)("faults name the first failing byte, base %i", (base) => {
  const { mmu, space } = setup(base);
  const [lo, hi] = [base | 0, Math.floor(base / 2 ** 32)];
  space.protect(page(base / PAGE_BYTES + 1), R);
  scratch(mmu).fill(0x5a);
  // The second page refuses: nothing of the first is written, no bits are set.
  expect(store(mmu, base + 4092, 8)).toBe(ACCESS_FAULT);
  expect(mmu.fault).toEqual({ vector: 14, errorCode: 7, lo: lo + 4096, hi, access: "write" });
  expect(mmu.frameBytes(frame(5))[4092]).toBe(0);
  expect(space.query(page(base / PAGE_BYTES))).toMatchObject({ accessed: false, dirty: false });
  expect(mmu.stats.tlbFills).toBe(0);
  // The first page refuses first.
  space.protect(page(base / PAGE_BYTES), R);
  expect(store(mmu, base + 4092, 8)).toBe(ACCESS_FAULT);
  expect(mmu.fault).toMatchObject({ errorCode: 7, lo: lo + 4092 });
  expect(probe(mmu, base + 4092, 8)).toBe(ACCESS_FAULT);
  expect(load(mmu, base + 4092, 8)).toBe(ACCESS_OK);
  // A read-modify-write faults at its load, as a write.
  expect(load(mmu, base + 16, 4, ACCESS_MODIFY)).toBe(ACCESS_FAULT);
  expect(mmu.fault).toEqual({ vector: 14, errorCode: 7, lo: lo + 16, hi, access: "write" });
  // Not mapped.
  expect(load(mmu, base + 8192, 1)).toBe(ACCESS_FAULT);
  expect(mmu.fault).toMatchObject({ errorCode: 4, lo: lo + 8192, access: "read" });
  expect(load(mmu, base + 8190, 4)).toBe(ACCESS_FAULT);
  expect(mmu.fault).toMatchObject({ errorCode: 4, lo: lo + 8192 });
});

test("non-canonical addresses: #GP, through the stack #SS", () => {
  const { mmu } = setup(0x40_0000);
  for (const [hi, size] of [
    [0x8000, 1],
    [0xffff_7fff | 0, 8],
    [0x1234_5678, 4],
    [-0x8001, 16],
  ] as const) {
    expect(mmu.load(16, hi, size, 0)).toBe(ACCESS_FAULT);
    expect(mmu.fault).toEqual({ vector: 13, errorCode: 0, lo: 16, hi, access: "read" });
    expect(mmu.store(16, hi, size, ACCESS_STACK, false)).toBe(ACCESS_FAULT);
    expect(mmu.fault).toEqual({ vector: 12, errorCode: 0, lo: 16, hi, access: "write" });
    expect(mmu.probeWrite(16, hi, size, ACCESS_STACK)).toBe(ACCESS_FAULT);
    expect(mmu.fault?.vector).toBe(12);
  }
});

test("an access that runs over the end of the user half is not canonical", () => {
  const { mmu, space } = setup(0x40_0000);
  map(space, USER_END_PAGE - 1, 7, RW);
  expect(load(mmu, USER_END - 8, 8)).toBe(ACCESS_OK);
  expect(load(mmu, USER_END - 7, 8)).toBe(ACCESS_FAULT);
  expect(mmu.fault).toMatchObject({ vector: 13, lo: -7, hi: 0x7fff });
});

test("an access that wraps at 2^64 faults in the upper half", () => {
  const { mmu, space } = setup(0x40_0000);
  map(space, 0, 7, RW);
  expect(mmu.load(-4, -1, 8, 0)).toBe(ACCESS_FAULT);
  expect(mmu.fault).toMatchObject({ vector: 14, errorCode: 4, lo: -4, hi: -1 });
});

test("the upper half is refused to users with a page fault: direct map, kernel image, hole", () => {
  const { mmu } = setup(0x40_0000);
  for (const [lo, hi, present] of [
    [0, 0xffff8000, 1],
    [-0x8000_0000, -1, 1],
    [0, -1, 0],
    [0x10_0000, 0xffffc000, 0],
  ] as const) {
    expect(mmu.load(lo, hi | 0, 8, 0)).toBe(ACCESS_FAULT);
    expect(mmu.fault).toEqual({ vector: 14, errorCode: 4 | present, lo, hi: hi | 0, access: "read" });
    expect(mmu.store(lo, hi | 0, 8, 0, true)).toBe(ACCESS_FAULT);
    expect(mmu.fault?.errorCode).toBe(6 | present);
  }
  expect(mmu.stats.tlbFills).toBe(0);
});

test("misaligned aligned accesses are #GP before any page fault", () => {
  const { mmu } = setup(0x40_0000);
  expect(load(mmu, 0x40_0010, 16, ACCESS_ALIGNED)).toBe(ACCESS_OK);
  expect(load(mmu, 0x40_0008, 16, ACCESS_ALIGNED)).toBe(ACCESS_FAULT);
  expect(mmu.fault).toEqual({ vector: 13, errorCode: 0, lo: 0x40_0008, hi: 0, access: "read" });
  expect(store(mmu, 0x80_0001, 16, ACCESS_ALIGNED | ACCESS_STACK)).toBe(ACCESS_FAULT);
  expect(mmu.fault?.vector).toBe(13);
  expect(store(mmu, 0x80_0000, 16, ACCESS_ALIGNED)).toBe(ACCESS_FAULT);
  expect(mmu.fault).toMatchObject({ vector: 14, errorCode: 6 });
});

test.each(BASES)("a store to a watched frame waits for leave, base %i", (base) => {
  const { mmu } = setup(base);
  const heard: [number, number | undefined][] = [];
  mmu.setCodeListener({
    onCodeWrite: (written) => heard.push([written, mmu.frameBytes(written)[4095]]),
    onExecutableChange: () => undefined,
  });
  store(mmu, base + 4095, 1);
  mmu.watchCode(frame(5));
  mmu.watchCode(frame(3));
  scratch(mmu).fill(0x77);
  const { tlbFills } = mmu.stats;
  expect(store(mmu, base + 4095, 2)).toBe(ACCESS_CODE);
  expect(mmu.frameBytes(frame(5))[4095]).toBe(0);
  expect(mmu.stats.tlbFills).toBe(tlbFills);
  expect(heard).toEqual([]);
  expect(store(mmu, base + 4095, 2, 0, true)).toBe(ACCESS_OK);
  // The listener heard of both frames before the bytes landed.
  expect(heard).toEqual([
    [5, 0],
    [3, 0],
  ]);
  expect(mmu.frameBytes(frame(3))[0]).toBe(0x77);
  expect(mmu.watchedFrames.size).toBe(0);
  expect(store(mmu, base + 4095, 2)).toBe(ACCESS_OK);
});

test.each([5, 3])(
  "a store over a page end waits for leave when either frame is watched, frame %i",
  (watched) => {
    const { mmu } = setup(0x40_0000);
    mmu.watchCode(frame(watched));
    expect(store(mmu, 0x40_0ffe, 4)).toBe(ACCESS_CODE);
    expect(store(mmu, 0x40_0ffe, 2)).toBe(watched === 5 ? ACCESS_CODE : ACCESS_OK);
  },
);

test("a fault in the second page comes before the code watch of the first", () => {
  const { mmu, space } = setup(0x40_0000);
  mmu.watchCode(frame(5));
  space.protect(page(0x401), RX);
  expect(store(mmu, 0x40_0fff, 2)).toBe(ACCESS_FAULT);
  expect(mmu.fault?.lo).toBe(0x40_1000);
});

test("loads of a watched frame fill a read-only entry, also after its first write", () => {
  const { mmu, parts, space } = setup(0x40_0000);
  store(mmu, 0x40_0000, 4);
  mmu.watchCode(frame(5));
  space.protect(page(0x400), RW);
  expect(load(mmu, 0x40_0000, 4)).toBe(ACCESS_OK);
  expect(parts.tlb.entry((space as unknown as { slot: number }).slot, 0x40_0000) & TLB_WRITE).toBe(0);
});

test("MMU-9 an access without an active space", () => {
  const { mmu } = machine();
  expect(() => load(mmu, 0x1000, 1)).toThrow(/^MMU-9/);
});

test("a listener that uses the MMU does not disturb the store that it hears of", () => {
  const { mmu, space, parts } = setup(0x40_0000);
  mmu.watchCode(frame(5));
  mmu.setCodeListener({
    onCodeWrite: () => void space.check(address(0x40_1000), 4, "read"),
    onExecutableChange: () => undefined,
  });
  scratch(mmu).fill(0x11);
  expect(store(mmu, 0x40_0000, 4, 0, true)).toBe(ACCESS_OK);
  expect(space.query(page(0x400))?.dirty).toBe(true);
  expect(space.query(page(0x401))?.dirty).toBe(false);
  expect(parts.tlb.entry((space as unknown as { slot: number }).slot, 0x40_1000)).toBe(0);
  expect(mmu.frameBytes(frame(5))[3]).toBe(0x11);
});
