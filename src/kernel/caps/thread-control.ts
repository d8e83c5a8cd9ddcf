/**
 * ThreadControl: authority over the calling thread. Cannot leave its process.
 *
 * setFsBase: invalidArgument for an address outside the user half.
 */

import { USER_END } from "../../mmu/address.ts";
import { defineInterface, NO_COMPLETION, refuse } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { Process } from "../objects/process.ts";
import { ThreadControl } from "../schema/kernel.ts";

export const THREAD_CONTROL = defineInterface(ThreadControl).handle<Process>({
  getFsBase(_process, { services }, _params, results) {
    results.fsBase = services.cpu.getFsBase();
  },
  setFsBase(_process, { services }, params) {
    if (params.fsBase >= BigInt(USER_END)) {
      return refuse("invalidArgument", `FS base 0x${params.fsBase.toString(16)} is not a user address`);
    }
    services.cpu.setFsBase(params.fsBase);
    return undefined;
  },
  exitThread(_process, { services, thread }, params) {
    services.exitThread(thread, params.code);
    return NO_COMPLETION;
  },
});

export const threadControlCapability = (process: Process): KernelObject =>
  THREAD_CONTROL.capability(process, { label: "thread-control", mode: "none" });
