/**
 * Two equal machines: one runs a block compiled, the other runs it through the evaluator. Both stand on a real
 * MMU with the same pages, so an access refused in one is refused in the other.
 *
 *     0x10000, 0x11000   read and write      0x12000   read only      0x13000   not mapped
 *     0x1_0000_0000      read and write (above 4 GiB)     0x14000   read and write, watched as code
 */

import { frameNumber, pageNumber } from "../../../src/mmu/address.ts";
import { createMmu } from "../../../src/mmu/create-mmu.ts";
import { FRAMES_BYTE, SCRATCH_WORD, STATE_BYTE, STATE_BYTES } from "../../../src/mmu/layout.ts";
import { ACCESS_OK, type AddressSpace, type FrameSource, type Mmu } from "../../../src/mmu/mmu.ts";
import { compileUnits } from "../../../src/jit/emit/javascript/compile.ts";
import { Runtime } from "../../../src/jit/emit/javascript/runtime.ts";
import type { IrBlock } from "../../../src/jit/ir/block.ts";
import { evaluate } from "../../../src/jit/ir/evaluate.ts";
import type { Machine, MemoryFault } from "../../../src/jit/ir/meaning.ts";
import { BUDGET, CALL_SITE, FLAGS_B, FLAGS_CODE, RIP, TABLE_WORD } from "../../../src/jit/ir/state.ts";
import { DEFAULT_OPTIONS, type JitOptions } from "../../../src/jit/options.ts";
import { type Cell, type JavaScriptUnit, FAULT, LEAVE, type UnitRequest } from "../../../src/jit/unit.ts";
import { flagBitsOf } from "../../support/evaluator.ts";

export const DATA = 0x10000;
export const READ_ONLY = 0x12000;
export const UNMAPPED = 0x13000;
export const WATCHED = 0x14000;
export const FAR = 0x1_0000_0000;
const BUDGET_AT_START = 1000;

/** Data frames of the pages above, in order. */
const PAGES = [
  [DATA, true],
  [DATA + 4096, true],
  [READ_ONLY, false],
  [WATCHED, true],
  [FAR, true],
] as const;
const FIRST_DATA_FRAME = 100;

export interface Guest {
  readonly mmu: Mmu;
  readonly space: AddressSpace;
  readonly state: Uint8Array;
}

/** A fresh MMU with the pages mapped and filled with a pattern. */
export function createGuest(): Guest {
  const mmu = createMmu({ ramBytes: 1 << 20, checks: "off" });
  let next = 160;
  const source: FrameSource = { allocate: () => frameNumber(next++), free: () => undefined };
  const space = mmu.createAddressSpace(source);
  if (space === undefined) throw new Error("no frames");
  for (const [k, [address, writable]] of PAGES.entries()) {
    const page = pageNumber(address / 4096);
    space.ensureTables(page, 1);
    space.map(page, frameNumber(FIRST_DATA_FRAME + k), { writable, executable: false });
  }
  mmu.activate(space);
  mmu.watchCode(frameNumber(FIRST_DATA_FRAME + 3));
  const guest = { mmu, space, state: mmu.bytes.subarray(STATE_BYTE, STATE_BYTE + STATE_BYTES) };
  resetMemory(guest);
  return guest;
}

const PATTERN = Uint8Array.from({ length: 4096 * PAGES.length }, (_, i) => (i * 7 + (i >> 8)) & 255);

export function resetMemory({ mmu }: Guest): void {
  mmu.bytes.set(PATTERN, FRAMES_BYTE + 4096 * FIRST_DATA_FRAME);
}

export const memoryOf = ({ mmu }: Guest): Uint8Array =>
  mmu.bytes.slice(
    FRAMES_BYTE + 4096 * FIRST_DATA_FRAME,
    FRAMES_BYTE + 4096 * (FIRST_DATA_FRAME + PAGES.length),
  );

const setWord = (guest: Guest, offset: number, value: number): void => {
  guest.mmu.words[(STATE_BYTE + offset) >> 2] = value;
};
export const wordAt = (guest: Guest, offset: number): number =>
  guest.mmu.words[(STATE_BYTE + offset) >> 2] ?? 0;

/** Fills the guest part of the state block; the engine's words stay. */
export function loadState(guest: Guest, state: Uint8Array): void {
  const table = wordAt(guest, TABLE_WORD);
  guest.state.set(state.subarray(0, STATE_BYTES));
  setWord(guest, TABLE_WORD, table);
  setWord(guest, BUDGET, BUDGET_AT_START);
}

/** The evaluator's machine on an MMU. */
export class MmuMachine implements Machine {
  readonly #guest: Guest;
  #randoms = 0;

  constructor(guest: Guest) {
    this.#guest = guest;
  }

  getState(offset: number, bytes: number): bigint {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#guest.state[offset + i] ?? 0);
    return value;
  }

  setState(offset: number, bytes: number, value: bigint): void {
    for (let i = 0; i < bytes; i++) this.#guest.state[offset + i] = Number((value >> BigInt(8 * i)) & 255n);
  }

  load(address: bigint, bytes: number, access: number): bigint | MemoryFault {
    const { mmu } = this.#guest;
    if (mmu.load(low(address), high(address), bytes, access) !== ACCESS_OK) return this.#fault();
    let value = 0n;
    for (let k = 3; k >= 0; k--) {
      value = (value << 32n) | BigInt((mmu.words[SCRATCH_WORD + k] ?? 0) >>> 0);
    }
    return BigInt.asUintN(8 * bytes, value);
  }

  store(address: bigint, bytes: number, value: bigint, access: number): MemoryFault | undefined {
    const { mmu } = this.#guest;
    for (let k = 0n; k < 4n; k++) mmu.words[SCRATCH_WORD + Number(k)] = low(value >> (32n * k));
    const outcome = mmu.store(low(address), high(address), bytes, access, true);
    return outcome === ACCESS_OK ? undefined : this.#fault();
  }

  probeWrite(address: bigint, bytes: number, access: number): MemoryFault | undefined {
    const outcome = this.#guest.mmu.probeWrite(low(address), high(address), bytes, access);
    return outcome === ACCESS_OK ? undefined : this.#fault();
  }

  cpuid(register: number, leaf: number, subleaf: number): number {
    return cpuid(register, leaf, subleaf);
  }

  instructionsAtEntry(): number {
    return AT_ENTRY;
  }

  random(): bigint {
    const { lo, hi } = randomAt(this.#randoms++);
    return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
  }

  #fault(): MemoryFault {
    return this.#guest.mmu.fault ?? { vector: -1, errorCode: 0 };
  }
}

const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
const high = (value: bigint): number => low(value >> 32n);
const AT_ENTRY = 2 ** 40 + 77;
const cpuid = (register: number, leaf: number, subleaf: number): number =>
  (Math.imul(leaf, 0x1003f) + Math.imul(subleaf, 0x301) + register) | 0;
const randomAt = (k: number): { lo: number; hi: number } => ({
  lo: Math.imul(k + 1, 0x9e3779b1),
  hi: Math.imul(k + 3, 0x85ebca6b),
});

/** How a unit was left, in the evaluator's words where it has them. */
export type Outcome =
  | { readonly kind: "cell"; readonly address: number }
  | { readonly kind: "follow" | "syscall" }
  | { readonly kind: "budget"; readonly preemptible: boolean }
  | { readonly kind: "fault"; readonly vector: number; readonly errorCode: number }
  | { readonly kind: "leave" };

export interface RunResult {
  readonly outcome: Outcome;
  /** Where execution goes on, or the faulting instruction. */
  readonly rip: bigint;
  readonly instructions: number;
}

export interface Emitted {
  readonly guest: Guest;
  readonly runtime: Runtime;
  run(unit: JavaScriptUnit): RunResult;
}

export const cellAt = (address: number): Cell => ({
  address: address as Cell["address"],
  run: () => null,
});

/** A guest with a runtime; `follow` only notes that it was called. */
export function createEmitted(guest = createGuest()): Emitted {
  let followed = false;
  let randoms = 0;
  const runtime = new Runtime(
    guest.mmu,
    {
      follow: () => {
        followed = true;
        return null;
      },
      resume: (status) => status,
      goOn: () => false,
      callAt: () => null,
      cpuid,
      instructionsAtUnitEntry: () => AT_ENTRY,
      random: () => randomAt(randoms++),
    },
    "full",
  );
  const run = (unit: JavaScriptUnit): RunResult => {
    followed = false;
    randoms = 0;
    runtime.stop = "none";
    runtime.pendingFault = undefined;
    const before = wordAt(guest, BUDGET);
    try {
      const cell = unit.run();
      const instructions = before - wordAt(guest, BUDGET);
      if (cell !== null) {
        return { outcome: { kind: "cell", address: cell.address }, rip: BigInt(cell.address), instructions };
      }
      return { outcome: stopped(), rip: ripOf(guest), instructions };
    } catch (cause) {
      if (cause !== FAULT && cause !== LEAVE) throw cause;
      const index = runtime.site;
      const rip = BigInt(unit.instructions[index]?.address ?? -1);
      const instructions = before - wordAt(guest, BUDGET) + index;
      if (cause === LEAVE) return { outcome: { kind: "leave" }, rip, instructions };
      return { outcome: faulted(), rip, instructions };
    }
  };
  const faulted = (): Outcome => {
    const { vector, errorCode } = runtime.pendingFault ?? { vector: -1, errorCode: -1 };
    return { kind: "fault", vector, errorCode };
  };
  const stopped = (): Outcome => {
    if (followed) return { kind: "follow" };
    if (runtime.stop === "fault") return faulted();
    if (runtime.stop === "budget") return { kind: "budget", preemptible: runtime.preemptible };
    if (runtime.stop === "syscall") return { kind: "syscall" };
    throw new Error(`left with stop "${runtime.stop}"`);
  };
  return { guest, runtime, run };
}

export function ripOf(guest: Guest): bigint {
  const lo = BigInt(wordAt(guest, RIP) >>> 0);
  return (BigInt(wordAt(guest, RIP + 4) >>> 0) << 32n) | lo;
}

export function compileOne(
  emitted: Emitted,
  block: IrBlock,
  options: JitOptions = DEFAULT_OPTIONS,
  extra: Partial<UnitRequest> = {},
): JavaScriptUnit {
  const request: UnitRequest = {
    cell: cellAt(block.address),
    block,
    allowCodeWrites: false,
    link: () => undefined,
    ...extra,
  };
  const [unit] = compileUnits([request], emitted.runtime, options, "full");
  if (unit === undefined) throw new Error("not compiled");
  return unit;
}

/** Everything a block may have changed. */
export interface Trace {
  readonly outcome: string;
  readonly rip: bigint;
  readonly instructions: number;
  readonly flags: number;
  readonly state: Uint8Array;
  readonly memory: Uint8Array;
}

function traceOf(guest: Guest, result: { outcome: string; rip: bigint; instructions: number }): Trace {
  const state = guest.state.slice(0, 1280);
  const flags = flagBitsOf(guest.state.slice());
  // Engine words, and flags words that a kind does not use, are not the guest's.
  state.fill(0, RIP, RIP + 8);
  state.fill(0, FLAGS_CODE, FLAGS_B + 8);
  state.fill(0, BUDGET, CALL_SITE + 4);
  return { ...result, flags, state, memory: memoryOf(guest) };
}

/** Runs the block compiled, from this state; the guest's memory is filled anew. */
export function traceCompiled(
  emitted: Emitted,
  block: IrBlock,
  state: Uint8Array,
  options: JitOptions = DEFAULT_OPTIONS,
  compact = false,
): Trace {
  resetMemory(emitted.guest);
  loadState(emitted.guest, state);
  const request = { allowCodeWrites: true, compact };
  const unit = compileOne(emitted, block, { ...options, selfLoops: false }, request);
  const { outcome, rip, instructions } = emitted.run(unit);
  return traceOf(emitted.guest, { outcome: describe(outcome), rip, instructions });
}

const describe = (outcome: Outcome): string =>
  outcome.kind === "fault" ? `fault ${outcome.vector} ${outcome.errorCode}` : outcome.kind;

/** The same through the evaluator. */
export function traceEvaluated(guest: Guest, block: IrBlock, state: Uint8Array): Trace {
  resetMemory(guest);
  loadState(guest, state);
  const exit = evaluate(block, new MmuMachine(guest));
  const outcome =
    exit.kind === "fault"
      ? `fault ${exit.fault.vector} ${exit.fault.errorCode}`
      : exit.kind === "syscall"
        ? "syscall"
        : "follow";
  return traceOf(guest, { outcome, rip: exit.rip, instructions: exit.instructionsCompleted });
}

/** Where two traces differ, in words; empty when they agree. */
export function differences(got: Trace, expected: Trace): string[] {
  const list: string[] = [];
  for (const key of ["outcome", "rip", "instructions", "flags"] as const) {
    if (got[key] !== expected[key]) list.push(`${key}: ${got[key]}, expected ${expected[key]}`);
  }
  for (const key of ["state", "memory"] as const) {
    if (Buffer.compare(got[key], expected[key]) === 0) continue;
    const at = got[key].findIndex((byte, i) => byte !== expected[key][i]);
    const some = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(at, at + 16)).toString("hex");
    list.push(`${key} at ${at}: ${some(got[key])}, expected ${some(expected[key])}`);
  }
  return list;
}
