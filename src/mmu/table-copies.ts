/** Copies of page tables, to see whether a byte of them changed. */

import { PAGE_BYTES } from "./address.ts";
import { frameByte, type Frames } from "./frames.ts";

export class TableCopies {
  readonly #memory: Buffer;
  #frames: readonly number[] = [];
  #copies = Buffer.alloc(0);

  constructor({ memory }: Frames) {
    this.#memory = Buffer.from(memory.buffer);
  }

  /** Whether copies were taken and every byte is as it was then. */
  agree(): boolean {
    const frames = this.#frames;
    for (let i = 0; i < frames.length; i++) {
      const start = frameByte(frames[i] as number);
      const copy = i * PAGE_BYTES;
      const differs = this.#memory.compare(this.#copies, copy, copy + PAGE_BYTES, start, start + PAGE_BYTES);
      if (differs !== 0) return false;
    }
    return frames.length > 0;
  }

  /** Of these frames from now on. */
  take(frames: readonly number[]): void {
    const inside = frames.filter((frame) => frameByte(frame) + PAGE_BYTES <= this.#memory.length);
    if (this.#copies.length < inside.length * PAGE_BYTES)
      this.#copies = Buffer.alloc(inside.length * PAGE_BYTES);
    for (const [i, frame] of inside.entries()) {
      const start = frameByte(frame);
      this.#memory.copy(this.#copies, i * PAGE_BYTES, start, start + PAGE_BYTES);
    }
    this.#frames = inside;
  }
}
