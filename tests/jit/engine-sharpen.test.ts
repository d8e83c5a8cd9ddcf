/** Without regions units are compact first and compiled again once they are entered often: same results, exact accounts. */

import { describe, expect, test } from "vitest";
import type { JitOptions } from "../../src/jit/options.ts";
import type { GuestAddress } from "../../src/mmu/address.ts";
import { assemble, labelAt, type Line } from "./cache/toy-guest.ts";
import { RW, ToyMachine } from "./cache/toy-machine.ts";

const CODE = 0x401000;
const DATA = 0x800000;

/** Two blocks in a loop that loads, adds and stores; r4 rounds. */
const rounds = (count: number): Line[] => [
  ["mov", 1, DATA],
  ["mov", 4, count],
  "loop",
  ["load", 0, 1],
  ["add", 0, 4],
  ["store", 1, 0],
  ["jump", "on"],
  "on",
  ["addi", 4, -1],
  ["jnz", 4, "loop"],
  ["syscall"],
];

function runRounds(count: number, options: Partial<JitOptions>, countEntries = false): ToyMachine {
  const m = new ToyMachine({ options: { tier: "js", regions: false, ...options }, countEntries });
  const space = m.space();
  m.code(space, CODE, assemble(CODE, rounds(count)));
  m.map(space, DATA, m.frame(), RW);
  expect(m.run(CODE)).toEqual({ kind: "syscall" });
  expect(m.engine.brokenRules()).toEqual([]);
  return m;
}

const sourceAt = (m: ToyMachine, address: number): string => {
  for (const page of m.engine.cache.live) {
    const unit = page.cells.get(address % 4096)?.unit;
    if (unit !== undefined && "source" in unit) return unit.source as string;
  }
  throw new Error("not translated");
};

describe("a unit entered often", () => {
  test.each([
    [999, 0],
    [1000, 1],
    [1001, 2],
    [3000, 2],
  ])("%i rounds sharpen %i units: the loop's first pass is in the block before it", (count, sharpened) => {
    const m = runRounds(count, { hotEntries: 1000 });
    const plain = runRounds(count, { compactFirst: false });
    expect(m.engine.stats.unitsSharpened).toBe(sharpened);
    expect(m.registers()).toEqual(plain.registers());
    expect(m.engine.instructions).toBe(plain.engine.instructions);
  });

  test("gets the text that it has without compact code", () => {
    const m = runRounds(100, { hotEntries: 10 });
    const compact = runRounds(5, { hotEntries: 10 });
    const plain = runRounds(100, { compactFirst: false });
    for (const label of ["loop", "on"]) {
      const at = labelAt(CODE, rounds(1), label);
      // Cells are numbered in their source, which holds one unit now.
      const shape = (of: ToyMachine): string => sourceAt(of, at).replaceAll(/\bc\d+\b/g, "c");
      expect(shape(m)).toBe(shape(plain));
      expect(shape(compact)).not.toBe(shape(plain));
    }
  });

  test("is accounted with its new text", () => {
    const m = runRounds(100, { hotEntries: 10 });
    let text = 0;
    for (const page of m.engine.cache.live)
      for (const { sourceBytes } of page.cells.values()) text += sourceBytes;
    expect(m.engine.cache.sourceBytes).toBe(text);
    const at = labelAt(CODE, rounds(1), "loop");
    for (const page of m.engine.cache.live) {
      expect(page.cells.get(at % 4096)?.sourceBytes).toBe(sourceAt(m, at).length);
    }
  });

  test("is still counted when entries are", () => {
    const m = runRounds(100, { hotEntries: 10 }, true);
    const at = labelAt(CODE, rounds(1), "on");
    for (const page of m.engine.cache.live) expect(page.cells.get(at % 4096)?.entries).toBe(100);
  });

  test("stops before the stop address of a run, and goes on behind it", () => {
    const m = runRounds(50, { hotEntries: 10 });
    const on = labelAt(CODE, rounds(1), "on") as GuestAddress;
    m.rip = CODE;
    for (let turn = 0; turn < 30; turn++) {
      expect(m.go({ until: on })).toEqual({ kind: "until" });
      expect(m.go({ limit: 1 })).toEqual({ kind: "limit" });
    }
    expect(m.reg(4)).toBe(20n);
    expect(m.engine.brokenRules()).toEqual([]);
  });

  test("that loops inside its function needs no second compilation", () => {
    const m = new ToyMachine({ options: { tier: "js", regions: false, hotEntries: 2 } });
    m.code(
      m.space(),
      CODE,
      assemble(CODE, [["mov", 1, 9], "loop", ["addi", 1, -1], ["jnz", 1, "loop"], ["syscall"]]),
    );
    for (let turn = 0; turn < 10; turn++) expect(m.run(CODE)).toEqual({ kind: "syscall" });
    // Only the block before the loop was entered often and is no loop, and the one behind it.
    expect(m.engine.stats.unitsSharpened).toBe(2);
  });

  test("never happens without compact code", () => {
    const m = runRounds(3000, { compactFirst: false, hotEntries: 1 });
    expect(m.engine.stats.unitsSharpened).toBe(0);
  });
});
