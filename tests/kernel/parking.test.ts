/** SharedParkSpace: processes that wait for a word of a memory object and wake each other. */

import { describe, expect, test } from "vitest";
import { OP, SQE_THREAD_OWNED, WAIT_FOREVER } from "../../src/kernel/abi.ts";
import { MEMORY_OBJECT } from "../../src/kernel/caps/memory-object.ts";
import { SHARED_PARK_SPACE } from "../../src/kernel/caps/park-space.ts";
import {
  MemoryObject_Map$Params,
  MemoryObject_Map$Results,
  MemoryObject_Unmap$Params,
} from "../../src/kernel/schema/kernel.ts";
import type { Guest, GuestCqe, Run } from "./guest.ts";
import { DATA, EMPTY, message, parse, record, spawnParams, TestMachine } from "./guest.ts";

const PAGE = 4096n;
const WOKEN = 0;
const TIMED_OUT = 2;
const INTERRUPTED = 3;

function* mapObject(guest: Guest, object: number, hint: bigint): Run<bigint> {
  const params = message(MemoryObject_Map$Params, (root) =>
    Object.assign(root, { hint, size: PAGE, prot: 3 }),
  );
  const result = yield* guest.call({ cap: object, method: 1, params });
  return parse(MemoryObject_Map$Results, result.bytes).addr;
}

function park(guest: Guest, addr: bigint, timeout = WAIT_FOREVER, expected = 0): Run<GuestCqe> {
  const sqe = { opcode: OP.park, flags: SQE_THREAD_OWNED, capId: guest.cap("park"), addr, len: expected };
  return guest.complete({ ...sqe, pipelineDep: timeout, callId: guest.thread.id });
}
const unpark = (guest: Guest, addr: bigint, count: number): Run<GuestCqe> =>
  guest.complete({ opcode: OP.unpark, capId: guest.cap("park"), addr, len: count });

/** Init shares one page with a child; the child maps it elsewhere. */
function run(
  parent: (guest: Guest, at: bigint) => Run<void>,
  child: (guest: Guest, at: bigint) => Run<void>,
): void {
  const machine = new TestMachine({
    programs: {
      *init(guest) {
        const made = yield* guest.call({ cap: guest.cap("frames"), method: 0, params: EMPTY });
        const object = record(made, 0).capId;
        const at = yield* mapObject(guest, object, 0x3000_0000n);
        const grants = [
          { name: "object", interfaceId: MEMORY_OBJECT.id, capId: object },
          { name: "park", interfaceId: SHARED_PARK_SPACE.id, capId: guest.cap("park") },
        ];
        const started = yield* guest.call({
          cap: guest.cap("spawner"),
          params: spawnParams("child", grants),
          resultLen: 1024,
        });
        expect(started.result).toBeGreaterThan(0);
        yield* parent(guest, at);
        const ended = yield* guest.call({ cap: record(started, 0).capId, params: EMPTY });
        expect(ended.result).toBeGreaterThan(0);
      },
      *child(guest) {
        yield* child(guest, yield* mapObject(guest, guest.cap("object"), 0x5000_0000n));
      },
    },
    init: {
      capabilities: [
        ["frames", "frameAllocator"],
        ["spawner", "processSpawner"],
        ["park", "sharedParkSpace"],
      ],
    },
  });
  expect(machine.run()).toMatchObject({ kind: "finished", exitCode: 0n, reason: "exit" });
  expect(machine.kernel.exits.map(({ exitCode }) => exitCode)).toEqual([0n, 0n]);
}

test("a process wakes another one at the same word, wherever each has it mapped", () => {
  run(
    function* (guest, at) {
      expect((yield* park(guest, at + 8n)).result).toBe(WOKEN);
    },
    function* (guest, at) {
      expect((yield* unpark(guest, at + 4n, 9)).result).toBe(0);
      expect((yield* unpark(guest, at + 8n, 9)).result).toBe(1);
      expect((yield* unpark(guest, at + 8n, 9)).result).toBe(0);
    },
  );
});

test("both wait, one is woken per count, in their order", () => {
  const order: string[] = [];
  run(
    function* (guest, at) {
      yield* park(guest, at);
      order.push("parent");
      expect((yield* unpark(guest, at, 1)).result).toBe(1);
    },
    function* (guest, at) {
      const waiting = { opcode: OP.park, flags: SQE_THREAD_OWNED, capId: guest.cap("park"), addr: at };
      guest.submit({ ...waiting, pipelineDep: WAIT_FOREVER, callId: 1, userData: 77n });
      yield* guest.enter();
      guest.submit({ opcode: OP.unpark, capId: guest.cap("park"), addr: at, len: 1 });
      yield* guest.enter();
      expect(guest.takeAll().map(({ result }) => result)).toEqual([1]);
      yield* guest.enter(1, WAIT_FOREVER);
      expect(guest.take()).toMatchObject({ userData: 77n, result: WOKEN });
      order.push("child");
    },
  );
  expect(order).toEqual(["parent", "child"]);
});

describe("a wait ends", () => {
  test("with its time, and with the end of its process", () => {
    run(
      function* (guest, at) {
        expect((yield* park(guest, at, 1_000n)).result).toBe(TIMED_OUT);
        expect((yield* unpark(guest, at, 9)).result).toBe(0);
      },
      function* (guest, at) {
        guest.submit({
          opcode: OP.park,
          flags: SQE_THREAD_OWNED,
          capId: guest.cap("park"),
          addr: at,
          pipelineDep: WAIT_FOREVER,
          callId: 1,
        });
        yield* guest.enter();
      },
    );
  });

  test("when its page is unmapped", () => {
    run(
      function* () {},
      function* (guest, at) {
        const sqe = { opcode: OP.park, flags: SQE_THREAD_OWNED, capId: guest.cap("park"), addr: at };
        guest.submit({ ...sqe, pipelineDep: WAIT_FOREVER, callId: 1, userData: 88n });
        yield* guest.enter();
        const params = message(MemoryObject_Unmap$Params, (root) =>
          Object.assign(root, { addr: at, size: PAGE }),
        );
        guest.submit(guest.prepare({ cap: guest.cap("object"), method: 2, params }).sqe);
        yield* guest.enter(2, 0n);
        const parked = guest.takeAll().find(({ userData }) => userData === 88n);
        expect(parked?.result).toBe(INTERRUPTED);
      },
    );
  });
});

test("words that are not in a memory object, misaligned or unmapped ones are refused", () => {
  run(
    function* () {},
    function* (guest, at) {
      for (const addr of [BigInt(DATA), at + 1n, at + PAGE, 0n]) {
        expect((yield* park(guest, addr)).result).toBe(-2);
        expect((yield* unpark(guest, addr, 1)).result).toBe(-2);
      }
      expect((yield* park(guest, at, WAIT_FOREVER, 5)).result).toBe(1);
      expect((yield* unpark(guest, at, 0)).result).toBe(-1);
    },
  );
});
