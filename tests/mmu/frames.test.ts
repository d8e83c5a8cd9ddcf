import { expect, test } from "vitest";
import { createMmu, partsOf } from "../../src/mmu/create-mmu.ts";
import { frameByte, FRESH, ramBytesProblem, WRITTEN, ZEROED } from "../../src/mmu/frames.ts";
import { MAX_RAM_BYTES, MIN_RAM_BYTES, SCRATCH_BYTE, STATE_BYTE } from "../../src/mmu/layout.ts";
import { address } from "../../src/mmu/address.ts";
import { frame, machine, map, page, R, RW, store } from "./support.ts";

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

/** Each way to write a frame that is mapped at page 16. */
const WRITERS = {
  store: ({ mmu, space }) => expect([mmu.activate(space), store(mmu, 0x10ff8, 8)]).toEqual([undefined, 0]),
  copyOut: ({ space }) => expect(space.copyOut(address(0x10ff8), Uint8Array.of(1))).toBeUndefined(),
  "copyOut over a page end": ({ space }) => {
    map(space, 17, 6);
    expect(space.copyOut(address(0x10fff), Uint8Array.of(1, 2))).toBeUndefined();
  },
  poke: ({ space }) => expect(space.poke(address(0x10ff8), Uint8Array.of(1))).toBe(true),
  "a view of the frame": ({ mmu }) => void mmu.frameBytes(frame(5)).fill(1),
  "an announced write": ({ mmu }) => {
    mmu.beforeFrameWrite(frame(5));
    mmu.bytes[frameByte(5)] = 1;
  },
} satisfies Record<string, (world: ReturnType<typeof machineWithPage>) => void>;

function machineWithPage() {
  const all = machine();
  const space = all.newSpace();
  map(space, 16, 5, RW);
  all.mmu.bytes.fill(1, SCRATCH_BYTE, SCRATCH_BYTE + 16);
  return { ...all, space, content: () => all.parts.frames.content[5] };
}

test.each(Object.entries(WRITERS))("MMU-11 %s makes a frame one that must be zeroed", (_, write) => {
  for (const before of [(): void => undefined, protectedAfterwards, keptAfterwards]) {
    const world = machineWithPage();
    expect(world.content()).toBe(FRESH);
    write(world);
    before(world);
    world.space.unmap(page(16));
    expect(world.content()).toBe(WRITTEN);
    expect(world.mmu.bytes.indexOf(1, frameByte(5))).toBeLessThan(frameByte(6));
    world.mmu.zeroFrame(frame(5));
    expect(world.content()).toBe(ZEROED);
    expect(world.mmu.bytes.subarray(frameByte(5), frameByte(6)).every((byte) => byte === 0)).toBe(true);
    expect(world.mmu.brokenRules()).toEqual([]);
  }
});

const protectedAfterwards = ({ space }: ReturnType<typeof machineWithPage>) => space.protect(page(16), R);
const keptAfterwards = ({ space }: ReturnType<typeof machineWithPage>) => space.protect(page(16), undefined);

test("a frame that was only mapped and read stays as it was", () => {
  const { mmu, space, content } = machineWithPage();
  mmu.activate(space);
  expect(space.copyIn(address(0x10000), 16)).toEqual(new Uint8Array(16));
  space.unmap(page(16));
  expect(content()).toBe(FRESH);
});

test("a mapped frame is zeroed whatever is known of it, and again when it is unmapped", () => {
  const { mmu, space, content } = machineWithPage();
  mmu.activate(space);
  expect(store(mmu, 0x10000, 8)).toBe(0);
  expect(content()).toBe(FRESH);
  mmu.zeroFrame(frame(5));
  expect(mmu.bytes[frameByte(5)]).toBe(0);
  expect(store(mmu, 0x10000, 8)).toBe(0);
  space.unmap(page(16));
  mmu.zeroFrame(frame(5));
  expect(mmu.bytes[frameByte(5)]).toBe(0);
  expect(content()).toBe(ZEROED);
});

test("a page table is zeroed before its frame is used again", () => {
  const { mmu, parts, source } = machine();
  const space = mmu.createAddressSpace(source);
  const root = space?.root ?? frame(0);
  space?.destroy();
  expect(parts.frames.content[root]).toBe(WRITTEN);
  mmu.zeroFrame(root);
  expect(mmu.bytes.subarray(frameByte(root), frameByte(root + 1)).every((byte) => byte === 0)).toBe(true);
});

test("MMU-11 sabotage: bytes that changed behind the back of the MMU", () => {
  const { mmu } = machine();
  mmu.frameBytes(frame(3)).fill(1);
  mmu.zeroFrame(frame(3));
  mmu.bytes[frameByte(3) + 4095] = 1;
  expect(mmu.brokenRules()).toEqual(["MMU-11: frame 0x3 counts as zero and holds other bytes"]);
  expect(() => mmu.zeroFrame(frame(3))).toThrow(/^MMU-11: frame 0x3/);
  mmu.bytes[frameByte(4)] = 1;
  expect(() => mmu.zeroFrame(frame(4))).toThrow(/^MMU-11: frame 0x4/);
});
