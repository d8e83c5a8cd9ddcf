/**
 * Regions in JavaScript: how hot code becomes one, and guest calls between them.
 *
 *   direct call     slot.run(): the slot of the guest address, fixed when the caller is compiled
 *   computed call   callAt(address): finds the slot
 *
 * A slot without a function, or whose function may not be used now, stores the target in RIP and returns GOES, the
 * cell that stands for "the guest goes on at RIP". So does every function that ends in a return or a computed jump.
 * The caller sees whether the guest is behind its call; if not, `goOn` runs units until it is. What the slots hold is
 * true for the running space: when another one runs, or any translation goes away, all of them are unbound. Callers
 * that wait then may be among what went away; they all leave.
 */

import {
  fromHalves,
  type GuestAddress,
  highHalf,
  isUserHalf,
  lowHalf,
  offsetInPage,
  pageOf,
} from "../mmu/address.ts";
import { CacheCell } from "./cache/cell.ts";
import type { CodePage } from "./cache/code-page.ts";
import type { TranslationCache } from "./cache/translation-cache.ts";
import { compileRegion } from "./emit/javascript/compile-region.ts";
import type { Runtime } from "./emit/javascript/runtime.ts";
import type { CheckLevel } from "../invariant.ts";
import type { Region } from "./ir/region.ts";
import type { JitOptions } from "./options.ts";
import type { JitStats } from "./stats.ts";
import type { Cell } from "./unit.ts";

/** Slots at most; calls to further functions go through the engine. */
const MAX_SLOTS = 16_384;
/** No canonical address has its halves. */
const NOWHERE = (2 ** 62) as GuestAddress;

/** What the tier needs of the engine. */
export interface JavaScriptTierHooks {
  /** The cell at RIP, or null with `Runtime.stop` set. */
  followRip(): CacheCell | null;
  /** Runs one unit; null when it or what it met wants the engine to go on. */
  runOne(cell: CacheCell): CacheCell | null;
  setRip(lo: number, hi: number): void;
}

export interface JavaScriptTierInputs {
  readonly runtime: Runtime;
  readonly cache: TranslationCache;
  readonly stats: JitStats;
  readonly options: JitOptions;
  readonly checks: CheckLevel;
  readonly hooks: JavaScriptTierHooks;
}

/** The place of a called function. */
class CallSlot implements Cell {
  readonly address: GuestAddress;
  readonly lo: number;
  readonly hi: number;
  /** Stores RIP and returns GOES. */
  readonly unbound: () => Cell | null;
  run: () => Cell | null;

  constructor(address: GuestAddress, unbound: () => Cell | null) {
    this.address = address;
    this.lo = lowHalf(address);
    this.hi = highHalf(address);
    this.unbound = unbound;
    this.run = unbound;
  }
}

export class JavaScriptTier {
  /** What a function returns to say that the guest goes on at RIP. */
  readonly goes: CacheCell;
  /** Changes whenever bindings are taken away; above 0, which no binding has. */
  #epoch = 1;
  /** The epoch when the engine began to run units. */
  #began = 1;
  readonly #inputs: JavaScriptTierInputs;
  readonly #slots = new Map<GuestAddress, CallSlot>();
  readonly #bound: CallSlot[] = [];

  constructor(inputs: JavaScriptTierInputs) {
    this.#inputs = inputs;
    const { hooks } = inputs;
    this.goes = new CacheCell(NOWHERE, undefined, () => hooks.followRip());
  }

  /** Gives the cell the region as its unit. The caller decides what the cell runs. */
  compile(cell: CacheCell, page: CodePage, region: Region): void {
    const { runtime, cache, stats, options, checks } = this.#inputs;
    const links = new Set<CacheCell>();
    const link = (target: GuestAddress): CacheCell | undefined => {
      if (!options.blockLinking || pageOf(target) !== page.number) return undefined;
      const linked = page.cellAt(offsetInPage(target));
      links.add(linked);
      return linked;
    };
    const request = {
      region,
      options,
      goes: this.goes,
      link,
      callee: (target: GuestAddress) => this.#slotOf(target),
    };
    const unit = compileRegion(request, runtime, checks);
    stats.regionsCompiled++;
    stats.sourceBytes += unit.sourceBytes;
    cache.charge(page, unit.sourceBytes - cell.sourceBytes);
    cell.sourceBytes = unit.sourceBytes;
    cell.links = [...links];
    cell.unit = unit;
    cell.bound = 0;
  }

  /** To be called before units run. */
  begin(): void {
    this.#began = this.#epoch;
  }

  unbindAll(): void {
    this.#epoch++;
    for (const slot of this.#bound) slot.run = slot.unbound;
    this.#bound.length = 0;
  }

  /** `RuntimeHooks`: calls what stands for an address in halves. */
  callAt(lo: number, hi: number): Cell | null {
    const slot = isUserHalf(hi) ? this.#slotOf(fromHalves(lo, hi)) : undefined;
    if (slot !== undefined) return slot.run();
    this.#inputs.hooks.setRip(lo, hi);
    return this.goes;
  }

  /**
   * `RuntimeHooks`: a callee came back with `left`, and not to the address in halves. Units run until the guest is
   * there; false when the callers have to leave.
   */
  goOn(left: Cell | null, lo: number, hi: number): boolean {
    const { followRip, runOne, setRip } = this.#inputs.hooks;
    let running = left as CacheCell | null;
    while (running !== null) {
      if (running === this.goes) {
        running = followRip();
        continue;
      }
      if (running.lo === lo && running.hi === hi) {
        setRip(lo, hi);
        if (this.#began === this.#epoch) return true;
        this.#inputs.runtime.stop = "engine";
        return false;
      }
      if (running.unit?.spansBlocks === true && running.bound !== this.#epoch) this.#bind(running);
      running = runOne(running);
    }
    return false;
  }

  /** The cell's function may be called from now on. */
  #bind(cell: CacheCell): void {
    cell.bound = this.#epoch;
    const slot = this.#slots.get(cell.address);
    if (slot === undefined) return;
    slot.run = cell.run;
    this.#bound.push(slot);
  }

  #slotOf(address: GuestAddress): CallSlot {
    let slot = this.#slots.get(address);
    if (slot !== undefined) return slot;
    const [lo, hi] = [lowHalf(address), highHalf(address)];
    slot = new CallSlot(address, () => {
      this.#inputs.hooks.setRip(lo, hi);
      return this.goes;
    });
    if (this.#slots.size < MAX_SLOTS) this.#slots.set(address, slot);
    return slot;
  }
}
