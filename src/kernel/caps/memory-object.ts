/**
 * MemoryObject: authority over shared frames. Copied freely; every holder is charged for its pages, and so is
 * every live mapping. Touches KER-3, KER-20, KER-21.
 *
 * map: invalidArgument (part, place, protection), overloaded (quota, tables).
 * unmap, protect: invalidArgument (range, protection), failed when the range shows anything but this object.
 */

import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { MemoryObject } from "../objects/memory-object.ts";
import { MemoryObject as MemoryObjectSchema } from "../schema/kernel.ts";
import { addressReply, memoryReply } from "./memory-reply.ts";

export const MEMORY_OBJECT = defineInterface(MemoryObjectSchema).handle<MemoryObject>({
  info(object, _context, _params, results) {
    results.pageCount = object.pageCount;
    results.sizeBytes = BigInt(object.sizeBytes);
  },
  map(object, context, { hint, offset, size, prot }, results) {
    const where = { hint, offset, size, prot };
    return addressReply(context.process.memory.mapObject(object, where, context.provenance()), results);
  },
  unmap(object, { process }, { addr, size }) {
    const outcome = process.memory.unmapObject(object, addr, size);
    if (outcome.status === "ok") process.parks.drain(addr, size);
    return memoryReply(outcome);
  },
  protect(object, context, { addr, size, prot }) {
    return memoryReply(context.process.memory.protectObject(object, addr, size, prot, context.provenance()));
  },
});

/** A capability for an object nobody holds yet. */
export const memoryObjectCapability = (object: MemoryObject): KernelObject =>
  MEMORY_OBJECT.capability(object, {
    label: "memory-object",
    mode: "copy",
    chargedPages: object.pageCount,
    onHeld: () => object.addHold(),
    onReleased: () => object.dropHold(),
    onDiscarded: () => object.discardUnheld(),
  });
