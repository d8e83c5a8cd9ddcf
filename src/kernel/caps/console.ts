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

const LINE_END = Uint8Array.of(0x0a);

/**
 * The bytes of the Text at pointer 0, without the NUL behind them. A string would not do: decoding replaces what is
 * not UTF-8, and the console shows what the guest wrote.
 */
function textBytes(params: capnp.Struct): Uint8Array {
  return capnp.utils.getData(0, params).toUint8Array().subarray(0, -1);
}

/** Writes the Text at pointer 0 of the params and a line end. */
export function writeTextLine(sink: ConsoleSink, params: capnp.Struct): void {
  sink.write(textBytes(params));
  sink.write(LINE_END);
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
