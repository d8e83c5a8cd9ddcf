/**
 * What the six status flags are, as plain IR operations: the one place that knows how CF, PF, AF, ZF, SF and OF
 * follow from the operands of an operation (`flag-lowering.ts` is the way in).
 *
 * Idea: every kind gives a result word, a carry, a word whose top bit is OF, and a word whose bit 4 is AF;
 * conditions are built from those, with one comparison where the operands allow it (`sub`: b is a < b).
 */

import {
  AF,
  CF,
  CONDITION_AF,
  type FlagKind,
  type FlagWidth,
  OF,
  PF,
  SF,
  STATUS_FLAGS,
  ZF,
} from "./flags.ts";
import type { OpName } from "./ops.ts";

/** Takes operations one by one; `emit` gives the index of the new value. */
export interface CodeSink {
  emit(op: OpName, imm: readonly number[], args: readonly number[]): number;
}

/** Operands of a flags value as value indices; only those that its kind has are asked for. */
export interface FlagInputs {
  a(): number;
  b(): number;
  carry(): number;
  overflow(): number;
  auxiliary(): number;
}

const NO_NUMBERS: readonly number[] = [];
const OF_BIT = 11;
const SF_BIT = 7;
const ZF_BIT = 6;
/** Bit n is set when n (0..15) has an even number of ones. */
const EVEN_PARITY = 0x9669;

const WORD_OPS = {
  i32: {
    add: "add.i32",
    sub: "sub.i32",
    and: "and.i32",
    xor: "xor.i32",
    eq: "eq.i32",
    ne: "ne.i32",
    ult: "ult.i32",
    ule: "ule.i32",
    slt: "slt.i32",
    sle: "sle.i32",
  },
  i64: {
    add: "add.i64",
    sub: "sub.i64",
    and: "and.i64",
    xor: "xor.i64",
    eq: "eq.i64",
    ne: "ne.i64",
    ult: "ult.i64",
    ule: "ule.i64",
    slt: "slt.i64",
    sle: "sle.i64",
  },
} as const satisfies Record<string, Record<string, OpName>>;
type WordOps = (typeof WORD_OPS)["i32"] | (typeof WORD_OPS)["i64"];

/** Expands conditions and bits of one flags value into a sink. */
export class FlagExpansion {
  readonly #sink: CodeSink;
  readonly #kind: FlagKind;
  readonly #width: FlagWidth;
  readonly #in: FlagInputs;
  readonly #word: WordOps;
  #result = -1;

  constructor(sink: CodeSink, kind: FlagKind, width: FlagWidth, inputs: FlagInputs) {
    this.#sink = sink;
    this.#kind = kind;
    this.#width = kind === "bits" ? 32 : width;
    this.#in = inputs;
    this.#word = this.#width === 64 ? WORD_OPS.i64 : WORD_OPS.i32;
  }

  /** The value (i1) of condition number `condition`. */
  condition(condition: number): number {
    if (condition === CONDITION_AF) return this.#auxiliary();
    const negated = (condition & 1) === 1;
    if (this.#kind === "bits") return this.#conditionOfBits(condition >> 1, negated);
    switch (condition >> 1) {
      case 0:
        return this.#negate(this.#overflow(), negated);
      case 1:
        return this.#carry(negated);
      case 2:
        return this.#zero(negated);
      case 3:
        return this.#belowOrEqual(negated);
      case 4:
        return this.#topBit(this.#resultWord(), negated);
      case 5:
        return this.#nonZero(this.#parityBit(), negated);
      case 6:
        return this.#less(negated);
      default:
        return this.#lessOrEqual(negated);
    }
  }

  /** The six flags at their places (i32). */
  bits(): number {
    if (this.#kind === "bits") return this.#and32(this.#in.a(), STATUS_FLAGS);
    const r = this.#resultWord();
    let all = this.#op("or.i32", this.#topBitTo(r, SF_BIT), this.#boolTo(this.#zero(false), ZF_BIT));
    all = this.#op("or.i32", all, this.#op("shl.i32", this.#parityBit(), this.#const32(2)));
    if (this.#kind === "logic") return all;
    all = this.#op("or.i32", all, this.#op("bool.i32", this.#carry(false)));
    const adjust = this.#auxiliaryWord();
    all = this.#op("or.i32", all, adjust < 0 ? this.#boolTo(this.#auxiliary(), 4) : this.#and32(adjust, AF));
    const overflow = this.#overflowWord();
    const bit = overflow < 0 ? this.#boolTo(this.#overflow(), OF_BIT) : this.#topBitTo(overflow, OF_BIT);
    return this.#op("or.i32", all, bit);
  }

  #conditionOfBits(pair: number, negated: boolean): number {
    const a = this.#in.a();
    const masks = [OF, CF, ZF, CF | ZF, SF, PF];
    const mask = masks[pair];
    if (mask !== undefined) return this.#nonZero(this.#and32(a, mask), negated);
    const differs = this.#and32(this.#op("xor.i32", a, this.#op("shr.i32", a, this.#const32(4))), SF);
    if (pair === 6) return this.#nonZero(differs, negated);
    return this.#nonZero(this.#op("or.i32", differs, this.#and32(a, ZF)), negated);
  }

  /** The operation's result, with clear bits above the width. */
  #resultWord(): number {
    if (this.#result < 0) this.#result = this.#makeResult();
    return this.#result;
  }

  #makeResult(): number {
    const { add, sub } = this.#word;
    switch (this.#kind) {
      case "add":
        return this.#truncate(this.#op(add, this.#in.a(), this.#in.b()));
      case "adc":
        return this.#truncate(this.#op(add, this.#op(add, this.#in.a(), this.#in.b()), this.#carryWord()));
      case "sub":
        return this.#truncate(this.#op(sub, this.#in.a(), this.#in.b()));
      case "sbb":
        return this.#truncate(this.#op(sub, this.#op(sub, this.#in.a(), this.#in.b()), this.#carryWord()));
      case "bits":
      case "logic":
      case "inc":
      case "dec":
      case "result":
        return this.#in.a();
    }
  }

  #carry(negated: boolean): number {
    const { eq, ult, ule } = this.#word;
    switch (this.#kind) {
      case "add":
        return negated
          ? this.#op(ule, this.#in.a(), this.#resultWord())
          : this.#op(ult, this.#resultWord(), this.#in.a());
      case "adc": {
        const r = this.#resultWord();
        const same = this.#op("and.i1", this.#in.carry(), this.#op(eq, r, this.#in.a()));
        return this.#negate(this.#op("or.i1", this.#op(ult, r, this.#in.a()), same), negated);
      }
      case "sub":
        return negated
          ? this.#op(ule, this.#in.b(), this.#in.a())
          : this.#op(ult, this.#in.a(), this.#in.b());
      case "sbb": {
        const same = this.#op("and.i1", this.#in.carry(), this.#op(eq, this.#in.a(), this.#in.b()));
        return this.#negate(this.#op("or.i1", this.#op(ult, this.#in.a(), this.#in.b()), same), negated);
      }
      case "logic":
        return this.#const1(negated);
      case "bits":
        return this.#nonZero(this.#and32(this.#in.a(), CF), negated);
      case "inc":
      case "dec":
      case "result":
        return this.#negate(this.#in.carry(), negated);
    }
  }

  #zero(negated: boolean): number {
    const compare = negated ? this.#word.ne : this.#word.eq;
    if (this.#kind === "sub") return this.#op(compare, this.#in.a(), this.#in.b());
    return this.#op(compare, this.#resultWord(), this.#constant(0, 0));
  }

  #belowOrEqual(negated: boolean): number {
    const { ult, ule } = this.#word;
    if (this.#kind === "logic") return this.#zero(negated);
    if (this.#kind === "sub") {
      return negated ? this.#op(ult, this.#in.b(), this.#in.a()) : this.#op(ule, this.#in.a(), this.#in.b());
    }
    return this.#negate(this.#op("or.i1", this.#carry(false), this.#zero(false)), negated);
  }

  /** SF != OF: the exact result, without wrap-around, is negative. */
  #less(negated: boolean): number {
    const { slt, sle, eq } = this.#word;
    switch (this.#kind) {
      case "logic":
        return this.#topBit(this.#resultWord(), negated);
      case "sub": {
        const a = this.#signed(this.#in.a());
        const b = this.#signed(this.#in.b());
        return negated ? this.#op(sle, b, a) : this.#op(slt, a, b);
      }
      case "sbb": {
        const same = this.#op("and.i1", this.#in.carry(), this.#op(eq, this.#in.a(), this.#in.b()));
        const below = this.#op(slt, this.#signed(this.#in.a()), this.#signed(this.#in.b()));
        return this.#negate(this.#op("or.i1", below, same), negated);
      }
      case "bits":
      case "add":
      case "adc":
      case "inc":
      case "dec":
      case "result":
        return this.#negate(
          this.#op("xor.i1", this.#topBit(this.#resultWord(), false), this.#overflow()),
          negated,
        );
    }
  }

  #lessOrEqual(negated: boolean): number {
    const { slt, sle } = this.#word;
    if (this.#kind === "sub" || this.#kind === "logic") {
      const logic = this.#kind === "logic";
      const a = this.#signed(this.#in.a());
      const b = logic ? this.#constant(0, 0) : this.#signed(this.#in.b());
      return negated ? this.#op(slt, b, a) : this.#op(sle, a, b);
    }
    return this.#negate(this.#op("or.i1", this.#zero(false), this.#less(false)), negated);
  }

  #overflow(): number {
    const top = 1 << (this.#width === 64 ? 31 : this.#width - 1);
    const { eq } = this.#word;
    switch (this.#kind) {
      case "logic":
        return this.#const1(false);
      case "inc":
        return this.#op(
          eq,
          this.#in.a(),
          this.#width === 64 ? this.#constant(0, top) : this.#constant(top, 0),
        );
      case "dec": {
        const most =
          this.#width === 64 ? this.#constant(-1, (top - 1) | 0) : this.#constant((top - 1) | 0, 0);
        return this.#op(eq, this.#in.a(), most);
      }
      case "result":
        return this.#in.overflow();
      case "bits":
      case "add":
      case "adc":
      case "sub":
      case "sbb":
        return this.#topBit(this.#overflowWord(), false);
    }
  }

  /** A word whose top bit is OF, or -1 when the kind has OF as a truth value. */
  #overflowWord(): number {
    const { and, xor } = this.#word;
    const subtracts = this.#kind === "sub" || this.#kind === "sbb";
    if (!subtracts && this.#kind !== "add" && this.#kind !== "adc") return -1;
    const r = this.#resultWord();
    const a = this.#in.a();
    const b = this.#in.b();
    return this.#op(and, this.#op(xor, a, r), subtracts ? this.#op(xor, a, b) : this.#op(xor, b, r));
  }

  #auxiliary(): number {
    switch (this.#kind) {
      case "logic":
        return this.#const1(false);
      case "inc":
        return this.#nonZero(this.#and32(this.#low(this.#in.a()), 15), true);
      case "dec":
        return this.#op("eq.i32", this.#and32(this.#low(this.#in.a()), 15), this.#const32(15));
      case "result":
        return this.#in.auxiliary();
      case "bits":
        return this.#nonZero(this.#and32(this.#in.a(), AF), false);
      case "add":
      case "adc":
      case "sub":
      case "sbb":
        return this.#nonZero(this.#and32(this.#auxiliaryWord(), AF), false);
    }
  }

  /** An i32 whose bit 4 is AF, or -1 when the kind has AF as a truth value. */
  #auxiliaryWord(): number {
    const kind = this.#kind;
    if (kind !== "add" && kind !== "adc" && kind !== "sub" && kind !== "sbb") return -1;
    const sum = this.#op("xor.i32", this.#low(this.#in.a()), this.#low(this.#in.b()));
    return this.#op("xor.i32", sum, this.#low(this.#resultWord()));
  }

  /** 1 when the low byte of the result has an even number of ones, else 0. */
  #parityBit(): number {
    const low = this.#low(this.#resultWord());
    const folded = this.#op("xor.i32", low, this.#op("shr.i32", low, this.#const32(4)));
    return this.#and32(this.#op("shr.i32", this.#const32(EVEN_PARITY), this.#and32(folded, 15)), 1);
  }

  #carryWord(): number {
    const word = this.#op("bool.i32", this.#in.carry());
    return this.#width === 64 ? this.#op("zext.i64", word) : word;
  }

  #truncate(x: number): number {
    if (this.#width === 8) return this.#op("zext8.i32", x);
    return this.#width === 16 ? this.#op("zext16.i32", x) : x;
  }

  #signed(x: number): number {
    if (this.#width === 8) return this.#op("sext8.i32", x);
    return this.#width === 16 ? this.#op("sext16.i32", x) : x;
  }

  #low(x: number): number {
    return this.#width === 64 ? this.#op("low.i32", x) : x;
  }

  /** Whether the top bit of the width is set; bits above a narrow width do not matter. */
  #topBit(x: number, negated: boolean): number {
    if (this.#width < 32) return this.#nonZero(this.#and32(x, 1 << (this.#width - 1)), negated);
    const zero = this.#constant(0, 0);
    return negated ? this.#op(this.#word.sle, zero, x) : this.#op(this.#word.slt, x, zero);
  }

  /** The top bit of the width, moved to `position` of an i32; all other bits clear. */
  #topBitTo(x: number, position: number): number {
    const word = this.#width === 64 ? this.#op("high.i32", x) : x;
    const distance = (this.#width === 64 ? 31 : this.#width - 1) - position;
    if (distance === 0) return this.#and32(word, 1 << position);
    const moved = this.#op(distance > 0 ? "shr.i32" : "shl.i32", word, this.#const32(Math.abs(distance)));
    return this.#and32(moved, 1 << position);
  }

  #boolTo(x: number, position: number): number {
    return this.#op("shl.i32", this.#op("bool.i32", x), this.#const32(position));
  }

  #nonZero(x: number, negated: boolean): number {
    return this.#op(negated ? "eq.i32" : "ne.i32", x, this.#const32(0));
  }

  #negate(x: number, negated: boolean): number {
    return negated ? this.#op("not.i1", x) : x;
  }

  #and32(x: number, mask: number): number {
    return this.#op("and.i32", x, this.#const32(mask));
  }

  #constant(low: number, high: number): number {
    return this.#width === 64 ? this.#sink.emit("const.i64", [low, high], NO_NUMBERS) : this.#const32(low);
  }

  #const32(value: number): number {
    return this.#sink.emit("const.i32", [value], NO_NUMBERS);
  }

  #const1(value: boolean): number {
    return this.#sink.emit("const.i1", [value ? 1 : 0], NO_NUMBERS);
  }

  #op(op: OpName, ...args: number[]): number {
    return this.#sink.emit(op, NO_NUMBERS, args);
  }
}
