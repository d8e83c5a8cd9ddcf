/**
 * Bulk operations: many elements of a repeated string instruction at once, as long as all of them lie in one page
 * each way and the flat table allows the access. Frames that hold translated code have no writable entry there.
 * What cannot be done in bulk is left to the instruction itself, which faults, fills the TLB, or leaves.
 *
 * At most one element fewer than wanted, and than the budget has instructions: the last one is always the
 * instruction's own, so that it ends or stops where it would have without.
 */

import { SCRATCH_BYTE, TLB_READ, TLB_WRITE } from "../../../mmu/layout.ts";
import type { Mmu } from "../../../mmu/mmu.ts";
import { BUDGET_WORD, TABLE_WORD_WORD } from "./places.ts";

const PAGE_BYTES = 4096;
/** Fewer elements are not worth the way here. */
const LEAST = 4;

export function createBulkHelpers(mmu: Mmu) {
  const I = mmu.words;
  const bytes = mmu.bytes;
  const view = mmu.view;

  /** Host offset of the page's part from the address on, or -1. */
  function hostOf(lo: number, hi: number, bit: number): number {
    if (hi !== 0) return -1;
    const entry = I[((I[TABLE_WORD_WORD] as number) + (lo >>> 12)) | 0] as number;
    return (entry & bit) === 0 ? -1 : ((entry & -4) + lo) | 0;
  }

  /** Elements that may be done: fewer than `count`, than the budget, and all in the page. */
  function limit(size: number, lo: number, countLo: number, countHi: number): number {
    const count = countHi === 0 && countLo > 0 ? countLo : 2 ** 31 - 1;
    const inPage = Math.floor((PAGE_BYTES - (lo & (PAGE_BYTES - 1))) / size);
    return Math.min(count - 1, (I[BUDGET_WORD] as number) - 1, inPage);
  }

  function done(elements: number): number {
    I[BUDGET_WORD] = (I[BUDGET_WORD] as number) - elements;
    return elements;
  }

  return {
    bulkStore(
      size: number,
      lo: number,
      hi: number,
      valueLo: number,
      valueHi: number,
      countLo: number,
      countHi: number,
    ): number {
      // prettier-ignore
      if ((countLo | countHi) === 0) return 0;
      const elements = limit(size, lo, countLo, countHi);
      const to = hostOf(lo, hi, TLB_WRITE);
      if (elements < LEAST || to < 0) return 0;
      const end = to + elements * size;
      if (size === 1) {
        bytes.fill(valueLo, to, end);
        return done(elements);
      }
      view.setInt32(SCRATCH_BYTE, valueLo, true);
      view.setInt32(SCRATCH_BYTE + 4, valueHi, true);
      bytes.copyWithin(to, SCRATCH_BYTE, SCRATCH_BYTE + size);
      // What is filled already is the source of twice as much.
      for (let filled = size; filled < end - to; filled *= 2) {
        bytes.copyWithin(to + filled, to, Math.min(to + filled, end - filled));
      }
      return done(elements);
    },
    bulkCopy(
      size: number,
      lo: number,
      hi: number,
      fromLo: number,
      fromHi: number,
      countLo: number,
      countHi: number,
    ): number {
      // prettier-ignore
      if ((countLo | countHi) === 0) return 0;
      const elements = Math.min(limit(size, lo, countLo, countHi), limit(size, fromLo, countLo, countHi));
      const to = hostOf(lo, hi, TLB_WRITE);
      const from = hostOf(fromLo, fromHi, TLB_READ);
      if (elements < LEAST || to < 0 || from < 0) return 0;
      const length = elements * size;
      // A destination inside the source repeats what was just copied: one by one.
      if (to > from && to < from + length) return 0;
      bytes.copyWithin(to, from, from + length);
      return done(elements);
    },
  };
}
