/** Puts the parts of the MMU together. */

import { type CheckLevel, demand } from "../invariant.ts";
import type { FrameNumber } from "./address.ts";
import { SlowPaths } from "./access.ts";
import { Space } from "./address-space.ts";
import { CodeWatch } from "./code-watch.ts";
import { FarTlb } from "./far-tlb.ts";
import { Frames, WRITTEN } from "./frames.ts";
import { brokenMmuRules } from "./invariants.ts";
import { createKernelHalf, linkKernelHalf } from "./kernel-half.ts";
import { TABLE_POINTER_WORD } from "./layout.ts";
import type { AddressSpace, CodeListener, FrameSource, Mmu } from "./mmu.ts";
import { PageTables } from "./page-table.ts";
import type { MmuParts } from "./parts.ts";
import { type Counters, Tlb, tableWord } from "./tlb.ts";
import { Walker } from "./walk.ts";

const CONTENTS_AT_ONCE = 32;

export interface MmuOptions {
  /** Guest RAM: a multiple of 4096 within the bounds of layout.ts (`RangeError` otherwise). */
  readonly ramBytes: number;
  readonly checks: CheckLevel;
}

export function createMmu(options: MmuOptions): Mmu {
  return new SoftwareMmu(options);
}

/** The parts of an MMU, for tests and dumps that look behind the interface. */
export function partsOf(mmu: Mmu): MmuParts {
  if (mmu instanceof SoftwareMmu) return mmu.parts;
  throw new TypeError("not an MMU made by createMmu");
}

class SoftwareMmu implements Mmu {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  readonly frameCount: number;
  readonly parts: MmuParts;
  readonly stats: Counters = { tlbFills: 0, tlbFlushes: 0, slowAccesses: 0 };
  readonly #slowPaths: SlowPaths;
  #nextId = 1;
  /** First frame of the next look at contents. */
  #nextContent = 0;

  constructor({ ramBytes, checks }: MmuOptions) {
    this.parts = makeParts(ramBytes, checks, this.stats);
    const { frames } = this.parts;
    this.memory = frames.memory;
    this.bytes = frames.bytes;
    this.words = frames.words;
    this.view = frames.view;
    this.frameCount = frames.ramFrames;
    this.#slowPaths = new SlowPaths(this.parts, this.stats);
    this.words[TABLE_POINTER_WORD] = tableWord(0);
  }

  frameBytes(frame: FrameNumber): Uint8Array {
    return this.parts.frames.frameBytes(frame);
  }

  zeroFrame(frame: FrameNumber): void {
    const { checks, frames, watch } = this.parts;
    if (checks !== "off") demand(frames.brokenContent(frame));
    watch.zero(frame);
  }

  createAddressSpace(source: FrameSource): AddressSpace | undefined {
    const root = this.parts.tables.makeRoot(source);
    if (root === undefined) return undefined;
    linkKernelHalf(this.parts.frames, this.parts.kernel, root);
    const space = new Space(this.parts, root, {
      id: this.#nextId++,
      source,
      onDestroy: (gone) => this.#forget(gone),
    });
    this.parts.spaces.add(space);
    return space;
  }

  activate(space: AddressSpace): void {
    if (!(space instanceof Space) || !this.parts.spaces.has(space)) {
      demand([`MMU-9: address space ${space.id} is not one of this MMU's, or was destroyed`]);
      return;
    }
    this.parts.tlb.claim(space);
    this.#slowPaths.active = space;
    this.words[TABLE_POINTER_WORD] = tableWord(space.slot);
  }

  get active(): AddressSpace | undefined {
    return this.#slowPaths.active;
  }

  load(lo: number, hi: number, sizeBytes: number, flags: number) {
    return this.#slowPaths.load(lo, hi, sizeBytes, flags);
  }

  store(lo: number, hi: number, sizeBytes: number, flags: number, allowCode: boolean) {
    return this.#slowPaths.store(lo, hi, sizeBytes, flags, allowCode);
  }

  probeWrite(lo: number, hi: number, sizeBytes: number, flags: number) {
    return this.#slowPaths.probeWrite(lo, hi, sizeBytes, flags);
  }

  get fault() {
    return this.#slowPaths.fault;
  }

  setCodeListener(listener: CodeListener): void {
    this.parts.watch.listener = listener;
  }

  watchCode(frame: FrameNumber): void {
    this.parts.watch.watch(frame);
  }

  unwatchCode(frame: FrameNumber): void {
    this.parts.watch.unwatch(frame);
  }

  get watchedFrames(): ReadonlySet<FrameNumber> {
    return this.parts.watch.frames;
  }

  beforeFrameWrite(frame: FrameNumber): void {
    const { frames, watch } = this.parts;
    frames.demandFrame(frame, frames.totalFrames);
    watch.beforeWrite(frame);
    frames.content[frame] = WRITTEN;
  }

  brokenRules(): string[] {
    return [...brokenMmuRules(this.parts), ...this.parts.frames.brokenContents()];
  }

  brokenRulesNow(): string[] {
    const { frames } = this.parts;
    const first = this.#nextContent;
    const end = Math.min(first + CONTENTS_AT_ONCE, frames.totalFrames);
    this.#nextContent = end === frames.totalFrames ? 0 : end;
    return [...brokenMmuRules(this.parts), ...frames.brokenContents(first, end)];
  }

  /**
   * A destroyed space has no table and is not active. It had no page any more, so no TLB holds an entry of it, and
   * the table pointer may stay: the table it names is empty.
   */
  #forget(space: Space): void {
    this.parts.tlb.release(space);
    this.parts.spaces.delete(space);
    if (this.#slowPaths.active === space) this.#slowPaths.active = undefined;
  }
}

function makeParts(ramBytes: number, checks: CheckLevel, counters: Counters): MmuParts {
  const frames = new Frames(ramBytes);
  const tlb = new Tlb(frames, counters);
  const farTlb = new FarTlb(counters);
  const watch = new CodeWatch(frames, (frame) => {
    tlb.dropWrites(frame);
    farTlb.dropWrites(frame);
  });
  const tables = new PageTables(frames, watch);
  const kernel = createKernelHalf(frames, tables, kernelFrames(frames));
  const walker = new Walker(frames);
  return { checks, frames, watch, tables, walker, tlb, farTlb, kernel, spaces: new Set() };
}

/** Hands out the frames past guest RAM, in order. */
function kernelFrames(frames: Frames): FrameSource {
  let next = frames.ramFrames;
  return {
    allocate: () => (next < frames.totalFrames ? (next++ as FrameNumber) : undefined),
    free: () => demand(["MMU-5: the kernel half never gives frames back"]),
  };
}
