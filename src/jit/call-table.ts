/**
 * Guest calls as host calls: which function stands for a guest address at this moment.
 *
 *   direct call     call_indirect table[slot], the slot is fixed when the caller is compiled
 *   computed call   call cache in linear memory: address -> slot
 *
 * A slot whose function does not exist, or may not be used now, holds a stub that returns at once; the caller then
 * sees that the guest is not behind the call and lets the engine go on. What the slots hold is true for the running
 * space: when another one runs, or any translation goes away, all of them are unbound, and bound again as the
 * engine enters the functions.
 */

import { lowHalf, highHalf, type GuestAddress } from "../mmu/address.ts";
import { CALL_CACHE_BYTE, CALL_CACHE_ENTRIES } from "../mmu/layout.ts";
import type { CacheCell } from "./cache/cell.ts";
import { compileStub, type WasmUnit } from "./emit/webassembly/compile.ts";
import type { CallSites } from "./emit/webassembly/region-calls.ts";
import type { JitStats } from "./stats.ts";

const SLOTS = 8192;
/** Slot of the stub; also what an unused place of the call cache says. */
const STUB = 0;
const ENTRY_WORDS = 4;

export class CallTable implements CallSites {
  readonly table: WebAssembly.Table;
  /** Changes whenever bindings are taken away; above 0, which no binding has. */
  epoch = 1;
  readonly #words: Int32Array;
  readonly #stats: Pick<JitStats, "callsBound" | "callsUnbound">;
  readonly #stub: WasmUnit;
  readonly #slots = new Map<GuestAddress, number>();
  /** JIT-7: cells whose regions stand in the table. */
  readonly bound: CacheCell[] = [];

  constructor(words: Int32Array, stats: Pick<JitStats, "callsBound" | "callsUnbound">) {
    this.#words = words;
    this.#stats = stats;
    this.#stub = compileStub();
    this.table = new WebAssembly.Table({ initial: SLOTS, maximum: SLOTS, element: "anyfunc" });
    this.table.set(STUB, this.#stub);
  }

  /** The stub's when all are taken: calls to further functions go through the engine. */
  slotOf(target: GuestAddress): number {
    const known = this.#slots.get(target);
    if (known !== undefined) return known;
    const slot = this.#slots.size + 1;
    if (slot >= SLOTS) return STUB;
    this.#slots.set(target, slot);
    this.table.set(slot, this.#stub);
    return slot;
  }

  /** The cell's region may be called from now on. */
  bind(cell: CacheCell): void {
    cell.bound = this.epoch;
    const slot = this.slotOf(cell.address);
    if (slot === STUB || cell.region === undefined) return;
    this.table.set(slot, cell.region.enter);
    this.#stats.callsBound++;
    this.bound.push(cell);
    const entry = cacheWord(cell.lo);
    this.#words[entry] = lowHalf(cell.address);
    this.#words[entry + 1] = highHalf(cell.address);
    this.#words[entry + 2] = slot;
  }

  unbindAll(): void {
    this.epoch++;
    this.#stats.callsUnbound += this.bound.length;
    for (const { address, lo } of this.bound) {
      this.table.set(this.#slots.get(address) ?? STUB, this.#stub);
      this.#words[cacheWord(lo) + 2] = STUB;
    }
    this.bound.length = 0;
  }
}

/** Word of the call cache's entry for an address. */
const cacheWord = (lo: number): number =>
  (CALL_CACHE_BYTE >> 2) + (lo & (CALL_CACHE_ENTRIES - 1)) * ENTRY_WORDS;
