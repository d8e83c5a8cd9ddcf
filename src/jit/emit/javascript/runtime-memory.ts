/**
 * Slow paths of guest memory accesses. Emitted code comes here when an access is misaligned, above 4 GiB, not in
 * the flat table, or when the fast path is not inlined. What the table allows inside one page is served here by a
 * `DataView`; the rest is the MMU's.
 *
 * The last argument of every helper is site << 8 | access bits (see `parts.ts`). A refused access throws FAULT
 * with `pendingFault` set; a store to translated code throws LEAVE. Nothing has changed then.
 */

import { SCRATCH_BYTE, SCRATCH_WORD, TLB_READ, TLB_WRITE } from "../../../mmu/layout.ts";
import { ACCESS_CODE, ACCESS_OK, type Mmu } from "../../../mmu/mmu.ts";
import { ACCESS_ALIGNED, ACCESS_MODIFY } from "../../ir/ops.ts";
import { FAULT, LEAVE, type RuntimeState } from "../../unit.ts";
import { ALLOW_CODE, SITE_SHIFT } from "./parts.ts";
import { TABLE_WORD_WORD } from "./places.ts";

const ACCESS_MASK = ALLOW_CODE - 1;
const PAGE_BYTES = 4096;

export function createMemoryHelpers(mmu: Mmu, runtime: RuntimeState) {
  const I = mmu.words;
  const B = mmu.bytes;
  const view = mmu.view;

  /** Host offset of an access inside one page that the flat table allows, or -1. */
  function place(lo: number, hi: number, size: number, bit: number): number {
    if (hi !== 0 || (lo & (PAGE_BYTES - 1)) > PAGE_BYTES - size) return -1;
    const e = I[((I[TABLE_WORD_WORD] as number) + (lo >>> 12)) | 0] as number;
    return (e & bit) === 0 ? -1 : ((e & -4) + lo) | 0;
  }

  const loadBit = (site: number): number => ((site & ACCESS_MODIFY) === 0 ? TLB_READ : TLB_WRITE);

  function refuse(site: number): never {
    const fault = mmu.fault;
    runtime.site = site >> SITE_SHIFT;
    if (fault !== undefined) {
      runtime.pendingFault = { vector: fault.vector, errorCode: fault.errorCode, memory: fault };
    }
    throw FAULT;
  }

  function slowLoad(lo: number, hi: number, size: number, site: number): void {
    if (mmu.load(lo, hi, size, site & ACCESS_MASK) !== ACCESS_OK) refuse(site);
  }

  function slowStore(lo: number, hi: number, size: number, site: number): void {
    const outcome = mmu.store(lo, hi, size, site & ACCESS_MASK, (site & ALLOW_CODE) !== 0);
    if (outcome === ACCESS_OK) return;
    if (outcome !== ACCESS_CODE) refuse(site);
    runtime.site = site >> SITE_SHIFT;
    throw LEAVE;
  }

  return {
    ld8(lo: number, hi: number, site: number): number {
      const at = place(lo, hi, 1, loadBit(site));
      if (at >= 0) return B[at] as number;
      slowLoad(lo, hi, 1, site);
      return B[SCRATCH_BYTE] as number;
    },
    ld16(lo: number, hi: number, site: number): number {
      const at = place(lo, hi, 2, loadBit(site));
      if (at >= 0) return view.getUint16(at, true);
      slowLoad(lo, hi, 2, site);
      return view.getUint16(SCRATCH_BYTE, true);
    },
    ld32(lo: number, hi: number, site: number): number {
      const at = place(lo, hi, 4, loadBit(site));
      if (at >= 0) return view.getInt32(at, true);
      slowLoad(lo, hi, 4, site);
      return I[SCRATCH_WORD] as number;
    },
    ld64(lo: number, hi: number, site: number): number {
      const at = place(lo, hi, 8, loadBit(site));
      if (at >= 0) {
        I[SCRATCH_WORD + 1] = view.getInt32(at + 4, true);
        return view.getInt32(at, true);
      }
      slowLoad(lo, hi, 8, site);
      return I[SCRATCH_WORD] as number;
    },
    ld128(lo: number, hi: number, site: number): number {
      const misaligned = (site & ACCESS_ALIGNED) !== 0 && (lo & 15) !== 0;
      const at = misaligned ? -1 : place(lo, hi, 16, loadBit(site));
      if (at >= 0) {
        I[SCRATCH_WORD + 1] = view.getInt32(at + 4, true);
        I[SCRATCH_WORD + 2] = view.getInt32(at + 8, true);
        I[SCRATCH_WORD + 3] = view.getInt32(at + 12, true);
        return view.getInt32(at, true);
      }
      slowLoad(lo, hi, 16, site);
      return I[SCRATCH_WORD] as number;
    },
    st8(lo: number, hi: number, value: number, site: number): void {
      const at = place(lo, hi, 1, TLB_WRITE);
      if (at >= 0) {
        B[at] = value;
        return;
      }
      I[SCRATCH_WORD] = value;
      slowStore(lo, hi, 1, site);
    },
    st16(lo: number, hi: number, value: number, site: number): void {
      const at = place(lo, hi, 2, TLB_WRITE);
      if (at >= 0) {
        view.setInt16(at, value, true);
        return;
      }
      I[SCRATCH_WORD] = value;
      slowStore(lo, hi, 2, site);
    },
    st32(lo: number, hi: number, value: number, site: number): void {
      const at = place(lo, hi, 4, TLB_WRITE);
      if (at >= 0) {
        view.setInt32(at, value, true);
        return;
      }
      I[SCRATCH_WORD] = value;
      slowStore(lo, hi, 4, site);
    },
    st64(lo: number, hi: number, low: number, high: number, site: number): void {
      const at = place(lo, hi, 8, TLB_WRITE);
      if (at >= 0) {
        view.setInt32(at, low, true);
        view.setInt32(at + 4, high, true);
        return;
      }
      I[SCRATCH_WORD] = low;
      I[SCRATCH_WORD + 1] = high;
      slowStore(lo, hi, 8, site);
    },
    st128(lo: number, hi: number, a: number, b: number, c: number, d: number, site: number): void {
      const misaligned = (site & ACCESS_ALIGNED) !== 0 && (lo & 15) !== 0;
      const at = misaligned ? -1 : place(lo, hi, 16, TLB_WRITE);
      if (at >= 0) {
        view.setInt32(at, a, true);
        view.setInt32(at + 4, b, true);
        view.setInt32(at + 8, c, true);
        view.setInt32(at + 12, d, true);
        return;
      }
      I[SCRATCH_WORD] = a;
      I[SCRATCH_WORD + 1] = b;
      I[SCRATCH_WORD + 2] = c;
      I[SCRATCH_WORD + 3] = d;
      slowStore(lo, hi, 16, site);
    },
    probe(lo: number, hi: number, size: number, site: number): void {
      if (mmu.probeWrite(lo, hi, size, site & ACCESS_MASK) !== ACCESS_OK) refuse(site);
    },
    raise(vector: number, site: number): void {
      runtime.site = site >> SITE_SHIFT;
      runtime.pendingFault = { vector, errorCode: 0 };
      throw FAULT;
    },
  };
}
