/** What happens later on the guest's clock. Equal deadlines fire in the order they were set. */

import type { Clock } from "../host-inputs.ts";
import type { Timers } from "./services.ts";

interface Entry {
  readonly deadlineNs: bigint;
  readonly action: () => void;
}

/** Field: `#entries`, sorted by deadline, then by age. */
export class TimerQueue implements Timers {
  readonly #clock: Clock;
  readonly #entries: Entry[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  at(deadlineNs: bigint, action: () => void): () => void {
    const entry = { deadlineNs, action };
    let place = this.#entries.length;
    while (place > 0 && (this.#entries[place - 1]?.deadlineNs ?? 0n) > deadlineNs) place--;
    this.#entries.splice(place, 0, entry);
    return () => {
      const index = this.#entries.indexOf(entry);
      if (index >= 0) this.#entries.splice(index, 1);
    };
  }

  get earliest(): bigint | undefined {
    return this.#entries[0]?.deadlineNs;
  }
  get length(): number {
    return this.#entries.length;
  }

  /** Runs what is due. An action may set new timers; those due at once run too. */
  fireDue(): void {
    if (this.#entries.length === 0) return;
    const now = this.#clock.nowNs();
    for (
      let first = this.#entries[0];
      first !== undefined && first.deadlineNs <= now;
      first = this.#entries[0]
    ) {
      this.#entries.shift();
      first.action();
    }
  }

  /** Nobody can run: waits until the earliest deadline. False when there is none. */
  waitForEarliest(): boolean {
    const deadline = this.earliest;
    if (deadline === undefined) return false;
    this.#clock.advanceTo(deadline);
    return true;
  }
}
