/** The small systems that are explored, with the bounds of a long run. */

import { checkBuffers } from "./buffers.ts";
import { capTableSpace } from "./cap-table.ts";
import { checkClaims } from "./claims.ts";
import { endpointSpace } from "./endpoint.ts";
import { explore } from "./explorer.ts";
import type { Limits, Report, Space } from "./explorer.ts";
import { checkFrameBitmap } from "./frame-bitmap.ts";
import { checkPageWalk } from "./page-walk.ts";
import { memorySpace } from "./process-memory.ts";
import { checkReservationMap } from "./reservation-map.ts";
import { transferSpace } from "./transfers.ts";

export interface Check {
  readonly name: string;
  /** Runs until done, or until the deadline (milliseconds of `performance.now()`). */
  run(deadline: number): Report;
}

const exploring = <Op>(make: () => Space<Op>, limits: Omit<Limits, "deadline"> = {}): Check["run"] => {
  return (deadline) => explore(make(), { ...limits, deadline });
};

export const CHECKS: readonly Check[] = [
  { name: "frame-bitmap", run: (deadline) => checkFrameBitmap(18, deadline) },
  { name: "reservation-map", run: (deadline) => checkReservationMap(7, deadline) },
  { name: "cap-table", run: exploring(() => capTableSpace(3, 2, 0), { states: 1_000_000 }) },
  { name: "cap-table-last", run: exploring(() => capTableSpace(2, 2, 254)) },
  {
    name: "transfers",
    run: exploring(() => transferSpace({ slots: [2, 2], pages: [1, 1], sets: 2 }), { states: 1_000_000 }),
  },
  { name: "page-walk", run: checkPageWalk },
  { name: "buffers", run: checkBuffers },
  { name: "claims", run: checkClaims },
  {
    name: "endpoint",
    run: exploring(() => endpointSpace({ queued: 2, inFlight: 1 }), { states: 200_000 }),
  },
  {
    name: "process-memory",
    run: exploring(() => memorySpace([3, 2], { reservation: 3, frameGrant: 4 }), { states: 150_000 }),
  },
];
