import { describe, expect, test } from "vitest";
import { DF } from "../../../src/frontend/guest-state.ts";
import { CF, SF, ZF } from "../../../src/jit/ir/flags.ts";
import { CODE_ADDRESS, Cpu } from "../../support/asm.ts";
import { SimpleMemory } from "../../support/evaluator.ts";

const HERE = BigInt(CODE_ADDRESS);
const SOURCE = 0x8000n;
const DESTINATION = 0x9000n;
const make = () => new Cpu().set("rsi", SOURCE).set("rdi", DESTINATION);
const pointers = (cpu: Cpu) => [cpu.get("rsi"), cpu.get("rdi")];

/** Runs the block until it leaves itself; gives the number of guest instructions and the last exit. */
function repeat(cpu: Cpu, code: string, limit = 1000) {
  let count = 0;
  for (;;) {
    const exit = cpu.run(code);
    count += exit.instructionsCompleted;
    if (exit.rip !== HERE || exit.kind === "fault" || count >= limit) return { count, exit };
  }
}

describe("once", () => {
  test("movs, stos, lods in all widths and both directions", () => {
    for (const [prefix, width] of [
      ["", 1],
      ["66 ", 2],
      ["", 4],
      ["48 ", 8],
    ] as const) {
      for (const down of [false, true]) {
        const step = BigInt(down ? -width : width);
        const last = width === 1 ? 0 : 1;
        const code = (base: number) => `${prefix}${(base + last).toString(16)}`;
        const cpu = make()
          .set("df", down ? BigInt(DF) : 0n)
          .set("rax", 0x1122_3344_5566_7788n);
        cpu.write(SOURCE, 8, 0xf1f2_f3f4_f5f6_f7f8n).write(DESTINATION, 8, 0n);
        cpu.run(code(0xa4));
        const low = (1n << BigInt(8 * width)) - 1n;
        expect(cpu.read(DESTINATION, 8)).toBe(0xf1f2_f3f4_f5f6_f7f8n & low);
        expect(pointers(cpu)).toEqual([SOURCE + step, DESTINATION + step]);
        cpu.set("rdi", DESTINATION).run(code(0xaa));
        expect(cpu.read(DESTINATION, 8)).toBe(0x1122_3344_5566_7788n & low);
        expect(pointers(cpu)).toEqual([SOURCE + step, DESTINATION + step]);
        cpu.set("rsi", SOURCE).run(code(0xac));
        expect(cpu.get("rax") & low).toBe(0xf1f2_f3f4_f5f6_f7f8n & low);
        expect(cpu.get("rsi")).toBe(SOURCE + step);
      }
    }
  });

  test("cmps and scas set the flags of a subtraction", () => {
    const cpu = make().write(SOURCE, 1, 1n).write(DESTINATION, 1, 2n).set("rax", 3n);
    cpu.run("a6");
    expect(cpu.flags & (CF | ZF | SF)).toBe(CF | SF);
    expect(pointers(cpu)).toEqual([SOURCE + 1n, DESTINATION + 1n]);
    cpu.set("rdi", DESTINATION).run("ae");
    expect(cpu.flags & (CF | ZF | SF)).toBe(0);
  });

  test("32-bit addresses wrap and clear the upper half; FS moves the source alone", () => {
    const cpu = new Cpu().set("rsi", 0x1_ffff_ffffn).set("rdi", 0x1_0000_9000n).set("fs_base", 0x100n);
    cpu.write(0x1_0000_00ffn, 1, 0x5an);
    cpu.run("64 67 a4");
    expect(cpu.read(DESTINATION, 1)).toBe(0x5an);
    expect(pointers(cpu)).toEqual([0n, DESTINATION + 1n]);
  });
});

describe("repeated", () => {
  test("one instruction per element, and one for none", () => {
    const cpu = make().set("rcx", 5n);
    expect(repeat(cpu, "f3 a4")).toMatchObject({ count: 5, exit: { rip: HERE + 2n } });
    expect([...pointers(cpu), cpu.get("rcx")]).toEqual([SOURCE + 5n, DESTINATION + 5n, 0n]);
    for (let i = 0n; i < 5n; i++) expect(cpu.read(DESTINATION + i, 1)).toBe(cpu.read(SOURCE + i, 1));
    expect(repeat(cpu, "f3 a4")).toMatchObject({ count: 1, exit: { kind: "exit.if", rip: HERE + 2n } });
    expect(pointers(cpu)).toEqual([SOURCE + 5n, DESTINATION + 5n]);
  });

  test("a zero count touches no memory", () => {
    const cpu = new Cpu(new SimpleMemory(() => ({ vector: 14, errorCode: 4 }))).set("rcx", 0n);
    for (const code of ["f3 a4", "f3 aa", "f3 ac", "f3 a6", "f2 ae"]) {
      expect(cpu.run(code)).toMatchObject({ kind: "exit.if", instructionsCompleted: 1 });
    }
  });

  test("with 32-bit addresses the count is ecx", () => {
    const cpu = make().set("rcx", 0xffff_0000_0000_0000n);
    expect(cpu.run("67 f3 a4").kind).toBe("exit.if");
    expect(cpu.get("rcx")).toBe(0xffff_0000_0000_0000n);
    cpu.set("rcx", 0xffff_0000_0000_0001n).run("67 f3 a4");
    expect(cpu.get("rcx")).toBe(0n);
  });

  test("a fault in the middle leaves the state of the iterations before it", () => {
    const memory = new SimpleMemory((at, write) =>
      write && at === DESTINATION + 3n ? { vector: 14, errorCode: 6 } : undefined,
    );
    const cpu = new Cpu(memory).set("rsi", SOURCE).set("rdi", DESTINATION).set("rcx", 9n);
    const { count, exit } = repeat(cpu, "f3 a4");
    expect([count, exit.kind, exit.rip]).toEqual([3, "fault", HERE]);
    expect([...pointers(cpu), cpu.get("rcx")]).toEqual([SOURCE + 3n, DESTINATION + 3n, 6n]);
  });

  test("repe cmps ends at the first difference, repne scas at the first match", () => {
    const cpu = make().set("rcx", 10n).write(SOURCE, 8, 0x0807_0605_0403_0201n);
    cpu.write(DESTINATION, 8, 0x0807_0605_0003_0201n);
    expect(repeat(cpu, "f3 a6").count).toBe(4);
    expect([...pointers(cpu), cpu.get("rcx"), cpu.flags & ZF]).toEqual([
      SOURCE + 4n,
      DESTINATION + 4n,
      6n,
      0,
    ]);
    cpu.set("rdi", SOURCE).set("rcx", 10n).set("rax", 6n);
    expect(repeat(cpu, "f2 ae").count).toBe(6);
    expect([cpu.get("rdi"), cpu.get("rcx"), cpu.flags & ZF]).toEqual([SOURCE + 6n, 4n, ZF]);
  });

  test("repe cmps ends with the count, and flags stay when there was none", () => {
    const cpu = make().set("rcx", 2n).write(SOURCE, 2, 0x0202n).write(DESTINATION, 2, 0x0202n);
    expect(repeat(cpu, "f3 a6").count).toBe(2);
    expect(cpu.flags & ZF).toBe(ZF);
    cpu.flags = CF;
    cpu.run("f3 a6");
    expect(cpu.flags).toBe(CF);
  });
});
