import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CF, OF, STATUS_FLAGS, ZF } from "../../../src/jit/ir/flags.ts";
import { Cpu } from "../../support/asm.ts";
import * as model from "./model.ts";
import { bit, flag, mask, truncated, written } from "./model.ts";

const wideSizes = fc.constantFrom(16, 32, 64) as fc.Arbitrary<model.Size>;

const TESTS = [
  { name: "bt", opcode: 0xa3, group: 4, change: (value: bigint) => value },
  { name: "bts", opcode: 0xab, group: 5, change: (value: bigint, one: bigint) => value | one },
  { name: "btr", opcode: 0xb3, group: 6, change: (value: bigint, one: bigint) => value & ~one },
  { name: "btc", opcode: 0xbb, group: 7, change: (value: bigint, one: bigint) => value ^ one },
];

describe.each(TESTS)("$name", ({ opcode, group, change }) => {
  test("in a register the offset is taken modulo the width; CF alone changes", () => {
    fc.assert(
      fc.property(wideSizes, model.word, model.word, model.statusFlags, (size, value, offset, before) => {
        const place = Number(offset & BigInt(size - 1));
        const expected = written(size, value, change(truncated(size, value), 1n << BigInt(place)));
        const byRegister = new Cpu().set("rax", value).set("rcx", offset);
        byRegister.flags = before;
        byRegister.run(`${model.sizedOpcode(size, opcode, "0f ")} c8`);
        const byImmediate = new Cpu().set("rax", value);
        byImmediate.flags = before;
        const modrm = (0xc0 | (group << 3)).toString(16);
        const immediate = (offset & 0xffn).toString(16);
        byImmediate.run(`${model.sizedOpcode(size, 0xba, "0f ")} ${modrm} ${immediate}`);
        for (const cpu of [byRegister, byImmediate]) {
          expect(cpu.get("rax")).toBe(opcode === 0xa3 ? value : expected);
          expect(cpu.flags).toBe((before & ~CF) | flag(bit(value, place), CF));
        }
      }),
    );
  });

  test("in memory a register offset reaches before and beyond the word", () => {
    fc.assert(
      fc.property(wideSizes, fc.integer({ min: -2000, max: 2000 }), (size, offset) => {
        const cpu = new Cpu().set("rdi", 0x9000n).set("rcx", BigInt(offset));
        const at = 0x9000n + BigInt(Math.floor(offset / 8));
        const before = cpu.read(at, 1);
        cpu.run(`${model.sizedOpcode(size, opcode, "0f ")} 0f`);
        const one = 1n << BigInt(offset & 7);
        expect(cpu.read(at, 1)).toBe(truncated(8, change(before, one)));
        expect(cpu.flags & CF).toBe(flag((before & one) !== 0n, CF));
      }),
    );
  });
});

const lowest = (size: number, value: bigint): number => {
  for (let i = 0; i < size; i++) if (bit(value, i)) return i;
  return size;
};
const highest = (size: number, value: bigint): number => {
  for (let i = size - 1; i >= 0; i--) if (bit(value, i)) return i;
  return -1;
};

test("bsf and bsr: a zero source sets ZF and keeps all of the destination", () => {
  fc.assert(
    fc.property(wideSizes, fc.oneof(model.word, fc.constant(0n)), model.word, (size, source, old) => {
      for (const [opcode, find] of [
        [0xbc, lowest],
        [0xbd, highest],
      ] as const) {
        const cpu = new Cpu().set("rax", old).set("rcx", source);
        cpu.run(`${model.sizedOpcode(size, opcode, "0f ")} c1`);
        const value = truncated(size, source);
        expect(cpu.flags & ZF).toBe(flag(value === 0n, ZF));
        expect(cpu.get("rax")).toBe(value === 0n ? old : written(size, old, BigInt(find(size, value))));
      }
    }),
  );
});

test("tzcnt, lzcnt and popcnt", () => {
  const ones = (value: bigint): number => value.toString(2).replaceAll("0", "").length;
  fc.assert(
    fc.property(wideSizes, fc.oneof(model.word, fc.constant(0n)), (size, source) => {
      const value = truncated(size, source);
      const counts = [
        [0xbc, lowest(size, value)],
        [0xbd, size - 1 - highest(size, value)],
        [0xb8, ones(value)],
      ] as const;
      for (const [opcode, count] of counts) {
        const cpu = new Cpu().set("rax", mask(64)).set("rcx", source);
        cpu.flags = STATUS_FLAGS;
        cpu.run(
          `${model.sizedOpcode(size, opcode, "f3 0f ").replace(/^(66|48) f3/, (all) => (size === 64 ? "f3 48" : all))} c1`,
        );
        expect(cpu.get("rax")).toBe(written(size, mask(64), BigInt(count)));
        if (opcode === 0xb8) expect(cpu.flags).toBe(flag(value === 0n, ZF));
        else expect(cpu.flags & (CF | ZF)).toBe(flag(value === 0n, CF) | flag(count === 0, ZF));
      }
    }),
  );
});

describe("BMI", () => {
  const features = new Set(["bmi1", "bmi2"] as const);
  const run = (code: string, registers: Readonly<Record<string, bigint>>) => {
    const cpu = new Cpu();
    for (const [name, value] of Object.entries(registers)) cpu.set(name, value);
    cpu.run(code, { features });
    return cpu;
  };

  test("lowest-bit operations", () => {
    fc.assert(
      fc.property(model.word, (value) => {
        const cases = [
          ["c4 e2 f8 f3 d9", value & -value, value !== 0n],
          ["c4 e2 f8 f3 d1", value ^ (value - 1n), value === 0n],
          ["c4 e2 f8 f3 c9", value & (value - 1n), value === 0n],
        ] as const;
        for (const [code, result, carry] of cases) {
          const cpu = run(code, { rcx: value });
          expect(cpu.get("rax")).toBe(truncated(64, result));
          expect(cpu.flags & (CF | ZF | OF)).toBe(flag(carry, CF) | flag(truncated(64, result) === 0n, ZF));
        }
      }),
    );
  });

  test("andn, bextr, bzhi and shifts without flags", () => {
    fc.assert(
      fc.property(model.word, fc.nat(255), fc.nat(255), (value, start, length) => {
        const control = BigInt(start | (length << 8));
        expect(run("c4 e2 f0 f2 c2", { rcx: control, rdx: value }).get("rax")).toBe(value & ~control);
        const field = start > 63 ? 0n : (value >> BigInt(start)) & mask(length);
        expect(run("c4 e2 f0 f7 c2", { rcx: control, rdx: value }).get("rax")).toBe(field);
        const low = run("c4 e2 f0 f5 c2", { rcx: control, rdx: value });
        expect(low.get("rax")).toBe(start > 63 ? value : value & mask(start));
        expect(low.flags & CF).toBe(flag(start > 63, CF));
        const places = BigInt(start & 63);
        expect(run("c4 e2 f1 f7 c2", { rcx: control, rdx: value }).get("rax")).toBe(
          truncated(64, value << places),
        );
        expect(run("c4 e2 f3 f7 c2", { rcx: control, rdx: value }).get("rax")).toBe(value >> places);
        const arithmetic = truncated(64, model.signed(64, value) >> places);
        expect(run("c4 e2 f2 f7 c2", { rcx: control, rdx: value }).get("rax")).toBe(arithmetic);
      }),
    );
  });
});
