/**
 * The two system calls. `cap_enter` takes submissions off the ring in order, each run to its end before the next is
 * looked at, then waits for completions if it is asked to.
 */

import {
  CAP_ENTER_THREAD_OWNED_HEAD,
  CQ_ENTRIES,
  SQE_THREAD_OWNED,
  SYS_CAP_ENTER,
  SYS_EXIT,
  SYSCALL_REJECTED,
  WAIT_FOREVER,
} from "./abi.ts";
import type { Thread } from "./objects/thread.ts";
import { runOperation } from "./operations.ts";
import type { KernelServices } from "./services.ts";
import type { CompletionListener } from "./submission.ts";
import { Submission } from "./submission.ts";
import { wireError } from "./wire.ts";

/** Runs the system call of the running thread: the value for RAX, or undefined when it waits or is gone. */
export function runSyscall(
  services: KernelServices,
  thread: Thread,
  listener: CompletionListener | undefined,
): bigint | undefined {
  const { number, arg0, arg1 } = services.cpu.readSyscall();
  if (number === BigInt(SYS_CAP_ENTER)) {
    return enter(services, thread, {
      minComplete: Number(BigInt.asUintN(32, arg0)),
      timeoutNs: arg1,
      listener,
    });
  }
  if (number !== BigInt(SYS_EXIT)) return SYSCALL_REJECTED;
  services.exitProcess(thread.process, BigInt.asIntN(64, arg0));
  return undefined;
}

interface EnterRequest {
  readonly minComplete: number;
  readonly timeoutNs: bigint;
  readonly listener: CompletionListener | undefined;
}

function enter(services: KernelServices, thread: Thread, request: EnterRequest): bigint | undefined {
  const { ring } = thread;
  ring.flushHeld();
  const foreignHead = consume(services, thread, request.listener);
  if (thread.exited) return undefined;
  if (foreignHead) return CAP_ENTER_THREAD_OWNED_HEAD;
  const available = ring.available();
  // more than the queue holds can never come.
  const minComplete = Math.min(request.minComplete, CQ_ENTRIES);
  if (available >= minComplete || request.timeoutNs === 0n) return BigInt(available);
  thread.block({ minComplete, cancelTimer: enterTimer(services, thread, request.timeoutNs) });
  return undefined;
}

function enterTimer(services: KernelServices, thread: Thread, timeoutNs: bigint): () => void {
  if (timeoutNs === WAIT_FOREVER) return () => undefined;
  return services.timers.at(services.inputs.clock.nowNs() + timeoutNs, () => thread.wake());
}

/**
 * Runs submissions while there are any and their completions would be visible at once. True when it stopped
 * at a submission that belongs to another thread. At most one queue's worth: running one adds none.
 */
function consume(
  services: KernelServices,
  thread: Thread,
  listener: CompletionListener | undefined,
): boolean {
  const { ring } = thread;
  for (let left = ring.pendingSubmissions(); left > 0 && ring.hasRoom(); left--) {
    const sqe = ring.peek();
    if ((sqe.flags & SQE_THREAD_OWNED) !== 0 && sqe.callId !== thread.id && wireError(sqe) === 0) return true;
    ring.advance();
    const submission = new Submission(thread, sqe, listener);
    const error = wireError(sqe);
    if (error !== 0) submission.fail(error);
    else runOperation(services, submission);
    if (thread.exited) return false;
  }
  return false;
}
