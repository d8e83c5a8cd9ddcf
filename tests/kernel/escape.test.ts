/**
 * Ways out that a program might try: capabilities bound to its address space, by every path; a spawn in a machine that
 * runs out of memory at every possible point; capabilities sent to oneself; results aimed at the ring page.
 */

import { describe, expect, test } from "vitest";
import { OP, RING, RING_ADDRESS, WAIT_FOREVER } from "../../src/kernel/abi.ts";
import type { GrantFacts, Program } from "./guest.ts";
import { EMPTY, exception, message, record, spawnParams, TestMachine } from "./guest.ts";
import { VirtualMemory_Map$Params } from "../../src/kernel/schema/kernel.ts";

/** Kernel sources whose capabilities act on their own process or hand out authority. */
const BOUND = [
  "virtualMemory",
  "parkSpace",
  "threadControl",
  "threadSpawner",
  "frameAllocator",
  "processSpawner",
];
const MODES = [0, 1, 2, 3] as const;

function run(init: Program, more: readonly (readonly [string, string])[] = [], options = {}): TestMachine {
  const machine = new TestMachine({
    programs: { init, child: idle },
    options,
    init: { capabilities: [["spawner", "processSpawner"], ["ep", "endpoint"], ...more] },
  });
  expect(machine.run()).toEqual({ kind: "finished", exitCode: 0n, reason: "exit" });
  return machine;
}
const idle: Program = function* () {
  // Ends at once.
};

describe("what is bound to a process does not leave it", () => {
  test.each(BOUND)("%s", (source) => {
    run(
      function* (guest) {
        const bound = guest.cap("bound");
        const digest = (): string => guest.machine.kernel.digest();
        const { interfaceId } = guest.capSet().find(({ id }) => id === bound) ?? { interfaceId: 0n };
        const before = digest();
        for (const mode of MODES) {
          const grant: GrantFacts = { name: "taken", interfaceId, capId: bound, mode };
          const params = spawnParams("child", [grant]);
          const answer = yield* guest.call({ cap: guest.cap("spawner"), params, resultLen: 1024 });
          expect(exception(answer).text).toMatch(/^grant "taken": capability \d+ /);
        }
        for (const mode of [1, 2]) {
          const transfers = [{ cap: bound, mode }];
          expect((yield* guest.call({ cap: guest.cap("ep"), transfers })).result).toBe(-6);
        }
        expect(digest()).toBe(before);
        // As the answer to a call.
        const call = guest.submit(guest.prepare({ cap: guest.cap("ep") }).sqe);
        const { sqe } = guest.prepare({ cap: guest.cap("ep"), sqe: { opcode: OP.recv, addr: 0n } });
        const receive = guest.submit(sqe);
        yield* guest.enter(1, WAIT_FOREVER);
        const received = guest.take();
        expect(received?.userData).toBe(receive);
        const callId = received?.callId ?? 0;
        for (const mode of [1, 2]) {
          const transfers = [{ cap: bound, mode }];
          expect((yield* guest.reply(guest.cap("ep"), callId, EMPTY, { transfers })).result).toBe(-6);
        }
        const { sqe: last } = guest.prepare({ cap: guest.cap("ep"), params: EMPTY, resultLen: 0 });
        guest.submit({ ...last, opcode: OP.return, resultAddr: 0n, callId });
        yield* guest.enter(2, WAIT_FOREVER);
        expect(guest.takeAll().map(({ userData, result }) => userData === call && result)).toContain(16);
      },
      [["bound", source]],
    );
  });
});

test("a spawn that runs out of frames keeps nothing, wherever it runs out", () => {
  let refusals = 0;
  run(
    function* (guest) {
      const { kernel } = guest.machine;
      const { frames } = kernel;
      const all = frames.freeCount;
      for (let left = 0; ; left++) {
        const taken = frames.allocateMany(all - left) ?? [];
        const before = kernel.digest();
        const params = spawnParams("child", [
          { name: "ep", interfaceId: 5n, capId: guest.cap("ep"), mode: 1 },
        ]);
        const answer = yield* guest.call({ cap: guest.cap("spawner"), params, resultLen: 1024 });
        if (answer.result >= 0) {
          frames.freeMany(taken);
          expect(yield* guest.release(record(answer, 1).capId)).toBe(0);
          break;
        }
        expect(exception(answer)).toMatchObject({
          type: 1,
          text: expect.stringMatching(/no frames? /) as string,
        });
        expect(kernel.digest()).toBe(before);
        frames.freeMany(taken);
        refusals++;
      }
    },
    [],
    { checks: "off" },
  );
  expect(refusals).toBeGreaterThan(50);
});

test("a capability moved to oneself is the same one under a new id", () => {
  run(
    function* (guest) {
      const ep = guest.cap("ep");
      const object = record(yield* guest.call({ cap: guest.cap("frames"), params: EMPTY }), 0).capId;
      const { ledger, table } = guest.thread.process;
      const used = ledger.used("frameGrantPages");
      const { sqe } = guest.prepare({ cap: ep, transfers: [{ cap: object, mode: 2 }] });
      guest.submit(sqe);
      const { sqe: receive } = guest.prepare({ cap: ep, sqe: { opcode: OP.recv, addr: 0n } });
      guest.submit(receive);
      yield* guest.enter(1, WAIT_FOREVER);
      const received = guest.take();
      expect(received?.capCount).toBe(1);
      expect(table.get(object)).toBe("staleGeneration");
      expect([ledger.used("frameGrantPages"), [...table.entries()].length]).toEqual([used, 4]);
    },
    [["frames", "frameAllocator"]],
  );
});

test("a result aimed at the ring page is the program's own loss: the ring goes on", () => {
  run(
    function* (guest) {
      const header = guest.read(RING_ADDRESS, 64);
      const params = message(VirtualMemory_Map$Params, (root) => {
        root.size = 4096n;
        root.prot = 3;
      });
      const aimed = { resultAddr: BigInt(RING_ADDRESS + RING.sqMask), resultLen: 24 };
      const { sqe } = guest.prepare({ cap: guest.cap("vm"), params, sqe: aimed });
      guest.submit(sqe);
      yield* guest.enter(1, 1000n);
      guest.write(RING_ADDRESS, header);
      yield* guest.enter();
      const cursors = guest.thread.ring.cursors();
      guest.setU32(RING_ADDRESS + RING.sqTail, cursors.sqHead);
      guest.setU32(RING_ADDRESS + RING.cqHead, cursors.cqTail);
      guest.setU32(RING_ADDRESS + RING.cqTail, cursors.cqTail);
      expect((yield* guest.complete({ opcode: OP.nop })).result).toBe(0);
    },
    [["vm", "virtualMemory"]],
  );
});
