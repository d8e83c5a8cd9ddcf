/**
 * Guest physical memory: the one linear memory, its views, and what is known about each frame.
 *
 * The memory has its final size from the start, so views of it never detach; the host commits its pages when they
 * are first touched, so a large one costs nothing. The per-frame tables are zero-filled typed arrays: nothing here
 * does work in proportion to the amount of RAM.
 */

import { demand } from "../invariant.ts";
import { type FrameNumber, hex, PAGE_BYTES } from "./address.ts";
import { FRAMES_BYTE, KERNEL_FRAMES, MAX_RAM_BYTES, MIN_RAM_BYTES } from "./layout.ts";

const WASM_PAGE_BYTES = 65536;

/** What is wrong with an amount of guest RAM, or undefined. */
export function ramBytesProblem(ramBytes: number): string | undefined {
  if (!Number.isInteger(ramBytes) || ramBytes % PAGE_BYTES !== 0) {
    return `guest RAM must be a multiple of ${PAGE_BYTES} bytes, not ${ramBytes}`;
  }
  if (ramBytes >= MIN_RAM_BYTES && ramBytes <= MAX_RAM_BYTES) return undefined;
  return `guest RAM must be between ${MIN_RAM_BYTES} and ${MAX_RAM_BYTES} bytes, not ${ramBytes}`;
}

export class Frames {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  /** Frames of guest RAM. */
  readonly ramFrames: number;
  /** All frames: guest RAM, then the kernel's. */
  readonly totalFrames: number;
  /** MMU-3: page-table entries of any level that name the frame, and spaces whose root it is. */
  readonly references: Uint32Array;
  /** MMU-3: level of the page table that the frame holds (4: PML4, 1: page table), or 0. */
  readonly tableLevel: Uint8Array;

  /** Throws a `RangeError` with one clear line when `ramBytes` is not an acceptable amount. */
  constructor(ramBytes: number) {
    const problem = ramBytesProblem(ramBytes);
    if (problem !== undefined) throw new RangeError(problem);
    this.ramFrames = ramBytes / PAGE_BYTES;
    this.totalFrames = this.ramFrames + KERNEL_FRAMES;
    const pages = Math.ceil((FRAMES_BYTE + this.totalFrames * PAGE_BYTES) / WASM_PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const buffer = this.memory.buffer;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.view = new DataView(buffer);
    this.references = new Uint32Array(this.totalFrames);
    this.tableLevel = new Uint8Array(this.totalFrames);
  }

  frameBytes(frame: FrameNumber): Uint8Array {
    this.demandFrame(frame, this.totalFrames);
    const start = frameByte(frame);
    return this.bytes.subarray(start, start + PAGE_BYTES);
  }

  zero(frame: FrameNumber): void {
    this.demandFrame(frame, this.totalFrames);
    const start = frameByte(frame);
    this.bytes.fill(0, start, start + PAGE_BYTES);
  }

  /** MMU-9: the frame number lies below `end`. */
  demandFrame(frame: number, end: number): void {
    if (Number.isInteger(frame) && frame >= 0 && frame < end) return;
    demand([`MMU-9: ${Number.isInteger(frame) ? hex(frame) : frame} is no frame below ${hex(end)}`]);
  }

  /** Makes an unused frame an empty page table. MMU-3: nothing else may name it. */
  claimTable(frame: FrameNumber, level: number): void {
    this.demandFrame(frame, this.totalFrames);
    if (this.references[frame] !== 0 || this.tableLevel[frame] !== 0) {
      demand([`MMU-3: frame ${hex(frame)} was handed out for a page table and is in use`]);
    }
    this.zero(frame);
    this.references[frame] = 1;
    this.tableLevel[frame] = level;
  }

  releaseTable(frame: FrameNumber): void {
    this.references[frame] = 0;
    this.tableLevel[frame] = 0;
  }
}

/** Byte offset of a frame in linear memory. */
export const frameByte = (frame: number): number => FRAMES_BYTE + frame * PAGE_BYTES;
