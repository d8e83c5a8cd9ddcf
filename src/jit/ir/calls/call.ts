/**
 * Call operations: operations too long for inline code. Each has one implementation, a function of int32 words,
 * that the evaluator and all back ends call; no back end knows what it does.
 *
 * Words are the immediates, then the arguments, low words first: i1 and i32 one word, i64 two, v128 four. The
 * function returns the first word of the result and leaves the others in `results[1..3]`.
 *
 *   effect none     a pure function of its words
 *   effect memory   may read and write pinned state (state.ts) and raise a fault at the current instruction. When
 *                   it raises, pinned state may have changed (sticky exception flags), nothing else
 */

import type { ImmKind, IrType } from "../ops.ts";

/** What a call operation works on besides its words. */
export interface CallMachine {
  /** Words 1 to 3 of a result wait here; word 0 is scratch. */
  readonly results: Int32Array;
  /** The state block, by the byte offsets of state.ts; only pinned bytes may be touched. */
  readonly state: DataView;
  /** Raises the exception with error code 0 at the current guest instruction. */
  raise(vector: number): never;
}

export type Call = (m: CallMachine, ...words: number[]) => number;

/** Words of a value of each type; flags are no argument of a call. */
export const TYPE_WORDS: { readonly [T in IrType]: number } = { i1: 1, i32: 1, i64: 2, v128: 4, flags: 0 };

// Rows of the operation table.

/** Pure. */
export const pureCall = <const A extends readonly IrType[], const R extends IrType>(args: A, result: R) =>
  ({ args, result, effect: "none", call: true }) as const;

export const pureCallImm = <
  const I extends readonly ImmKind[],
  const A extends readonly IrType[],
  const R extends IrType,
>(
  imm: I,
  args: A,
  result: R,
) => ({ args, result, effect: "none", imm, call: true }) as const;

/** Touches pinned state or raises faults. */
export const stateCall = <const A extends readonly IrType[], const R extends IrType>(args: A, result: R) =>
  ({ args, result, effect: "memory", call: true }) as const;

export const stateCallImm = <
  const I extends readonly ImmKind[],
  const A extends readonly IrType[],
  const R extends IrType,
>(
  imm: I,
  args: A,
  result: R,
) => ({ args, result, effect: "memory", imm, call: true }) as const;

/** Like `stateCall`, without a result: only for its effect. */
export const action = <const A extends readonly IrType[]>(args: A) =>
  ({ args, effect: "memory", call: true }) as const;

export const actionImm = <const I extends readonly ImmKind[], const A extends readonly IrType[]>(
  imm: I,
  args: A,
) => ({ args, effect: "memory", imm, call: true }) as const;
