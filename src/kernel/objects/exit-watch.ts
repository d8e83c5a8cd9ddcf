/** Somebody's view of the end of a thread or process: at most one waits, and everybody may ask afterwards. */

/** Fields: `exitCode` is set once; `#waiter` is called once, then, unless it stopped waiting. */
export class ExitWatch {
  exitCode: bigint | undefined;
  #waiter: ((code: bigint) => void) | undefined;

  /** `onExit` is the list of things to do when what is watched ends. */
  constructor(onExit: ((code: bigint) => void)[]) {
    onExit.push((code) => {
      this.exitCode = code;
      const waiter = this.#waiter;
      this.#waiter = undefined;
      waiter?.(code);
    });
  }

  get waiting(): boolean {
    return this.#waiter !== undefined;
  }

  /** Only while nobody waits and nothing has ended. */
  wait(action: (code: bigint) => void): void {
    this.#waiter = action;
  }

  stopWaiting(): void {
    this.#waiter = undefined;
  }
}
