/** Console and TerminalSession output. */

import { describe, expect, test } from "vitest";
import { consoleCapability } from "../../../src/kernel/caps/console.ts";
import { terminalSessionCapability } from "../../../src/kernel/caps/terminal-session.ts";
import { Console, TerminalSession } from "../../../src/kernel/schema/kernel.ts";
import { TestKernel } from "./support.ts";

const [write, writeLine] = Console.Client.methods;

/** A message of two segments, as the typed clients send what does not fit their first one. */
function twoSegments(data: Uint8Array): Uint8Array {
  const dataWords = Math.ceil(data.length / 8);
  const bytes = new Uint8Array(16 + 16 + 8 + dataWords * 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 1, true);
  view.setUint32(4, 2, true);
  view.setUint32(8, 1 + dataWords, true);
  view.setUint16(16 + 6, 1, true); // root: no data, one pointer
  view.setUint32(24, 2, true); // far pointer to word 0 of segment 1
  view.setUint32(28, 1, true);
  view.setUint32(32, 1, true); // landing pad: list of bytes, right behind it
  view.setUint32(36, (data.length << 3) | 2, true);
  bytes.set(data, 40);
  return bytes;
}

describe.each([
  ["Console", consoleCapability, Console.Client.methods],
  ["TerminalSession", terminalSessionCapability, TerminalSession.Client.methods],
] as const)("%s", (_name, make, [write, writeLine]) => {
  test("write adds nothing, writeLine adds a line end", () => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = guest.give(make());
    const data = Uint8Array.of(0x61, 0x00, 0xff, 0x0a);
    const written = guest.call(cap, write, (params) => params._initData(data.length).copyBuffer(data));
    expect([written.result, written.records]).toEqual([0, []]);
    expect(machine.outputBytes()).toEqual(data);
    expect(guest.call(cap, writeLine, (params) => (params.text = "grüße"))).toMatchObject({ result: 0 });
    expect(machine.output()).toBe("grüße\n");
  });

  test("nothing to write writes nothing", () => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = guest.give(make());
    expect(guest.call(cap, write).result).toBe(0);
    expect(machine.output()).toBe("");
    expect(guest.call(cap, writeLine).result).toBe(0);
    expect(machine.output()).toBe("\n");
  });

  test("a call needs no result buffer", () => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = guest.give(make());
    expect(guest.call(cap, writeLine, (params) => (params.text = "panic"), 0).result).toBe(0);
    expect(machine.output()).toBe("panic\n");
  });

  test("an unknown method is refused before the parameters are looked at", () => {
    const guest = new TestKernel().spawn();
    const cap = guest.give(make());
    const answer = guest.answer(guest.submit(cap, 99, new Uint8Array(0), 512), write.ResultsClass, 512);
    expect(answer?.exception?.type).toBe(3);
  });

  test("malformed parameters print nothing", () => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = guest.give(make());
    for (const params of [new Uint8Array(0), new Uint8Array(7), new Uint8Array(32).fill(0xff)]) {
      const answer = guest.answer(guest.submit(cap, 1, params, 512), write.ResultsClass, 512);
      expect(answer?.exception).toEqual({ type: 4, text: "malformed parameters of writeLine" });
    }
    expect(machine.output()).toBe("");
  });
});

test("text that is not UTF-8, or starts with a byte order mark, is shown as it was sent", () => {
  const machine = new TestKernel();
  const guest = machine.spawn();
  const cap = guest.give(consoleCapability());
  const text = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0xff, 0x80);
  const userData = guest.submit(cap, 1, twoSegments(Uint8Array.of(...text, 0)), 512);
  expect(guest.answer(userData, writeLine.ResultsClass, 512)?.result).toBe(0);
  expect(machine.outputBytes()).toEqual(Uint8Array.of(...text, 0x0a));
});

test("a message of two segments, as clients send 1,100 bytes", () => {
  const machine = new TestKernel();
  const guest = machine.spawn();
  const cap = guest.give(consoleCapability());
  const data = Uint8Array.from({ length: 1100 }, (_, i) => i & 0xff);
  const params = twoSegments(data);
  expect(params.length).toBe(1144);
  expect(guest.answer(guest.submit(cap, 0, params, 512), write.ResultsClass, 512)?.result).toBe(0);
  expect(machine.outputBytes()).toEqual(data);
});
