/** Bookkeeping about state slots, in 4-byte words, that is cleared in constant time. */

import { STATE_END } from "../ir/verify.ts";

const WORDS = STATE_END >> 2;

/** A set of words. */
export class WordSet {
  readonly #stamp = new Int32Array(WORDS);
  #generation = 1;

  clear(): void {
    this.#generation++;
  }

  /** Whether all words of the slot are in the set. */
  hasAll(offset: number, bytes: number): boolean {
    for (let word = offset >> 2; word < (offset + bytes) >> 2; word++) {
      if (this.#stamp[word] !== this.#generation) return false;
    }
    return true;
  }

  add(offset: number, bytes: number): void {
    this.#stamp.fill(this.#generation, offset >> 2, (offset + bytes) >> 2);
  }

  remove(offset: number, bytes: number): void {
    this.#stamp.fill(0, offset >> 2, (offset + bytes) >> 2);
  }
}

/** Which value each slot is known to hold. Recording a slot forgets all that overlap it. */
export class SlotValues {
  readonly #stamp = new Int32Array(WORDS);
  /** First word of the slot that a word belongs to; valid when its stamp is current. */
  readonly #first = new Int32Array(WORDS);
  /** By first word: words of the slot (0: forgotten), and its value. */
  readonly #count = new Int32Array(WORDS);
  readonly #value = new Int32Array(WORDS);
  #generation = 0;

  clear(): void {
    this.#generation++;
  }

  record(offset: number, bytes: number, value: number): void {
    const first = offset >> 2;
    const count = bytes >> 2;
    for (let word = first; word < first + count; word++) {
      if (this.#stamp[word] === this.#generation) this.#count[this.#first[word] as number] = 0;
      this.#stamp[word] = this.#generation;
      this.#first[word] = first;
    }
    this.#count[first] = count;
    this.#value[first] = value;
  }

  /** Byte offset of the known slot that contains all of this one, or -1. */
  find(offset: number, bytes: number): number {
    const word = offset >> 2;
    if (this.#stamp[word] !== this.#generation) return -1;
    const first = this.#first[word] as number;
    return word + (bytes >> 2) <= first + (this.#count[first] as number) ? first << 2 : -1;
  }

  /** Value and size of the known slot that begins at this byte offset. */
  valueAt(offset: number): number {
    return this.#value[offset >> 2] as number;
  }
  bytesAt(offset: number): number {
    return (this.#count[offset >> 2] as number) << 2;
  }
}
