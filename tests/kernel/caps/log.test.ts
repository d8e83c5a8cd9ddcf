/** The system log and its two capabilities. */

import { describe, expect, test } from "vitest";
import { logReaderCapability, logSinkCapability, systemLogOf } from "../../../src/kernel/caps/log.ts";
import type { LogEntry } from "../../../src/kernel/objects/system-log.ts";
import { brokenLogRules, LOG_CAPACITY, SystemLog } from "../../../src/kernel/objects/system-log.ts";
import { LogLevel, LogReader, LogSink } from "../../../src/kernel/schema/kernel.ts";
import { TestKernel } from "./support.ts";

const [write] = LogSink.Client.methods;
const [read] = LogReader.Client.methods;

interface Filter {
  readonly minLevel?: number;
  readonly prefix?: string;
}

function session() {
  const machine = new TestKernel();
  const guest = machine.spawn();
  const log = systemLogOf(machine.kernel);
  const sink = guest.give(logSinkCapability(log));
  const reader = guest.give(logReaderCapability(log));
  const append = (level: number, component: string, message: string): boolean =>
    guest.call(sink, write, (params) => {
      const record = params._initRecord();
      record.tick = 99n;
      record.level = level as LogLevel;
      record.component = component;
      record.pid = 3;
      record.message = message;
    }).results.accepted;
  const ask = (cursor: bigint, max = 16, { minLevel = 0, prefix = "" }: Filter = {}, resultLength = 8192) =>
    guest.call(
      reader,
      read,
      (params) => {
        params.cursor = cursor;
        params.maxRecords = max;
        const filter = params._initFilter();
        filter.minLevel = minLevel as LogLevel;
        filter.componentPrefix = prefix;
      },
      resultLength,
    );
  const page = (...request: Parameters<typeof ask>) => {
    const { records, nextCursor, dropped } = ask(...request).results;
    return { messages: records.toArray().map((record) => record.message), nextCursor, dropped };
  };
  return { machine, guest, log, append, ask, page };
}

test("the kernel stamps the tick; the rest is what the writer said", () => {
  const { machine, append, ask } = session();
  machine.advance(30_000_000);
  expect(append(LogLevel.WARN, "net", "link down")).toBe(true);
  const [record] = ask(0n).results.records.toArray();
  expect([record?.tick, record?.level, record?.component, record?.pid, record?.message]).toEqual([
    3n,
    LogLevel.WARN,
    "net",
    3,
    "link down",
  ]);
});

test("below the threshold, and of a level nobody knows: not accepted, not kept", () => {
  const { append, page, log } = session();
  expect([append(LogLevel.DEBUG, "a", "x"), append(77, "a", "y"), append(LogLevel.INFO, "a", "z")]).toEqual([
    false,
    false,
    true,
  ]);
  expect([page(0n).messages, log.next]).toEqual([["z"], 1]);
});

describe("reading", () => {
  test("goes on at the cursor, at most 16 at a time", () => {
    const { append, page } = session();
    for (let i = 0; i < 20; i++) append(LogLevel.INFO, "a", `m${i}`);
    const first = page(0n, 1000);
    expect([first.messages.length, first.nextCursor, first.dropped]).toEqual([16, 16n, 0n]);
    expect(page(first.nextCursor, 3)).toEqual({
      messages: ["m16", "m17", "m18"],
      nextCursor: 19n,
      dropped: 0n,
    });
    expect(page(20n)).toEqual({ messages: [], nextCursor: 20n, dropped: 0n });
  });

  test("no records asked consumes nothing", () => {
    const { append, page } = session();
    append(LogLevel.INFO, "a", "m");
    expect(page(0n, 0)).toEqual({ messages: [], nextCursor: 0n, dropped: 0n });
  });

  test("a filter skips for good what does not pass", () => {
    const { append, page } = session();
    append(LogLevel.INFO, "net.eth", "a");
    append(LogLevel.ERROR, "net.eth", "b");
    append(LogLevel.ERROR, "disk", "c");
    expect(page(0n, 16, { minLevel: LogLevel.WARN, prefix: "net" })).toEqual({
      messages: ["b"],
      nextCursor: 3n,
      dropped: 0n,
    });
    expect(page(0n, 16, { minLevel: 9 }).messages).toEqual(["a", "b", "c"]);
  });

  test("a cursor of the future starts at the end", () => {
    const { append, page } = session();
    append(LogLevel.INFO, "a", "m");
    expect(page(2n ** 64n - 1n)).toEqual({ messages: [], nextCursor: 1n, dropped: 0n });
  });

  test("says how many records a slow reader lost", () => {
    const { append, page, log } = session();
    for (let i = 0; i < LOG_CAPACITY; i++) log.append(entry(`m${i}`));
    append(LogLevel.INFO, "a", "last");
    append(LogLevel.INFO, "a", "very last");
    expect(page(1n, 1)).toEqual({ messages: ["m2"], nextCursor: 3n, dropped: 1n });
  });

  test("takes as many as the buffer holds, and refuses when not one does", () => {
    const { append, ask, page } = session();
    for (let i = 0; i < 4; i++) append(LogLevel.INFO, "abc", `message ${i}`);
    // 48 around the list; 32 + 8 + 16 each.
    expect(page(0n, 16, {}, 48 + 2 * 56 + 55).messages).toEqual(["message 0", "message 1"]);
    const exact = ask(2n, 16, {}, 48 + 2 * 56);
    expect([exact.result, exact.results.nextCursor]).toEqual([160, 4n]);
    expect(ask(0n, 16, {}, 48 + 55).result).toBe(-3);
    expect(page(4n, 16, {}, 48)).toEqual({ messages: [], nextCursor: 4n, dropped: 0n });
  });

  test("sixteen of the longest records fill a client's buffer as far as they fit, without getting stuck", () => {
    const { log, page } = session();
    for (let i = 0; i < 20; i++) log.append({ ...entry("ü".repeat(5000)), component: "c".repeat(5000) });
    let cursor = 0n;
    const lengths: number[] = [];
    while (cursor < 20n) {
      const { messages, nextCursor } = page(cursor);
      lengths.push(...messages.map((message) => new TextEncoder().encode(message).length));
      expect(nextCursor).toBeGreaterThan(cursor);
      cursor = nextCursor;
    }
    expect(lengths).toEqual(new Array<number>(20).fill(1024));
  });
});

test("each kernel has a log of its own", () => {
  const one = session();
  const other = session();
  one.append(LogLevel.INFO, "a", "m");
  expect(other.page(0n).messages).toEqual([]);
});

const entry = (message: string): LogEntry => ({
  tick: 0n,
  severity: "info",
  component: "a",
  pid: 1,
  message,
});

describe("KER-61", () => {
  test("holds while the log fills and goes round", () => {
    const log = new SystemLog("warn", 3);
    for (let i = 0; i < 8; i++) {
      log.append({ ...entry(`m${i}`), severity: i % 2 === 0 ? "error" : "debug" });
      expect(brokenLogRules(log)).toEqual([]);
    }
    expect([log.oldest, log.next]).toEqual([1, 4]);
  });

  test("notices a lost record and one below the threshold", () => {
    const log = new SystemLog("info", 3);
    log.append(entry("a"));
    log.slots[1] = entry("never written");
    expect(brokenLogRules(log)).toEqual(["KER-61 the log holds 2 records, not 1"]);
    log.slots.fill(undefined);
    expect(brokenLogRules(log)).toEqual(["KER-61 the log holds 0 records, not 1"]);
    log.slots[0] = { ...entry("a"), severity: "debug" };
    expect(brokenLogRules(log)).toEqual(['KER-61 a debug record is kept: "a"']);
  });
});
