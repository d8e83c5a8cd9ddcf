import { describe, expect, test } from "vitest";
import { AC, DF, ID } from "../../../src/frontend/guest-state.ts";
import { CF, OF, STATUS_FLAGS, ZF } from "../../../src/jit/ir/flags.ts";
import { Cpu } from "../../support/asm.ts";
import { SimpleMemory } from "../../support/evaluator.ts";

const TOP = 0x9000n;
const cpuWithStack = () => new Cpu().set("rsp", TOP);
/** A machine where writes at these addresses fault. */
const readOnly = (...addresses: bigint[]) =>
  new Cpu(
    new SimpleMemory((at, write) =>
      write && addresses.includes(at) ? { vector: 14, errorCode: 7 } : undefined,
    ),
  ).set("rsp", TOP);

describe("push and pop", () => {
  test("64 bits, 16 with a prefix, immediates sign-extended", () => {
    const cpu = cpuWithStack().set("r9", 0x1122_3344_5566_7788n);
    cpu.run("41 51");
    expect([cpu.get("rsp"), cpu.read(TOP - 8n, 8)]).toEqual([TOP - 8n, 0x1122_3344_5566_7788n]);
    cpu.run("66 41 51");
    expect([cpu.get("rsp"), cpu.read(TOP - 10n, 2)]).toEqual([TOP - 10n, 0x7788n]);
    cpu.run("6a fe");
    expect(cpu.read(TOP - 18n, 8)).toBe(0xffff_ffff_ffff_fffen);
    cpu.run("5b 66 59");
    expect([cpu.get("rbx"), cpu.get("rcx"), cpu.get("rsp")]).toEqual([
      ~1n & ((1n << 64n) - 1n),
      0x7788n,
      TOP - 8n,
    ]);
  });

  test("push rsp stores the old value, pop rsp keeps the loaded one", () => {
    const cpu = cpuWithStack();
    cpu.run("54");
    expect(cpu.read(TOP - 8n, 8)).toBe(TOP);
    cpu.run("5c");
    expect(cpu.get("rsp")).toBe(TOP);
  });

  test("an address on rsp: push uses it before, pop after it moves", () => {
    const cpu = cpuWithStack().write(TOP + 8n, 8, 0x77n);
    cpu.run("ff 74 24 08");
    expect(cpu.read(TOP - 8n, 8)).toBe(0x77n);
    cpu.run("8f 44 24 10");
    expect([cpu.read(TOP + 16n, 8), cpu.get("rsp")]).toEqual([0x77n, TOP]);
  });

  test("a fault leaves rsp where it was", () => {
    const cpu = readOnly(TOP - 1n, 0xa000n).set("rdi", 0xa000n);
    expect(cpu.run("50")).toMatchObject({ kind: "fault", fault: { vector: 14 } });
    expect(cpu.get("rsp")).toBe(TOP);
    expect(cpu.run("8f 07")).toMatchObject({ kind: "fault", instructionsCompleted: 0 });
    expect(cpu.get("rsp")).toBe(TOP);
  });

  test("selectors are pushed as null", () => {
    const cpu = cpuWithStack();
    cpu.run("0f a0");
    expect([cpu.read(TOP - 8n, 8), cpu.get("rsp")]).toEqual([0n, TOP - 8n]);
  });
});

describe("flags on the stack", () => {
  test("pushf shows IF and bit 1 as set, and DF, AC, ID as they are", () => {
    const cpu = cpuWithStack()
      .set("df", BigInt(DF))
      .set("id_ac", BigInt(ID | AC));
    cpu.flags = CF | ZF;
    cpu.run("9c");
    expect(cpu.read(TOP - 8n, 8)).toBe(BigInt(0x202 | CF | ZF | DF | ID | AC));
    cpu.run("66 9c");
    expect(cpu.read(TOP - 10n, 2)).toBe(BigInt(0x202 | CF | ZF | DF));
  });

  test("popf changes status flags, DF, AC and ID alone", () => {
    const cpu = cpuWithStack()
      .set("rsp", TOP - 8n)
      .write(TOP - 8n, 8, (1n << 64n) - 1n);
    cpu.run("9d");
    expect(cpu.flags).toBe(STATUS_FLAGS);
    expect([cpu.get("df"), cpu.get("id_ac"), cpu.get("rsp")]).toEqual([BigInt(DF), BigInt(ID | AC), TOP]);
    cpu
      .set("rsp", TOP - 8n)
      .write(TOP - 8n, 8, 0n)
      .run("66 9d");
    expect([cpu.flags, cpu.get("df"), cpu.get("id_ac"), cpu.get("rsp")]).toEqual([
      0,
      0n,
      BigInt(ID | AC),
      TOP - 6n,
    ]);
  });

  test("lahf and sahf leave OF alone", () => {
    const cpu = new Cpu().set("rax", 0xff_0011n);
    cpu.flags = STATUS_FLAGS;
    cpu.run("9f");
    expect(cpu.get("rax")).toBe(0xff_d711n);
    cpu.set("rax", 0x2a00n).run("9e");
    expect(cpu.flags).toBe(OF);
    cpu.set("rax", 0xd500n).run("9e");
    expect(cpu.flags).toBe(STATUS_FLAGS);
  });

  test("cld and std", () => {
    const cpu = new Cpu();
    cpu.run("fd");
    expect(cpu.get("df")).toBe(BigInt(DF));
    cpu.run("fc");
    expect(cpu.get("df")).toBe(0n);
  });
});

describe("frames", () => {
  test("enter without nesting, and leave", () => {
    const cpu = cpuWithStack().set("rbp", 0xb000n);
    cpu.run("c8 20 00 00");
    expect([cpu.get("rbp"), cpu.get("rsp"), cpu.read(TOP - 8n, 8)]).toEqual([TOP - 8n, TOP - 40n, 0xb000n]);
    cpu.run("c9");
    expect([cpu.get("rbp"), cpu.get("rsp")]).toEqual([0xb000n, TOP]);
  });

  test("enter with nesting copies the outer frame pointers", () => {
    const cpu = cpuWithStack()
      .set("rbp", 0xb000n)
      .write(0xb000n - 8n, 8, 0x11n)
      .write(0xb000n - 16n, 8, 0x22n);
    cpu.run("c8 10 00 03");
    const slots = [1n, 2n, 3n, 4n].map((i) => cpu.read(TOP - 8n * i, 8));
    expect(slots).toEqual([0xb000n, 0x11n, 0x22n, TOP - 8n]);
    expect([cpu.get("rbp"), cpu.get("rsp")]).toEqual([TOP - 8n, TOP - 32n - 16n]);
  });

  test("enter reads frame pointers that it has just written", () => {
    // The outer frame lies right above the new slots: rbp - 8 is the first slot pushed.
    const cpu = cpuWithStack().set("rbp", TOP);
    cpu.run("c8 00 00 02");
    expect([1n, 2n, 3n].map((i) => cpu.read(TOP - 8n * i, 8))).toEqual([TOP, TOP, TOP - 8n]);
  });

  test("enter stores nothing when any of its writes, or one at the final rsp, would fault", () => {
    for (const bad of [TOP - 8n, TOP - 16n, TOP - 24n, TOP - 0x118n]) {
      const cpu = readOnly(bad).set("rbp", 0xb000n);
      expect(cpu.run("c8 00 01 02")).toMatchObject({ kind: "fault", fault: { vector: 14 } });
      expect([cpu.memory.bytes.size, cpu.get("rsp"), cpu.get("rbp")]).toEqual([0, TOP, 0xb000n]);
    }
  });

  test("enter and leave of 16 bits change the low part of rbp", () => {
    const cpu = cpuWithStack().set("rbp", 0x1234_0000_0000_b000n);
    cpu.run("66 c8 04 00 00");
    expect([cpu.get("rbp"), cpu.get("rsp"), cpu.read(TOP - 2n, 2)]).toEqual([
      0x1234_0000_0000_8ffen,
      TOP - 6n,
      0xb000n,
    ]);
  });
});
