/**
 * WallClock: civil time. Copied freely. Nobody vouches for the host's clock or the virtual one, so the
 * provenance is always `untrusted`.
 */

import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { ClockProvenance, WallClock } from "../schema/kernel.ts";

const NS_PER_SECOND = 1_000_000_000n;

export const WALL_CLOCK = defineInterface(WallClock).handle<null>({
  wallTime(_clock, { services }, _params, results) {
    const { clock } = services.inputs;
    const wall = clock.wallNs();
    results.utcSeconds = wall / NS_PER_SECOND;
    results.utcNanos = Number(wall % NS_PER_SECOND);
    results.monotonicNs = clock.nowNs();
    results.provenance = ClockProvenance.UNTRUSTED;
  },
});

export const wallClockCapability = (): KernelObject =>
  WALL_CLOCK.capability(null, { label: "wall-clock", mode: "copy" });
