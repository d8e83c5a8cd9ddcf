/** The life of a memory object's frames. */

import { describe, expect, test } from "vitest";
import { FrameAllocator } from "../../src/kernel/frame-allocator.ts";
import { Ledger } from "../../src/kernel/ledger.ts";
import { defaultMemoryMap } from "../../src/kernel/memory-map.ts";
import { allocateMemoryObject } from "../../src/kernel/objects/memory-object.ts";
import type { MemoryObject } from "../../src/kernel/objects/memory-object.ts";
import { createMmu } from "../../src/mmu/create-mmu.ts";

const RAM_BYTES = 2 << 20;

function make(count: number): {
  readonly frames: FrameAllocator;
  readonly object: MemoryObject;
  readonly free: number;
} {
  const frames = new FrameAllocator(
    createMmu({ ramBytes: RAM_BYTES, checks: "full" }),
    defaultMemoryMap(RAM_BYTES),
  );
  const free = frames.freeCount;
  const result = allocateMemoryObject(frames, new Ledger(), count);
  if (result.status !== "ok") throw new Error(result.text);
  return { frames, object: result.object, free };
}

describe("allocation", () => {
  test("frames lie side by side", () => {
    const { object, frames, free } = make(5);
    const [first = 0] = object.frames;
    expect(object.frames).toEqual([0, 1, 2, 3, 4].map((i) => first + i));
    expect([object.pageCount, object.sizeBytes, free - frames.freeCount]).toEqual([5, 20480, 5]);
  });

  test.each([
    [0, "invalidArgument", "a memory object of 0 pages"],
    [9, "overloaded", "frame grant quota: 9 more frame grant pages asked, 8 of 8 left"],
    [2 ** 32 - 1, "overloaded", /^frame grant quota/],
  ] as const)("%i pages are refused and take nothing", (count, status, text) => {
    const { frames } = make(1);
    const free = frames.freeCount;
    const result = allocateMemoryObject(frames, new Ledger({ frameGrantPages: 8 }), count);
    if (result.status === "ok") throw new Error("not refused");
    expect(result.status).toBe(status);
    expect(result.text).toMatch(text);
    expect(frames.freeCount).toBe(free);
  });

  test("no run of frames: overloaded", () => {
    const { frames } = make(1);
    expect(allocateMemoryObject(frames, new Ledger(), 600)).toEqual({
      status: "overloaded",
      text: "no 600 free frames side by side",
    });
  });
});

describe("frames go back with the last name", () => {
  test("of a capability", () => {
    const { object, frames, free } = make(3);
    object.addHold();
    object.addHold();
    object.dropHold();
    expect([object.freed, frames.freeCount]).toEqual([false, free - 3]);
    object.dropHold();
    expect([object.freed, frames.freeCount]).toEqual([true, free]);
  });

  test("of a mapping, after the capabilities", () => {
    const { object, frames, free } = make(3);
    object.addHold();
    object.addMappedPages(2);
    object.addMappedPages(3);
    object.dropHold();
    object.dropMappedPages(4);
    expect([object.freed, object.mappedPages, frames.freeCount]).toEqual([false, 1, free - 3]);
    object.dropMappedPages(1);
    expect([object.freed, frames.freeCount]).toEqual([true, free]);
  });

  test("or when nobody ever held it", () => {
    const { object, frames, free } = make(3);
    object.discardUnheld();
    object.discardUnheld();
    expect([object.freed, frames.freeCount]).toEqual([true, free]);
  });

  test("KER-21 use after that, and drops of what was not there, are our bugs", () => {
    const { object } = make(1);
    expect(() => object.dropHold()).toThrow(/^KER-21/);
    expect(() => object.dropMappedPages(1)).toThrow(/^KER-21/);
    object.discardUnheld();
    expect(() => object.addHold()).toThrow(/^KER-21/);
    expect(() => object.addMappedPages(1)).toThrow(/^KER-21/);
  });
});
