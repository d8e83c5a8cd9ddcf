/** SystemInfo: what the system says of itself, the same in every run. Copied freely. */

import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { SystemInfo } from "../schema/kernel.ts";

const HOST_NAME = "capjit";
const MESSAGE_OF_THE_DAY = "capOS programs on capjit";

/** What a boot manifest says instead. */
export interface SystemTexts {
  readonly motd?: string;
  readonly hostname?: string;
}

export const SYSTEM_INFO = defineInterface(SystemInfo).handle<SystemTexts>({
  motd(texts, _context, _params, results) {
    results.text = texts.motd ?? MESSAGE_OF_THE_DAY;
  },
  hostname(texts, _context, _params, results) {
    results.name = texts.hostname ?? HOST_NAME;
  },
});

export const systemInfoCapability = (texts: SystemTexts = {}): KernelObject =>
  SYSTEM_INFO.capability(texts, { label: "system-info", mode: "copy" });
