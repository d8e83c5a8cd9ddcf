/** Computed jumps inside regions: dispatch loops, computed goto, targets that are met late, jumps that lead out. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { labelAt, type Line } from "./cache/toy-guest.ts";
import { RW, type ToyMachine } from "./cache/toy-machine.ts";
import { ALIAS, CODE, ending, FAR, FAR_LEAF, machine, start, WASM_REGIONS } from "./region-machine.ts";

const SCRIPT = 0x600000;
const HOT: JitOptions = { ...WASM_REGIONS, regionEntries: 30, maxUnitInstructions: 400 };
/** Enough jumps for a region to be compiled again. */
const MANY = 900;

/** A machine with targets at SCRIPT, which r4 walks. */
function scripted(
  options: JitOptions,
  lines: readonly Line[],
  script: readonly (number | bigint)[],
): ToyMachine {
  const m = machine(options, lines, FAR_LEAF);
  const words = BigUint64Array.from(script, (target) => BigInt.asUintN(64, BigInt(target)));
  const bytes = new Uint8Array(words.buffer);
  const space = m.mmu.active;
  if (space === undefined) throw new Error("no space");
  for (let at = 0; at < bytes.length; at += 4096) {
    m.map(space, SCRIPT + at, m.frame(bytes.subarray(at, at + 4096)), RW);
  }
  return m;
}

function restart(m: ToyMachine): void {
  start(m);
  m.setReg(4, BigInt(SCRIPT));
}

/** One jump for all handlers. */
const switchLoop = (handlers: number): Line[] => [
  "dispatch",
  ["load", 3, 4],
  ["addi", 4, 8],
  ["jr", 3],
  ...Array.from({ length: handlers }, (_, k): Line[] => [
    `h${k}`,
    ["addi", k % 3, k + 1],
    ["add", 5, k % 3],
    ["jump", "dispatch"],
  ]).flat(),
  "end",
  ["syscall"],
];

/** A jump at the end of each handler. */
const computedGoto = (handlers: number): Line[] => [
  ["load", 3, 4],
  ["addi", 4, 8],
  ["jr", 3],
  ...Array.from({ length: handlers }, (_, k): Line[] => [
    `h${k}`,
    ["addi", k % 3, k + 1],
    ["add", 5, k % 3],
    ["load", 3, 4],
    ["addi", 4, 8],
    ["jr", 3],
  ]).flat(),
  "end",
  ["syscall"],
];

const SHAPES = [
  ["a switch in a loop", switchLoop],
  ["computed goto", computedGoto],
] as const;

/** A script of handler numbers as addresses, with the end behind. */
const toScript = (lines: readonly Line[], order: readonly number[]): number[] => [
  ...order.map((k) => labelAt(CODE, lines, `h${k}`)),
  labelAt(CODE, lines, "end"),
];

const scatter = (length: number, handlers: number): number[] =>
  Array.from({ length }, (_, k) => (Math.imul(k + 1, 0x9e3779b1) >>> 8) % handlers);

/** Runs some times in both ways, and says how many jumps of the last run went through the engine. */
function follows(lines: readonly Line[], script: readonly (number | bigint)[], times = 4): number {
  const hot = scripted(HOT, lines, script);
  const plain = scripted(PLAIN_OPTIONS, lines, script);
  let before = 0;
  for (let k = 0; k < times; k++) {
    before = hot.engine.stats.follows;
    restart(hot);
    restart(plain);
    expect(ending(hot, {}, CODE)).toEqual(ending(plain, {}, CODE));
  }
  expect(hot.engine.stats.regionsCompiled).toBeGreaterThan(0);
  expect(hot.engine.brokenRules()).toEqual([]);
  return hot.engine.stats.follows - before;
}

describe.each(SHAPES)("%s", (_name, shape) => {
  test.each([1, 2, 3, 4, 5, 17, 40])("%d targets stay inside", (handlers) => {
    const lines = shape(handlers);
    expect(follows(lines, toScript(lines, scatter(MANY, handlers)))).toBeLessThan(8);
  });

  test("targets that are met late are taken in", () => {
    const lines = shape(12);
    const early = scatter(MANY, 3);
    const late = scatter(4 * MANY, 12);
    const script = toScript(lines, [...early, ...late]);
    const hot = scripted(HOT, lines, script);
    restart(hot);
    hot.run(CODE, { limit: 3 * MANY });
    const first = hot.engine.stats.regionsCompiled;
    expect(first).toBeGreaterThan(0);
    expect(follows(lines, script)).toBeLessThan(script.length / 50);
    hot.go();
    expect(hot.engine.stats.regionsCompiled).toBeGreaterThan(first);
  });

  test("few regions hold all of it", () => {
    const handlers = 30;
    const lines = shape(handlers);
    const hot = scripted(HOT, lines, toScript(lines, scatter(5 * MANY, handlers)));
    for (let k = 0; k < 3; k++) {
      restart(hot);
      hot.run(CODE);
    }
    expect(hot.engine.stats.regionsCompiled).toBeLessThan(handlers / 2);
  });

  const away: readonly (readonly [string, number | bigint])[] = [
    ["another page", FAR],
    ["a page that is not mapped", 0x700000],
    ["the same low half, another high half", BigInt(CODE) + (5n << 32n)],
    ["the kernel half", 0xffff_8000_0000_0000n],
    ["no canonical address", 1n << 62n],
    ["the middle of an instruction", CODE + 1],
  ];
  test.each(away)("a jump out: %s", (_where, target) => {
    const lines = shape(6);
    const inside = toScript(lines, scatter(MANY, 6)).slice(0, -1);
    // The handlers are met again behind the odd target, so that the jump's own place in the table is tried too.
    expect(follows(lines, [...inside, target, ...inside, labelAt(CODE, lines, "end")])).toBeLessThan(40);
  });

  test("switched off, every jump goes through the engine", () => {
    const lines = shape(6);
    const script = toScript(lines, scatter(MANY, 6));
    const m = scripted({ ...HOT, computedJumps: false }, lines, script);
    for (let k = 0; k < 2; k++) {
      restart(m);
      m.run(CODE);
    }
    expect(m.engine.stats.follows).toBeGreaterThan(2 * MANY - 1);
  });
});

describe.each(SHAPES)("budgets: %s", (_name, shape) => {
  const lines = shape(7);
  const script = toScript(lines, scatter(MANY, 7));
  const pair = (): readonly [ToyMachine, ToyMachine] => {
    const hot = scripted(HOT, lines, script);
    for (let k = 0; k < 3; k++) {
      restart(hot);
      hot.run(CODE);
    }
    return [hot, scripted(PLAIN_OPTIONS, lines, script)];
  };

  test("every limit is exact", () => {
    const machines = pair();
    for (let limit = 3000; limit < 3060; limit++) {
      const ends = machines.map((m) => {
        restart(m);
        return [ending(m, { limit }, CODE), ending(m)];
      });
      expect(ends[0], `limit ${limit}`).toEqual(ends[1]);
    }
  });

  test("slices end at the same places", () => {
    const machines = pair();
    for (const slice of [1, 2, 3, 5, 7, 50, 333, 1000]) {
      const stops = machines.map((m) => {
        restart(m);
        const list = [ending(m, { slice }, CODE)];
        while (list.at(-1)?.exit.kind === "budget" && list.length < 60) list.push(ending(m, { slice }));
        return list;
      });
      expect(stops[0], `slice ${slice}`).toEqual(stops[1]);
    }
  });

  test("a run stops before a handler", () => {
    const until = labelAt(CODE, lines, "h3");
    const stops = pair().map((m) => {
      restart(m);
      const list = [ending(m, { until }, CODE)];
      for (let k = 0; k < 20; k++) list.push(ending(m, { limit: 1 }), ending(m, { until }));
      restart(m);
      list.push(ending(m, {}, CODE));
      return list;
    });
    expect(stops[0]).toEqual(stops[1]);
  });
});

test("a handler that rewrites another one", () => {
  const rewriting = (at: number): Line[] =>
    switchLoop(4).flatMap((line): Line[] =>
      line === "h1" ? [line, ["mov", 6, at], ["store8", 6, 4]] : [line],
    );
  // The immediate of the first instruction of h2.
  const lines = rewriting(labelAt(CODE, rewriting(0), "h2") - CODE + ALIAS + 2);
  const order = scatter(MANY, 4).map((k, at) => (k === 1 && at % 150 !== 0 ? 0 : k));
  follows(lines, toScript(lines, order));
});

test("random scripts, random handlers, any budget", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SHAPES),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.nat({ max: 11 }), { minLength: 40, maxLength: 300 }),
      fc.integer({ min: 1, max: 200 }),
      ([, shape], handlers, order, slice) => {
        const lines = shape(handlers);
        const script = toScript(
          lines,
          order.map((k) => k % handlers),
        );
        const ends = [{ ...HOT, regionEntries: 5 }, PLAIN_OPTIONS].map((options) => {
          const m = scripted(options, lines, script);
          const list = [];
          for (let k = 0; k < 3; k++) {
            restart(m);
            list.push(ending(m, { slice }, CODE));
            while (list.at(-1)?.exit.kind === "budget") list.push(ending(m, { slice }));
          }
          return list;
        });
        expect(ends[0]).toEqual(ends[1]);
      },
    ),
    { numRuns: 40 },
  );
});
