/**
 * TerminalSession: authority to write to the console and to read lines typed there. Copied freely. The line
 * rules are in objects/terminal.ts. A run has one terminal: what one reader leaves of a line, the next one gets.
 *
 * readLine: invalidArgument when only empty lines would fit and none may be empty; -3 when the longest line it asks
 * for does not fit the result buffer, before anything is read.
 */

import { ERR } from "../abi.ts";
import { defineInterface, refuse } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { LineResult } from "../objects/terminal.ts";
import { Terminal } from "../objects/terminal.ts";
import { LineEcho, LineStatus, TerminalSession } from "../schema/kernel.ts";
import type { KernelServices } from "../services.ts";
import { writeTextLine } from "./console.ts";
import { dataRoom } from "./result-room.ts";

export const LINE_BYTES_MAX = 256;

export const LINE_STATUS: Readonly<Record<LineResult["status"], LineStatus>> = {
  submitted: LineStatus.SUBMITTED,
  cancelled: LineStatus.CANCELLED,
  closed: LineStatus.CLOSED,
};

const encoder = new TextEncoder();

const TERMINALS = new WeakMap<KernelServices, Terminal>();

/** The terminal that all readers of a kernel share. */
export function terminalOf(services: KernelServices): Terminal {
  let terminal = TERMINALS.get(services);
  if (terminal === undefined) {
    terminal = new Terminal();
    TERMINALS.set(services, terminal);
  }
  return terminal;
}

export const TERMINAL_SESSION = defineInterface(TerminalSession).handle<null>({
  write(_terminal, { services }, params) {
    services.console.write(params.data.toUint8Array());
  },
  writeLine(_terminal, { services }, params) {
    writeTextLine(services.console, params);
  },
  readLine(_terminal, { services, resultLength }, params, results) {
    const { prompt, maxBytes, echo, allowEmpty } = params.request;
    const limit = Math.min(maxBytes, LINE_BYTES_MAX);
    if (limit === 0 && !allowEmpty)
      return refuse("invalidArgument", "maxBytes is 0 and no line may be empty");
    if (limit > dataRoom(resultLength)) return { kind: "transport", code: ERR.invalidResultBuffer };
    // An echo this kernel does not know is taken for the one that shows less.
    const settings = { prompt: encoder.encode(prompt), limit, allowEmpty, echo: echo === LineEcho.VISIBLE };
    const { inputs, console } = services;
    const result = terminalOf(services).readLine(settings, inputs.consoleInput, console);
    results.status = LINE_STATUS[result.status];
    if (result.status === "submitted") results._initLine(result.line.length).copyBuffer(result.line);
    return undefined;
  },
});

export const terminalSessionCapability = (): KernelObject =>
  TERMINAL_SESSION.capability(null, { label: "terminal-session", mode: "copy" });
