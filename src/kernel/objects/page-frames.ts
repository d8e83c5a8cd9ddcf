/**
 * Pages with frames, in one address space: secure frames and tables first, then map what cannot fail any more.
 * Knows nothing of who a page belongs to or who pays for it.
 */

import { address, frameNumber, offsetInPage, pageNumber, pageOf, PAGE_BYTES } from "../../mmu/address.ts";
import type { FrameNumber, GuestAddress, PageRange } from "../../mmu/address.ts";
import { frameByte } from "../../mmu/frames.ts";
import { rangesOf } from "../../mmu/address-space.ts";
import type { SpaceRanges, UnmapReason } from "../../mmu/address-space.ts";
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

export class PageFrames {
  readonly space: AddressSpace;
  readonly #mmu: Mmu;
  readonly #frames: FrameAllocator;
  readonly #ranges: SpaceRanges;

  constructor(mmu: Mmu, frames: FrameAllocator, space: AddressSpace) {
    this.#mmu = mmu;
    this.#frames = frames;
    this.space = space;
    this.#ranges = rangesOf(space);
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
    this.#ranges.mapRange(pageNumber(first), frames, ENTRY[protection]);
  }

  protect(first: number, count: number, protection: PageProtection): void {
    this.#ranges.protectRange(pageNumber(first), count, ENTRY[protection]);
  }

  /** Takes the pages out and leaves the frames to whoever owns them. */
  unmap(first: number, count: number, why: UnmapReason): void {
    this.#ranges.unmapRange(pageNumber(first), count, why);
    this.space.pruneTables(pageNumber(first), count);
  }

  /** Takes the pages out and gives the frames back. */
  unmapAndFree(first: number, count: number, why: UnmapReason): void {
    this.#frames.freeMany(this.#ranges.unmapRange(pageNumber(first), count, why));
    this.space.pruneTables(pageNumber(first), count);
  }

  /** Writes bytes into secured frames before a program can see them; `at` lies inside the range. */
  fill({ first }: PageRange, frames: readonly FrameNumber[], at: GuestAddress, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const place = address(at + done);
      const inPage = offsetInPage(place);
      const index = pageOf(place) - first;
      const frame = frames[index];
      if (frame === undefined) return;
      // Frames that lie side by side take their bytes in one go.
      const wanted = Math.ceil((inPage + bytes.length - done) / PAGE_BYTES);
      let pages = 1;
      while (pages < wanted && frames[index + pages] === frame + pages) pages++;
      for (let i = 0; i < pages; i++) this.#mmu.beforeFrameWrite(frameNumber(frame + i));
      const part = bytes.subarray(done, done + pages * PAGE_BYTES - inPage);
      this.#mmu.bytes.set(part, frameByte(frame) + inPage);
      done += part.length;
    }
  }
}
