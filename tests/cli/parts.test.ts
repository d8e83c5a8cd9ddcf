/** The small parts of the command: progress line, guest console, expectations, numbers, failures. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { reportFailure } from "../../src/cli/errors.ts";
import { ExpectationCheck } from "../../src/cli/expectation.ts";
import { createGuestConsole } from "../../src/cli/guest-console.ts";
import { demandWritten } from "../../src/cli/output.ts";
import { createProgress } from "../../src/cli/progress.ts";
import { duration, exitCodeOf, grouped, scaled } from "../../src/cli/summary.ts";
import { InputError } from "../../src/input-error.ts";
import { InvariantError } from "../../src/invariant.ts";
import { capture } from "./command.ts";

afterEach(() => {
  vi.useRealTimers();
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("progress", () => {
  test("appears on a terminal after a second, now and then, and is erased", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const stream = capture({ terminal: true });
    const progress = createProgress(stream, true);
    progress.update(1000);
    expect(stream.text).toBe("");
    vi.advanceTimersByTime(1100);
    progress.update(2_000_000);
    expect(stream.text).toBe("\r\x1b[Kcapjit: 1.10 s, 2.0 M instructions, 1.8 M/s");
    progress.update(3_000_000);
    progress.clear();
    progress.clear();
    expect(stream.text).toMatch(/M\/s\r\x1b\[K$/);
  });

  test.each([
    [false, true],
    [true, false],
  ])("never with terminal %s and enabled %s", (terminal, enabled) => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const stream = capture({ terminal });
    const progress = createProgress(stream, enabled);
    vi.advanceTimersByTime(60_000);
    progress.update(5);
    progress.clear();
    expect(stream.text).toBe("");
  });
});

describe("guest console", () => {
  test("gathers writes for a pipe, and keeps them no longer than a moment", () => {
    const stdout = capture();
    const console = createGuestConsole({ stdout, beforeWrite: () => undefined });
    console.write(bytes("a"));
    console.write(bytes("b"));
    expect(stdout.text).toBe("");
    console.tick(1000);
    expect(stdout.text).toBe("ab");
    console.write(bytes("c"));
    console.tick(1050);
    expect(stdout.text).toBe("ab");
    console.flush();
    expect(stdout.text).toBe("abc");
  });

  test("copies: the guest's bytes change after the call", () => {
    const stdout = capture();
    const console = createGuestConsole({ stdout, beforeWrite: () => undefined });
    const buffer = bytes("x");
    console.write(buffer);
    buffer[0] = 0;
    console.flush();
    expect(stdout.text).toBe("x");
  });

  test("a terminal sees every write at once, after the progress line is erased", () => {
    const stdout = capture({ terminal: true });
    const order: string[] = [];
    const console = createGuestConsole({ stdout, beforeWrite: () => void order.push(stdout.text) });
    console.write(bytes("a"));
    console.write(bytes("b"));
    expect([...order, stdout.text]).toEqual(["", "a", "ab"]);
  });

  test("large output does not wait", () => {
    const stdout = capture();
    createGuestConsole({ stdout, beforeWrite: () => undefined }).write(new Uint8Array(70_000).fill(0x61));
    expect(stdout.text).toHaveLength(70_000);
  });
});

describe("expectations", () => {
  const ok = { kind: "exited", exitCode: 0n } as const;
  const check = (console: string[], ...output: string[]): string | undefined => {
    const expectation = new ExpectationCheck({ console });
    for (const part of output) expectation.feed(bytes(part));
    return expectation.missed(ok);
  };

  test("lines in order, others between, split anywhere, the last without an end", () => {
    expect(check(["one", "two", "three"], "zero\no", "ne\n1.5\ntwo\nth", "ree")).toBeUndefined();
  });

  test("the wrong order is missed", () => {
    expect(check(["one", "two"], "two\none\n")).toBe(
      "console line 2 of the expectation is missing after expected line 1\n- two",
    );
  });

  test("a part of a line is not the line", () => {
    expect(check(["one"], "one more\nnone\n")).toMatch(/- one\n\+ one more\n\+ none$/);
  });

  test("only the first lines of a flood are shown", () => {
    const missed = check(["end"], ...Array.from({ length: 1000 }, (_, i) => `${i}\n`));
    expect(missed?.split("\n")).toEqual([
      "console line 1 of the expectation is missing after the start",
      "- end",
      ...["0", "1", "2", "3", "4"].map((line) => `+ ${line}`),
      "+ ... 995 more lines",
    ]);
  });

  test("an exit code that a fault prevented", () => {
    expect(new ExpectationCheck({ exitCode: 0 }).missed({ kind: "init-fault" })).toBe(
      "exit code of init\n- 0\n+ init died of a fault",
    );
  });

  test("a character in two writes", () => {
    const [first, second] = [bytes("é").subarray(0, 1), bytes("é\n").subarray(1)];
    const expectation = new ExpectationCheck({ console: ["é"] });
    expectation.feed(first);
    expectation.feed(second);
    expect(expectation.missed(ok)).toBeUndefined();
  });
});

test("numbers for people", () => {
  expect([0, 999, 1000, 1234567].map(grouped)).toEqual(["0", "999", "1,000", "1,234,567"]);
  expect([12, 12_345, 2_500_000, 3e9].map(scaled)).toEqual(["12", "12 k", "2.5 M", "3.00 G"]);
  expect([4, 999, 1500].map(duration)).toEqual(["4 ms", "999 ms", "1.50 s"]);
});

test("exit codes of outcomes", () => {
  expect(exitCodeOf({ kind: "exited", exitCode: -1n })).toBe(255);
  expect(exitCodeOf({ kind: "exited", exitCode: 256n })).toBe(0);
  expect(exitCodeOf({ kind: "stopped" }, "interrupt")).toBe(130);
  expect(exitCodeOf({ kind: "stopped" }, "reader gone")).toBe(141);
});

describe("failures", () => {
  const report = (error: unknown): readonly [number, string] => {
    const stream = capture();
    return [reportFailure(error, (text) => stream.write(text)), stream.text];
  };

  test("an input error is one line, 125", () => {
    expect(report(new InputError("x: not good"))).toEqual([125, "capjit: x: not good\n"]);
  });

  test("a broken invariant says that it is our bug, with its id, 70", () => {
    const [code, text] = report(new InvariantError(["MMU-1 stale entry"]));
    expect(code).toBe(70);
    expect(text).toMatch(/^capjit: this is a bug of capjit: broken invariant\nMMU-1 stale entry/);
  });

  test("anything else is our bug too", () => {
    expect(report(new TypeError("oops"))[0]).toBe(70);
  });

  test("a full disk is said, a reader that left is not", () => {
    expect(() => demandWritten(capture({ failure: "ENOSPC" }))).toThrow(
      /^standard output: cannot write: no space/,
    );
    expect(() => demandWritten(capture({ failure: "EPIPE" }))).not.toThrow();
  });
});
