/**
 * A bare x86-64 user-mode processor with a sound MMU and no kernel, for embedding. Everything is synchronous. What
 * the guest does wrong is a result of `run`; what the caller does wrong is a `RangeError` of one line, and nothing
 * has changed; a bug of capjit is an `InvariantError`.
 */

import { cpuidOf, type FeatureSet, isFeature } from "./frontend/features.ts";
import { INITIAL_WORDS } from "./frontend/guest-state.ts";
import { DEFAULT_FEATURES } from "./frontend/implemented.ts";
import { createLifter } from "./frontend/lift/block.ts";
import { createHostInputs, DEFAULT_SEED } from "./host-inputs.ts";
import type { CheckLevel } from "./invariant.ts";
import { createEngine, type Engine } from "./jit/engine.ts";
import type { Exit, GuestFault } from "./jit/exit.ts";
import { DEFAULT_OPTIONS, type JitOptions, type Tier, TIERS } from "./jit/options.ts";
import {
  type FrameNumber,
  frameNumber,
  type GuestAddress,
  hex,
  PAGE_BYTES,
  pageOf,
  type PageNumber,
  type PageRange,
  USER_END,
  userAddress,
} from "./mmu/address.ts";
import { createMmu } from "./mmu/create-mmu.ts";
import { faultAddress } from "./mmu/fault.ts";
import { DEFAULT_RAM_BYTES, STATE_BYTE } from "./mmu/layout.ts";
import type { AddressSpace, FrameSource, Mmu, Protection } from "./mmu/mmu.ts";
import { RegisterFile } from "./registers.ts";

/** What a guest may do with memory. There is no writable and executable memory. */
export type Prot = "none" | "r" | "rw" | "rx";

export interface CpuOptions {
  /** Guest RAM, page tables included; a multiple of 4096. 256 MiB by default. */
  readonly memoryBytes?: number;
  /** Which back end runs hot code; results never depend on it. */
  readonly tier?: Tier;
  /** The instruction set beyond the baseline, by CPUID names; everything implemented by default. */
  readonly features?: readonly string[];
  /** How much capjit checks itself while running. "off" by default. */
  readonly checks?: CheckLevel;
  /** Switches of single optimisations; results never depend on them. */
  readonly jit?: Partial<JitOptions>;
}

export interface CpuFault {
  /** As in the manual: 14 page fault, 13 general protection, 6 undefined instruction, and so on. */
  readonly vector: number;
  readonly errorCode: number;
  /** The address of a refused access (CR2 of a page fault); 0 when no access was refused. */
  readonly address: bigint;
  /** The instruction exists on processors and is not implemented. */
  readonly unsupported?: string;
}

export interface CpuExit {
  readonly kind: "syscall" | "fault" | "limit" | "until";
  /** Instructions completed in this run. */
  readonly instructions: number;
  /** The faulting instruction, or the next one for a trap and for every other kind. */
  readonly rip: bigint;
  readonly fault?: CpuFault;
}

export interface CpuRun {
  /** Stop after exactly this many instructions; absent: no limit. */
  readonly maxInstructions?: number;
  /** Stop before the instruction at this address. */
  readonly until?: bigint;
}

export interface Cpu {
  /** Maps fresh, zeroed memory. Ranges are whole pages: an aligned address, the length is rounded up. */
  map(address: bigint, lengthBytes: number, prot: Prot): void;
  /** Changes the permissions of mapped memory; "none" keeps its content. */
  protect(address: bigint, lengthBytes: number, prot: Prot): void;
  unmap(address: bigint, lengthBytes: number): void;
  /** Host access to mapped memory: ignores permissions, and drops translations of what it changes. */
  write(address: bigint, bytes: Uint8Array): void;
  read(address: bigint, lengthBytes: number): Uint8Array;
  /** A register by its name in the manual, lower case, as an unsigned number. */
  get(register: string): bigint;
  /** Sets a register; negative values are taken as two's complement. */
  set(register: string, value: bigint): void;
  run(request?: CpuRun): CpuExit;
}

/** A processor with nothing mapped and all registers zero but MXCSR. */
export function createCpu(options: CpuOptions = {}): Cpu {
  return new BareCpu(options);
}

const PROTECTIONS: Readonly<Record<Prot, Protection | undefined>> = {
  none: undefined,
  r: { writable: false, executable: false },
  rw: { writable: true, executable: false },
  rx: { writable: false, executable: true },
};

class BareCpu implements Cpu {
  readonly #mmu: Mmu;
  readonly #frames: FreeFrames;
  readonly #space: AddressSpace;
  readonly #engine: Engine;
  readonly #registers: RegisterFile;

  constructor(options: CpuOptions) {
    const features = featureSet(options.features);
    const checks = checkLevel(options.checks ?? "off");
    const tier = demandTier(options.tier ?? "auto");
    this.#mmu = createMmu({ ramBytes: options.memoryBytes ?? DEFAULT_RAM_BYTES, checks });
    this.#frames = new FreeFrames(this.#mmu.frameCount);
    const space = this.#mmu.createAddressSpace(this.#frames);
    if (space === undefined) throw new RangeError("memoryBytes is too small for a page table");
    this.#space = space;
    this.#mmu.activate(space);
    this.#engine = createEngine({
      mmu: this.#mmu,
      lift: createLifter({ features }),
      options: { ...DEFAULT_OPTIONS, tier, ...options.jit },
      checks,
      cpuid: cpuidOf(features),
      random: randomSource(() => this.#engine.instructions),
    });
    this.#registers = new RegisterFile(this.#mmu.view, STATE_BYTE);
    for (const [offset, value] of INITIAL_WORDS) this.#mmu.view.setInt32(STATE_BYTE + offset, value, true);
  }

  map(address: bigint, lengthBytes: number, prot: Prot): void {
    const range = pageRange(address, lengthBytes);
    const protection = protectionOf(prot);
    const { first, count } = range;
    this.#demandFrames(count);
    for (const page of pagesOf(range)) {
      if (this.#space.query(page) !== undefined) throw new RangeError(`page ${at(page)} is mapped already`);
    }
    this.#demandFrames(count + this.#space.missingTables(first, count));
    this.#space.ensureTables(first, count);
    for (const page of pagesOf(range)) this.#mapPage(page, protection);
  }

  protect(address: bigint, lengthBytes: number, prot: Prot): void {
    const range = pageRange(address, lengthBytes);
    const protection = protectionOf(prot);
    this.#demandMapped(range);
    for (const page of pagesOf(range)) this.#space.protect(page, protection);
  }

  unmap(address: bigint, lengthBytes: number): void {
    const range = pageRange(address, lengthBytes);
    this.#demandMapped(range);
    for (const page of pagesOf(range)) this.#frames.free(this.#space.unmap(page));
    this.#space.pruneTables(range.first, range.count);
  }

  write(address: bigint, bytes: Uint8Array): void {
    const start = accessStart(address, bytes.length);
    if (!this.#space.poke(start, bytes)) throw notMapped(start, bytes.length);
  }

  read(address: bigint, lengthBytes: number): Uint8Array {
    const start = accessStart(address, lengthBytes);
    const bytes = new Uint8Array(lengthBytes);
    if (!this.#space.peek(start, bytes)) throw notMapped(start, lengthBytes);
    return bytes;
  }

  get(register: string): bigint {
    return this.#registers.get(register);
  }

  set(register: string, value: bigint): void {
    this.#registers.set(register, value);
  }

  run({ maxInstructions, until }: CpuRun = {}): CpuExit {
    if (maxInstructions !== undefined && !(maxInstructions >= 0)) {
      throw new RangeError(`maxInstructions must be a number from 0 on, not ${maxInstructions}`);
    }
    const before = this.#engine.instructions;
    const limit = maxInstructions === undefined ? undefined : Math.floor(maxInstructions);
    const stop = until === undefined ? undefined : userAddress(until);
    const exit = this.#engine.run({ slice: Infinity, limit, until: stop });
    const instructions = this.#engine.instructions - before;
    const rip = this.get("rip");
    // A stop address outside the user half is reached as a fetch that faults.
    if (exit.kind === "fault" && stop === undefined && rip === until)
      return { kind: "until", instructions, rip };
    return { ...describeExit(exit), instructions, rip };
  }

  #mapPage(page: PageNumber, protection: Protection | undefined): void {
    const frame = this.#frames.allocate();
    if (frame === undefined) throw new RangeError("out of memory");
    this.#mmu.zeroFrame(frame);
    this.#space.map(page, frame, protection ?? { writable: false, executable: false });
    if (protection === undefined) this.#space.protect(page, undefined);
  }

  #demandMapped(range: PageRange): void {
    for (const page of pagesOf(range)) {
      if (this.#space.query(page) === undefined) throw new RangeError(`page ${at(page)} is not mapped`);
    }
  }

  #demandFrames(count: number): void {
    const free = this.#frames.left;
    if (count > free) throw new RangeError(`out of memory: ${count} frames are needed, ${free} are free`);
  }
}

/** Guest RAM that is in no use: frames given back, then those never used. Frame 0 stays out. */
class FreeFrames implements FrameSource {
  readonly #freed: FrameNumber[] = [];
  readonly #end: number;
  #next = 1;

  constructor(frameCount: number) {
    this.#end = frameCount;
  }

  get left(): number {
    return this.#freed.length + this.#end - this.#next;
  }

  allocate(): FrameNumber | undefined {
    return this.#freed.pop() ?? (this.#next < this.#end ? frameNumber(this.#next++) : undefined);
  }

  free(frame: FrameNumber): void {
    this.#freed.push(frame);
  }
}

function describeExit(exit: Exit): Pick<CpuExit, "kind" | "fault"> {
  switch (exit.kind) {
    case "fault":
      return { kind: "fault", fault: describeFault(exit.fault) };
    case "budget":
      // Not with an endless slice.
      return { kind: "limit" };
    case "syscall":
    case "limit":
    case "until":
      return { kind: exit.kind };
  }
}

function describeFault({ vector, errorCode, memory, unsupported }: GuestFault): CpuFault {
  const address = memory === undefined ? 0n : faultAddress(memory);
  return { vector, errorCode, address, ...(unsupported === undefined ? {} : { unsupported }) };
}

function* pagesOf({ first, count }: PageRange): Iterable<PageNumber> {
  for (let i = 0; i < count; i++) yield (first + i) as PageNumber;
}

const at = (page: PageNumber): string => hex(page * PAGE_BYTES);

function pageRange(address: bigint, lengthBytes: number): PageRange {
  const start = accessStart(address, lengthBytes);
  if (start % PAGE_BYTES !== 0) throw new RangeError(`${hex(start)} is not the start of a page`);
  if (lengthBytes === 0) throw new RangeError("a length of 0 bytes names no page");
  return { first: pageOf(start), count: Math.ceil(lengthBytes / PAGE_BYTES) };
}

/** The start of a range that lies in the user half. */
function accessStart(address: bigint, lengthBytes: number): GuestAddress {
  const start = typeof address === "bigint" ? userAddress(address) : undefined;
  if (start === undefined) throw new RangeError(`${String(address)} is not an address below 2^47 (a bigint)`);
  if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 0 || start + lengthBytes > USER_END) {
    throw new RangeError(`${lengthBytes} bytes from ${hex(start)} are not in the user half`);
  }
  return start;
}

const notMapped = (start: GuestAddress, lengthBytes: number): RangeError =>
  new RangeError(`${lengthBytes} bytes at ${hex(start)}: not all of it is mapped`);

function protectionOf(prot: Prot): Protection | undefined {
  if (!Object.hasOwn(PROTECTIONS, prot)) {
    throw new RangeError(`unknown protection "${prot}"; there are "none", "r", "rw" and "rx"`);
  }
  return PROTECTIONS[prot];
}

function featureSet(names: readonly string[] | undefined): FeatureSet {
  if (names === undefined) return DEFAULT_FEATURES;
  const features = names.filter(isFeature);
  const unknown = names.find((name) => !isFeature(name));
  if (unknown !== undefined) throw new RangeError(`unknown feature "${unknown}"`);
  return new Set(features);
}

function checkLevel(level: CheckLevel): CheckLevel {
  if (["off", "frugal", "full"].includes(level)) return level;
  throw new RangeError(`unknown check level "${level}"; there are "off", "frugal" and "full"`);
}

function demandTier(tier: Tier): Tier {
  if (TIERS.includes(tier)) return tier;
  throw new RangeError(`unknown tier "${tier}"; there are ${TIERS.map((name) => `"${name}"`).join(", ")}`);
}

/** RDRAND and RDSEED: a fixed seed, so that runs repeat. */
function randomSource(instructions: () => number): () => { lo: number; hi: number } {
  const inputs = createHostInputs({ clock: "virtual", seed: DEFAULT_SEED, consoleInput: [], instructions });
  return () => ({ lo: inputs.entropy.next32(), hi: inputs.entropy.next32() });
}
