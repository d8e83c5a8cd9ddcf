/**
 * What one process may use and what it uses. Every resource has one limit and one count; a charge is checked
 * before anything changes, so a refused charge leaves no trace. Releases stop at zero.
 */

import { InvariantError } from "../invariant.ts";
import { LIMITS } from "./abi.ts";

/** The resources of a ledger; their limits when nobody sets others. */
export const DEFAULT_LIMITS = {
  capSlots: LIMITS.capSlots,
  outstandingCalls: LIMITS.outstandingCalls,
  scratchBytes: LIMITS.scratchBytes,
  frameGrantPages: LIMITS.frameGrantPages,
  virtualReservationPages: LIMITS.virtualReservationPages,
  threads: LIMITS.threads,
  timerSleeps: LIMITS.timerSleeps,
} as const;

export type Resource = keyof typeof DEFAULT_LIMITS;
export type Limits = Readonly<Record<Resource, number>>;

export const RESOURCES = Object.keys(DEFAULT_LIMITS) as readonly Resource[];

/** The frame-grant limit of the published default resource profile, for whoever asks for it. */
export const PROFILE_FRAME_GRANT_PAGES = 256;

/** Words for texts that a guest reads. */
const NAMES: Readonly<Record<Resource, string>> = {
  capSlots: "capability slot",
  outstandingCalls: "outstanding call",
  scratchBytes: "scratch byte",
  frameGrantPages: "frame grant page",
  virtualReservationPages: "virtual reservation page",
  threads: "thread",
  timerSleeps: "timer sleep",
};

/** Fields: `#limits` fixed at creation; `#used` = what is charged now (KER-3: 0 <= used <= limit). */
export class Ledger {
  readonly #limits: Limits;
  readonly #used: Record<Resource, number>;

  constructor(limits: Partial<Limits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#used = {
      capSlots: 0,
      outstandingCalls: 0,
      scratchBytes: 0,
      frameGrantPages: 0,
      virtualReservationPages: 0,
      threads: 0,
      timerSleeps: 0,
    };
  }

  limit(resource: Resource): number {
    return this.#limits[resource];
  }

  used(resource: Resource): number {
    return this.#used[resource];
  }

  available(resource: Resource): number {
    return this.#limits[resource] - this.#used[resource];
  }

  /** Whether `amount` more fits. Fails closed: what is no count never fits. */
  canCharge(resource: Resource, amount: number): boolean {
    return Number.isSafeInteger(amount) && amount >= 0 && amount <= this.available(resource);
  }

  /** Charges all of `amount`, or nothing and answers false. */
  charge(resource: Resource, amount: number): boolean {
    if (!this.canCharge(resource, amount)) return false;
    this.#used[resource] += amount;
    return true;
  }

  release(resource: Resource, amount: number): void {
    if (!Number.isSafeInteger(amount) || amount < 0) {
      throw new InvariantError([`KER-3 release of ${amount} ${NAMES[resource]}s`]);
    }
    this.#used[resource] = Math.max(0, this.#used[resource] - amount);
  }

  /** Why a charge of `amount` would be refused, in numbers of this process alone. */
  refusal(resource: Resource, amount: number): string {
    const left = this.available(resource);
    return `${amount} more ${NAMES[resource]}s asked, ${left} of ${this.#limits[resource]} left`;
  }
}

/** KER-3  A ledger's used count is the sum of what is charged to it, and within its limit. */
export function brokenLedgerRules(ledger: Ledger, charged: Partial<Record<Resource, number>>): string[] {
  const broken: string[] = [];
  for (const resource of RESOURCES) {
    const used = ledger.used(resource);
    const sum = charged[resource] ?? used;
    if (used !== sum) broken.push(`KER-3 ledger says ${used} ${NAMES[resource]}s used, their sum is ${sum}`);
    if (used < 0 || used > ledger.limit(resource)) {
      broken.push(`KER-3 ${used} ${NAMES[resource]}s used, the limit is ${ledger.limit(resource)}`);
    }
  }
  return broken;
}
