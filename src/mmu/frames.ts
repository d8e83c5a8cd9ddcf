/**
 * Guest physical memory: the one linear memory, its views, and what is known about each frame.
 *
 * The memory has its final size from the start, so views of it never detach; the host commits its pages when they
 * are first touched, so a large one costs nothing. The per-frame tables are zero-filled typed arrays: nothing here
 * does work in proportion to the amount of RAM.
 *
 * Most frames of a program are never written (a heap in .bss), so `content` remembers which may be:
 *
 *   FRESH --map, write, unmap (dirty); frameBytes; page table--> WRITTEN --zero--> ZEROED --...--> WRITTEN
 *
 * MMU-11  A frame that is not WRITTEN, not mapped and no page table is full of zeros. Zeroing it costs nothing.
 * What a program writes through a mapping is learned from the dirty bit when the leaf goes away.
 */

import { demand } from "../invariant.ts";
import { type FrameNumber, hex, PAGE_BYTES } from "./address.ts";
import { FRAMES_BYTE, KERNEL_FRAMES, MAX_RAM_BYTES, MIN_RAM_BYTES } from "./layout.ts";

/** Values of `Frames.content`: FRESH is as the host made it, and 0 like a new typed array. */
export const FRESH = 0;
export const WRITTEN = 1;
export const ZEROED = 2;
/** Lines reported at once. */
const MAX_LINES = 8;

const WASM_PAGE_BYTES = 65536;
const ZEROS = new Uint8Array(PAGE_BYTES);

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
  /** MMU-11: FRESH, WRITTEN or ZEROED. */
  readonly content: Uint8Array;
  /** The same bytes, for comparing. */
  readonly #buffer: Buffer;

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
    this.#buffer = Buffer.from(buffer);
    this.words = new Int32Array(buffer);
    this.view = new DataView(buffer);
    this.references = new Uint32Array(this.totalFrames);
    this.tableLevel = new Uint8Array(this.totalFrames);
    this.content = new Uint8Array(this.totalFrames);
  }

  /** The view can be written, so the frame counts as WRITTEN from now on. */
  frameBytes(frame: FrameNumber): Uint8Array {
    this.demandFrame(frame, this.totalFrames);
    this.content[frame] = WRITTEN;
    const start = frameByte(frame);
    return this.bytes.subarray(start, start + PAGE_BYTES);
  }

  zero(frame: FrameNumber): void {
    this.demandFrame(frame, this.totalFrames);
    const mapped = this.references[frame] !== 0;
    if (this.content[frame] !== WRITTEN && !mapped) return;
    const start = frameByte(frame);
    this.bytes.fill(0, start, start + PAGE_BYTES);
    // Through a mapping it may be written at any time, now or before its leaf goes away.
    this.content[frame] = mapped ? WRITTEN : ZEROED;
  }

  /** MMU-11 for one frame. */
  brokenContent(frame: FrameNumber): string[] {
    if (this.content[frame] === WRITTEN || this.references[frame] !== 0) return [];
    const start = frameByte(frame);
    if (this.#buffer.compare(ZEROS, 0, PAGE_BYTES, start, start + PAGE_BYTES) === 0) return [];
    return [`MMU-11: frame ${hex(frame)} counts as zero and holds other bytes`];
  }

  /**
   * MMU-11 for every frame of a range that was zeroed again. FRESH ones are not read: that would commit all of RAM.
   */
  brokenContents(first = 0, end = this.totalFrames): string[] {
    const broken: string[] = [];
    for (let frame = first; frame < end && broken.length < MAX_LINES; frame++) {
      if (this.content[frame] === ZEROED) broken.push(...this.brokenContent(frame as FrameNumber));
    }
    return broken;
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
    this.content[frame] = WRITTEN;
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
