/**
 * Addresses, sizes and protections as a guest names them: claims, until they passed here. Every refusal is one
 * line that says what is wrong with which value.
 */

import { hex, pageNumber, pageOf, PAGE_BYTES, USER_END } from "../../mmu/address.ts";
import type { PageRange } from "../../mmu/address.ts";
import { CAPSET_ADDRESS, RING_ADDRESS, VM_PROT_EXEC, VM_PROT_READ, VM_PROT_WRITE } from "../abi.ts";
import type { MemoryObject } from "./memory-object.ts";
import type { PageProtection } from "./reservation.ts";

export interface Refusal {
  readonly status: "invalidArgument" | "failed" | "overloaded";
  /** One line the caller can act on; says nothing about other processes. */
  readonly text: string;
}

const PAGE_BYTES_BIG = BigInt(PAGE_BYTES);
const USER_END_BIG = BigInt(USER_END);
/** Ring pages of all threads lie from here up to the CapSet page; no guest operation may touch them. */
export const RING_PAGE = pageOf(RING_ADDRESS);
export const CAPSET_PAGE = pageOf(CAPSET_ADDRESS);
const KNOWN_PROTECTION_BITS = VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXEC;

export const refuse = (status: Refusal["status"], text: string): Refusal => ({ status, text });
export const isRefusal = (value: object): value is Refusal => "text" in value;
export const rangeText = (first: number, count: number): string =>
  `${hex(first * PAGE_BYTES)}..${hex((first + count) * PAGE_BYTES)}`;
export const pageText = (page: number): string => hex(page * PAGE_BYTES);

/** A size in pages, or what is wrong with it. */
export function pagesOf(size: bigint): number | Refusal {
  if (size <= 0n) return refuse("invalidArgument", "size is 0");
  if (size % PAGE_BYTES_BIG !== 0n) {
    return refuse("invalidArgument", `size ${hex(size)} is not a multiple of ${hex(PAGE_BYTES)}`);
  }
  if (size > USER_END_BIG) return refuse("invalidArgument", `size ${hex(size)} is beyond the user half`);
  return Number(size / PAGE_BYTES_BIG);
}

/** A range a guest named, or what is wrong with it. Its pages may be anything yet. */
export function rangeOf(start: bigint, size: bigint): PageRange | Refusal {
  const count = pagesOf(size);
  if (typeof count !== "number") return count;
  if (start % PAGE_BYTES_BIG !== 0n) {
    return refuse("invalidArgument", `address ${hex(start)} is not page aligned`);
  }
  if (start + size > USER_END_BIG) {
    return refuse(
      "invalidArgument",
      `${hex(start)}..${hex(start + size)} ends beyond the user half (${hex(USER_END)})`,
    );
  }
  const first = Number(start / PAGE_BYTES_BIG);
  const range = rangeText(first, count);
  if (first === 0) return refuse("invalidArgument", `${range} touches page 0`);
  if (first < CAPSET_PAGE && first + count > RING_PAGE) {
    return refuse(
      "invalidArgument",
      `${range} touches the ring pages (${rangeText(RING_PAGE, CAPSET_PAGE - RING_PAGE)})`,
    );
  }
  if (first <= CAPSET_PAGE && first + count > CAPSET_PAGE) {
    return refuse("invalidArgument", `${range} touches the CapSet page (${pageText(CAPSET_PAGE)})`);
  }
  return { first: pageNumber(first), count };
}

/** Whether `offset` .. `offset + size` is a page-aligned part of the object. */
export function checkPart(object: MemoryObject, offset: bigint, size: bigint): Refusal | undefined {
  const count = pagesOf(size);
  if (typeof count !== "number") return count;
  if (offset % PAGE_BYTES_BIG !== 0n) {
    return refuse("invalidArgument", `offset ${hex(offset)} is not page aligned`);
  }
  if (offset + size <= BigInt(object.sizeBytes)) return undefined;
  return refuse(
    "invalidArgument",
    `${hex(offset)}..${hex(offset + size)} is not inside the object of ${hex(object.sizeBytes)} bytes`,
  );
}

/** Write or execute without read is raised to include read: the processor has no other. */
export function protectionOf(prot: number): PageProtection | Refusal {
  if (!Number.isInteger(prot) || prot < 0 || prot > KNOWN_PROTECTION_BITS) {
    return refuse("invalidArgument", `protection ${hex(prot)} has bits other than 0..2`);
  }
  const writable = (prot & VM_PROT_WRITE) !== 0;
  const executable = (prot & VM_PROT_EXEC) !== 0;
  if (writable && executable) {
    return refuse("invalidArgument", "protection asks for writable and executable pages");
  }
  if (writable) return "rw";
  if (executable) return "rx";
  return prot === 0 ? "none" : "r";
}
