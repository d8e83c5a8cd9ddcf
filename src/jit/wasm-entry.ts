/**
 * Into functions of the WebAssembly back end, and what comes back from them.
 *
 *   engine --enter--> function --guest call--> function --guest call--> ...
 *                        ^                        | the guest is not behind the call
 *                        |                        v
 *                        +------enter------    resume     until it is, or all callers have to leave
 */

import { fromHalves, isUserHalf } from "../mmu/address.ts";
import { STATE_BYTE } from "../mmu/layout.ts";
import type { CallTable } from "./call-table.ts";
import type { CacheCell, CellRegion } from "./cache/cell.ts";
import type { JumpProfiles } from "./cache/jump-profiles.ts";
import type { SpaceCode } from "./cache/space-code.ts";
import { BUDGET, CALL_DEPTH, JUMP_SOURCE, RIP } from "./ir/state.ts";
import {
  type Cell,
  type RuntimeHooks,
  type RuntimeState,
  STATUS_GO,
  STATUS_GO_COMPUTED,
  STATUS_GO_PREEMPTIBLE,
  STATUS_RETURNED,
  STATUS_STOP,
  STATUS_SYSCALL,
} from "./unit.ts";

const CALL_DEPTH_WORD = (STATE_BYTE + CALL_DEPTH) >> 2;
const RIP_WORD = (STATE_BYTE + RIP) >> 2;
const BUDGET_WORD = (STATE_BYTE + BUDGET) >> 2;
const JUMP_SOURCE_WORD = (STATE_BYTE + JUMP_SOURCE) >> 2;

/** What the engine does for it. */
export interface EntryHost extends Pick<RuntimeHooks, "follow"> {
  /** What the running space knows of translated code. */
  space(): SpaceCode;
  /** Runs one unit; null when it or what it met wants the loop to go on. */
  runOne(cell: CacheCell): CacheCell | null;
  /** Has the loop go on at a cell. */
  stopAt(cell: CacheCell): null;
  /** The instruction at RIP has to run alone. */
  leaveToStep(): void;
}

export interface WasmEntryInputs {
  readonly words: Int32Array;
  readonly runtime: RuntimeState;
  readonly calls: CallTable;
  readonly jumps: JumpProfiles;
  readonly regionEntries: number;
  readonly host: EntryHost;
}

export class WasmEntry {
  readonly calls: CallTable;
  readonly #inputs: WasmEntryInputs;
  readonly #words: Int32Array;
  /** Guest calls that are host calls where units are entered. */
  #depth = 0;
  /** Epoch of the call table when the outermost of the functions on the host's stack was entered. */
  #chainEpoch = 0;

  constructor(inputs: WasmEntryInputs) {
    this.#inputs = inputs;
    this.#words = inputs.words;
    this.calls = inputs.calls;
  }

  /** No function is on the host's stack. */
  begin(): void {
    this.#depth = 0;
  }

  /** `run` of a cell whose unit is WebAssembly. */
  enter(cell: CacheCell): Cell | null {
    const words = this.#words;
    const { calls } = this;
    const { runtime, host } = this.#inputs;
    if (this.#depth === 0) this.#chainEpoch = calls.epoch;
    const { region } = cell;
    const status =
      region !== undefined && (cell.bound === calls.epoch || this.#bind(cell, region))
        ? region.enter(this.#depth)
        : (cell.enter as (label: number) => number)(cell.label);
    if (status === STATUS_GO || status === STATUS_GO_PREEMPTIBLE || status === STATUS_GO_COMPUTED) {
      if (status === STATUS_GO_COMPUTED) this.#noteJump();
      if (words[BUDGET_WORD]! > 0) return host.follow(words[RIP_WORD]!, words[RIP_WORD + 1]!);
      runtime.stop = "budget";
      runtime.preemptible = status !== STATUS_GO;
      return null;
    }
    if (status === STATUS_SYSCALL) {
      runtime.stop = "syscall";
      return null;
    }
    words[BUDGET_WORD]! -= runtime.completed;
    runtime.completed = 0;
    if (runtime.stop === "leave") host.leaveToStep();
    return null;
  }

  /** The region may be entered, and called, for as long as the running space shows all of its pages. */
  #bind(cell: CacheCell, region: CellRegion): boolean {
    const { host, regionEntries } = this.#inputs;
    const { pages } = host.space();
    for (const page of [cell.page, ...region.pages]) {
      if (page === undefined || pages.get(page.number)?.code === page) continue;
      // Perhaps the page was not reached yet; if it stays like this, the region is made anew from what is there.
      if (cell.heat === 0) cell.heat = regionEntries;
      return false;
    }
    cell.heat = 0;
    this.calls.bind(cell);
    return true;
  }

  /**
   * Units run on behalf of a caller that is a host function, until the guest is behind the call. When translations
   * went away since the first caller was entered, callers may be among them: all of them leave.
   */
  resume(status: number, lo: number, hi: number): number {
    const words = this.#words;
    if ((status & STATUS_STOP) !== 0 || words[BUDGET_WORD]! <= 0) return status;
    if (status === STATUS_GO_COMPUTED) this.#noteJump();
    const outer = this.#depth;
    this.#depth = words[CALL_DEPTH_WORD]!;
    const returned = this.#runUntil(lo, hi);
    this.#depth = outer;
    return returned ? STATUS_RETURNED : STATUS_STOP;
  }

  /** Runs units from RIP on. False when they, or a caller that may not go on, want the loop to go on instead. */
  #runUntil(lo: number, hi: number): boolean {
    const words = this.#words;
    const { host } = this.#inputs;
    let running = host.follow(words[RIP_WORD]!, words[RIP_WORD + 1]!) as CacheCell | null;
    while (running !== null) {
      if (this.calls.epoch !== this.#chainEpoch) {
        host.stopAt(running);
        break;
      }
      if (running.lo === lo && running.hi === hi) {
        words[RIP_WORD] = lo;
        words[RIP_WORD + 1] = hi;
        return true;
      }
      running = host.runOne(running);
    }
    return false;
  }

  /** A computed jump led out of a function. */
  #noteJump(): void {
    const words = this.#words;
    const high = words[RIP_WORD + 1]!;
    if (!isUserHalf(high)) return;
    const source = fromHalves(words[JUMP_SOURCE_WORD]!, words[JUMP_SOURCE_WORD + 1]!);
    const again = this.#inputs.jumps.note(source, fromHalves(words[RIP_WORD]!, high));
    if (again?.region !== undefined) again.heat = 1;
  }
}
