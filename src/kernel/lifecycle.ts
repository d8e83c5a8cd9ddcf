/**
 * How threads and processes end. Everything that was open is closed in one order: the own submissions (nobody is
 * there to see them complete), the capabilities (others learn that an endpoint is gone), the memory, and last those
 * who wait for the end.
 */

import { PAGE_BYTES } from "../mmu/address.ts";
import type { ExitReason, Process } from "./objects/process.ts";
import type { Thread } from "./objects/thread.ts";

/** Ends one thread; its process goes on. Not for the last thread. */
export function endThread(thread: Thread, code: bigint): void {
  const { process } = thread;
  stopThread(thread, code);
  process.threads.delete(thread.id);
  process.ledger.release("threads", 1);
  process.memory.removeRingPage(thread.ringAddress);
  process.parks.drain(BigInt(thread.ringAddress), BigInt(PAGE_BYTES));
  for (const action of thread.onExit.splice(0)) action(code);
}

function stopThread(thread: Thread, code: bigint): void {
  thread.markExited(code);
  for (const submission of [...thread.open]) submission.abandon();
}

/** The threads of a process with what they wait for, and its capabilities. */
export function dropEverything(process: Process, code: bigint): void {
  const threads = [...process.threads.values()];
  for (const thread of threads) stopThread(thread, code);
  for (const hold of process.table.clear()) hold.object.release(hold, process);
  process.threads.clear();
  process.ledger.release("threads", threads.length);
}

/** Ends a process, once. Its threads, capabilities and memory are gone afterwards; the record of it stays. */
export function endProcess(process: Process, code: bigint, reason: ExitReason): void {
  if (process.exited) return;
  process.exitCode = code;
  process.exitReason = reason;
  const threads = [...process.threads.values()];
  dropEverything(process, code);
  process.memory.teardown();
  for (const thread of threads) thread.onExit.length = 0;
  for (const action of process.onExit.splice(0)) action(code);
}
