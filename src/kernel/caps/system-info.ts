/** SystemInfo: what the system says of itself, the same in every run. Copied freely. */

import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { SystemInfo } from "../schema/kernel.ts";

const HOST_NAME = "capjit";
const MESSAGE_OF_THE_DAY = "capOS programs on capjit";

export const SYSTEM_INFO = defineInterface(SystemInfo).handle<null>({
  motd(_info, _context, _params, results) {
    results.text = MESSAGE_OF_THE_DAY;
  },
  hostname(_info, _context, _params, results) {
    results.name = HOST_NAME;
  },
});

export const systemInfoCapability = (): KernelObject =>
  SYSTEM_INFO.capability(null, { label: "system-info", mode: "copy" });
