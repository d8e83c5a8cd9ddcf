/**
 * Guests that mean harm: wild pointers, nonsense in the ring, messages that lie, endless loops. Each ends as an error
 * result, a guest fault or a limit, and a well-behaved neighbour runs as if it were alone.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CAPSET_ADDRESS,
  CQE,
  CQE_ARRAY_OFFSET,
  ERR,
  OP,
  RING,
  RING_ADDRESS,
  SQE,
  SQE_ARRAY_OFFSET,
  SQE_BYTES,
} from "../../src/kernel/abi.ts";
import type { Scenario } from "../../src/scenario.ts";
import { buildElf } from "../support/elf.ts";
import { guestProgram, type ScenarioRun, runScenario, shipped } from "./run.ts";

const TEXT = 0x20_0000;
const DATA = 0x40_0000;
const MEMORY = 8 << 20;

const le = (value: number | bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) =>
    Number((BigInt.asUintN(64, BigInt(value)) >> BigInt(8 * i)) & 0xffn),
  );

/** Machine code, a few instructions of it. */
const asm = {
  rax: (value: number | bigint) => [0x48, 0xb8, ...le(value, 8)],
  rdi: (value: number | bigint) => [0x48, 0xbf, ...le(value, 8)],
  rsi: (value: number | bigint) => [0x48, 0xbe, ...le(value, 8)],
  rcx: (value: number | bigint) => [0x48, 0xb9, ...le(value, 8)],
  syscall: [0x0f, 0x05],
  repMovsb: [0xf3, 0xa4],
  /** mov edi, [rsi] with sign: the low half of a word as an exit code. */
  loadEdi: [0x48, 0x63, 0x3e],
};

const exit = (code: number | bigint): number[] => [...asm.rdi(code), ...asm.rax(1), ...asm.syscall];
const capEnter = (minComplete: number | bigint, timeout: number | bigint): number[] => [
  ...asm.rdi(minComplete),
  ...asm.rsi(timeout),
  ...asm.rax(2),
  ...asm.syscall,
];
const copy = (to: number, from: number, length: number): number[] => [
  ...asm.rdi(to),
  ...asm.rsi(from),
  ...asm.rcx(length),
  ...asm.repMovsb,
];
/** Ends with the signed 32-bit word at the address as exit code. */
const exitWithWord = (at: number): number[] => [
  ...asm.rsi(at),
  ...asm.loadEdi,
  ...asm.rax(1),
  ...asm.syscall,
];

const image = (code: readonly number[], data: readonly number[] = []): Uint8Array =>
  buildElf(
    [
      { vaddr: TEXT, flags: 5, bytes: code, memoryBytes: code.length },
      { vaddr: DATA, flags: 6, bytes: data, memoryBytes: Math.max(data.length, 4096) },
    ],
    TEXT,
  );

/** The program alone, as init with a console. */
function run(file: Uint8Array, maxInstructions = 1_000_000): ScenarioRun {
  const scenario: Scenario = {
    name: "hostile",
    binaries: new Map([["hostile", file]]),
    init: "hostile",
    capabilities: [["console", "console"]],
    quotas: {},
    expect: {},
  };
  const ended = runScenario(scenario, { checks: "full", memoryBytes: MEMORY, maxInstructions });
  expect(ended.machine.kernel.brokenRules()).toEqual([]);
  return ended;
}

const exitCodeOf = ({ result }: ScenarioRun): bigint | undefined =>
  result.outcome.kind === "exited" ? result.outcome.exitCode : undefined;

/** The shipped `hello` as init, and the program beside it. */
function besideHello(file: Uint8Array): ScenarioRun {
  const hello = shipped("hello");
  const scenario = { ...hello, binaries: new Map([...hello.binaries, ["hostile", file]]) };
  return runScenario(scenario, {
    checks: "full",
    memoryBytes: MEMORY,
    maxInstructions: 50_000_000,
    prepare({ kernel }) {
      expect(kernel.spawn({ name: "hostile", binary: "hostile", grants: [] }).status).toBe("ok");
    },
  });
}

/** A submission queue entry. */
function sqe(fields: Partial<Record<keyof typeof SQE, number | bigint>>): number[] {
  const bytes = new Uint8Array(SQE_BYTES);
  const view = new DataView(bytes.buffer);
  const wide = new Set<keyof typeof SQE>(["userData", "addr", "resultAddr"]);
  const narrow = new Set<keyof typeof SQE>(["methodId", "pipelineField", "xferCapCount"]);
  for (const [name, value] of Object.entries(fields) as [keyof typeof SQE, number | bigint][]) {
    const at = SQE[name];
    if (name === "opcode" || name === "flags") view.setUint8(at, Number(value));
    else if (narrow.has(name)) view.setUint16(at, Number(value), true);
    else if (wide.has(name)) view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    else view.setUint32(at, Number(value), true);
  }
  return [...bytes];
}

/** Submits one entry, waits for its completion and exits with its result. `data` lies at `DATA` + 64. */
function submit(entry: readonly number[], data: readonly number[] = []): Uint8Array {
  const tailAt = SQE_BYTES + data.length;
  return image(
    [
      ...copy(RING_ADDRESS + SQE_ARRAY_OFFSET, DATA, SQE_BYTES),
      ...copy(RING_ADDRESS + RING.sqTail, DATA + tailAt, 4),
      ...capEnter(1, 1_000_000),
      ...exitWithWord(RING_ADDRESS + CQE_ARRAY_OFFSET + CQE.result),
    ],
    [...entry, ...data, ...le(1, 4)],
  );
}

describe("submissions that must be refused", () => {
  const call = { opcode: OP.call, capId: 0, methodId: 1, userData: 7 };
  const message = [...le(0, 4), ...le(1, 4), ...le(0, 8)]; // one segment of one word: an empty root
  const at = DATA + SQE_BYTES;
  const rows: readonly (readonly [what: string, entry: number[], data: number[], result: number])[] = [
    ["an unknown operation", sqe({ opcode: 200 }), [], ERR.invalidRequest],
    ["a field that must be zero", sqe({ opcode: OP.nop, addr: 8 }), [], ERR.invalidRequest],
    ["an unknown capability", sqe({ ...call, capId: 77 }), [], ERR.invokeFailed],
    ["a capability of another generation", sqe({ ...call, capId: 0x0500_0000 }), [], ERR.invokeFailed],
    ["a message at address 0", sqe({ ...call, addr: 0, len: 16 }), [], ERR.invalidParamsBuffer],
    [
      "a message in kernel memory",
      sqe({ ...call, addr: 0xffff_8000_0000_0000n, len: 16 }),
      [],
      ERR.invalidParamsBuffer,
    ],
    [
      "a message outside the address space",
      sqe({ ...call, addr: 0x8000_0000_0000n - 8n, len: 16 }),
      [],
      ERR.invalidParamsBuffer,
    ],
    [
      "a message around the end of addresses",
      sqe({ ...call, addr: 0xffff_ffff_ffff_fff0n, len: 64 }),
      [],
      ERR.invalidParamsBuffer,
    ],
    ["a message without an end", sqe({ ...call, addr: at, len: 0xffff_ffff }), [], ERR.invalidRequest],
    [
      "a result in code",
      sqe({ ...call, addr: at, len: 16, resultAddr: TEXT, resultLen: 512 }),
      message,
      ERR.invalidResultBuffer,
    ],
    [
      "a result in the CapSet page",
      sqe({ ...call, addr: at, len: 16, resultAddr: CAPSET_ADDRESS, resultLen: 512 }),
      message,
      ERR.invalidResultBuffer,
    ],
  ];
  test.each(rows)("%s", (_what, entry, data, result) => {
    const ended = run(submit(entry, data));
    expect(exitCodeOf(ended)).toBe(BigInt(result));
    expect(ended.console).toBe("");
  });

  test("the test's program can see a good result", () => {
    expect(exitCodeOf(run(submit(sqe({ opcode: OP.nop, userData: 1 }))))).toBe(0n);
  });
});

test("messages of random words never harm, and never print what they do not hold", () => {
  const word = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    // Pointers: kind, offset, size.
    fc
      .tuple(fc.nat(3), fc.integer({ min: -40, max: 40 }), fc.nat(0xffff), fc.nat(0xffff))
      .map(([kind, offset, low, high]) =>
        BigInt.asUintN(
          64,
          (BigInt(high) << 48n) | (BigInt(low) << 32n) | BigInt(((offset << 2) | kind) >>> 0),
        ),
      ),
  );
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 24 }),
      fc.nat(5),
      fc.nat(600),
      (words, method, resultLen) => {
        const message = [...le(0, 4), ...le(words.length, 4), ...words.flatMap((value) => le(value, 8))];
        const entry = sqe({
          opcode: OP.call,
          methodId: method,
          addr: DATA + SQE_BYTES,
          len: message.length,
          ...(resultLen === 0 ? {} : { resultAddr: DATA + 2048, resultLen }),
        });
        const code = exitCodeOf(run(submit(entry, message)));
        expect(code).toBeDefined();
        expect(Number(code)).toBeLessThanOrEqual(600);
        expect(Number(code)).toBeGreaterThanOrEqual(-10);
      },
    ),
    { numRuns: 60 },
  );
});

test("a ring page of random bytes never harms", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4096, maxLength: 4096 }), fc.nat(40), (ring, waitFor) => {
      const file = image(
        [...copy(RING_ADDRESS, DATA, 4096), ...capEnter(waitFor, 1000), ...capEnter(0, 0), ...exit(5)],
        [...ring],
      );
      expect(exitCodeOf(run(file))).toBe(5n);
    }),
    { numRuns: 20 },
  );
});

describe("ring indices", () => {
  const rows: readonly (readonly [string, Partial<Record<keyof typeof RING, number>>])[] = [
    ["a tail far ahead of the head", { sqTail: 0x7fff_ffff }],
    ["a head ahead of the tail", { sqHead: 5 }],
    ["indices about to wrap", { sqHead: 0xffff_fffe, sqTail: 2 }],
    ["a completion head ahead of the tail", { cqHead: 1000 }],
    [
      "masks and offsets of the guest's own",
      { sqMask: 0xffff_ffff, cqMask: 0xffff_ffff, sqeOffset: 0xffff_ffff, cqeOffset: 0xffff_fff0 },
    ],
    ["sizes of the guest's own", { sqEntries: 0xffff_ffff, cqEntries: 0 }],
  ];
  test.each(rows)("%s", (_what, header) => {
    const bytes = new DataView(new ArrayBuffer(64));
    for (const [name, value] of Object.entries(header))
      bytes.setUint32(RING[name as keyof typeof RING], value, true);
    const file = image(
      [...copy(RING_ADDRESS, DATA, 64), ...capEnter(3, 1000), ...capEnter(0xffff_ffff, 1000), ...exit(6)],
      [...new Uint8Array(bytes.buffer)],
    );
    expect(exitCodeOf(run(file))).toBe(6n);
  });
});

test("unknown system calls are answered, not obeyed", () => {
  const numbers = [0n, 3n, 4n, 60n, 0xffff_ffffn, 1n << 32n, (1n << 32n) + 1n, -1n];
  const file = image([...numbers.flatMap((number) => [...asm.rax(number), ...asm.syscall]), ...exit(8)]);
  expect(exitCodeOf(run(file))).toBe(8n);
});

/** Programs that would go on for ever, or die. */
const LOOPS: readonly (readonly [string, number[]])[] = [
  ["a loop", [0xeb, 0xfe]],
  ["a loop of system calls", [...capEnter(0, 0), 0xe9, ...le(-37, 4)]],
  ["waiting for ever", capEnter(1, -1)],
  ["copying for ever", [...asm.rcx(-1), ...asm.rdi(DATA), ...asm.rsi(DATA), 0xf3, 0xa4]],
  ["a wild write", [...asm.rax(0xdead_beef_0000n), 0xc6, 0x00, 0x01]],
  ["a write to the kernel", [...asm.rax(0xffff_8000_0010_0000n), 0xc6, 0x00, 0x01]],
  ["a jump into data", [...asm.rax(DATA), 0xff, 0xe0]],
  ["a jump into the ring page", [...asm.rax(RING_ADDRESS), 0xff, 0xe0]],
  ["a halt", [0xf4]],
  ["a port", [0xe6, 0x80]],
];

describe("a neighbour of a well-behaved process", () => {
  const alone = runScenario(shipped("hello"), { memoryBytes: MEMORY });
  test.each(LOOPS)("%s", (_what, code) => {
    const { console, result, machine } = besideHello(image(code));
    expect(result.outcome).toEqual(alone.result.outcome);
    expect(console).toBe(alone.console);
    expect(result.processes.find(({ name }) => name === "hostile")?.ending).toMatch(/fault|runEnded|alive/);
    expect(machine.kernel.brokenRules()).toEqual([]);
  });
});

describe("alone", () => {
  test.each(LOOPS.slice(0, 2))("%s ends by the instruction limit, exactly", (_what, code) => {
    const { result } = run(image(code), 123_457);
    expect(result.outcome).toEqual({ kind: "instruction-limit" });
    expect(result.instructions).toBe(123_457);
  });

  test.each(LOOPS.slice(0, 2))("%s ends when the caller says stop", (_what, code) => {
    let asked = 0;
    const scenario: Scenario = { ...shipped("hello"), binaries: new Map([["hello", image(code)]]) };
    const { result } = runScenario(scenario, { memoryBytes: MEMORY, onSlice: () => ++asked < 3 });
    expect(result.outcome).toEqual({ kind: "stopped" });
    expect(asked).toBe(3);
  });

  test("a stopped run goes on as if nothing had been", () => {
    const scenario = guestProgram("integer");
    const whole = runScenario(scenario);
    let stops = 0;
    let ended = runScenario(scenario, { onSlice: () => stops++ < 0 });
    while (ended.result.outcome.kind === "stopped") ended = { ...ended, result: ended.machine.run() };
    expect(stops).toBeGreaterThan(0);
    expect(ended.result.instructions).toBe(whole.result.instructions);
    expect(ended.result.outcome).toEqual(whole.result.outcome);
  });
});
