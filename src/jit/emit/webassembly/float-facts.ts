/**
 * What is known of the numbers of a block: which values are usable, that is neither denormal nor NaN, so that the
 * next operation on them need not look. Operands that an operation has looked at are noted; results that the host's
 * instruction gave are usable. Both only hold while the fast mode lasts: see `float-mode.ts`.
 */

import type { IrInstruction } from "../../ir/block.ts";
import { type OpName, rowOf } from "../../ir/ops.ts";
import { type Format, resultFormat } from "./float-ops.ts";

/** Values are looked through so many operations. */
const MAX_DEPTH = 8;

/** Bits of the lanes of a vector that is all of one format. */
const ALL: { readonly [F in Format]: number } = { double: 3, single: 15 };

const isUsableDouble = (lo: number, hi: number): boolean => {
  const size = (hi & 0x7fff_ffff) >>> 0;
  return size >= 0x10_0000 ? size < 0x7ff0_0000 : (size | lo) === 0;
};
const isUsableSingle = (word: number): boolean => {
  const size = (word & 0x7fff_ffff) >>> 0;
  return size >= 0x80_0000 ? size < 0x7f80_0000 : size === 0;
};

/** Lanes of a constant that are usable. */
function constantLanes(words: readonly number[], format: Format): number {
  let lanes = 0;
  if (format === "single") {
    for (const [k, word] of words.entries()) if (isUsableSingle(word)) lanes |= 1 << k;
    return lanes;
  }
  for (let k = 0; 2 * k < words.length; k++) {
    if (isUsableDouble(words[2 * k] ?? 0, words[2 * k + 1] ?? 0)) lanes |= 1 << k;
  }
  return lanes;
}

/** Lanes of the result of an operation that was done inline. */
function resultLanes(op: OpName, format: Format): number {
  if (resultFormat(op) !== format) return 0;
  return rowOf(op).result === "v128" ? ALL[format] : 1;
}

/** Where each single lane of the result comes from: 0 to 3 in the first operand, 4 to 7 in the second. */
function sourcesOf(op: OpName, control: number): readonly number[] | undefined {
  const two = (k: number): number => (control >> (2 * k)) & 3;
  switch (op) {
    case "shuffle.v32":
      return [two(0), two(1), two(2), two(3)];
    case "shuffle2.v32":
      return [two(0), two(1), two(2) + 4, two(3) + 4];
    case "shuffle2.v64": {
      const low = 2 * (control & 1);
      const high = 4 + (control & 2);
      return [low, low + 1, high, high + 1];
    }
    case "unpacklow.v32":
      return [0, 4, 1, 5];
    case "unpackhigh.v32":
      return [2, 6, 3, 7];
    case "unpacklow.v64":
      return [0, 1, 4, 5];
    case "unpackhigh.v64":
      return [2, 3, 6, 7];
    default:
      return undefined;
  }
}

/** Lanes of a shuffle's result by those of its operands, second above first. */
function shuffled(sources: readonly number[], from: number, format: Format): number {
  let lanes = 0;
  for (let k = 0; k < 4; k++) {
    const source = sources[k] as number;
    if (format === "single") lanes |= ((from >> source) & 1) << k;
    else if ((k & 1) === 0 && (source & 1) === 0 && sources[k + 1] === source + 1) {
      lanes |= ((from >> (source >> 1)) & 1) << (k >> 1);
    }
  }
  return lanes;
}

export class FloatFacts {
  #code: readonly IrInstruction[] = [];
  readonly #noted: { readonly [F in Format]: Map<number, number> } = { double: new Map(), single: new Map() };

  /** Begins a block, of which nothing is known. */
  begin(code: readonly IrInstruction[]): void {
    this.#code = code;
    this.#noted.double.clear();
    this.#noted.single.clear();
  }

  /** Whether all lanes of the value are usable. */
  isUsable(value: number, format: Format): boolean {
    const { op } = this.#code[value] as IrInstruction;
    const all = rowOf(op).result === "v128" ? ALL[format] : 1;
    return (this.#lanes(value, format, MAX_DEPTH) & all) === all;
  }

  /** All lanes of the value are usable from here on. */
  note(value: number, format: Format): void {
    this.#note(value, format, ALL[format]);
  }

  #note(value: number, format: Format, lanes: number): void {
    const noted = this.#noted[format];
    noted.set(value, (noted.get(value) ?? 0) | lanes);
    const { op, args, imm } = this.#code[value] as IrInstruction;
    const isLane = op === (format === "double" ? "extract.v64" : "extract.v32");
    if (isLane) this.#note(args[0] as number, format, 1 << (imm[0] as number));
  }

  #lanes(value: number, format: Format, depth: number): number {
    const noted = this.#noted[format].get(value) ?? 0;
    return depth === 0 ? noted : noted | this.#derived(value, format, depth - 1);
  }

  #derived(value: number, format: Format, depth: number): number {
    const { op, args, imm } = this.#code[value] as IrInstruction;
    const at = (k: number): number => this.#lanes(args[k] as number, format, depth);
    const lane = imm[0] ?? 0;
    switch (op) {
      case "const.i32":
      case "const.i64":
      case "const.v128":
        return constantLanes(imm, format);
      case "insert.v64":
        if (format === "double") return (at(0) & ~(1 << lane)) | ((at(1) & 1) << lane);
        return at(0) & ~(3 << (2 * lane));
      case "insert.v32":
        if (format === "single") return (at(0) & ~(1 << lane)) | ((at(1) & 1) << lane);
        return at(0) & ~(1 << (lane >> 1));
      case "extract.v64":
        return format === "double" ? (at(0) >> lane) & 1 : 0;
      case "extract.v32":
        return format === "single" ? (at(0) >> lane) & 1 : 0;
      default: {
        const sources = sourcesOf(op, lane);
        if (sources === undefined) return resultLanes(op, format);
        const second = args.length > 1 ? at(1) : 0;
        return shuffled(sources, at(0) | (second << (format === "double" ? 2 : 4)), format);
      }
    }
  }
}
