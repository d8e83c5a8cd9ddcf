/**
 * What emitted code calls and what it leaves behind. Helpers are handed to each source, never global; the engine
 * reads and resets the fields of `RuntimeState`.
 */

import type { CheckLevel } from "../../../invariant.ts";
import type { Mmu } from "../../../mmu/mmu.ts";
import type { PageFault } from "../../../mmu/fault.ts";
import type { CallMachine } from "../../ir/calls/call.ts";
import type { Cell, RuntimeHooks, RuntimeState, Stop } from "../../unit.ts";
import { FlagReaders } from "./flag-readers.ts";
import type { RuntimeName } from "./helper-names.ts";
import { BUDGET_WORD, RIP_WORD, SECOND_SCRATCH_WORD } from "./places.ts";
import { createCallHelpers, createCallMachine } from "./runtime-calls.ts";
import { Divider, Multiplier } from "./runtime-divide.ts";
import type { BlockEnding } from "./compile-region.ts";
import { createBulkHelpers } from "./runtime-bulk.ts";
import { createMemoryHelpers } from "./runtime-memory.ts";
import { createRegionHelpers } from "./runtime-region.ts";
import * as words from "./runtime-words.ts";

/** A function of the arguments the emitters give it; they are numbers, cells and units. */
type Helper = (...args: never[]) => unknown;
export type Helpers = { readonly [K in Exclude<RuntimeName, "M">]: Helper } & { readonly M: CallMachine };

interface PendingFault {
  readonly vector: number;
  readonly errorCode: number;
  readonly memory?: PageFault;
  readonly unsupported?: string;
}

export class Runtime implements RuntimeState {
  stop: Stop = "none";
  preemptible = false;
  pendingFault: PendingFault | undefined = undefined;
  site = 0;
  completed = 0;

  readonly words: Int32Array;
  readonly halves: Uint16Array;
  readonly bytes: Uint8Array;
  readonly helpers: Helpers;
  /** The helpers as JavaScript units call them: the same functions unless somebody counts their calls. */
  readonly called: Helpers;
  readonly #flags: FlagReaders;

  /** Full `checks` audit the flag readers as well. */
  constructor(mmu: Mmu, hooks: RuntimeHooks, checks: CheckLevel = "off") {
    this.words = mmu.words;
    this.halves = new Uint16Array(mmu.words.buffer);
    this.bytes = mmu.bytes;
    const flags = new FlagReaders(words, checks);
    this.#flags = flags;
    this.helpers = {
      ...words,
      imul: Math.imul,
      clz32: Math.clz32,
      ...arithmeticHelpers(mmu.words),
      ...createMemoryHelpers(mmu, this),
      ...createBulkHelpers(mmu),
      ...exitHelpers(mmu.words, this, hooks),
      ...createRegionHelpers(mmu.words, this, hooks),
      ...machineHelpers(mmu.words, hooks),
      cond: flags.condition.bind(flags),
      flagBits: flags.bits.bind(flags),
      M: createCallMachine(mmu, this),
      ...createCallHelpers(),
    };
    this.called = hooks.countCalls?.(this.helpers) ?? this.helpers;
  }

  /** The six status flags at their places in RFLAGS, from the words of a flags value. */
  flagBits(code: number, al: number, ah: number, bl: number, bh: number): number {
    return this.#flags.bits(code, al, ah, bl, bh);
  }
}

/** 64-bit results: the high half goes to the second scratch word. */
function arithmeticHelpers(I: Int32Array) {
  const product = new Multiplier();
  const division = new Divider();
  const quotient = (): number => {
    I[SECOND_SCRATCH_WORD] = division.quotientHi;
    return division.quotientLo;
  };
  const remainder = (): number => {
    I[SECOND_SCRATCH_WORD] = division.remainderHi;
    return division.remainderLo;
  };
  return {
    mulhighu(al: number, ah: number, bl: number, bh: number): number {
      const lo = product.unsigned(al, ah, bl, bh);
      I[SECOND_SCRATCH_WORD] = product.hi;
      return lo;
    },
    mulhighs(al: number, ah: number, bl: number, bh: number): number {
      const lo = product.signed(al, ah, bl, bh);
      I[SECOND_SCRATCH_WORD] = product.hi;
      return lo;
    },
    divu(hl: number, hh: number, ll: number, lh: number, dl: number, dh: number): number {
      division.unsigned(hl, hh, ll, lh, dl, dh);
      return quotient();
    },
    remu(hl: number, hh: number, ll: number, lh: number, dl: number, dh: number): number {
      division.unsigned(hl, hh, ll, lh, dl, dh);
      return remainder();
    },
    divs(hl: number, hh: number, ll: number, lh: number, dl: number, dh: number): number {
      division.signed(hl, hh, ll, lh, dl, dh);
      return quotient();
    },
    rems(hl: number, hh: number, ll: number, lh: number, dl: number, dh: number): number {
      division.signed(hl, hh, ll, lh, dl, dh);
      return remainder();
    },
    divu64(al: number, ah: number, dl: number, dh: number): number {
      division.unsigned(0, 0, al, ah, dl, dh);
      return quotient();
    },
    remu64(al: number, ah: number, dl: number, dh: number): number {
      division.unsigned(0, 0, al, ah, dl, dh);
      return remainder();
    },
    divs64(al: number, ah: number, dl: number, dh: number): number {
      division.signed(ah >> 31, ah >> 31, al, ah, dl, dh);
      return quotient();
    },
    rems64(al: number, ah: number, dl: number, dh: number): number {
      division.signed(ah >> 31, ah >> 31, al, ah, dl, dh);
      return remainder();
    },
    fitss: (hl: number, hh: number, ll: number, lh: number, dl: number, dh: number): boolean =>
      division.fitsSigned(hl, hh, ll, lh, dl, dh),
  };
}

function exitHelpers(I: Int32Array, runtime: RuntimeState, hooks: RuntimeHooks) {
  const goOnAt = (lo: number, hi: number): void => {
    I[RIP_WORD] = lo;
    I[RIP_WORD + 1] = hi;
  };
  const goOnAtAddress = (address: number): void => goOnAt(address | 0, Math.floor(address / 2 ** 32));
  const spend = (instructions: number): void => {
    I[BUDGET_WORD] = (I[BUDGET_WORD] as number) - instructions;
  };
  return {
    follow(lo: number, hi: number): Cell | null {
      goOnAt(lo, hi);
      return hooks.follow(lo, hi);
    },
    stopBudget(lo: number, hi: number, preemptible: number): null {
      goOnAt(lo, hi);
      runtime.stop = "budget";
      runtime.preemptible = preemptible !== 0;
      return null;
    },
    stopSyscall({ block }: BlockEnding): null {
      if (block.exit.kind === "syscall") goOnAtAddress(block.exit.next);
      spend(block.instructions.length);
      runtime.stop = "syscall";
      return null;
    },
    stopFault(unit: BlockEnding): null {
      const { exit, instructions } = unit.block;
      if (exit.kind !== "fault") return null;
      goOnAtAddress(exit.rip);
      // A fault names the instruction itself, which then has not completed.
      const faults = instructions.at(-1)?.address === exit.rip;
      spend(faults ? instructions.length - 1 : instructions.length);
      runtime.stop = "fault";
      runtime.site = instructions.length - 1;
      const { vector, errorCode, unsupported } = exit;
      runtime.pendingFault =
        unsupported === undefined ? { vector, errorCode } : { vector, errorCode, unsupported };
      return null;
    },
  };
}

function machineHelpers(I: Int32Array, hooks: RuntimeHooks) {
  return {
    cpuid: (register: number, leaf: number, subleaf: number): number =>
      hooks.cpuid(register, leaf, subleaf) | 0,
    tsc(completed: number): number {
      const count = hooks.instructionsAtUnitEntry() + completed;
      I[SECOND_SCRATCH_WORD] = Math.floor(count / 2 ** 32);
      return count | 0;
    },
    random(): number {
      const { lo, hi } = hooks.random();
      I[SECOND_SCRATCH_WORD] = hi;
      return lo | 0;
    },
  };
}
