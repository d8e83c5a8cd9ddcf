/**
 * What folding rules see: the new code being built, constants in it, and `emit`, which folds what it is given.
 * A rule looks at one operation whose arguments are folded already and gives the value that stands for it.
 */

import type { IrInstruction } from "../ir/block.ts";
import type { OpName } from "../ir/ops.ts";
import { Rewriter } from "./rewriter.ts";

/** A rule's answer when it has nothing to offer. */
export const NO_FOLD = -2;

export type Rule = (fold: Folder, args: readonly number[], imm: readonly number[]) => number;
export type Rules = { readonly [K in OpName]?: Rule };

const NO_NUMBERS: readonly number[] = [];

/** Significant bits of results that are small by nature. */
const BITS_OF_RESULT: ReadonlyMap<OpName, number> = new Map<OpName, number>([
  ["zext8.i32", 8],
  ["zext16.i32", 16],
  ["load8.i32", 8],
  ["load16.i32", 16],
  ["bool.i32", 1],
  ["popcnt.i32", 6],
  ["popcnt.i64", 7],
  ["clz.i32", 6],
  ["clz.i64", 7],
  ["ctz.i32", 6],
  ["ctz.i64", 7],
  ["movemask.v8", 16],
  ["movemask.v32", 4],
  ["movemask.v64", 2],
  ["extract.v16", 16],
  ["bits.flags", 12],
]);

export abstract class Folder extends Rewriter {
  /** Memo of `low.i32` and `high.i32` by argument: taking a half again and again stays linear. */
  readonly #lows: number[] = [];
  readonly #highs: number[] = [];

  /** Whether the value has at most one user, so that replacing its use may make it disappear. */
  abstract isSingleUse(value: number): boolean;

  /** The operation that makes a value. */
  at(value: number): IrInstruction {
    return this.code[value] as IrInstruction;
  }
  op(value: number): OpName {
    return this.at(value).op;
  }
  arg(value: number, position: number): number {
    return this.at(value).args[position] as number;
  }

  isConst(value: number): boolean {
    const { op } = this.at(value);
    return op === "const.i32" || op === "const.i64" || op === "const.i1";
  }
  /** Low half of a constant, or its truth value. */
  lo(value: number): number {
    return this.at(value).imm[0] as number;
  }
  /** High half of a 64-bit constant. */
  hi(value: number): number {
    return this.at(value).imm[1] as number;
  }
  /** Whether the value is this 32-bit constant. */
  is32(value: number, constant: number): boolean {
    const { op, imm } = this.at(value);
    return op === "const.i32" && imm[0] === constant;
  }
  /** Whether the value is this 64-bit constant. */
  is64(value: number, low: number, high: number): boolean {
    const { op, imm } = this.at(value);
    return op === "const.i64" && imm[0] === low && imm[1] === high;
  }

  const1(value: boolean): number {
    return this.emit("const.i1", [value ? 1 : 0], NO_NUMBERS);
  }
  const32(value: number): number {
    return this.emit("const.i32", [value | 0], NO_NUMBERS);
  }
  const64(low: number, high: number): number {
    return this.emit("const.i64", [low | 0, high | 0], NO_NUMBERS);
  }
  /** Emits an operation without immediates; it is folded like any other. */
  make(op: OpName, ...args: number[]): number {
    return this.emit(op, NO_NUMBERS, args);
  }

  low(value: number): number {
    const known = this.#lows[value];
    if (known !== undefined) return known;
    return (this.#lows[value] = this.make("low.i32", value));
  }
  high(value: number): number {
    const known = this.#highs[value];
    if (known !== undefined) return known;
    return (this.#highs[value] = this.make("high.i32", value));
  }

  /** Whether the high half of a 64-bit value is known to be zero. */
  isHighZero(value: number): boolean {
    const { op, imm } = this.at(value);
    return op === "zext.i64" || (op === "const.i64" && imm[1] === 0);
  }
  /** Whether a 64-bit value is known to be its low half sign-extended. */
  isSignExtended(value: number): boolean {
    const { op, imm } = this.at(value);
    return op === "sext.i64" || (op === "const.i64" && imm[1] === (imm[0] as number) >> 31);
  }

  /** Bits of a 32-bit value that may be set: all at and above this number are zero. */
  bits(value: number): number {
    const { op, args, imm } = this.at(value);
    if (op === "const.i32") return 32 - Math.clz32(imm[0] as number);
    if (op === "extract.i32") return imm[1] as number;
    if (op === "and.i32" && this.op(args[1] as number) === "const.i32") {
      return 32 - Math.clz32(this.lo(args[1] as number));
    }
    if (op === "shr.i32" && this.op(args[1] as number) === "const.i32") {
      return 32 - this.lo(args[1] as number);
    }
    return BITS_OF_RESULT.get(op) ?? 32;
  }

  /** The value without operations that change only bits at and above `width`. */
  lowBits(value: number, width: number): number {
    const { op, args } = this.at(value);
    const first = args[0] as number;
    switch (op) {
      case "zext8.i32":
      case "sext8.i32":
        return width <= 8 ? first : value;
      case "zext16.i32":
      case "sext16.i32":
        return width <= 16 ? first : value;
      case "and.i32": {
        const mask = width === 32 ? -1 : (1 << width) - 1;
        const second = args[1] as number;
        return this.op(second) === "const.i32" && (this.lo(second) & mask) === mask ? first : value;
      }
      default:
        return value;
    }
  }
}
