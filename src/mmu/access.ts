/**
 * Slow paths of user accesses on the active address space: what emitted code calls when its look into the flat
 * table does not grant the access.
 *
 *   canonical? aligned? --> every page: TLB, else walk --> (store: code watch) --> every page: mark, fill --> move
 *                 |                      |                        |
 *                fault                 fault                 ACCESS_CODE
 *
 * Nothing changes before the last check has passed: no byte, no accessed or dirty bit, no TLB entry. A value passes
 * through the scratch bytes. Only a refusal allocates (the fault).
 */

import { demand, InvariantError } from "../invariant.ts";
import { type FrameNumber, isCanonical, isUserHalf, lowHalf, PAGE_BYTES } from "./address.ts";
import type { Space } from "./address-space.ts";
import { type PageFault, VECTOR_PAGE, VECTOR_PROTECTION, VECTOR_STACK } from "./fault.ts";
import { frameByte } from "./frames.ts";
import { brokenTlbPageRules } from "./invariants.ts";
import {
  ACCESS_ALIGNED, ACCESS_MODIFY, ACCESS_STACK, FRAMES_BYTE, SCRATCH_BYTE, SCRATCH_WORD, TLB_READ, TLB_WRITE,
} from "./layout.ts"; // prettier-ignore
import { ACCESS_CODE, ACCESS_FAULT, ACCESS_OK } from "./mmu.ts";
import type { MmuParts } from "./parts.ts";
import { entryByte, type Counters } from "./tlb.ts";
import { AS_USER, GRANTED, READ, WRITE } from "./walk.ts";

const OFFSET_MASK = PAGE_BYTES - 1;

export class SlowPaths {
  /** The space whose user accesses these are. */
  active: Space | undefined;
  /** The last refusal. */
  fault: PageFault | undefined;

  readonly #parts: MmuParts;
  readonly #counters: Counters;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #view: DataView;
  /** The access being checked: first bytes of its one or two parts, and the address of the second. */
  #host = 0;
  #secondHost = 0;
  #secondLo = 0;
  #secondHi = 0;
  /** Bytes in the first page. */
  #split = 0;
  /** The first part was not in a TLB; while the access has no second part, the walker still describes it. */
  #walked = false;

  constructor(parts: MmuParts, counters: Counters) {
    this.#parts = parts;
    this.#counters = counters;
    this.#bytes = parts.frames.bytes;
    this.#words = parts.frames.words;
    this.#view = parts.frames.view;
  }

  load(lo: number, hi: number, sizeBytes: number, flags: number): typeof ACCESS_OK | typeof ACCESS_FAULT {
    const access = (flags & ACCESS_MODIFY) !== 0 ? WRITE : READ;
    if (!this.#check(lo, hi, sizeBytes, flags, access)) return ACCESS_FAULT;
    // A read-modify-write is checked for writing, and becomes a write when its store comes.
    this.#secureAll(lo, hi, sizeBytes, READ);
    this.#readToScratch(sizeBytes);
    return ACCESS_OK;
  }

  store(lo: number, hi: number, sizeBytes: number, flags: number, allowCode: boolean): number {
    if (!this.#check(lo, hi, sizeBytes, flags, WRITE)) return ACCESS_FAULT;
    const watch = this.#parts.watch;
    const first = frameAt(this.#host);
    const crosses = this.#split < sizeBytes;
    const second = crosses ? frameAt(this.#secondHost) : first;
    if (watch.isWatched(first) || watch.isWatched(second)) {
      if (!allowCode) return ACCESS_CODE;
      this.#endWatches(first, second, lo, hi);
    }
    this.#secureAll(lo, hi, sizeBytes, WRITE);
    this.#writeFromScratch(sizeBytes);
    return ACCESS_OK;
  }

  probeWrite(
    lo: number,
    hi: number,
    sizeBytes: number,
    flags: number,
  ): typeof ACCESS_OK | typeof ACCESS_FAULT {
    return this.#check(lo, hi, sizeBytes, flags, WRITE) ? ACCESS_OK : ACCESS_FAULT;
  }

  /** The listener may use the walker, so its answer is fetched again. */
  #endWatches(first: FrameNumber, second: FrameNumber, lo: number, hi: number): void {
    const { watch, walker } = this.#parts;
    watch.beforeWrite(first);
    watch.beforeWrite(second);
    walker.walk(this.#activeSpace().root, lo, hi, WRITE, AS_USER);
  }

  /** Checks every byte and finds their host places; false with `fault` set. Changes nothing in the guest. */
  #check(lo: number, hi: number, sizeBytes: number, flags: number, access: number): boolean {
    this.#counters.slowAccesses++;
    const offset = lo & OFFSET_MASK;
    const room = PAGE_BYTES - offset;
    if ((flags & ACCESS_ALIGNED) !== 0 && (lo & (sizeBytes - 1)) !== 0) {
      this.fault = refusal(VECTOR_PROTECTION, 0, lo, hi, access);
      return false;
    }
    if (!isCanonical(hi)) return this.#refuseAddress(lo, hi, flags, access);
    this.#split = sizeBytes <= room ? sizeBytes : room;
    if (sizeBytes > room && !this.#placeSecond(lo, hi, flags, access)) return false;
    this.#host = this.#translate(lo, hi, access);
    if (this.#host < 0) return false;
    if (sizeBytes <= room) return true;
    this.#secondHost = this.#translate(this.#secondLo, this.#secondHi, access);
    return this.#secondHost >= 0;
  }

  /** The start of the next page; it wraps at 2^64 as addresses do. */
  #placeSecond(lo: number, hi: number, flags: number, access: number): boolean {
    this.#secondLo = lowHalf((lo & -PAGE_BYTES) + PAGE_BYTES);
    this.#secondHi = this.#secondLo === 0 ? lowHalf(hi + 1) : hi;
    return isCanonical(this.#secondHi) || this.#refuseAddress(lo, hi, flags, access);
  }

  /** Host byte of an address for an access inside its page, or -1 with `fault` set. */
  #translate(lo: number, hi: number, access: number): number {
    const space = this.#activeSpace();
    const needs = access === WRITE ? TLB_WRITE : TLB_READ;
    const cached = this.#cached(space, lo, hi, needs);
    this.#walked = cached < 0;
    if (cached >= 0) return cached;
    const walker = this.#parts.walker;
    const outcome = walker.walk(space.root, lo, hi, access, AS_USER);
    if (outcome === GRANTED) return frameByte(walker.frame) + (lo & OFFSET_MASK);
    this.fault = refusal(VECTOR_PAGE, outcome, lo, hi, access);
    return -1;
  }

  #cached(space: Space, lo: number, hi: number, needs: number): number {
    if (hi !== 0) return isUserHalf(hi) ? this.#parts.farTlb.lookup(space.id, lo, hi, needs) : -1;
    const entry = this.#parts.tlb.entry(space.slot, lo);
    return (entry & needs) !== 0 ? entryByte(entry, lo) : -1;
  }

  /** Sets accessed and dirty bits of what was granted, and caches its translations. */
  #secureAll(lo: number, hi: number, sizeBytes: number, access: number): void {
    if (this.#split < sizeBytes) {
      this.#secure(lo, hi, access);
      this.#secure(this.#secondLo, this.#secondHi, access);
    } else if (this.#walked) {
      this.#fill(this.#activeSpace(), lo, hi, access);
    }
  }

  #secure(lo: number, hi: number, access: number): void {
    const space = this.#activeSpace();
    if (this.#cached(space, lo, hi, access === WRITE ? TLB_WRITE : TLB_READ) >= 0) return;
    this.#parts.walker.walk(space.root, lo, hi, access, AS_USER);
    this.#fill(space, lo, hi, access);
  }

  /** Uses the walker's answer for this page. */
  #fill(space: Space, lo: number, hi: number, access: number): void {
    const { walker, watch, tlb, farTlb, checks } = this.#parts;
    walker.markUsed(access);
    const writable = walker.writable && walker.dirty && !watch.isWatched(walker.frame);
    if (hi === 0) tlb.fill(space.slot, lo, walker.frame, writable);
    else farTlb.fill(space.id, lo, hi, walker.frame, writable);
    if (checks !== "off") demand(brokenTlbPageRules(this.#parts, space, lo, hi));
  }

  #activeSpace(): Space {
    return this.active ?? noSpace();
  }

  #refuseAddress(lo: number, hi: number, flags: number, access: number): false {
    const vector = (flags & ACCESS_STACK) !== 0 ? VECTOR_STACK : VECTOR_PROTECTION;
    this.fault = refusal(vector, 0, lo, hi, access);
    return false;
  }

  #readToScratch(sizeBytes: number): void {
    const words = this.#words;
    const host = this.#host;
    words[SCRATCH_WORD] = 0;
    words[SCRATCH_WORD + 1] = 0;
    words[SCRATCH_WORD + 2] = 0;
    words[SCRATCH_WORD + 3] = 0;
    if (this.#split < sizeBytes || sizeBytes === 2) {
      for (let index = 0; index < sizeBytes; index++) {
        this.#bytes[SCRATCH_BYTE + index] = this.#bytes[this.#byteAt(index)] as number;
      }
    } else if (sizeBytes === 1) {
      words[SCRATCH_WORD] = this.#bytes[host] as number;
    } else {
      for (let index = 0; index < sizeBytes; index += 4) {
        words[(SCRATCH_BYTE + index) >> 2] = this.#view.getInt32(host + index, true);
      }
    }
  }

  #writeFromScratch(sizeBytes: number): void {
    if (this.#split < sizeBytes || sizeBytes <= 2) {
      for (let index = 0; index < sizeBytes; index++) {
        this.#bytes[this.#byteAt(index)] = this.#bytes[SCRATCH_BYTE + index] as number;
      }
    } else {
      for (let index = 0; index < sizeBytes; index += 4) {
        this.#view.setInt32(this.#host + index, this.#words[(SCRATCH_BYTE + index) >> 2] as number, true);
      }
    }
  }

  /** Host place of byte `index` of the access. */
  #byteAt(index: number): number {
    return index < this.#split ? this.#host + index : this.#secondHost + index - this.#split;
  }
}

const frameAt = (host: number): FrameNumber => ((host - FRAMES_BYTE) >>> 12) as FrameNumber;

const refusal = (
  vector: PageFault["vector"],
  errorCode: number,
  lo: number,
  hi: number,
  access: number,
): PageFault => ({ vector, errorCode, lo, hi, access: access === WRITE ? "write" : "read" });

function noSpace(): never {
  throw new InvariantError(["MMU-9: a user access needs an active address space"]);
}
