/** Threads of one process that wait for a word of memory, first come first woken. */

import { PARK_INTERRUPTED, PARK_WOKEN } from "../abi.ts";

export interface Parked {
  readonly address: bigint;
  /** Completes the PARK with one of the park results. */
  readonly finish: (result: number) => void;
}

export class ParkQueue {
  readonly #parked: Parked[] = [];

  add(parked: Parked): void {
    this.#parked.push(parked);
  }

  /** Forgets one without completing it; false when it is not there any more. */
  remove(parked: Parked): boolean {
    const at = this.#parked.indexOf(parked);
    if (at >= 0) this.#parked.splice(at, 1);
    return at >= 0;
  }

  /** Wakes at most `count` of those that wait for this word; how many it were. */
  unpark(address: bigint, count: number): number {
    let woken = 0;
    for (const parked of this.#parked.filter((each) => each.address === address)) {
      if (woken === count) break;
      this.remove(parked);
      parked.finish(PARK_WOKEN);
      woken++;
    }
    return woken;
  }

  /** Ends every wait on a range whose addresses may get another meaning: unmapped or decommitted. */
  drain(start: bigint, lengthBytes: bigint): void {
    for (const parked of this.#parked.filter((p) => p.address >= start && p.address < start + lengthBytes)) {
      this.remove(parked);
      parked.finish(PARK_INTERRUPTED);
    }
  }

  get length(): number {
    return this.#parked.length;
  }
}
