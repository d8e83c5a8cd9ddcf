/** Each rule of the translation cache is broken by hand; exactly its id is reported. */

import { beforeEach, expect, test } from "vitest";
import { InvariantError } from "../../src/invariant.ts";
import { frameNumber, type GuestAddress, pageOf } from "../../src/mmu/address.ts";
import type { AddressSpace } from "../../src/mmu/mmu.ts";
import { CacheCell } from "../../src/jit/cache/cell.ts";
import type { Attachment, CodePage } from "../../src/jit/cache/code-page.ts";
import { assemble, type Line } from "./cache/toy-guest.ts";
import { ToyMachine } from "./cache/toy-machine.ts";

const CODE = 0x401000;
const LINES: readonly Line[] = [
  ["mov", 1, 3],
  "loop",
  ["addi", 1, -1],
  ["mov", 2, "far"],
  ["jr", 2],
  "far",
  ["jnz", 1, "loop"],
  ["syscall"],
];

let machine: ToyMachine;
let space: AddressSpace;
let page: CodePage;
let attachment: Attachment;
beforeEach(() => {
  machine = new ToyMachine();
  space = machine.space();
  machine.code(space, CODE, assemble(CODE, LINES));
  machine.run(CODE);
  [page] = machine.engine.cache.live as unknown as [CodePage];
  [attachment] = page.attachments as unknown as [Attachment];
  expect(machine.engine.brokenRules()).toEqual([]);
});

/** The ids in the report, each once. */
const ids = (): string[] => [...new Set(machine.engine.brokenRules().map((line) => line.slice(0, 5)))];

test("JIT-1 notices a frame that does not list what was translated from it", () => {
  machine.engine.cache.frames.get(attachment.frame)?.delete(attachment);
  expect(ids()).toEqual(["JIT-1"]);
});

test("JIT-1 notices a frame that lists what is not attached", () => {
  machine.engine.cache.frames.set(frameNumber(99), new Set([attachment]));
  machine.mmu.watchCode(frameNumber(99));
  expect(ids()).toEqual(["JIT-1"]);
});

test("JIT-1 notices a frame with translations that is not watched", () => {
  machine.mmu.unwatchCode(attachment.frame);
  expect(ids()).toEqual(["JIT-1"]);
});

test("JIT-1 notices a watch without translations", () => {
  machine.mmu.watchCode(frameNumber(99));
  expect(ids()).toEqual(["JIT-1"]);
});

test("JIT-1 notices a dormant page that is attached, and a live one that is not", () => {
  machine.engine.cache.dormant.add(page);
  expect(ids()).toEqual(["JIT-1"]);
  machine.engine.cache.dormant.delete(page);
  page.attachments.clear();
  expect(ids()).toEqual(["JIT-1"]);
});

test("JIT-2 notices a dead cell that is still in its page", () => {
  page.cellAt(0).state = "dead";
  expect(ids()).toEqual(["JIT-2"]);
});

test("JIT-2 notices a link to a cell outside the cache", () => {
  const stray = new CacheCell((CODE + 6) as GuestAddress, page, () => null);
  page.cellAt(0).links = [stray];
  expect(ids()).toEqual(["JIT-2"]);
});

test("JIT-2 notices a jump that outlived its page", () => {
  const cell = page.cellAt(0);
  space.unmap(pageOf(CODE as GuestAddress));
  expect(machine.engine.brokenRules()).toEqual([]);
  machine.code(space, CODE + 0x1000, assemble(CODE + 0x1000, [["syscall"]]));
  machine.run(CODE + 0x1000);
  machine.engine.cache.space(space.id).remember(cell);
  expect(ids()).toEqual(["JIT-2"]);
});

test("JIT-3 notices bytes that changed behind the watch, when a run returns", () => {
  machine.mmu.frameBytes(attachment.frame)[2] = 9;
  expect(ids()).toEqual(["JIT-3"]);
  expect(() => machine.run(CODE)).toThrow(InvariantError);
});

test("JIT-3 covers pages beyond the first ones: every run checks the next part of the cache", () => {
  const frames: number[] = [];
  for (let i = 1; i < 150; i++) {
    const at = CODE + i * 0x1000;
    frames.push(...machine.code(space, at, assemble(at, [["syscall"]])));
    machine.run(at);
  }
  machine.mmu.frameBytes(frameNumber(frames.at(-1)!))[9] = 9;
  const runs = (): void => {
    for (let i = 0; i < 4; i++) machine.run(CODE);
  };
  expect(runs).toThrow(/^JIT-3/);
});
