/**
 * The vocabulary of the evaluator: how values look and what the meaning of an operation is. All integers are
 * unsigned `bigint` of their type's width (i1: 0n or 1n), so a meaning is a formula, not an encoding.
 */

import type { Condition, FlagKind, FlagWidth } from "./flags.ts";
import type { ArgsOf, ImmOf, IrType, NumbersOf, OpName, ResultOf } from "./ops.ts";

/** The words of flags.ts. */
export interface FlagsValue {
  readonly code: number;
  readonly a: bigint;
  readonly b: bigint;
}

/** What a refused access or a raised exception looks like; the MMU's `PageFault` is one. */
export interface MemoryFault {
  readonly vector: number;
  readonly errorCode: number;
}

/** What the evaluated block runs on. Faults are values. */
export interface Machine {
  /** Little-endian access to the state block: 4, 8 or 16 bytes at a byte offset. */
  getState(offset: number, bytes: number): bigint;
  setState(offset: number, bytes: number, value: bigint): void;
  /** Guest memory at a 64-bit address; `access` holds the `ACCESS_*` bits of ops.ts. */
  load(address: bigint, bytes: number, access: number): bigint | MemoryFault;
  store(address: bigint, bytes: number, value: bigint, access: number): MemoryFault | undefined;
  /** The fault that a store would raise. */
  probeWrite(address: bigint, bytes: number, access: number): MemoryFault | undefined;
  cpuid(register: number, leaf: number, subleaf: number): number;
  /** Guest instructions completed before the block. */
  instructionsAtEntry(): number;
  random(): bigint;
}

/** Why evaluation leaves the block before its end. */
export class Stop {
  readonly cause:
    | { readonly kind: "fault"; readonly fault: MemoryFault }
    | { readonly kind: "exit.if"; readonly rip: bigint };

  constructor(cause: Stop["cause"]) {
    this.cause = cause;
  }
}

/** What a meaning can ask about the evaluation it is part of. */
export interface Run {
  readonly machine: Machine;
  /** Index of the current guest instruction. */
  readonly guestIndex: number;
  condition(flags: FlagsValue, condition: Condition): bigint;
  flagBits(flags: FlagsValue): bigint;
}

export type Meant<T extends IrType> = T extends "flags" ? FlagsValue : bigint;
type MeantArgs<A extends readonly IrType[]> = { -readonly [I in keyof A]: Meant<A[I]> };
type MeantResult<K extends OpName> = ResultOf<K> extends IrType ? Meant<ResultOf<K>> : undefined;

/** Immediates, arguments, and the run: what the operation gives or why it stops. */
export type Meaning<K extends OpName> = (
  ...operands: [...NumbersOf<ImmOf<K>>, ...MeantArgs<ArgsOf<K>>, run: Run]
) => MeantResult<K> | Stop;
export type Meanings = { readonly [K in OpName]: Meaning<K> };

/** Kind and width of a flags value. */
export interface FlagForm {
  readonly kind: FlagKind;
  readonly width: FlagWidth;
}

export const unsigned = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);
export const signed = (bits: number, value: bigint): bigint => BigInt.asIntN(bits, value);
export const truth = (value: boolean): bigint => (value ? 1n : 0n);

/** The lanes of a vector as unsigned values, lane 0 first. */
export function lanesOf(value: bigint, bits: number): bigint[] {
  const lanes: bigint[] = [];
  for (let at = 0; at < 128; at += bits) lanes.push(unsigned(bits, value >> BigInt(at)));
  return lanes;
}

/** The vector of these lanes; each is cut to its width. */
export function fromLanes(lanes: readonly bigint[], bits: number): bigint {
  return lanes.reduceRight((vector, lane) => (vector << BigInt(bits)) | unsigned(bits, lane), 0n);
}
