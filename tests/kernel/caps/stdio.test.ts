/** Standard streams of a program, on the run's console. */

import { describe, expect, test } from "vitest";
import { stdioCapability } from "../../../src/kernel/caps/stdio.ts";
import { terminalSessionCapability } from "../../../src/kernel/caps/terminal-session.ts";
import {
  LineStatus,
  StdIO,
  StdIOReadMode,
  StdIOStream,
  TerminalSession,
} from "../../../src/kernel/schema/kernel.ts";
import { TestKernel } from "./support.ts";

const [write, read, close] = StdIO.Client.methods;
const INVALID = 4;
const DISCONNECTED = 2;

interface Request {
  readonly prompt?: string;
  readonly mode?: number;
  readonly maxBytes?: number;
  readonly allowEmpty?: boolean;
}

function session(consoleInput: readonly string[] = []) {
  const machine = new TestKernel({ consoleInput });
  const guest = machine.spawn();
  const cap = guest.give(stdioCapability());
  const say = (stream: number, text: string) =>
    guest.call(cap, write, (params) => {
      params.stream = stream as StdIOStream;
      params.text = text;
    });
  const ask = (
    { prompt = "", mode = StdIOReadMode.LINE, maxBytes = 64, allowEmpty = false }: Request = {},
    room = 8192,
  ) =>
    guest.call(
      cap,
      read,
      (params) => {
        const request = params._initRequest();
        request.prompt = prompt;
        request.mode = mode as StdIOReadMode;
        request.maxBytes = maxBytes;
        request.allowEmpty = allowEmpty;
      },
      room,
    );
  const line = (request?: Request): readonly [status: LineStatus, text: string] => {
    const { results } = ask(request);
    return [results.status, results.text];
  };
  return { machine, guest, cap, say, ask, line };
}

test("all streams are shown as they are written, without a line end", () => {
  const { machine, say } = session();
  for (const [i, stream] of Object.values(StdIOStream).entries()) expect(say(stream, `${i}é`).result).toBe(0);
  expect(say(StdIOStream.STDOUT, "").result).toBe(0);
  expect(machine.output()).toBe("0é1é2é");
  expect(say(3, "x").exception?.type).toBe(INVALID);
  expect(machine.output()).toBe("");
});

describe("reading", () => {
  test("a line follows the rules of the terminal, a hidden one is not shown", () => {
    const { machine, line } = session(["ab\u007fc", "", "secret"]);
    expect(line({ prompt: "> " })).toEqual([LineStatus.SUBMITTED, "ac"]);
    expect(line({ prompt: "? ", allowEmpty: true })).toEqual([LineStatus.SUBMITTED, ""]);
    expect(line({ prompt: "pw ", mode: StdIOReadMode.HIDDEN })).toEqual([LineStatus.SUBMITTED, "secret"]);
    expect(line()).toEqual([LineStatus.CLOSED, ""]);
    expect(machine.output()).toBe("> ac\n? \npw ");
  });

  test("a block is what was typed, line end and control bytes included, in pieces of the size asked for", () => {
    const { machine, line } = session(["a\u007fbcdef", "g"]);
    const block = (maxBytes: number) => line({ mode: StdIOReadMode.BLOCK, maxBytes });
    expect(block(4)).toEqual([LineStatus.SUBMITTED, "a\u007fbc"]);
    expect(block(100)).toEqual([LineStatus.SUBMITTED, "def\n"]);
    expect(block(100)).toEqual([LineStatus.SUBMITTED, "g\n"]);
    expect(block(100)).toEqual([LineStatus.CLOSED, ""]);
    expect(machine.output()).toBe("");
  });

  test("what a block leaves of a line, the terminal reads", () => {
    const { guest, line } = session(["abcdef"]);
    expect(line({ mode: StdIOReadMode.BLOCK, maxBytes: 2 })).toEqual([LineStatus.SUBMITTED, "ab"]);
    const terminal = guest.give(terminalSessionCapability());
    const answer = guest.call(
      terminal,
      TerminalSession.Client.methods[2],
      (params) => {
        params._initRequest().maxBytes = 64;
      },
      1024,
    );
    expect(new TextDecoder().decode(answer.results.line.toUint8Array())).toBe("cdef");
  });

  test("a longest answer that does not fit is refused before anything is read", () => {
    const { ask, line } = session(["abc"]);
    expect(ask({ maxBytes: 200 }, 256).result).toBe(-3);
    expect(ask({ mode: 9 }).exception?.type).toBe(INVALID);
    expect(ask({ maxBytes: 0 }).exception?.type).toBe(INVALID);
    expect(line()).toEqual([LineStatus.SUBMITTED, "abc"]);
  });
});

test("after close there is nothing to read and nobody to write to", () => {
  const { machine, guest, cap, say, line } = session(["abc"]);
  expect(guest.call(cap, close).result).toBe(0);
  expect(say(StdIOStream.STDOUT, "x").exception?.type).toBe(DISCONNECTED);
  expect(line({ prompt: "> " })).toEqual([LineStatus.CLOSED, ""]);
  expect(guest.call(cap, close).result).toBe(0);
  expect(machine.output()).toBe("");
});
