/**
 * Wide multiplication and division for emitted code, on int32 halves.
 *
 * Division gives quotient and remainder at once and remembers its last operands, because guest code asks for
 * both. Most 128-bit divisions of compiled programs are 64-bit ones (the high half is zero or a sign), and most
 * divisors are below 2^32; those run on doubles, which hold every intermediate value exactly. The rest is
 * `BigInt`.
 */

import { umulh } from "./runtime-words.ts";

const TWO_16 = 65536;
const TWO_32 = 2 ** 32;

/** The upper 64 bits of products; `hi` holds the high half of the last result. */
export class Multiplier {
  hi = 0;

  unsigned(al: number, ah: number, bl: number, bh: number): number {
    const middle = (umulh(al, bl) >>> 0) + (Math.imul(al, bh) >>> 0) + (Math.imul(ah, bl) >>> 0);
    const carry = Math.floor(middle / TWO_32);
    const low = (umulh(al, bh) >>> 0) + (umulh(ah, bl) >>> 0) + (Math.imul(ah, bh) >>> 0) + carry;
    this.hi = (umulh(ah, bh) + Math.floor(low / TWO_32)) | 0;
    return low | 0;
  }

  /** A negative factor counts as 2^64 too much: takes the other factor off again. */
  signed(al: number, ah: number, bl: number, bh: number): number {
    let low = this.unsigned(al, ah, bl, bh);
    if (ah < 0) low = this.#subtract(low, bl, bh);
    if (bh < 0) low = this.#subtract(low, al, ah);
    return low;
  }

  #subtract(low: number, bl: number, bh: number): number {
    this.hi = (this.hi - bh - (low >>> 0 < bl >>> 0 ? 1 : 0)) | 0;
    return (low - bl) | 0;
  }
}

const join = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
const joinSigned = (lo: number, hi: number): bigint => (BigInt(hi) << 32n) | BigInt(lo >>> 0);

/** Quotient and remainder of the last division; a division by zero gives zeros. */
export class Divider {
  quotientLo = 0;
  quotientHi = 0;
  remainderLo = 0;
  remainderHi = 0;

  // The last operands.
  #signed = false;
  #hl = 0;
  #hh = 0;
  #ll = 0;
  #lh = 0;
  #dl = 0;
  #dh = 0;

  /** (high:low) / divisor, each as low and high half. */
  unsigned(hl: number, hh: number, ll: number, lh: number, dl: number, dh: number): void {
    if (this.#known(false, hl, hh, ll, lh, dl, dh)) return;
    if ((dl | dh) === 0) this.#set(0, 0, 0, 0);
    else if ((hl | hh) === 0) this.#long(ll, lh, dl, dh);
    else this.#big((join(hl, hh) << 64n) | join(ll, lh), join(dl, dh));
  }

  signed(hl: number, hh: number, ll: number, lh: number, dl: number, dh: number): void {
    if (this.#known(true, hl, hh, ll, lh, dl, dh)) return;
    if ((dl | dh) === 0) this.#set(0, 0, 0, 0);
    else if (hl === lh >> 31 && hh === hl) this.#longSigned(ll, lh, dl, dh);
    else this.#big((joinSigned(hl, hh) << 64n) | join(ll, lh), joinSigned(dl, dh));
  }

  /** Whether a signed quotient fits 64 bits; false for a divisor of zero. */
  fitsSigned(hl: number, hh: number, ll: number, lh: number, dl: number, dh: number): boolean {
    if ((dl | dh) === 0) return false;
    if (hl === lh >> 31 && hh === hl) return !(ll === 0 && lh === -(2 ** 31) && (dl & dh) === -1);
    const quotient = ((joinSigned(hl, hh) << 64n) | join(ll, lh)) / joinSigned(dl, dh);
    return BigInt.asIntN(64, quotient) === quotient;
  }

  #known(signed: boolean, hl: number, hh: number, ll: number, lh: number, dl: number, dh: number): boolean {
    const dividend = this.#ll === ll && this.#lh === lh && this.#hl === hl && this.#hh === hh;
    if (dividend && this.#dl === dl && this.#dh === dh && this.#signed === signed) return true;
    this.#signed = signed;
    this.#hl = hl;
    this.#hh = hh;
    this.#ll = ll;
    this.#lh = lh;
    this.#dl = dl;
    this.#dh = dh;
    return false;
  }

  /** From values 0 to 2^32 - 1. */
  #set(ql: number, qh: number, rl: number, rh: number): void {
    this.quotientLo = ql | 0;
    this.quotientHi = qh | 0;
    this.remainderLo = rl | 0;
    this.remainderHi = rh | 0;
  }

  #big(dividend: bigint, divisor: bigint): void {
    const quotient = dividend / divisor;
    const remainder = dividend % divisor;
    this.quotientLo = Number(BigInt.asIntN(32, quotient));
    this.quotientHi = Number(BigInt.asIntN(32, quotient >> 32n));
    this.remainderLo = Number(BigInt.asIntN(32, remainder));
    this.remainderHi = Number(BigInt.asIntN(32, remainder >> 32n));
  }

  #long(al: number, ah: number, dl: number, dh: number): void {
    if (dh === 0) this.#byWord(al >>> 0, ah >>> 0, dl >>> 0);
    else if (dh >>> 0 < 2 ** 30) this.#byEstimate(al, ah, dl, dh);
    else this.#bySubtraction(al, ah, dl, dh);
  }

  /** Schoolbook division in digits of 16 bits; every dividend of a step is below 2^48. */
  #byWord(al: number, ah: number, d: number): void {
    const qh = Math.floor(ah / d);
    const upper = (ah - qh * d) * TWO_16 + Math.floor(al / TWO_16);
    const q1 = Math.floor(upper / d);
    const lower = (upper - q1 * d) * TWO_16 + (al % TWO_16);
    const q0 = Math.floor(lower / d);
    this.#set(q1 * TWO_16 + q0, qh, lower - q0 * d, 0);
  }

  /**
   * Divisor of 2^32 to 2^62: the quotient is below 2^32, so a quotient of doubles is at most one off. The
   * remainder it leaves lies between -d and 2d and so keeps its sign in 64 bits.
   */
  #byEstimate(al: number, ah: number, dl: number, dh: number): void {
    const divisor = (dh >>> 0) * TWO_32 + (dl >>> 0);
    const q = Math.min(Math.floor(((ah >>> 0) * TWO_32 + (al >>> 0)) / divisor), TWO_32 - 1);
    const pl = Math.imul(q, dl);
    const ph = (umulh(q | 0, dl) + Math.imul(q, dh)) | 0;
    let rl = (al - pl) | 0;
    let rh = (ah - ph - (al >>> 0 < pl >>> 0 ? 1 : 0)) | 0;
    let quotient = q;
    if (rh < 0) {
      quotient--;
      const sum = (rl >>> 0) + (dl >>> 0);
      rl = sum | 0;
      rh = (rh + dh + (sum >= TWO_32 ? 1 : 0)) | 0;
    } else if (rh > dh || (rh === dh && rl >>> 0 >= dl >>> 0)) {
      quotient++;
      rh = (rh - dh - (rl >>> 0 < dl >>> 0 ? 1 : 0)) | 0;
      rl = (rl - dl) | 0;
    }
    this.#set(quotient, 0, rl, rh);
  }

  /** Divisor of 2^62 or more: the quotient is at most 3. */
  #bySubtraction(al: number, ah: number, dl: number, dh: number): void {
    let rl = al >>> 0;
    let rh = ah >>> 0;
    const d0 = dl >>> 0;
    const d1 = dh >>> 0;
    let quotient = 0;
    while (rh > d1 || (rh === d1 && rl >= d0)) {
      rh = rh - d1 - (rl < d0 ? 1 : 0);
      rl = (rl - d0) >>> 0;
      quotient++;
    }
    this.#set(quotient, 0, rl, rh);
  }

  /** Divides magnitudes; the remainder has the dividend's sign. The minimum by -1 wraps. */
  #longSigned(al: number, ah: number, dl: number, dh: number): void {
    const negativeDividend = ah < 0;
    const negativeDivisor = dh < 0;
    const xl = negativeDividend ? -al | 0 : al;
    const xh = negativeDividend ? (~ah + (al === 0 ? 1 : 0)) | 0 : ah;
    const yl = negativeDivisor ? -dl | 0 : dl;
    const yh = negativeDivisor ? (~dh + (dl === 0 ? 1 : 0)) | 0 : dh;
    this.#long(xl, xh, yl, yh);
    if (negativeDividend !== negativeDivisor) {
      this.quotientHi = (~this.quotientHi + (this.quotientLo === 0 ? 1 : 0)) | 0;
      this.quotientLo = -this.quotientLo | 0;
    }
    if (negativeDividend) {
      this.remainderHi = (~this.remainderHi + (this.remainderLo === 0 ? 1 : 0)) | 0;
      this.remainderLo = -this.remainderLo | 0;
    }
  }
}
