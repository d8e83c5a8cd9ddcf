/** Regions from end to end: calls, faults inside callees, budgets that end there. */

import { describe, expect, test } from "vitest";
import { PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { assemble, labelAt, type Line } from "./cache/toy-guest.ts";
import {
  calling,
  CODE,
  compare,
  ending,
  FAR,
  FAR_LEAF,
  machine,
  NESTED_CALLS,
  NESTED_LOOPS,
  recursion,
  REGIONS,
  start,
} from "./region-machine.ts";

describe.each(REGIONS)("regions in %s", (_backEnd, options) => {
  describe("run to the end", () => {
    test("loops in loops", () => {
      const { registers, instructions } = compare(options, NESTED_LOOPS);
      expect([registers[0], instructions]).toEqual([35n, 1 + 7 * (1 + 15 + 2) + 1]);
    });

    test("calls in calls, on the same page and another", () => {
      expect(compare(options, NESTED_CALLS, FAR_LEAF).registers.slice(2, 5)).toEqual([9n, 9n, 27n]);
    });

    test.each([1, 2, 99, 100, 101, 102, 300, 20_000])("recursion %d deep", (depth) => {
      const { registers } = compare(options, recursion(depth));
      expect(registers.slice(1, 3)).toEqual([BigInt(depth), BigInt(depth - 1)]);
    });

    test("a callee that never comes back", () => {
      const lines: Line[] = [
        ["mov", 1, 3],
        "loop",
        ["call", FAR],
        ["addi", 1, -1],
        ["jnz", 1, "loop"],
        ["syscall"],
      ];
      const far: Line[] = [["addi", 0, 1], ["jump", "away"], ["bad"], "away", ["addi", 0, 1], ["syscall"]];
      const { rip, registers } = compare(options, lines, far);
      expect([rip, registers[0]]).toEqual([FAR + assemble(FAR, far).length, 2n]);
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
        compare(options, lines, [
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
        compare(options, lines, [
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
      const ends = [options, PLAIN_OPTIONS].map((shape) => {
        const m = machine(shape, lines);
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
      const { exit, registers } = compare(options, lines, [["addi", 0, 4], ...leaf, ["ret"]]);
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
      const hot = machine(options, lines, far);
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
      const hot = machine(options, lines, far);
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
});
