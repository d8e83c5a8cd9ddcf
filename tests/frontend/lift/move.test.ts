import { describe, expect, test } from "vitest";
import { STATUS_FLAGS } from "../../../src/jit/ir/flags.ts";
import { bytes, CODE_ADDRESS, Cpu, liftBlock } from "../../support/asm.ts";

const get = (cpu: Cpu, ...names: string[]) => names.map((name) => cpu.get(name));
const ops = (code: string) => liftBlock(bytes(code), { maxInstructions: 1 }).code.map(({ op }) => op);

describe("mov", () => {
  test("32-bit writes clear the upper half, narrower ones keep it", () => {
    const cpu = new Cpu().set("rax", 0x1111_2222_3333_4444n).set("rcx", 0xaaaa_bbbb_cccc_ddddn);
    cpu.run("88 c8");
    expect(cpu.get("rax")).toBe(0x1111_2222_3333_44ddn);
    cpu.run("66 89 c8");
    expect(cpu.get("rax")).toBe(0x1111_2222_3333_ddddn);
    cpu.run("88 ec");
    expect(cpu.get("rax")).toBe(0x1111_2222_3333_ddddn);
    cpu.run("89 c8");
    expect(cpu.get("rax")).toBe(0xcccc_ddddn);
  });

  test("immediates: 64 bits whole, 32 bits sign-extended", () => {
    const cpu = new Cpu();
    cpu.run("48 b8 88 77 66 55 44 33 22 f1");
    expect(cpu.get("rax")).toBe(0xf122_3344_5566_7788n);
    cpu.run("48 c7 c0 00 00 00 80");
    expect(cpu.get("rax")).toBe(0xffff_ffff_8000_0000n);
    cpu.run("b8 00 00 00 80");
    expect(cpu.get("rax")).toBe(0x8000_0000n);
  });

  test("a memory offset of 64 bits, and of 32 with an address-size prefix", () => {
    const cpu = new Cpu().write(0x1122_3344_5566n, 4, 0x0102_0304n).write(0x3344_5566n, 1, 7n);
    cpu.run("a1 66 55 44 33 22 11 00 00");
    expect(cpu.get("rax")).toBe(0x0102_0304n);
    cpu.run("67 a0 66 55 44 33");
    expect(cpu.get("rax")).toBe(0x0102_0307n);
    cpu.run("a2 00 90 00 00 00 00 00 00");
    expect(cpu.read(0x9000n, 1)).toBe(7n);
  });

  test("selectors read as those of flat user code", () => {
    const cpu = new Cpu().set("rax", 0xffff_ffff_ffff_ffffn);
    cpu.run("8c c8");
    expect(cpu.get("rax")).toBe(0x23n);
    cpu.set("rdi", 0x9000n).write(0x9000n, 4, 0xffff_ffffn).run("48 8c 17");
    expect(cpu.read(0x9000n, 4)).toBe(0xffff_001bn);
  });
});

describe("addresses", () => {
  const load = (code: string, registers: Readonly<Record<string, bigint>>, at: bigint): bigint => {
    const cpu = new Cpu().write(at, 4, 0x1234_5678n);
    for (const [name, value] of Object.entries(registers)) cpu.set(name, value);
    cpu.run(code);
    return cpu.get("rax");
  };

  test("base, index, scale, displacement, and wrap at 64 bits", () => {
    expect(load("8b 44 cb f0", { rbx: 0x9000n, rcx: 4n }, 0x9010n)).toBe(0x1234_5678n);
    expect(load("42 8b 04 65 00 01 00 00", { r12: 0x80n }, 0x200n)).toBe(0x1234_5678n);
    expect(load("8b 43 10", { rbx: 0xffff_ffff_ffff_fff8n }, 8n)).toBe(0x1234_5678n);
    expect(load("41 8b 45 00", { r13: 0x9000n }, 0x9000n)).toBe(0x1234_5678n);
  });

  test("RIP-relative counts from the end of the instruction, immediates included", () => {
    const at = BigInt(CODE_ADDRESS) + 0x106n;
    expect(load("8b 05 00 01 00 00", {}, at)).toBe(0x1234_5678n);
    const cpu = new Cpu().write(BigInt(CODE_ADDRESS) + 0x10bn, 4, 5n);
    cpu.run("81 05 01 01 00 00 02 00 00 00");
    expect(cpu.read(BigInt(CODE_ADDRESS) + 0x10bn, 4)).toBe(7n);
  });

  test("32-bit addresses wrap at 4 GiB, before the segment base is added", () => {
    const registers = { rbx: 0xdead_0000_ffff_fff8n, fs_base: 0x1_0000_0000n, gs_base: 0x10n };
    expect(load("67 8b 43 10", registers, 8n)).toBe(0x1234_5678n);
    expect(load("64 67 8b 43 10", registers, 0x1_0000_0008n)).toBe(0x1234_5678n);
    expect(load("65 8b 04 25 08 00 00 00", registers, 0x18n)).toBe(0x1234_5678n);
  });

  test("lea ignores segments and truncates to its width", () => {
    const cpu = new Cpu().set("rbx", 0x1_2345_6789n).set("fs_base", 0x1000n).set("rax", ~0n);
    cpu.run("64 48 8d 43 01");
    expect(cpu.get("rax")).toBe(0x1_2345_678an);
    cpu.run("8d 43 01");
    expect(cpu.get("rax")).toBe(0x2345_678an);
    cpu.set("rax", ~0n).run("66 8d 43 01");
    expect(cpu.get("rax")).toBe(0xffff_ffff_ffff_678an);
  });

  test("what an access demands stands in the operation", () => {
    const accesses = (code: string) =>
      liftBlock(bytes(code), { maxInstructions: 1 })
        .code.filter(({ op }) => op.startsWith("load") || op.startsWith("store"))
        .map(({ op, imm }) => `${op} ${imm[0]}`);
    expect(accesses("8b 03")).toEqual(["load.i32 0"]);
    expect(accesses("8b 44 24 08")).toEqual(["load.i32 2"]);
    expect(accesses("8b 45 08")).toEqual(["load.i32 2"]);
    expect(accesses("41 8b 45 08")).toEqual(["load.i32 0"]);
    expect(accesses("64 8b 45 08")).toEqual(["load.i32 0"]);
    expect(accesses("01 45 08")).toEqual(["load.i32 3", "store.i32 2"]);
    expect(accesses("0f 28 00")).toEqual(["load.v128 4"]);
    expect(accesses("0f 10 00")).toEqual(["load.v128 0"]);
    expect(accesses("66 0f ef 44 24 10")).toEqual(["load.v128 6"]);
    expect(accesses("0f 1f 00")).toEqual([]);
    expect(accesses("0f 18 08")).toEqual([]);
  });
});

describe("extensions and exchanges", () => {
  test("movzx, movsx, movsxd", () => {
    const cpu = new Cpu().set("rcx", 0x1122_3344_8566_f788n);
    const results: Record<string, bigint> = {
      "0f b6 c1": 0x88n,
      "0f b6 c5": 0xf7n,
      "48 0f b7 c1": 0xf788n,
      "0f be c1": 0xffff_ff88n,
      "48 0f bf c1": 0xffff_ffff_ffff_f788n,
      "48 63 c1": 0xffff_ffff_8566_f788n,
      "63 c1": 0x8566_f788n,
    };
    for (const [code, result] of Object.entries(results)) {
      cpu.set("rax", ~0n).run(code);
      expect([code, cpu.get("rax")]).toEqual([code, result]);
    }
    cpu.set("rax", ~0n).run("66 0f be c1");
    expect(cpu.get("rax")).toBe(0xffff_ffff_ffff_ff88n);
  });

  test("cbw to cqo", () => {
    const run = (code: string) => {
      const cpu = new Cpu().set("rax", 0x7fff_7fff_8000_8080n).set("rdx", 0x1111_1111_1111_1111n);
      cpu.run(code);
      return get(cpu, "rax", "rdx");
    };
    const rdx = 0x1111_1111_1111_1111n;
    expect(run("66 98")).toEqual([0x7fff_7fff_8000_ff80n, rdx]);
    expect(run("98")).toEqual([0xffff_8080n, rdx]);
    expect(run("48 98")).toEqual([0xffff_ffff_8000_8080n, rdx]);
    expect(run("66 99")).toEqual([0x7fff_7fff_8000_8080n, 0x1111_1111_1111_ffffn]);
    expect(run("99")).toEqual([0x7fff_7fff_8000_8080n, 0xffff_ffffn]);
    expect(run("48 99")).toEqual([0x7fff_7fff_8000_8080n, 0n]);
  });

  test("xchg, also of two parts of one register; nop is not xchg eax, eax", () => {
    const cpu = new Cpu().set("rax", 0xffff_ffff_0000_1122n).set("rcx", 5n);
    cpu.run("86 e0");
    expect(cpu.get("rax")).toBe(0xffff_ffff_0000_2211n);
    expect(ops("90")).toEqual([]);
    expect(ops("48 90")).toEqual([]);
    cpu.run("48 91");
    expect(get(cpu, "rax", "rcx")).toEqual([5n, 0xffff_ffff_0000_2211n]);
    cpu.run("87 c9");
    expect(cpu.get("rcx")).toBe(0x2211n);
    cpu.set("r8", 9n).run("49 90");
    expect(get(cpu, "rax", "r8")).toEqual([9n, 5n]);
  });

  test("bswap and movbe", () => {
    const cpu = new Cpu().set("rax", 0x1122_3344_5566_7788n).set("rdi", 0x9000n);
    cpu.run("48 0f c8");
    expect(cpu.get("rax")).toBe(0x8877_6655_4433_2211n);
    cpu.run("0f c8");
    expect(cpu.get("rax")).toBe(0x1122_3344n);
    cpu.run("66 0f 38 f1 07");
    expect(cpu.read(0x9000n, 2)).toBe(0x4433n);
    cpu.run("48 0f 38 f1 07");
    cpu.run("48 0f 38 f0 1f");
    expect(cpu.get("rbx")).toBe(0x1122_3344n);
  });

  test("xlat", () => {
    const cpu = new Cpu().set("rbx", 0x9000n).set("rax", 0xff05n).write(0x9005n, 1, 0x77n);
    cpu.run("d7");
    expect(cpu.get("rax")).toBe(0xff77n);
  });
});

describe("conditions", () => {
  test("setcc and cmovcc for all sixteen, on all flags", () => {
    const holds: ((flags: { c: number; p: number; z: number; s: number; o: number }) => boolean)[] = [
      ({ o }) => o === 1,
      ({ c }) => c === 1,
      ({ z }) => z === 1,
      ({ c, z }) => c + z > 0,
      ({ s }) => s === 1,
      ({ p }) => p === 1,
      ({ s, o }) => s !== o,
      ({ s, o, z }) => z === 1 || s !== o,
    ];
    for (let bits = 0; bits < 4096; bits++) {
      if ((bits & ~STATUS_FLAGS) !== 0 || (bits & 16) !== 0) continue;
      const at = (place: number) => (bits >> place) & 1;
      const flags = { c: at(0), p: at(2), z: at(6), s: at(7), o: at(11) };
      for (let number = 0; number < 16; number++) {
        const expected = (holds[number >> 1]?.(flags) ?? false) !== ((number & 1) === 1);
        const cpu = new Cpu().set("rax", 0xff00n).set("rbx", 1n).set("rcx", 2n);
        cpu.flags = bits;
        cpu.run(`0f 9${number.toString(16)} c0 48 0f 4${number.toString(16)} d9`);
        expect(get(cpu, "rax", "rbx")).toEqual(expected ? [0xff01n, 2n] : [0xff00n, 1n]);
      }
    }
  });

  test("cmovcc reads its source and clears the upper half in either case", () => {
    const cpu = new Cpu().set("rax", ~0n).set("rcx", 1n);
    cpu.run("0f 44 c1");
    expect(cpu.get("rax")).toBe(0xffff_ffffn);
    expect(ops("0f 44 01")).toContain("load.i32");
  });
});
