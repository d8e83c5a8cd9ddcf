/**
 * Regions from end to end: hot from the first entry, compared with the plain translation of the same toy program.
 * Guest calls are host calls here, so each way to leave a callee is met with callers waiting on the host's stack.
 */

import { describe, expect, test } from "vitest";
import type { RunRequest } from "../../src/jit/engine.ts";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";
import type { GuestAddress } from "../../src/mmu/address.ts";
import { assemble, type Line, labelAt } from "./cache/toy-guest.ts";
import { RW, RX, ToyMachine } from "./cache/toy-machine.ts";

const CODE = 0x401000;
const FAR = 0x402000;
const ALIAS = 0x901000;
const STACK = 0x800000;

const REGIONS: JitOptions = {
  ...DEFAULT_OPTIONS,
  tier: "wasm",
  regionEntries: 1,
  // Small, so that a limit is approached by functions and not only instruction by instruction.
  maxUnitInstructions: 40,
};

/** The program at CODE, `far` on the page behind it; both writable at ALIAS; a page of stack in r6. */
function machine(options: JitOptions, lines: readonly Line[], far: readonly Line[] = []): ToyMachine {
  const made = new ToyMachine({ options });
  const space = made.space();
  for (const [k, [at, text]] of (
    [
      [CODE, lines],
      [FAR, far],
    ] as const
  ).entries()) {
    const frame = made.frame(assemble(at, text));
    made.map(space, at, frame, RX);
    made.map(space, ALIAS + k * 0x1000, frame, RW);
  }
  made.map(space, STACK, made.frame(), RW);
  return made;
}

/** Everything that must not depend on options. */
function ending(m: ToyMachine, request: Partial<RunRequest> = {}, from?: number) {
  const before = m.engine.instructions;
  const exit = from === undefined ? m.go(request) : m.run(from, request);
  return { exit, registers: m.registers(), rip: m.rip, instructions: m.engine.instructions - before };
}

function start(m: ToyMachine): void {
  for (let r = 0; r < 8; r++) m.setReg(r, 0n);
  m.setReg(6, BigInt(STACK));
}

/** Runs the program some times in both ways; gives the last ending. */
function compare(lines: readonly Line[], far: readonly Line[] = [], times = 3): ReturnType<typeof ending> {
  const hot = machine(REGIONS, lines, far);
  const plain = machine(PLAIN_OPTIONS, lines, far);
  let last: ReturnType<typeof ending> | undefined;
  for (let k = 0; k < times; k++) {
    start(hot);
    start(plain);
    last = ending(hot, {}, CODE);
    expect(last).toEqual(ending(plain, {}, CODE));
  }
  expect(hot.engine.stats.regionsCompiled).toBeGreaterThan(0);
  expect(hot.engine.brokenRules()).toEqual([]);
  if (last === undefined) throw new Error("never run");
  return last;
}

/** Pushes and pops the link register around a call. */
const calling = (target: string | number): Line[] => [
  ["store", 6, 7],
  ["addi", 6, 8],
  ["call", target],
  ["addi", 6, -8],
  ["load", 7, 6],
];

const NESTED_LOOPS: readonly Line[] = [
  ["mov", 1, 7],
  "outer",
  ["mov", 2, 5],
  "inner",
  ["addi", 0, 1],
  ["addi", 2, -1],
  ["jnz", 2, "inner"],
  ["addi", 1, -1],
  ["jnz", 1, "outer"],
  ["syscall"],
];

/** r1 rounds of a function that calls another one, on this page and on the next. */
const NESTED_CALLS: readonly Line[] = [
  ["mov", 1, 9],
  "round",
  ["call", "middle"],
  ["addi", 1, -1],
  ["jnz", 1, "round"],
  ["syscall"],
  "middle",
  ...calling("leaf"),
  ...calling(FAR),
  ["addi", 2, 1],
  ["ret"],
  "leaf",
  ["addi", 3, 1],
  ["ret"],
];
const FAR_LEAF: readonly Line[] = [
  ["mov", 5, 3],
  "again",
  ["addi", 4, 1],
  ["addi", 5, -1],
  ["jnz", 5, "again"],
  ["ret"],
];

/** Calls itself r0 deep and counts the ways back in r2. */
const recursion = (depth: number): Line[] => [
  ["mov", 0, depth],
  ["call", "down"],
  ["syscall"],
  "down",
  ["addi", 1, 1],
  ["addi", 0, -1],
  ["jnz", 0, "deeper"],
  ["ret"],
  "deeper",
  ...calling("down"),
  ["addi", 2, 1],
  ["ret"],
];

describe("run to the end", () => {
  test("loops in loops", () => {
    const { registers, instructions } = compare(NESTED_LOOPS);
    expect([registers[0], instructions]).toEqual([35n, 1 + 7 * (1 + 15 + 2) + 1]);
  });

  test("calls in calls, on the same page and another", () => {
    expect(compare(NESTED_CALLS, FAR_LEAF).registers.slice(2, 5)).toEqual([9n, 9n, 27n]);
  });

  test.each([1, 2, 99, 100, 101, 102, 300])("recursion %d deep", (depth) => {
    const { registers } = compare(recursion(depth));
    expect(registers.slice(1, 3)).toEqual([BigInt(depth), BigInt(depth - 1)]);
  });

  test("a callee that never comes back", () => {
    const { rip } = compare(
      [
        ["mov", 1, 3],
        "loop",
        ["call", FAR],
        ["addi", 1, -1],
        ["jnz", 1, "loop"],
        ["syscall"],
        "away",
        ["addi", 2, 9],
        ["syscall"],
      ],
      [["addi", 0, 1], ["jump", FAR + 0x20], ["nop"]].concat([]) as Line[],
    );
    expect(rip).toBe(FAR + 7);
  });

  test("a callee that jumps into the middle of its caller", () => {
    const lines: Line[] = [
      ["mov", 1, 5],
      "loop",
      ["call", FAR],
      ["addi", 2, 100],
      "behind",
      ["addi", 2, 1],
      ["addi", 1, -1],
      ["jnz", 1, "loop"],
      ["syscall"],
    ];
    const behind = labelAt(CODE, lines, "behind");
    expect(
      compare(lines, [
        ["mov", 3, behind],
        ["jr", 3],
      ]).registers[2],
    ).toBe(5n);
  });

  test("a callee that goes on elsewhere and comes back after all", () => {
    const lines: Line[] = [
      ["mov", 1, 5],
      "loop",
      ["call", FAR],
      ["addi", 1, -1],
      ["jnz", 1, "loop"],
      ["syscall"],
      "elsewhere",
      ["addi", 2, 1],
      ["ret"],
    ];
    const elsewhere = labelAt(CODE, lines, "elsewhere");
    expect(
      compare(lines, [
        ["mov", 3, elsewhere],
        ["jr", 3],
      ]).registers[2],
    ).toBe(5n);
  });

  test("a system call inside a callee", () => {
    const lines: Line[] = [
      ["call", "leaf"],
      ["addi", 0, 1],
      ["syscall"],
      "leaf",
      ["addi", 0, 4],
      ["syscall"],
      ["ret"],
    ];
    const ends = [REGIONS, PLAIN_OPTIONS].map((options) => {
      const m = machine(options, lines);
      return [ending(m, {}, CODE), ending(m), m.reg(0)];
    });
    expect(ends[0]).toEqual(ends[1]);
    expect(ends[0]?.[2]).toBe(5n);
  });
});

describe("faults", () => {
  test.each([
    [
      "a load",
      [
        ["mov", 2, 0x700000],
        ["load", 3, 2],
      ],
    ],
    [
      "a store",
      [
        ["mov", 2, 0x700000],
        ["store", 2, 3],
      ],
    ],
    [
      "a store to read-only memory",
      [
        ["mov", 2, CODE],
        ["store", 2, 3],
      ],
    ],
    ["an undefined instruction", [["bad"]]],
    ["a trap", [["trap"]]],
    ["an instruction that is not implemented", [["frob"]]],
    [
      "a fetch",
      [
        ["mov", 2, 0x700000],
        ["jr", 2],
      ],
    ],
  ] as readonly (readonly [string, readonly Line[]])[])("%s two calls deep", (_name, leaf) => {
    const lines: Line[] = [
      ["addi", 0, 1],
      ["call", "middle"],
      ["syscall"],
      "middle",
      ["addi", 0, 2],
      ...calling(FAR),
      ["ret"],
    ];
    const { exit, registers } = compare(lines, [["addi", 0, 4], ...leaf, ["ret"]]);
    expect([exit.kind, registers[0]]).toEqual(["fault", 7n]);
  });
});

describe("budgets", () => {
  const programs: readonly (readonly [string, readonly Line[], readonly Line[]])[] = [
    ["loops", NESTED_LOOPS, []],
    ["calls", NESTED_CALLS, FAR_LEAF],
    ["recursion", recursion(30), []],
  ];

  test.each(programs)("every limit is exact: %s", (_name, lines, far) => {
    const hot = machine(REGIONS, lines, far);
    const plain = machine(PLAIN_OPTIONS, lines, far);
    start(plain);
    const { instructions: total } = ending(plain, {}, CODE);
    for (let limit = 0; limit <= total; limit++) {
      const ends = [hot, plain].map((m) => {
        start(m);
        return [ending(m, { limit }, CODE), ending(m)];
      });
      expect(ends[0], `limit ${limit}`).toEqual(ends[1]);
    }
  });

  test.each(programs)("slices end at the same places: %s", (_name, lines, far) => {
    const hot = machine(REGIONS, lines, far);
    const plain = machine(PLAIN_OPTIONS, lines, far);
    for (let slice = 1; slice < 60; slice++) {
      const stops = [hot, plain].map((m) => {
        start(m);
        const list = [ending(m, { slice }, CODE)];
        while (list.at(-1)?.exit.kind === "budget") list.push(ending(m, { slice }));
        return list;
      });
      expect(stops[0], `slice ${slice}`).toEqual(stops[1]);
    }
  });
});

describe("code that changes", () => {
  /** Round by round the leaf on the far page, or the caller behind the call, gets another immediate. */
  const rewriting = (patched: "caller" | "leaf"): readonly [Line[], Line[]] => {
    const lines: Line[] = [
      ["mov", 1, 6],
      "round",
      ["call", "middle"],
      "here",
      ["addi", 2, 1],
      ["addi", 1, -1],
      ["jnz", 1, "round"],
      ["syscall"],
      "middle",
      ...calling(FAR),
      ["ret"],
    ];
    const target = patched === "leaf" ? ALIAS + 0x1000 + 20 : labelAt(CODE, lines, "here") - CODE + ALIAS + 2;
    const far: Line[] = [["mov", 3, target], ["store8", 3, 1], ["nop"], ["nop"], ["nop"]];
    while (assemble(FAR, far).length < 18) far.push(["nop"]);
    return [lines, [...far, ["addi", 4, 0], ["ret"]]];
  };

  test.each(["caller", "leaf"] as const)("a callee rewrites the %s", (patched) => {
    const { registers } = compare(...rewriting(patched), 4);
    expect(registers[patched === "caller" ? 2 : 4]).toBe(21n);
  });

  test("two spaces with different functions at the same call target", () => {
    const m = new ToyMachine({ options: REGIONS });
    const lines: Line[] = [
      ["mov", 1, 4],
      "round",
      ["call", FAR],
      ["addi", 1, -1],
      ["jnz", 1, "round"],
      ["syscall"],
    ];
    const spaces = [3, 50].map((step) => {
      const space = m.space();
      m.code(space, CODE, assemble(CODE, lines));
      m.code(space, FAR, assemble(FAR, [["addi", 0, step], ["ret"]]));
      return space;
    });
    for (let round = 0; round < 3; round++) {
      for (const [k, space] of spaces.entries()) {
        m.mmu.activate(space);
        start(m);
        expect(m.run(CODE)).toEqual({ kind: "syscall" });
        expect(m.reg(0)).toBe(k === 0 ? 12n : 200n);
      }
    }
    expect(m.engine.stats.regionsCompiled).toBeGreaterThanOrEqual(3);
  });

  test("a function that is not mapped in the other space is not called there", () => {
    const m = new ToyMachine({ options: REGIONS });
    const lines: Line[] = [["call", FAR], ["syscall"]];
    const first = m.space();
    m.code(first, CODE, assemble(CODE, lines));
    m.code(first, FAR, assemble(FAR, [["addi", 0, 1], ["ret"]]));
    for (let k = 0; k < 3; k++) m.run(CODE);
    const second = m.space();
    m.code(second, CODE, assemble(CODE, lines));
    expect(m.run(CODE)).toMatchObject({ kind: "fault", fault: { vector: 14 } });
    expect(m.rip).toBe(FAR);
    m.mmu.activate(first);
    first.unmap((FAR >> 12) as Parameters<typeof first.unmap>[0]);
    expect(m.run(CODE)).toMatchObject({ kind: "fault", fault: { vector: 14 } });
    expect(m.reg(0)).toBe(3n);
  });
});

describe("stop addresses", () => {
  const places: readonly (readonly [string, GuestAddress])[] = [
    ["the start of a loop", labelAt(CODE, NESTED_CALLS, "round")],
    ["behind a call", (labelAt(CODE, NESTED_CALLS, "round") + 3) as GuestAddress],
    ["a called function", labelAt(CODE, NESTED_CALLS, "middle")],
    ["a leaf", labelAt(CODE, NESTED_CALLS, "leaf")],
    ["a function of another page", FAR as GuestAddress],
    ["a loop of another page", labelAt(FAR, FAR_LEAF, "again")],
    ["the end", (labelAt(CODE, NESTED_CALLS, "middle") - 1) as GuestAddress],
  ];

  test.each(places)("%s", (_name, until) => {
    const hot = machine(REGIONS, NESTED_CALLS, FAR_LEAF);
    const plain = machine(PLAIN_OPTIONS, NESTED_CALLS, FAR_LEAF);
    const stops = [hot, plain].map((m) => {
      start(m);
      // Regions are there before the stop address is.
      const list = [ending(m, {}, CODE)];
      start(m);
      list.push(ending(m, { until }, CODE));
      for (let k = 0; k < 40 && list.at(-1)?.exit.kind === "until"; k++) {
        list.push(ending(m, { limit: 1 }), ending(m, { until }));
      }
      start(m);
      list.push(ending(m, {}, CODE));
      return list;
    });
    expect(stops[0]).toEqual(stops[1]);
    expect(stops[0]?.filter(({ exit }) => exit.kind === "until").length).toBeGreaterThan(0);
  });
});
