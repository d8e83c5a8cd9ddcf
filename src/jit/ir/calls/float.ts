/**
 * Call operations of SSE floating point: rows of the operation table. Numbers are bit patterns: f32 in an i32, f64
 * in an i64; v32 and v64 are all lanes of a register. Exceptions go to MXCSR; an unmasked one raises #XM.
 */

import { type Call, pureCall, stateCall, stateCallImm } from "./call.ts";
import { CONVERT_CALLS } from "./float-convert.ts";
import { PACKED_CALLS } from "./float-packed.ts";
import { SCALAR_CALLS } from "./float-scalar.ts";

const BINARY_64 = stateCall(["i64", "i64"], "i64");
const BINARY_32 = stateCall(["i32", "i32"], "i32");
const BINARY_V = stateCall(["v128", "v128"], "v128");
const BINARY_V_IMM = stateCallImm(["lane"], ["v128", "v128"], "v128");

const SCALAR_OPS = {
  "fadd.f64": BINARY_64,
  "fsub.f64": BINARY_64,
  "fmul.f64": BINARY_64,
  "fdiv.f64": BINARY_64,
  /** MINSD, MAXSD: the second argument when either is a NaN or both are zeros. */
  "fmin.f64": BINARY_64,
  "fmax.f64": BINARY_64,
  "fsqrt.f64": stateCall(["i64"], "i64"),
  /** All ones when predicate 0..7 (EQ LT LE UNORD NEQ NLT NLE ORD) holds, else zero. */
  "fcmp.f64": stateCallImm(["lane"], ["i64", "i64"], "i64"),
  /** ZF, PF and CF at their places in RFLAGS; immediate 1: quiet NaNs are invalid (COMISD). */
  "fcompare.f64": stateCallImm(["lane"], ["i64", "i64"], "i32"),
  /** ROUNDSD; the immediate is the instruction's. */
  "fround.f64": stateCallImm(["lane"], ["i64"], "i64"),
  "fadd.f32": BINARY_32,
  "fsub.f32": BINARY_32,
  "fmul.f32": BINARY_32,
  "fdiv.f32": BINARY_32,
  "fmin.f32": BINARY_32,
  "fmax.f32": BINARY_32,
  "fsqrt.f32": stateCall(["i32"], "i32"),
  "fcmp.f32": stateCallImm(["lane"], ["i32", "i32"], "i32"),
  "fcompare.f32": stateCallImm(["lane"], ["i32", "i32"], "i32"),
  "fround.f32": stateCallImm(["lane"], ["i32"], "i32"),
} as const;

const PACKED_OPS = {
  "fadd.v64": BINARY_V,
  "fsub.v64": BINARY_V,
  "fmul.v64": BINARY_V,
  "fdiv.v64": BINARY_V,
  "fmin.v64": BINARY_V,
  "fmax.v64": BINARY_V,
  "fsqrt.v64": stateCall(["v128"], "v128"),
  "fcmp.v64": BINARY_V_IMM,
  "fround.v64": stateCallImm(["lane"], ["v128"], "v128"),
  /** Sums and differences of neighbours: the first argument's in the low half. */
  "fhadd.v64": BINARY_V,
  "fhsub.v64": BINARY_V,
  /** Differences in even lanes, sums in odd ones. */
  "faddsub.v64": BINARY_V,
  /** DPPD; the immediate is the instruction's. */
  "fdot.v64": BINARY_V_IMM,
  "fadd.v32": BINARY_V,
  "fsub.v32": BINARY_V,
  "fmul.v32": BINARY_V,
  "fdiv.v32": BINARY_V,
  "fmin.v32": BINARY_V,
  "fmax.v32": BINARY_V,
  "fsqrt.v32": stateCall(["v128"], "v128"),
  "fcmp.v32": BINARY_V_IMM,
  "fround.v32": stateCallImm(["lane"], ["v128"], "v128"),
  "fhadd.v32": BINARY_V,
  "fhsub.v32": BINARY_V,
  "faddsub.v32": BINARY_V,
  "fdot.v32": BINARY_V_IMM,
  /** RCPPS, RSQRTPS: approximations, no exceptions. */
  "frecip.v32": pureCall(["v128"], "v128"),
  "frecip.f32": pureCall(["i32"], "i32"),
  "frecipsqrt.v32": pureCall(["v128"], "v128"),
  "frecipsqrt.f32": pureCall(["i32"], "i32"),
} as const;

/** convert.<from>.<to>: s signed integer, f floating point; an immediate of 1 truncates. */
const CONVERT_OPS = {
  "convert.s32.f64": pureCall(["i32"], "i64"),
  "convert.s64.f64": stateCall(["i64"], "i64"),
  "convert.s32.f32": stateCall(["i32"], "i32"),
  "convert.s64.f32": stateCall(["i64"], "i32"),
  "convert.f64.s32": stateCallImm(["lane"], ["i64"], "i32"),
  "convert.f64.s64": stateCallImm(["lane"], ["i64"], "i64"),
  "convert.f32.s32": stateCallImm(["lane"], ["i32"], "i32"),
  "convert.f32.s64": stateCallImm(["lane"], ["i32"], "i64"),
  "convert.f64.f32": stateCall(["i64"], "i32"),
  "convert.f32.f64": stateCall(["i32"], "i64"),
  "convert.s32x2.f64x2": pureCall(["i64"], "v128"),
  "convert.s32x4.f32x4": stateCall(["v128"], "v128"),
  "convert.s32x2.f32x2": stateCall(["i64"], "i64"),
  "convert.f32x4.s32x4": stateCallImm(["lane"], ["v128"], "v128"),
  "convert.f32x2.s32x2": stateCallImm(["lane"], ["i64"], "i64"),
  "convert.f64x2.s32x2": stateCallImm(["lane"], ["v128"], "i64"),
  "convert.f64x2.f32x2": stateCall(["v128"], "i64"),
  "convert.f32x2.f64x2": stateCall(["i64"], "v128"),
} as const;

export const FLOAT_OPS = { ...SCALAR_OPS, ...PACKED_OPS, ...CONVERT_OPS } as const;

export const FLOAT_CALLS: { readonly [K in keyof typeof FLOAT_OPS]: Call } = {
  ...SCALAR_CALLS,
  ...PACKED_CALLS,
  ...CONVERT_CALLS,
};
