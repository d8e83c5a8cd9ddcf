/**
 * Toy programs as regions that are hot from the first entry, next to their plain translation. Guest calls are host
 * calls there, so each way to leave a callee is met with callers waiting on the host's stack.
 */

import { expect } from "vitest";
import type { RunRequest } from "../../src/jit/engine.ts";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { assemble, type Line } from "./cache/toy-guest.ts";
import { RW, RX, ToyMachine } from "./cache/toy-machine.ts";

export const CODE = 0x401000;
export const FAR = 0x402000;
export const ALIAS = 0x901000;
export const STACK = 0x800000;
const STACK_PAGES = 48;

// Small units, so that a limit is approached by functions and not only instruction by instruction.
const SMALL: JitOptions = {
  ...DEFAULT_OPTIONS,
  maxUnitInstructions: 40,
  regionEntries: 1,
  javascriptRegionEntries: 1,
};

export const WASM_REGIONS: JitOptions = { ...SMALL, tier: "wasm" };

/** Regions by back end. */
export const REGIONS: readonly (readonly [string, JitOptions])[] = [
  ["WebAssembly", WASM_REGIONS],
  ["JavaScript", { ...SMALL, tier: "js" }],
];

/** The program at CODE, `far` on the page behind it; both writable at ALIAS; a stack in r6. */
export function machine(options: JitOptions, lines: readonly Line[], far: readonly Line[] = []): ToyMachine {
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
  for (let k = 0; k < STACK_PAGES; k++) made.map(space, STACK + k * 0x1000, made.frame(), RW);
  return made;
}

/** Everything that must not depend on options. */
export function ending(m: ToyMachine, request: Partial<RunRequest> = {}, from?: number) {
  const before = m.engine.instructions;
  const exit = from === undefined ? m.go(request) : m.run(from, request);
  return { exit, registers: m.registers(), rip: m.rip, instructions: m.engine.instructions - before };
}

export function start(m: ToyMachine): void {
  for (let r = 0; r < 8; r++) m.setReg(r, 0n);
  m.setReg(6, BigInt(STACK));
}

/** Runs the program some times in both ways; gives the last ending. */
export function compare(
  options: JitOptions,
  lines: readonly Line[],
  far: readonly Line[] = [],
  times = 3,
): ReturnType<typeof ending> {
  const hot = machine(options, lines, far);
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
export const calling = (target: string | number): Line[] => [
  ["store", 6, 7],
  ["addi", 6, 8],
  ["call", target],
  ["addi", 6, -8],
  ["load", 7, 6],
];

export const NESTED_LOOPS: readonly Line[] = [
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
export const NESTED_CALLS: readonly Line[] = [
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
export const FAR_LEAF: readonly Line[] = [
  ["mov", 5, 3],
  "again",
  ["addi", 4, 1],
  ["addi", 5, -1],
  ["jnz", 5, "again"],
  ["ret"],
];

/** Calls itself r0 deep and counts the ways back in r2. */
export const recursion = (depth: number): Line[] => [
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
