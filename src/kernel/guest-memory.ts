/**
 * Guest pointers are claims. `copyIn` and `copyOut` check a claim under the process's own permissions and move the
 * bytes once; nothing else in the kernel follows an address that a guest supplied. Ranges without bytes are always
 * fine, wherever they point.
 */

import type { GuestAddress } from "../mmu/address.ts";
import { userAddress } from "../mmu/address.ts";
import type { AddressSpace } from "../mmu/mmu.ts";

const NOTHING = new Uint8Array(0);

/** A copy of the guest's bytes, or undefined when it may not read all of them. */
export function copyIn(space: AddressSpace, at: bigint, lengthBytes: number): Uint8Array | undefined {
  if (lengthBytes === 0) return NOTHING;
  const start = claim(at, lengthBytes);
  if (start === undefined) return undefined;
  const bytes = space.copyIn(start, lengthBytes);
  return bytes instanceof Uint8Array ? bytes : undefined;
}

/** Writes all bytes or, when the guest may not write all of them, none. */
export function copyOut(space: AddressSpace, at: bigint, bytes: Uint8Array): boolean {
  if (bytes.length === 0) return true;
  const start = claim(at, bytes.length);
  return start !== undefined && space.copyOut(start, bytes) === undefined;
}

export function isWritable(space: AddressSpace, at: bigint, lengthBytes: number): boolean {
  if (lengthBytes === 0) return true;
  const start = claim(at, lengthBytes);
  return start !== undefined && space.check(start, lengthBytes, "write") === undefined;
}

/** The range as a user-half address, when it lies in the user half. */
function claim(at: bigint, lengthBytes: number): GuestAddress | undefined {
  return userAddress(at + BigInt(lengthBytes) - 1n) === undefined ? undefined : userAddress(at);
}
