/**
 * ProcessHandle: a process that was started. Not transferable.
 *
 * wait: failed for a second waiter. terminate: ends the process with `EXIT_TERMINATED`; nothing happens when
 * it has ended already.
 */

import { EXIT_TERMINATED } from "../abi.ts";
import { defineInterface, PENDING, refuse } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { ExitWatch } from "../objects/exit-watch.ts";
import type { Process } from "../objects/process.ts";
import { ProcessHandle } from "../schema/kernel.ts";

interface Watched {
  readonly process: Process;
  readonly watch: ExitWatch;
}

export const PROCESS_HANDLE = defineInterface(ProcessHandle).handle<Watched>({
  wait({ watch }, context, _params, results) {
    if (watch.exitCode !== undefined) {
      results.exitCode = watch.exitCode;
      return undefined;
    }
    if (watch.waiting) return refuse("failed", "another call waits for this process already");
    const pending = context.suspend(() => watch.stopWaiting());
    watch.wait((code) => {
      results.exitCode = code;
      pending.complete();
    });
    return PENDING;
  },
  terminate({ process }, { services }) {
    services.exitProcess(process, EXIT_TERMINATED, "terminated");
  },
});

export const processHandleCapability = (process: Process): KernelObject =>
  PROCESS_HANDLE.capability(
    { process, watch: new ExitWatch(process.onExit) },
    { label: "process-handle", mode: "none" },
  );
