/**
 * Console: authority to write to the run's console. Copied freely. Holds no state.
 *
 * write, writeLine: nothing to refuse beyond malformed parameters.
 */

import * as capnp from "capnp-es";
import { defineInterface } from "../call.ts";
import type { KernelObject } from "../object.ts";
import { Console } from "../schema/kernel.ts";
import type { ConsoleSink } from "../services.ts";

const LF = 0x0a;
const EMPTY_LINE = Uint8Array.of(LF);

/**
 * Writes the Text at pointer 0 of the params and a line end. Not as a string: decoding replaces what is not UTF-8,
 * and the console shows what the guest wrote. The params are a private copy, so the line end can take the place of
 * the NUL behind the text.
 */
export function writeTextLine(sink: ConsoleSink, params: capnp.Struct): void {
  const bytes = capnp.utils.getData(0, params).toUint8Array();
  if (bytes.length === 0) return sink.write(EMPTY_LINE);
  bytes[bytes.length - 1] = LF;
  sink.write(bytes);
}

export const CONSOLE = defineInterface(Console).handle<null>({
  write(_console, { services }, params) {
    services.console.write(params.data.toUint8Array());
  },
  writeLine(_console, { services }, params) {
    writeTextLine(services.console, params);
  },
});

export const consoleCapability = (): KernelObject =>
  CONSOLE.capability(null, { label: "console", mode: "copy" });
