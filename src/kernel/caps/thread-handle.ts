/**
 * ThreadHandle: a thread that was started. Cannot leave its process.
 *
 * join: failed for a second waiter.
 */

import { defineInterface, PENDING, refuse } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { ExitWatch } from "../objects/exit-watch.ts";
import { ThreadHandle } from "../schema/kernel.ts";

export const THREAD_HANDLE = defineInterface(ThreadHandle).handle<ExitWatch>({
  join(watch, context, _params, results) {
    if (watch.exitCode !== undefined) {
      results.exitCode = watch.exitCode;
      return undefined;
    }
    if (watch.waiting) return refuse("failed", "another call waits for this thread already");
    const pending = context.suspend(() => watch.stopWaiting());
    watch.wait((code) => {
      results.exitCode = code;
      pending.complete();
    });
    return PENDING;
  },
  exitCode(watch, _context, _params, results) {
    results.exited = watch.exitCode !== undefined;
    results.exitCode = watch.exitCode ?? 0n;
  },
});

export const threadHandleCapability = (watch: ExitWatch): KernelObject =>
  THREAD_HANDLE.capability(watch, { label: "thread-handle", mode: "none" });
