/**
 * The software arithmetic, and the call operations with their fast paths, against the host's processor: result and
 * exception flags of every scalar operation, all classes of operands, all rounding modes, DAZ and FTZ.
 */

import { expect, test } from "vitest";
import { add, divide, multiply, squareRoot, subtract } from "../../../src/jit/float/arithmetic.ts";
import { choose, GREATER, LESS, predicate } from "../../../src/jit/float/compare.ts";
import { convert, fromInteger, toInteger, toIntegral } from "../../../src/jit/float/convert.ts";
import { Environment, INEXACT, TRUNCATE } from "../../../src/jit/float/environment.ts";
import type { CallMachine } from "../../../src/jit/ir/calls/call.ts";
import { CALLS } from "../../../src/jit/ir/calls/index.ts";
import { type CallOpName, rowOf } from "../../../src/jit/ir/ops.ts";
import { MXCSR, PINNED_END } from "../../../src/jit/ir/state.ts";
import { DOUBLE, type Format, SINGLE } from "../../../src/jit/float/format.ts";
import * as at from "../../support/native-float.ts";
import { FloatRandom } from "./operands.ts";

/** Cases of each operation: CAPJIT_FLOAT_CASES, by default few enough for every test run. */
const CASES = Number(process.env["CAPJIT_FLOAT_CASES"] ?? 2000);
const SEED = Number(process.env["CAPJIT_FUZZ_SEED"] ?? 1);

interface Inputs {
  readonly a: bigint;
  readonly b: bigint;
  readonly integer: bigint;
}

interface Operation {
  readonly name: string;
  readonly code: readonly number[];
  readonly from: Format;
  /** Where the processor leaves the result, and its width. */
  readonly result: "xmm" | "rax";
  readonly bits: number;
  readonly apply: (env: Environment, inputs: Inputs) => bigint;
  /** The call operation that does the same, with its immediates. */
  readonly call: CallOpName;
  readonly imm: readonly number[];
  readonly takes: readonly (keyof Inputs)[];
}

const SIZES: readonly (readonly [Format, number, string, number])[] = [
  [SINGLE, 0xf3, "ss", 32],
  [DOUBLE, 0xf2, "sd", 64],
];
const XMM0_XMM1 = 0xc1;

/** With rounding of its own, as an immediate of ROUNDSS gives it. */
function rounded(env: Environment, f: Format, a: bigint, control: number): bigint {
  const { rounding, flags } = env;
  if ((control & 4) === 0) env.rounding = control & 3;
  const result = toIntegral(env, f, a);
  env.rounding = rounding;
  if ((control & 8) !== 0) env.flags = (env.flags & ~INEXACT) | flags;
  return result;
}

function truncated(env: Environment, f: Format, a: bigint, bits: number): bigint {
  const { rounding } = env;
  env.rounding = TRUNCATE;
  const result = toInteger(env, f, a, bits);
  env.rounding = rounding;
  return result;
}

function operationsOf([f, prefix, suffix, bits]: (typeof SIZES)[number]): Operation[] {
  const list: Operation[] = [];
  const other = f === SINGLE ? DOUBLE : SINGLE;
  const op = (
    name: string,
    code: readonly number[],
    result: "xmm" | "rax",
    width: number,
    apply: Operation["apply"],
    how: Pick<Operation, "call" | "imm" | "takes">,
  ): void => void list.push({ name: `${name}${suffix}`, code, from: f, result, bits: width, apply, ...how });
  const type = f === SINGLE ? "f32" : "f64";
  const otherType = f === SINGLE ? "f64" : "f32";
  const simple = (
    name: "add" | "sub" | "mul" | "div" | "sqrt" | "min" | "max",
    opcode: number,
    apply: Operation["apply"],
  ): void =>
    op(name, [prefix, 0x0f, opcode, XMM0_XMM1], "xmm", bits, apply, {
      call: `f${name}.${type}`,
      imm: [],
      takes: name === "sqrt" ? ["b"] : ["a", "b"],
    });
  simple("add", 0x58, (env, { a, b }) => add(env, f, a, b));
  simple("sub", 0x5c, (env, { a, b }) => subtract(env, f, a, b));
  simple("mul", 0x59, (env, { a, b }) => multiply(env, f, a, b));
  simple("div", 0x5e, (env, { a, b }) => divide(env, f, a, b));
  simple("sqrt", 0x51, (env, { b }) => squareRoot(env, f, b));
  simple("min", 0x5d, (env, { a, b }) => choose(env, f, a, b, LESS));
  simple("max", 0x5f, (env, { a, b }) => choose(env, f, a, b, GREATER));
  for (let k = 0; k < 8; k++) {
    op(
      `cmp${k}`,
      [prefix, 0x0f, 0xc2, XMM0_XMM1, k],
      "xmm",
      bits,
      (env, { a, b }) => (predicate(env, f, a, b, k) ? (1n << BigInt(bits)) - 1n : 0n),
      { call: `fcmp.${type}`, imm: [k], takes: ["a", "b"] },
    );
  }
  op(
    "cvt to other",
    [prefix, 0x0f, 0x5a, XMM0_XMM1],
    "xmm",
    96 - bits,
    (env, { b }) => convert(env, f, other, b),
    { call: `convert.${type}.${otherType}` as CallOpName, imm: [], takes: ["b"] },
  );
  for (const width of [32, 64]) {
    const rex = width === 64 ? [0x48] : [];
    op(
      `cvtsi2 ${width}`,
      [prefix, ...rex, 0x0f, 0x2a, 0xc0],
      "xmm",
      bits,
      (env, { integer }) => fromInteger(env, f, BigInt.asIntN(width, integer)),
      { call: `convert.s${width}.${type}` as CallOpName, imm: [], takes: ["integer"] },
    );
    op(
      `cvt2si ${width}`,
      [prefix, ...rex, 0x0f, 0x2d, XMM0_XMM1],
      "rax",
      width,
      (env, { b }) => toInteger(env, f, b, width),
      { call: `convert.${type}.s${width}` as CallOpName, imm: [0], takes: ["b"] },
    );
    op(
      `cvtt2si ${width}`,
      [prefix, ...rex, 0x0f, 0x2c, XMM0_XMM1],
      "rax",
      width,
      (env, { b }) => truncated(env, f, b, width),
      { call: `convert.${type}.s${width}` as CallOpName, imm: [1], takes: ["b"] },
    );
  }
  for (let k = 0; k < 16; k++) {
    op(
      `round${k}`,
      [0x66, 0x0f, 0x3a, f === SINGLE ? 0x0a : 0x0b, XMM0_XMM1, k],
      "xmm",
      bits,
      (env, { b }) => rounded(env, f, b, k),
      { call: `fround.${type}`, imm: [k], takes: ["b"] },
    );
  }
  return list;
}

const MACHINE: CallMachine = {
  results: new Int32Array(4),
  state: new DataView(new ArrayBuffer(PINNED_END)),
  raise: (vector) => {
    throw new Error(`raised ${vector} with everything masked`);
  },
};

const int32 = (value: bigint): number => Number(BigInt.asIntN(32, value));

/** The call operation on these operands: result and the flags in MXCSR afterwards. */
function called({ call, imm, takes }: Operation, inputs: Inputs, mxcsr: number): [bigint, number] {
  MACHINE.state.setInt32(MXCSR, mxcsr, true);
  const { args, result } = rowOf(call);
  const words = [...imm];
  takes.forEach((name, i) => {
    words.push(int32(inputs[name]));
    if (args[i] === "i64") words.push(int32(inputs[name] >> 32n));
  });
  const low = BigInt.asUintN(32, BigInt(CALLS[call](MACHINE, ...words)));
  const high = result === "i64" ? BigInt.asUintN(32, BigInt(MACHINE.results[1] ?? 0)) << 32n : 0n;
  return [high | low, MACHINE.state.getInt32(MXCSR, true) & 63];
}

const native = at.nativeFloat();
if (typeof native === "string") console.log(`native float tests left out: ${native}`);

function randomInputs(random: FloatRandom, f: Format): Inputs {
  const a = random.float(f);
  const shift = BigInt(f.precision);
  // Near neighbours cancel, and make exact ties.
  const b =
    random.below(6) === 0
      ? a ^ BigInt(random.below(8)) ^ (BigInt(random.below(2)) << shift)
      : random.float(f);
  return { a, b, integer: random.integer(64) };
}

test.runIf(typeof native !== "string").each(SIZES.flatMap(operationsOf))("$name", (operation) => {
  if (typeof native === "string") return;
  const random = new FloatRandom(
    SEED * 7919 + operation.code.reduce((sum, byte) => sum * 31 + byte, operation.bits),
  );
  const mask = (1n << BigInt(operation.bits)) - 1n;
  for (let done = 0; done < CASES; done += 50_000) {
    const count = Math.min(50_000, CASES - done);
    const records = Buffer.alloc(count * at.RECORD_BYTES);
    const inputs: Inputs[] = [];
    for (let i = 0; i < count; i++) {
      const values = randomInputs(random, operation.from);
      inputs.push(values);
      const record = records.subarray(i * at.RECORD_BYTES, (i + 1) * at.RECORD_BYTES);
      record.fill(0x90, 0, 8);
      record.set(operation.code);
      record.writeUInt32LE(random.mxcsr(), at.MXCSR);
      record.writeUInt16LE(0x37f, at.FCW);
      record.writeBigUInt64LE(values.integer, at.RAX);
      record.writeBigUInt64LE(values.a, at.XMM0);
      record.writeBigUInt64LE(values.b, at.XMM1);
    }
    const results = native.run(records);
    const wrong: string[] = [];
    const env = new Environment();
    for (const [i, values] of inputs.entries()) {
      const from = i * at.RECORD_BYTES;
      const mxcsr = records.readUInt32LE(from + at.MXCSR);
      const got = operation.apply(env.load(mxcsr), values) & mask;
      const want = results.readBigUInt64LE(from + (operation.result === "xmm" ? at.XMM0 : at.RAX)) & mask;
      const wantFlags = results.readUInt32LE(from + at.MXCSR) & 63;
      // Sticky flags may keep the call operation from looking: then they are the same before and after.
      const [fast, fastFlags] = called(operation, values, mxcsr);
      const [sticky, stickyFlags] = called(operation, values, mxcsr | 63);
      const same = [fast, sticky].every((value) => (value & mask) === want) && stickyFlags === 63;
      if (got === want && env.flags === wantFlags && same && fastFlags === wantFlags) continue;
      wrong.push(
        `${values.a.toString(16)} ${values.b.toString(16)} rax ${values.integer.toString(16)} mxcsr ${mxcsr.toString(16)}: ` +
          `expected ${want.toString(16)} flags ${wantFlags}, got ${got.toString(16)} flags ${env.flags}, call ${fast.toString(16)} flags ${fastFlags}`,
      );
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  }
});
