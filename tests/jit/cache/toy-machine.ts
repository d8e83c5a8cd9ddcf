/** An engine with the toy guest on the real MMU: spaces, mappings, registers by number. */

import type { CheckLevel } from "../../../src/invariant.ts";
import {
  type FrameNumber,
  frameNumber,
  fromHalves,
  type GuestAddress,
  lowHalf,
  highHalf,
  PAGE_BYTES,
  pageOf,
  bigFromHalves,
} from "../../../src/mmu/address.ts";
import { createMmu } from "../../../src/mmu/create-mmu.ts";
import { STATE_BYTE } from "../../../src/mmu/layout.ts";
import type { AddressSpace, FrameSource, Mmu, Protection } from "../../../src/mmu/mmu.ts";
import type { CacheLimits } from "../../../src/jit/cache/translation-cache.ts";
import { createEngine, type Engine, type RunRequest } from "../../../src/jit/engine.ts";
import type { Exit } from "../../../src/jit/exit.ts";
import { RIP } from "../../../src/jit/ir/state.ts";
import { DEFAULT_OPTIONS, type JitOptions } from "../../../src/jit/options.ts";
import type { JitObserver } from "../../../src/jit/translator.ts";
import { createToyLift, slotOf } from "./toy-guest.ts";

export const RX: Protection = { writable: false, executable: true };
export const RW: Protection = { writable: true, executable: false };

/** Hands out frames in order; freed ones come first. */
export function createFrameSource(frameCount: number): FrameSource {
  const freed: FrameNumber[] = [];
  let next = 1;
  return {
    allocate: () => freed.pop() ?? (next < frameCount ? frameNumber(next++) : undefined),
    free: (frame) => void freed.push(frame),
  };
}

export interface ToySettings {
  readonly options?: Partial<JitOptions>;
  readonly checks?: CheckLevel;
  readonly limits?: CacheLimits;
  readonly observer?: JitObserver;
  readonly countEntries?: boolean;
  readonly ramBytes?: number;
}

/** Address spaces and registers on the real MMU, without an engine. */
export class ToySpaces {
  readonly mmu: Mmu;
  readonly frames: FrameSource;

  constructor({ ramBytes = 4 << 20, checks = "full" }: Pick<ToySettings, "ramBytes" | "checks">) {
    this.mmu = createMmu({ ramBytes, checks });
    this.frames = createFrameSource(this.mmu.frameCount);
  }

  /** A new address space, made active. */
  space(): AddressSpace {
    const space = this.mmu.createAddressSpace(this.frames);
    if (space === undefined) throw new Error("out of frames");
    this.mmu.activate(space);
    return space;
  }

  /** A frame that begins with these bytes, zeros behind. */
  frame(bytes: Uint8Array = new Uint8Array()): FrameNumber {
    const frame = this.frames.allocate();
    if (frame === undefined) throw new Error("out of frames");
    this.mmu.zeroFrame(frame);
    this.mmu.frameBytes(frame).set(bytes);
    return frame;
  }

  map(space: AddressSpace, at: number, frame: FrameNumber, protection: Protection): void {
    const page = pageOf(at as GuestAddress);
    if (!space.ensureTables(page, 1)) throw new Error("out of frames");
    space.map(page, frame, protection);
  }

  /** Maps code, one page per 4096 bytes, at a page-aligned address. Returns the frames. */
  code(space: AddressSpace, at: number, bytes: Uint8Array): FrameNumber[] {
    const frames: FrameNumber[] = [];
    for (let offset = 0; offset < bytes.length; offset += PAGE_BYTES) {
      const frame = this.frame(bytes.subarray(offset, offset + PAGE_BYTES));
      this.map(space, at + offset, frame, RX);
      frames.push(frame);
    }
    return frames;
  }

  get rip(): number {
    const word = (STATE_BYTE + RIP) >> 2;
    return fromHalves(this.mmu.words[word]!, this.mmu.words[word + 1]!);
  }

  set rip(at: number) {
    const word = (STATE_BYTE + RIP) >> 2;
    this.mmu.words[word] = lowHalf(at);
    this.mmu.words[word + 1] = highHalf(at);
  }

  reg(r: number): bigint {
    const word = (STATE_BYTE + slotOf(r)) >> 2;
    return bigFromHalves(this.mmu.words[word]!, this.mmu.words[word + 1]!);
  }

  setReg(r: number, value: bigint): void {
    this.mmu.view.setBigUint64(STATE_BYTE + slotOf(r), BigInt.asUintN(64, value), true);
  }

  registers(): bigint[] {
    return [0, 1, 2, 3, 4, 5, 6, 7].map((r) => this.reg(r));
  }
}

export class ToyMachine extends ToySpaces {
  readonly engine: Engine;
  /** Addresses given to the lifter, in order. */
  readonly lifted: GuestAddress[] = [];

  constructor(settings: ToySettings = {}) {
    super(settings);
    this.engine = createEngine({
      mmu: this.mmu,
      lift: createToyLift((address) => void this.lifted.push(address)),
      options: { ...DEFAULT_OPTIONS, ...settings.options },
      checks: settings.checks ?? "full",
      cpuid: () => 0,
      random: () => ({ lo: 1, hi: 2 }),
      ...(settings.limits === undefined ? {} : { limits: settings.limits }),
      ...(settings.observer === undefined ? {} : { observer: settings.observer }),
      ...(settings.countEntries === undefined ? {} : { countEntries: settings.countEntries }),
    });
  }

  run(at: number, request: Partial<RunRequest> = {}): Exit {
    this.rip = at;
    return this.go(request);
  }

  /** Runs on from where RIP is. */
  go(request: Partial<RunRequest> = {}): Exit {
    return this.engine.run({ slice: 1_000_000, ...request });
  }
}
