import { expect, test } from "vitest";
import { highHalf, lowHalf } from "../../src/mmu/address.ts";
import { PRESENT, at, entryWord } from "../../src/mmu/entry.ts";
import { frameByte } from "../../src/mmu/frames.ts";
import {
  describeRange, DIRECT_MAP_BASE, KERNEL_IMAGE_BASE, linkKernelHalf, supervisorAccess, upperHalves,
} from "../../src/mmu/kernel-half.ts"; // prettier-ignore
import { KERNEL_FRAMES, MAX_RAM_BYTES } from "../../src/mmu/layout.ts";
import { Frames } from "../../src/mmu/frames.ts";
import { machine, map, R, RX } from "./support.ts";

const setup = (ramBytes?: number) => {
  const all = machine(ramBytes);
  const space = all.newSpace();
  const access = (
    where: bigint | number,
    kind: "read" | "write" | "execute",
    guard: "open" | "closed" = "closed",
  ) => {
    const halves =
      typeof where === "bigint" ? upperHalves(where) : { lo: lowHalf(where), hi: highHalf(where) };
    const outcome = supervisorAccess(all.parts, space, halves, kind, guard);
    return typeof outcome === "number" ? outcome : outcome.errorCode;
  };
  return { ...all, space, access };
};

test("the layout, as people read it", () => {
  expect(setup().parts.kernel.ranges.map(describeRange)).toEqual([
    "0xffff800000000000-0xffff800000100000 rw- direct map",
    "0xffffffff80000000-0xffffffff80004000 r-x text",
    "0xffffffff80004000-0xffffffff80006000 r-- rodata",
    "0xffffffff80006000-0xffffffff80008000 rw- data",
  ]);
});

test.each([1 << 20, 3 << 20, 8 << 20, (64 << 20) + 4096])(
  "the direct map reaches exactly guest RAM, %i bytes",
  (ramBytes) => {
    const { access, mmu } = setup(ramBytes);
    for (const physical of [0, 4095, ramBytes / 2 + 123, ramBytes - 1]) {
      expect(access(DIRECT_MAP_BASE + BigInt(physical), "write")).toBe(frameByte(0) + physical);
      expect(access(DIRECT_MAP_BASE + BigInt(physical), "execute")).toBe(17);
    }
    expect(access(DIRECT_MAP_BASE + BigInt(ramBytes), "read")).toBe(0);
    expect(mmu.brokenRules()).toEqual([]);
  },
);

test("text, rodata and data allow what they should", () => {
  const { access, parts, mmu } = setup();
  const allowed = parts.kernel.ranges
    .slice(1)
    .map((range) =>
      (["read", "write", "execute"] as const).map((kind) => access(range.start + 64n, kind) > 31),
    );
  expect(allowed).toEqual([
    [true, false, true],
    [true, false, false],
    [true, true, false],
  ]);
  const text = access(KERNEL_IMAGE_BASE + 16n, "execute");
  expect(new TextDecoder().decode(mmu.bytes.subarray(text, text + 25))).toBe("capjit kernel text page 0");
  expect(mmu.bytes[text - 1]).toBe(0xcc);
  expect(access(KERNEL_IMAGE_BASE, "write")).toBe(3);
  expect(access(KERNEL_IMAGE_BASE + 0x8000n, "read")).toBe(0);
});

test("kernel frames are past guest RAM, and nothing but the image maps them", () => {
  const { parts, mmu } = setup();
  for (const range of parts.kernel.ranges.slice(1))
    expect(range.firstFrame).toBeGreaterThanOrEqual(mmu.frameCount);
});

test("SMAP and SMEP through the kernel's own access", () => {
  const { access, space } = setup();
  map(space, 0x400, 7, RX);
  map(space, 0x401, 8, R);
  expect(access(0x40_0000, "read")).toBe(1);
  expect(access(0x40_0000, "read", "open")).toBe(frameByte(7));
  expect(access(0x40_0000, "execute")).toBe(17);
  expect(access(0x40_0000, "execute", "open")).toBe(17);
  expect(access(0x40_1000, "write", "open")).toBe(3);
});

test("a non-canonical address is #GP for the kernel too", () => {
  const { parts, space } = setup();
  const fault = supervisorAccess(parts, space, { lo: 4, hi: 0x8000 }, "read", "open");
  expect(fault).toEqual({ vector: 13, errorCode: 0, lo: 4, hi: 0x8000, access: "read" });
});

test("every space shares the upper entries, also after it changed its lower half", () => {
  const { parts, newSpace, mmu } = setup();
  const space = newSpace();
  map(space, 0x400, 7, RX);
  for (const index of [256, 511]) {
    const shared = at(mmu.words, entryWord(parts.kernel.root, index));
    expect(shared & PRESENT).toBe(PRESENT);
    expect(at(mmu.words, entryWord(space.root, index))).toBe(shared);
  }
  linkKernelHalf(parts.frames, parts.kernel, space.root);
  expect(mmu.brokenRules()).toEqual([]);
});

test("the most RAM there can be fits", () => {
  const frames = new Frames(MAX_RAM_BYTES);
  expect(frames.totalFrames - frames.ramFrames).toBe(KERNEL_FRAMES);
  expect(frames.memory.buffer.byteLength).toBe(2 ** 31);
  const { access, parts } = setup(MAX_RAM_BYTES - 4096);
  expect(access(DIRECT_MAP_BASE + BigInt(MAX_RAM_BYTES - 4097), "read")).toBeGreaterThan(0);
  expect(parts.kernel.ranges).toHaveLength(4);
});
