/**
 * StdIO: the standard streams of a program, as a shell gives them to what it starts. Programs see an Endpoint and use
 * the methods of StdIO on it; here the run's console answers instead of a shell. Copied freely.
 *
 * write: invalidArgument for a stream nobody knows; disconnected after close. read: invalidArgument when only empty
 * lines would fit and none may be empty, or for a mode nobody knows; -3 when the longest answer it asks for does not
 * fit the result buffer, before anything is read; `closed` after close. close: nothing to refuse.
 */

import * as capnp from "capnp-es";
import { ERR } from "../abi.ts";
import type { Reply } from "../call.ts";
import { defineInterface, refuse } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { LineResult } from "../objects/terminal.ts";
import type { StdIOReadRequest } from "../schema/kernel.ts";
import { StdIO, StdIOReadMode, StdIOStream } from "../schema/kernel.ts";
import type { KernelServices } from "../services.ts";
import { dataRoom } from "./result-room.ts";
import { LINE_BYTES_MAX, LINE_STATUS, terminalOf } from "./terminal-session.ts";

/** A session; `open` until one of its holders closes it. */
interface StdIOSession {
  open: boolean;
}

const BLOCK_BYTES_MAX = 1024;
/** A byte that is not UTF-8 becomes a character of three. */
const TEXT_GROWTH = 3;

const STREAMS: ReadonlySet<number> = new Set(Object.values(StdIOStream));
const MODES: ReadonlySet<number> = new Set(Object.values(StdIOReadMode));
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What the request may not be, before anything is read. */
function refuseRead({ mode, allowEmpty }: StdIOReadRequest, limit: number, resultLength: number): Reply {
  if (!MODES.has(mode)) return refuse("invalidArgument", `unknown read mode ${mode}`);
  if (limit === 0 && !allowEmpty)
    return refuse("invalidArgument", "maxBytes is 0 and nothing empty is allowed");
  const fits = limit * TEXT_GROWTH + 1 <= dataRoom(resultLength);
  return fits ? undefined : { kind: "transport", code: ERR.invalidResultBuffer };
}

/** Modes `line` and `hidden` read a line by the terminal's rules; `block` takes what is typed, line end included. */
function take(services: KernelServices, request: StdIOReadRequest, limit: number): LineResult {
  const { inputs, console } = services;
  const prompt = encoder.encode(request.prompt);
  const terminal = terminalOf(services);
  if (request.mode !== StdIOReadMode.BLOCK) {
    const echo = request.mode === StdIOReadMode.LINE;
    const settings = { prompt, limit, allowEmpty: request.allowEmpty, echo };
    return terminal.readLine(settings, inputs.consoleInput, console);
  }
  if (prompt.length > 0) console.write(prompt);
  const line = terminal.readBlock(limit, inputs.consoleInput);
  return line === undefined ? { status: "closed" } : { status: "submitted", line };
}

export const STDIO = defineInterface(StdIO).handle<StdIOSession>({
  write(session, { services }, params) {
    if (!STREAMS.has(params.stream)) return refuse("invalidArgument", `unknown stream ${params.stream}`);
    if (!session.open) return refuse("disconnected", "the session is closed");
    // Not as a string: what is not UTF-8 is shown as it is. The last byte is the NUL behind the text.
    services.console.write(capnp.utils.getData(0, params).toUint8Array().subarray(0, -1));
    return undefined;
  },
  read(session, { services, resultLength }, { request }, results) {
    const most = request.mode === StdIOReadMode.BLOCK ? BLOCK_BYTES_MAX : LINE_BYTES_MAX;
    const limit = Math.min(request.maxBytes, most);
    const refused = refuseRead(request, limit, resultLength);
    if (refused !== undefined) return refused;
    const result: LineResult = session.open ? take(services, request, limit) : { status: "closed" };
    results.status = LINE_STATUS[result.status];
    if (result.status === "submitted") results.text = decoder.decode(result.line);
    return undefined;
  },
  close(session) {
    session.open = false;
  },
});

export const stdioCapability = (): KernelObject =>
  STDIO.capability({ open: true }, { label: "stdio", mode: "copy" });
