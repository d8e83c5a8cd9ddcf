/**
 * A thread: saved registers, its ring, and what it waits for. Only `cap_enter` makes a thread wait; everything else
 * completes through the ring.
 */

import type { GuestAddress } from "../../mmu/address.ts";
import type { CpuState } from "../cpu-port.ts";
import type { Ring } from "../ring.ts";
import type { Submission } from "../submission.ts";
import type { Process } from "./process.ts";

export type ThreadState = "runnable" | "waiting" | "exited";

/** A blocked `cap_enter`. */
export interface EnterWait {
  readonly minComplete: number;
  readonly cancelTimer: () => void;
}

/** What a thread is made of; its process gives it the id. */
export interface ThreadParts {
  readonly id: number;
  readonly process: Process;
  readonly cpuState: CpuState;
  readonly ring: Ring;
  readonly ringAddress: GuestAddress;
  /** Called when the thread can run again. */
  readonly onRunnable: (thread: Thread) => void;
}

/**
 * Fields: `state` and `wait` agree (KER-42); `open` = submissions taken off the ring and not completed (KER-40);
 * `result` = value for RAX when it next runs; `exitCode` is set exactly when the state is exited; `onExit` runs
 * once, then.
 */
export class Thread {
  readonly id: number;
  readonly process: Process;
  readonly cpuState: CpuState;
  readonly ring: Ring;
  readonly ringAddress: GuestAddress;
  readonly open = new Set<Submission>();
  readonly #onRunnable: (thread: Thread) => void;
  state: ThreadState = "runnable";
  wait: EnterWait | undefined;
  result: bigint | undefined;
  exitCode: bigint | undefined;
  readonly onExit: ((code: bigint) => void)[] = [];

  constructor(parts: ThreadParts) {
    this.id = parts.id;
    this.process = parts.process;
    this.cpuState = parts.cpuState;
    this.ring = parts.ring;
    this.ringAddress = parts.ringAddress;
    this.#onRunnable = parts.onRunnable;
  }

  get exited(): boolean {
    return this.state === "exited";
  }

  /** Blocks in `cap_enter`. */
  block(wait: EnterWait): void {
    this.state = "waiting";
    this.wait = wait;
  }

  /** A completion was posted to the ring: enough of them end the wait. */
  noticeCompletion(): void {
    if (this.wait !== undefined && this.ring.available() >= this.wait.minComplete) this.wake();
  }

  /** Ends the wait with the number of completions there are. */
  wake(): void {
    if (this.wait === undefined) return;
    this.wait.cancelTimer();
    this.wait = undefined;
    this.state = "runnable";
    this.result = BigInt(this.ring.available());
    this.#onRunnable(this);
  }

  /** The state only; submissions, ring page and waiters are the business of `lifecycle.ts`. */
  markExited(code: bigint): void {
    this.wait?.cancelTimer();
    this.wait = undefined;
    this.state = "exited";
    this.exitCode = code;
  }
}
