import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IrSyntaxError, parseBlock } from "../../../src/jit/ir/parse.ts";
import { printBlock, printInstruction } from "../../../src/jit/ir/print.ts";
import { irBlock } from "../../support/ir-arbitraries.ts";

const EXAMPLE = `block 0x401000
; 0x401000 len 3
  %0:i64 = get.i64 rax
  %1:i64 = const.i64 0x12345678 -1
  %2:i64 = add.i64 %0 %1
  %3:i32 = load8.i32 modify+stack %2
  store8.i32 plain %2 %3
  set.i64 rax %2
; 0x401003 len 2
  %6:flags = flags.add.i64 %0 %1
  set.flags %6
  %8:i1 = cond nz %6
exit branch %8 0x401020 0x401005
`;

const slotName = (offset: number): string | undefined => (offset === 128 ? "rax" : undefined);
const slotOffset = (name: string): number | undefined => (name === "rax" ? 128 : undefined);

describe("printed form", () => {
  test("text, block, text again", () => {
    expect(printBlock(parseBlock(EXAMPLE, slotOffset), slotName)).toBe(EXAMPLE);
  });

  test("a slot without a name prints as its offset", () => {
    expect(printInstruction({ op: "get.i64", imm: [136], args: [] }, 4, slotName)).toBe(
      "%4:i64 = get.i64 @136",
    );
  });

  test.each([
    "exit jump 0x401000 fallthrough",
    "exit jump 0x401000 call return-to 0x401005",
    "exit branch %0 0x401000 0x7fffffffffff",
    "exit indirect %1 return",
    "exit indirect %1 call return-to 0x401005",
    "exit syscall 0x401002",
    "exit fault 6 code 0 rip 0x401000",
    "exit fault 6 code 0 rip 0x401000 unsupported addps",
  ])("%s", (exit) => {
    const text = `block 0x401000\n; 0x401000 len 1\n  %0:i1 = const.i1 1\n  %1:i64 = const.i64 0 0\n${exit}\n`;
    expect(printBlock(parseBlock(text))).toBe(text);
  });

  test("random blocks come back as they were", () => {
    fc.assert(
      fc.property(irBlock(), (block) => {
        expect(parseBlock(printBlock(block))).toEqual(block);
      }),
    );
  });

  test("names are free and types optional", () => {
    const text = "block 0x1\n; 0x1 len 1\n%a = const.i32 7\n%b:i32 = not.i32 %a:i32\nexit syscall 0x2";
    expect(parseBlock(text).code[1]).toEqual({ op: "not.i32", imm: [], args: [0] });
  });
});

describe("refusals name the line", () => {
  const refusal = (line: string): string => {
    try {
      parseBlock(`block 0x1\n; 0x1 len 1\n%a = const.i32 7\n${line}\nexit syscall 0x2`);
    } catch (error) {
      if (error instanceof IrSyntaxError) return error.message;
      throw error;
    }
    return "accepted";
  };

  test.each([
    ["%b = frob.i32 %a", "line 4: no operation `frob.i32`"],
    ["%b = toString %a", "line 4: no operation `toString`"],
    ["%b = not.i32 %c", "line 4: no value `%c` before this line"],
    ["%b = not.i32 %a %a", "line 4: `not.i32` takes 1 operands, there are 2"],
    ["not.i32 %a", "line 4: `not.i32` has i32 result"],
    ["%b = set.i32 @128 %a", "line 4: `set.i32` has no result"],
    ["%b:i64 = not.i32 %a", "line 4: %b is i32, not i64"],
    ["%a = not.i32 %a", "line 4: %a is defined twice"],
    ["b = not.i32 %a", "line 4: `b` is not a value name"],
    ["%b = const.i32 x", "line 4: `x` is not a number"],
    ["set.i32 rbx %a", "line 4: no slot `rbx`"],
    ["%b = cond never %a", "line 4: no condition `never`"],
    ["%b = load.i32 quick %a", "line 4: no access `quick`"],
    ["; 0x1 length 1", "line 4: expected `; <address> len <bytes>`"],
    ["exit leave 0x1", "line 4: no exit `leave`"],
    ["exit jump 0x1 hop", "line 4: no transfer `hop`"],
    ["exit jump -1 jump", "line 4: `-1` is not a user address"],
    ["exit syscall 0x2", "line 5: a line after the exit"],
  ])("%s", (line, message) => {
    expect(refusal(line)).toBe(message);
  });

  test("a block needs its first and last line", () => {
    expect(() => parseBlock("exit syscall 0x2")).toThrow("no `block` line");
    expect(() => parseBlock("block 0x1")).toThrow("no `exit` line");
  });
});
