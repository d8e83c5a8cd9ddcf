/**
 * A small cache of translations for user pages at 4 GiB and above, which the flat tables do not reach. Only the
 * slow paths look into it: direct-mapped, tagged with the page and the id of the address space, so it need not be
 * flushed when another space becomes active.
 *
 *   entry = [low half of the page | READ | WRITE, high half, space id, byte offset of the frame]
 */

import { PAGE_BYTES } from "./address.ts";
import { at } from "./entry.ts";
import { frameByte } from "./frames.ts";
import { TLB_READ, TLB_WRITE } from "./layout.ts";
import type { Counters } from "./tlb.ts";

const LOW = 0;
const HIGH = 1;
const SPACE = 2;
const HOST = 3;
const ENTRY_SHIFT = 2;
export const FAR_ENTRIES = 256;

export class FarTlb {
  readonly entries = new Int32Array(FAR_ENTRIES << ENTRY_SHIFT);
  readonly #counters: Counters;
  /** Whether anything was ever filled: most programs live below 4 GiB and never pay for a scan. */
  #used = false;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** Byte offset of the address when all bits of `needs` are granted, else -1. */
  lookup(space: number, lo: number, hi: number, needs: number): number {
    const index = place(lo, hi);
    const low = at(this.entries, index + LOW);
    const matches =
      (low & -PAGE_BYTES) === (lo & -PAGE_BYTES) &&
      (low & needs) === needs &&
      at(this.entries, index + HIGH) === hi &&
      at(this.entries, index + SPACE) === space;
    return matches ? at(this.entries, index + HOST) + (lo & (PAGE_BYTES - 1)) : -1;
  }

  fill(space: number, lo: number, hi: number, frame: number, writable: boolean): void {
    const index = place(lo, hi);
    this.entries[index + LOW] = (lo & -PAGE_BYTES) | TLB_READ | (writable ? TLB_WRITE : 0);
    this.entries[index + HIGH] = hi;
    this.entries[index + SPACE] = space;
    this.entries[index + HOST] = frameByte(frame);
    this.#used = true;
    this.#counters.tlbFills++;
  }

  flushPage(space: number, lo: number, hi: number): void {
    if (this.lookup(space, lo & -PAGE_BYTES, hi, TLB_READ) >= 0) this.#drop(place(lo, hi));
  }

  /** Makes every entry for the frame read-only. */
  dropWrites(frame: number): void {
    if (!this.#used) return;
    const host = frameByte(frame);
    for (let index = 0; index < this.entries.length; index += 1 << ENTRY_SHIFT) {
      const low = at(this.entries, index + LOW);
      if ((low & TLB_WRITE) === 0 || at(this.entries, index + HOST) !== host) continue;
      this.entries[index + LOW] = low & ~TLB_WRITE;
      this.#counters.tlbFlushes++;
    }
  }

  /** Calls back for every filled entry. */
  forEach(visit: (space: number, lo: number, hi: number, flags: number, host: number) => void): void {
    for (let index = 0; index < this.entries.length; index += 1 << ENTRY_SHIFT) {
      const low = at(this.entries, index + LOW);
      const flags = low & (TLB_READ | TLB_WRITE);
      if (flags === 0) continue;
      const [hi, space, host] = [HIGH, SPACE, HOST].map((field) => at(this.entries, index + field));
      visit(space as number, low & -PAGE_BYTES, hi as number, flags, host as number);
    }
  }

  #drop(index: number): void {
    this.entries.fill(0, index, index + (1 << ENTRY_SHIFT));
    this.#counters.tlbFlushes++;
  }
}

const place = (lo: number, hi: number): number =>
  (((lo >>> 12) ^ (hi * 37)) & (FAR_ENTRIES - 1)) << ENTRY_SHIFT;
