import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CF, OF } from "../../../src/jit/ir/flags.ts";
import { Cpu } from "../../support/asm.ts";
import * as model from "./model.ts";
import { mask, signed, truncated, written } from "./model.ts";

const asNumber = (isSigned: boolean, size: number, value: bigint): bigint =>
  isSigned ? signed(size, value) : truncated(size, value);
const fits = (isSigned: boolean, size: number, value: bigint): boolean =>
  asNumber(isSigned, size, value) === value;

/** rDX:rAX, or AX for bytes, after a write of both halves. */
function writtenPair(size: number, rax: bigint, rdx: bigint, low: bigint, high: bigint): [bigint, bigint] {
  if (size === 8) {
    return [written(16, rax, truncated(8, low) | (truncated(8, high) << 8n)), rdx];
  }
  return [written(size, rax, low), written(size, rdx, high)];
}

describe.each([
  { name: "mul", modrm: "e1", isSigned: false },
  { name: "imul", modrm: "e9", isSigned: true },
])("$name", ({ modrm, isSigned }) => {
  test("the full product, and CF and OF when the upper half counts", () => {
    fc.assert(
      fc.property(model.sizes, model.word, model.word, model.word, (size, rax, rcx, rdx) => {
        const cpu = new Cpu().set("rax", rax).set("rcx", rcx).set("rdx", rdx);
        cpu.run(`${model.sizedOpcode(size, 0xf7)} ${modrm}`);
        const product = asNumber(isSigned, size, rax) * asNumber(isSigned, size, rcx);
        const expected = writtenPair(size, rax, rdx, product, product >> BigInt(size));
        expect([cpu.get("rax"), cpu.get("rdx")]).toEqual(expected);
        const overflow = fits(isSigned, size, product) ? 0 : CF | OF;
        expect(cpu.flags & (CF | OF)).toBe(overflow);
      }),
      { numRuns: 300 },
    );
  });
});

test("imul with two and three operands", () => {
  const wide = fc.constantFrom(16, 32, 64) as fc.Arbitrary<model.Size>;
  fc.assert(
    fc.property(wide, model.word, model.word, (size, rax, rcx) => {
      const cpu = new Cpu().set("rax", rax).set("rcx", rcx);
      cpu.run(`${model.sizedOpcode(size, 0xaf, "0f ")} c1`);
      const product = signed(size, rax) * signed(size, rcx);
      expect(cpu.get("rax")).toBe(written(size, rax, product));
      expect(cpu.flags & (CF | OF)).toBe(fits(true, size, product) ? 0 : CF | OF);
      cpu.run(`${model.sizedOpcode(size, 0x6b)} c1 fb`);
      expect(cpu.get("rax")).toBe(written(size, written(size, rax, product), signed(size, rcx) * -5n));
    }),
  );
});

test("mulx writes both halves and no flags; equal destinations keep the high half", () => {
  const features = new Set(["bmi2"] as const);
  const cpu = new Cpu().set("rdx", mask(64)).set("rcx", mask(64));
  cpu.flags = CF;
  // mulx rax, rbx, rcx
  cpu.run("c4 e2 e3 f6 c1", { features });
  expect([cpu.get("rax"), cpu.get("rbx"), cpu.flags]).toEqual([mask(64) - 1n, 1n, CF]);
  cpu.run("c4 e2 fb f6 c1", { features });
  expect(cpu.get("rax")).toBe(mask(64) - 1n);
});

describe.each([
  { name: "div", modrm: "f1", isSigned: false },
  { name: "idiv", modrm: "f9", isSigned: true },
])("$name", ({ modrm, isSigned }) => {
  const check = (size: model.Size, rax: bigint, rdx: bigint, rcx: bigint) => {
    const cpu = new Cpu().set("rax", rax).set("rcx", rcx).set("rdx", rdx);
    cpu.flags = CF;
    const exit = cpu.run(`${model.sizedOpcode(size, 0xf7)} ${modrm}`);
    const joined =
      size === 8 ? truncated(16, rax) : (truncated(size, rdx) << BigInt(size)) | truncated(size, rax);
    const dividend = asNumber(isSigned, size * 2, joined);
    const divisor = asNumber(isSigned, size, rcx);
    if (divisor === 0n || !fits(isSigned, size, dividend / divisor)) {
      expect(exit).toMatchObject({
        kind: "fault",
        fault: { vector: 0, errorCode: 0 },
        instructionsCompleted: 0,
      });
      expect([cpu.get("rax"), cpu.get("rdx")]).toEqual([rax, rdx]);
      return "fault";
    }
    const expected = writtenPair(size, rax, rdx, dividend / divisor, dividend % divisor);
    expect([cpu.get("rax"), cpu.get("rdx")]).toEqual(expected);
    return "quotient";
  };

  test("quotient and remainder, or #DE with nothing changed", () => {
    const small = fc.constantFrom(0n, 1n, mask(64), 2n);
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        model.sizes,
        model.word,
        fc.oneof(model.word, small),
        fc.oneof(model.word, small),
        (...given) => {
          seen.add(check(...given));
        },
      ),
      { numRuns: 600 },
    );
    expect(seen.size).toBe(2);
  });

  test("the edges of what fits", () => {
    for (const size of model.SIZES) {
      const minimum = 1n << BigInt(size - 1);
      const extension = isSigned ? mask(64) : 0n;
      // The minimum by -1, by 1; one below and at the first quotient too large; by zero.
      const rax = size === 8 ? 0xff80n : minimum;
      for (const divisor of [mask(64), 1n, 2n, 0n]) check(size, rax, extension, divisor);
      for (const high of [6n, 7n, 8n, minimum, minimum - 1n]) {
        check(size, size === 8 ? (high << 8n) | 3n : 3n, high, 7n);
        check(size, size === 8 ? (high << 8n) | 3n : 3n, high, mask(64));
      }
      // The only dividend of twice the width whose quotient by -1 is beyond 64 bits.
      check(size, 0n, minimum, mask(64));
    }
  });
});
