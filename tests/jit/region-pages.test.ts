/** Regions made from several pages: entered only where a space shows all of them as they were. */

import { describe, expect, test } from "vitest";
import type { CacheCell } from "../../src/jit/cache/cell.ts";
import type { CacheLimits } from "../../src/jit/cache/translation-cache.ts";
import { type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";
import type { GuestAddress, PageNumber } from "../../src/mmu/address.ts";
import type { AddressSpace } from "../../src/mmu/mmu.ts";
import { assemble, labelAt, type Line } from "./cache/toy-guest.ts";
import { RW, RX, ToyMachine } from "./cache/toy-machine.ts";
import { ALIAS, CODE, compare, ending, FAR, machine, STACK, start, WASM_REGIONS } from "./region-machine.ts";

const HOT: JitOptions = { ...WASM_REGIONS, regionEntries: 8 };
const FAR_PAGE = (FAR >> 12) as PageNumber;

/** r1 rounds of a loop that begins on one page and goes on on the next, which adds `step` to r2. */
const NEAR_HALF: readonly Line[] = [
  ["mov", 1, 40],
  "round",
  ["addi", 0, 1],
  ["jump", FAR],
  "behind",
  ["addi", 1, -1],
  ["jnz", 1, "round"],
  ["syscall"],
];
const farHalf = (step: number): Line[] => [
  ["addi", 2, step],
  ["jump", labelAt(CODE, NEAR_HALF, "behind")],
];

const cellsOf = (m: ToyMachine): CacheCell[] =>
  [...m.engine.cache.live, ...m.engine.cache.dormant].flatMap((page) => [...page.allCells()]);
/** The regions that need more than the page of their entry. */
const wideRegions = (m: ToyMachine): CacheCell[] =>
  cellsOf(m).filter(({ region }) => region !== undefined && region.pages.length > 0);

/** What the cache says of its size is what it holds. */
function expectAccounts(m: ToyMachine): void {
  let total = 0;
  for (const page of [...m.engine.cache.live, ...m.engine.cache.dormant]) {
    const cells = [...page.allCells()].reduce((sum, { sourceBytes }) => sum + sourceBytes, 0);
    expect(page.sourceBytes).toBe(cells);
    total += cells;
  }
  expect(m.engine.cache.sourceBytes).toBe(total);
  expect(m.engine.brokenRules()).toEqual([]);
}

function runs(m: ToyMachine, times: number): ReturnType<typeof ending> {
  let last: ReturnType<typeof ending> | undefined;
  for (let k = 0; k < times; k++) {
    start(m);
    last = ending(m, {}, CODE);
  }
  if (last === undefined) throw new Error("never run");
  return last;
}

/** Puts the two halves into a new space. */
function halves(m: ToyMachine, step: number): AddressSpace {
  const space = m.space();
  m.code(space, CODE, assemble(CODE, NEAR_HALF));
  m.code(space, FAR, assemble(FAR, farHalf(step)));
  return space;
}

describe("run to the end", () => {
  test("a loop over two pages stays inside its region", () => {
    const m = machine(HOT, NEAR_HALF, farHalf(3));
    expect(runs(m, 3).registers[2]).toBe(120n);
    expect(wideRegions(m)).not.toEqual([]);
    const before = m.engine.stats.follows;
    expect(runs(m, 1)).toEqual(runs(machine(PLAIN_OPTIONS, NEAR_HALF, farHalf(3)), 1));
    expect(m.engine.stats.follows - before).toBeLessThan(4);
    expectAccounts(m);
  });

  test("switched off, regions end at their page", () => {
    const m = machine({ ...HOT, pageRegions: false }, NEAR_HALF, farHalf(3));
    expect(runs(m, 4).registers[2]).toBe(120n);
    expect(m.engine.stats.regionsCompiled).toBeGreaterThan(0);
    expect(wideRegions(m)).toEqual([]);
  });

  test.each([1, 2, 3, 4, 5])("an instruction with %d bytes before the end of the page", (before) => {
    const lines: Line[] = [["mov", 1, 40], "round", ["mov", 0, 0x01020304], ["addi", 2, 7]];
    lines.push(["addi", 1, -1], ["jnz", 1, "round"], ["syscall"]);
    const at = CODE + 0x1000 - before - 6;
    const ends = [HOT, PLAIN_OPTIONS].map((options) => {
      const m = new ToyMachine({ options });
      const bytes = new Uint8Array(0x2000);
      bytes.set(assemble(at, lines), at - CODE);
      m.code(m.space(), CODE, bytes);
      const list = [0, 1, 2, 3].map(() => ending(m, {}, at));
      if (options === HOT) expect(wideRegions(m)).not.toEqual([]);
      expectAccounts(m);
      return list;
    });
    expect(ends[0]).toEqual(ends[1]);
  });

  test("more pages than a region may have", () => {
    const PAGES = 12;
    const ends = [HOT, PLAIN_OPTIONS].map((options) => {
      const m = new ToyMachine({ options });
      const space = m.space();
      const head: Line[] = [["mov", 1, 60], "go", ["addi", 1, -1], ["jnz", 1, CODE + 0x1000], ["syscall"]];
      for (let k = 0; k < PAGES; k++) {
        const at = CODE + k * 0x1000;
        // Jumps do not reach back over all pages at once.
        const next = k + 1 < PAGES ? at + 0x1000 : CODE + 0x5100;
        const bytes = new Uint8Array(0x200);
        bytes.set(
          assemble(
            at,
            k === 0
              ? head
              : [
                  ["addi", 0, k],
                  ["jump", next],
                ],
          ),
        );
        bytes.set(assemble(at + 0x100, [["jump", labelAt(CODE, head, "go")]]), 0x100);
        m.code(space, at, bytes);
      }
      start(m);
      const end = ending(m, {}, CODE);
      for (const { region } of wideRegions(m)) expect(region?.pages.length).toBeLessThan(8);
      if (options === HOT) expect(wideRegions(m)).not.toEqual([]);
      expectAccounts(m);
      return end;
    });
    expect(ends[0]).toEqual(ends[1]);
  });

  test("every limit is exact, and slices end at the same places", () => {
    const hot = machine(HOT, NEAR_HALF, farHalf(3));
    const plain = machine(PLAIN_OPTIONS, NEAR_HALF, farHalf(3));
    const total = runs(hot, 3).instructions;
    for (let number = 1; number <= total; number++) {
      for (const request of [{ limit: number }, { slice: number }]) {
        const ends = [hot, plain].map((m) => {
          start(m);
          return [ending(m, request, CODE), ending(m)];
        });
        expect(ends[0], JSON.stringify(request)).toEqual(ends[1]);
      }
    }
    expect(wideRegions(hot)).not.toEqual([]);
  });

  test("a run stops on the other page", () => {
    const stops = [HOT, PLAIN_OPTIONS].map((options) => {
      const m = machine(options, NEAR_HALF, farHalf(3));
      runs(m, 3);
      if (options === HOT) expect(wideRegions(m)).not.toEqual([]);
      start(m);
      const list = [ending(m, { until: (FAR + 3) as GuestAddress }, CODE)];
      for (let k = 0; k < 30; k++)
        list.push(ending(m, { limit: 1 }), ending(m, { until: (FAR + 3) as GuestAddress }));
      list.push(ending(m), runs(m, 3));
      expectAccounts(m);
      return list;
    });
    expect(stops[0]).toEqual(stops[1]);
  });
});

describe("the other page changes", () => {
  /** Each round stores to the immediate of the far half. */
  test.each(["inside the region", "in a callee"])("by a store %s", (where) => {
    const store: Line[] = [
      ["mov", 3, ALIAS + 0x1000 + 2],
      ["store8", 3, 1],
    ];
    const near: Line[] = [
      ["mov", 1, 60],
      "round",
      ["addi", 0, 1],
      ...(where === "in a callee" ? ([["call", "patch"]] as const) : store),
      ["jump", FAR],
      "behind",
      ["addi", 1, -1],
      ["jnz", 1, "round"],
      ["syscall"],
      "patch",
      ...store,
      ["ret"],
    ];
    const far: Line[] = [
      ["addi", 2, 0],
      ["jump", labelAt(CODE, near, "behind")],
    ];
    expect(compare(WASM_REGIONS, near, far, 4).registers[2]).toBe(1830n);
  });

  test("by a store that comes rarely, so that the region is made and lost again and again", () => {
    const near: Line[] = [
      ["mov", 5, 5],
      "outer",
      ["mov", 1, 60],
      "round",
      ["jump", FAR],
      "behind",
      ["addi", 1, -1],
      ["jnz", 1, "round"],
      ["mov", 3, ALIAS + 0x1000 + 2],
      ["store8", 3, 5],
      ["addi", 5, -1],
      ["jnz", 5, "outer"],
      ["syscall"],
    ];
    const far: Line[] = [
      ["addi", 2, 9],
      ["jump", labelAt(CODE, near, "behind")],
    ];
    const ends = [HOT, PLAIN_OPTIONS].map((options) => {
      const m = machine(options, near, far);
      const list = [runs(m, 1), runs(m, 1), runs(m, 1)];
      expectAccounts(m);
      if (options === HOT) {
        expect(m.engine.stats.leaves).toBeGreaterThan(10);
        expect(m.engine.stats.regionsCompiled).toBeGreaterThan(4);
      }
      return list;
    });
    expect(ends[0]).toEqual(ends[1]);
  });

  const changes: readonly (readonly [string, (m: ToyMachine, space: AddressSpace) => void])[] = [
    ["the kernel writes to it", (_m, space) => void space.poke((FAR + 2) as GuestAddress, Uint8Array.of(9))],
    [
      "its frame is written",
      (m, space) => {
        const frame = space.query(FAR_PAGE)?.frame;
        if (frame === undefined) throw new Error("not mapped");
        m.mmu.beforeFrameWrite(frame);
        m.mmu.frameBytes(frame)[2] = 9;
      },
    ],
    ["it is unmapped", (_m, space) => void space.unmap(FAR_PAGE)],
    ["it is protected", (_m, space) => space.protect(FAR_PAGE, RW)],
    [
      "it is protected and executable again",
      (_m, space) => {
        space.protect(FAR_PAGE, RW);
        space.protect(FAR_PAGE, RX);
      },
    ],
    [
      "other code is mapped there",
      (m, space) => {
        space.unmap(FAR_PAGE);
        m.code(space, FAR, assemble(FAR, farHalf(20)));
      },
    ],
  ];
  test.each(changes)("between runs: %s", (_what, change) => {
    const ends = [HOT, PLAIN_OPTIONS].map((options) => {
      const m = new ToyMachine({ options });
      const space = halves(m, 3);
      const list = [runs(m, 3)];
      if (options === HOT) expect(wideRegions(m)).not.toEqual([]);
      change(m, space);
      list.push(runs(m, 1), runs(m, 3));
      expectAccounts(m);
      return list;
    });
    expect(ends[0]).toEqual(ends[1]);
  });

  test("between slices of one run", () => {
    const ends = [HOT, PLAIN_OPTIONS].map((options) => {
      const m = new ToyMachine({ options });
      const space = halves(m, 3);
      runs(m, 3);
      start(m);
      const list = [ending(m, { slice: 50 }, CODE)];
      for (let k = 1; list.at(-1)?.exit.kind === "budget"; k++) {
        space.poke((FAR + 2) as GuestAddress, Uint8Array.of(k));
        list.push(ending(m, { slice: 20 }));
      }
      expectAccounts(m);
      return list;
    });
    expect(ends[0]).toEqual(ends[1]);
    expect(ends[0]?.length).toBeGreaterThan(5);
  });
});

/** Ends a process as the kernel does. */
function end(space: AddressSpace): void {
  for (const at of [CODE, FAR]) space.unmap((at >> 12) as PageNumber, "destroy");
  space.destroy();
}

describe("processes", () => {
  test("the second one of a program enters the region of the first", () => {
    const m = new ToyMachine({ options: HOT });
    halves(m, 3);
    runs(m, 3);
    const compiled = m.engine.stats.regionsCompiled;
    const second = halves(m, 3);
    runs(m, 3);
    const before = m.engine.stats.follows;
    expect(runs(m, 1).registers[2]).toBe(120n);
    expect(m.engine.stats.follows - before).toBeLessThan(4);
    expect(m.engine.stats.regionsCompiled).toBe(compiled);
    end(second);
    expectAccounts(m);
  });

  test("one that comes after the last one has ended does, too", () => {
    const m = new ToyMachine({ options: HOT });
    const first = halves(m, 3);
    runs(m, 3);
    const compiled = m.engine.stats.regionsCompiled;
    end(first);
    expectAccounts(m);
    expect(wideRegions(m)).not.toEqual([]);
    halves(m, 3);
    runs(m, 4);
    expect(m.engine.stats.regionsCompiled).toBe(compiled);
    expectAccounts(m);
  });

  test("two that share one page and not the other take turns", () => {
    const m = new ToyMachine({ options: HOT });
    const spaces = [3, 50].map((step) => halves(m, step));
    for (let round = 0; round < 6; round++) {
      for (const [k, space] of spaces.entries()) {
        m.mmu.activate(space);
        expect(runs(m, 2).registers[2]).toBe(k === 0 ? 120n : 2000n);
        expectAccounts(m);
      }
    }
    expect(wideRegions(m)).not.toEqual([]);
  });

  test("two take turns in the middle of the loop", () => {
    const m = new ToyMachine({ options: HOT });
    const states = [3, 50].map((step) => {
      const space = halves(m, step);
      start(m);
      m.rip = CODE;
      return { space, rip: m.rip, registers: m.registers(), ended: false };
    });
    while (states.some(({ ended }) => !ended)) {
      for (const state of states) {
        if (state.ended) continue;
        m.mmu.activate(state.space);
        for (const [r, value] of state.registers.entries()) m.setReg(r, value);
        m.rip = state.rip;
        state.ended = m.go({ slice: 7 }).kind === "syscall";
        Object.assign(state, { rip: m.rip, registers: m.registers() });
      }
    }
    expect(states.map(({ registers }) => registers[2])).toEqual([120n, 2000n]);
    expect(wideRegions(m)).not.toEqual([]);
    expectAccounts(m);
  });
});

describe("a full cache", () => {
  const limits: CacheLimits = { pages: 3, dormantPages: 1, sourceBytes: 1 << 20 };

  test("regions go with any of their pages", () => {
    const PAGES = 6;
    const ends = [HOT, PLAIN_OPTIONS].map((options) => {
      const m = new ToyMachine({ options, limits });
      const space = m.space();
      for (let k = 0; k < PAGES; k++) {
        const at = CODE + k * 0x1000;
        // Each page loops with the next one, and then goes on.
        const lines: Line[] = [["mov", 1, 30], "turn", ["addi", 0, 1], ["jump", at + 0x1000 + 0x100]];
        lines.push("back", ["addi", 1, -1], ["jnz", 1, "turn"], ["jump", at + 0x1000]);
        const bytes = new Uint8Array(0x200);
        bytes.set(assemble(at, lines));
        const back = labelAt(at - 0x1000, lines, "back");
        bytes.set(
          assemble(at + 0x100, [
            ["addi", 2, 1],
            ["jump", back],
          ]),
          0x100,
        );
        m.code(space, at, k + 1 < PAGES ? bytes : bytes.slice().fill(9, 0, 1));
      }
      const list = [runs(m, 1), runs(m, 1)];
      if (options === HOT) expect(m.engine.stats.invalidations.evicted.pages).toBeGreaterThan(PAGES);
      expectAccounts(m);
      return list;
    });
    expect(ends[0]).toEqual(ends[1]);
  });

  test("callers whose page was evicted while they waited do not go on with it", () => {
    // The region calls a function that comes back by way of code that needs room; then it rewrites itself.
    const CALLS = 40;
    const lines: Line[] = [
      ["mov", 1, CALLS],
      "round",
      ["call", FAR],
      ["mov", 3, ALIAS + 0],
      ["store8", 3, 1],
      "patched",
      ["addi", 2, 0],
      ["addi", 1, -1],
      ["jnz", 1, "round"],
      ["syscall"],
    ];
    const at = labelAt(CODE, lines, "patched") - CODE + ALIAS + 2;
    const patching = lines.map((line): Line => (line[0] === "mov" && line[1] === 3 ? ["mov", 3, at] : line));
    const far: Line[] = Array.from({ length: 60 }, (_, k): Line[] => [
      `part${k}`,
      ["addi", 0, 1],
      ["mov", 5, 1],
      ["jnz", 5, k < 59 ? `part${k + 1}` : "last"],
      ["bad"],
    ]).flat();
    far.push("last", ["ret"]);
    const ends = [HOT, PLAIN_OPTIONS].map((options) => {
      const m = new ToyMachine({ options, limits: { pages: 16, dormantPages: 4, sourceBytes: 6000 } });
      const space = m.space();
      for (const [where, text] of [
        [CODE, patching],
        [FAR, far],
      ] as const) {
        const frame = m.frame(assemble(where, text));
        m.map(space, where, frame, RX);
        m.map(space, where - CODE + ALIAS, frame, RW);
      }
      m.map(space, STACK, m.frame(), RW);
      const list = [runs(m, 1), runs(m, 1), runs(m, 1)];
      expect(m.engine.brokenRules()).toEqual([]);
      return list;
    });
    expect(ends[0]).toEqual(ends[1]);
    expect(ends[0]?.[0]?.registers[2]).toBe(BigInt((CALLS * (CALLS + 1)) / 2));
  });
});

describe("rules", () => {
  const ids = (m: ToyMachine): string[] => [
    ...new Set(m.engine.brokenRules().map((line) => line.slice(0, 5))),
  ];
  const wide = (): readonly [ToyMachine, CacheCell] => {
    const m = new ToyMachine({ options: HOT });
    halves(m, 3);
    runs(m, 3);
    return [m, wideRegions(m)[0] as CacheCell];
  };

  test("JIT-1 notices a region that a page does not list", () => {
    const [m, cell] = wide();
    cell.region?.pages[0]?.dependents.delete(cell);
    expect(ids(m)).toEqual(["JIT-1"]);
  });

  test("JIT-1 notices a page that lists a region which does not need it", () => {
    const [m, cell] = wide();
    cell.page?.dependents.add(cell);
    expect(ids(m)).toEqual(["JIT-1"]);
  });

  test("JIT-7 notices a function that can be called where a page of it is missing", () => {
    const [m, cell] = wide();
    const space = m.mmu.active;
    if (space === undefined || cell.region === undefined) throw new Error("nothing to break");
    expect(cell.bound).toBeGreaterThan(0);
    (m.engine.cache.space(space.id).pages as Map<PageNumber, unknown>).delete(FAR_PAGE);
    expect(ids(m)).toContain("JIT-7");
  });

  test("JIT-7 notices a function without a region", () => {
    const [m, cell] = wide();
    for (const page of cell.region?.pages ?? []) page.dependents.delete(cell);
    cell.region = undefined;
    expect(ids(m)).toEqual(["JIT-7"]);
  });
});
