/**
 * Frames that processes share. They live as long as a capability or a mapping names the object, and are given
 * back exactly when the last of both is gone. Physical addresses never leave the kernel.
 */

import { InvariantError } from "../../invariant.ts";
import { PAGE_BYTES } from "../../mmu/address.ts";
import type { FrameNumber } from "../../mmu/address.ts";
import type { FrameAllocator } from "../frame-allocator.ts";
import type { Ledger } from "../ledger.ts";

/**
 * Fields: `frames` = fixed at creation, one per page; `holds` = capabilities (slots and transfers on their way)
 * that name the object, kept by whoever holds; `mappedPages` = pages of it in all address spaces, kept by their
 * process memories (KER-21); `freed` = the frames went back.
 */
export class MemoryObject {
  readonly #source: FrameAllocator;
  readonly frames: readonly FrameNumber[];
  #holds = 0;
  #mappedPages = 0;
  #freed = false;

  /** Takes over the frames. Nobody holds the object yet: hold it, or `discardUnheld`. */
  constructor(source: FrameAllocator, frames: readonly FrameNumber[]) {
    this.#source = source;
    this.frames = frames;
  }

  get pageCount(): number {
    return this.frames.length;
  }
  get sizeBytes(): number {
    return this.frames.length * PAGE_BYTES;
  }
  get holds(): number {
    return this.#holds;
  }
  get mappedPages(): number {
    return this.#mappedPages;
  }
  get freed(): boolean {
    return this.#freed;
  }

  addHold(): void {
    this.#demandFrames();
    this.#holds++;
  }

  dropHold(): void {
    if (this.#holds === 0) throw new InvariantError(["KER-21 a memory object lost a hold it never had"]);
    this.#holds--;
    this.discardUnheld();
  }

  addMappedPages(count: number): void {
    this.#demandFrames();
    this.#mappedPages += count;
  }

  /** The page-table entries must be gone already: the frames may be. */
  dropMappedPages(count: number): void {
    if (count > this.#mappedPages) {
      throw new InvariantError([
        `KER-21 ${count} pages unmapped of a memory object with ${this.#mappedPages}`,
      ]);
    }
    this.#mappedPages -= count;
    this.discardUnheld();
  }

  /** Gives the frames back when no capability and no mapping is left, or none ever was. */
  discardUnheld(): void {
    if (this.#freed || this.#holds > 0 || this.#mappedPages > 0) return;
    this.#freed = true;
    for (const frame of this.frames) this.#source.free(frame);
  }

  #demandFrames(): void {
    if (this.#freed) throw new InvariantError(["KER-21 a memory object is used after its frames went back"]);
  }
}

export type AllocateResult =
  | { readonly status: "ok"; readonly object: MemoryObject }
  | { readonly status: "invalidArgument" | "overloaded"; readonly text: string };

/**
 * An object of `count` zeroed neighbouring frames, for a holder with this ledger. The charge itself is made when
 * the holder's table takes the capability.
 */
export function allocateMemoryObject(source: FrameAllocator, ledger: Ledger, count: number): AllocateResult {
  if (count === 0) return { status: "invalidArgument", text: "a memory object of 0 pages" };
  if (!ledger.canCharge("frameGrantPages", count)) {
    return { status: "overloaded", text: `frame grant quota: ${ledger.refusal("frameGrantPages", count)}` };
  }
  const frames = source.allocateContiguous(count);
  if (frames !== undefined) return { status: "ok", object: new MemoryObject(source, frames) };
  return { status: "overloaded", text: `no ${count} free frames side by side` };
}
