import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AF, CF, OF, PF, SF, STATUS_FLAGS, ZF } from "../../../src/jit/ir/flags.ts";
import { Cpu } from "../../support/asm.ts";
import * as model from "./model.ts";
import { mask, truncated, written } from "./model.ts";

interface Operation {
  readonly name: string;
  readonly opcode: number;
  readonly compute: (a: bigint, b: bigint, carry: bigint) => bigint;
  readonly flags: (size: number, a: bigint, b: bigint, carry: bigint) => number;
  readonly stores?: false;
}
const logicFlags =
  (compute: (a: bigint, b: bigint) => bigint): Operation["flags"] =>
  (size, a, b) =>
    model.resultFlags(size, compute(a, b));

const OPERATIONS: readonly Operation[] = [
  { name: "add", opcode: 0x01, compute: (a, b) => a + b, flags: (size, a, b) => model.addFlags(size, a, b) },
  { name: "or", opcode: 0x09, compute: (a, b) => a | b, flags: logicFlags((a, b) => a | b) },
  { name: "adc", opcode: 0x11, compute: (a, b, c) => a + b + c, flags: model.addFlags },
  { name: "sbb", opcode: 0x19, compute: (a, b, c) => a - b - c, flags: model.subFlags },
  { name: "and", opcode: 0x21, compute: (a, b) => a & b, flags: logicFlags((a, b) => a & b) },
  { name: "sub", opcode: 0x29, compute: (a, b) => a - b, flags: (size, a, b) => model.subFlags(size, a, b) },
  { name: "xor", opcode: 0x31, compute: (a, b) => a ^ b, flags: logicFlags((a, b) => a ^ b) },
  {
    name: "cmp",
    opcode: 0x39,
    compute: (a) => a,
    flags: (size, a, b) => model.subFlags(size, a, b),
    stores: false,
  },
  { name: "test", opcode: 0x85, compute: (a) => a, flags: logicFlags((a, b) => a & b), stores: false },
];

describe("two operands", () => {
  test.each(OPERATIONS)(
    "$name: result, flags and upper bits, for every width",
    ({ opcode, compute, flags, stores }) => {
      fc.assert(
        fc.property(model.sizes, model.word, model.word, model.statusFlags, (size, a, b, before) => {
          const cpu = new Cpu().set("rax", a).set("rcx", b);
          cpu.flags = before;
          cpu.run(`${model.sizedOpcode(size, opcode)} c8`);
          const carry = BigInt(before & CF);
          const [left, right] = [truncated(size, a), truncated(size, b)];
          const result = stores === false ? a : written(size, a, compute(left, right, carry));
          expect(cpu.get("rax")).toBe(result);
          expect(cpu.get("rcx")).toBe(b);
          expect(cpu.flags).toBe(flags(size, left, right, carry));
        }),
      );
    },
  );

  test.each(OPERATIONS)(
    "$name on memory: the same, and only its bytes change",
    ({ opcode, compute, flags, stores }) => {
      fc.assert(
        fc.property(model.sizes, model.word, model.word, (size, a, b) => {
          const cpu = new Cpu().set("rdi", 0x9000n).set("rcx", b).write(0x9000n, 8, a);
          cpu.run(`${model.sizedOpcode(size, opcode)} 0f`);
          const [left, right] = [truncated(size, a), truncated(size, b)];
          const kept = a & ~mask(size) & mask(64);
          const result = stores === false ? a : kept | truncated(size, compute(left, right, 0n));
          expect(cpu.read(0x9000n, 8)).toBe(result);
          expect(cpu.flags).toBe(flags(size, left, right, 0n));
        }),
        { numRuns: 40 },
      );
    },
  );

  test("immediates are sign-extended", () => {
    expect(new Cpu().set("rax", 5n).run("48 83 c0 ff")).toMatchObject({ kind: "fault" });
    const cpu = new Cpu().set("rax", 5n);
    cpu.run("48 83 c0 ff");
    expect(cpu.get("rax")).toBe(4n);
    cpu.run("48 05 00 00 00 80");
    expect(cpu.get("rax")).toBe(mask(64) - 0x7fff_fffbn);
    cpu.run("04 fc");
    expect(cpu.get("rax")).toBe(mask(64) - 0x7fff_ffffn);
  });

  test("xor of a register with itself is zero with the flags of zero", () => {
    const cpu = new Cpu().set("rax", mask(64));
    cpu.flags = STATUS_FLAGS;
    cpu.run("31 c0");
    expect([cpu.get("rax"), cpu.flags]).toEqual([0n, ZF | PF]);
    // AH and AL are different registers.
    cpu.set("rax", 0x1234n).run("30 e0");
    expect(cpu.get("rax")).toBe(0x1226n);
  });

  test("byte registers: AH..BH without REX, SPL..DIL with", () => {
    const cpu = new Cpu().set("rax", 0x1122n).set("rsp", 0x3344n);
    cpu.run("00 e0");
    expect(cpu.get("rax")).toBe(0x1133n);
    cpu.run("40 00 e0");
    expect(cpu.get("rax")).toBe(0x1177n);
    cpu.run("00 c4");
    expect(cpu.get("rax")).toBe(0x8877n);
  });
});

describe("one operand", () => {
  const unary = [
    { name: "inc", opcode: 0xff, modrm: "c0", compute: (a: bigint) => a + 1n },
    { name: "dec", opcode: 0xff, modrm: "c8", compute: (a: bigint) => a - 1n },
    { name: "neg", opcode: 0xf7, modrm: "d8", compute: (a: bigint) => -a },
    { name: "not", opcode: 0xf7, modrm: "d0", compute: (a: bigint) => ~a },
  ];
  const expectedFlags = (name: string, size: number, a: bigint, before: number): number => {
    if (name === "not") return before;
    if (name === "neg") return model.subFlags(size, 0n, a);
    const made = name === "inc" ? model.addFlags(size, a, 1n) : model.subFlags(size, a, 1n);
    return (made & ~CF) | (before & CF);
  };

  test.each(unary)("$name", ({ name, opcode, modrm, compute }) => {
    fc.assert(
      fc.property(model.sizes, model.word, model.statusFlags, (size, a, before) => {
        const cpu = new Cpu().set("rax", a);
        cpu.flags = before;
        cpu.run(`${model.sizedOpcode(size, opcode)} ${modrm}`);
        expect(cpu.get("rax")).toBe(written(size, a, compute(truncated(size, a))));
        expect(cpu.flags).toBe(expectedFlags(name, size, truncated(size, a), before));
      }),
    );
  });
});

describe("exchanges", () => {
  test("xadd: the sum and the old value; the sum when both are one register", () => {
    fc.assert(
      fc.property(model.sizes, model.word, model.word, (size, a, b) => {
        const cpu = new Cpu().set("rax", a).set("rcx", b);
        cpu.run(`${model.sizedOpcode(size, 0xc1, "0f ")} c8`);
        expect(cpu.get("rax")).toBe(written(size, a, a + b));
        expect(cpu.get("rcx")).toBe(written(size, b, a));
        expect(cpu.flags).toBe(model.addFlags(size, truncated(size, a), truncated(size, b)));
      }),
    );
    const cpu = new Cpu().set("rax", 21n);
    cpu.run("48 0f c1 c0");
    expect(cpu.get("rax")).toBe(42n);
  });

  test("cmpxchg on memory", () => {
    fc.assert(
      fc.property(model.sizes, model.word, model.word, fc.boolean(), (size, accumulator, other, match) => {
        const old = match ? accumulator : other;
        const cpu = new Cpu().set("rax", accumulator).set("rcx", 0x55aa_1234_9876_5432n).set("rdi", 0x9000n);
        cpu.write(0x9000n, 8, old);
        cpu.run(`${model.sizedOpcode(size, 0xb1, "f0 0f ").replace(/^(66|48) f0/, "f0 $1")} 0f`);
        const equal = truncated(size, accumulator) === truncated(size, old);
        const stored = equal ? 0x55aa_1234_9876_5432n : old;
        expect(cpu.read(0x9000n, 8)).toBe((old & ~mask(size) & mask(64)) | truncated(size, stored));
        expect(cpu.get("rax")).toBe(equal ? accumulator : written(size, accumulator, old));
        expect(cpu.flags).toBe(model.subFlags(size, truncated(size, accumulator), truncated(size, old)));
      }),
    );
  });

  test("cmpxchg of a 32-bit register keeps the upper half of what it does not write", () => {
    const high = 0xdead_beef_0000_0000n;
    const run = (rdx: bigint) => {
      const cpu = new Cpu()
        .set("rax", high | 5n)
        .set("rdx", rdx)
        .set("rcx", 7n);
      cpu.run("0f b1 ca");
      return [cpu.get("rax"), cpu.get("rdx")];
    };
    expect(run(high | 5n)).toEqual([high | 5n, 7n]);
    expect(run(high | 6n)).toEqual([6n, high | 6n]);
  });

  test("cmpxchg8b and cmpxchg16b change ZF alone", () => {
    const make = () =>
      new Cpu().set("rax", 1n).set("rdx", 2n).set("rbx", 3n).set("rcx", 4n).set("rdi", 0x9000n);
    const narrow = make().write(0x9000n, 8, 0x2_0000_0001n);
    narrow.flags = STATUS_FLAGS & ~ZF;
    narrow.run("f0 0f c7 0f");
    expect([narrow.read(0x9000n, 8), narrow.flags]).toEqual([0x4_0000_0003n, STATUS_FLAGS]);
    narrow.run("0f c7 0f");
    expect([narrow.get("rax"), narrow.get("rdx"), narrow.flags]).toEqual([3n, 4n, STATUS_FLAGS & ~ZF]);
    const wide = make().write(0x9000n, 16, (2n << 64n) | 1n);
    wide.run("48 0f c7 0f");
    expect([wide.read(0x9000n, 16), wide.flags]).toEqual([(4n << 64n) | 3n, ZF]);
    wide.run("48 0f c7 0f");
    expect([wide.get("rax"), wide.get("rdx"), wide.flags]).toEqual([3n, 4n, 0]);
    expect(make().set("rdi", 0x9008n).run("48 0f c7 0f")).toMatchObject({
      kind: "fault",
      fault: { vector: 13 },
    });
  });
});

test("flags given by one instruction reach the conditions of the next ones", () => {
  // stc; setb al; clc; setb bl; cmc; setae cl; mov edx, 7; adc edx, 0
  const cpu = new Cpu();
  cpu.flags = ZF | SF | OF | AF | PF;
  cpu.run("f9 0f 92 c0 f8 0f 92 c3 f5 0f 93 c1 ba 07 00 00 00 83 d2 00");
  expect(["rax", "rbx", "rcx", "rdx"].map((name) => cpu.get(name))).toEqual([1n, 0n, 0n, 8n]);
});
