/**
 * REP MOVS and REP STOS, which do many elements at once, against a model that does them one by one: registers,
 * memory, faults, and the count of instructions at every limit.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RAX, RBX, RCX, RDI, RSI } from "../../../src/frontend/guest-state.ts";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../../../src/jit/options.ts";
import { bytes } from "../../support/asm.ts";
import { RW, RX } from "../cache/toy-machine.ts";
import { X86Machine } from "../x86-machine.ts";

const CODE = 0x401000;
const ALIAS = 0x901000;
/** Three pages that may be written, one that may only be read, none behind. */
const DATA = 0x800000;
const DATA_BYTES = 4 * 4096;
const WRITABLE_BYTES = 3 * 4096;

const SHAPES: readonly (readonly [string, JitOptions])[] = [
  ["plain", PLAIN_OPTIONS],
  ["JavaScript", { ...DEFAULT_OPTIONS, tier: "js" }],
  ["WebAssembly in place", { ...DEFAULT_OPTIONS, tier: "wasm", regions: false, maxUnitInstructions: 70 }],
  ["regions", { ...DEFAULT_OPTIONS, tier: "wasm", regionEntries: 1, maxUnitInstructions: 70 }],
];

interface Case {
  readonly op: "movs" | "stos";
  readonly size: 1 | 2 | 4 | 8;
  readonly down: boolean;
  readonly to: number;
  readonly from: number;
  readonly count: number;
  readonly limit: number;
}

/** cld or std; rep movs or stos of the size; syscall */
function programOf({ op, size, down }: Case): Uint8Array {
  const opcode = (op === "movs" ? 0xa4 : 0xaa) + (size === 1 ? 0 : 1);
  const prefix = { 1: "", 2: "66 ", 4: "", 8: "" }[size];
  return bytes(`${down ? "fd" : "fc"} ${prefix}f3 ${size === 8 ? "48 " : ""}${opcode.toString(16)} 0f 05`);
}

const VALUE = 0x8877665544332211n;
const pattern = (): Uint8Array =>
  Uint8Array.from({ length: DATA_BYTES }, (_, k) => (k * 31 + (k >> 8)) & 255);

interface End {
  readonly kind: string;
  readonly count: bigint;
  readonly to: bigint;
  readonly from: bigint;
  readonly instructions: number;
  readonly memory: Uint8Array;
}

/** Element by element, as the manual has it; the first instruction sets DF. */
function model({ op, size, down, to, from, count, limit }: Case): End {
  const memory = pattern();
  const step = down ? -size : size;
  let instructions = 1;
  let [left, target, source] = [count, to, from];
  const end = (kind: string): End => ({
    kind,
    count: BigInt(left),
    to: BigInt.asUintN(64, BigInt(target)),
    from: BigInt.asUintN(64, BigInt(op === "movs" ? source : from)),
    instructions,
    memory,
  });
  const within = (at: number, bound: number): boolean => at >= DATA && at + size <= DATA + bound;
  do {
    if (instructions === limit) return end("limit");
    if (left > 0) {
      if (op === "movs" && !within(source, DATA_BYTES)) return end("fault");
      if (!within(target, WRITABLE_BYTES)) return end("fault");
      const value = Array.from({ length: size }, (_, k) =>
        op === "movs" ? (memory[source - DATA + k] as number) : Number((VALUE >> BigInt(8 * k)) & 255n),
      );
      memory.set(value, target - DATA);
      left--;
      target += step;
      source += step;
    }
    instructions++;
  } while (left > 0);
  if (instructions === limit) return end("limit");
  instructions++;
  return end("syscall");
}

const machines = SHAPES.map(([, options]) => {
  const m = new X86Machine(options);
  const space = m.space();
  const frame = m.frame();
  m.map(space, CODE, frame, RX);
  for (let at = 0; at < DATA_BYTES; at += 4096) {
    m.map(space, DATA + at, m.frame(), { writable: at < WRITABLE_BYTES, executable: false });
  }
  return m;
});

function emitted(m: X86Machine, given: Case): End {
  const space = m.mmu.active;
  const poke = (at: number, what: Uint8Array): void => {
    expect(space?.poke(at as Parameters<NonNullable<typeof space>["poke"]>[0], what)).toBe(true);
  };
  poke(DATA, pattern());
  poke(CODE, programOf(given));
  m.setGeneral(RAX, VALUE);
  m.setGeneral(RCX, given.count);
  m.setGeneral(RDI, given.to);
  m.setGeneral(RSI, given.from);
  const before = m.engine.instructions;
  const exit = m.run(CODE, { limit: given.limit });
  const memory = new Uint8Array(DATA_BYTES);
  space?.peek(DATA as Parameters<typeof space.peek>[0], memory);
  return {
    kind: exit.kind,
    // SYSCALL leaves the next address in RCX.
    count: exit.kind === "syscall" ? 0n : m.general(RCX),
    to: m.general(RDI),
    from: m.general(RSI),
    instructions: m.engine.instructions - before,
    memory,
  };
}

/** The first difference as text, so that a failure does not print pages. */
function compare(given: Case): void {
  const expected = model(given);
  for (const [k, m] of machines.entries()) {
    const got = emitted(m, given);
    const name = `${SHAPES[k]?.[0]}: ${JSON.stringify(given)}`;
    expect({ ...got, memory: 0 }, name).toEqual({ ...expected, memory: 0 });
    expect(Buffer.compare(got.memory, expected.memory), name).toBe(0);
  }
}

const SIZES = [1, 2, 4, 8] as const;
const NO_LIMIT = 100_000;
const place = fc.oneof(
  fc.integer({ min: DATA, max: DATA + WRITABLE_BYTES - 1 }),
  fc.integer({ min: DATA + 4096 - 40, max: DATA + 4096 + 40 }),
  fc.integer({ min: DATA + WRITABLE_BYTES - 40, max: DATA + DATA_BYTES + 8 }),
);
const CASES: fc.Arbitrary<Case> = fc
  .record({
    op: fc.constantFrom("movs" as const, "stos" as const),
    size: fc.constantFrom(...SIZES),
    down: fc.boolean(),
    to: place,
    from: place,
    /** Mostly near the destination, so that they overlap. */
    distance: fc.option(fc.integer({ min: -70, max: 70 })),
    count: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 900 }), fc.constant(5000)),
    limit: fc.oneof(fc.constant(NO_LIMIT), fc.integer({ min: 0, max: 900 })),
  })
  .map(({ distance, ...rest }) => (distance === null ? rest : { ...rest, from: rest.to + distance }))
  .filter(({ limit }) => limit > 0);

test("random cases", () => {
  fc.assert(fc.property(CASES, compare), { numRuns: 400 });
});

describe.each(SIZES)("elements of %d bytes", (size) => {
  const base = {
    size,
    down: false,
    to: DATA + 4096 - 3 * size - 1,
    from: DATA + 77,
    count: 700,
    limit: NO_LIMIT,
  };

  test.each(["movs", "stos"] as const)("%s over a page's end, up and down, ends in a limit", (op) => {
    for (const down of [false, true]) {
      for (const limit of [1, 2, 3, 4, 5, 6, 7, 8, 69, 70, 71, 72, 100, 400, 699, 700, 701, 702, NO_LIMIT]) {
        compare({ ...base, op, down, limit });
      }
    }
  });

  test("overlapping copies, both ways around", () => {
    for (const down of [false, true]) {
      for (const distance of [-64, -8, -size, -1, 0, 1, size, 8, 64]) {
        compare({ ...base, op: "movs", down, to: DATA + 6000, from: DATA + 6000 + distance, count: 500 });
      }
    }
  });

  test("stops at the first element that faults", () => {
    compare({ ...base, op: "stos", to: DATA + WRITABLE_BYTES - 9 * size - 1 });
    compare({ ...base, op: "movs", from: DATA + DATA_BYTES - 9 * size - 1 });
    compare({ ...base, op: "stos", down: true, to: DATA + 20 * size });
  });
});

describe.each(SHAPES)("into the code that runs: %s", (_name, options) => {
  /** 16 times `inc ebx` behind the instruction, the first 8 of which become NOPs. */
  test.each([
    ["rep stosb", "f3 aa", 16],
    ["rep stosq", "f3 48 ab", 2],
    ["rep movsb", "f3 a4", 16],
  ])("%s", (_op, code, count) => {
    const m = new X86Machine(options);
    const space = m.space();
    const start = bytes(code);
    const frame = m.frame(bytes(`${code} ${"ff c3 ".repeat(16)} 0f 05`));
    m.map(space, CODE, frame, RX);
    m.map(space, ALIAS, frame, RW);
    m.map(space, DATA, m.frame(new Uint8Array(64).fill(0x90)), RW);
    for (let round = 0; round < 3; round++) {
      m.mmu.beforeFrameWrite(frame);
      m.mmu.frameBytes(frame).set(bytes(`${code} ${"ff c3 ".repeat(16)} 0f 05`));
      m.setGeneral(RAX, 0x9090909090909090n);
      m.setGeneral(RBX, 0);
      m.setGeneral(RCX, count);
      m.setGeneral(RDI, ALIAS + start.length);
      m.setGeneral(RSI, DATA);
      const before = m.engine.instructions;
      expect(m.run(CODE)).toEqual({ kind: "syscall" });
      expect(m.general(RBX)).toBe(8n);
      expect(m.engine.instructions - before).toBe(count + 16 + 8 + 1);
    }
  });
});
