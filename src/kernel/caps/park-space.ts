/**
 * ParkSpace: authority to park on and unpark words of the own address space. Cannot leave its process.
 * SharedParkSpace: the same for words in memory objects, among all processes that hold a copy. Copied freely.
 * No methods: ring operations only.
 */

import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { ParkQueue } from "../objects/park-queue.ts";
import type { Process } from "../objects/process.ts";
import { ParkSpace, SharedParkSpace } from "../schema/kernel.ts";

export const PARK_SPACE = defineInterface(ParkSpace).handle<Process>({});
export const SHARED_PARK_SPACE = defineInterface(SharedParkSpace).handle<ParkQueue>({});

export const parkSpaceCapability = (process: Process): KernelObject =>
  PARK_SPACE.capability(process, { label: "park-space", mode: "none" });

const SHARED = new WeakMap<KernelObject, ParkQueue>();

export function sharedParkSpaceCapability(): KernelObject {
  const queue = new ParkQueue();
  const object = SHARED_PARK_SPACE.capability(queue, { label: "shared-park-space", mode: "copy" });
  SHARED.set(object, queue);
  return object;
}

/** Who waits through this object, if it is a SharedParkSpace. */
export const sharedSpaceBehind = (object: KernelObject): ParkQueue | undefined => SHARED.get(object);
