/**
 * The x87 unit between pinned state and arithmetic: registers as a stack, condition codes, exceptions (Intel SDM
 * vol. 1, chapter 8). An unmasked exception is noted in the status word and raised as #MF by the next instruction
 * that waits. Found before the operation (invalid, denormal, zero divide) it leaves registers and stack as they
 * were; found after it the result is delivered.
 */

import { BEFORE, Environment, INEXACT, INVALID } from "../../float/environment.ts";
import { decode, EXTENDED, type Float, type Format, indefinite } from "../../float/format.ts";
import { X87_CONTROL, X87_REGISTERS, X87_STATUS, X87_TAG } from "../state.ts";
import type { CallMachine } from "./call.ts";
import { check } from "./mmx.ts";

export const STACK_FAULT = 0x40;
/** ES and B. */
const PENDING = 0x8080;
export const C0 = 0x100;
export const C1 = 0x200;
export const C2 = 0x400;
export const C3 = 0x4000;
const EXCEPTIONS = 63;
const TOP_SHIFT = 11;
const TOP_MASK = 0x3800;

/** Bits of precision by the control word; the second is reserved. */
const PRECISIONS = [24, 64, 53, 64] as const;

/** A number of a narrower format as the unit sees it: same value, a NaN's payload moved up. */
export function widened(from: Format, bits: bigint): Float {
  const value = decode(from, bits);
  if (value.kind !== "quiet" && value.kind !== "signaling") return value;
  return { ...value, significand: value.significand << BigInt(EXTENDED.precision - from.precision) };
}

/** A signed integer, exact. */
export function integerFloat(value: bigint): Float {
  const sign = value < 0n ? 1 : 0;
  const kind = value === 0n ? "zero" : "finite";
  return { kind, sign, significand: value < 0n ? -value : value, exponent: 0, denormal: false };
}

export class Unit {
  readonly env = new Environment();
  #state: DataView = new DataView(new ArrayBuffer(0));
  control = 0;
  status = 0;
  tags = 0;

  constructor() {
    this.env.largerNaN = true;
    this.env.wrapsExponent = true;
  }

  /** Starts an instruction that waits: a pending exception is raised first. C1 becomes zero. */
  begin(m: CallMachine): this {
    check(m);
    this.attach(m);
    this.status &= ~C1;
    return this;
  }

  /** The same for an instruction that leaves C1 as it is unless a stack fault sets it. */
  beginKeepingC1(m: CallMachine): this {
    check(m);
    return this.attach(m);
  }

  /** Starts without a look at pending exceptions. */
  attach({ state }: CallMachine): this {
    this.#state = state;
    this.control = state.getInt32(X87_CONTROL, true);
    this.status = state.getInt32(X87_STATUS, true);
    this.tags = state.getInt32(X87_TAG, true);
    const { env } = this;
    env.rounding = (this.control >> 10) & 3;
    env.masked = this.control & EXCEPTIONS;
    env.flags = 0;
    env.roundedUp = false;
    env.wrapsExponent = true;
    return this;
  }

  /** Writes the status and tag words back. */
  end(): number {
    const unmasked = this.status & ~this.control & EXCEPTIONS;
    this.status = unmasked === 0 ? this.status & ~PENDING : this.status | PENDING;
    this.#state.setInt32(X87_STATUS, this.status, true);
    this.#state.setInt32(X87_TAG, this.tags, true);
    return 0;
  }

  get precision(): number {
    return PRECISIONS[((this.control >> 8) & 3) as 0 | 1 | 2 | 3];
  }

  // Registers

  get top(): number {
    return (this.status >> TOP_SHIFT) & 7;
  }
  set top(value: number) {
    this.status = (this.status & ~TOP_MASK) | ((value & 7) << TOP_SHIFT);
  }

  #place(i: number): number {
    return X87_REGISTERS + 16 * ((this.top + i) & 7);
  }
  #bit(i: number): number {
    return 1 << ((this.top + i) & 7);
  }

  isEmpty(i: number): boolean {
    return (this.tags & this.#bit(i)) === 0;
  }

  /** The 80 bits of ST(i), whether it is empty or not. */
  get(i: number): bigint {
    const at = this.#place(i);
    return (BigInt(this.#state.getUint16(at + 8, true)) << 64n) | this.#state.getBigUint64(at, true);
  }
  float(i: number): Float {
    return decode(EXTENDED, this.get(i));
  }
  set(i: number, value: bigint): void {
    const at = this.#place(i);
    this.#state.setBigUint64(at, BigInt.asUintN(64, value), true);
    this.#state.setInt32(at + 8, Number(value >> 64n), true);
    this.tags |= this.#bit(i);
  }
  free(i: number): void {
    this.tags &= ~this.#bit(i);
  }
  pop(): void {
    this.free(0);
    this.top += 1;
  }

  /** Pushes a value; on a full stack that is a fault. The value is made only when there is room. */
  push(make: () => bigint, stopping = BEFORE): void {
    if (!this.isEmpty(7)) {
      if (this.stackFault(true)) this.#pushed(indefinite(EXTENDED));
      return;
    }
    const value = make();
    if (!this.refused(stopping)) this.#pushed(value);
  }
  #pushed(value: bigint): void {
    this.top -= 1;
    this.set(0, value);
  }

  // Exceptions

  /** Notes a stack fault; true when it is masked and a default result is due. */
  stackFault(overflow: boolean): boolean {
    this.status = (this.status & ~C1) | INVALID | STACK_FAULT | (overflow ? C1 : 0);
    return this.env.isMasked(INVALID);
  }

  /** Notes the exceptions of `env`; true when one of them keeps the operation from being done. */
  refused(stopping = BEFORE): boolean {
    const { env } = this;
    const unmasked = env.flags & ~env.masked;
    const stops = (unmasked & stopping) !== 0;
    if ((unmasked & BEFORE) !== 0) this.status |= env.flags & BEFORE;
    else this.status |= stops ? env.flags & ~INEXACT : env.flags;
    if (!stops && env.roundedUp) this.status |= C1;
    return stops;
  }

  /** Whether all these registers hold something; else a stack fault with the default result in ST(destination). */
  has(destination: number, ...sources: readonly number[]): boolean {
    if (!sources.some((i) => this.isEmpty(i))) return true;
    if (this.stackFault(false) && destination >= 0) this.set(destination, indefinite(EXTENDED));
    return false;
  }

  setConditions(bits: number): void {
    this.status = (this.status & ~(C0 | C2 | C3)) | bits;
  }

  /** Nothing that stops an instruction was noted: its pop is due. */
  get popsAnyway(): boolean {
    return (this.status & ~this.control & 0x1f) === 0;
  }
}

/** One call runs at a time. */
export const unit = new Unit();
