/** What regions call when they stop by a throw, catch one, or call a guest function. */

import { highHalf, lowHalf } from "../../../mmu/address.ts";
import { type Cell, FAULT, LEAVE, type RuntimeHooks, type RuntimeState, STOP } from "../../unit.ts";
import type { RegionUnit } from "./compile-region.ts";
import { BUDGET_WORD, RIP_WORD } from "./places.ts";
import { orderOfEnd, orderOfSite } from "./region-words.ts";

export function createRegionHelpers(I: Int32Array, runtime: RuntimeState, hooks: RuntimeHooks) {
  const setRip = (lo: number, hi: number): void => {
    I[RIP_WORD] = lo;
    I[RIP_WORD + 1] = hi;
  };
  return {
    /** The budget is used up at a preemption point behind instruction `site`. */
    stopAt(lo: number, hi: number, site: number): void {
      setRip(lo, hi);
      runtime.stop = "budget";
      runtime.preemptible = true;
      runtime.site = site;
      throw STOP;
    },
    /** Control leaves behind instruction `site`, in the middle of a block. */
    leaveAt(lo: number, hi: number, site: number): void {
      setRip(lo, hi);
      runtime.stop = "engine";
      runtime.site = site;
      throw STOP;
    },
    /**
     * Accounts for what was thrown in a region whose budget is written back, and gives its order. What is not
     * thrown by helpers goes on.
     */
    caught(thrown: unknown, { addresses, completed }: RegionUnit): number {
      const { site } = runtime;
      if (thrown === STOP) return runtime.stop === "budget" ? orderOfEnd(site) : orderOfSite(site);
      if (thrown !== FAULT && thrown !== LEAVE) throw thrown;
      const address = addresses[site] as number;
      setRip(lowHalf(address), highHalf(address));
      I[BUDGET_WORD] = (I[BUDGET_WORD] as number) - (completed[site] as number);
      runtime.stop = thrown === FAULT ? "fault" : "leave";
      return orderOfSite(site);
    },
    goOn: (left: Cell | null, lo: number, hi: number): boolean => hooks.goOn(left, lo, hi),
    callAt: (lo: number, hi: number): Cell | null => hooks.callAt(lo, hi),
  };
}
