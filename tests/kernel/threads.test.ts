/** Threads: their own rings, start state, joins, exits; parking on words of memory. */

import { describe, expect, test } from "vitest";
import { OP, WAIT_FOREVER } from "../../src/kernel/abi.ts";
import { THREAD_HANDLE } from "../../src/kernel/caps/thread-handle.ts";
import {
  ThreadControl_ExitThread$Params,
  ThreadControl_GetFsBase$Results,
  ThreadControl_SetFsBase$Params,
  ThreadHandle_ExitCode$Results,
  ThreadSpawner_Create$Params,
  VirtualMemory_Map$Params,
  VirtualMemory_Map$Results,
  VirtualMemory_Unmap$Params,
} from "../../src/kernel/schema/kernel.ts";
import type { CallResult, Guest, Program, Run, Scenario } from "./guest.ts";
import { DATA, EMPTY, exception, message, parse, record, TestMachine } from "./guest.ts";

const WORD = DATA + 47 * 4096;
const CAPABILITIES = [
  ["threads", "threadSpawner"],
  ["control", "threadControl"],
  ["park", "parkSpace"],
  ["vm", "virtualMemory"],
] as const;

function runInit(
  init: Program,
  threads: Readonly<Record<number, Program>> = {},
  options: Scenario["options"] = {},
  exitCode = 0n,
): TestMachine {
  const machine = new TestMachine({
    programs: { init },
    threads,
    options,
    init: { capabilities: CAPABILITIES },
  });
  expect(machine.run()).toEqual({ kind: "finished", exitCode, reason: "exit" });
  return machine;
}

interface Start {
  readonly entry: number;
  readonly stackTop?: bigint;
  readonly arg?: bigint;
  readonly fsBase?: bigint;
  readonly flags?: bigint;
}
function* create(guest: Guest, start: Start): Run<CallResult> {
  const params = message(ThreadSpawner_Create$Params, (root) => {
    root.entry = BigInt(start.entry);
    root.stackTop = start.stackTop ?? 0x50_0000n;
    root.arg = start.arg ?? 0n;
    root.fsBase = start.fsBase ?? 0n;
    root.flags = start.flags ?? 0n;
  });
  return yield* guest.call({ cap: guest.cap("threads"), params, resultLen: 1024 });
}
function* exitThread(guest: Guest, code: bigint): Run<void> {
  const params = message(ThreadControl_ExitThread$Params, (root) => (root.code = code));
  guest.submit(guest.prepare({ cap: guest.cap("control"), method: 2, params }).sqe);
  guest.submit({});
  yield* guest.enter(1, WAIT_FOREVER);
  throw new Error("exitThread returned");
}
function* join(guest: Guest, handle: number): Run<bigint> {
  const { result, bytes } = yield* guest.call({ cap: handle, params: EMPTY });
  expect(result).toBe(24);
  return new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(16, true);
}

describe("starting and ending", () => {
  test("a thread starts as asked, with a ring of its own", () => {
    runInit(
      function* (guest) {
        const made = yield* create(guest, {
          entry: 0x1111,
          stackTop: 0x50_001bn,
          arg: 0xaan,
          fsBase: 0x1234n,
        });
        expect([made.capCount, record(made, 0).interfaceId]).toEqual([1, THREAD_HANDLE.id]);
        expect(yield* join(guest, record(made, 0).capId)).toBe(-3n);
        expect(yield* join(guest, record(made, 0).capId)).toBe(-3n);
      },
      {
        0x1111: function* (guest) {
          expect(guest.entry).toEqual({
            rip: 0x1111n,
            rsp: 0x50_0008n,
            rdi: 0xaan,
            rsi: 2n,
            rdx: 0x120_1000n,
            fsBase: 0x1234n,
            rax: 0n,
          });
          expect((yield* guest.complete({})).result).toBe(0);
          yield* exitThread(guest, -3n);
        },
      },
    );
  });

  test("exitCode polls", () => {
    runInit(
      function* (guest) {
        const handle = record(yield* create(guest, { entry: 1 }), 0).capId;
        const poll = function* (): Run<[boolean, bigint]> {
          const { bytes } = yield* guest.call({ cap: handle, method: 1, params: EMPTY });
          const { exited, exitCode } = parse(ThreadHandle_ExitCode$Results, bytes);
          return [exited, exitCode];
        };
        expect(yield* poll()).toEqual([false, 0n]);
        yield* join(guest, handle);
        expect(yield* poll()).toEqual([true, 8n]);
      },
      { 1: (guest) => exitThread(guest, 8n) },
    );
  });

  test("a second joiner fails", () => {
    runInit(
      function* (guest) {
        const handle = record(yield* create(guest, { entry: 1 }), 0).capId;
        guest.submit(guest.prepare({ cap: handle, params: EMPTY }).sqe);
        const { sqe, resultAt } = guest.prepare({ cap: handle, params: EMPTY });
        guest.submit(sqe);
        expect(yield* guest.enter()).toBe(1n);
        const cqe = guest.take();
        if (cqe !== undefined) expect(exception({ ...cqe, bytes: guest.read(resultAt, 512) }).type).toBe(0);
        expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(1n);
      },
      { 1: (guest) => exitThread(guest, 8n) },
    );
  });

  test("exitThread of the last thread ends the process with its code", () => {
    runInit((guest) => exitThread(guest, 41n), {}, {}, 41n);
  });

  test("the first thread may leave before the others", () => {
    runInit(
      function* (guest) {
        yield* create(guest, { entry: 1 });
        yield* exitThread(guest, 1n);
      },
      {
        1: function* (guest) {
          yield "spin";
          yield* exitThread(guest, 77n);
        },
      },
      {},
      77n,
    );
  });

  test("exit ends all threads", () => {
    const machine = runInit(
      function* (guest) {
        yield* create(guest, { entry: 1 });
        yield* create(guest, { entry: 1 });
        yield* guest.enter(1, 1_000_000n);
        yield* guest.exit(5n);
      },
      {
        1: function* (guest) {
          yield* guest.enter(1, WAIT_FOREVER);
        },
      },
      {},
      5n,
    );
    expect(machine.kernel.ready).toHaveLength(0);
    expect(machine.kernel.frames.frameCount - machine.kernel.frames.freeCount).toBe(
      machine.kernel.framesUsedAtStart,
    );
  });

  test("threads are limited; ids are never used again, ring pages are", () => {
    const rings: bigint[] = [];
    const ids: bigint[] = [];
    runInit(
      function* (guest) {
        for (let round = 0; round < 3; round++) {
          const handles = [];
          for (let i = 0; i < 3; i++) handles.push(record(yield* create(guest, { entry: 1 }), 0).capId);
          const before = guest.machine.kernel.digest();
          expect(exception(yield* create(guest, { entry: 1 })).type).toBe(1);
          expect(guest.machine.kernel.digest()).toBe(before);
          for (const handle of handles) yield* join(guest, handle);
        }
      },
      {
        1: function* (guest) {
          ids.push(guest.entry.rsi);
          rings.push(guest.entry.rdx);
          yield* exitThread(guest, 0n);
        },
      },
      { limits: { threads: 4 } },
    );
    expect(ids).toEqual([2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n]);
    expect([...new Set(rings)]).toEqual([0x120_1000n, 0x120_2000n, 0x120_3000n]);
  });

  test("requests that cannot be", () => {
    runInit(function* (guest) {
      const refused: Start[] = [
        { entry: 1, flags: 1n },
        { entry: 2 ** 47 },
        { entry: 1, stackTop: 1n << 47n },
        { entry: 1, stackTop: 8n },
        { entry: 1, fsBase: 1n << 63n },
      ];
      for (const start of refused) {
        const before = guest.machine.kernel.digest();
        expect(exception(yield* create(guest, start)).type).toBe(4);
        expect(guest.machine.kernel.digest()).toBe(before);
      }
    });
  });
});

test("the FS base is the calling thread's", () => {
  runInit(function* (guest) {
    const control = guest.cap("control");
    const set = (fsBase: bigint): Uint8Array =>
      message(ThreadControl_SetFsBase$Params, (root) => (root.fsBase = fsBase));
    expect((yield* guest.call({ cap: control, method: 1, params: set(0x7fff_0000n) })).result).toBe(0);
    const got = yield* guest.call({ cap: control, params: EMPTY });
    expect(parse(ThreadControl_GetFsBase$Results, got.bytes).fsBase).toBe(0x7fff_0000n);
    expect(exception(yield* guest.call({ cap: control, method: 1, params: set(1n << 47n) })).type).toBe(4);
  });
});

describe("PARK and UNPARK", () => {
  const park = (guest: Guest, value: number, timeout = WAIT_FOREVER): Parameters<Guest["complete"]>[0] => ({
    opcode: OP.park,
    flags: 32,
    capId: guest.cap("park"),
    addr: BigInt(WORD),
    len: value,
    pipelineDep: timeout,
    callId: guest.thread.id,
  });
  const unpark = (guest: Guest, count: number, addr = BigInt(WORD)): Parameters<Guest["complete"]>[0] => ({
    opcode: OP.unpark,
    capId: guest.cap("park"),
    addr,
    len: count,
  });

  test("a parked thread is woken by another", () => {
    runInit(
      function* (guest) {
        guest.setU32(WORD, 7);
        const handle = record(yield* create(guest, { entry: 1 }), 0).capId;
        expect((yield* guest.complete(park(guest, 7))).result).toBe(0);
        expect(guest.u32(WORD)).toBe(8);
        expect(yield* join(guest, handle)).toBe(1n);
      },
      {
        1: function* (guest) {
          guest.setU32(WORD, 8);
          yield* exitThread(guest, BigInt((yield* guest.complete(unpark(guest, 10))).result));
        },
      },
    );
  });

  test("mismatch, polling and time", () => {
    const machine = runInit(function* (guest) {
      expect((yield* guest.complete(park(guest, 1))).result).toBe(1);
      expect((yield* guest.complete(park(guest, 1, 0n))).result).toBe(1);
      expect((yield* guest.complete(park(guest, 0, 0n))).result).toBe(2);
      expect((yield* guest.complete(park(guest, 0, 5_000_000n))).result).toBe(2);
      expect((yield* guest.complete(unpark(guest, 1))).result).toBe(0);
    });
    expect(machine.kernel.inputs.clock.nowNs()).toBeGreaterThanOrEqual(5_000_000n);
  });

  test("first come first woken, no more than asked for", () => {
    runInit(function* (guest) {
      const parks = [0, 0, 0].map(() => guest.submit(park(guest, 0)));
      yield* guest.enter();
      guest.submit(unpark(guest, 2));
      expect(yield* guest.enter(3, WAIT_FOREVER)).toBe(3n);
      expect(guest.takeAll().map((cqe) => [cqe.userData, cqe.result])).toEqual([
        [parks[0], 0],
        [parks[1], 0],
        [4n, 2],
      ]);
      expect((yield* guest.complete(unpark(guest, 9, BigInt(WORD + 4)))).result).toBe(0);
      guest.submit(unpark(guest, 9));
      expect(yield* guest.enter(2, WAIT_FOREVER)).toBe(2n);
    });
  });

  test("what is refused", () => {
    runInit(function* (guest) {
      const plain = park(guest, 0, 0n);
      expect((yield* guest.complete({ ...plain, addr: BigInt(WORD + 2) })).result).toBe(-2);
      expect((yield* guest.complete({ ...plain, addr: 0x5000n })).result).toBe(-2);
      expect((yield* guest.complete({ ...plain, capId: guest.cap("vm") })).result).toBe(-4);
      expect((yield* guest.complete({ ...plain, capId: 99 })).result).toBe(-4);
      expect((yield* guest.complete(unpark(guest, 0))).result).toBe(-1);
      expect((yield* guest.complete(unpark(guest, 1, 3n))).result).toBe(-2);
      expect(
        (yield* guest.complete({ opcode: OP.call, capId: guest.cap("park"), resultLen: 0 })).result,
      ).toBe(-10);
    });
  });

  test("unmapping the word interrupts who is parked on it", () => {
    runInit(function* (guest) {
      const map = message(VirtualMemory_Map$Params, (root) => {
        root.size = 4096n;
        root.prot = 3;
      });
      const mapped = yield* guest.call({ cap: guest.cap("vm"), params: map });
      const { addr } = parse(VirtualMemory_Map$Results, mapped.bytes);
      const parked = guest.submit({ ...park(guest, 0), addr });
      yield* guest.enter();
      const unmap = message(VirtualMemory_Unmap$Params, (root) => {
        root.addr = addr;
        root.size = 4096n;
      });
      guest.submit(guest.prepare({ cap: guest.cap("vm"), method: 1, params: unmap }).sqe);
      expect(yield* guest.enter(2, WAIT_FOREVER)).toBe(2n);
      expect(guest.takeAll()[0]).toMatchObject({ userData: parked, result: 3 });
    });
  });

  test("the ring page of a thread that ends interrupts who is parked on it", () => {
    runInit(
      function* (guest) {
        const handle = record(yield* create(guest, { entry: 1 }), 0).capId;
        const parked = guest.submit({ ...park(guest, 15), addr: 0x120_1000n + 8n });
        expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(1n);
        expect(guest.takeAll()).toMatchObject([{ userData: parked, result: 3 }]);
        expect(yield* join(guest, handle)).toBe(5n);
      },
      {
        1: function* (guest) {
          yield* guest.enter(1, 1_000_000n);
          yield* exitThread(guest, 5n);
        },
      },
    );
  });

  test("a thread that exits while parked is forgotten", () => {
    runInit(
      function* (guest) {
        const handle = record(yield* create(guest, { entry: 1 }), 0).capId;
        expect(yield* join(guest, handle)).toBe(2n);
        expect((yield* guest.complete(unpark(guest, 9))).result).toBe(0);
      },
      {
        1: function* (guest) {
          guest.submit(park(guest, 0));
          guest.submit(park(guest, 0, 1_000_000_000n));
          yield* guest.enter();
          yield* exitThread(guest, 2n);
        },
      },
    );
  });
});
