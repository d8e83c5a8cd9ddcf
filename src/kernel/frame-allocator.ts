/**
 * Which frames of guest memory are free. `FrameBitmap` is the pure rule over bytes (bit set = used, next fit);
 * `FrameAllocator` puts those bytes into guest frames of their own, fills them from the memory map, and sees to
 * it that no owner finds what another one wrote.
 */

import { InvariantError } from "../invariant.ts";
import { frameNumber, hex, PAGE_BYTES } from "../mmu/address.ts";
import type { FrameNumber } from "../mmu/address.ts";
import type { FrameSource, Mmu } from "../mmu/mmu.ts";
import { splitMemoryMap } from "./memory-map.ts";
import type { MemoryMapEntry } from "./memory-map.ts";

const ALL_USED = 0xff;

/**
 * Frame i is bit i % 8 of byte i / 8; bits past the last frame are set. Fields:
 * `freeCount` = clear bits (KER-26); `#hint` = where the next search starts, 0 .. total.
 */
export class FrameBitmap {
  readonly total: number;
  #bytes: Uint8Array;
  #freeCount = 0;
  #hint = 0;

  /** Takes over `bytes` (at least total / 8 of them) and marks every frame used. */
  constructor(bytes: Uint8Array, total: number) {
    if (bytes.length * 8 < total) throw new InvariantError([`KER-26 bitmap too small for ${total} frames`]);
    this.#bytes = bytes;
    this.total = total;
    bytes.fill(ALL_USED);
  }

  static bytesFor(total: number): number {
    return Math.ceil(total / 8);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  /** Keeps the bits in other bytes from now on. */
  moveTo(bytes: Uint8Array): void {
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }

  isUsed(frame: number): boolean {
    return (((this.#bytes[frame >> 3] ?? ALL_USED) >> (frame & 7)) & 1) === 1;
  }

  /** Idempotent; frames past the end are ignored. */
  markUsed(frame: number): void {
    if (!this.isUsed(frame)) this.#set(frame);
  }

  /** Idempotent; frames past the end are ignored. */
  markFree(frame: number): void {
    if (frame < this.total && this.isUsed(frame)) this.#clear(frame);
  }

  /** Marks `first` .. `end - 1`, whole bytes of used frames at once: this is all the work at start. */
  markRunFree(first: number, end: number): void {
    for (let frame = first; frame < end;) {
      if (
        (frame & 7) === 0 &&
        frame + 8 <= Math.min(end, this.total) &&
        this.#bytes[frame >> 3] === ALL_USED
      ) {
        this.#bytes[frame >> 3] = 0;
        this.#freeCount += 8;
        frame += 8;
      } else {
        this.markFree(frame++);
      }
    }
  }

  /** The next free frame from the hint on, wrapping; undefined when there is none. */
  allocate(): number | undefined {
    if (this.#freeCount === 0) return undefined;
    const frame = this.#nextFree(this.#hint, this.total) ?? this.#nextFree(0, this.#hint);
    if (frame === undefined) return undefined;
    this.#set(frame);
    this.#hint = frame + 1;
    return frame;
  }

  /** The first of `count` free neighbours: first fit from the hint, then over everything. A run never wraps. */
  allocateContiguous(count: number): number | undefined {
    if (count === 0 || count > this.#freeCount) return undefined;
    const first = this.#freeRun(this.#hint, count) ?? this.#freeRun(0, count);
    if (first === undefined) return undefined;
    for (let frame = first; frame < first + count; frame++) this.#set(frame);
    this.#hint = first + count;
    return first;
  }

  /** A refused free changes nothing. */
  free(frame: number): "ok" | "outOfRange" | "doubleFree" {
    if (frame >= this.total) return "outOfRange";
    if (!this.isUsed(frame)) return "doubleFree";
    this.#clear(frame);
    return "ok";
  }

  #set(frame: number): void {
    const at = frame >> 3;
    this.#bytes[at] = (this.#bytes[at] ?? 0) | (1 << (frame & 7));
    this.#freeCount--;
  }

  #clear(frame: number): void {
    const at = frame >> 3;
    this.#bytes[at] = (this.#bytes[at] ?? 0) & ~(1 << (frame & 7));
    this.#freeCount++;
  }

  #nextFree(from: number, end: number): number | undefined {
    let frame = from;
    while (frame < end) {
      const byte = this.#bytes[frame >> 3] ?? ALL_USED;
      if (byte === ALL_USED) frame = (frame | 7) + 1;
      else if (((byte >> (frame & 7)) & 1) === 0) return frame;
      else frame++;
    }
    return undefined;
  }

  #freeRun(from: number, count: number): number | undefined {
    let first = this.#nextFree(from, this.total);
    while (first !== undefined && first + count <= this.total) {
      let end = first + 1;
      while (end < first + count && !this.isUsed(end)) end++;
      if (end === first + count) return first;
      first = this.#nextFree(end, this.total);
    }
    return undefined;
  }
}

const SET_BITS = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

/** KER-26  The free count is the number of clear bits, and frame 0 and the bitmap's own frames are used. */
export function brokenBitmapRules(bitmap: FrameBitmap, alwaysUsed: readonly number[]): string[] {
  const broken: string[] = [];
  const { bytes } = bitmap;
  let clear = 0;
  for (let i = 0; i < bytes.length; i++) clear += 8 - (SET_BITS[bytes[i] as number] as number);
  if (clear !== bitmap.freeCount) {
    broken.push(`KER-26 the bitmap has ${clear} clear bits, its free count says ${bitmap.freeCount}`);
  }
  for (const frame of alwaysUsed) {
    if (!bitmap.isUsed(frame)) broken.push(`KER-26 frame ${hex(frame)} must never be free`);
  }
  return broken;
}

/**
 * The frames of the machine. A frame is zeroed when it gets its next owner; the MMU knows which ones nobody wrote
 * since the last time, and those cost nothing (MMU-11).
 */
export class FrameAllocator implements FrameSource {
  readonly #mmu: Mmu;
  readonly #bitmap: FrameBitmap;
  /** Frames that hold the bitmap itself. */
  readonly bitmapFrames: readonly FrameNumber[];

  constructor(mmu: Mmu, map: readonly MemoryMapEntry[]) {
    const { usable, taken } = splitMemoryMap(map, mmu.frameCount);
    const bitmap = new FrameBitmap(new Uint8Array(FrameBitmap.bytesFor(mmu.frameCount)), mmu.frameCount);
    for (const run of usable) bitmap.markRunFree(run.first, run.end);
    for (const run of taken) for (let frame = run.first; frame < run.end; frame++) bitmap.markUsed(frame);
    bitmap.markUsed(0);
    this.#mmu = mmu;
    const count = Math.ceil(bitmap.bytes.length / PAGE_BYTES);
    const first = bitmap.allocateContiguous(count);
    if (first === undefined) {
      throw new InvariantError(["KER-26 the memory map has no usable run for the frame bitmap"]);
    }
    this.bitmapFrames = Array.from({ length: count }, (_, i) => frameNumber(first + i));
    // The frames lie side by side, so one view spans them.
    const start = mmu.frameBytes(frameNumber(first)).byteOffset;
    bitmap.moveTo(new Uint8Array(mmu.memory.buffer, start, bitmap.bytes.length));
    this.#bitmap = bitmap;
  }

  get freeCount(): number {
    return this.#bitmap.freeCount;
  }

  get frameCount(): number {
    return this.#bitmap.total;
  }

  isUsed(frame: FrameNumber): boolean {
    return this.#bitmap.isUsed(frame);
  }

  /** A frame with unspecified content. */
  allocate(): FrameNumber | undefined {
    const frame = this.#bitmap.allocate();
    if (frame === undefined) return undefined;
    // The code listener hears of a recycled frame before its new owner can write it.
    this.#mmu.beforeFrameWrite(frameNumber(frame));
    return frameNumber(frame);
  }

  /** A frame full of zeros. */
  allocateZeroed(): FrameNumber | undefined {
    const frame = this.#bitmap.allocate();
    if (frame === undefined) return undefined;
    this.#mmu.zeroFrame(frameNumber(frame));
    return frameNumber(frame);
  }

  /** `count` zeroed frames, anywhere; all or none. */
  allocateMany(count: number): FrameNumber[] | undefined {
    if (count > this.#bitmap.freeCount) return undefined;
    const frames: FrameNumber[] = [];
    for (let i = 0; i < count; i++) {
      const frame = this.allocateZeroed();
      if (frame === undefined) throw new InvariantError(["KER-26 fewer frames than the free count says"]);
      frames.push(frame);
    }
    return frames;
  }

  /** `count` zeroed frames side by side, or undefined when there is no such run. */
  allocateContiguous(count: number): FrameNumber[] | undefined {
    const first = this.#bitmap.allocateContiguous(count);
    if (first === undefined) return undefined;
    const frames: FrameNumber[] = [];
    for (let frame = first; frame < first + count; frame++) {
      this.#mmu.zeroFrame(frameNumber(frame));
      frames.push(frameNumber(frame));
    }
    return frames;
  }

  /** Gives a frame back. Freeing what is free already, or what never could be owned, is a bug of ours. */
  free(frame: FrameNumber): void {
    const outcome = this.#isReserved(frame) ? "reserved" : this.#bitmap.free(frame);
    if (outcome !== "ok") throw new InvariantError([`KER-26 free of frame ${hex(frame)}: ${outcome}`]);
  }

  freeMany(frames: readonly FrameNumber[]): void {
    for (let i = 0; i < frames.length; i++) this.free(frames[i] as FrameNumber);
  }

  #isReserved(frame: number): boolean {
    const own = frame - (this.bitmapFrames[0] ?? 0);
    return frame === 0 || (own >= 0 && own < this.bitmapFrames.length);
  }

  brokenRules(): string[] {
    return brokenBitmapRules(this.#bitmap, [0, ...this.bitmapFrames]);
  }
}
