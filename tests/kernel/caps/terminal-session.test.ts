/** Lines read from a terminal, and the transcript a scripted session leaves. */

import { describe, expect, test } from "vitest";
import { terminalSessionCapability } from "../../../src/kernel/caps/terminal-session.ts";
import type { LineRequest } from "../../../src/kernel/schema/kernel.ts";
import { LineEcho, LineStatus, TerminalSession } from "../../../src/kernel/schema/kernel.ts";
import { TestKernel } from "./support.ts";

const readLine = TerminalSession.Client.methods[2];

interface Request {
  readonly prompt?: string;
  readonly maxBytes?: number;
  readonly echo?: number;
  readonly allowEmpty?: boolean;
}

function session(consoleInput: readonly string[]) {
  const machine = new TestKernel({ consoleInput });
  const guest = machine.spawn();
  const cap = guest.give(terminalSessionCapability());
  const ask = (request: Request = {}, resultLength = 1024) => {
    const fill = (into: LineRequest): void => {
      into.prompt = request.prompt ?? "> ";
      into.maxBytes = request.maxBytes ?? 64;
      into.echo = (request.echo ?? LineEcho.VISIBLE) as LineEcho;
      into.allowEmpty = request.allowEmpty ?? false;
    };
    return guest.call(cap, readLine, (params) => fill(params._initRequest()), resultLength);
  };
  const line = (request?: Request, resultLength?: number) => {
    const { results } = ask(request, resultLength);
    return { status: results.status, line: new TextDecoder().decode(results.line.toUint8Array()) };
  };
  return { machine, ask, line };
}
const submitted = (line: string) => ({ status: LineStatus.SUBMITTED, line });
const CLOSED = { status: LineStatus.CLOSED, line: "" };
const CANCELLED = { status: LineStatus.CANCELLED, line: "" };

test("a transcript reads like a session; the end of the input closes it", () => {
  const { machine, line } = session(["help", "exit"]);
  expect([line({ prompt: "$ " }), line({ prompt: "$ " }), line({ prompt: "$ " })]).toEqual([
    submitted("help"),
    submitted("exit"),
    CLOSED,
  ]);
  expect(machine.output()).toBe("$ help\n$ exit\n$ ");
  expect(line()).toEqual(CLOSED);
});

test("a hidden line, and one with an unknown echo, is not shown", () => {
  const { machine, line } = session(["secret", "other"]);
  expect(line({ prompt: "Password: ", echo: LineEcho.HIDDEN })).toEqual(submitted("secret"));
  expect(line({ prompt: "", echo: 9 })).toEqual(submitted("other"));
  expect(machine.output()).toBe("Password: ");
});

test("an empty line is asked for again, unless it is allowed", () => {
  const { machine, line } = session(["", "", "x", "", ""]);
  expect(line()).toEqual(submitted("x"));
  expect(machine.output()).toBe("> \n> \n> x\n");
  expect(line({ allowEmpty: true })).toEqual(submitted(""));
  expect(line()).toEqual(CLOSED);
});

describe("limits", () => {
  test("bytes above the limit are dropped and not shown", () => {
    const { machine, line } = session(["abcdef", "g".repeat(300)]);
    expect(line({ maxBytes: 4 })).toEqual(submitted("abcd"));
    expect(line({ maxBytes: 0xffff_ffff })).toEqual(submitted("g".repeat(256)));
    expect(machine.output()).toBe(`> abcd\n> ${"g".repeat(256)}\n`);
  });

  test("only empty lines and none allowed: refused, nothing is read", () => {
    const { machine, ask, line } = session(["a", "b"]);
    expect(ask({ maxBytes: 0 }).exception?.type).toBe(4);
    expect(machine.output()).toBe("");
    expect(line({ maxBytes: 0, allowEmpty: true })).toEqual(submitted(""));
    expect(line()).toEqual(submitted("b"));
  });

  test("a line that might not fit the result buffer: refused, nothing is read", () => {
    const { machine, ask, line } = session(["a"]);
    expect(ask({ maxBytes: 33 }, 64).result).toBe(-3);
    expect(ask({ maxBytes: 1 }, 16).result).toBe(-3);
    expect(machine.output()).toBe("");
    expect(line({ maxBytes: 32 }, 64)).toEqual(submitted("a"));
  });
});

describe("control bytes", () => {
  test.each([
    ["erase removes one byte", "abx\u0008c\u007f", [submitted("ab")]],
    ["erase at the start does nothing", "\u007f\u0008ab", [submitted("ab")]],
    ["NUL is ignored", "a\0b", [submitted("ab")]],
    ["CR submits, LF behind it belongs to it", "ab\r\ncd", [submitted("ab"), submitted("cd")]],
    ["CR at the end is the line's own end", "ab\r", [submitted("ab")]],
    ["cancel drops the line", "ab\u0003", [CANCELLED]],
    ["what was typed behind a cancel is the next line", "ab\u0003cd", [CANCELLED, submitted("cd")]],
  ] as const)("%s", (_name, typed, wanted) => {
    const { line } = session([typed]);
    expect([...wanted.map(() => line()), line()]).toEqual([...wanted, CLOSED]);
  });
});
