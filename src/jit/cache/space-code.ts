/**
 * What one address space knows of translated code: which code page each of its pages shows, and the jump cache
 * through which computed and other-page jumps find their cell without a map lookup.
 */

import type { PageNumber } from "../../mmu/address.ts";
import type { CacheCell } from "./cell.ts";
import type { Attachment } from "./code-page.ts";

export const JUMP_CACHE_ENTRIES = 4096;

/** The place of an address in a jump cache; only the low half matters, guest code lies close together. */
export const jumpSlot = (lo: number): number => (lo ^ (lo >>> 12)) & (JUMP_CACHE_ENTRIES - 1);

export class SpaceCode {
  readonly id: number;
  /** JIT-1 */
  readonly pages = new Map<PageNumber, Attachment>();
  /** JIT-2: holds cells of attached pages, and the sentinel. */
  readonly jumps: CacheCell[];
  readonly #empty: readonly CacheCell[];
  #used = false;

  /** `empty` is a jump cache full of the sentinel; copying one is faster than filling one. */
  constructor(id: number, empty: readonly CacheCell[]) {
    this.id = id;
    this.#empty = empty;
    this.jumps = empty.slice();
  }

  remember(cell: CacheCell): void {
    this.jumps[jumpSlot(cell.lo)] = cell;
    this.#used = true;
  }

  /** Forgets every jump; whoever detaches a page of this space calls it. */
  clearJumps(): void {
    const sentinel = this.#empty[0];
    if (this.#used && sentinel !== undefined) this.jumps.fill(sentinel);
    this.#used = false;
  }
}
