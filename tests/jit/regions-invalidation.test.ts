/** Regions whose code, callees, spaces or stop addresses change while callers wait. */

import { describe, expect, test } from "vitest";
import { PLAIN_OPTIONS } from "../../src/jit/options.ts";
import type { GuestAddress } from "../../src/mmu/address.ts";
import { assemble, labelAt, type Line } from "./cache/toy-guest.ts";
import { RW, RX, ToyMachine } from "./cache/toy-machine.ts";
import {
  ALIAS,
  calling,
  CODE,
  compare,
  ending,
  FAR,
  FAR_LEAF,
  machine,
  NESTED_CALLS,
  REGIONS,
  STACK,
  start,
} from "./region-machine.ts";

describe.each(REGIONS)("regions in %s", (_backEnd, options) => {
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
      const target =
        patched === "leaf" ? ALIAS + 0x1000 + 20 : labelAt(CODE, lines, "here") - CODE + ALIAS + 2;
      const far: Line[] = [["mov", 3, target], ["store8", 3, 1], ["nop"], ["nop"], ["nop"]];
      while (assemble(FAR, far).length < 18) far.push(["nop"]);
      return [lines, [...far, ["addi", 4, 0], ["ret"]]];
    };

    test.each(["caller", "leaf"] as const)("a callee rewrites the %s", (patched) => {
      const { registers } = compare(options, ...rewriting(patched), 4);
      expect(registers[patched === "caller" ? 2 : 4]).toBe(21n);
    });

    test("two spaces with different functions at the same call target", () => {
      const m = new ToyMachine({ options });
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

    test("a function is called no more once its page is unmapped, and another one is when it is mapped there", () => {
      const m = new ToyMachine({ options });
      const space = m.space();
      m.code(space, CODE, assemble(CODE, [["call", FAR], ["syscall"]]));
      m.code(space, FAR, assemble(FAR, [["addi", 0, 1], ["ret"]]));
      for (let k = 0; k < 3; k++) m.run(CODE);
      space.unmap((FAR >> 12) as Parameters<typeof space.unmap>[0]);
      expect(m.run(CODE)).toMatchObject({ kind: "fault", fault: { vector: 14 } });
      expect([m.rip, m.reg(0)]).toEqual([FAR, 3n]);
      m.code(space, FAR, assemble(FAR, [["addi", 0, 10], ["ret"]]));
      for (let k = 0; k < 3; k++) expect(m.run(CODE)).toEqual({ kind: "syscall" });
      expect(m.reg(0)).toBe(33n);
    });

    test("a function that is not mapped in the other space is not called there", () => {
      const m = new ToyMachine({ options });
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

  test("callers whose pages are evicted while they wait", () => {
    const PAGES = 6;
    const ends = [options, PLAIN_OPTIONS].map((shape) => {
      const m = new ToyMachine({
        options: shape,
        limits: { pages: 3, dormantPages: 1, sourceBytes: 1 << 20 },
      });
      const space = m.space();
      m.map(space, STACK, m.frame(), RW);
      for (let k = 0; k < PAGES; k++) {
        const at = CODE + 0x1000 * k;
        const next = k + 1 < PAGES ? calling(at + 0x1000) : [];
        const turn: Line[] = [["mov", k === 0 ? 1 : 2, 3], "turn", ["addi", 0, 1], ...next];
        const loop: Line[] = k === 0 ? [["addi", 1, -1], ["jnz", 1, "turn"], ["syscall"]] : [["ret"]];
        const frame = m.frame(assemble(at, [...turn, ...loop]));
        m.map(space, at, frame, RX);
        m.map(space, ALIAS + 0x1000 * k, frame, RW);
      }
      start(m);
      const end = [ending(m, {}, CODE)];
      start(m);
      end.push(ending(m, { limit: 70 }, CODE), ending(m));
      expect(m.engine.stats.invalidations.evicted.pages).toBeGreaterThan(PAGES);
      return end;
    });
    expect(ends[0]).toEqual(ends[1]);
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
      const hot = machine(options, NESTED_CALLS, FAR_LEAF);
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
});
