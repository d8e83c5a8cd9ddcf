/**
 * ParkSpace: authority to park on and unpark words of the own address space. No methods: ring operations only.
 * Cannot leave its process.
 */

import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { Process } from "../objects/process.ts";
import { ParkSpace } from "../schema/kernel.ts";

export const PARK_SPACE = defineInterface(ParkSpace).handle<Process>({});

export const parkSpaceCapability = (process: Process): KernelObject =>
  PARK_SPACE.capability(process, { label: "park-space", mode: "none" });
