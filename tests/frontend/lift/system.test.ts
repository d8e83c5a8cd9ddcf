import { expect, test } from "vitest";
import { CF, OF, STATUS_FLAGS, ZF } from "../../../src/jit/ir/flags.ts";
import { bytes, Cpu, liftBlock } from "../../support/asm.ts";
import { runBlock, SimpleMachine } from "../../support/evaluator.ts";

const get = (cpu: Cpu, ...names: string[]) => names.map((name) => cpu.get(name));

test("cpuid fills four registers from leaf and subleaf, as the machine answers", () => {
  const machine = new SimpleMachine();
  const cpu = new Cpu().set("rax", 0xffff_0000_0000_0007n).set("rcx", 2n);
  cpu.run("0f a2");
  const answers = [0, 1, 2, 3].map((register) => BigInt(machine.cpuid(register, 7, 2) >>> 0));
  expect(get(cpu, "rax", "rbx", "rcx", "rdx")).toEqual(answers);
});

test("rdtsc counts the instructions before it; rdtscp also names the processor", () => {
  const cpu = new Cpu().set("rcx", ~0n);
  const block = liftBlock(bytes("90 90 0f 31"));
  runBlock(block, cpu.state, cpu.memory, { instructionsAtEntry: 0x1_0000_0003 });
  expect(get(cpu, "rax", "rdx")).toEqual([5n, 1n]);
  cpu.run("0f 01 f9");
  expect(get(cpu, "rax", "rdx", "rcx")).toEqual([0n, 0n, 0n]);
});

test("rdrand and rdseed give the machine's entropy and CF", () => {
  const cpu = new Cpu().set("rax", ~0n).set("rbx", ~0n);
  cpu.flags = STATUS_FLAGS;
  const block = liftBlock(bytes("48 0f c7 f0 66 0f c7 fb"));
  runBlock(block, cpu.state, cpu.memory, { random: [0x1122_3344_5566_7788n, 0x99n] });
  expect(get(cpu, "rax", "rbx")).toEqual([0x1122_3344_5566_7788n, 0xffff_ffff_ffff_0099n]);
  expect(cpu.flags).toBe(CF);
});

test("ldmxcsr refuses reserved bits, stmxcsr stores", () => {
  const cpu = new Cpu().set("rdi", 0x9000n).write(0x9000n, 4, 0x9fc0n);
  cpu.run("0f ae 17");
  expect(cpu.get("mxcsr")).toBe(0x9fc0n);
  cpu.write(0x9000n, 4, 0x1_1f80n);
  expect(cpu.run("0f ae 17")).toMatchObject({ kind: "fault", fault: { vector: 13 } });
  cpu.run("0f ae 1f");
  expect(cpu.read(0x9000n, 4)).toBe(0x9fc0n);
});

test("segment bases: read, written, and refused when not canonical", () => {
  const cpu = new Cpu().set("rax", 0x7fff_1234_5678n);
  cpu.run("f3 48 0f ae d0 f3 0f ae d8");
  expect(get(cpu, "fs_base", "gs_base")).toEqual([0x7fff_1234_5678n, 0x1234_5678n]);
  cpu.run("f3 48 0f ae c1 f3 0f ae ca");
  expect(get(cpu, "rcx", "rdx")).toEqual([0x7fff_1234_5678n, 0x1234_5678n]);
  cpu.set("rax", 0x8000_0000_0000n);
  expect(cpu.run("f3 48 0f ae d0")).toMatchObject({ kind: "fault", fault: { vector: 13 } });
  expect(cpu.get("fs_base")).toBe(0x7fff_1234_5678n);
});

test("fences, pauses, prefetches and landing pads do nothing; clflush reads", () => {
  for (const code of [
    "0f ae e8",
    "0f ae f0",
    "0f ae f8",
    "f3 90",
    "0f 18 08",
    "0f 0d 08",
    "f3 0f 1e fa",
    "0f 1f 44 00 00",
  ]) {
    expect([code, liftBlock(bytes(code), { maxInstructions: 1 }).code]).toEqual([code, []]);
  }
  expect(liftBlock(bytes("0f ae 3f"), { maxInstructions: 1 }).code.map(({ op }) => op)).toContain(
    "load8.i32",
  );
});

test("clc, stc and cmc change CF alone", () => {
  const cpu = new Cpu();
  cpu.flags = ZF | OF;
  cpu.run("f9");
  expect(cpu.flags).toBe(CF | ZF | OF);
  cpu.run("f5");
  expect(cpu.flags).toBe(ZF | OF);
  cpu.run("f5");
  cpu.run("f8");
  expect(cpu.flags).toBe(ZF | OF);
});
