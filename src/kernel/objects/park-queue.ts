/**
 * Threads that wait for words of memory, first come first woken. A process has one queue, which knows every
 * wait of its threads; a SharedParkSpace has one with those of all processes that wait through it.
 */

import { PARK_INTERRUPTED, PARK_WOKEN } from "../abi.ts";

export interface Parked {
  /** Where the waiting process sees the word. */
  readonly address: bigint;
  /** What a waker has to name: the address itself, or a physical place. */
  readonly place: bigint;
  /** Who wakes it. */
  readonly queue: ParkQueue;
  /** Completes the PARK with one of the park results and takes it out of all queues. */
  readonly finish: (result: number) => void;
}

export class ParkQueue {
  readonly #parked: Parked[] = [];

  add(parked: Parked): void {
    this.#parked.push(parked);
  }

  /** Forgets one without completing it. */
  remove(parked: Parked): void {
    const at = this.#parked.indexOf(parked);
    if (at >= 0) this.#parked.splice(at, 1);
  }

  /** Wakes at most `count` of those that wait here for this place; how many it were. */
  unpark(place: bigint, count: number): number {
    const waiting = this.#parked.filter((each) => each.queue === this && each.place === place);
    const woken = waiting.slice(0, count);
    for (const parked of woken) parked.finish(PARK_WOKEN);
    return woken.length;
  }

  /** Ends every wait on a range whose addresses may get another meaning: unmapped or decommitted. */
  drain(start: bigint, lengthBytes: bigint): void {
    for (const parked of this.#parked.filter((p) => p.address >= start && p.address < start + lengthBytes)) {
      parked.finish(PARK_INTERRUPTED);
    }
  }

  get length(): number {
    return this.#parked.length;
  }
}
