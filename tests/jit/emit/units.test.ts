/** Ways in and out of a unit: links, budget, preemption points, self loops, faults with exact state, LEAVE. */

import { describe, expect, test } from "vitest";
import { compileUnits } from "../../../src/jit/emit/javascript/compile.ts";
import type { IrBlock } from "../../../src/jit/ir/block.ts";
import { parseBlock } from "../../../src/jit/ir/parse.ts";
import { BUDGET } from "../../../src/jit/ir/state.ts";
import { verify } from "../../../src/jit/ir/verify.ts";
import { DEFAULT_OPTIONS } from "../../../src/jit/options.ts";
import { LEAVE } from "../../../src/jit/unit.ts";
import { FRAMES_BYTE, STATE_BYTE, STATE_BYTES } from "../../../src/mmu/layout.ts";
import { fromHalves } from "../../../src/mmu/address.ts";
import {
  cellAt,
  compileOne,
  createEmitted,
  DATA,
  FAR,
  loadState,
  READ_ONLY,
  resetMemory,
  UNMAPPED,
  WATCHED,
  wordAt,
} from "./bench-machine.ts";

const emitted = createEmitted();
const { guest } = emitted;

function block(text: string): IrBlock {
  const parsed = parseBlock(text);
  expect(verify(parsed)).toEqual([]);
  return parsed;
}

/** Clears the state block but for these words. */
function start(words: Readonly<Record<number, number>> = {}, budget = 1000): void {
  resetMemory(guest);
  loadState(guest, new Uint8Array(STATE_BYTES));
  for (const [offset, value] of Object.entries({ ...words, [BUDGET]: budget })) {
    guest.mmu.words[(STATE_BYTE + Number(offset)) >> 2] = value;
  }
}

const run = (of: IrBlock, extra: Parameters<typeof compileOne>[3] = {}, options = DEFAULT_OPTIONS) =>
  emitted.run(compileOne(emitted, of, options, extra));

const ADD_ONE = `
  ; 0x401000 len 4
    %0 = get.i64 @128
    %1 = const.i64 1 0
    %2 = add.i64 %0 %1
    set.i64 @128 %2`;
const jump = (exit: string): IrBlock => block(`block 0x401000\n${ADD_ONE}\n; 0x401004 len 2\n${exit}`);

describe("direct exits", () => {
  const forward = jump("exit jump 0x401020 jump");

  test("return the linked cell", () => {
    start();
    const cell = cellAt(0x401020);
    expect(run(forward, { link: (target) => (target === 0x401020 ? cell : undefined) })).toEqual({
      outcome: { kind: "cell", address: 0x401020 },
      rip: 0x401020n,
      instructions: 2,
    });
    expect(wordAt(guest, 128)).toBe(1);
  });

  test("follow where there is no link", () => {
    start();
    expect(run(forward)).toEqual({ outcome: { kind: "follow" }, rip: 0x401020n, instructions: 2 });
  });

  test.each([
    [0, "0x401040"],
    [1, "0x401030"],
  ])("a branch on %i goes to %s", (value, target) => {
    const branch = block(`block 0x401000
      ; 0x401000 len 4
        %0 = get.i32 @128
        %1 = const.i32 0
        %2 = ne.i32 %0 %1
      exit branch %2 0x401030 0x401040`);
    start({ 128: value });
    const cells = [cellAt(0x401030), cellAt(0x401040)];
    const { outcome } = run(branch, { link: (to) => cells.find((cell) => cell.address === to) });
    expect(outcome).toEqual({ kind: "cell", address: Number(target) });
  });

  test("a branch on a constant has one way", () => {
    const branch = block(`block 0x401000
      ; 0x401000 len 4
        %0 = const.i1 0
      exit branch %0 0x401030 0x401040`);
    start();
    const unit = compileOne(emitted, branch);
    expect(unit.source).not.toContain("if (true)");
    expect(emitted.run(unit).rip).toBe(0x401040n);
  });
});

test("an indirect exit follows all 64 bits", () => {
  const indirect = block(`block 0x401000
    ; 0x401000 len 4
      %0 = get.i64 @128
    exit indirect %0 return`);
  start({ 128: -5, 132: 0x7ff1 });
  expect(run(indirect)).toMatchObject({ outcome: { kind: "follow" }, rip: 0x7ff1_ffff_fffbn });
});

test("SYSCALL stores the next address and counts itself", () => {
  start();
  expect(run(jump("exit syscall 0x401006"))).toEqual({
    outcome: { kind: "syscall" },
    rip: 0x401006n,
    instructions: 2,
  });
});

describe("an exit that always raises", () => {
  test("a fault names its instruction, which has not completed", () => {
    start();
    expect(run(jump("exit fault 6 code 0 rip 0x401004"))).toEqual({
      outcome: { kind: "fault", vector: 6, errorCode: 0 },
      rip: 0x401004n,
      instructions: 1,
    });
  });

  test("a trap names the next instruction", () => {
    start();
    expect(run(jump("exit fault 3 code 0 rip 0x401006"))).toMatchObject({ rip: 0x401006n, instructions: 2 });
  });

  test("what is not implemented carries its name", () => {
    start();
    run(jump("exit fault 6 code 0 rip 0x401004 unsupported fsin"));
    expect(emitted.runtime.pendingFault).toEqual({ vector: 6, errorCode: 0, unsupported: "fsin" });
  });
});

describe("the budget", () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ["exit jump 0x401020 jump", false],
    ["exit jump 0x401004 jump", true],
    ["exit jump 0x401000 jump", true],
    ["exit jump 0x401005 jump", false],
    ["exit jump 0x401006 fallthrough", false],
    ["exit jump 0x401020 call return 0x401006", true],
    ["exit indirect %0 return", true],
    ["exit indirect %0 call return 0x401006", true],
    ["exit indirect %0 jump", true],
  ];
  test.each(cases)("used up at `%s`: preemptible %s", (exit, preemptible) => {
    const of = jump(exit);
    start({}, 2);
    const { outcome, instructions } = run(of, { link: (target) => cellAt(target) });
    expect(outcome).toEqual({ kind: "budget", preemptible });
    expect(instructions).toBe(2);
  });

  test("one instruction left is not used up", () => {
    start({}, 3);
    expect(run(jump("exit jump 0x401020 jump")).outcome).toEqual({ kind: "follow" });
    expect(wordAt(guest, BUDGET)).toBe(1);
  });

  test("stores where to go on", () => {
    start({}, 1);
    expect(run(jump("exit jump 0x401020 jump"))).toMatchObject({ rip: 0x401020n });
    expect(wordAt(guest, 128)).toBe(1);
  });
});

describe("a block that jumps to itself", () => {
  const loop = block(`block 0x401000
    ${ADD_ONE}
    ; 0x401004 len 2
      %4 = get.i64 @136
      %5 = ult.i64 %2 %4
    exit branch %5 0x401000 0x401006`);

  test("loops inside until its condition fails", () => {
    start({ 136: 300 });
    expect(run(loop)).toEqual({ outcome: { kind: "follow" }, rip: 0x401006n, instructions: 600 });
    expect(wordAt(guest, 128)).toBe(300);
  });

  test("stops at a preemption point when the budget is used up", () => {
    start({ 136: 300 }, 11);
    expect(run(loop)).toEqual({
      outcome: { kind: "budget", preemptible: true },
      rip: 0x401000n,
      instructions: 12,
    });
    expect(wordAt(guest, 128)).toBe(6);
  });

  test("leaves after every round without the option, and where it may write code", () => {
    for (const [options, allowCodeWrites] of [
      [{ ...DEFAULT_OPTIONS, selfLoops: false }, false],
      [DEFAULT_OPTIONS, true],
    ] as const) {
      start({ 136: 300 });
      expect(run(loop, { allowCodeWrites }, options)).toMatchObject({ rip: 0x401000n, instructions: 2 });
    }
  });

  test("also where the branch is the other way round, or unconditional", () => {
    const other = block(`block 0x401000
      ${ADD_ONE}
        %4 = get.i64 @136
        %5 = eq.i64 %2 %4
      exit branch %5 0x401004 0x401000`);
    start({ 136: 7 });
    expect(run(other)).toEqual({ outcome: { kind: "follow" }, rip: 0x401004n, instructions: 7 });
    start({}, 50);
    const forever = block(`block 0x401000\n${ADD_ONE}\nexit jump 0x401000 jump`);
    expect(run(forever)).toMatchObject({ outcome: { kind: "budget", preemptible: true }, instructions: 50 });
    expect(wordAt(guest, 128)).toBe(50);
  });

  test("keeps precise state when a later round faults", () => {
    const walk = block(`block 0x401000
      ; 0x401000 len 4
        %0 = get.i64 @128
        store.i64 plain %0 %0
      ; 0x401004 len 4
        %2 = const.i64 8 0
        %3 = add.i64 %0 %2
        set.i64 @128 %3
      exit jump 0x401000 jump`);
    start({ 128: DATA + 8192 - 24 });
    expect(run(walk)).toEqual({
      outcome: { kind: "fault", vector: 14, errorCode: 7 },
      rip: 0x401000n,
      instructions: 6,
    });
    expect(wordAt(guest, 128)).toBe(READ_ONLY);
  });
});

describe("exit.if", () => {
  const copy = block(
    `block 0x401000
    ; 0x401000 len 2
      %0 = get.i64 @136
      %1 = const.i64 0 0
      %2 = eq.i64 %0 %1
      exit.if 0x401002 0 %2
      %4 = get.i64 @128
      store8.i32 plain %4 %9
      %6 = const.i64 1 0
      %7 = add.i64 %4 %6
      set.i64 @128 %7
      %10 = sub.i64 %0 %6
      set.i64 @136 %10
    exit jump 0x401000 jump`.replace("store8.i32 plain %4 %9", "%8 = low.i32 %0\n store8.i32 plain %4 %8"),
  );

  test("leaves at once when the condition holds, counting the instruction", () => {
    start({ 128: DATA });
    expect(run(copy)).toEqual({ outcome: { kind: "follow" }, rip: 0x401002n, instructions: 1 });
    expect(wordAt(guest, 128)).toBe(DATA);
  });

  test("leaves a loop with the state of the last round", () => {
    start({ 128: DATA, 136: 5 });
    expect(run(copy)).toEqual({ outcome: { kind: "follow" }, rip: 0x401002n, instructions: 6 });
    expect([wordAt(guest, 128), wordAt(guest, 136)]).toEqual([DATA + 5, 0]);
    expect([...guest.mmu.bytes.subarray(FRAMES_BYTE + 4096 * 100, FRAMES_BYTE + 4096 * 100 + 5)]).toEqual([
      5, 4, 3, 2, 1,
    ]);
  });

  test("is not a preemption point", () => {
    start({ 128: DATA }, 1);
    expect(run(copy).outcome).toEqual({ kind: "budget", preemptible: false });
  });
});

describe("values read before a word changes", () => {
  const from = { 128: 1, 132: 2, 136: 3, 140: 4, 144: 5, 148: 6 };
  const cases: readonly (readonly [string, string, Readonly<Record<number, number>>])[] = [
    [
      "exchange",
      "%0 = get.i64 @128\n %1 = get.i64 @136\n set.i64 @128 %1\n set.i64 @136 %0",
      { 128: 3, 132: 4, 136: 1, 140: 2 },
    ],
    [
      "halves exchanged in place",
      "%0 = get.i64 @128\n %1 = high.i32 %0\n %2 = low.i32 %0\n %3 = concat.i64 %1 %2\n set.i64 @128 %3",
      { 128: 2, 132: 1 },
    ],
    [
      "an expression that waits",
      "%0 = get.i32 @128\n %1 = const.i32 10\n %2 = add.i32 %0 %1\n set.i32 @128 %1\n set.i32 @136 %2",
      { 128: 10, 136: 11 },
    ],
    [
      "a read that overlaps a later write",
      "%0 = get.i64 @132\n %1 = const.i64 8 9\n set.i64 @128 %1\n set.i64 @144 %0",
      { 128: 8, 132: 9, 144: 2, 148: 3 },
    ],
    [
      "words of a vector shuffled in place",
      "%0 = get.v128 @128\n %1 = shuffle.v32 0x1b %0\n set.v128 @128 %1",
      { 128: 4, 132: 3, 136: 2, 140: 1 },
    ],
    [
      "a write of what was read",
      "%0 = get.i64 @128\n set.i64 @128 %0\n set.i64 @136 %0",
      { 128: 1, 132: 2, 136: 1, 140: 2 },
    ],
  ];
  test.each(cases)("%s", (_title, code, expected) => {
    start(from);
    run(block(`block 0x401000\n; 0x401000 len 4\n${code}\nexit jump 0x401004 fallthrough`));
    for (const [offset, value] of Object.entries({ ...from, ...expected })) {
      expect(wordAt(guest, Number(offset)), `word ${offset}`).toBe(value);
    }
  });
});

describe("faults", () => {
  const twoSteps = (address: number): IrBlock =>
    block(`block 0x401000
      ${ADD_ONE}
      ; 0x401004 len 3
        %4 = const.i64 ${address | 0} ${Math.floor(address / 2 ** 32)}
        %5 = load.i64 plain %4
        set.i64 @128 %5
        set.i64 @136 %5
      ; 0x401007 len 3
        %8 = const.i64 2 0
        set.i64 @136 %8
      exit jump 0x40100a fallthrough`);

  test("leave the state of the instruction's start, and say where and what", () => {
    start({ 128: 41, 136: 7 });
    expect(run(twoSteps(UNMAPPED))).toEqual({
      outcome: { kind: "fault", vector: 14, errorCode: 4 },
      rip: 0x401004n,
      instructions: 1,
    });
    expect([wordAt(guest, 128), wordAt(guest, 136)]).toEqual([42, 7]);
    const { memory } = emitted.runtime.pendingFault ?? {};
    expect(memory).toMatchObject({ access: "read" });
    expect(fromHalves(memory?.lo ?? 0, memory?.hi ?? 0)).toBe(UNMAPPED);
  });

  test("of an access over a page end name the first byte that is refused", () => {
    start();
    run(twoSteps(UNMAPPED - 4));
    expect(emitted.runtime.pendingFault?.memory?.lo).toBe(UNMAPPED);
  });

  test("non-canonical addresses raise #GP", () => {
    start();
    expect(run(twoSteps(2 ** 47)).outcome).toEqual({ kind: "fault", vector: 13, errorCode: 0 });
  });

  test("fault.if raises its vector at the current instruction", () => {
    const divide = block(`block 0x401000
      ${ADD_ONE}
      ; 0x401004 len 3
        %4 = get.i32 @136
        %5 = const.i32 0
        %6 = eq.i32 %4 %5
        fault.if 0 %6
        set.i32 @144 %4
      exit jump 0x401007 fallthrough`);
    start();
    expect(run(divide)).toEqual({
      outcome: { kind: "fault", vector: 0, errorCode: 0 },
      rip: 0x401004n,
      instructions: 1,
    });
    start({ 136: 3 });
    expect(run(divide).outcome).toEqual({ kind: "follow" });
    expect(wordAt(guest, 144)).toBe(3);
  });
});

describe("a store to translated code", () => {
  const store = block(`block 0x401000
    ${ADD_ONE}
    ; 0x401004 len 3
      %4 = const.i64 ${WATCHED} 0
      %5 = const.i32 5
      store.i32 plain %4 %5
      set.i32 @136 %5
    exit jump 0x401007 fallthrough`);
  const place = FRAMES_BYTE + 4096 * 103;

  test("leaves before it lands, at its instruction", () => {
    start({ 128: 1 });
    const before = guest.mmu.words[place >> 2];
    expect(run(store)).toEqual({ outcome: { kind: "leave" }, rip: 0x401004n, instructions: 1 });
    expect(guest.mmu.words[place >> 2]).toBe(before);
    expect([wordAt(guest, 128), wordAt(guest, 136)]).toEqual([2, 0]);
    expect(LEAVE.name).toBe("LEAVE");
  });

  test("lands in a unit that may write code", () => {
    start();
    expect(run(store, { allowCodeWrites: true }).outcome).toEqual({ kind: "follow" });
    expect(guest.mmu.words[place >> 2]).toBe(5);
    guest.mmu.watchCode(((place - FRAMES_BYTE) / 4096) as Parameters<typeof guest.mmu.watchCode>[0]);
  });
});

test("memory above 4 GiB takes the slow path and works", () => {
  const far = block(`block 0x401000
    ; 0x401000 len 4
      %0 = const.i64 8 1
      %1 = load.i64 plain %0
      set.i64 @128 %1
    exit jump 0x401004 fallthrough`);
  start();
  run(far);
  const frame = FRAMES_BYTE + 4096 * 104;
  expect(FAR).toBe(2 ** 32);
  expect(wordAt(guest, 128)).toBe(guest.mmu.words[(frame + 8) >> 2]);
  expect(wordAt(guest, 132)).toBe(guest.mmu.words[(frame + 12) >> 2]);
});

test("once the table holds the page, an aligned access does not call a helper", () => {
  const load = block(`block 0x401000
    ; 0x401000 len 4
      %0 = get.i64 @128
      %1 = load.i64 plain %0
      set.i64 @136 %1
    exit jump 0x401004 fallthrough`);
  const unit = compileOne(emitted, load);
  start({ 128: DATA + 16 });
  emitted.run(unit);
  const before = guest.mmu.stats.slowAccesses;
  for (const offset of [16, 24, 17, 4088]) {
    start({ 128: DATA + offset });
    expect(emitted.run(unit).outcome).toEqual({ kind: "follow" });
  }
  expect(guest.mmu.stats.slowAccesses).toBe(before);
});

describe("sources", () => {
  test("hold many units, in the order of the requests, at the same address too", () => {
    const requests = Array.from({ length: 700 }, (_, k) => ({
      cell: cellAt(0x401000),
      block: jump(`exit jump ${0x401020 + k} jump`),
      allowCodeWrites: false,
      link: () => undefined,
    }));
    const units = compileUnits(requests, emitted.runtime, DEFAULT_OPTIONS, "off");
    expect(units).toHaveLength(700);
    for (const [k, unit] of units.entries()) {
      start();
      expect(emitted.run(unit).rip).toBe(BigInt(0x401020 + k));
    }
  });

  test("of nothing are nothing", () => {
    expect(compileUnits([], emitted.runtime, DEFAULT_OPTIONS, "full")).toEqual([]);
  });

  test("name themselves in stack traces", () => {
    const unit = compileOne(emitted, jump("exit jump 0x401020 jump"));
    expect(unit.run.name).toBe("b_401000");
  });
});

/** Reads, adds, loads, compares. */
const GOLDEN = `block 0x401000
    ; 0x401000 len 4
      %0 = get.i64 @128
      %1 = const.i64 1 0
      %2 = add.i64 %0 %1
      set.i64 @128 %2
    ; 0x401004 len 3
      %4 = get.i64 @136
      %5 = load.i32 plain %4
      %6 = zext.i64 %5
      set.i64 @144 %6
    ; 0x401007 len 2
      %8 = eq.i64 %2 %6
    exit branch %8 0x401020 0x401009`;

test("golden: the text of a block", () => {
  const golden = block(GOLDEN);
  const cell = cellAt(0x401020);
  const unit = compileOne(emitted, golden, DEFAULT_OPTIONS, {
    link: (target) => (target === 0x401020 ? cell : undefined),
  });
  expect(unit.source).toMatchInlineSnapshot(`
    "function b_401000() {
    let r128 = I[1056], r132 = I[1057], r136 = I[1058], r140 = I[1059], r148 = I[1061], r144 = I[1060], e = 0;
    const T = I[1033];
    try {
    const v1 = (r128 + 1 | 0);
    const v2 = (r132 + (v1 >>> 0 < 1 ? 1 : 0) | 0);
    r132 = v2;
    r128 = v1;
    const v3 = r140 === 0 && ((e = I[T + (r136 >>> 12) | 0]) & 1) > (r136 & 3) ? I[e + r136 >> 2] : ld32(r136, r140, 256);
    r148 = 0;
    r144 = v3;
    if ((((v1 ^ v3) | v2) === 0)) {
    return (I[1032] -= 3) > 0 ? c0 : stopBudget(4198432, 0, 0);
    }
    return (I[1032] -= 3) > 0 ? follow(4198409, 0) : stopBudget(4198409, 0, 0);
    } finally {
    I[1057] = r132;
    I[1056] = r128;
    I[1061] = r148;
    I[1060] = r144;
    }
    }"
  `);
});

describe("compact code", () => {
  test("golden: state words in place, memory through helpers, no clause", () => {
    const cell = cellAt(0x401020);
    const unit = compileOne(emitted, block(GOLDEN), DEFAULT_OPTIONS, {
      compact: true,
      link: (target) => (target === 0x401020 ? cell : undefined),
    });
    expect(unit.source).toMatchInlineSnapshot(`
      "function b_401000() {
      const v1 = (I[1056] + 1 | 0);
      const v2 = (I[1057] + (v1 >>> 0 < 1 ? 1 : 0) | 0);
      I[1057] = v2;
      I[1056] = v1;
      const v3 = ld32(I[1058], I[1059], 256);
      I[1061] = 0;
      I[1060] = v3;
      if ((((v1 ^ v3) | v2) === 0)) {
      return (I[1032] -= 3) > 0 ? c0 : stopBudget(4198432, 0, 0);
      }
      return (I[1032] -= 3) > 0 ? follow(4198409, 0) : stopBudget(4198409, 0, 0);
      }"
    `);
  });

  test("a fault leaves the state of its instruction's start", () => {
    start({ 128: 41, 136: UNMAPPED, 144: 7 });
    const faulted = run(block(GOLDEN), { compact: true });
    expect(faulted).toMatchObject({
      outcome: { kind: "fault", vector: 14 },
      rip: 0x401004n,
      instructions: 1,
    });
    expect([wordAt(guest, 128), wordAt(guest, 144)]).toEqual([42, 7]);
  });

  test("a way out in the middle counts its instruction and leaves later writes undone", () => {
    const leaving = block(`block 0x401000
      ; 0x401000 len 4
        %0 = get.i32 @128
        %1 = const.i32 1
        %2 = add.i32 %0 %1
        set.i32 @128 %2
      ; 0x401004 len 2
        %4 = eq.i32 %0 %1
        exit.if 0x401020 0 %4
      ; 0x401006 len 3
        set.i32 @136 %2
      exit jump 0x401009 fallthrough`);
    for (const compact of [true, false]) {
      start({ 128: 1, 136: 9 });
      expect(run(leaving, { compact })).toMatchObject({ rip: 0x401020n, instructions: 2 });
      expect([wordAt(guest, 128), wordAt(guest, 136)]).toEqual([2, 9]);
      start({ 128: 4, 136: 9 });
      expect(run(leaving, { compact })).toMatchObject({ rip: 0x401009n, instructions: 3 });
      expect([wordAt(guest, 128), wordAt(guest, 136)]).toEqual([5, 5]);
    }
  });

  test("a block that loops inside its function has locals all the same", () => {
    const loop = `block 0x401000
      ; 0x401000 len 4
        %0 = get.i32 @128
        %1 = const.i32 1
        %2 = add.i32 %0 %1
        set.i32 @128 %2
      exit jump 0x401000 jump`;
    const sourceOf = (compact: boolean): string =>
      compileOne(emitted, block(loop), DEFAULT_OPTIONS, { compact }).source;
    expect(sourceOf(true)).toBe(sourceOf(false));
  });
});
