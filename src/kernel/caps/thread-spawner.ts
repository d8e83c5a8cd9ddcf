/**
 * ThreadSpawner: authority to start threads in the own process. Cannot leave it.
 *
 * create: invalidArgument for flags other than 0 and addresses outside the user half; overloaded when the thread
 * limit, memory for the ring page, or the caller's table is exhausted.
 */

import { USER_END } from "../../mmu/address.ts";
import { defineInterface, refuse, withCaps } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { ExitWatch } from "../objects/exit-watch.ts";
import type { Process } from "../objects/process.ts";
import { ThreadSpawner } from "../schema/kernel.ts";
import { threadHandleCapability } from "./thread-handle.ts";

export const THREAD_SPAWNER = defineInterface(ThreadSpawner).handle<Process>({
  create(process, context, params, results) {
    if (params.flags !== 0n) return refuse("invalidArgument", `flags ${params.flags} are not 0`);
    for (const name of ["entry", "stackTop", "fsBase"] as const) {
      if (params[name] >= BigInt(USER_END)) {
        return refuse("invalidArgument", `${name} 0x${params[name].toString(16)} is not a user address`);
      }
    }
    if (params.stackTop < 16n) return refuse("invalidArgument", "stackTop leaves no room for a stack");
    const refused = context.refuseCaps(1);
    if (refused !== undefined) return refused;
    const { entry, stackTop, arg, fsBase } = params;
    const thread = context.services.createThread(process, { entry, stackTop, arg, fsBase });
    if (typeof thread === "string") return refuse("overloaded", thread);
    results.handleIndex = 0;
    return withCaps({ object: threadHandleCapability(new ExitWatch(thread.onExit)) });
  },
});

export const threadSpawnerCapability = (process: Process): KernelObject =>
  THREAD_SPAWNER.capability(process, { label: "thread-spawner", mode: "none" });
