/**
 * JIT-5: results do not depend on any optimisation switch, nor on how blocks are cut, slices end or limits fall.
 * Random toy programs, some of which write their own code, run on the engine and on the reference.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { FrameNumber } from "../../src/mmu/address.ts";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { assemble, labelAt, type Line, type ToyName } from "./cache/toy-guest.ts";
import { RW, RX, ToyMachine, ToySpaces } from "./cache/toy-machine.ts";
import { type Outcome, ToyReference } from "./cache/toy-reference.ts";

const CODE = 0x401000;
/** Both code pages again, writable. */
const ALIAS = 0x901000;
const DATA = 0x800000;
const TOTAL = 200;

interface Program {
  /** Where it begins in the first code page; late starts make it cross the page's end. */
  readonly start: number;
  readonly lines: readonly Line[];
  readonly registers: readonly bigint[];
  readonly slice: number;
  readonly limit: number;
}

const REG = fc.integer({ min: 0, max: 7 });
const TWO_REGS: readonly ToyName[] = ["add", "sub", "copy", "load", "store", "store8"];

function lineArbitrary(labels: number): fc.Arbitrary<Line> {
  const label = fc.integer({ min: 0, max: labels - 1 }).map((n) => `l${n}`);
  return fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constantFrom(...TWO_REGS), REG, REG) },
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom<ToyName>("store", "store8"), REG, REG) },
    { weight: 3, arbitrary: fc.tuple(fc.constant<ToyName>("addi"), REG, fc.integer({ min: -9, max: 9 })) },
    { weight: 1, arbitrary: fc.tuple(fc.constant<ToyName>("mov"), REG, label) },
    { weight: 3, arbitrary: fc.tuple(fc.constant<ToyName>("jnz"), REG, label) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom<ToyName>("jump", "call"), label) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom<ToyName>("jr", "tsc"), REG) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom<ToyName>("nop", "ret", "syscall", "trap")) },
  ) as fc.Arbitrary<Line>;
}

const REGISTER = fc.oneof(
  fc.bigInt({ min: 0n, max: 12n }),
  fc.integer({ min: 0, max: 0x1ff8 }).map((offset) => BigInt(DATA + offset)),
  {
    weight: 3,
    arbitrary: fc.integer({ min: 0, max: 120 }).map((offset) => BigInt(ALIAS + 0xfb0 + offset)),
  },
  fc.integer({ min: 0, max: 120 }).map((offset) => BigInt(CODE + 0xfb0 + offset)),
  fc.constantFrom(0xffff_8000_0000_0000n, 0x4000_0000_0000_0000n, 0xffff_ffff_ffff_fff8n),
);

const PROGRAM: fc.Arbitrary<Program> = fc.integer({ min: 2, max: 24 }).chain((count) =>
  fc.record({
    start: fc.integer({ min: 0xfb0, max: 0xffc }),
    lines: fc
      .array(lineArbitrary(count), { minLength: count, maxLength: count })
      .map((lines) => lines.flatMap((line, i): Line[] => [`l${i}`, line])),
    registers: fc.array(REGISTER, { minLength: 8, maxLength: 8 }),
    slice: fc.integer({ min: 1, max: 60 }),
    limit: fc.integer({ min: 1, max: 200 }),
  }),
);

/** One exit and the registers at it. */
interface Stop extends Outcome {
  readonly instructions: number;
  readonly rip: number;
  readonly registers: readonly bigint[];
}
interface Trace {
  readonly stops: readonly Stop[];
  readonly memory: readonly Uint8Array[];
}

/** Code at CODE and ALIAS, two data pages, in a new space. */
function load(machine: ToySpaces, program: Program): FrameNumber[] {
  const space = machine.space();
  const bytes = new Uint8Array(0x2000);
  bytes.set(assemble(CODE + program.start, program.lines), program.start);
  const frames = [0, 1].map((i) => machine.frame(bytes.subarray(i * 0x1000, (i + 1) * 0x1000)));
  const data = [0, 1].map(() => machine.frame());
  for (const i of [0, 1]) {
    machine.map(space, CODE + i * 0x1000, frames[i]!, RX);
    machine.map(space, ALIAS + i * 0x1000, frames[i]!, RW);
    machine.map(space, DATA + i * 0x1000, data[i]!, RW);
  }
  restart(machine, program, 0);
  return [...frames, ...data];
}

/** Gives everything back that `load` took. */
function unload(machine: ToySpaces): void {
  const space = machine.mmu.active;
  if (space === undefined) return;
  const freed = new Set([...space.entries()].map(([page]) => space.unmap(page)));
  for (const frame of freed) machine.frames.free(frame);
  space.destroy();
}

/** Runs in slices, each with a limit, until enough instructions ran or the turns are over. A fault starts the program elsewhere. */
function trace(machine: ToySpaces, program: Program, executor: Executor): Trace {
  const frames = load(machine, program);
  try {
    const start = executor.instructions();
    const stops: Stop[] = [];
    for (let turn = 0; turn < 60; turn++) {
      const done = executor.instructions() - start;
      if (done >= TOTAL) break;
      const outcome = executor.run(program.slice, Math.min(TOTAL - done, program.limit));
      const registers = machine.registers();
      stops.push({ ...outcome, instructions: executor.instructions(), rip: machine.rip, registers });
      if (outcome.kind === "fault" && outcome.vector !== 3) restart(machine, program, turn);
    }
    return { stops, memory: frames.map((frame) => machine.mmu.frameBytes(frame).slice()) };
  } finally {
    unload(machine);
  }
}

/** Life after a fault: the registers anew, from the next line on. */
function restart(machine: ToySpaces, program: Program, turn: number): void {
  for (const [r, value] of program.registers.entries()) machine.setReg(r, value);
  const lines = program.lines.length / 2;
  machine.rip = labelAt(CODE + program.start, program.lines, `l${turn % lines}`);
}

interface Executor {
  run(slice: number, limit: number): Outcome;
  instructions(): number;
}

const engineOf = (machine: ToyMachine): Executor => ({
  instructions: () => machine.engine.instructions,
  run(slice, limit) {
    const exit = machine.go({ slice, limit });
    if (exit.kind === "until") throw new Error("no stop address was given");
    if (exit.kind !== "fault") return { kind: exit.kind };
    return { kind: "fault", vector: exit.fault.vector, errorCode: exit.fault.errorCode };
  },
});

const JAVASCRIPT: JitOptions = { ...DEFAULT_OPTIONS, tier: "js" };
const SHAPES: readonly JitOptions[] = [
  { ...DEFAULT_OPTIONS, maxUnitInstructions: 20 },
  { ...DEFAULT_OPTIONS, maxUnitInstructions: 30, regionEntries: 1 },
  { ...DEFAULT_OPTIONS, maxUnitInstructions: 50, regionEntries: 3, maxBlockInstructions: 2 },
  { ...DEFAULT_OPTIONS, maxUnitInstructions: 40, regions: false },
  PLAIN_OPTIONS,
  { ...JAVASCRIPT, maxBlockInstructions: 1 },
  { ...JAVASCRIPT, maxBlockInstructions: 3, selfLoops: false },
  { ...JAVASCRIPT, compactFirst: false },
  { ...JAVASCRIPT, hotEntries: 2, regions: false },
  { ...JAVASCRIPT, maxUnitInstructions: 30, javascriptRegionEntries: 1 },
  { ...JAVASCRIPT, maxUnitInstructions: 50, javascriptRegionEntries: 3, maxBlockInstructions: 2 },
  { ...PLAIN_OPTIONS, compactFirst: true, hotEntries: 1 },
  { ...PLAIN_OPTIONS, blockLinking: true, batchCompilation: true, selfLoops: true },
];

const RUNS = Number(process.env["CAPJIT_FUZZ_RUNS"] ?? 40);

test(
  "JIT-5 random programs give the reference's exits, registers and memory in every shape",
  () => {
    const model = new ToySpaces({ ramBytes: 4 << 20, checks: "off" });
    const reference = new ToyReference(model.mmu);
    const machines = SHAPES.map((options) => new ToyMachine({ options, checks: "frugal" }));
    fc.assert(
      fc.property(PROGRAM, (program) => {
        for (const machine of machines) {
          // The time-stamp counter counts from the machine's start, so both begin at the same number.
          reference.instructions = machine.engine.instructions;
          const expected = trace(model, program, {
            instructions: () => reference.instructions,
            run: (slice, limit) => reference.run(slice, limit),
          });
          expect(trace(machine, program, engineOf(machine))).toEqual(expected);
          expect(machine.engine.brokenRules()).toEqual([]);
        }
      }),
      { numRuns: RUNS },
    );
    for (const { mmu } of machines) expect(mmu.brokenRules()).toEqual([]);
    // The programs did what this test is about. How often in one shape is a matter of luck.
    const total = (count: (stats: ToyMachine["engine"]["stats"]) => number): number =>
      machines.reduce((sum, { engine }) => sum + count(engine.stats), 0);
    expect(total(({ leaves }) => leaves)).toBeGreaterThan(20);
    expect(total(({ regionsCompiled }) => regionsCompiled)).toBeGreaterThan(5);
    expect(total(({ unitsSharpened }) => unitsSharpened)).toBeGreaterThan(20);
  },
  60_000 + 2_000 * RUNS,
);
