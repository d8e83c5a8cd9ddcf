import { describe, expect, test } from "vitest";
import { InvariantError } from "../../src/invariant.ts";
import type { GuestAddress } from "../../src/mmu/address.ts";
import { FAULT_FETCH, FAULT_PRESENT, FAULT_USER, FAULT_WRITE } from "../../src/mmu/fault.ts";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { assemble, LINK, type Line, labelAt } from "./cache/toy-guest.ts";
import { RW, ToyMachine } from "./cache/toy-machine.ts";

const CODE = 0x401000;
const DATA = 0x800000;

/** The same tests for every shape of translation. */
const SHAPES: readonly (readonly [string, JitOptions])[] = [
  ["all optimisations", DEFAULT_OPTIONS],
  ["JavaScript alone", { ...DEFAULT_OPTIONS, tier: "js" }],
  ["WebAssembly, regions at once", { ...DEFAULT_OPTIONS, tier: "wasm", regionEntries: 1 }],
  ["none", PLAIN_OPTIONS],
  ["one instruction per block", { ...DEFAULT_OPTIONS, maxBlockInstructions: 1 }],
];

/** r0 counts down from r1's start value; 3 instructions per turn. */
const COUNTDOWN: readonly Line[] = [
  ["mov", 0, 0],
  ["mov", 1, 10],
  "loop",
  ["addi", 0, 3],
  ["addi", 1, -1],
  ["jnz", 1, "loop"],
  ["syscall"],
];

describe.each(SHAPES)("with %s", (_name, options) => {
  const machine = (lines: readonly Line[]): ToyMachine => {
    const made = new ToyMachine({ options });
    made.code(made.space(), CODE, assemble(CODE, lines));
    return made;
  };

  test("a loop runs to its system call, instructions are counted exactly", () => {
    const m = machine(COUNTDOWN);
    expect(m.run(CODE)).toEqual({ kind: "syscall" });
    expect([m.reg(0), m.reg(1)]).toEqual([30n, 0n]);
    expect(m.engine.instructions).toBe(2 + 3 * 10 + 1);
    expect(m.rip).toBe(CODE + assemble(CODE, COUNTDOWN).length);
  });

  test("a second run goes on counting", () => {
    const m = machine(COUNTDOWN);
    m.run(CODE);
    m.run(CODE);
    expect(m.engine.instructions).toBe(66);
  });

  test("calls and returns across pages find their cells", () => {
    const far: Line[] = [["addi", 2, 1], ["ret"]];
    const m = machine([
      ["mov", 3, 5],
      "loop",
      ["call", CODE + 0x1000],
      ["addi", 3, -1],
      ["jnz", 3, "loop"],
      ["syscall"],
    ]);
    m.code(m.mmu.active!, CODE + 0x1000, assemble(CODE + 0x1000, far));
    expect(m.run(CODE)).toEqual({ kind: "syscall" });
    expect([m.reg(2), m.engine.instructions]).toEqual([5n, 1 + 5 * 5 + 1]);
  });

  test("a fault in the middle of a block has the state of its instruction", () => {
    const lines: Line[] = [
      ["mov", 0, 1],
      ["mov", 1, DATA],
      ["addi", 0, 1],
      "bad",
      ["load", 2, 1],
      ["addi", 0, 1],
    ];
    const m = machine(lines);
    const exit = m.run(CODE);
    expect(exit).toMatchObject({ kind: "fault", fault: { vector: 14, errorCode: FAULT_USER } });
    expect([m.reg(0), m.rip, m.engine.instructions]).toEqual([2n, labelAt(CODE, lines, "bad"), 3]);
  });

  test("a store to read-only memory faults before it lands", () => {
    const m = machine([["mov", 0, CODE], ["store", 0, 0], ["syscall"]]);
    expect(m.run(CODE)).toMatchObject({
      kind: "fault",
      fault: { vector: 14, errorCode: FAULT_USER | FAULT_WRITE | FAULT_PRESENT },
    });
    expect(m.engine.instructions).toBe(1);
  });

  test("an undefined instruction is not completed, a trap is", () => {
    const undefinedOne = machine([["nop"], ["bad"]]);
    expect(undefinedOne.run(CODE)).toMatchObject({ kind: "fault", fault: { vector: 6, errorCode: 0 } });
    expect([undefinedOne.rip, undefinedOne.engine.instructions]).toEqual([CODE + 1, 1]);
    const trap = machine([["nop"], ["trap"]]);
    expect(trap.run(CODE)).toMatchObject({ kind: "fault", fault: { vector: 3 } });
    expect([trap.rip, trap.engine.instructions]).toEqual([CODE + 2, 2]);
  });

  test("an unsupported instruction is a fault and is counted when executed", () => {
    const m = machine([["frob"]]);
    expect(m.run(CODE)).toMatchObject({ kind: "fault", fault: { vector: 6, unsupported: "frob" } });
    m.run(CODE);
    expect([...m.engine.stats.unsupported]).toEqual([["frob", 2]]);
  });

  test("a jump to an unmapped page is a fetch fault at the target", () => {
    const m = machine([
      ["mov", 0, 0x123456],
      ["jr", 0],
    ]);
    expect(m.run(CODE)).toMatchObject({
      kind: "fault",
      fault: {
        vector: 14,
        errorCode: FAULT_USER | FAULT_FETCH,
        memory: { lo: 0x123456, hi: 0, access: "execute" },
      },
    });
    expect([m.rip, m.engine.instructions]).toEqual([0x123456, 2]);
  });

  test("a jump into data is a fetch fault that says the page is present", () => {
    const m = machine([
      ["mov", 0, DATA],
      ["jr", 0],
    ]);
    m.map(m.mmu.active!, DATA, m.frame(), RW);
    expect(m.run(CODE)).toMatchObject({
      kind: "fault",
      fault: { vector: 14, errorCode: FAULT_USER | FAULT_FETCH | FAULT_PRESENT },
    });
  });

  test.each([
    [0x8000_0000_0000n, 13, 0],
    [0x4000_0000_0000_0000n, 13, 0],
    [0xffff_f000_0000_0000n, 14, FAULT_USER | FAULT_FETCH],
    [0xffff_ffff_8000_0000n, 14, FAULT_USER | FAULT_FETCH],
  ])("a jump out of the user half, to %x, faults with vector %i", (target, vector, errorCode) => {
    const m = machine([["jr", 0]]);
    m.setReg(0, target);
    const exit = m.run(CODE);
    if (exit.kind !== "fault") throw new Error(exit.kind);
    expect([exit.fault.vector, exit.fault.errorCode & ~FAULT_PRESENT]).toEqual([vector, errorCode]);
    expect(m.engine.instructions).toBe(1);
  });

  test("code runs off its page into the next one", () => {
    const m = machine([...Array.from({ length: 4096 }, (): Line => ["nop"]), ["syscall"]]);
    expect(m.run(CODE)).toEqual({ kind: "syscall" });
    expect(m.engine.instructions).toBe(4097);
  });

  test("tsc is the number of completed instructions, wherever blocks are cut", () => {
    const m = machine([["nop"], ["nop"], ["tsc", 0], ["nop"], ["tsc", 1], ["syscall"]]);
    m.run(CODE);
    m.run(CODE);
    expect([m.reg(0), m.reg(1)]).toEqual([8n, 10n]);
  });

  describe("limits", () => {
    test.each([0, 1, 2, 3, 7, 8, 20, 31, 32])("exactly %i instructions", (limit) => {
      const m = machine(COUNTDOWN);
      expect(m.run(CODE, { limit })).toEqual({ kind: "limit" });
      expect(m.engine.instructions).toBe(limit);
    });

    test("state at every limit is that of a run of single instructions", () => {
      const single = machine(COUNTDOWN);
      single.rip = CODE;
      for (let n = 1; n <= 32; n++) {
        single.go({ limit: 1 });
        const m = machine(COUNTDOWN);
        m.run(CODE, { limit: n });
        expect([m.rip, ...m.registers()]).toEqual([single.rip, ...single.registers()]);
      }
    });

    test("the system call that is the last instruction allowed is an exit", () => {
      const m = machine(COUNTDOWN);
      expect(m.run(CODE, { limit: 33 })).toEqual({ kind: "syscall" });
      expect(m.go({ limit: 0 })).toEqual({ kind: "limit" });
    });

    test("a long loop with a limit is not run one by one", () => {
      const m = machine([["mov", 1, 1_000_000], "loop", ["addi", 1, -1], ["jnz", 1, "loop"], ["syscall"]]);
      expect(m.run(CODE, { slice: Infinity, limit: 1_000_001 })).toEqual({ kind: "limit" });
      expect(m.engine.instructions).toBe(1_000_001);
      expect(m.engine.stats.stepsRun).toBeLessThanOrEqual(options.maxUnitInstructions);
    });
  });

  describe("preemption", () => {
    test("happens at the first backward transfer after the slice, wherever blocks are cut", () => {
      const m = machine(COUNTDOWN);
      // 2 + 3 * 2 = 8 instructions: the jump of the second turn is the first preemption point at or after 6.
      expect(m.run(CODE, { slice: 6 })).toEqual({ kind: "budget" });
      expect([m.engine.instructions, m.rip]).toEqual([8, labelAt(CODE, COUNTDOWN, "loop")]);
    });

    test("does not happen in straight-line code", () => {
      const m = machine([...Array.from({ length: 200 }, (): Line => ["nop"]), ["syscall"]]);
      expect(m.run(CODE, { slice: 1 })).toEqual({ kind: "syscall" });
      expect(m.engine.instructions).toBe(201);
    });

    test("happens at calls, returns and computed jumps", () => {
      const m = machine([["call", "f"], ["syscall"], "f", ["nop"], ["ret"]]);
      expect(m.run(CODE, { slice: 1 })).toEqual({ kind: "budget" });
      expect(m.engine.instructions).toBe(1);
      expect(m.go({ slice: 1 })).toEqual({ kind: "budget" });
      expect(m.engine.instructions).toBe(3);
      expect(m.go({ slice: 1 })).toEqual({ kind: "syscall" });
    });

    test("slices of any size end in the same state", () => {
      for (const slice of [1, 2, 5, 13, 100]) {
        const m = machine(COUNTDOWN);
        m.rip = CODE;
        let turns = 0;
        while (m.go({ slice }).kind === "budget") turns++;
        expect([m.reg(0), m.engine.instructions]).toEqual([30n, 33]);
        expect(turns).toBeLessThanOrEqual(10);
      }
    });

    test("an endless loop leaves", () => {
      const m = machine(["self", ["jump", "self"]]);
      expect(m.run(CODE, { slice: 1000 })).toEqual({ kind: "budget" });
      expect(m.engine.instructions).toBe(1000);
    });
  });

  describe("stop addresses", () => {
    const until = labelAt(CODE, COUNTDOWN, "loop");

    test("stop before the instruction, also inside what was a block", () => {
      const m = machine(COUNTDOWN);
      const inside = (until + 3) as GuestAddress;
      m.run(CODE);
      expect(m.run(CODE, { until: inside })).toEqual({ kind: "until" });
      expect([m.rip, m.reg(0), m.reg(1)]).toEqual([inside, 3n, 10n]);
    });

    test("stop at once when RIP is there", () => {
      const m = machine(COUNTDOWN);
      expect(m.run(until, { until })).toEqual({ kind: "until" });
      expect(m.engine.instructions).toBe(0);
    });

    test("are found again in every turn, and not without being asked for", () => {
      const m = machine(COUNTDOWN);
      const seen: bigint[] = [];
      m.rip = CODE;
      while (m.go({ until }).kind === "until") {
        seen.push(m.reg(1));
        m.go({ limit: 1 });
      }
      expect(seen).toEqual([10n, 9n, 8n, 7n, 6n, 5n, 4n, 3n, 2n, 1n]);
      expect(m.run(CODE)).toEqual({ kind: "syscall" });
      expect(m.reg(0)).toBe(30n);
    });

    test("on a page that is entered only during the run", () => {
      const m = machine([["jump", CODE + 0x1000]]);
      m.code(m.mmu.active!, CODE + 0x1000, assemble(CODE + 0x1000, [["nop"], ["nop"], ["syscall"]]));
      expect(m.run(CODE, { until: (CODE + 0x1001) as GuestAddress })).toEqual({ kind: "until" });
      expect(m.run(CODE)).toEqual({ kind: "syscall" });
    });

    test("give way to a limit that comes first", () => {
      const m = machine(COUNTDOWN);
      expect(m.run(CODE, { until, limit: 1 })).toEqual({ kind: "limit" });
      expect(m.run(CODE, { until, limit: 2 })).toEqual({ kind: "until" });
    });
  });

  describe("instructions across a page's end", () => {
    const END = CODE + 0x1000;
    /** `mov 0, 0x01020304` with its last three bytes on the next page, then a system call. */
    const crossing = (m: ToyMachine, value: number): ReturnType<ToyMachine["code"]> => {
      const bytes = new Uint8Array(0x2000);
      bytes.set(assemble(END - 3, [["mov", 0, value], ["syscall"]]), 0x1000 - 3);
      return m.code(m.mmu.active ?? m.space(), CODE, bytes);
    };

    test("run, also when linked to from their page", () => {
      const m = new ToyMachine({ options });
      const [first] = crossing(m, 0x01020304);
      m.mmu.frameBytes(first!).set(assemble(END - 6, [["jump", END - 3]]), 0x1000 - 6);
      expect(m.run(END - 6)).toEqual({ kind: "syscall" });
      expect(m.run(END - 6)).toEqual({ kind: "syscall" });
      expect([m.reg(0), m.engine.instructions]).toEqual([0x01020304n, 6]);
    });

    test("fault at the next page's start when that is not executable", () => {
      const m = new ToyMachine({ options });
      const space = m.space();
      crossing(m, 1);
      space.protect(((CODE >> 12) + 1) as Parameters<typeof space.protect>[0], undefined);
      expect(m.run(END - 3)).toMatchObject({
        kind: "fault",
        fault: { vector: 14, memory: { lo: END, hi: 0 } },
      });
      expect([m.rip, m.engine.instructions]).toEqual([END - 3, 0]);
    });

    test("see a change of the next page alone", () => {
      const m = new ToyMachine({ options });
      const space = m.space();
      crossing(m, 0x01020304);
      m.run(END - 3);
      space.poke(END as GuestAddress, Uint8Array.of(0x33));
      expect(m.run(END - 3)).toEqual({ kind: "syscall" });
      expect(m.reg(0)).toBe(0x01023304n);
    });

    test("run alone under a limit", () => {
      const m = new ToyMachine({ options });
      crossing(m, 5);
      expect(m.run(END - 3, { limit: 1 })).toEqual({ kind: "limit" });
      expect([m.reg(0), m.rip]).toEqual([5n, END + 3]);
    });

    test("work in a cache of one page", () => {
      const m = new ToyMachine({ options, limits: { pages: 1, dormantPages: 0, sourceBytes: 1 } });
      m.space();
      crossing(m, 0x01020304);
      expect(m.run(END - 3)).toEqual({ kind: "syscall" });
      expect(m.reg(0)).toBe(0x01020304n);
    });
  });

  test("a link register of the toy guest is where its calls return", () => {
    const m = machine([["call", "f"], "back", ["syscall"], "f", ["nop"], ["syscall"]]);
    m.run(CODE);
    expect(m.reg(LINK)).toBe(BigInt(CODE + 3));
  });
});

test("a run without an address space is a mistake of the caller", () => {
  expect(() => new ToyMachine().go()).toThrow(InvariantError);
});
