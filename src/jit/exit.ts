/** Why a run of guest code stopped. */

import type { PageFault } from "../mmu/fault.ts";

/** What the processor reports: vector, error code, and for a refused memory access its details. */
export interface GuestFault {
  readonly vector: number;
  readonly errorCode: number;
  readonly memory?: PageFault;
  /** The instruction exists on processors and is not implemented; the fault is #UD. */
  readonly unsupported?: string;
}

/**
 *   syscall  RIP is the address after SYSCALL
 *   fault    RIP as the processor reports it; state as before the instruction (for traps: after it)
 *   budget   the slice is used up, at a preemption point
 *   limit    exactly the given number of instructions was executed
 *   until    RIP reached the stop address before executing it
 */
export type Exit =
  | { readonly kind: "syscall" }
  | { readonly kind: "fault"; readonly fault: GuestFault }
  | { readonly kind: "budget" }
  | { readonly kind: "limit" }
  | { readonly kind: "until" };
