/**
 * FrameAllocator: authority to take physical frames, handed out as memory objects and never as addresses. Not
 * transferable. Touches KER-3, KER-20, KER-21.
 *
 * allocFrame, allocContiguous: -3 when the record does not fit; overloaded (capability slots, frame grant, no free
 * run); allocContiguous: invalidArgument for 0 frames. All of it before a frame is taken.
 */

import type { CallContext, Reply } from "../call.ts";
import { defineInterface, refuse, withCaps } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { allocateMemoryObject } from "../objects/memory-object.ts";
import { FrameAllocator } from "../schema/kernel.ts";
import { memoryObjectCapability } from "./memory-object.ts";

const HANDLE_RECORD = 0;

function allocate(context: CallContext, count: number): Reply {
  const refused = context.refuseCaps(1);
  if (refused !== undefined) return refused;
  const allocated = allocateMemoryObject(context.services.frames, context.process.ledger, count);
  if (allocated.status !== "ok") return refuse(allocated.status, allocated.text);
  context.services.trackMemoryObject(allocated.object);
  return withCaps({ object: memoryObjectCapability(allocated.object) });
}

export const FRAME_ALLOCATOR = defineInterface(FrameAllocator).handle<null>({
  allocFrame(_allocator, context, _params, results) {
    results.handleIndex = HANDLE_RECORD;
    return allocate(context, 1);
  },
  allocContiguous(_allocator, context, { count }, results) {
    results.handleIndex = HANDLE_RECORD;
    return allocate(context, count);
  },
});

export const frameAllocatorCapability = (): KernelObject =>
  FRAME_ALLOCATOR.capability(null, { label: "frame-allocator", mode: "none" });
