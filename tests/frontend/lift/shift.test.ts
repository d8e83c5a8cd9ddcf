import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CF, OF } from "../../../src/jit/ir/flags.ts";
import { Cpu } from "../../support/asm.ts";
import * as model from "./model.ts";
import { bit, flag, truncated, written } from "./model.ts";

interface Outcome {
  readonly result: bigint;
  readonly carry: boolean;
}
/** One step of one bit; repeated count times, as the manual defines shifts and rotates. */
type Step = (size: number, value: bigint, carry: boolean) => Outcome;

const top = (size: number): bigint => 1n << BigInt(size - 1);

const STEPS: readonly {
  readonly name: string;
  readonly reg: number;
  readonly step: Step;
  readonly rotates: boolean;
}[] = [
  {
    name: "rol",
    reg: 0,
    rotates: true,
    step: (size, v) => ({
      result: truncated(size, v << 1n) | (v >> BigInt(size - 1)),
      carry: bit(v, size - 1),
    }),
  },
  {
    name: "ror",
    reg: 1,
    rotates: true,
    step: (size, v) => ({ result: (v >> 1n) | (bit(v, 0) ? top(size) : 0n), carry: bit(v, 0) }),
  },
  {
    name: "rcl",
    reg: 2,
    rotates: true,
    step: (size, v, c) => ({ result: truncated(size, v << 1n) | (c ? 1n : 0n), carry: bit(v, size - 1) }),
  },
  {
    name: "rcr",
    reg: 3,
    rotates: true,
    step: (size, v, c) => ({ result: (v >> 1n) | (c ? top(size) : 0n), carry: bit(v, 0) }),
  },
  {
    name: "shl",
    reg: 4,
    rotates: false,
    step: (size, v) => ({ result: truncated(size, v << 1n), carry: bit(v, size - 1) }),
  },
  { name: "shr", reg: 5, rotates: false, step: (_, v) => ({ result: v >> 1n, carry: bit(v, 0) }) },
  {
    name: "sar",
    reg: 7,
    rotates: false,
    step: (size, v) => ({ result: (v >> 1n) | (v & top(size)), carry: bit(v, 0) }),
  },
];

/** OF by the formula for a count of one, which processors use for every count. */
function overflowOf(name: string, size: number, { result, carry }: Outcome): boolean {
  if (name === "sar") return false;
  if (name === "rol" || name === "rcl" || name === "shl") return bit(result, size - 1) !== carry;
  return bit(result, size - 1) !== bit(result, size - 2);
}

const modrm = (reg: number): string => (0xc0 | (reg << 3)).toString(16);

describe.each(STEPS)("$name", ({ name, reg, step, rotates }) => {
  const check = (size: model.Size, value: bigint, count: number, before: number, cpu: Cpu) => {
    const places = count & (size === 64 ? 63 : 31);
    let outcome: Outcome = { result: truncated(size, value), carry: (before & CF) !== 0 };
    for (let i = 0; i < places; i++) outcome = step(size, outcome.result, outcome.carry);
    expect(cpu.get("rax")).toBe(written(size, value, outcome.result));
    if (places === 0) {
      expect(cpu.flags).toBe(before);
      return;
    }
    const moved = flag(outcome.carry, CF) | flag(overflowOf(name, size, outcome), OF);
    const others = rotates ? before & ~(CF | OF) : model.resultFlags(size, outcome.result);
    expect(cpu.flags).toBe(moved | others);
  };

  test("by CL, for all widths and counts", () => {
    fc.assert(
      fc.property(model.sizes, model.word, fc.nat(255), model.statusFlags, (size, value, count, before) => {
        const cpu = new Cpu().set("rax", value).set("rcx", BigInt(count));
        cpu.flags = before;
        cpu.run(`${model.sizedOpcode(size, 0xd3)} ${modrm(reg)}`);
        check(size, value, count, before, cpu);
      }),
      { numRuns: 300 },
    );
  });

  test("by an immediate and by one", () => {
    fc.assert(
      fc.property(model.sizes, model.word, fc.nat(70), model.statusFlags, (size, value, count, before) => {
        const cpu = new Cpu().set("rax", value);
        cpu.flags = before;
        cpu.run(`${model.sizedOpcode(size, 0xc1)} ${modrm(reg)} ${count.toString(16)}`);
        check(size, value, count, before, cpu);
        const one = new Cpu().set("rax", value);
        one.flags = before;
        one.run(`${model.sizedOpcode(size, 0xd1)} ${modrm(reg)}`);
        check(size, value, 1, before, one);
      }),
    );
  });
});

describe.each([
  { name: "shld", opcode: 0xa5, left: true },
  { name: "shrd", opcode: 0xad, left: false },
])("$name", ({ opcode, left }) => {
  test("shifts bits of the source in", () => {
    const wide = fc.constantFrom(16, 32, 64) as fc.Arbitrary<model.Size>;
    fc.assert(
      fc.property(
        wide,
        model.word,
        model.word,
        fc.nat(255),
        model.statusFlags,
        (size, a, b, count, before) => {
          const places = count & (size === 64 ? 63 : 31);
          fc.pre(places <= size);
          const cpu = new Cpu().set("rax", a).set("rdx", b).set("rcx", BigInt(count));
          cpu.flags = before;
          cpu.run(`${model.sizedOpcode(size, opcode, "0f ")} d0`);
          const [value, source] = [truncated(size, a), truncated(size, b)];
          const joined = left ? (value << BigInt(size)) | source : (source << BigInt(size)) | value;
          const shifted = left ? (joined << BigInt(places)) >> BigInt(size) : joined >> BigInt(places);
          const result = truncated(size, shifted);
          expect(cpu.get("rax")).toBe(written(size, a, result));
          if (places === 0) {
            expect(cpu.flags).toBe(before);
            return;
          }
          const carry = bit(value, left ? size - places : places - 1);
          const overflow = left
            ? bit(result, size - 1) !== carry
            : bit(result, size - 1) !== bit(result, size - 2);
          expect(cpu.flags).toBe(model.resultFlags(size, result) | flag(carry, CF) | flag(overflow, OF));
        },
      ),
      { numRuns: 300 },
    );
  });
});
