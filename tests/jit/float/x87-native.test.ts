/**
 * x87 transcendental instructions against the host's processor. Finite results may differ by the two units in the
 * last place that two results within one unit of the exact value can; everything else is equal, but C1.
 */

import { expect, test } from "vitest";
import { EXTENDED, pack } from "../../../src/jit/float/format.ts";
import type { CallMachine } from "../../../src/jit/ir/calls/call.ts";
import { CALLS } from "../../../src/jit/ir/calls/index.ts";
import { SPECIAL_NAMES } from "../../../src/jit/ir/calls/x87.ts";
import { PINNED_END, X87_CONTROL, X87_REGISTERS, X87_STATUS, X87_TAG } from "../../../src/jit/ir/state.ts";
import * as at from "../../support/native-float.ts";
import { FloatRandom } from "./operands.ts";

const CASES = Number(process.env["CAPJIT_FLOAT_CASES"] ?? 1000);
const SEED = Number(process.env["CAPJIT_FUZZ_SEED"] ?? 1);
const C1 = 0x200;
const TOP = 6;

/**
 * Exponent of the largest finite operand; undefined: anything. Angles stay where processors need not reduce them:
 * their pi has 66 bits, and ours is exact. F2XM1 and FYL2XP1 stay in their domains.
 */
const INSTRUCTIONS = [
  { name: "f2xm1", code: 0xf0, limit: -1 },
  { name: "fyl2x", code: 0xf1, limit: undefined },
  { name: "fptan", code: 0xf2, limit: -2 },
  { name: "fpatan", code: 0xf3, limit: undefined },
  { name: "fyl2xp1", code: 0xf9, limit: -3 },
  { name: "fsincos", code: 0xfb, limit: -2 },
  { name: "fsin", code: 0xfe, limit: -2 },
  { name: "fcos", code: 0xff, limit: -2 },
] as const;

const state = new DataView(new ArrayBuffer(PINNED_END));
const MACHINE: CallMachine = {
  results: new Int32Array(4),
  state,
  raise: (vector) => {
    throw new Error(`raised ${vector} with everything masked`);
  },
};

interface Outcome {
  readonly status: number;
  readonly tags: number;
  /** ST(0) and ST(1). */
  readonly stack: readonly [bigint, bigint];
}

/** Two values on a stack of two, and the instruction on them. */
function called(name: (typeof SPECIAL_NAMES)[number], control: number, values: readonly bigint[]): Outcome {
  state.setInt32(X87_CONTROL, control, true);
  state.setInt32(X87_STATUS, TOP << 11, true);
  state.setInt32(X87_TAG, 0xc0, true);
  values.forEach((value, i) => {
    state.setBigUint64(X87_REGISTERS + 16 * (TOP + i), BigInt.asUintN(64, value), true);
    state.setInt32(X87_REGISTERS + 16 * (TOP + i) + 8, Number(value >> 64n), true);
  });
  CALLS["x87.special"](MACHINE, SPECIAL_NAMES.indexOf(name));
  const status = state.getInt32(X87_STATUS, true);
  const register = (i: number): bigint => {
    const place = X87_REGISTERS + 16 * (((status >> 11) + i) & 7);
    return (BigInt(state.getUint16(place + 8, true)) << 64n) | state.getBigUint64(place, true);
  };
  return { status, tags: state.getInt32(X87_TAG, true), stack: [register(0), register(1)] };
}

const native = at.nativeFloat();
if (typeof native === "string") console.log(`native x87 tests left out: ${native}`);

/** Numbers as they come, or below the limit. */
function operand(random: FloatRandom, limit: number | undefined): bigint {
  const value = random.float(EXTENDED);
  const stored = Number((value >> 64n) & 0x7fffn);
  const finite = stored > 0 && stored < 0x7fff && stored > EXTENDED.bias + (limit ?? EXTENDED.bias);
  if (limit === undefined || (random.below(8) === 0 && !finite)) return value;
  const exponent = EXTENDED.bias + limit - random.below(72);
  return pack(EXTENDED, random.below(2), exponent, (1n << 63n) | random.bits(63));
}

const close = (a: bigint, b: bigint): boolean => (a > b ? a - b : b - a) <= 2n;
const isFinite80 = (value: bigint): boolean => ((value >> 64n) & 0x7fffn) !== 0x7fffn;

test.runIf(typeof native !== "string").each(INSTRUCTIONS)("$name", ({ name, code, limit }) => {
  if (typeof native === "string") return;
  const random = new FloatRandom(SEED * 7919 + code);
  const records = Buffer.alloc(CASES * at.RECORD_BYTES);
  const inputs: { readonly control: number; readonly values: readonly bigint[] }[] = [];
  for (let i = 0; i < CASES; i++) {
    const control = 0x37f | (random.below(3) === 0 ? random.below(4) << 10 : 0);
    const values = [operand(random, limit), random.float(EXTENDED)];
    inputs.push({ control, values });
    const record = records.subarray(i * at.RECORD_BYTES, (i + 1) * at.RECORD_BYTES);
    record.fill(0x90, 0, 8);
    record.set([0xd9, code]);
    record.writeUInt32LE(0x1f80, at.MXCSR);
    record.writeUInt16LE(control, at.FCW);
    record.writeUInt16LE(TOP << 11, at.FSW);
    record.writeUInt32LE(0xc0, at.FTW);
    values.forEach((value, k) => {
      record.writeBigUInt64LE(BigInt.asUintN(64, value), at.STACK + 16 * k);
      record.writeUInt16LE(Number(value >> 64n), at.STACK + 16 * k + 8);
    });
  }
  const results = native.run(records);
  const wrong: string[] = [];
  for (const [i, { control, values }] of inputs.entries()) {
    const record = results.subarray(i * at.RECORD_BYTES, (i + 1) * at.RECORD_BYTES);
    const got = called(name, control, values);
    const status = record.readUInt16LE(at.FSW);
    const stack = [0, 1].map(
      (k) =>
        record.readBigUInt64LE(at.STACK + 16 * k) |
        (BigInt(record.readUInt16LE(at.STACK + 16 * k + 8)) << 64n),
    );
    const same = got.stack.every((value, k) => {
      const want = stack[k] ?? 0n;
      return value === want || (isFinite80(value) && isFinite80(want) && close(value, want));
    });
    if (same && (status | C1) === (got.status | C1) && record.readUInt32LE(at.FTW) === got.tags) continue;
    wrong.push(
      `${values.map((value) => value.toString(16)).join(" ")} control ${control.toString(16)}: expected ` +
        `${stack.map((v) => v.toString(16)).join(" ")} status ${status.toString(16)}, got ` +
        `${got.stack.map((v) => v.toString(16)).join(" ")} status ${got.status.toString(16)}`,
    );
  }
  expect(wrong.slice(0, 6), `${wrong.length} of ${CASES}`).toEqual([]);
});
