import { describe, expect, test } from "vitest";
import { DF, ID } from "../../../src/frontend/guest-state.ts";
import { CF, ZF } from "../../../src/jit/ir/flags.ts";
import { bytes, CODE_ADDRESS, Cpu, liftBlock } from "../../support/asm.ts";

const HERE = BigInt(CODE_ADDRESS);
const exit = (code: string) => liftBlock(bytes(code)).exit;

describe("jumps", () => {
  test("relative, forwards and backwards", () => {
    expect(exit("eb fe")).toEqual({ kind: "jump", target: CODE_ADDRESS, transfer: "jump" });
    expect(exit("e9 00 01 00 00")).toEqual({ kind: "jump", target: CODE_ADDRESS + 0x105, transfer: "jump" });
    // The operand-size prefix changes nothing.
    expect(exit("66 e9 00 01 00 00")).toEqual({
      kind: "jump",
      target: CODE_ADDRESS + 0x106,
      transfer: "jump",
    });
  });

  test("conditional", () => {
    const block = liftBlock(bytes("74 10"));
    expect(block.exit).toMatchObject({
      kind: "branch",
      taken: CODE_ADDRESS + 0x12,
      notTaken: CODE_ADDRESS + 2,
    });
    const cpu = new Cpu();
    expect(cpu.run("0f 84 10 00 00 00")).toMatchObject({ rip: HERE + 6n, taken: false });
    cpu.flags = ZF;
    expect(cpu.run("0f 84 10 00 00 00")).toMatchObject({ rip: HERE + 0x16n, taken: true });
  });

  test("through a register or memory", () => {
    expect(new Cpu().set("rax", 0x1234n).run("ff e0")).toMatchObject({
      kind: "indirect",
      transfer: "jump",
      rip: 0x1234n,
    });
    const cpu = new Cpu().set("rdi", 0x9000n).write(0x9000n, 8, 0xffff_8000_0000_0000n);
    expect(cpu.run("ff 27")).toMatchObject({ kind: "indirect", rip: 0xffff_8000_0000_0000n });
  });

  test("jrcxz and the loops, with 32-bit counts too", () => {
    const run = (code: string, rcx: bigint, flags = 0) => {
      const cpu = new Cpu().set("rcx", rcx);
      cpu.flags = flags;
      const taken = cpu.run(code).rip !== HERE + BigInt(bytes(code).length);
      return [taken, cpu.get("rcx")];
    };
    const high = 0x1_0000_0000n;
    expect(run("e3 10", 0n)).toEqual([true, 0n]);
    expect(run("e3 10", high)).toEqual([false, high]);
    expect(run("67 e3 10", high)).toEqual([true, high]);
    expect(run("e2 10", 1n)).toEqual([false, 0n]);
    expect(run("e2 10", 0n)).toEqual([true, (1n << 64n) - 1n]);
    expect(run("67 e2 10", high | 1n)).toEqual([false, 0n]);
    expect(run("67 e2 10", high)).toEqual([true, 0xffff_ffffn]);
    expect(run("e1 10", 2n, ZF)).toEqual([true, 1n]);
    expect(run("e1 10", 2n, 0)).toEqual([false, 1n]);
    expect(run("e0 10", 2n, 0)).toEqual([true, 1n]);
    expect(run("e0 10", 1n, 0)).toEqual([false, 0n]);
  });
});

describe("calls and returns", () => {
  test("a call pushes the return address and names it", () => {
    expect(exit("e8 00 01 00 00")).toEqual({
      kind: "jump",
      target: CODE_ADDRESS + 0x105,
      transfer: "call",
      returnTo: CODE_ADDRESS + 5,
    });
    const cpu = new Cpu().set("rsp", 0x9000n);
    cpu.run("e8 00 01 00 00");
    expect([cpu.get("rsp"), cpu.read(0x8ff8n, 8)]).toEqual([0x8ff8n, HERE + 5n]);
  });

  test("a call through memory on the stack reads before it pushes", () => {
    const cpu = new Cpu().set("rsp", 0x9000n).write(0x8ff8n, 8, 0x1234n);
    expect(cpu.run("ff 54 24 f8")).toMatchObject({ kind: "indirect", transfer: "call", rip: 0x1234n });
    expect(cpu.read(0x8ff8n, 8)).toBe(HERE + 4n);
  });

  test("ret pops, and drops what it is told", () => {
    const cpu = new Cpu().set("rsp", 0x9000n).write(0x9000n, 8, 0x1234n);
    expect(cpu.run("c3")).toMatchObject({ kind: "indirect", transfer: "return", rip: 0x1234n });
    expect(cpu.get("rsp")).toBe(0x9008n);
    cpu.set("rsp", 0x9000n).run("c2 10 ff");
    expect(cpu.get("rsp")).toBe(0x9000n + 8n + 0xff10n);
  });

  test("a non-canonical target faults at the transfer, with nothing done", () => {
    for (const code of ["c3", "ff e0", "ff d0"]) {
      const cpu = new Cpu()
        .set("rsp", 0x9000n)
        .set("rax", 1n << 47n)
        .write(0x9000n, 8, 1n << 63n);
      const written = cpu.memory.bytes.size;
      expect(cpu.run(code)).toMatchObject({ kind: "fault", fault: { vector: 13, errorCode: 0 }, rip: HERE });
      expect([cpu.get("rsp"), cpu.memory.bytes.size]).toEqual([0x9000n, written]);
    }
  });
});

describe("exceptions and system calls", () => {
  const fault = (vector: number, errorCode = 0, rip = CODE_ADDRESS) => ({
    kind: "fault",
    vector,
    errorCode,
    rip,
  });

  test("int3 and int1 report the next instruction", () => {
    expect(exit("cc")).toEqual(fault(3, 0, CODE_ADDRESS + 1));
    expect(exit("cd 03")).toEqual(fault(3, 0, CODE_ADDRESS + 2));
    expect(exit("f1")).toEqual(fault(1, 0, CODE_ADDRESS + 1));
  });

  test("int n is refused with the gate it names", () => {
    expect(exit("cd 80")).toEqual(fault(13, 0x402));
    expect(exit("cd 00")).toEqual(fault(13, 2));
  });

  test("privileged instructions", () => {
    const privileged = [
      "f4",
      "fa",
      "fb",
      "e4 10",
      "ee",
      "6c",
      "f3 6e",
      "0f 30",
      "0f 32",
      "0f 06",
      "0f 08",
      "0f 09",
    ];
    const tables = ["0f 01 10", "0f 01 38", "0f 00 d8", "0f 20 c0", "0f 23 f8", "0f 01 f8", "0f 33", "0f 07"];
    for (const code of [...privileged, ...tables]) expect([code, exit(code)]).toEqual([code, fault(13)]);
  });

  test("undefined instructions", () => {
    for (const code of ["0f 0b", "0f b9 c0", "0f ff c0", "0f 01 d0", "ce", "60", "d6"]) {
      expect([code, exit(code)]).toEqual([code, fault(6)]);
    }
  });

  test("a fault keeps what was done before it and nothing of itself", () => {
    const cpu = new Cpu().set("rax", 1n);
    expect(cpu.run("48 ff c0 0f 0b")).toMatchObject({
      kind: "fault",
      rip: HERE + 3n,
      instructionsCompleted: 1,
    });
    expect(cpu.get("rax")).toBe(2n);
  });

  test("syscall saves the next address in rcx and the flags in r11", () => {
    const cpu = new Cpu().set("df", BigInt(DF)).set("id_ac", BigInt(ID));
    cpu.flags = CF | ZF;
    expect(cpu.run("0f 05")).toMatchObject({ kind: "syscall", rip: HERE + 2n, instructionsCompleted: 1 });
    expect([cpu.get("rcx"), cpu.get("r11")]).toEqual([HERE + 2n, BigInt(0x202 | CF | ZF | DF | ID)]);
  });
});
