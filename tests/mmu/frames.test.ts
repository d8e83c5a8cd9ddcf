import { expect, test } from "vitest";
import { createMmu, partsOf } from "../../src/mmu/create-mmu.ts";
import { frameByte, ramBytesProblem } from "../../src/mmu/frames.ts";
import { MAX_RAM_BYTES, MIN_RAM_BYTES, STATE_BYTE } from "../../src/mmu/layout.ts";
import { frame, machine } from "./support.ts";

test("RAM sizes that cannot be are refused in one line", () => {
  expect(ramBytesProblem(MIN_RAM_BYTES)).toBeUndefined();
  expect(ramBytesProblem(MAX_RAM_BYTES)).toBeUndefined();
  for (const wrong of [
    0,
    MIN_RAM_BYTES - 4096,
    MIN_RAM_BYTES + 1,
    MAX_RAM_BYTES + 4096,
    NaN,
    Infinity,
    2 ** 20 + 0.5,
  ]) {
    expect(ramBytesProblem(wrong)).toMatch(/^guest RAM must be .* not /);
    expect(() => createMmu({ ramBytes: wrong, checks: "off" })).toThrow(RangeError);
  }
});

test("frames are 4096 bytes each, apart, and zeroed one at a time", () => {
  const { mmu } = machine();
  mmu.frameBytes(frame(3)).fill(1);
  mmu.frameBytes(frame(4)).fill(2);
  mmu.frameBytes(frame(5)).fill(3);
  mmu.zeroFrame(frame(4));
  expect(mmu.bytes[frameByte(4) - 1]).toBe(1);
  expect(mmu.frameBytes(frame(4)).every((byte) => byte === 0)).toBe(true);
  expect(mmu.bytes[frameByte(5)]).toBe(3);
  expect(mmu.frameBytes(frame(5)).length).toBe(4096);
});

test("all views are of the one buffer", () => {
  const { mmu } = machine();
  expect(mmu.bytes.buffer).toBe(mmu.memory.buffer);
  expect(mmu.words.buffer).toBe(mmu.memory.buffer);
  mmu.view.setInt32(STATE_BYTE, 0x01020304, true);
  expect(mmu.words[STATE_BYTE >> 2]).toBe(0x01020304);
  expect(mmu.memory.buffer).toBe(mmu.view.buffer);
});

test("MMU-9 a frame number outside memory is refused", () => {
  const { mmu } = machine();
  for (const wrong of [-1, 0.5, mmu.frameCount + 16, NaN]) {
    expect(() => mmu.frameBytes(frame(wrong))).toThrow(/^MMU-9/);
    expect(() => mmu.zeroFrame(frame(wrong))).toThrow(/^MMU-9/);
    expect(() => mmu.watchCode(frame(wrong))).toThrow(/^MMU-9/);
  }
});

test("a new MMU costs nothing in proportion to its RAM and obeys its rules", () => {
  const mmu = createMmu({ ramBytes: 1 << 30, checks: "full" });
  expect(mmu.frameCount).toBe((1 << 30) / 4096);
  expect(mmu.brokenRules()).toEqual([]);
  expect(partsOf(mmu).spaces.size).toBe(0);
});
