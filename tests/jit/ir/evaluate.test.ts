/** Blocks through the evaluator: state, memory, faults, exits. Meanings of single operations are tested beside. */

import { describe, expect, test } from "vitest";
import { parseBlock } from "../../../src/jit/ir/parse.ts";
import { verify } from "../../../src/jit/ir/verify.ts";
import {
  SimpleMachine,
  SimpleMemory,
  type SimpleInputs,
  runBlock,
  STATE_BYTES,
} from "../../support/evaluator.ts";

const FAULT = { vector: 14, errorCode: 6 };
/** 0x9000 and above cannot be accessed; 0x8000 to 0x8fff not written. */
const guarded = (): SimpleMemory =>
  new SimpleMemory((at, write) => (at >= 0x9000n || (write && at >= 0x8000n) ? FAULT : undefined));

function run(body: string, exit = "syscall 0x1001", inputs: SimpleInputs = {}) {
  const block = parseBlock(`block 0x1000\n; 0x1000 len 1\n${body}\nexit ${exit}`);
  expect(verify(block)).toEqual([]);
  const machine = new SimpleMachine(new Uint8Array(STATE_BYTES), guarded(), inputs);
  machine.setState(128, 8, 0x1122334455667788n);
  machine.setState(136, 8, 0x8ffcn);
  const result = runBlock(block, machine.state, machine.memory, inputs);
  return { result, machine };
}

describe("state", () => {
  test("slots overlap as bytes do", () => {
    const { machine } = run(`
      %a = get.i32 @132
      set.i32 @144 %a
      %b = get.i64 @128
      set.i64 @148 %b
      %v = get.v128 @144
      set.v128 @160 %v`);
    expect(machine.getState(160, 16)).toBe(0x00000000_11223344_55667788_11223344n);
  });

  test("vector constants begin with the lowest word", () => {
    const { machine } = run("%v = const.v128 1 2 3 -1\nset.v128 @160 %v");
    expect(machine.getState(160, 16)).toBe(0xffffffff_00000003_00000002_00000001n);
  });

  test("flags are stored as words and read back as bits", () => {
    const { machine } = run(
      "%a = const.i32 0xff\n%b = const.i32 1\n%f = flags.add.i32 8 %a %b\nset.flags %f",
    );
    expect(machine.getState(8, 4)).toBe(1n); // kind add, width 8
    expect(machine.getState(16, 8)).toBe(0xffn);
    expect(machine.getState(24, 8)).toBe(1n);
    expect(machine.flagBits).toBe(1 | 4 | 16 | 64); // CF, PF, AF, ZF
  });

  test("the machine around the processor", () => {
    const inputs = { instructionsAtEntry: 41, random: [7n, 9n] };
    const { machine } = run(
      `%t = tsc
      set.i64 @160 %t
      ; 0x1001 len 1
      %u = tsc
      %r = random
      %s = random
      %x = xor.i64 %r %s
      %leaf = const.i32 1
      %c = cpuid 3 %leaf %leaf
      set.i64 @168 %u
      set.i64 @176 %x
      set.i32 @184 %c`,
      "syscall 0x1002",
      inputs,
    );
    expect(machine.getState(160, 8)).toBe(41n);
    expect(machine.getState(168, 8)).toBe(42n);
    expect(machine.getState(176, 8)).toBe(14n);
    expect(machine.getState(184, 4)).toBe(0x1003fn + 0x301n + 3n);
  });
});

describe("memory", () => {
  test("narrow stores take low bits, narrow loads zero-extend", () => {
    const { machine } = run(`
      %at = const.i64 0x2000 0
      %x = const.i32 -2
      store8.i32 plain %at %x
      %next = const.i64 0x2001 0
      store16.i32 plain %next %x
      %a = load8.i32 plain %at
      %b = load.i32 plain %at
      set.i32 @160 %a
      set.i32 @164 %b`);
    expect(machine.getState(160, 4)).toBe(0xfen);
    expect(machine.getState(164, 3)).toBe(0xfffefen);
  });

  test("an access wraps at the end of the address space", () => {
    const machine = new SimpleMachine();
    machine.memory.bytes.set(2n ** 64n - 1n, 0x11).set(0n, 0x22);
    expect(machine.load(2n ** 64n - 1n, 2, 0)).toBe(0x2211n);
  });

  test.each([
    ["a load", "%x = load.i64 plain %at", 0x1000n],
    ["a store", "store.i64 plain %at %x0", 0x1000n],
    ["a probe", "probe.write plain 8 %at", 0x1000n],
    ["a load for modification of what is read-only", "%x = load16.i32 modify %ro", 0x1000n],
  ])("%s that is refused ends the block, state untouched", (_, operation, rip) => {
    const { result, machine } = run(`
      %at = get.i64 @136
      %x0 = const.i64 5 5
      %ro = const.i64 0x8ff0 0
      ${operation}
      set.i64 @128 %x0`);
    expect(result).toEqual({ kind: "fault", fault: FAULT, rip, instructionsCompleted: 0 });
    expect(machine.getState(128, 8)).toBe(0x1122334455667788n);
    expect(machine.memory.bytes.size).toBe(0);
  });

  test("what is read-only can be read", () => {
    expect(run("%at = const.i64 0x8ff0 0\n%x = load16.i32 plain %at").result.kind).toBe("syscall");
  });

  test("a misaligned aligned access", () => {
    const { result } = run("%at = const.i64 0x2008 0\n%x = load.v128 aligned %at");
    expect(result).toMatchObject({ kind: "fault", fault: { vector: 13, errorCode: 0 } });
  });
});

describe("leaving", () => {
  test("a fault in the second instruction keeps the first one's work", () => {
    const { result, machine } = run(
      `%x = const.i64 7 0
      set.i64 @128 %x
      ; 0x1001 len 2
      %c = const.i1 1
      fault.if 0 %c
      set.i64 @136 %x`,
      "syscall 0x1003",
    );
    expect(result).toEqual({
      kind: "fault",
      fault: { vector: 0, errorCode: 0 },
      rip: 0x1001n,
      instructionsCompleted: 1,
    });
    expect([machine.getState(128, 8), machine.getState(136, 8)]).toEqual([7n, 0x8ffcn]);
  });

  test("conditions that do not hold change nothing", () => {
    const { result } = run("%c = const.i1 0\nfault.if 0 %c\nexit.if 0x2000 0 %c");
    expect(result).toEqual({ kind: "syscall", rip: 0x1001n, instructionsCompleted: 1 });
  });

  test("exit.if completes its instruction", () => {
    const { result } = run("%c = const.i1 1\nexit.if -4096 0x7fff %c");
    expect(result).toEqual({ kind: "exit.if", rip: 0x7ffffffff000n, instructionsCompleted: 1 });
  });

  test.each([
    ["jump 0x5000 jump", { kind: "jump", transfer: "jump", rip: 0x5000n, instructionsCompleted: 1 }],
    ["branch %yes 0x5000 0x1001", { kind: "branch", taken: true, rip: 0x5000n, instructionsCompleted: 1 }],
    ["branch %no 0x5000 0x1001", { kind: "branch", taken: false, rip: 0x1001n, instructionsCompleted: 1 }],
    [
      "indirect %to return",
      { kind: "indirect", transfer: "return", rip: 0xffffffff00000003n, instructionsCompleted: 1 },
    ],
    [
      "fault 3 code 0 rip 0x1001",
      { kind: "fault", fault: { vector: 3, errorCode: 0 }, rip: 0x1001n, instructionsCompleted: 1 },
    ],
    [
      "fault 6 code 0 rip 0x1000 unsupported addps",
      {
        kind: "fault",
        fault: { vector: 6, errorCode: 0 },
        rip: 0x1000n,
        instructionsCompleted: 0,
        unsupported: "addps",
      },
    ],
  ])("%s", (exit, expected) => {
    expect(run("%yes = const.i1 1\n%no = const.i1 0\n%to = const.i64 3 -1", exit).result).toEqual(expected);
  });
});
