/** Call operations: their rows and numbers, pinned state, and what the verifier refuses about it. */

import { expect, test } from "vitest";
import type { IrBlock, IrInstruction } from "../../../src/jit/ir/block.ts";
import { CALL_LIST, CALL_NAMES, callIndex } from "../../../src/jit/ir/calls/index.ts";
import { OP_NAMES, rowOf } from "../../../src/jit/ir/ops.ts";
import { MXCSR, PINNED_END, PINNED_START, X87_TAG } from "../../../src/jit/ir/state.ts";
import { verify } from "../../../src/jit/ir/verify.ts";
import { address } from "../../../src/mmu/address.ts";
import { runBlock, STATE_BYTES } from "../../support/evaluator.ts";

const blockOf = (...code: IrInstruction[]): IrBlock => ({
  address: address(0x401000),
  instructions: [{ address: address(0x401000), length: 3, start: 0 }],
  code,
  exit: { kind: "syscall", next: address(0x401003) },
});

test("every row with `call` has a function and a number, and no other has", () => {
  const rows = OP_NAMES.filter((op) => rowOf(op).call === true);
  expect([...CALL_NAMES].sort()).toEqual(rows.sort());
  for (const { op, index, raises, call } of CALL_LIST) {
    expect(callIndex(op)).toBe(index);
    expect(raises).toBe(rowOf(op).effect === "memory");
    expect(typeof call).toBe("function");
    expect(rowOf(op).args).not.toContain("flags");
    expect(["none", "memory"]).toContain(rowOf(op).effect);
  }
});

test("pinned state is read and written by peek, poke and calls only", () => {
  const outside = /out of range/;
  const constant = { op: "const.i32", imm: [1], args: [] } as const;
  expect(verify(blockOf({ op: "get.i32", imm: [MXCSR], args: [] })).join()).toMatch(outside);
  expect(verify(blockOf({ op: "get.i64", imm: [PINNED_START - 4], args: [] })).join()).toMatch(outside);
  expect(verify(blockOf({ op: "get.i32", imm: [PINNED_END], args: [] }))).toEqual([]);
  expect(verify(blockOf({ op: "peek.i32", imm: [MXCSR], args: [] }))).toEqual([]);
  expect(verify(blockOf({ op: "peek.i64", imm: [PINNED_END - 4], args: [] })).join()).toMatch(outside);
  expect(verify(blockOf(constant, { op: "poke.i32", imm: [PINNED_END], args: [0] })).join()).toMatch(outside);
  expect(verify(blockOf(constant, { op: "set.i32", imm: [X87_TAG], args: [0] })).join()).toMatch(outside);
});

test("a call works on the state of the machine", () => {
  const state = new Uint8Array(STATE_BYTES).fill(0xab);
  runBlock(blockOf({ op: "x87.empty", imm: [], args: [] }), state);
  expect([...state.subarray(X87_TAG, X87_TAG + 4)]).toEqual([0, 0, 0, 0]);
  // Bits 11 to 13 of the status word, the top of the stack, and the tags.
  expect(state.filter((byte) => byte !== 0xab)).toHaveLength(5);
});
