/** JIT-4: well-formed blocks pass, and each rule has a block that breaks exactly it. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { IrBlock } from "../../../src/jit/ir/block.ts";
import type { OpName, Value } from "../../../src/jit/ir/ops.ts";
import { parseBlock } from "../../../src/jit/ir/parse.ts";
import { verify } from "../../../src/jit/ir/verify.ts";
import { address } from "../../../src/mmu/address.ts";
import { irBlock } from "../../support/ir-arbitraries.ts";

const WELL_FORMED = `block 0x1000
; 0x1000 len 2
  %0 = get.i64 @128
  %1 = get.i32 @136
  %2 = get.v128 @256
  %3 = const.i1 1
  %4 = load.i32 plain %0
  set.i32 @136 %4
; 0x1002 len 1
  %6 = const.i32 31
  %7 = shl.i32 %1 %6
exit branch %3 0x1000 0x1003
`;
const block = (): IrBlock => parseBlock(WELL_FORMED);
/** The block with one more operation at its end. */
const withOperation = (op: string, imm: readonly number[], args: readonly number[]): IrBlock => ({
  ...block(),
  code: [...block().code, { op: op as OpName, imm, args }],
});
const withConstant = (value: number, op: OpName, imm: readonly number[]): IrBlock => {
  const constant = { op: "const.i32", imm: [value], args: [] } as const;
  return { ...block(), code: [...block().code, constant, { op, imm, args: [1, 8] }] };
};
const withGuest = (change: Partial<IrBlock["instructions"][number]>): IrBlock => {
  const [first, second] = block().instructions;
  if (first === undefined || second === undefined) throw new Error("two guest instructions expected");
  return { ...block(), instructions: [first, { ...second, ...change }] };
};

test("random well-formed blocks have no findings", () => {
  expect(verify(block())).toEqual([]);
  fc.assert(
    fc.property(irBlock(), (each) => {
      expect(verify(each)).toEqual([]);
    }),
  );
});

describe("JIT-4 notices", () => {
  const cases: readonly [string, IrBlock, string][] = [
    ["an unknown operation", withOperation("frob", [], []), "no operation `frob`"],
    ["a name from the prototype", withOperation("toString", [], []), "no operation `toString`"],
    ["missing immediates", withOperation("get.i32", [], []), "takes 1 immediates"],
    ["too many arguments", withOperation("not.i32", [], [1, 1]), "takes 1 arguments"],
    ["a fraction", withOperation("const.i32", [0.5], []), "immediate 0 (int32) is out of range"],
    [
      "a number beyond 32 bits",
      withOperation("const.i64", [0, 2 ** 31], []),
      "immediate 1 (int32) is out of range",
    ],
    ["a truth value of two", withOperation("const.i1", [2], []), "immediate 0 (int32) is out of range"],
    ["a slot of the engine", withOperation("get.i32", [32], []), "immediate 0 (slot) is out of range"],
    ["a slot off its word", withOperation("get.i32", [130], []), "immediate 0 (slot) is out of range"],
    ["a slot past the end", withOperation("get.v128", [4088], []), "immediate 0 (slot) is out of range"],
    [
      "a written slot past the end",
      withOperation("set.v128", [4088], [2]),
      "immediate 0 (slot) is out of range",
    ],
    ["a width of 24", withOperation("flags.logic.i32", [24], [1]), "immediate 0 (width) is out of range"],
    ["a field past bit 32", withOperation("extract.i32", [24, 16], [0]), "bit + width is above 32"],
    ["a condition too high", withOperation("cond", [17], [0]), "immediate 0 (condition) is out of range"],
    ["an unknown access", withOperation("load.v128", [8], [0]), "immediate 0 (access) is out of range"],
    ["a narrow aligned access", withOperation("load.i64", [4], [0]), "immediate 0 (access) is out of range"],
    ["a vector of 32", withOperation("fault.if", [32], [3]), "immediate 0 (vector) is out of range"],
    ["a lane too high", withOperation("extract.v32", [4], [2]), "immediate 0 (lane) is out of range"],
    ["an odd probe", withOperation("probe.write", [0, 3], [0]), "immediate 1 (lane) is not an access size"],
    ["a value used before", withOperation("not.i32", [], [9]), "%9 is not a value defined before"],
    ["a value that never is", withOperation("not.i32", [], [-1]), "%-1 is not a value defined before"],
    ["no result as argument", withOperation("not.i32", [], [5]), "%5 is not a value defined before"],
    ["a wrong type", withOperation("not.i32", [], [0]), "%0 is i64, not i32"],
    ["a count of 32", withConstant(32, "shl.i32", []), "the count is not below 32"],
    ["a count below zero", withConstant(-1, "shl.i32", []), "the count is not below 32"],
    ["bits above narrow flags", withConstant(256, "flags.add.i32", [8]), "%8 has bits above the width"],
    ["a negative narrow operand", withConstant(-1, "flags.add.i32", [16]), "%8 has bits above the width"],
    ["no guest instructions", { ...block(), instructions: [] }, "there is no guest instruction"],
    ["a gap", withGuest({ address: address(0x1003) }), "guest instruction 1 is not at 0x1002"],
    ["16 bytes", withGuest({ length: 16 }), "guest instruction 1 has 16 bytes"],
    ["no bytes", withGuest({ length: 0 }), "guest instruction 1 has 0 bytes"],
    ["a start past the code", withGuest({ start: 10 }), "guest instruction 1 starts at operation 10"],
    [
      "another first address",
      { ...block(), address: address(0x1001) },
      "guest instruction 0 is not at 0x1001",
    ],
    [
      "a memory operation after a write",
      { ...withOperation("fault.if", [0], [3]), instructions: block().instructions.slice(0, 1) },
      "a memory operation after a state write of the same guest instruction: fault.if 0 %3",
    ],
    [
      "an exit value of another type",
      {
        ...block(),
        exit: { kind: "branch", condition: 1 as Value<"i1">, taken: address(0), notTaken: address(0) },
      },
      "the exit's %1 is i32, not i1",
    ],
    [
      "an exit value that is none",
      { ...block(), exit: { kind: "indirect", target: 99 as Value<"i64">, transfer: "jump" } },
      "the exit's %99 is no value, not i64",
    ],
    [
      "a kernel address",
      { ...block(), exit: { kind: "jump", target: address(2 ** 47), transfer: "jump" } },
      `the exit's address ${2 ** 47} is not in the user half`,
    ],
    [
      "a vector of 32 at the exit",
      { ...block(), exit: { kind: "fault", vector: 32, errorCode: 0, rip: address(0x1002) } },
      "the exit raises vector 32",
    ],
    [
      "a fault elsewhere",
      { ...block(), exit: { kind: "fault", vector: 6, errorCode: 0, rip: address(0x1000) } },
      "the exit's rip 0x1000 is neither the last instruction nor the one after it",
    ],
  ];

  test.each(cases)("%s", (_, broken, message) => {
    const found = verify(broken);
    expect(found.length).toBeGreaterThan(0);
    for (const line of found) expect(line).toMatch(/^JIT-4 block 0x100[01]: /);
    expect(found[0]).toContain(message);
  });

  test("starts that go back", () => {
    const [first, second] = block().instructions;
    if (first === undefined || second === undefined) throw new Error("two guest instructions expected");
    const third = { address: address(0x1003), length: 1, start: 2 };
    const found = verify({ ...block(), instructions: [first, second, third] });
    expect(found[0]).toContain("guest instruction 2 starts at operation 2");
  });
});
