/**
 * What an arithmetic operation is told and what it reports: rounding, treatment of denormals, exceptions. Bits are
 * those of MXCSR, which the x87 words share (Intel SDM vol. 1, 10.2.3 and 8.1.3).
 */

export const INVALID = 1;
export const DENORMAL = 2;
export const ZERO_DIVIDE = 4;
export const OVERFLOW = 8;
export const UNDERFLOW = 16;
export const INEXACT = 32;
export const ALL_EXCEPTIONS = 63;
/** Found from the operands alone; an unmasked one keeps the operation from being done. */
export const BEFORE = INVALID | DENORMAL | ZERO_DIVIDE;

export const DENORMALS_ARE_ZERO = 64;
const MASK_SHIFT = 7;
const ROUNDING_SHIFT = 13;
export const FLUSH_TO_ZERO = 0x8000;

export const NEAREST = 0;
export const DOWN = 1;
export const UP = 2;
export const TRUNCATE = 3;

export class Environment {
  rounding = NEAREST;
  /** Denormal operands count as zeros (SSE). */
  denormalsAreZero = false;
  /** Tiny results become zero while underflow is masked (SSE). */
  flushToZero = false;
  /** Bit set: the exception is masked. */
  masked = ALL_EXCEPTIONS;
  /** Exceptions met so far. */
  flags = 0;
  /** The last rounding went away from zero (C1 of x87). */
  roundedUp = false;
  /** Which of two NaNs is the result: the first (SSE), or the one with the larger significand (x87). */
  largerNaN = false;
  /** Unmasked overflow and underflow give a result with a wrapped exponent (x87 registers). */
  wrapsExponent = false;

  /** Takes rounding, masks and modes from MXCSR, and forgets all exceptions. */
  load(mxcsr: number): this {
    this.rounding = (mxcsr >> ROUNDING_SHIFT) & 3;
    this.denormalsAreZero = (mxcsr & DENORMALS_ARE_ZERO) !== 0;
    this.flushToZero = (mxcsr & FLUSH_TO_ZERO) !== 0;
    this.masked = (mxcsr >> MASK_SHIFT) & ALL_EXCEPTIONS;
    this.flags = 0;
    return this;
  }

  raise(flag: number): void {
    this.flags |= flag;
  }

  isMasked(flag: number): boolean {
    return (this.masked & flag) !== 0;
  }
}
