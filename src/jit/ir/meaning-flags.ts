/** Meaning of the operations on flags: making the words of flags.ts, choosing between them, reading them. */

import { CONDITIONS, EXTRA_SHIFT, type FlagKind, type FlagWidth, flagCode } from "./flags.ts";
import { type FlagsValue, type Meanings, unsigned } from "./meaning.ts";

const make = (kind: FlagKind, width: number, a: bigint, b = 0n, extra = 0n): FlagsValue => ({
  code: flagCode(kind, width as FlagWidth) | (Number(extra) << EXTRA_SHIFT),
  a: unsigned(width, a),
  b: unsigned(width, b),
});

/** CF, OF and AF as the extra bits of kind `result`. */
const carryOverflowAdjust = (c: bigint, o: bigint, a: bigint): bigint => c | (o << 1n) | (a << 2n);

export const FLAGS_MEANINGS = {
  "flags.add.i32": (width, a, b) => make("add", width, a, b),
  "flags.add.i64": (a, b) => make("add", 64, a, b),
  "flags.adc.i32": (width, a, b, carry) => make("adc", width, a, b, carry),
  "flags.adc.i64": (a, b, carry) => make("adc", 64, a, b, carry),
  "flags.sub.i32": (width, a, b) => make("sub", width, a, b),
  "flags.sub.i64": (a, b) => make("sub", 64, a, b),
  "flags.sbb.i32": (width, a, b, carry) => make("sbb", width, a, b, carry),
  "flags.sbb.i64": (a, b, carry) => make("sbb", 64, a, b, carry),
  "flags.logic.i32": (width, result) => make("logic", width, result),
  "flags.logic.i64": (result) => make("logic", 64, result),
  "flags.inc.i32": (width, result, carry) => make("inc", width, result, 0n, carry),
  "flags.inc.i64": (result, carry) => make("inc", 64, result, 0n, carry),
  "flags.dec.i32": (width, result, carry) => make("dec", width, result, 0n, carry),
  "flags.dec.i64": (result, carry) => make("dec", 64, result, 0n, carry),
  "flags.result.i32": (width, result, c, o, a) =>
    make("result", width, result, 0n, carryOverflowAdjust(c, o, a)),
  "flags.result.i64": (result, c, o, a) => make("result", 64, result, 0n, carryOverflowAdjust(c, o, a)),
  // The width does not matter; 8 makes the code word zero, which is what a cleared state block holds.
  "flags.bits": (bits) => ({ code: flagCode("bits", 8), a: bits, b: 0n }),
  "select.flags": (c, a, b) => (c === 1n ? a : b),
  cond: (condition, flags, run) => run.condition(flags, CONDITIONS[condition] ?? "o"),
  "bits.flags": (flags, run) => run.flagBits(flags),
} satisfies Partial<Meanings>;
