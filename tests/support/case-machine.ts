/**
 * The translator as an executor of experiments in the layout of the native harness. It goes around names and
 * bigints: registers, data and results are copied as bytes, so that what a case costs is running it.
 */

import { cpuidOf, type Feature } from "../../src/frontend/features.ts";
import {
  DF,
  DIRECTION,
  FS_BASE as FS_SLOT,
  generalSlot,
  GS_BASE as GS_SLOT,
  ID_AC,
  MXCSR,
  RAX,
  vectorSlot,
  X87_CONTROL,
  X87_OPCODE,
  X87_REGISTERS,
  X87_STATUS,
  X87_TAG,
} from "../../src/frontend/guest-state.ts";
import { createLifter } from "../../src/frontend/lift/block.ts";
import type { CheckLevel } from "../../src/invariant.ts";
import { createEngine, type Engine } from "../../src/jit/engine.ts";
import type { GuestFault } from "../../src/jit/exit.ts";
import { flagCode, STATUS_FLAGS } from "../../src/jit/ir/flags.ts";
import { FLAGS_A, FLAGS_B, FLAGS_CODE, RIP } from "../../src/jit/ir/state.ts";
import type { JitObserver } from "../../src/jit/translator.ts";
import { DEFAULT_OPTIONS, type JitOptions } from "../../src/jit/options.ts";
import { type FrameNumber, type PageNumber, PAGE_BYTES } from "../../src/mmu/address.ts";
import { createMmu } from "../../src/mmu/create-mmu.ts";
import { STATE_BYTE } from "../../src/mmu/layout.ts";
import type { AddressSpace, Mmu } from "../../src/mmu/mmu.ts";
import {
  CR2_AT,
  ERROR_CODE_AT,
  FCW_AT,
  FSW_AT,
  FTW_AT,
  GPR_AT,
  type Image,
  MXCSR_AT,
  RESULT_DATA_AT,
  CASE_DATA_AT,
  RFLAGS_AT,
  RIP_AT,
  SIGNAL_AT,
  SIGVTALRM,
  STACK_AT,
  STRAY_AT,
  VECTOR_AT,
  XMM_AT,
} from "./native-layout.ts";
import {
  CODE_AREA_BYTES,
  CODE_PAGE,
  DATA_BYTES,
  DATA_PAGES,
  type DataPart,
  FS_BASE,
  GS_BASE,
  RODATA_PAGE,
} from "./state.ts";

export interface CaseMachineOptions {
  readonly features: readonly Feature[];
  readonly checks: CheckLevel;
  readonly jit: Partial<JitOptions>;
  /** Sees every unit; then all of them are JavaScript. */
  readonly observer?: JitObserver;
}

/** Where cases start, results end, and which parts of the data pages both have. */
export interface CasePlace {
  readonly parts: readonly DataPart[];
  readonly cases: Uint8Array;
  readonly caseAt: number;
  readonly results: Uint8Array;
  readonly resultAt: number;
}

const RAM_BYTES = 1 << 20;
/** A case that runs longer loops for ever. */
const MAX_INSTRUCTIONS = 100_000;
/** Every page content is new: translations of old ones are of no use. */
const CACHE_LIMITS = { pages: 16, dormantPages: 4, sourceBytes: 64 << 20 };
const SIGTRAP = 5;
const RFLAGS_FIXED = 0x202;
/**
 * `lahf; seto al; syscall`: the executor's own code makes flags concrete. It lies where a host's process has memory
 * of its own, so that cases which reach it are not compared.
 */
const FLAGS_STUB = 0x6543_2109_8000;
const FLAGS_CODE_BYTES = [0x9f, 0x0f, 0x90, 0xc0, 0x0f, 0x05];
const OF = 0x800;

const pageAt = (address: number): PageNumber => (address / PAGE_BYTES) as PageNumber;

export class CaseMachine {
  readonly engine: Engine;
  readonly #mmu: Mmu;
  readonly #space: AddressSpace;
  readonly #state: Uint8Array;
  readonly #view: DataView;
  readonly #data: readonly Uint8Array[];
  readonly #rodata: Uint8Array;
  #nextFrame = 1;
  #code: FrameNumber[];
  /** Code is replaced by mapping other frames: pages that are written again and again are translated differently. */
  #spare: FrameNumber[];

  constructor({ features, checks, jit, observer }: CaseMachineOptions) {
    this.#mmu = createMmu({ ramBytes: RAM_BYTES, checks });
    const source = { allocate: () => this.#frame(), free: () => undefined };
    const space = this.#mmu.createAddressSpace(source);
    if (space === undefined) throw new RangeError("no room for a page table");
    this.#space = space;
    this.#mmu.activate(space);
    const available = new Set(features);
    this.engine = createEngine({
      mmu: this.#mmu,
      lift: createLifter({ features: available }),
      options: { ...DEFAULT_OPTIONS, ...jit },
      checks,
      cpuid: cpuidOf(available),
      random: () => ({ lo: 0, hi: 0 }),
      limits: CACHE_LIMITS,
      observer,
    });
    const { bytes } = this.#mmu;
    this.#state = bytes.subarray(STATE_BYTE, STATE_BYTE + PAGE_BYTES);
    this.#view = new DataView(bytes.buffer, STATE_BYTE, PAGE_BYTES);
    this.#data = this.#map(DATA_PAGES, 2, true, false).map((frame) => this.#mmu.frameBytes(frame));
    this.#rodata = this.#mmu.frameBytes(this.#map(RODATA_PAGE, 1, false, false)[0]!);
    this.#code = this.#map(CODE_PAGE, 2, false, true);
    this.#spare = [this.#frame(), this.#frame()];
    const [stub] = this.#map(FLAGS_STUB, 1, false, true);
    this.#mmu.frameBytes(stub!).set(FLAGS_CODE_BYTES);
  }

  /** The code and constants of the cases that follow. Their parts may be others than before: data is zero. */
  load(image: Image): void {
    for (const frame of this.#data) frame.fill(0);
    [this.#code, this.#spare] = [this.#spare, this.#code];
    for (const [i, frame] of this.#code.entries()) {
      this.#mmu.frameBytes(frame).set(image.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES));
      const page = (pageAt(CODE_PAGE) + i) as PageNumber;
      this.#space.unmap(page);
      this.#space.map(page, frame, { writable: false, executable: true });
    }
    this.#rodata.set(image.subarray(CODE_AREA_BYTES));
  }

  run(place: CasePlace): void {
    const { parts, cases, caseAt, results, resultAt } = place;
    this.#loadState(cases, caseAt);
    this.#copyParts(parts, (frame, from, to, done) => {
      const at = caseAt + CASE_DATA_AT + done;
      frame.set(cases.subarray(at, at + to - from), from);
    });
    const exit = this.engine.run({ slice: Infinity, limit: MAX_INSTRUCTIONS });
    this.#saveEnding(results, resultAt, exit.kind === "fault" ? exit.fault : undefined);
    this.#copyParts(parts, (frame, from, to, done) => {
      results.set(frame.subarray(from, to), resultAt + RESULT_DATA_AT + done);
    });
    this.#saveState(results, resultAt);
    word(results, resultAt + STRAY_AT, this.#clearStray(parts) ? 1 : 0);
  }

  #frame(): FrameNumber {
    return this.#nextFrame++ as FrameNumber;
  }

  #map(address: number, count: number, writable: boolean, executable: boolean): FrameNumber[] {
    this.#space.ensureTables(pageAt(address), count);
    return Array.from({ length: count }, (_, i) => {
      const frame = this.#frame();
      this.#mmu.zeroFrame(frame);
      this.#space.map((pageAt(address) + i) as PageNumber, frame, { writable, executable });
      return frame;
    });
  }

  #loadState(from: Uint8Array, at: number): void {
    const state = this.#state;
    const view = this.#view;
    state.set(from.subarray(at + GPR_AT, at + GPR_AT + 128), generalSlot(RAX));
    state.set(from.subarray(at + RIP_AT, at + RIP_AT + 8), RIP);
    state.set(from.subarray(at + XMM_AT, at + XMM_AT + 256), vectorSlot(0));
    const flags = wordAt(from, at + RFLAGS_AT);
    view.setUint32(FLAGS_CODE, flagCode("bits", 8), true);
    view.setUint32(FLAGS_A, flags & STATUS_FLAGS, true);
    view.setUint32(FLAGS_A + 4, 0, true);
    state.fill(0, FLAGS_B, FLAGS_B + 8);
    view.setUint32(DIRECTION, flags & DF, true);
    view.setUint32(ID_AC, 0, true);
    view.setUint32(MXCSR, wordAt(from, at + MXCSR_AT), true);
    const status = halfAt(from, at + FSW_AT);
    view.setUint32(X87_CONTROL, halfAt(from, at + FCW_AT), true);
    view.setUint32(X87_STATUS, status, true);
    view.setUint32(X87_TAG, wordAt(from, at + FTW_AT), true);
    state.fill(0, X87_OPCODE, X87_REGISTERS);
    // ST(0) is physical register `top`: the stack is the physical registers, rotated.
    const top = topBytes(status);
    const stack = at + STACK_AT;
    state.set(from.subarray(stack, stack + 128 - top), X87_REGISTERS + top);
    state.set(from.subarray(stack + 128 - top, stack + 128), X87_REGISTERS);
    view.setUint32(FS_SLOT, FS_BASE, true);
    view.setUint32(GS_SLOT, GS_BASE, true);
  }

  #saveState(into: Uint8Array, at: number): void {
    const state = this.#state;
    const view = this.#view;
    into.set(state.subarray(generalSlot(RAX), generalSlot(RAX) + 128), at + GPR_AT);
    into.set(state.subarray(RIP, RIP + 8), at + RIP_AT);
    into.set(state.subarray(vectorSlot(0), vectorSlot(0) + 256), at + XMM_AT);
    word(into, at + MXCSR_AT, view.getUint32(MXCSR, true));
    const status = view.getUint32(X87_STATUS, true);
    half(into, at + FCW_AT, view.getUint32(X87_CONTROL, true));
    half(into, at + FSW_AT, status);
    word(into, at + FTW_AT, view.getUint32(X87_TAG, true));
    const top = topBytes(status);
    const stack = at + STACK_AT;
    into.set(state.subarray(X87_REGISTERS + top, X87_REGISTERS + 128), stack);
    into.set(state.subarray(X87_REGISTERS, X87_REGISTERS + top), stack + 128 - top);
    const rest = view.getUint32(DIRECTION, true) | view.getUint32(ID_AC, true) | RFLAGS_FIXED;
    word(into, at + RFLAGS_AT, rest | this.#statusFlags());
    word(into, at + RFLAGS_AT + 4, 0);
  }

  /** Last, because it overwrites RIP and RAX. */
  #statusFlags(): number {
    const view = this.#view;
    view.setUint32(RIP, FLAGS_STUB % 2 ** 32, true);
    view.setUint32(RIP + 4, Math.floor(FLAGS_STUB / 2 ** 32), true);
    this.engine.run({ slice: Infinity });
    const rax = view.getUint32(generalSlot(RAX), true);
    return ((rax >> 8) & 0xff & STATUS_FLAGS) | ((rax & 1) === 0 ? 0 : OF);
  }

  #saveEnding(into: Uint8Array, at: number, fault: GuestFault | undefined): void {
    word(into, at + SIGNAL_AT, fault === undefined ? SIGVTALRM : SIGTRAP);
    word(into, at + VECTOR_AT, fault?.vector ?? 0);
    word(into, at + ERROR_CODE_AT, fault?.errorCode ?? 0);
    word(into, at + CR2_AT, fault?.memory?.lo ?? 0);
    word(into, at + CR2_AT + 4, fault?.memory?.hi ?? 0);
  }

  /** Calls `copy` with the pieces of the parts that lie in one page each, and how many bytes came before. */
  #copyParts(
    parts: readonly DataPart[],
    copy: (frame: Uint8Array, from: number, to: number, done: number) => void,
  ): void {
    let done = 0;
    for (const [at, length] of parts) {
      for (let from = at; from < at + length;) {
        const page = Math.floor(from / PAGE_BYTES);
        const end = Math.min(at + length, (page + 1) * PAGE_BYTES);
        copy(this.#data[page]!, from - page * PAGE_BYTES, end - page * PAGE_BYTES, done);
        done += end - from;
        from = end;
      }
    }
  }

  /** Whether a byte outside the parts was written; then all of it is zero again. */
  #clearStray(parts: readonly DataPart[]): boolean {
    let end = 0;
    for (const [at, length] of [...parts, [DATA_BYTES, 0] as const]) {
      if (!this.#isZero(end, at)) {
        for (const frame of this.#data) frame.fill(0);
        return true;
      }
      end = at + length;
    }
    return false;
  }

  #isZero(from: number, to: number): boolean {
    for (const [i, frame] of this.#data.entries()) {
      const start = Math.max(0, from - i * PAGE_BYTES);
      const end = Math.min(PAGE_BYTES, to - i * PAGE_BYTES);
      if (start < end && ZEROS.compare(frame, start, end, start, end) !== 0) return false;
    }
    return true;
  }
}

const ZEROS = Buffer.alloc(PAGE_BYTES);

/** Bytes before ST(0) among the physical registers. */
const topBytes = (status: number): number => ((status >> 11) & 7) * 16;

const halfAt = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);
const wordAt = (bytes: Uint8Array, at: number): number =>
  (halfAt(bytes, at) | (halfAt(bytes, at + 2) << 16)) >>> 0;

function half(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
}

function word(bytes: Uint8Array, at: number, value: number): void {
  half(bytes, at, value);
  half(bytes, at + 2, value >> 16);
}
