/** What a refused guest access looks like. A fault is a value; the MMU never throws one. */

import { bigFromHalves, hex } from "./address.ts";

export type Access = "read" | "write" | "execute";

/** Bits of the x86 page-fault error code (Intel SDM vol. 3A, 4.7). */
export const FAULT_PRESENT = 1;
export const FAULT_WRITE = 2;
export const FAULT_USER = 4;
export const FAULT_RESERVED = 8;
export const FAULT_FETCH = 16;

/** Exception vectors an access can raise (Intel SDM vol. 3A, table 6-1). */
export const VECTOR_STACK = 12;
export const VECTOR_PROTECTION = 13;
export const VECTOR_PAGE = 14;

/**
 * A refused access. `vector` 14: page fault with `errorCode` and the faulting address; 13 and 12: a
 * non-canonical address (through the stack segment: 12) or a misaligned aligned access, error code 0.
 */
export interface PageFault {
  readonly vector: typeof VECTOR_PAGE | typeof VECTOR_PROTECTION | typeof VECTOR_STACK;
  readonly errorCode: number;
  readonly lo: number;
  readonly hi: number;
  readonly access: Access;
}

/** The faulting address as one unsigned value (what CR2 holds for a page fault). */
export const faultAddress = (fault: PageFault): bigint => bigFromHalves(fault.lo, fault.hi);

export const describeFault = (fault: PageFault): string =>
  `${fault.vector === VECTOR_PAGE ? "#PF" : fault.vector === VECTOR_STACK ? "#SS" : "#GP"} ${fault.access} at ` +
  `${hex(faultAddress(fault))} (error code ${hex(fault.errorCode)})`;
