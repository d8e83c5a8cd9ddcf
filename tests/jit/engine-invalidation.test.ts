import type { JavaScriptUnit } from "../../src/jit/unit.ts";
import { describe, expect, test } from "vitest";
import { type GuestAddress, pageOf } from "../../src/mmu/address.ts";
import type { AddressSpace } from "../../src/mmu/mmu.ts";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { assemble, type Line, labelAt } from "./cache/toy-guest.ts";
import { RW, RX, ToyMachine } from "./cache/toy-machine.ts";

const CODE = 0x401000;
const ALIAS = 0x900000;
const PAGE = pageOf(CODE as GuestAddress);

const SHAPES: readonly (readonly [string, JitOptions])[] = [
  ["all optimisations", DEFAULT_OPTIONS],
  ["none", PLAIN_OPTIONS],
  ["one instruction per block", { ...DEFAULT_OPTIONS, maxBlockInstructions: 1 }],
];

/** Sets r0 to `value`. */
const answer = (value: number): Uint8Array => assemble(CODE, [["mov", 0, value], ["syscall"]]);

describe.each(SHAPES)("with %s", (_name, options) => {
  const create = (): ToyMachine => new ToyMachine({ options });

  /** r1 points at the alias of the code frame; the store changes the `addi 0, 1` behind it to `addi 0, 5`. */
  const SELF: readonly Line[] = [
    ["mov", 1, "patched"],
    ["mov", 3, ALIAS - CODE + 2],
    ["add", 1, 3],
    ["mov", 2, 5],
    "again",
    ["addi", 0, 1],
    ["store8", 1, 2],
    "patched",
    ["addi", 0, 1],
    ["syscall"],
  ];

  test("a store to the running page through an alias takes effect at the next instruction", () => {
    const m = create();
    const space = m.space();
    const [frame] = m.code(space, CODE, assemble(CODE, SELF));
    m.map(space, ALIAS, frame!, RW);
    expect(m.run(CODE)).toEqual({ kind: "syscall" });
    expect([m.reg(0), m.engine.instructions]).toEqual([6n, 8]);
    expect(m.engine.stats.leaves).toBe(1);
    expect(m.engine.stats.invalidations.write.pages).toBe(1);
    // It was rewritten to what it is already: the store is still one to translated code.
    expect(m.run(labelAt(CODE, SELF, "again"))).toEqual({ kind: "syscall" });
    expect(m.reg(0)).toBe(12n);
  });

  test("code that rewrites itself for ever runs right and stays bounded", () => {
    const lines: Line[] = [
      ["mov", 1, "patched"],
      ["mov", 3, ALIAS - CODE + 2],
      ["add", 1, 3],
      ["mov", 4, 200],
      "loop",
      ["addi", 2, 1],
      ["store8", 1, 2],
      "patched",
      ["addi", 0, 0],
      ["addi", 4, -1],
      ["jnz", 4, "loop"],
      ["syscall"],
    ];
    const m = create();
    const space = m.space();
    const [frame] = m.code(space, CODE, assemble(CODE, lines));
    m.map(space, ALIAS, frame!, RW);
    expect(m.run(CODE)).toEqual({ kind: "syscall" });
    let sum = 0n;
    for (let i = 1; i <= 200; i++) sum += BigInt((i << 24) >> 24);
    expect(m.reg(0)).toBe(sum);
    expect(m.engine.cache.live.size + m.engine.cache.dormant.size).toBe(1);
  });

  test("a store by another process through a shared frame is seen", () => {
    const m = create();
    const first = m.space();
    const [frame] = m.code(first, CODE, answer(1));
    m.run(CODE);
    const writer = m.space();
    m.code(
      writer,
      CODE,
      assemble(CODE, [["mov", 1, ALIAS + 2], ["mov", 2, 77], ["store8", 1, 2], ["syscall"]]),
    );
    m.map(writer, ALIAS, frame!, RW);
    expect(m.run(CODE)).toEqual({ kind: "syscall" });
    m.mmu.activate(first);
    m.run(CODE);
    expect(m.reg(0)).toBe(77n);
  });

  test.each(["poke", "copyOut", "frame"] as const)("a write by the host is seen: %s", (how) => {
    const m = create();
    const space = m.space();
    const [frame] = m.code(space, CODE, answer(1));
    m.map(space, ALIAS, frame!, RW);
    m.run(CODE);
    if (how === "poke") expect(space.poke(CODE as GuestAddress, answer(2))).toBe(true);
    else if (how === "copyOut") expect(space.copyOut(ALIAS as GuestAddress, answer(2))).toBeUndefined();
    else {
      m.mmu.beforeFrameWrite(frame!);
      m.mmu.frameBytes(frame!).set(answer(2));
    }
    m.run(CODE);
    expect(m.reg(0)).toBe(2n);
    expect(m.engine.stats.invalidations.write.pages).toBe(1);
  });

  test("data next to code: stores after the first run free until the code runs again", () => {
    const m = create();
    const space = m.space();
    const [frame] = m.code(space, CODE, answer(1));
    m.map(space, ALIAS, frame!, RW);
    m.run(CODE);
    const data = ALIAS + 0x800;
    m.code(
      space,
      0x500000,
      assemble(0x500000, [["mov", 1, data], ["store", 1, 1], ["store", 1, 1], ["syscall"]]),
    );
    m.run(0x500000);
    m.run(0x500000);
    expect(m.engine.stats.leaves).toBe(1);
    m.run(CODE);
    m.run(0x500000);
    expect(m.engine.stats.leaves).toBe(2);
  });

  test("protect takes the right to execute away, and giving it back finds the units again", () => {
    const m = create();
    const space = m.space();
    m.code(space, CODE, answer(1));
    m.run(CODE);
    const translated = m.engine.stats.unitsTranslated;
    space.protect(PAGE, RW);
    expect(m.run(CODE)).toMatchObject({ kind: "fault", fault: { vector: 14 } });
    space.protect(PAGE, undefined);
    expect(m.run(CODE)).toMatchObject({ kind: "fault", fault: { vector: 14 } });
    space.protect(PAGE, RX);
    expect(m.run(CODE)).toEqual({ kind: "syscall" });
    expect(m.engine.stats.unitsTranslated).toBe(translated);
    expect(m.engine.stats.invalidations.protect.pages).toBe(1);
  });

  test("a W^X cycle: written while writable, new code runs", () => {
    const m = create();
    const space = m.space();
    m.code(space, CODE, answer(1));
    for (let value = 2; value < 6; value++) {
      m.run(CODE);
      space.protect(PAGE, RW);
      expect(space.copyOut(CODE as GuestAddress, answer(value))).toBeUndefined();
      space.protect(PAGE, RX);
      expect(m.run(CODE)).toEqual({ kind: "syscall" });
      expect(m.reg(0)).toBe(BigInt(value));
    }
  });

  test("unmapped code faults; another frame there runs its own code", () => {
    const m = create();
    const space = m.space();
    m.code(space, CODE, answer(1));
    m.run(CODE);
    const old = space.unmap(PAGE);
    expect(m.run(CODE)).toMatchObject({ kind: "fault", fault: { vector: 14 } });
    m.code(space, CODE, answer(2));
    m.run(CODE);
    expect(m.reg(0)).toBe(2n);
    expect(m.mmu.watchedFrames.has(old)).toBe(false);
  });

  test("the second process of a program translates nothing", () => {
    const m = create();
    const destroy = (space: AddressSpace): void => {
      m.frames.free(space.unmap(PAGE));
      space.destroy();
    };
    const first = m.space();
    m.code(first, CODE, answer(1));
    m.run(CODE);
    const { unitsTranslated } = m.engine.stats;
    const second = m.space();
    m.code(second, CODE, answer(1));
    expect(m.run(CODE)).toEqual({ kind: "syscall" });
    destroy(first);
    destroy(second);
    m.code(m.space(), CODE, answer(1));
    expect(m.run(CODE)).toEqual({ kind: "syscall" });
    expect(m.engine.stats.unitsTranslated).toBe(unitsTranslated);
    expect(m.engine.stats.pagesReused).toBe(2);
  });

  test("each space runs its own code at the same address, with computed jumps in both", () => {
    const m = create();
    const spaces = [1, 2, 3].map((value) => {
      const space = m.space();
      m.code(space, CODE, answer(value));
      m.code(
        space,
        0x500000,
        assemble(0x500000, [
          ["mov", 5, CODE],
          ["jr", 5],
        ]),
      );
      return space;
    });
    for (let round = 0; round < 3; round++) {
      for (const [i, space] of spaces.entries()) {
        m.mmu.activate(space);
        m.run(0x500000);
        expect(m.reg(0)).toBe(BigInt(i + 1));
      }
    }
  });

  test("the same frame at two addresses is two code pages; a write drops both", () => {
    const m = create();
    const space = m.space();
    const [frame] = m.code(space, CODE, answer(1));
    m.map(space, 0x700000, frame!, RX);
    m.run(CODE);
    m.run(0x700000);
    space.poke(0x700000 as GuestAddress, answer(9));
    m.run(CODE);
    expect(m.reg(0)).toBe(9n);
    m.run(0x700000);
    expect([m.reg(0), m.engine.stats.invalidations.write.pages]).toEqual([9n, 2]);
  });

  test("a guest with more code than the cache holds runs, and the cache stays within its bounds", () => {
    const limits = { pages: 8, dormantPages: 4, sourceBytes: 20_000 };
    const m = new ToyMachine({ options, limits });
    const space = m.space();
    for (let i = 0; i < 40; i++) {
      const at = CODE + i * 0x1000;
      const next: Line = i < 39 ? ["jump", at + 0x1000] : ["jump", CODE];
      m.code(space, at, assemble(at, [["addi", 0, 1], next]));
    }
    m.run(CODE, { slice: 1, limit: 40 * 2 * 3 });
    while (m.engine.instructions < 240) m.go({ slice: 1, limit: 240 - m.engine.instructions });
    expect(m.reg(0)).toBe(120n);
    const { cache, stats } = m.engine;
    expect(cache.live.size + cache.dormant.size).toBeLessThanOrEqual(8);
    expect(cache.sourceBytes).toBeLessThanOrEqual(20_000 * 1.5);
    expect(stats.invalidations.evicted.pages).toBeGreaterThan(30);
    expect(m.engine.brokenRules()).toEqual([]);
  });

  test("a page entered at every offset stays within the bounds", () => {
    const limits = { pages: 8, dormantPages: 4, sourceBytes: 30_000 };
    const m = new ToyMachine({ options, limits });
    m.code(m.space(), CODE, new Uint8Array(4095).fill(0x0d));
    for (let offset = 0; offset < 400; offset++) {
      expect(m.run(CODE + offset, { limit: 70 })).toEqual({ kind: "limit" });
      expect(m.engine.cache.sourceBytes).toBeLessThan(120_000);
    }
  });
});

test("units are reported when made and when dropped, with the reason", () => {
  const events: string[] = [];
  const m = new ToyMachine({
    observer: {
      onUnit: (unit, original, cell, bytes) => {
        expect([unit.block.address, original.address]).toEqual([cell.address, cell.address]);
        events.push(`unit ${cell.address.toString(16)} ${[...bytes].join(" ")}`);
      },
      onDrop: (cell, reason) => void events.push(`drop ${cell.address.toString(16)} ${reason}`),
    },
  });
  const space = m.space();
  m.code(space, CODE, answer(1));
  m.run(CODE);
  const made = events.filter((event) => event.startsWith("unit"));
  expect(made[0]).toBe(`unit 401000 ${[...answer(1)].join(" ")}`);
  space.poke(CODE as GuestAddress, answer(2));
  expect(events.slice(made.length)[0]).toBe("drop 401000 write");
});

test("entries of cells are counted when asked for", () => {
  const m = new ToyMachine({ countEntries: true, options: { selfLoops: false } });
  const lines: Line[] = [["mov", 1, 10], "loop", ["addi", 1, -1], ["jnz", 1, "loop"], ["syscall"]];
  m.code(m.space(), CODE, assemble(CODE, lines));
  m.run(CODE);
  m.run(CODE);
  const entries = [...m.engine.cache.live]
    .flatMap((page) => [...page.cells.values()])
    .map((cell) => cell.entries);
  expect(Math.max(...entries)).toBe(18);
});

test("blocks reached from each other on a page are compiled in one batch", () => {
  const lines: Line[] = [
    ["mov", 1, 3],
    "loop",
    ["jnz", 2, "other"],
    ["addi", 1, -1],
    ["jnz", 1, "loop"],
    ["syscall"],
    "other",
    ["bad"],
  ];
  const run = (batchCompilation: boolean): ToyMachine => {
    const m = new ToyMachine({ options: { batchCompilation } });
    m.code(m.space(), CODE, assemble(CODE, lines));
    m.run(CODE);
    return m;
  };
  expect(run(true).engine.stats.batches).toBe(1);
  expect(run(false).engine.stats.batches).toBe(4);
  expect(run(false).engine.stats.unitsTranslated).toBe(4);
});

test("the bytes of an instruction across a page's end are reported whole", () => {
  const seen: number[][] = [];
  const m = new ToyMachine({
    observer: { onUnit: (_unit, _original, _cell, bytes) => void seen.push([...bytes]) },
  });
  const at = CODE + 0xffd;
  const bytes = new Uint8Array(0x2000);
  bytes.set(assemble(at, [["mov", 0, 0x01020304], ["syscall"]]), 0xffd);
  m.code(m.space(), CODE, bytes);
  m.run(at);
  expect(seen[0]).toEqual([1, 0, 4, 3, 2, 1]);
});

test("units keep their operations only for an observer", () => {
  const operations = (observed: boolean): number[] => {
    const m = new ToyMachine({
      options: { tier: "js" },
      ...(observed ? { observer: { onUnit: () => undefined } } : {}),
    });
    m.code(m.space(), CODE, answer(1));
    m.run(CODE);
    return [...m.engine.cache.live].flatMap((page) =>
      [...page.cells.values()].flatMap(({ unit }) =>
        unit !== undefined && "block" in unit ? [(unit as JavaScriptUnit).block.code.length] : [],
      ),
    );
  };
  expect(Math.max(...operations(true))).toBeGreaterThan(0);
  expect(Math.max(...operations(false))).toBe(0);
});
