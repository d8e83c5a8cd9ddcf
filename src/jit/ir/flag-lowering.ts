/**
 * Conditions and flag bits as plain IR operations, for the three that need them: the pass that lowers conditions
 * on flags of known kind, the evaluator, and the run-time readers of flags whose kind only the state words tell.
 * All share the expansions of flag-expansion.ts and differ in where the operands come from.
 */

import type { IrInstruction } from "./block.ts";
import { type CodeSink, FlagExpansion, type FlagInputs } from "./flag-expansion.ts";
import { CONDITIONS, type Condition, EXTRA_SHIFT, type FlagKind, type FlagWidth } from "./flags.ts";
import type { OpName } from "./ops.ts";
import { FLAGS_A, FLAGS_B, FLAGS_CODE } from "./state.ts";

const NO_NUMBERS: readonly number[] = [];

/** Straight-line pure code and the index of its result. */
export interface FlagCode {
  readonly code: IrInstruction[];
  readonly result: number;
}

/** Kind of the operation that makes a flags value, or undefined for `get.flags` and `select.flags`. */
export const FLAG_KIND_OF: ReadonlyMap<OpName, FlagKind> = new Map<OpName, FlagKind>([
  ["flags.add.i32", "add"],
  ["flags.add.i64", "add"],
  ["flags.adc.i32", "adc"],
  ["flags.adc.i64", "adc"],
  ["flags.sub.i32", "sub"],
  ["flags.sub.i64", "sub"],
  ["flags.sbb.i32", "sbb"],
  ["flags.sbb.i64", "sbb"],
  ["flags.logic.i32", "logic"],
  ["flags.logic.i64", "logic"],
  ["flags.inc.i32", "inc"],
  ["flags.inc.i64", "inc"],
  ["flags.dec.i32", "dec"],
  ["flags.dec.i64", "dec"],
  ["flags.result.i32", "result"],
  ["flags.result.i64", "result"],
  ["flags.bits", "bits"],
]);

/** Operands of an instruction that makes flags; `args` are indices in the sink's numbering. */
class KnownInputs implements FlagInputs {
  readonly #args: readonly number[];
  /** Position of the carry: the last argument but for `result`, where OF and AF follow. */
  readonly #carryAt: number;

  constructor(kind: FlagKind, args: readonly number[]) {
    this.#args = args;
    this.#carryAt = kind === "result" ? 1 : args.length - 1;
  }

  a(): number {
    return this.#at(0);
  }
  b(): number {
    return this.#at(1);
  }
  carry(): number {
    return this.#at(this.#carryAt);
  }
  overflow(): number {
    return this.#at(this.#carryAt + 1);
  }
  auxiliary(): number {
    return this.#at(this.#carryAt + 2);
  }

  #at(position: number): number {
    return this.#args[position] ?? 0;
  }
}

function knownExpansion(sink: CodeSink, flags: IrInstruction): FlagExpansion | undefined {
  const kind = FLAG_KIND_OF.get(flags.op);
  if (kind === undefined) return undefined;
  // The width is the only immediate a flags operation has; the 64-bit forms have none.
  const width = (flags.imm[0] ?? 64) as FlagWidth;
  return new FlagExpansion(sink, kind, width, new KnownInputs(kind, flags.args));
}

/**
 * Emits condition number `condition` of what `flags` makes; its arguments are indices of the sink. Undefined
 * when the operation does not tell the kind (`get.flags`, `select.flags`).
 */
export function lowerCondition(sink: CodeSink, flags: IrInstruction, condition: number): number | undefined {
  return knownExpansion(sink, flags)?.condition(condition);
}

/** Emits the six bits of what `flags` makes, or gives undefined as `lowerCondition` does. */
export function lowerBits(sink: CodeSink, flags: IrInstruction): number | undefined {
  return knownExpansion(sink, flags)?.bits();
}

/** Operands in the state words. Each is read once. */
class StateInputs implements FlagInputs {
  readonly #sink: CodeSink;
  readonly #wide: boolean;
  #a = -1;
  #b = -1;
  #code = -1;

  constructor(sink: CodeSink, wide: boolean) {
    this.#sink = sink;
    this.#wide = wide;
  }

  a(): number {
    if (this.#a < 0) this.#a = this.#get(FLAGS_A);
    return this.#a;
  }
  b(): number {
    if (this.#b < 0) this.#b = this.#get(FLAGS_B);
    return this.#b;
  }
  carry(): number {
    return this.#extra(0);
  }
  overflow(): number {
    return this.#extra(1);
  }
  auxiliary(): number {
    return this.#extra(2);
  }

  #get(slot: number): number {
    return this.#sink.emit(this.#wide ? "get.i64" : "get.i32", [slot], NO_NUMBERS);
  }

  #extra(bit: number): number {
    if (this.#code < 0) this.#code = this.#sink.emit("get.i32", [FLAGS_CODE], NO_NUMBERS);
    const mask = this.#sink.emit("const.i32", [1 << (EXTRA_SHIFT + bit)], NO_NUMBERS);
    const masked = this.#sink.emit("and.i32", NO_NUMBERS, [this.#code, mask]);
    const zero = this.#sink.emit("const.i32", [0], NO_NUMBERS);
    return this.#sink.emit("ne.i32", NO_NUMBERS, [masked, zero]);
  }
}

/** A sink that keeps what it is given. */
export class CodeList implements CodeSink {
  readonly code: IrInstruction[] = [];

  emit(op: OpName, imm: readonly number[], args: readonly number[]): number {
    return this.code.push({ op, imm, args }) - 1;
  }
}

function stateExpansion(list: CodeList, kind: FlagKind, width: FlagWidth): FlagExpansion {
  return new FlagExpansion(list, kind, width, new StateInputs(list, width === 64 && kind !== "bits"));
}

/** Code that reads a condition of flags of this kind and width from the state words FLAGS_CODE, _A, _B. */
export function flagReaderCode(kind: FlagKind, width: FlagWidth, condition: Condition): FlagCode {
  const list = new CodeList();
  const result = stateExpansion(list, kind, width).condition(CONDITIONS.indexOf(condition));
  return { code: list.code, result };
}

/** Code that reads all six flags of this kind and width from the state words, at their places in RFLAGS. */
export function flagBitsCode(kind: FlagKind, width: FlagWidth): FlagCode {
  const list = new CodeList();
  const result = stateExpansion(list, kind, width).bits();
  return { code: list.code, result };
}
