/** The frame bitmap against the published trace, the memory map, and what the allocator does for its owners. */

import fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../../src/invariant.ts";
import { brokenBitmapRules, FrameAllocator, FrameBitmap } from "../../src/kernel/frame-allocator.ts";
import { defaultMemoryMap, splitMemoryMap } from "../../src/kernel/memory-map.ts";
import type { MemoryMapEntry } from "../../src/kernel/memory-map.ts";
import { frameNumber } from "../../src/mmu/address.ts";
import { createMmu } from "../../src/mmu/create-mmu.ts";

type Line =
  | readonly [op: "alloc", frame: number | null, free: number]
  | readonly [op: "contig" | "free", argument: number, outcome: number | string | null, free: number];

const trace = JSON.parse(
  readFileSync(new URL("../data/frame-bitmap-trace.json", import.meta.url), "utf8"),
) as {
  readonly total_frames: number;
  readonly initially_used: readonly number[];
  readonly walk: readonly Line[];
};

function bitmap(total: number, used: readonly number[] = []): FrameBitmap {
  const map = new FrameBitmap(new Uint8Array(FrameBitmap.bytesFor(total)), total);
  for (let frame = 0; frame < total; frame++) if (!used.includes(frame)) map.markFree(frame);
  return map;
}

const FREE_OUTCOMES: Readonly<Record<string, string>> = {
  ok: "ok",
  DoubleFree: "doubleFree",
  OutOfRange: "outOfRange",
};

describe("FrameBitmap", () => {
  test("repeats the published trace", () => {
    const map = bitmap(trace.total_frames, trace.initially_used);
    expect(trace.walk.length).toBeGreaterThan(300);
    for (const [i, line] of trace.walk.entries()) {
      if (line[0] === "alloc") {
        expect([i, map.allocate() ?? null, map.freeCount]).toEqual([i, line[1], line[2]]);
        continue;
      }
      const [op, argument, outcome, free] = line;
      const got = op === "free" ? map.free(argument) : (map.allocateContiguous(argument) ?? null);
      const wanted = typeof outcome === "string" ? FREE_OUTCOMES[outcome] : outcome;
      expect([i, got, map.freeCount]).toEqual([i, wanted, free]);
    }
    expect(brokenBitmapRules(map, [])).toEqual([]);
  });

  test("sets the bits past the last frame, and refuses to free them", () => {
    const map = bitmap(11);
    expect(map.bytes[1]).toBe(0b1111_1000);
    map.markFree(11);
    expect(map.freeCount).toBe(11);
    expect(map.free(11)).toBe("outOfRange");
    expect(map.freeCount).toBe(11);
  });

  test.each([
    [0, 37],
    [3, 30],
    [8, 16],
    [31, 99],
    [5, 5],
  ])("freeing the run %i..%i is freeing its frames", (first, end) => {
    const [whole, single] = [bitmap(37, [9, 20]), bitmap(37, [9, 20])];
    for (const map of [whole, single]) for (let f = 0; f < 37; f++) if (f % 11 > 1) map.markUsed(f);
    whole.markRunFree(first, end);
    for (let frame = first; frame < end; frame++) single.markFree(frame);
    expect(whole.bytes).toEqual(single.bytes);
    expect(brokenBitmapRules(whole, [])).toEqual([]);
  });

  test("marks are idempotent", () => {
    const map = bitmap(16);
    map.markUsed(3);
    map.markUsed(3);
    expect(map.freeCount).toBe(15);
    map.markFree(3);
    map.markFree(3);
    expect(map.freeCount).toBe(16);
  });

  test("a frame freed below the hint comes back only after the wrap", () => {
    const map = bitmap(4);
    expect([map.allocate(), map.allocate()]).toEqual([0, 1]);
    expect(map.free(0)).toBe("ok");
    expect([map.allocate(), map.allocate(), map.allocate(), map.allocate()]).toEqual([2, 3, 0, undefined]);
  });

  test("a run never wraps", () => {
    const map = bitmap(8, [3]);
    map.allocateContiguous(4);
    expect(map.freeCount).toBe(3);
    expect(map.allocateContiguous(4)).toBeUndefined();
    expect(map.allocateContiguous(3)).toBe(0);
  });

  test("agrees with a set of free frames under random operations", () => {
    const operation = fc.tuple(fc.constantFrom("alloc", "contig", "free"), fc.nat(40));
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
        const map = bitmap(37, [0]);
        const free = new Set(Array.from({ length: 36 }, (_, i) => i + 1));
        for (const [op, n] of operations) {
          if (op === "free") {
            const wanted = n >= 37 ? "outOfRange" : free.has(n) ? "doubleFree" : "ok";
            expect(map.free(n)).toBe(wanted);
            if (wanted === "ok") free.add(n);
          } else {
            const count = op === "alloc" ? 1 : n;
            const first = op === "alloc" ? map.allocate() : map.allocateContiguous(count);
            const runs = [...free].some((f) =>
              Array.from({ length: count }, (_, i) => f + i).every((x) => free.has(x)),
            );
            expect(first !== undefined).toBe(count > 0 && runs);
            for (let i = 0; first !== undefined && i < count; i++) expect(free.delete(first + i)).toBe(true);
          }
          expect(brokenBitmapRules(map, [])).toEqual([]);
          expect(map.freeCount).toBe(free.size);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("KER-26 notices a bit flipped behind the count, and frame 0 given away", () => {
    const map = bitmap(16, [0]);
    expect(brokenBitmapRules(map, [0])).toEqual([]);
    map.bytes[1] = 1;
    expect(brokenBitmapRules(map, [0]).join("\n")).toMatch(/^KER-26 the bitmap has 14 clear bits.*15$/);
    map.bytes[1] = 0;
    map.markFree(0);
    expect(brokenBitmapRules(map, [0])).toEqual(["KER-26 frame 0x0 must never be free"]);
  });
});

describe("memory map", () => {
  const entry = (base: number, lengthBytes: number, type: MemoryMapEntry["type"]) => ({
    base,
    lengthBytes,
    type,
  });

  test("usable entries shrink to whole frames, all others grow", () => {
    const map = [entry(0x1800, 0x3000, "usable"), entry(0x3fff, 2, "reserved")];
    expect(splitMemoryMap(map, 16)).toEqual({
      usable: [{ first: 2, end: 4 }],
      taken: [{ first: 3, end: 5 }],
    });
  });

  test("what lies past the end of memory counts for nothing", () => {
    const map = [entry(0x8000, 0x10000, "usable"), entry(0xfd00_0000, 0x10_0000, "framebuffer")];
    expect(splitMemoryMap(map, 10)).toEqual({ usable: [{ first: 8, end: 10 }], taken: [] });
  });

  test.each([1, 2, 64, 256])("the default map of %i MiB covers memory once", (mebibytes) => {
    const ramBytes = mebibytes << 20;
    let at = 0;
    for (const { base, lengthBytes } of defaultMemoryMap(ramBytes)) {
      expect(base).toBe(at);
      expect(lengthBytes).toBeGreaterThan(0);
      at += lengthBytes;
    }
    expect(at).toBe(ramBytes);
  });

  test.each([
    "reserved",
    "acpiReclaimable",
    "acpiNvs",
    "badMemory",
    "bootloaderReclaimable",
    "kernelAndModules",
    "framebuffer",
  ] as const)("frames of type %s are never given out", (type) => {
    const mmu = createMmu({ ramBytes: 1 << 20, checks: "off" });
    const frames = new FrameAllocator(mmu, [entry(0, 1 << 20, "usable"), entry(0x8000, 0x78000, type)]);
    const given = new Set<number>();
    for (let f = frames.allocate(); f !== undefined; f = frames.allocate()) given.add(f);
    expect(given.size).toBe(256 - 0x78 - 1 - 1);
    expect([...given].some((f) => f >= 8 && f < 0x80)).toBe(false);
    expect(given.has(0)).toBe(false);
  });
});

describe("FrameAllocator", () => {
  const make = (): { mmu: ReturnType<typeof createMmu>; frames: FrameAllocator } => {
    const mmu = createMmu({ ramBytes: 2 << 20, checks: "full" });
    return { mmu, frames: new FrameAllocator(mmu, defaultMemoryMap(2 << 20)) };
  };

  test("keeps its bitmap in frames of its own", () => {
    const { mmu, frames } = make();
    expect(frames.bitmapFrames).toHaveLength(1);
    const [own] = frames.bitmapFrames;
    const before = mmu.frameBytes(own ?? frameNumber(0)).slice();
    const frame = frames.allocate() ?? frameNumber(0);
    const after = mmu.frameBytes(own ?? frameNumber(0));
    expect(((after[frame >> 3] ?? 0) >> (frame & 7)) & 1).toBe(1);
    expect(((before[frame >> 3] ?? 0) >> (frame & 7)) & 1).toBe(0);
    expect(frames.brokenRules()).toEqual([]);
  });

  test("a recycled frame comes back zeroed, after the code listener heard of it", () => {
    const { mmu, frames } = make();
    const heard: number[] = [];
    mmu.setCodeListener({ onCodeWrite: (frame) => heard.push(frame), onExecutableChange: () => undefined });
    const mine = frames.allocateMany(frames.freeCount) ?? [];
    const [soiled] = mine;
    if (soiled === undefined) throw new Error("no frame");
    mmu.frameBytes(soiled).fill(0xaa);
    mmu.watchCode(soiled);
    frames.free(soiled);
    expect(heard).toEqual([]);
    expect(frames.allocateZeroed()).toBe(soiled);
    expect(heard).toEqual([soiled]);
    expect(mmu.frameBytes(soiled).every((byte) => byte === 0)).toBe(true);
  });

  test("many frames: all or none", () => {
    const { frames } = make();
    const free = frames.freeCount;
    expect(frames.allocateMany(free + 1)).toBeUndefined();
    expect(frames.freeCount).toBe(free);
    expect(new Set(frames.allocateMany(free)).size).toBe(free);
    expect(frames.allocate()).toBeUndefined();
  });

  test("a free of what is free, of frame 0 or of the bitmap is our bug", () => {
    const { frames } = make();
    const frame = frames.allocate() ?? frameNumber(0);
    frames.free(frame);
    for (const bad of [
      frame,
      frameNumber(0),
      frames.bitmapFrames[0] ?? frameNumber(0),
      frameNumber(1 << 20),
    ]) {
      expect(() => frames.free(bad)).toThrow(InvariantError);
      expect(() => frames.free(bad)).toThrow(/^KER-26/);
    }
  });

  test("a memory map without room for the bitmap is refused", () => {
    const mmu = createMmu({ ramBytes: 1 << 20, checks: "off" });
    expect(() => new FrameAllocator(mmu, [])).toThrow(/^KER-26 the memory map/);
  });
});
