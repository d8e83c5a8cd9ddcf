import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { address } from "../../../src/mmu/address.ts";
import type { IrInstruction } from "../../../src/jit/ir/block.ts";
import { MEANINGS, evaluate } from "../../../src/jit/ir/evaluate.ts";
import { type FlagCode, flagBitsCode, flagReaderCode } from "../../../src/jit/ir/flag-lowering.ts";
import { CONDITIONS, EXTRA_SHIFT, FLAG_KINDS, type FlagKind, flagCode } from "../../../src/jit/ir/flags.ts";
import { type OpName, rowOf } from "../../../src/jit/ir/ops.ts";
import { FLAGS_A, FLAGS_B, FLAGS_CODE } from "../../../src/jit/ir/state.ts";
import { SimpleMachine } from "../../support/evaluator.ts";
import { type FlagOperands, modelCondition, modelFlags } from "../../support/flag-model.ts";

const bool = (value: boolean): number => (value ? 1 : 0);

/** Operations of the 8-bit readers over plain numbers, so that exhaustive runs are fast. */
const FAST: Partial<Record<OpName, (a: number, b: number) => number>> = {
  "add.i32": (a, b) => (a + b) | 0,
  "sub.i32": (a, b) => (a - b) | 0,
  "and.i32": (a, b) => a & b,
  "or.i32": (a, b) => a | b,
  "xor.i32": (a, b) => a ^ b,
  "shl.i32": (a, b) => a << b,
  "shr.i32": (a, b) => a >>> b,
  "eq.i32": (a, b) => bool(a === b),
  "ne.i32": (a, b) => bool(a !== b),
  "ult.i32": (a, b) => bool(a >>> 0 < b >>> 0),
  "ule.i32": (a, b) => bool(a >>> 0 <= b >>> 0),
  "slt.i32": (a, b) => bool(a < b),
  "sle.i32": (a, b) => bool(a <= b),
  "zext8.i32": (a) => a & 255,
  "sext8.i32": (a) => (a << 24) >> 24,
  "bool.i32": (a) => a,
  "and.i1": (a, b) => a & b,
  "or.i1": (a, b) => a | b,
  "xor.i1": (a, b) => a ^ b,
  "not.i1": (a) => a ^ 1,
};

type Step = (values: Int32Array, words: Int32Array) => number;

/** One closure per operation; `words` are FLAGS_CODE, FLAGS_A, FLAGS_B. */
function prepare({ code, result }: FlagCode): (words: Int32Array) => number {
  const values = new Int32Array(code.length);
  const steps = code.map((instruction): Step => stepOf(instruction));
  return (words) => {
    for (let i = 0; i < steps.length; i++) values[i] = steps[i]?.(values, words) ?? 0;
    return values[result] ?? -1;
  };
}

function stepOf({ op, imm, args }: IrInstruction): Step {
  const constant = imm[0] ?? 0;
  if (op === "const.i32" || op === "const.i1") return () => constant;
  if (op === "get.i32") {
    const word = [FLAGS_CODE, FLAGS_A, FLAGS_B].indexOf(constant);
    return (_, words) => words[word] ?? 0;
  }
  const apply = FAST[op];
  if (apply === undefined) throw new Error(`no fast ${op}`);
  const [x = 0, y = 0] = args;
  return (values) => apply(values[x] ?? 0, values[y] ?? 0);
}

const HAS_B: readonly FlagKind[] = ["add", "adc", "sub", "sbb"];
const EXTRA_COUNT: Partial<Record<FlagKind, number>> = { adc: 2, sbb: 2, inc: 2, dec: 2, result: 8 };

describe("width 8, every operand", () => {
  test.each(FLAG_KINDS)("%s: bits and conditions as the bit-by-bit model", (kind) => {
    const bits = prepare(flagBitsCode(kind, 8));
    const readers = CONDITIONS.map((condition) => prepare(flagReaderCode(kind, 8, condition)));
    const words = new Int32Array(3);
    const model = new Map<number, boolean[]>();
    let compared = 0;
    let wrong = 0;
    for (let extra = 0; extra < (EXTRA_COUNT[kind] ?? 1); extra++) {
      for (let a = 0; a < (kind === "bits" ? 4096 : 256); a++) {
        for (let b = 0; b < (HAS_B.includes(kind) ? 256 : 1); b++) {
          const flags = modelFlags({
            kind,
            width: 8,
            a: BigInt(a),
            b: BigInt(b),
            carry: (extra & 1) !== 0,
            overflow: (extra & 2) !== 0,
            adjust: (extra & 4) !== 0,
          });
          words.set([flagCode(kind, 8) | (extra << EXTRA_SHIFT), a, b]);
          if (bits(words) !== flags) wrong++;
          let expected = model.get(flags);
          if (expected === undefined) {
            expected = CONDITIONS.map((condition) => modelCondition(condition, flags));
            model.set(flags, expected);
          }
          for (let c = 0; c < readers.length; c++) {
            if ((readers[c]?.(words) === 1) !== expected[c]) wrong++;
            compared++;
          }
        }
      }
    }
    expect(wrong).toBe(0);
    expect(compared).toBeGreaterThanOrEqual(256 * CONDITIONS.length);
  });

  test("the fast operations of this test mean what the evaluator's do", () => {
    const operand = fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.nat(300));
    for (const [name, apply] of Object.entries(FAST)) {
      const op = name as OpName;
      const bits = rowOf(op).args[0] === "i1" ? 1 : 32;
      const meaning = MEANINGS[op] as unknown as (...operands: unknown[]) => bigint;
      fc.assert(
        fc.property(operand, operand, (x, y) => {
          const a = BigInt.asUintN(bits, BigInt(x));
          const b = BigInt.asUintN(bits, BigInt(op.startsWith("sh") ? y & 31 : y));
          const fast = apply(
            Number(BigInt.asIntN(bits === 1 ? 2 : 32, a)),
            Number(BigInt.asIntN(bits === 1 ? 2 : 32, b)),
          );
          expect(BigInt.asUintN(32, BigInt(fast))).toBe(meaning(a, b));
        }),
        { numRuns: 50 },
      );
    }
  });
});

/** Bit patterns with many edges. */
const pattern = (width: number): fc.Arbitrary<bigint> => {
  const top = 1n << BigInt(width - 1);
  const mask = (1n << BigInt(width)) - 1n;
  const edges = [0n, 1n, 15n, 16n, 127n, 128n, 255n, top - 1n, top, top + 1n, mask - 1n, mask];
  return fc.oneof(fc.constantFrom(...edges.map((x) => x & mask)), fc.bigInt({ min: 0n, max: mask }));
};

const operands: fc.Arbitrary<FlagOperands> = fc.constantFrom(8, 16, 32, 64).chain((width) =>
  fc.record({
    kind: fc.constantFrom(...FLAG_KINDS),
    width: fc.constant(width),
    a: pattern(width),
    b: pattern(width),
    carry: fc.boolean(),
    overflow: fc.boolean(),
    adjust: fc.boolean(),
  }),
);

/** The instruction that makes these flags, behind the constants it takes. */
function makerCode(x: FlagOperands): { code: IrInstruction[]; flags: number } {
  const code: IrInstruction[] = [];
  const add = (op: OpName, imm: number[], args: number[]): number => code.push({ op, imm, args }) - 1;
  const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
  const constant = (value: bigint): number =>
    x.width === 64 && x.kind !== "bits"
      ? add("const.i64", [low(value), low(value >> 32n)], [])
      : add("const.i32", [low(value)], []);
  const truth = (value: boolean): number => add("const.i1", [bool(value)], []);
  const args = [constant(x.a)];
  if (HAS_B.includes(x.kind)) args.push(constant(x.b));
  if (EXTRA_COUNT[x.kind] !== undefined) args.push(truth(x.carry));
  if (x.kind === "result") args.push(truth(x.overflow), truth(x.adjust));
  const wide = x.width === 64;
  const op = (x.kind === "bits" ? "flags.bits" : `flags.${x.kind}.${wide ? "i64" : "i32"}`) as OpName;
  return { code, flags: add(op, wide || x.kind === "bits" ? [] : [x.width], args) };
}

const SLOT = 1024;

/** Makes the flags, reads one thing of them, and gives it. */
function evaluated(x: FlagOperands, throughState: boolean, condition: number): number {
  const { code, flags } = makerCode(x);
  const add = (op: OpName, imm: number[], args: number[]): number => code.push({ op, imm, args }) - 1;
  const source = throughState ? (add("set.flags", [], [flags]), add("get.flags", [], [])) : flags;
  const value =
    condition < 0
      ? add("bits.flags", [], [source])
      : add("bool.i32", [], [add("cond", [condition], [source])]);
  add("set.i32", [SLOT], [value]);
  const machine = new SimpleMachine();
  const start = address(0x1000);
  const exit = { kind: "syscall", next: address(0x1001) } as const;
  evaluate({ address: start, instructions: [{ address: start, length: 1, start: 0 }], code, exit }, machine);
  return Number(machine.getState(SLOT, 4));
}

describe("every width, through the evaluator", () => {
  test.each([false, true])(
    "bits and conditions as the bit-by-bit model, through the state words: %s",
    (stored) => {
      fc.assert(
        fc.property(operands, (x) => {
          const flags = modelFlags(x);
          expect(evaluated(x, stored, -1)).toBe(flags);
          CONDITIONS.forEach((condition, number) => {
            expect([condition, evaluated(x, stored, number) === 1]).toEqual([
              condition,
              modelCondition(condition, flags),
            ]);
          });
        }),
        { numRuns: 400 },
      );
    },
  );
});

describe("the expansions take short forms", () => {
  const opsOf = (kind: FlagKind, width: 8 | 32 | 64, condition: (typeof CONDITIONS)[number]): string =>
    flagReaderCode(kind, width, condition)
      .code.map(({ op }) => op)
      .join(" ");

  test("a comparison of a subtraction is one operation", () => {
    expect(opsOf("sub", 64, "b")).toBe("get.i64 get.i64 ult.i64");
    expect(opsOf("sub", 64, "a")).toBe("get.i64 get.i64 ult.i64");
    expect(opsOf("sub", 32, "le")).toBe("get.i32 get.i32 sle.i32");
    expect(opsOf("sub", 8, "l")).toBe("get.i32 sext8.i32 get.i32 sext8.i32 slt.i32");
    expect(opsOf("sub", 8, "nz")).toBe("get.i32 get.i32 ne.i32");
  });

  test("logic knows its constant flags", () => {
    expect(opsOf("logic", 32, "b")).toBe("const.i1");
    expect(opsOf("logic", 32, "no")).toBe("const.i1 not.i1");
    expect(opsOf("logic", 64, "be")).toBe("get.i64 const.i64 eq.i64");
  });
});
