/**
 * Frames that hold translated code. A write to one, by any alias and by anybody, first tells the listener, which
 * drops the translations; only then do the bytes change. No TLB holds a writable entry for a watched frame, so
 * every such write comes through a slow path.
 */

import type { FrameNumber } from "./address.ts";
import type { Frames } from "./frames.ts";
import type { CodeListener } from "./mmu.ts";

export class CodeWatch {
  /** MMU-2: 1 for each watched frame; the same frames as `frames`. */
  readonly flags: Uint8Array;
  readonly frames = new Set<FrameNumber>();
  listener: CodeListener | undefined;

  readonly #memory: Frames;
  /** Takes the writable entries of a frame out of every TLB. */
  readonly #dropWrites: (frame: FrameNumber) => void;

  constructor(memory: Frames, dropWrites: (frame: FrameNumber) => void) {
    this.#memory = memory;
    this.flags = new Uint8Array(memory.totalFrames);
    this.#dropWrites = dropWrites;
  }

  isWatched(frame: number): boolean {
    return this.flags[frame] === 1;
  }

  watch(frame: FrameNumber): void {
    this.#memory.demandFrame(frame, this.#memory.ramFrames);
    if (this.isWatched(frame)) return;
    this.flags[frame] = 1;
    this.frames.add(frame);
    this.#dropWrites(frame);
  }

  unwatch(frame: FrameNumber): void {
    if (!this.isWatched(frame)) return;
    this.flags[frame] = 0;
    this.frames.delete(frame);
  }

  /** To be called before the bytes of a frame change. Afterwards the frame is not watched. */
  beforeWrite(frame: FrameNumber): void {
    if (!this.isWatched(frame)) return;
    this.listener?.onCodeWrite(frame);
    this.unwatch(frame);
  }

  /** Zero-fills a frame as a write that the listener hears of. */
  zero(frame: FrameNumber): void {
    this.beforeWrite(frame);
    this.#memory.zero(frame);
  }

  /** Fills part of a frame; `offset + bytes.length` is at most a page. */
  write(frame: FrameNumber, offset: number, bytes: Uint8Array): void {
    this.beforeWrite(frame);
    this.#memory.frameBytes(frame).set(bytes, offset);
  }
}
