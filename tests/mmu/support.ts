/** What MMU tests share: a frame source that counts, a small machine, and words by address. */

import { expect } from "vitest";
import {
  type FrameNumber,
  frameNumber,
  highHalf,
  lowHalf,
  type PageNumber,
  pageNumber,
} from "../../src/mmu/address.ts";
import { createMmu, partsOf } from "../../src/mmu/create-mmu.ts";
import { MIN_RAM_BYTES, SCRATCH_BYTE } from "../../src/mmu/layout.ts";
import type { AddressSpace, FrameSource, Mmu } from "../../src/mmu/mmu.ts";
import type { MmuParts } from "../../src/mmu/parts.ts";

export class CountingSource implements FrameSource {
  readonly #free: FrameNumber[];
  /** Frames handed out and not given back. */
  readonly taken = new Set<FrameNumber>();

  constructor(first: number, end: number) {
    this.#free = Array.from({ length: end - first }, (_, index) => frameNumber(end - 1 - index));
  }

  get left(): number {
    return this.#free.length;
  }

  allocate(): FrameNumber | undefined {
    const frame = this.#free.pop();
    if (frame !== undefined) this.taken.add(frame);
    return frame;
  }

  free(frame: FrameNumber): void {
    expect(this.taken.delete(frame)).toBe(true);
    this.#free.push(frame);
  }
}

/** Data frames of tests are below this number; tables come from the frames above. */
export const FIRST_TABLE_FRAME = 64;

export interface Machine {
  readonly mmu: Mmu;
  readonly parts: MmuParts;
  readonly source: CountingSource;
  newSpace(): AddressSpace;
}

export function machine(ramBytes = MIN_RAM_BYTES): Machine {
  const mmu = createMmu({ ramBytes, checks: "full" });
  const source = new CountingSource(FIRST_TABLE_FRAME, mmu.frameCount);
  return {
    mmu,
    parts: partsOf(mmu),
    source,
    newSpace: () => {
      const space = mmu.createAddressSpace(source);
      if (space === undefined) throw new Error("the test's frame source is empty");
      return space;
    },
  };
}

export const R = { writable: false, executable: false };
export const RW = { writable: true, executable: false };
export const RX = { writable: false, executable: true };

export const page = (n: number): PageNumber => pageNumber(n);
export const frame = (n: number): FrameNumber => frameNumber(n);

/** Maps a page, making its tables. */
export function map(space: AddressSpace, at: number, to: number, protection = RW): void {
  expect(space.ensureTables(page(at), 1)).toBe(true);
  space.map(page(at), frame(to), protection);
}

export const load = (mmu: Mmu, where: number, sizeBytes: number, flags = 0): number =>
  mmu.load(lowHalf(where), highHalf(where), sizeBytes, flags);

export const store = (mmu: Mmu, where: number, sizeBytes: number, flags = 0, allowCode = false): number =>
  mmu.store(lowHalf(where), highHalf(where), sizeBytes, flags, allowCode);

export const probe = (mmu: Mmu, where: number, sizeBytes: number, flags = 0): number =>
  mmu.probeWrite(lowHalf(where), highHalf(where), sizeBytes, flags);

export const scratch = (mmu: Mmu): Uint8Array => mmu.bytes.subarray(SCRATCH_BYTE, SCRATCH_BYTE + 16);

export const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (seed * 31 + index * 7 + 1) & 255);
