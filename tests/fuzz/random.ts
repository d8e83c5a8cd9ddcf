/** Random numbers of the fuzzer: a seed repeats a run. */

/** 32 random bits; xorshift, so that a seed repeats a run. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (this.#state = x) >>> 0;
  }
  below(limit: number): number {
    return this.next() % limit;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next() >>> 13);
  }
}
