/**
 * Accesses of the kernel and the host to ranges of a user half.
 *
 *   copyIn, copyOut   the kernel, in supervisor mode inside the user-access guard, with the user's permissions
 *   check             what a user access would raise, without doing it
 *   peek, poke        the host; permissions do not matter, kept pages count as mapped
 *
 * Each checks every page of the range before it touches the first byte.
 */

import {
  type FrameNumber, type GuestAddress, highHalf, isUserHalf, lowHalf, offsetInPage, PAGE_BYTES, pageOf,
} from "./address.ts"; // prettier-ignore
import type { Space } from "./address-space.ts";
import { at, frameOf } from "./entry.ts";
import {
  type Access,
  FAULT_PRESENT,
  FAULT_USER,
  type PageFault,
  VECTOR_PAGE,
  VECTOR_PROTECTION,
} from "./fault.ts";
import { frameByte } from "./frames.ts";
import type { MmuParts } from "./parts.ts";
import { accessCode, AS_GUARDED, AS_USER, GRANTED, READ, WRITE } from "./walk.ts";

export function copyIn(
  parts: MmuParts,
  space: Space,
  start: GuestAddress,
  lengthBytes: number,
): Uint8Array | PageFault {
  const fault = checkRange(parts, space, start, lengthBytes, "read", AS_GUARDED);
  if (fault !== undefined) return fault;
  const { bytes } = parts.frames;
  if (lengthBytes > 0 && inOnePage(start, lengthBytes)) {
    const host = hostOfLast(parts, start, READ);
    return bytes.slice(host, host + lengthBytes);
  }
  const result = new Uint8Array(lengthBytes);
  for (let done = 0; done < lengthBytes;) {
    const where = start + done;
    const count = Math.min(lengthBytes - done, PAGE_BYTES - (where % PAGE_BYTES));
    const host = hostOf(parts, space, where, READ);
    result.set(bytes.subarray(host, host + count), done);
    done += count;
  }
  return result;
}

export function copyOut(
  parts: MmuParts,
  space: Space,
  start: GuestAddress,
  bytes: Uint8Array,
): PageFault | undefined {
  const fault = checkRange(parts, space, start, bytes.length, "write", AS_GUARDED);
  if (fault !== undefined || bytes.length === 0) return fault;
  const { walker, watch, frames } = parts;
  if (inOnePage(start, bytes.length)) {
    const host = hostOfLast(parts, start, WRITE);
    watch.beforeWrite(walker.frame as FrameNumber);
    frames.bytes.set(bytes, host);
    return undefined;
  }
  for (let done = 0; done < bytes.length;) {
    const where = start + done;
    const count = Math.min(bytes.length - done, PAGE_BYTES - (where % PAGE_BYTES));
    const host = hostOf(parts, space, where, WRITE);
    watch.beforeWrite(walker.frame as FrameNumber);
    frames.bytes.set(bytes.subarray(done, done + count), host);
    done += count;
  }
  return undefined;
}

/** The first fault of an access to the range, or undefined. Sets no bits. */
export function checkRange(
  { walker }: MmuParts,
  space: Space,
  start: GuestAddress,
  lengthBytes: number,
  access: Access,
  mode: typeof AS_USER | typeof AS_GUARDED = AS_USER,
): PageFault | undefined {
  const code = accessCode(access);
  for (let done = 0; done < lengthBytes;) {
    const where = start + done;
    const lo = lowHalf(where);
    const hi = highHalf(where);
    // The byte after the user half is not canonical.
    if (!isUserHalf(hi)) return { vector: VECTOR_PROTECTION, errorCode: 0, lo, hi, access };
    const outcome = walker.walk(space.root, lo, hi, code, mode);
    if (outcome !== GRANTED) {
      return { vector: VECTOR_PAGE, errorCode: outcome | FAULT_USER, lo, hi, access };
    }
    if (!walker.user) {
      return { vector: VECTOR_PAGE, errorCode: FAULT_PRESENT | FAULT_USER | code, lo, hi, access };
    }
    done += PAGE_BYTES - (where % PAGE_BYTES);
  }
  return undefined;
}

export function peek(parts: MmuParts, space: Space, start: GuestAddress, into: Uint8Array): boolean {
  if (!isMappedRange(parts, space, start, into.length)) return false;
  eachPart(start, into.length, (where, done, count) => {
    const host = frameByte(leafFrame(parts, space, where)) + offsetInPage(where);
    into.set(parts.frames.bytes.subarray(host, host + count), done);
  });
  return true;
}

export function poke(parts: MmuParts, space: Space, start: GuestAddress, bytes: Uint8Array): boolean {
  if (!isMappedRange(parts, space, start, bytes.length)) return false;
  eachPart(start, bytes.length, (where, done, count) => {
    const part = bytes.subarray(done, done + count);
    parts.watch.write(leafFrame(parts, space, where) as FrameNumber, offsetInPage(where), part);
  });
  return true;
}

const inOnePage = (start: number, lengthBytes: number): boolean =>
  (start % PAGE_BYTES) + lengthBytes <= PAGE_BYTES;

/** Host byte of an address in a checked range; the walker stands at its page afterwards. */
function hostOf(parts: MmuParts, space: Space, where: number, access: number): number {
  parts.walker.walk(space.root, lowHalf(where), highHalf(where), access, AS_GUARDED);
  return hostOfLast(parts, where, access);
}

/** The same when the last walk was to this page. */
function hostOfLast({ walker }: MmuParts, where: number, access: number): number {
  walker.markUsed(access);
  return frameByte(walker.frame) + (where % PAGE_BYTES);
}

function eachPart(
  start: number,
  lengthBytes: number,
  visit: (where: GuestAddress, done: number, count: number) => void,
): void {
  for (let done = 0; done < lengthBytes;) {
    const where = (start + done) as GuestAddress;
    const count = Math.min(lengthBytes - done, PAGE_BYTES - offsetInPage(where));
    visit(where, done, count);
    done += count;
  }
}

function isMappedRange(parts: MmuParts, space: Space, start: GuestAddress, lengthBytes: number): boolean {
  for (let done = 0; done < lengthBytes;) {
    const where = (start + done) as GuestAddress;
    if (!isUserHalf(highHalf(where)) || leafFrame(parts, space, where) < 0) return false;
    done += PAGE_BYTES - offsetInPage(where);
  }
  return true;
}

/** The frame of a page, present or kept, or -1. */
function leafFrame(parts: MmuParts, space: Space, where: GuestAddress): number {
  const word = parts.tables.leafWord(space.root, pageOf(where));
  if (word < 0) return -1;
  const low = at(parts.frames.words, word);
  return low === 0 ? -1 : frameOf(low);
}
