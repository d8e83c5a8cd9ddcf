/**
 * Timer: monotonic time of the run, and waiting for it. Copied freely. Touches KER-3: every open sleep is
 * charged to the caller's timer sleeps until it ends or its thread does.
 *
 * sleep: overloaded when the process has as many open sleeps as it may.
 */

import { TICK_NS } from "../abi.ts";
import { defineInterface, PENDING, refuse } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { Timer } from "../schema/kernel.ts";

export const TIMER = defineInterface(Timer).handle<null>({
  now(_timer, { services }, _params, results) {
    const now = services.inputs.clock.nowNs();
    results.monotonicNs = now;
    results.tick = now / TICK_NS;
  },
  sleep(_timer, context, { durationNs }) {
    const { process, services } = context;
    if (durationNs === 0n) return undefined;
    if (!context.charge("timerSleeps")) {
      return refuse("overloaded", process.ledger.refusal("timerSleeps", 1));
    }
    const cancel = services.timers.at(services.inputs.clock.nowNs() + durationNs, () => pending.complete());
    const pending = context.suspend(cancel);
    return PENDING;
  },
});

export const timerCapability = (): KernelObject => TIMER.capability(null, { label: "timer", mode: "copy" });
