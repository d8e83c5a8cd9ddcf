/** Numbers of every class, from a small seeded generator. */

import { type Format, pack } from "../../../src/jit/float/format.ts";

export class FloatRandom {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed ^ 0x5bd1e995) | 1;
  }

  /** 32 random bits, unsigned. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return Math.imul(x, 0x9e3779b1) >>> 0;
  }

  below(limit: number): number {
    return (this.next() >>> 8) % limit;
  }

  bits(count: number): bigint {
    let value = 0n;
    for (let done = 0; done < count; done += 32) value = (value << 32n) | BigInt(this.next());
    return BigInt.asUintN(count, value);
  }

  /** A significand field with few, many or random ones. */
  #field(count: number): bigint {
    const all = (1n << BigInt(count)) - 1n;
    switch (this.below(6)) {
      case 0:
        return 0n;
      case 1:
        return all;
      case 2:
        return 1n << BigInt(this.below(count));
      case 3:
        return all ^ ((1n << BigInt(this.below(count))) - 1n);
      default:
        return this.bits(count);
    }
  }

  /** A number of the format: any class, exponents near the ends and near one often. */
  float(f: Format): bigint {
    const most = 2 * f.bias + 1;
    const sign = this.below(2);
    const field = this.#field(f.precision - 1);
    const leading = f.explicit ? 1n << BigInt(f.precision - 1) : 0n;
    switch (this.below(12)) {
      case 0:
        return pack(f, sign, 0, 0n);
      case 1:
        return pack(f, sign, 0, field);
      case 2:
        return pack(f, sign, most, leading | (this.below(3) === 0 ? 0n : field));
      case 3:
        return pack(f, sign, 1 + this.below(f.precision + 4), leading | field);
      case 4:
        return pack(f, sign, most - 1 - this.below(4), leading | field);
      case 5:
        return pack(f, sign, this.below(most + 1), leading | field);
      case 6:
        return pack(f, sign, (f.bias >> 1) + this.below(8), leading | field);
      default:
        return pack(f, sign, f.bias + this.below(70) - 3, leading | field);
    }
  }

  /** Integers of every size. */
  integer(bits: number): bigint {
    return BigInt.asUintN(bits, BigInt.asIntN(64, this.bits(64)) >> BigInt(this.below(64)));
  }

  mxcsr(): number {
    const modes = (this.below(4) << 13) | (this.below(3) === 0 ? 0x8000 : 0) | (this.below(3) === 0 ? 64 : 0);
    return this.below(3) === 0 ? 0x1f80 : 0x1f80 | modes;
  }
}
