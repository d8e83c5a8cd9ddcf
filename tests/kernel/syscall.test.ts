/** cap_enter and exit: counts, waits, special results, order of submissions, a full completion queue. */

import { describe, expect, test } from "vitest";
import { CQ_ENTRIES, OP, RING, WAIT_FOREVER } from "../../src/kernel/abi.ts";
import {
  CapException,
  Console_WriteLine$Params,
  Timer_Now$Results,
  Timer_Sleep$Params,
} from "../../src/kernel/schema/kernel.ts";
import type { Guest, Program, Run } from "./guest.ts";
import { DATA, EMPTY, message, parse, TestMachine } from "./guest.ts";

const REJECTED = 0xffff_ffff_ffff_ffffn;
const THREAD_OWNED_HEAD = 0xffff_ffff_ffff_fffdn;

/** Runs one program as init with some kernel sources under their own names. */
function runInit(program: Program, sources: readonly string[] = []): TestMachine {
  const machine = new TestMachine({
    programs: { init: program },
    init: { capabilities: sources.map((name) => [name, name] as const) },
  });
  expect(machine.run()).toEqual({ kind: "finished", exitCode: 0n, reason: "exit" });
  return machine;
}
const sleep = (ns: bigint): Uint8Array => message(Timer_Sleep$Params, (root) => (root.durationNs = ns));

describe("entry state", () => {
  test("registers of the first thread", () => {
    runInit(function* (guest) {
      expect(guest.entry).toEqual({
        rip: 0x20_0000n,
        rsp: 0x100_fff8n,
        rdi: 0x120_0000n,
        rsi: 1n,
        rdx: 0x130_0000n,
        fsBase: 0n,
        rax: 0n,
      });
      expect(guest.read(0x100_fff8, 8)).toEqual(new Uint8Array(8));
    });
  });
});

describe("numbers", () => {
  test.each([0n, 3n, 4n, 99n, REJECTED])("syscall %d is rejected", (number) => {
    runInit(function* (guest) {
      expect(yield* guest.syscall(number, 1n, 2n)).toBe(REJECTED);
    });
  });

  test("exit codes are signed 64 bits", () => {
    const machine = new TestMachine({ programs: { init: (guest) => guest.exit(-(2n ** 40n)) } });
    expect(machine.run()).toEqual({ kind: "finished", exitCode: -(2n ** 40n), reason: "exit" });
    expect(machine.kernel.exits).toMatchObject([{ process: 1, name: "init", reason: "exit" }]);
    expect(machine.kernel.frames.frameCount - machine.kernel.frames.freeCount).toBe(
      machine.kernel.framesUsedAtStart,
    );
  });
});

describe("cap_enter", () => {
  test("polling an idle ring gives 0", () => {
    runInit(function* (guest) {
      expect(yield* guest.enter(0, 0n)).toBe(0n);
      expect(yield* guest.enter(5, 0n)).toBe(0n);
      expect(yield* guest.enter(0, WAIT_FOREVER)).toBe(0n);
    });
  });

  test("runs all submissions in order and counts what is there", () => {
    runInit(function* (guest) {
      for (let i = 0; i < 16; i++) guest.submit({});
      expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(16n);
      guest.take();
      expect(yield* guest.enter(0, 0n)).toBe(15n);
      expect(guest.takeAll().map((cqe) => [Number(cqe.userData), cqe.result])).toEqual(
        Array.from({ length: 15 }, (_, i) => [i + 2, 0]),
      );
    });
  });

  test("calls complete out of order: what is slow stays pending", () => {
    runInit(
      function* (guest) {
        const timer = guest.cap("timer");
        guest.submit(guest.prepare({ cap: timer, method: 1, params: sleep(5000n) }).sqe);
        guest.submit({});
        expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(1n);
        expect(guest.take()?.userData).toBe(2n);
        expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(1n);
        expect(guest.take()).toMatchObject({ userData: 1n, result: 0 });
      },
      ["timer"],
    );
  });

  test("a finite wait ends at its time with the true count", () => {
    runInit(
      function* (guest) {
        const timer = guest.cap("timer");
        const now = function* (): Run<bigint> {
          const answer = yield* guest.call({ cap: timer, params: EMPTY });
          return parse(Timer_Now$Results, answer.bytes.subarray(0, answer.result)).monotonicNs;
        };
        const start = yield* now();
        guest.submit({});
        expect(yield* guest.enter(2, 1_000_000n)).toBe(1n);
        guest.take();
        const passed = (yield* now()) - start;
        expect(passed).toBeGreaterThanOrEqual(1_000_000n);
        expect(passed).toBeLessThan(1_000_100n);
      },
      ["timer"],
    );
  });

  test("the clock jumps to the earliest deadline when everybody waits", () => {
    const machine = runInit(
      function* (guest) {
        const timer = guest.cap("timer");
        for (const ns of [9_000_000_000n, 3_000_000_000n]) {
          guest.submit(guest.prepare({ cap: timer, method: 1, params: sleep(ns) }).sqe);
        }
        expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(1n);
        expect(guest.take()?.userData).toBe(2n);
      },
      ["timer"],
    );
    expect(machine.kernel.inputs.clock.nowNs()).toBeGreaterThanOrEqual(3_000_000_000n);
    expect(machine.kernel.inputs.clock.nowNs()).toBeLessThan(9_000_000_000n);
  });

  test("asking for more completions than the queue holds is asking for all of it", () => {
    runInit(function* (guest) {
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < 16; i++) guest.submit({});
        yield* guest.enter();
      }
      expect(yield* guest.enter(1000, WAIT_FOREVER)).toBe(BigInt(CQ_ENTRIES));
    });
  });

  test("min_complete is the low half of RDI", () => {
    runInit(function* (guest) {
      expect(yield* guest.syscall(2n, 1n << 32n, WAIT_FOREVER)).toBe(0n);
    });
  });

  test("a full completion queue stops consumption and loses nothing", () => {
    runInit(function* (guest) {
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 16; i++) guest.submit({});
        yield* guest.enter();
      }
      expect(guest.u32(guest.ring + RING.sqHead)).toBe(32);
      expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(32n);
      for (let i = 0; i < 5; i++) guest.take();
      expect(yield* guest.enter()).toBe(32n);
      expect(guest.u32(guest.ring + RING.sqHead)).toBe(37);
      const rest = [...guest.takeAll()];
      yield* guest.enter();
      rest.push(...guest.takeAll());
      expect(rest.map((cqe) => Number(cqe.userData))).toEqual(Array.from({ length: 43 }, (_, i) => i + 6));
    });
  });

  test("completions that arrive while the queue is full are held back in order", () => {
    runInit(
      function* (guest) {
        const timer = guest.cap("timer");
        for (let i = 0; i < 4; i++) {
          guest.submit(guest.prepare({ cap: timer, method: 1, params: sleep(1000n + BigInt(i)) }).sqe);
        }
        yield* guest.enter();
        for (let round = 0; round < 2; round++) {
          for (let i = 0; i < 16; i++) guest.submit({});
          yield* guest.enter();
        }
        yield "spin";
        expect(yield* guest.enter()).toBe(32n);
        expect(guest.u32(guest.ring + RING.cqOverflow)).toBe(4);
        expect(guest.takeAll()).toHaveLength(32);
        expect(yield* guest.enter(4, WAIT_FOREVER)).toBe(4n);
        expect(guest.takeAll().map((cqe) => Number(cqe.userData))).toEqual([1, 2, 3, 4]);
      },
      ["timer"],
    );
  });

  test("a head owned by another thread stops everything", () => {
    runInit(function* (guest) {
      guest.submit({});
      guest.submit({ opcode: OP.call, flags: 32, callId: 7 });
      guest.submit({});
      expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(THREAD_OWNED_HEAD);
      expect(guest.u32(guest.ring + RING.sqHead)).toBe(1);
      expect(guest.takeAll()).toHaveLength(1);
      expect(yield* guest.enter()).toBe(THREAD_OWNED_HEAD);
    });
  });

  test("an own thread-owned call runs", () => {
    const machine = runInit(
      function* (guest) {
        const params = message(Console_WriteLine$Params, (root) => (root.text = "mine"));
        const { sqe } = guest.prepare({ cap: guest.cap("console"), method: 1, params });
        expect(yield* guest.complete({ ...sqe, flags: 32, callId: 1 })).toMatchObject({ result: 0 });
      },
      ["console"],
    );
    expect(machine.console).toBe("mine\n");
  });

  test("hostile indices end in nothing", () => {
    runInit(function* (guest) {
      for (const tail of [0xffff_ffff, 17, 0x8000_0000, 1000]) {
        guest.setU32(guest.ring + RING.sqTail, tail);
        expect(yield* guest.enter(0, 0n)).toBe(0n);
        expect(guest.u32(guest.ring + RING.sqHead)).toBe(tail);
      }
      guest.setU32(guest.ring + RING.cqHead, 12345);
      expect(yield* guest.enter(0, 0n)).toBe(0n);
      guest.submit({});
      expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(1n);
      expect(guest.takeAll()).toHaveLength(1);
    });
  });

  test("waiting for what can never come is a deadlock with a report", () => {
    const machine = new TestMachine({
      programs: {
        init: function* (guest) {
          guest.submit({ opcode: OP.recv, capId: guest.cap("ep"), resultAddr: BigInt(DATA), resultLen: 100 });
          yield* guest.enter(1, WAIT_FOREVER);
        },
      },
      init: { capabilities: [["ep", "endpoint"]] },
    });
    expect(machine.run()).toEqual({
      kind: "deadlock",
      report: ["process 1 (init) thread 1 waits for 1 completions of: recv endpoint"],
    });
  });
});

describe("calls on kernel objects", () => {
  const line = message(Console_WriteLine$Params, (root) => (root.text = "x"));

  /** Every refused call leaves the kernel as it was (KER-6). */
  function* refused(guest: Guest, sqe: Parameters<Guest["complete"]>[0]): Run<number> {
    const before = guest.machine.kernel.digest();
    const { result } = yield* guest.complete(sqe);
    expect(guest.machine.kernel.digest()).toBe(before);
    return result;
  }

  test("refusals in their order, none with an effect", () => {
    const machine = runInit(
      function* (guest) {
        const cap = guest.cap("console");
        const { sqe } = guest.prepare({ cap, method: 1, params: line });
        const bad = 0x7fff_0000_0000n;
        expect(yield* refused(guest, { ...sqe, pipelineField: 1 })).toBe(-1);
        expect(yield* refused(guest, { ...sqe, len: 65_537 })).toBe(-1);
        expect(yield* refused(guest, { ...sqe, resultLen: 65_537 })).toBe(-1);
        expect(yield* refused(guest, { ...sqe, capId: 77, addr: bad })).toBe(-4);
        expect(yield* refused(guest, { ...sqe, capId: cap + (1 << 24), addr: bad })).toBe(-4);
        expect(yield* refused(guest, { ...sqe, xferCapCount: 1, addr: bad })).toBe(-6);
        expect(yield* refused(guest, { ...sqe, xferCapCount: 17 })).toBe(-6);
        expect(yield* refused(guest, { ...sqe, addr: bad })).toBe(-2);
        expect(yield* refused(guest, { ...sqe, addr: (1n << 64n) - 8n })).toBe(-2);
        expect(yield* refused(guest, { ...sqe, addr: 0xffff_8000_0000_0000n })).toBe(-2);
        expect(yield* refused(guest, { ...sqe, resultAddr: bad })).toBe(-3);
        expect(yield* refused(guest, { ...sqe, resultAddr: 0x20_0000n })).toBe(-3);
        expect(yield* refused(guest, { ...sqe, resultAddr: 0x130_0000n })).toBe(-3);
        expect(yield* refused(guest, { ...sqe, len: 0, addr: 0n })).toBe(-9);
        expect(yield* refused(guest, { ...sqe, methodId: 99 })).toBe(-9);
        expect(yield* refused(guest, { ...sqe, methodId: 99, resultLen: 31 })).toBe(-10);
        expect(yield* refused(guest, { ...sqe, methodId: 99, resultLen: 0, resultAddr: 0n })).toBe(-10);
      },
      ["console"],
    );
    expect(machine.console).toBe("");
  });

  test("an unknown method is refused before its params are looked at", () => {
    runInit(
      function* (guest) {
        const answer = yield* guest.call({ cap: guest.cap("timer"), method: 7 });
        expect(answer.result).toBe(-9);
        const { type, message: text } = parse(CapException, answer.bytes);
        expect([type, text]).toEqual([3, "Timer has no method 7"]);
      },
      ["timer"],
    );
  });

  test("malformed params are an invalid argument", () => {
    runInit(
      function* (guest) {
        const params = new Uint8Array(16).fill(0xff);
        const answer = yield* guest.call({ cap: guest.cap("timer"), method: 1, params });
        expect(answer.result).toBe(-9);
        const { type, message: text } = parse(CapException, answer.bytes);
        expect([type, text]).toEqual([4, "malformed parameters of sleep"]);
      },
      ["timer"],
    );
  });

  test("a result that cannot fit is refused before the method runs", () => {
    runInit(
      function* (guest) {
        expect((yield* guest.call({ cap: guest.cap("timer"), params: EMPTY, resultLen: 31 })).result).toBe(
          -3,
        );
        expect((yield* guest.call({ cap: guest.cap("timer"), params: EMPTY, resultLen: 32 })).result).toBe(
          32,
        );
      },
      ["timer"],
    );
  });

  test("params may lie at any address, unaligned and across pages", () => {
    const machine = runInit(
      function* (guest) {
        const at = DATA + 8 * 4096 - 13;
        guest.write(at, line);
        const sqe = {
          opcode: OP.call,
          capId: guest.cap("console"),
          methodId: 1,
          addr: BigInt(at),
          len: line.length,
        };
        expect((yield* guest.complete(sqe)).result).toBe(0);
      },
      ["console"],
    );
    expect(machine.console).toBe("x\n");
  });

  test("outstanding calls are limited, and every one of them completes once", () => {
    const machine = new TestMachine({
      programs: {
        init: function* (guest) {
          const timer = guest.cap("timer");
          const results: number[] = [];
          for (let i = 0; i < 10; i++) {
            guest.submit(guest.prepare({ cap: timer, method: 1, params: sleep(1000n) }).sqe);
          }
          yield* guest.enter();
          results.push(...guest.takeAll().map((cqe) => cqe.result));
          expect(results).toEqual([-9, -9, -9, -9, -9, -9]);
          yield* guest.enter(4, WAIT_FOREVER);
          expect(guest.takeAll().map((cqe) => cqe.result)).toEqual([0, 0, 0, 0]);
        },
      },
      init: { capabilities: [["timer", "timer"]] },
      options: { limits: { outstandingCalls: 4 } },
    });
    expect(machine.run()).toMatchObject({ kind: "finished", exitCode: 0n });
  });
});

describe("RELEASE and the rest", () => {
  test("an id is released once; its successor has the next generation", () => {
    runInit(
      function* (guest) {
        expect(yield* guest.release(1)).toBe(0);
        expect(yield* guest.release(1)).toBe(-1);
        expect(yield* guest.release(0x0100_0001)).toBe(-1);
        expect(yield* guest.release(9)).toBe(-1);
        expect(yield* guest.release(0)).toBe(0);
      },
      ["console", "timer"],
    );
  });

  test("FINISH is unsupported, unknown opcodes are invalid", () => {
    runInit(function* (guest) {
      expect((yield* guest.complete({ opcode: OP.finish })).result).toBe(-5);
      expect((yield* guest.complete({ opcode: OP.parkBench, addr: 0x1000n })).result).toBe(-1);
      expect((yield* guest.complete({ opcode: 200 })).result).toBe(-1);
    });
  });
});
