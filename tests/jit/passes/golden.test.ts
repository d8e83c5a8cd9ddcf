/** What each pass does, in small texts: block before, block after. */

import { describe, expect, test } from "vitest";
import type { IrBlock } from "../../../src/jit/ir/block.ts";
import { parseBlock } from "../../../src/jit/ir/parse.ts";
import { printBlock } from "../../../src/jit/ir/print.ts";
import { verify } from "../../../src/jit/ir/verify.ts";
import { removeDead } from "../../../src/jit/passes/dead.ts";
import { foldConstants } from "../../../src/jit/passes/fold-constants.ts";
import { forwardState } from "../../../src/jit/passes/forward-state.ts";
import { lowerFlags } from "../../../src/jit/passes/lower-flags.ts";

const NONE = { deadState: false, deadFlags: false, deadCode: false };
const removeDeadState = (block: IrBlock): IrBlock => removeDead(block, { ...NONE, deadState: true });
const removeDeadFlags = (block: IrBlock): IrBlock => removeDead(block, { ...NONE, deadFlags: true });
const removeDeadCode = (block: IrBlock): IrBlock => removeDead(block, { ...NONE, deadCode: true });

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** The operations after the pass, without the frame of the block. */
function after(pass: (block: IrBlock) => IrBlock, body: string, exit = "syscall 0x1001"): string[] {
  const block = parseBlock(`block 0x1000\n; 0x1000 len 1\n${body}\nexit ${exit}`);
  expect(verify(block)).toEqual([]);
  const changed = pass(block);
  expect(verify(changed)).toEqual([]);
  return lines(printBlock(changed)).slice(2);
}

describe("forward-state", () => {
  test("a read gives what was written or read before", () => {
    const result = after(
      forwardState,
      `%a = get.i64 @128
      set.i64 @136 %a
      %b = get.i64 @136
      %c = get.i64 @128
      %d = add.i64 %b %c
      set.i64 @144 %d`,
    );
    expect(result).toEqual(
      lines(`%0:i64 = get.i64 @128
      set.i64 @136 %0
      %2:i64 = add.i64 %0 %0
      set.i64 @144 %2
      exit syscall 0x1001`),
    );
  });

  test("parts of a known slot are operations on its value", () => {
    const result = after(
      forwardState,
      `%a = get.i64 @128
      %b = get.i32 @128
      %c = get.i32 @132
      %v = get.v128 @256
      %d = get.i64 @264
      %e = get.i32 @260
      %f = get.i64 @260
      set.i32 @144 %b
      set.i32 @148 %c
      set.i64 @152 %d
      set.i32 @160 %e
      set.i64 @168 %f`,
    );
    expect(result).toEqual(
      lines(`%0:i64 = get.i64 @128
      %1:i32 = low.i32 %0
      %2:i32 = high.i32 %0
      %3:v128 = get.v128 @256
      %4:i64 = extract.v64 1 %3
      %5:i32 = extract.v32 1 %3
      %6:i32 = extract.v32 1 %3
      %7:i32 = extract.v32 2 %3
      %8:i64 = concat.i64 %6 %7
      set.i32 @144 %1
      set.i32 @148 %2
      set.i64 @152 %4
      set.i32 @160 %5
      set.i64 @168 %8
      exit syscall 0x1001`),
    );
  });

  test("a write forgets what overlaps it", () => {
    const result = after(
      forwardState,
      `%a = get.i64 @128
      %x = const.i32 5
      set.i32 @132 %x
      %b = get.i64 @128
      %c = get.i32 @132
      set.i64 @136 %b
      set.i32 @144 %c
      %v = get.v128 @256
      set.i64 @256 %a
      %w = get.v128 @256
      set.v128 @272 %w`,
    );
    expect(result).toContain("%3:i64 = get.i64 @128");
    expect(result).toContain("%4:i32 = high.i32 %3");
    expect(result).toContain("%9:v128 = get.v128 @256");
    expect(result).toContain("set.v128 @272 %9");
  });

  test("flags too; a write of what is there goes", () => {
    const result = after(
      forwardState,
      `%f = get.flags
      set.flags %f
      %a = get.i32 @128
      set.i32 @128 %a
      %g = flags.logic.i32 32 %a
      set.flags %g
      %h = get.flags
      %c = cond z %h`,
      "branch %c 0x1000 0x1001",
    );
    expect(result).toEqual(
      lines(`%0:flags = get.flags
      %1:i32 = get.i32 @128
      %2:flags = flags.logic.i32 32 %1
      set.flags %2
      %4:i1 = cond z %2
      exit branch %4 0x1000 0x1001`),
    );
  });

  test("nothing is known of the block before", () => {
    after(forwardState, "%a = get.i64 @128\nset.i64 @136 %a");
    expect(after(forwardState, "%a = get.i64 @136\nset.i64 @128 %a")[0]).toBe("%0:i64 = get.i64 @136");
  });
});

describe("lower-flags", () => {
  test("compare and branch is one comparison", () => {
    const result = after(
      lowerFlags,
      `%a = get.i64 @128
      %b = get.i64 @136
      %f = flags.sub.i64 %a %b
      set.flags %f
      %c = cond l %f`,
      "branch %c 0x1000 0x1001",
    );
    expect(result).toEqual(
      lines(`%0:i64 = get.i64 @128
      %1:i64 = get.i64 @136
      %2:flags = flags.sub.i64 %0 %1
      set.flags %2
      %4:i1 = slt.i64 %0 %1
      exit branch %4 0x1000 0x1001`),
    );
  });

  test("the result the lifter computed is used", () => {
    const result = after(
      lowerFlags,
      `%a = get.i32 @128
      %b = get.i32 @136
      %r = sub.i32 %a %b
      %f = flags.sub.i32 32 %a %b
      set.i32 @128 %r
      set.flags %f
      %c = cond s %f`,
      "branch %c 0x1000 0x1001",
    );
    expect(result.slice(-3)).toEqual([
      "%6:i32 = const.i32 0",
      "%7:i1 = slt.i32 %2 %6",
      "exit branch %7 0x1000 0x1001",
    ]);
  });

  test("a chosen pair is asked on both sides; unknown flags stay a question", () => {
    const result = after(
      lowerFlags,
      `%n = get.i32 @128
      %k = eq.i32 %n %n
      %old = get.flags
      %new = flags.logic.i32 32 %n
      %f = select.flags %k %old %new
      set.flags %f
      %c = cond nz %f`,
      "branch %c 0x1000 0x1001",
    );
    expect(result.slice(6)).toEqual(
      lines(`%6:i1 = cond nz %2
      %7:i32 = const.i32 0
      %8:i1 = ne.i32 %0 %7
      %9:i1 = and.i1 %1 %6
      %10:i1 = not.i1 %1
      %11:i1 = and.i1 %10 %8
      %12:i1 = or.i1 %9 %11
      exit branch %12 0x1000 0x1001`),
    );
  });

  test("nested choices are followed to a bound", () => {
    const chain = Array.from({ length: 40 }, (_, i) => `%f${i + 1} = select.flags %k %f${i} %f${i}`).join(
      "\n",
    );
    const result = after(
      lowerFlags,
      `%n = get.i32 @128
      %k = eq.i32 %n %n
      %f0 = flags.logic.i32 32 %n
      ${chain}
      %c = cond z %f40`,
      "branch %c 0x1000 0x1001",
    );
    expect(result.filter((line) => line.includes("cond z"))).toHaveLength(8);
    expect(result.length).toBeLessThan(100);
    const bits = after(
      lowerFlags,
      `%n = get.i32 @128
      %k = eq.i32 %n %n
      %f0 = flags.logic.i32 32 %n
      ${chain}
      %b = bits.flags %f40
      set.i32 @128 %b`,
    );
    expect(bits.filter((line) => line.includes("bits.flags"))).toHaveLength(8);
  });
});

describe("fold-constants", () => {
  const folded = (body: string, exit?: string): string[] =>
    after((block) => removeDeadCode(foldConstants(block)), body, exit);

  test("a 32-bit addition needs no 64-bit operation", () => {
    const result = folded(`
      %a = get.i64 @128
      %b = low.i32 %a
      %one = const.i32 1
      %c = add.i32 %b %one
      %d = zext.i64 %c
      %e = low.i32 %d
      %f = add.i32 %e %one
      %g = zext.i64 %f
      set.i64 @128 %g`);
    expect(result).toEqual(
      lines(`%0:i64 = get.i64 @128
      %1:i32 = low.i32 %0
      %2:i32 = const.i32 2
      %3:i32 = add.i32 %1 %2
      %4:i64 = zext.i64 %3
      set.i64 @128 %4
      exit syscall 0x1001`),
    );
  });

  test("64-bit operations on extended words are narrowed", () => {
    const result = folded(`
      %x = get.i32 @128
      %y = get.i32 @136
      %a = zext.i64 %x
      %b = zext.i64 %y
      %c = and.i64 %a %b
      %m = mul.i64 %a %b
      %n = const.i32 40
      %s = shr.i64 %m %n
      %k = ult.i64 %a %b
      set.i64 @144 %c
      set.i64 @152 %s`);
    expect(result).toEqual(
      lines(`%0:i32 = get.i32 @128
      %1:i32 = get.i32 @136
      %2:i32 = and.i32 %0 %1
      %3:i64 = zext.i64 %2
      %4:i64 = mulwide.u32 %0 %1
      %5:i32 = high.i32 %4
      %6:i32 = const.i32 8
      %7:i32 = shr.i32 %5 %6
      %8:i64 = zext.i64 %7
      set.i64 @144 %3
      set.i64 @152 %8
      exit syscall 0x1001`),
    );
  });

  test("the low half of a sum is the sum of low halves, when the sum has no other user", () => {
    const single = folded("%a = get.i64 @128\n%b = add.i64 %a %a\n%c = low.i32 %b\nset.i32 @136 %c");
    expect(single.slice(1, 3)).toEqual(["%1:i32 = low.i32 %0", "%2:i32 = add.i32 %1 %1"]);
    const shared = folded(
      "%a = get.i64 @128\n%b = add.i64 %a %a\n%c = low.i32 %b\nset.i32 @136 %c\nset.i64 @128 %b",
    );
    expect(shared.slice(1, 3)).toEqual(["%1:i64 = add.i64 %0 %0", "%2:i32 = low.i32 %1"]);
  });

  test("a chain of doublings stays linear", () => {
    const chain = Array.from({ length: 60 }, (_, i) => `%a${i + 1} = add.i64 %a${i} %a${i}`).join("\n");
    expect(folded(`%a0 = get.i64 @128\n${chain}\n%c = low.i32 %a60\nset.i32 @136 %c`).length).toBeLessThan(
      80,
    );
  });

  test("128-bit division of an extended dividend is 64-bit division", () => {
    const unsigned = folded(`
      %a = get.i64 @128
      %d = get.i64 @136
      %z = const.i64 0 0
      %q = div.u128 %z %a %d
      %f = divfits.u128 %z %a %d
      %n = bool.i32 %f
      set.i64 @144 %q
      set.i32 @152 %n`);
    expect(unsigned).toContain("%2:i64 = div.u64 %0 %1");
    expect(unsigned).toContain("%4:i1 = ne.i64 %1 %3");
    const signed = folded(`
      %a = get.i64 @128
      %d = get.i64 @136
      %n = const.i32 63
      %s = sar.i64 %a %n
      %q = rem.s128 %s %a %d
      set.i64 @144 %q`);
    expect(signed[2]).toBe("%2:i64 = rem.s64 %0 %1");
  });

  test.each([
    ["another shift", "%n = const.i32 62\n%s = sar.i64 %a %n"],
    ["another value", "%n = const.i32 63\n%b = get.i64 @152\n%s = sar.i64 %b %n"],
    ["a logical shift", "%n = const.i32 63\n%s = shr.i64 %a %n"],
    ["another constant", "%s = const.i64 0 1"],
    ["all ones", "%s = const.i64 -1 -1"],
  ])("%s is not an extension: the division stays", (_, high) => {
    const body = (op: string): string => `%a = get.i64 @128
      %d = get.i64 @136
      ${high}
      %q = ${op} %s %a %d
      set.i64 @144 %q`;
    for (const op of ["div.u128", "rem.u128", "div.s128", "rem.s128"]) {
      expect(folded(body(op)).join()).toContain(op);
    }
  });

  test("fields of registers", () => {
    const result = folded(`
      %a = get.i64 @128
      %x = get.i32 @136
      %b = zext8.i32 %x
      %c = insert.i64 0 8 %a %b
      %d = extract.i32 0 8 %c
      %e = extract.i32 8 8 %c
      %f = insert.i64 0 8 %c %e
      set.i64 @128 %f
      set.i32 @144 %d
      set.i32 @148 %e`);
    expect(result).toEqual(
      lines(`%0:i64 = get.i64 @128
      %1:i32 = get.i32 @136
      %2:i32 = zext8.i32 %1
      %3:i32 = extract.i32 8 8 %0
      %4:i64 = insert.i64 0 8 %0 %3
      set.i64 @128 %4
      set.i32 @144 %2
      set.i32 @148 %3
      exit syscall 0x1001`),
    );
  });

  test("a fault or exit that never happens goes; one that may stays", () => {
    const result = folded(`
      %a = const.i32 5
      %z = const.i32 0
      %k = eq.i32 %a %z
      fault.if 0 %k
      exit.if 0x2000 0 %k
      %n = not.i1 %k
      fault.if 1 %n`);
    expect(result).toEqual(["%0:i1 = const.i1 1", "fault.if 1 %0", "exit syscall 0x1001"]);
  });

  /** `%x`, `%y` are 32-bit reads, `%a`, `%b` 64-bit reads; the last operation is `%r`. */
  test.each([
    ["%k = const.i32 3\n%r = mul.i32 %k %x", "mul.i32 %0 %1"],
    ["%k = const.i32 8\n%r = mul.i32 %k %x", "shl.i32 %0 %1"],
    ["%k = const.i32 5\n%s = add.i32 %k %x\n%r = sub.i32 %s %k", "get.i32 @160"],
    ["%s = sub.i32 %x %y\n%k = const.i32 0\n%r = sub.i32 %k %s", "neg.i32 %2"],
    ["%k = const.i32 -1\n%r = xor.i32 %x %k", "not.i32 %0"],
    ["%s = load8.i32 plain %a\n%r = zext8.i32 %s", "load8.i32 plain %0"],
    ["%s = load8.i32 plain %a\n%k = const.i32 511\n%r = and.i32 %s %k", "load8.i32 plain %0"],
    ["%s = sext8.i32 %x\n%r = zext8.i32 %s", "zext8.i32 %0"],
    ["%s = zext16.i32 %x\n%r = sext16.i32 %s", "sext16.i32 %0"],
    ["%k = const.i32 24\n%s = shr.i32 %x %k\n%r = zext8.i32 %s", "shr.i32 %0 %1"],
    ["%k = const.i32 20\n%s = sar.i32 %x %k\n%r = sar.i32 %s %k", "sar.i32 %0 %1"],
    [
      "%c = eq.i32 %x %y\n%s = bool.i32 %c\n%k = const.i32 0\n%d = ne.i32 %s %k\n%r = bool.i32 %d",
      "bool.i32 %2",
    ],
    ["%c = eq.i32 %x %y\n%i = const.i32 1\n%o = const.i32 0\n%r = select.i32 %c %i %o", "bool.i32 %2"],
    ["%l = low.i32 %a\n%h = high.i32 %a\n%s = concat.i64 %l %h\n%r = low.i32 %s", "low.i32 %0"],
    ["%s = sext.i64 %x\n%r = high.i32 %s", "sar.i32 %0 %1"],
    ["%s = xor.i64 %a %b\n%r = high.i32 %s", "xor.i32 %2 %3"],
    ["%s = mulwide.u32 %x %y\n%r = low.i32 %s", "mul.i32 %0 %1"],
    ["%z = const.i64 0 0\n%c = slt.i64 %a %z\n%r = bool.i32 %c", "bool.i32 %3"],
    ["%s = zext.i64 %x\n%t = zext.i64 %y\n%c = slt.i64 %s %t\n%r = bool.i32 %c", "bool.i32 %2"],
    ["%s = insert.i64 0 16 %a %x\n%t = insert.i64 0 16 %s %y\n%r = extract.i32 0 16 %t", "zext16.i32 %0"],
    ["%s = zext.i64 %x\n%r = popcnt.i64 %s", "popcnt.i32 %0"],
  ])("%s", (body, expected) => {
    const reads = "%x = get.i32 @160\n%y = get.i32 @168\n%a = get.i64 @128\n%b = get.i64 @136";
    const result = folded(`${reads}\n${body}\nset.i32 @176 %r`);
    expect(result.at(-3)?.replace(/^.* = /, "")).toBe(expected);
  });

  test("a cleared vector register is a constant", () => {
    const result = folded("%v = get.v128 @256\n%x = xor.v128 %v %v\nset.v128 @256 %x");
    expect(result).toEqual(["%0:v128 = const.v128 0 0 0 0", "set.v128 @256 %0", "exit syscall 0x1001"]);
  });

  test("a negated comparison is the opposite comparison", () => {
    const body = "%a = get.i64 @128\n%b = get.i64 @136\n%c = slt.i64 %a %b\n%n = not.i1 %c";
    expect(folded(body, "branch %n 0x1000 0x1001")[2]).toBe("%2:i1 = sle.i64 %1 %0");
  });
});

describe("dead-state", () => {
  test("a write that nobody sees goes", () => {
    const result = after(
      removeDeadState,
      `%a = const.i64 1 0
      set.i64 @128 %a
      %w = const.i32 2
      set.i32 @136 %w
      ; 0x1001 len 1
      set.i64 @128 %a
      set.i64 @136 %a`,
      "syscall 0x1002",
    );
    expect(result).toEqual(
      lines(`%0:i64 = const.i64 1 0
      %1:i32 = const.i32 2
      ; 0x1001 len 1
      set.i64 @128 %0
      set.i64 @136 %0
      exit syscall 0x1002`),
    );
  });

  test.each([
    ["a memory operation", "%x = load.i64 plain %a"],
    ["a possible exit", "%k = const.i1 0\nexit.if 0x2000 0 %k"],
    ["a read", "%x = get.i64 @128"],
    ["a read of a part", "%x = get.i32 @132"],
  ])("%s sees it", (_, operation) => {
    const body = `%a = const.i64 1 0\nset.i64 @128 %a\n; 0x1001 len 1\n${operation}\nset.i64 @128 %a`;
    const result = after(removeDeadState, body, "syscall 0x1002");
    expect(result.filter((line) => line.startsWith("set.i64"))).toHaveLength(2);
  });

  test("half an overwriting is none, two halves are one", () => {
    const whole = "%a = const.i64 1 0\n%w = const.i32 1\nset.i64 @128 %a\nset.i32 @128 %w";
    expect(after(removeDeadState, whole).join()).toContain("set.i64");
    expect(after(removeDeadState, `${whole}\nset.i32 @132 %w`).join()).not.toContain("set.i64");
  });
});

describe("dead-flags", () => {
  test("flags set again go, unless somebody looks", () => {
    const result = after(
      removeDeadFlags,
      `%a = get.i32 @128
      %f = flags.logic.i32 32 %a
      set.flags %f
      set.flags %f
      %g = get.flags
      set.flags %f
      ; 0x1001 len 1
      %p = const.i64 0 0
      %x = load.i32 plain %p
      set.flags %g`,
      "syscall 0x1002",
    );
    expect(result.filter((line) => line.startsWith("set.flags"))).toEqual([
      "set.flags %1",
      "set.flags %1",
      "set.flags %3",
    ]);
  });
});

describe("dead-code", () => {
  test("what nothing uses goes, with what only that used", () => {
    const result = after(
      removeDeadCode,
      `%a = get.i64 @128
      %b = not.i64 %a
      %t = tsc
      %p = const.i64 0 0
      %x = load.i64 plain %p
      ; 0x1001 len 1
      %r = random
      %c = const.i1 1
      %d = const.i1 0`,
      "branch %c 0x1000 0x1002",
    );
    expect(result).toEqual(
      lines(`%0:i64 = const.i64 0 0
      %1:i64 = load.i64 plain %0
      ; 0x1001 len 1
      %2:i64 = random
      %3:i1 = const.i1 1
      exit branch %3 0x1000 0x1002`),
    );
  });

  test("a block without dead code is the same block", () => {
    const block = parseBlock("block 0x1\n; 0x1 len 1\n%a = get.i64 @128\nset.i64 @136 %a\nexit syscall 0x2");
    expect(removeDeadCode(block)).toBe(block);
  });
});
