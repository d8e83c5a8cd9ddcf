/**
 * Pages with frames, in one address space: secure frames and tables first, then map what cannot fail any more.
 * Knows nothing of who a page belongs to or who pays for it.
 */

import { address, offsetInPage, pageNumber, pageOf, PAGE_BYTES } from "../../mmu/address.ts";
import type { FrameNumber, GuestAddress, PageRange } from "../../mmu/address.ts";
import type { AddressSpace, Mmu, Protection } from "../../mmu/mmu.ts";
import type { FrameAllocator } from "../frame-allocator.ts";
import { refuse } from "./claims.ts";
import type { Refusal } from "./claims.ts";
import type { PageProtection } from "./reservation.ts";

const ENTRY: Readonly<Record<PageProtection, Protection | undefined>> = {
  none: undefined,
  r: { writable: false, executable: false },
  rw: { writable: true, executable: false },
  rx: { writable: false, executable: true },
};
/** What a page behind `none` is mapped with before its entry is made non-present. */
const UNREACHABLE: Protection = { writable: false, executable: false };

export class PageFrames {
  readonly space: AddressSpace;
  readonly #mmu: Mmu;
  readonly #frames: FrameAllocator;

  constructor(mmu: Mmu, frames: FrameAllocator, space: AddressSpace) {
    this.#mmu = mmu;
    this.#frames = frames;
    this.space = space;
  }

  /** Page tables for the range; when refused none is kept. */
  secureTables({ first, count }: PageRange): Refusal | undefined {
    if (this.space.ensureTables(first, count)) return undefined;
    return refuse("overloaded", `no frames left for the page tables of ${count} pages`);
  }

  /** Page tables and a zeroed frame for each page of the range; when refused nothing is kept. */
  secure(range: PageRange): FrameNumber[] | Refusal {
    const refused = this.secureTables(range);
    if (refused !== undefined) return refused;
    const frames = this.#frames.allocateMany(range.count);
    if (frames !== undefined) return frames;
    this.space.pruneTables(range.first, range.count);
    return refuse("overloaded", `no frames left for ${range.count} pages`);
  }

  /** Tables must have been secured. */
  map(first: number, frames: readonly FrameNumber[], protection: PageProtection): void {
    const entry = ENTRY[protection];
    for (const [i, frame] of frames.entries()) {
      const page = pageNumber(first + i);
      this.space.map(page, frame, entry ?? UNREACHABLE);
      if (entry === undefined) this.space.protect(page, undefined);
    }
  }

  protect(first: number, count: number, protection: PageProtection): void {
    const entry = ENTRY[protection];
    for (let page = first; page < first + count; page++) this.space.protect(pageNumber(page), entry);
  }

  /** Takes the pages out and leaves the frames to whoever owns them. */
  unmap(first: number, count: number): void {
    for (let page = first; page < first + count; page++) this.space.unmap(pageNumber(page));
    this.space.pruneTables(pageNumber(first), count);
  }

  /** Takes the pages out and gives the frames back. */
  unmapAndFree(first: number, count: number): void {
    for (let page = first; page < first + count; page++) {
      this.#frames.free(this.space.unmap(pageNumber(page)));
    }
    this.space.pruneTables(pageNumber(first), count);
  }

  /** Writes bytes into secured frames before a program can see them; `at` lies inside the range. */
  fill({ first }: PageRange, frames: readonly FrameNumber[], at: GuestAddress, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const place = address(at + done);
      const inPage = offsetInPage(place);
      const part = bytes.subarray(done, done + PAGE_BYTES - inPage);
      const frame = frames[pageOf(place) - first];
      if (frame !== undefined) this.#mmu.frameBytes(frame).set(part, inPage);
      done += part.length;
    }
  }
}
