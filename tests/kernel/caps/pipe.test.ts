/** Pipes: the stream itself against a model, then both ends through messages. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPipe, PIPE, pipeBehind } from "../../../src/kernel/caps/pipe.ts";
import { processSpawnerCapability } from "../../../src/kernel/caps/process-spawner.ts";
import { brokenPipeRules, Pipe, PIPE_BYTES_MAX } from "../../../src/kernel/objects/pipe.ts";
import { Pipe as PipeSchema, ProcessSpawner } from "../../../src/kernel/schema/kernel.ts";
import type { TestGuest } from "./support.ts";
import { TestKernel } from "./support.ts";

const [read, write, close, isClosed] = PipeSchema.Client.methods;
const FAILED = 0;
const UNIMPLEMENTED = 3;
const INVALID = 4;

/** A reader and a writer process, with the two ends of a pipe. */
function ends(capacity: number) {
  const machine = new TestKernel();
  machine.spawn();
  const reader = machine.spawn();
  const writer = machine.spawn();
  const made = createPipe(capacity);
  if ("kind" in made) throw new Error(made.text);
  const pipe = pipeBehind(made.read);
  if (pipe === undefined) throw new Error("not an end of a pipe");
  const source = reader.give(made.read);
  const sink = writer.give(made.write);
  const text = (answer: { readonly results: { data: { toUint8Array(): Uint8Array }; eof: boolean } }) =>
    [new TextDecoder().decode(answer.results.data.toUint8Array()), answer.results.eof] as const;
  const startRead = (maxLen: number, resultLength = 8192) =>
    reader.start(source, read, (params) => (params.maxLen = maxLen), resultLength);
  const startWrite = (bytes: string) => {
    const data = new TextEncoder().encode(bytes);
    return writer.start(sink, write, (params) => params._initData(data.length).copyBuffer(data), 8192);
  };
  return {
    machine,
    reader,
    writer,
    pipe,
    source,
    sink,
    startRead,
    startWrite,
    /** Data and eof of a read that must complete at once; "waits" otherwise. */
    get: (maxLen = 64) => {
      const { answer } = startRead(maxLen);
      return answer === undefined ? "waits" : text(answer);
    },
    put: (bytes: string) => startWrite(bytes).answer?.results.bytesWritten ?? "waits",
    text,
  };
}
const closedFor = (guest: TestGuest, cap: number) =>
  guest.call(cap, isClosed, undefined, 8192).results.closed;

test("bytes come out in order; a read takes what there is, a write puts what fits", () => {
  const { get, put } = ends(4);
  expect([put("abc"), get(2), put("defg"), get(), put("hij"), get()]).toEqual([
    3,
    ["ab", false],
    3,
    ["cdef", false],
    3,
    ["hij", false],
  ]);
});

test("a read of nothing waits for the writer", () => {
  const { startRead, put, get, text, pipe } = ends(4);
  const waiting = startRead(8);
  expect(waiting.answer).toBeUndefined();
  expect(put("ab")).toBe(2);
  expect(waiting.answer && text(waiting.answer)).toEqual(["ab", false]);
  expect(pipe.length).toBe(0);
  expect(get()).toBe("waits");
});

test("a write into a full pipe waits for the reader and then puts what fits", () => {
  const { startWrite, put, get } = ends(4);
  expect(put("abcd")).toBe(4);
  const waiting = startWrite("efghij");
  expect(waiting.answer).toBeUndefined();
  expect(get(3)).toEqual(["abc", false]);
  expect(waiting.answer?.results.bytesWritten).toBe(3);
  expect(get()).toEqual(["defg", false]);
});

test("waiting calls are served in the order they came", () => {
  const { startRead, put, text } = ends(4);
  const reads = [startRead(1), startRead(2), startRead(3)];
  expect(put("abcd")).toBe(4);
  expect(reads.map(({ answer }) => answer && text(answer)[0])).toEqual(["a", "bc", "d"]);
});

describe("the end of a stream", () => {
  test("the writer closes: the rest is drained, then eof", () => {
    const { writer, sink, get, put, reader, source } = ends(8);
    put("abc");
    expect(closedFor(reader, source)).toBe(false);
    const closed = writer.call(sink, close);
    expect([closed.result, closed.records]).toEqual([0, []]);
    expect(closedFor(reader, source)).toBe(true);
    expect([get(2), get(), get()]).toEqual([
      ["ab", false],
      ["c", false],
      ["", true],
    ]);
  });

  test("a waiting read ends with eof", () => {
    const { writer, sink, startRead, text } = ends(8);
    const waiting = startRead(8);
    writer.call(sink, close);
    expect(waiting.answer && text(waiting.answer)).toEqual(["", true]);
  });

  test("the reader closes: writes take nothing, those that wait end", () => {
    const { reader, source, startWrite, put } = ends(2);
    put("ab");
    const waiting = startWrite("cd");
    reader.call(source, close);
    expect([waiting.answer?.results.bytesWritten, put("ef")]).toEqual([0, 0]);
  });

  test("an end that closed refuses further use; closing it again is fine", () => {
    const { writer, sink, startWrite, reader, source, startRead } = ends(2);
    writer.call(sink, close);
    expect(startWrite("a").answer?.exception).toEqual({
      type: FAILED,
      text: "this end of the pipe is closed",
    });
    expect(writer.call(sink, close).result).toBe(0);
    reader.call(source, close);
    expect(startRead(1).answer?.exception?.type).toBe(FAILED);
  });

  test("the last capability of an end closes it, an earlier one does not", () => {
    const { writer, sink, get, reader, source, machine } = ends(8);
    const hold = writer.process.table.get(sink);
    if (typeof hold === "string") throw new Error(hold);
    const second = writer.give(hold.object);
    writer.release(sink);
    expect([get(), closedFor(reader, source)]).toEqual(["waits", false]);
    writer.release(second);
    expect([get(), closedFor(reader, source)]).toEqual([["", true], true]);
    machine.check();
  });

  test("an exit closes the ends of the process and forgets its calls", () => {
    const { reader, writer, startWrite, pipe, put, startRead } = ends(2);
    startRead(8);
    expect(pipe.reads.length).toBe(1);
    reader.exit();
    expect([pipe.reads.length, pipe.open.read, put("abc")]).toEqual([0, false, 0]);
    expect(startWrite("x").answer?.results.bytesWritten).toBe(0);
    writer.exit();
    expect(pipe.open).toEqual({ read: false, write: false });
  });
});

describe("refusals", () => {
  test("each end has one direction", () => {
    const { reader, source, writer, sink } = ends(2);
    expect(reader.call(source, write).exception).toEqual({
      type: UNIMPLEMENTED,
      text: "this end of the pipe is the one to read",
    });
    expect(writer.call(sink, read, (params) => (params.maxLen = 1)).exception?.type).toBe(UNIMPLEMENTED);
  });

  test("no bytes asked or offered never wait", () => {
    const { get, put } = ends(1);
    expect([get(0), put("a"), put(""), get(0), get(9)]).toEqual([
      ["", false],
      1,
      0,
      ["", false],
      ["a", false],
    ]);
  });

  test("a read takes no more than its buffer holds; without room for a byte it is refused and takes nothing", () => {
    const { startRead, put, pipe } = ends(64);
    put("0123456789");
    const short = startRead(64, 47).answer;
    expect([short?.result, short?.results.data.length]).toEqual([40, 8]);
    expect(startRead(64, 39).answer?.result).toBe(-3);
    expect(pipe.length).toBe(2);
  });

  test.each([
    [1, 1],
    [PIPE_BYTES_MAX, PIPE_BYTES_MAX],
    [0xffff_ffff, PIPE_BYTES_MAX],
  ])("%i bytes asked: a pipe of %i", (asked, capacity) => {
    expect(ends(asked).pipe.capacity).toBe(capacity);
  });

  test("a pipe of 0 bytes is refused", () => {
    const guest = new TestKernel().spawn();
    const spawner = guest.give(processSpawnerCapability());
    const create = ProcessSpawner.Client.methods[1];
    expect(guest.call(spawner, create).exception).toEqual({ type: INVALID, text: "a pipe of 0 bytes" });
  });

  test("the spawner makes two different ends", () => {
    const guest = new TestKernel().spawn();
    const spawner = guest.give(processSpawnerCapability());
    const made = guest.call(spawner, ProcessSpawner.Client.methods[1], (params) => (params.bufferBytes = 16));
    const { readIndex, writeIndex } = made.results;
    expect([readIndex, writeIndex, made.records.map((record) => record.interfaceId)]).toEqual([
      0,
      1,
      [PIPE.id, PIPE.id],
    ]);
    const [source, sink] = made.records.map((record) => record.capId);
    const data = Uint8Array.of(7);
    guest.call(sink ?? -1, write, (params) => params._initData(1).copyBuffer(data));
    const answer = guest.call(source ?? -1, read, (params) => (params.maxLen = 4));
    expect([...answer.results.data.toUint8Array()]).toEqual([7]);
  });
});

describe("KER-60", () => {
  const CAPACITY = 5;
  type Step =
    | { readonly kind: "read"; readonly limit: number }
    | { readonly kind: "write"; readonly count: number }
    | { readonly kind: "forget" };
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constant("read" as const), limit: fc.nat(8) }),
    fc.record({ kind: fc.constant("write" as const), count: fc.nat(8) }),
    fc.record({ kind: fc.constant("forget" as const) }),
  );

  /** Every byte that is written is numbered; `close` ends the run. */
  function run(steps: readonly Step[]): void {
    const pipe = new Pipe(CAPACITY);
    const read: number[] = [];
    let offered = 0;
    let accepted = 0;
    const forget: (() => void)[] = [];
    const take = ({ data }: { readonly data: Uint8Array }): void => void read.push(...data);
    for (const each of steps) {
      if (each.kind === "read") {
        const result = pipe.tryRead(each.limit);
        if (result !== undefined) take(result);
        else forget.push(pipe.waitToRead({ limit: each.limit, finish: take }));
      } else if (each.kind === "write" && pipe.writes.length === 0) {
        // Whoever writes a stream offers again what was not taken.
        const bytes = Uint8Array.from({ length: each.count }, (_, i) => (accepted + i) & 0xff);
        offered += each.count;
        const written = pipe.tryWrite(bytes);
        if (written !== undefined) accepted += written;
        else pipe.waitToWrite({ bytes, finish: (late) => void (accepted += late) });
      } else if (each.kind === "forget") forget.pop()?.();
      expect(brokenPipeRules(pipe)).toEqual([]);
    }
    expect(accepted).toBeLessThanOrEqual(offered);
    pipe.close("write");
    expect(brokenPipeRules(pipe)).toEqual([]);
    for (let last = pipe.tryRead(3); last !== undefined && !last.eof; last = pipe.tryRead(3)) take(last);
    expect(read).toEqual(Array.from({ length: accepted }, (_, i) => i & 0xff));
    pipe.close("read");
    expect(brokenPipeRules(pipe)).toEqual([]);
  }

  test("holds after every step, and no byte is lost, added or moved", () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), run), { numRuns: 300 });
  });

  test("notices calls that wait without a reason", () => {
    const finish = (): void => undefined;
    const pipe = new Pipe(4);
    pipe.waitToWrite({ bytes: Uint8Array.of(1), finish });
    expect(brokenPipeRules(pipe)).toEqual(["KER-60 1 writes wait for room, 4 bytes are free"]);
    pipe.writes.length = 0;
    expect(pipe.tryWrite(Uint8Array.of(1))).toBe(1);
    pipe.waitToRead({ limit: 1, finish });
    expect(brokenPipeRules(pipe)).toEqual(["KER-60 1 reads wait for 1 bytes"]);
    expect(pipe.tryRead(1)?.data).toEqual(Uint8Array.of(1));
    pipe.open.write = false;
    expect(brokenPipeRules(pipe)).toEqual(["KER-60 calls wait on a closed pipe"]);
  });
});
