/**
 * VirtualMemory: authority over the anonymous memory of one process. Cannot leave it. Touches KER-1, KER-2,
 * KER-3, KER-22 to KER-25.
 *
 * Every method: invalidArgument for a range or protection that can never be, failed for one that is not in
 * the right state, overloaded when a quota or the frames do not suffice.
 */

import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { Process } from "../objects/process.ts";
import { VirtualMemory } from "../schema/kernel.ts";
import { addressReply, memoryReply } from "./memory-reply.ts";

export const VIRTUAL_MEMORY = defineInterface(VirtualMemory).handle<Process>({
  map({ memory }, context, { hint, size, prot }, results) {
    return addressReply(memory.map(hint, size, prot, context.provenance()), results);
  },
  unmap({ memory, parks }, _context, { addr, size }) {
    const outcome = memory.unmap(addr, size);
    if (outcome.status === "ok") parks.drain(addr, size);
    return memoryReply(outcome);
  },
  protect({ memory }, context, { addr, size, prot }) {
    return memoryReply(memory.protect(addr, size, prot, context.provenance()));
  },
  reserve({ memory }, context, { hint, size }, results) {
    return addressReply(memory.reserve(hint, size, context.provenance()), results);
  },
  commit({ memory }, context, { addr, size, prot }) {
    return memoryReply(memory.commit(addr, size, prot, context.provenance()));
  },
  decommit({ memory, parks }, context, { addr, size }) {
    const outcome = memory.decommit(addr, size, context.provenance());
    if (outcome.status === "ok") parks.drain(addr, size);
    return memoryReply(outcome);
  },
});

const OWNERS = new WeakMap<KernelObject, Process>();

export function virtualMemoryCapability(process: Process): KernelObject {
  const object = VIRTUAL_MEMORY.capability(process, { label: "virtual-memory", mode: "none" });
  OWNERS.set(object, process);
  return object;
}

/** The process whose address space a VirtualMemory object acts on, for the checks of KER-30. */
export const memoryOwner = (object: KernelObject): Process | undefined => OWNERS.get(object);
