/**
 * Which thread runs next: round robin over those that can. Pure; the order depends only on the order of calls, so a
 * run is reproducible.
 */

export class Scheduler<T extends object> {
  readonly #ready: T[] = [];

  /** Puts a thread behind the others. It must not be queued already. */
  enqueue(thread: T): void {
    this.#ready.push(thread);
  }

  /** Takes the next thread, or undefined when none can run. */
  take(): T | undefined {
    return this.#ready.shift();
  }

  /** Forgets a thread that is gone. */
  remove(thread: T): void {
    const at = this.#ready.indexOf(thread);
    if (at >= 0) this.#ready.splice(at, 1);
  }

  get length(): number {
    return this.#ready.length;
  }
  /** The queue, next first (KER-42). */
  get ready(): readonly T[] {
    return this.#ready;
  }
}
