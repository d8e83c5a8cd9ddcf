/** Endpoints between two processes: calls, answers, transfers, limits, and what happens when somebody goes away. */

import { describe, expect, test } from "vitest";
import { OP, WAIT_FOREVER } from "../../src/kernel/abi.ts";
import { CONSOLE } from "../../src/kernel/caps/console.ts";
import { ENDPOINT } from "../../src/kernel/caps/endpoint.ts";
import {
  CapException,
  Console_WriteLine$Params,
  KernelCapSource,
  ProcessHandle_Wait$Results,
} from "../../src/kernel/schema/kernel.ts";
import type { CallResult, Guest, GrantFacts, Program, Run, Scenario } from "./guest.ts";
import { EMPTY, exception, message, record, spawnParams, TestMachine } from "./guest.ts";

const SERVICE = 0x5151_0000_0000_0001n;
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Spawns `child`; record 0 is its handle. */
function* spawn(guest: Guest, grants: readonly GrantFacts[], binary = "child"): Run<CallResult> {
  const params = spawnParams(binary, grants);
  const result = yield* guest.call({ cap: guest.cap("spawner"), params, resultLen: 1024 });
  expect(result.result).toBe(24);
  return result;
}
function* join(guest: Guest, spawned: CallResult): Run<void> {
  const result = yield* guest.call({ cap: record(spawned, 0).capId, params: EMPTY });
  expect(result.result).toBe(24);
}

/** Init owns the endpoint `ep` and serves; `child` holds a client facet `svc` with badge 77. */
function serve(server: Program, client: Program, more: Partial<Scenario> = {}): TestMachine {
  const machine = new TestMachine({
    programs: {
      init: function* (guest) {
        const spawned = yield* spawn(guest, [
          { name: "svc", interfaceId: SERVICE, capId: guest.cap("ep"), mode: 1, badge: 77n },
          { name: "console", interfaceId: CONSOLE.id, kernel: KernelCapSource.CONSOLE },
        ]);
        yield* server(guest);
        yield* join(guest, spawned);
      },
      child: client,
    },
    init: {
      capabilities: [
        ["ep", "endpoint"],
        ["spawner", "processSpawner"],
        ["console", "console"],
      ],
    },
    ...more,
  });
  expect(machine.run()).toEqual({ kind: "finished", exitCode: 0n, reason: "exit" });
  return machine;
}
const idle: Program = function* () {
  // Ends at once.
};
const line = (text: string): Uint8Array => message(Console_WriteLine$Params, (root) => (root.text = text));

interface Delivery {
  readonly interfaceId: bigint;
  readonly methodId: number;
  readonly params: Uint8Array;
  readonly session: Uint8Array;
}
function delivery(received: CallResult): Delivery {
  const view = new DataView(received.bytes.buffer, received.bytes.byteOffset);
  expect(received.result).toBe(56 + view.getUint32(12, true));
  expect(view.getUint16(10, true)).toBe(0);
  return {
    interfaceId: view.getBigUint64(0, true),
    methodId: view.getUint16(8, true),
    session: received.bytes.slice(16, 56),
    params: received.bytes.slice(56, received.result),
  };
}

describe("a call and its answer", () => {
  test("header, badge, call id, params, payload", () => {
    serve(
      function* (guest) {
        const received = yield* guest.recv(guest.cap("ep"));
        expect(received).toMatchObject({ badge: 77n, flags: 0, capCount: 0 });
        expect(received.callId).not.toBe(0);
        const { interfaceId, methodId, params, session } = delivery(received);
        expect([interfaceId, methodId, textOf(params)]).toEqual([SERVICE, 513, "question"]);
        expect(session).toEqual(new Uint8Array(40));
        expect(yield* guest.reply(guest.cap("ep"), received.callId, bytesOf("answer"))).toMatchObject({
          result: 0,
          badge: 0n,
          callId: 0,
        });
        // The call id is used up.
        expect((yield* guest.reply(guest.cap("ep"), received.callId, bytesOf("again"))).result).toBe(-1);
      },
      function* (guest) {
        expect(guest.capSet()[0]).toMatchObject({ name: "svc", interfaceId: SERVICE });
        const answer = yield* guest.call({ cap: guest.cap("svc"), method: 513, params: bytesOf("question") });
        expect(answer).toMatchObject({ result: 6, badge: 0n, callId: 0, flags: 0, capCount: 0 });
        expect(textOf(answer.bytes.subarray(0, 6))).toBe("answer");
      },
    );
  });

  test("empty params and payload", () => {
    serve(
      function* (guest) {
        const received = yield* guest.recv(guest.cap("ep"), 56);
        expect(received.result).toBe(56);
        expect((yield* guest.reply(guest.cap("ep"), received.callId, new Uint8Array(0))).result).toBe(0);
      },
      function* (guest) {
        expect((yield* guest.call({ cap: guest.cap("svc"), resultLen: 0 })).result).toBe(0);
      },
    );
  });

  test("an exception of the receiver reaches the caller as it is", () => {
    const refusal = message(CapException, (root) => {
      root.type = 1;
      root.message = "busy";
    });
    serve(
      function* (guest) {
        for (let i = 0; i < 2; i++) {
          const received = yield* guest.recv(guest.cap("ep"));
          const sqe = { flags: 16, callId: received.callId };
          const { sqe: base } = guest.prepare({ cap: guest.cap("ep"), params: refusal, resultLen: 0 });
          expect((yield* guest.complete({ ...base, opcode: OP.return, resultAddr: 0n, ...sqe })).result).toBe(
            0,
          );
        }
      },
      function* (guest) {
        const answer = yield* guest.call({ cap: guest.cap("svc") });
        expect(exception(answer)).toEqual({ type: 1, text: "busy" });
        expect((yield* guest.call({ cap: guest.cap("svc"), resultLen: 16 })).result).toBe(-10);
      },
    );
  });

  test("calls are served first come first served, whoever waits first", () => {
    serve(
      function* (guest) {
        const ep = guest.cap("ep");
        const seen: number[] = [];
        for (let i = 0; i < 6; i++) {
          const received = yield* guest.recv(ep);
          seen.push(delivery(received).methodId);
          yield* guest.reply(ep, received.callId, new Uint8Array(0));
        }
        expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
      },
      function* (guest) {
        for (let i = 0; i < 6; i++) guest.submit(guest.prepare({ cap: guest.cap("svc"), method: i }).sqe);
        expect(yield* guest.enter(6, WAIT_FOREVER)).toBe(6n);
        expect(guest.takeAll().map((cqe) => Number(cqe.userData))).toEqual([1, 2, 3, 4, 5, 6]);
      },
    );
  });
});

describe("buffers that do not fit", () => {
  test("the receiver's is too small: its RECV fails, the call goes back to the front (R-15)", () => {
    serve(
      function* (guest) {
        const ep = guest.cap("ep");
        expect((yield* guest.recv(ep, 60)).result).toBe(-3);
        const received = yield* guest.recv(ep, 64);
        expect(textOf(delivery(received).params)).toBe("12345678");
        yield* guest.reply(ep, received.callId, new Uint8Array(0));
      },
      function* (guest) {
        expect((yield* guest.call({ cap: guest.cap("svc"), params: bytesOf("12345678") })).result).toBe(0);
      },
    );
  });

  test("the caller's is too small: both sides get -3 and the call is over (R-16)", () => {
    serve(
      function* (guest) {
        const ep = guest.cap("ep");
        const received = yield* guest.recv(ep);
        expect((yield* guest.reply(ep, received.callId, bytesOf("123456789"))).result).toBe(-3);
        expect((yield* guest.reply(ep, received.callId, bytesOf("1"))).result).toBe(-1);
      },
      function* (guest) {
        expect((yield* guest.call({ cap: guest.cap("svc"), resultLen: 8 })).result).toBe(-3);
      },
    );
  });

  test("unreadable payloads and unwritable buffers leave the call in flight", () => {
    serve(
      function* (guest) {
        const ep = guest.cap("ep");
        const received = yield* guest.recv(ep);
        const bad = { opcode: OP.return, capId: ep, callId: received.callId, addr: 0x5000n, len: 8 };
        expect((yield* guest.complete(bad)).result).toBe(-2);
        expect((yield* guest.complete({ ...bad, len: 65_537 })).result).toBe(-1);
        expect(
          (yield* guest.complete({ opcode: OP.recv, capId: ep, resultAddr: 8n, resultLen: 8 })).result,
        ).toBe(-3);
        expect((yield* guest.reply(ep, received.callId, new Uint8Array(0))).result).toBe(0);
      },
      function* (guest) {
        expect((yield* guest.call({ cap: guest.cap("svc") })).result).toBe(0);
      },
    );
  });
});

describe("who may do what", () => {
  test("a client facet can only call; other objects cannot receive", () => {
    serve(idle, function* (guest) {
      const svc = guest.cap("svc");
      expect(exception(yield* guest.recv(svc)).type).toBe(3);
      expect(exception(yield* guest.recv(guest.cap("console"))).type).toBe(3);
      expect((yield* guest.reply(svc, 1, new Uint8Array(0))).result).toBe(-1);
      expect((yield* guest.complete({ opcode: OP.cancel, capId: svc, pipelineDep: 5n })).result).toBe(-1);
      expect((yield* guest.complete({ opcode: OP.recv, capId: 99 })).result).toBe(-4);
      expect((yield* guest.complete({ opcode: OP.return, capId: 99 })).result).toBe(-4);
    });
  });

  test("call id 0 and unknown ids answer nothing", () => {
    serve(
      function* (guest) {
        const ep = guest.cap("ep");
        const received = yield* guest.recv(ep);
        const before = guest.machine.kernel.digest();
        expect((yield* guest.reply(ep, 0, new Uint8Array(0))).result).toBe(-1);
        expect((yield* guest.reply(ep, received.callId + 1, new Uint8Array(0))).result).toBe(-1);
        expect(guest.machine.kernel.digest()).toBe(before);
        yield* guest.reply(ep, received.callId, new Uint8Array(0));
      },
      function* (guest) {
        yield* guest.call({ cap: guest.cap("svc") });
      },
    );
  });

  test("CANCEL ends a waiting RECV first and then itself (R-18)", () => {
    serve(function* (guest) {
      const ep = guest.cap("ep");
      const { sqe } = guest.prepare({ cap: ep, sqe: { opcode: OP.recv, addr: 0n } });
      const recv = guest.submit(sqe);
      yield* guest.enter();
      const cancel = guest.submit({ opcode: OP.cancel, capId: ep, pipelineDep: recv });
      expect(yield* guest.enter(2, WAIT_FOREVER)).toBe(2n);
      expect(guest.takeAll().map((cqe) => [cqe.userData, cqe.result])).toEqual([
        [recv, -4],
        [cancel, 0],
      ]);
      expect((yield* guest.complete({ opcode: OP.cancel, capId: ep, pipelineDep: recv })).result).toBe(-1);
    }, idle);
  });
});

describe("transfers", () => {
  test("a copy goes with a call and comes back with the answer", () => {
    const machine = serve(
      function* (guest) {
        const ep = guest.cap("ep");
        const received = yield* guest.recv(ep);
        expect(received).toMatchObject({ flags: 2, capCount: 1 });
        const { capId, interfaceId } = record(received, 0);
        expect(interfaceId).toBe(CONSOLE.id);
        expect((yield* guest.call({ cap: capId, method: 1, params: line("from the server") })).result).toBe(
          0,
        );
        const answer = yield* guest.reply(ep, received.callId, bytesOf("abc"), {
          transfers: [{ cap: capId }, { cap: capId }],
        });
        expect(answer.result).toBe(0);
      },
      function* (guest) {
        const console = guest.cap("console");
        const transfers = [{ cap: console }];
        const answer = yield* guest.call({ cap: guest.cap("svc"), params: bytesOf("x"), transfers });
        expect(answer).toMatchObject({ result: 3, flags: 2, capCount: 2 });
        for (const index of [0, 1]) {
          const { capId } = record(answer, index);
          expect(capId).not.toBe(console);
          expect((yield* guest.call({ cap: capId, method: 1, params: line(`copy ${index}`) })).result).toBe(
            0,
          );
        }
        expect((yield* guest.call({ cap: console, method: 1, params: line("still mine") })).result).toBe(0);
      },
    );
    expect(machine.console).toBe("from the server\ncopy 0\ncopy 1\nstill mine\n");
  });

  test("a move leaves the sender's table when it is delivered, and is reserved until then", () => {
    serve(
      function* (guest) {
        // The client runs first and queues its call.
        yield "spin";
        const ep = guest.cap("ep");
        const received = yield* guest.recv(ep);
        expect(received.capCount).toBe(1);
        yield* guest.reply(ep, received.callId, new Uint8Array(0));
      },
      function* (guest) {
        const console = guest.cap("console");
        const { sqe } = guest.prepare({ cap: guest.cap("svc"), transfers: [{ cap: console, mode: 2 }] });
        const call = guest.submit(sqe);
        yield* guest.enter();
        expect(yield* guest.release(console)).toBe(-8);
        const again = guest.prepare({ cap: guest.cap("svc"), transfers: [{ cap: console }] });
        expect((yield* guest.complete(again.sqe)).result).toBe(-8);
        expect((yield* guest.call({ cap: console, method: 1, params: line("usable") })).result).toBe(0);
        expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(1n);
        expect(guest.take()).toMatchObject({ userData: call, result: 0 });
        expect(yield* guest.release(console)).toBe(-1);
      },
    );
  });

  test("refused sets change nothing", () => {
    serve(idle, function* (guest) {
      const svc = guest.cap("svc");
      const console = guest.cap("console");
      const refuse = function* (transfers: { cap: number; mode?: number }[], change = {}): Run<number> {
        const { sqe } = guest.prepare({ cap: svc, transfers });
        const before = guest.machine.kernel.digest();
        const { result } = yield* guest.complete({ ...sqe, ...change });
        expect(guest.machine.kernel.digest()).toBe(before);
        return result;
      };
      expect(yield* refuse([{ cap: console, mode: 0 }])).toBe(-7);
      expect(yield* refuse([{ cap: console, mode: 3 }])).toBe(-7);
      expect(yield* refuse([{ cap: console, mode: 1 | (1 << 16) }])).toBe(-7);
      expect(yield* refuse(Array.from({ length: 17 }, () => ({ cap: console })))).toBe(-7);
      expect(yield* refuse([{ cap: console }], { addr: 0x40_0001n })).toBe(-7);
      expect(yield* refuse([{ cap: console }], { addr: 0x40n })).toBe(-2);
      expect(yield* refuse([{ cap: 99 }])).toBe(-6);
      expect(yield* refuse([{ cap: console, mode: 2 }, { cap: 99 }])).toBe(-6);
      expect(yield* refuse([{ cap: console, mode: 2 }, { cap: console }])).toBe(-8);
      expect(yield* refuse([{ cap: console, mode: 2 }], { resultAddr: 16n })).toBe(-3);
    });
  });

  test("an owner capability does not travel with a call", () => {
    serve(function* (guest) {
      const ep = guest.cap("ep");
      expect((yield* guest.call({ cap: ep, transfers: [{ cap: ep }] })).result).toBe(-6);
    }, idle);
  });

  test("a receiver without room aborts the transfer, and the RECV keeps waiting", () => {
    serve(
      function* (guest) {
        const ep = guest.cap("ep");
        const received = yield* guest.recv(ep);
        expect(received.capCount).toBe(0);
        expect(textOf(delivery(received).params)).toBe("without");
        yield* guest.reply(ep, received.callId, new Uint8Array(0));
      },
      function* (guest) {
        const svc = guest.cap("svc");
        const console = guest.cap("console");
        const two = [{ cap: console, mode: 2 }, { cap: svc }];
        expect((yield* guest.call({ cap: svc, params: bytesOf("with"), transfers: two })).result).toBe(-8);
        expect((yield* guest.call({ cap: console, method: 1, params: line("kept") })).result).toBe(0);
        expect((yield* guest.call({ cap: svc, params: bytesOf("without") })).result).toBe(0);
      },
      { options: { limits: { capSlots: 6 } } },
    );
  });
});

describe("limits", () => {
  test("the queue is limited (R-20); what was accepted is served", () => {
    serve(
      function* (guest) {
        yield "spin";
        for (let i = 0; i < 3; i++) {
          const received = yield* guest.recv(guest.cap("ep"));
          yield* guest.reply(guest.cap("ep"), received.callId, new Uint8Array(0));
        }
      },
      function* (guest) {
        for (let i = 0; i < 5; i++) guest.submit(guest.prepare({ cap: guest.cap("svc") }).sqe);
        expect(yield* guest.enter()).toBe(2n);
        expect(guest.takeAll().map((cqe) => [cqe.userData, cqe.result])).toEqual([
          [4n, -9],
          [5n, -9],
        ]);
        expect(yield* guest.enter(3, WAIT_FOREVER)).toBe(3n);
      },
      { options: { endpointLimits: { queued: 3, inFlight: 16 } } },
    );
  });

  test("calls in flight are limited; an answer lets the next one in", () => {
    serve(
      function* (guest) {
        const ep = guest.cap("ep");
        yield "spin";
        const first = yield* guest.recv(ep);
        const { sqe } = guest.prepare({ cap: ep, sqe: { opcode: OP.recv, addr: 0n } });
        const recv = guest.submit(sqe);
        expect(yield* guest.enter()).toBe(0n);
        yield "spin";
        const { sqe: answer } = guest.prepare({ cap: ep, resultLen: 0 });
        guest.submit({ ...answer, opcode: OP.return, resultAddr: 0n, callId: first.callId });
        expect(yield* guest.enter(2, WAIT_FOREVER)).toBe(2n);
        const [returned, received] = guest.takeAll();
        expect([returned?.result, received?.userData]).toEqual([0, recv]);
        yield* guest.reply(ep, received?.callId ?? 0, new Uint8Array(0));
      },
      function* (guest) {
        for (let i = 0; i < 2; i++) guest.submit(guest.prepare({ cap: guest.cap("svc") }).sqe);
        expect(yield* guest.enter(2, WAIT_FOREVER)).toBe(2n);
        expect(guest.takeAll().map((cqe) => cqe.result)).toEqual([0, 0]);
      },
      { options: { endpointLimits: { queued: 8, inFlight: 1 } } },
    );
  });

  test("queued params are limited by the caller's scratch", () => {
    serve(
      function* (guest) {
        yield "spin";
        const received = yield* guest.recv(guest.cap("ep"), 65_536);
        yield* guest.reply(guest.cap("ep"), received.callId, new Uint8Array(0));
      },
      function* (guest) {
        const params = new Uint8Array(3000);
        for (let i = 0; i < 2; i++) guest.submit(guest.prepare({ cap: guest.cap("svc"), params }).sqe);
        expect(yield* guest.enter()).toBe(1n);
        expect(guest.take()).toMatchObject({ userData: 2n, result: -9 });
        expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(1n);
      },
      { options: { limits: { scratchBytes: 5000 } } },
    );
  });
});

describe("when somebody goes away (R-19)", () => {
  test("the owner releases: queued and in-flight callers are disconnected, and later ones too", () => {
    serve(
      function* (guest) {
        const ep = guest.cap("ep");
        yield "spin";
        expect((yield* guest.recv(ep)).result).toBe(56);
        expect(yield* guest.release(ep)).toBe(0);
        expect(yield* guest.release(ep)).toBe(-1);
      },
      function* (guest) {
        const svc = guest.cap("svc");
        const calls = [guest.prepare({ cap: svc }), guest.prepare({ cap: svc })];
        for (const { sqe } of calls) guest.submit(sqe);
        expect(yield* guest.enter(2, WAIT_FOREVER)).toBe(2n);
        for (const { resultAt } of calls) {
          const cqe = guest.take();
          if (cqe === undefined) throw new Error("no completion");
          expect(exception({ ...cqe, bytes: guest.read(resultAt, 512) }).type).toBe(2);
        }
        expect(exception(yield* guest.call({ cap: svc })).type).toBe(2);
        expect(yield* guest.release(svc)).toBe(0);
      },
    );
  });

  test("pending receives of a released endpoint end with -4", () => {
    serve(function* (guest) {
      const ep = guest.cap("ep");
      const { sqe } = guest.prepare({ cap: ep, sqe: { opcode: OP.recv, addr: 0n } });
      guest.submit(sqe);
      guest.submit({ opcode: OP.release, capId: ep });
      expect(yield* guest.enter(2, WAIT_FOREVER)).toBe(2n);
      expect(guest.takeAll().map((cqe) => [Number(cqe.userData), cqe.result])).toEqual([
        [2, -4],
        [3, 0],
      ]);
    }, idle);
  });

  test("the caller exits with a call queued and one in flight: nothing is left of it", () => {
    serve(
      function* (guest) {
        const ep = guest.cap("ep");
        const received = yield* guest.recv(ep);
        yield "spin";
        expect((yield* guest.reply(ep, received.callId, new Uint8Array(0))).result).toBe(-1);
        expect(guest.machine.kernel.digest()).toMatch(/^queue +receives +in flight *$/m);
      },
      function* (guest) {
        for (let i = 0; i < 2; i++) {
          const transfers = i === 1 ? [{ cap: guest.cap("console"), mode: 2 }] : [];
          guest.submit(guest.prepare({ cap: guest.cap("svc"), transfers }).sqe);
        }
        yield* guest.enter(1, 1000n);
      },
    );
  });

  test("the caller of a call in flight exits: the room it leaves lets a queued call in", () => {
    serve(
      function* (guest) {
        const ep = guest.cap("ep");
        yield* guest.recv(ep);
        const call = guest.submit(guest.prepare({ cap: ep }).sqe);
        const { sqe } = guest.prepare({ cap: ep, sqe: { opcode: OP.recv, addr: 0n } });
        const recv = guest.submit(sqe);
        expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(1n);
        const [received] = guest.takeAll();
        expect(received).toMatchObject({ userData: recv, result: 56 });
        const { sqe: answer } = guest.prepare({ cap: ep, resultLen: 0 });
        const callId = received?.callId ?? 0;
        guest.submit({ ...answer, opcode: OP.return, resultAddr: 0n, callId });
        expect(yield* guest.enter(2, WAIT_FOREVER)).toBe(2n);
        expect(guest.takeAll().map(({ userData }) => userData)).toContain(call);
      },
      function* (guest) {
        guest.submit(guest.prepare({ cap: guest.cap("svc") }).sqe);
        yield* guest.enter(1, 1_000_000n);
      },
      { options: { endpointLimits: { queued: 8, inFlight: 1 } } },
    );
  });

  test("an owner shared with a child: one holder's exit disconnects only its own callers", () => {
    const machine = new TestMachine({
      programs: {
        init: function* (guest) {
          const ep = guest.cap("ep");
          const spawned = yield* spawn(
            guest,
            [{ name: "ep", interfaceId: ENDPOINT.id, capId: ep }],
            "worker",
          );
          const client = yield* spawn(
            guest,
            [{ name: "svc", interfaceId: SERVICE, capId: ep, mode: 1 }],
            "client",
          );
          yield* join(guest, spawned);
          const received = yield* guest.recv(ep);
          yield* guest.reply(ep, received.callId, bytesOf("init"));
          yield* join(guest, client);
        },
        worker: function* (guest) {
          expect((yield* guest.recv(guest.cap("ep"))).result).toBe(56);
        },
        client: function* (guest) {
          expect(exception(yield* guest.call({ cap: guest.cap("svc") })).type).toBe(2);
          const answer = yield* guest.call({ cap: guest.cap("svc") });
          expect(textOf(answer.bytes.subarray(0, 4))).toBe("init");
        },
      },
      init: {
        capabilities: [
          ["ep", "endpoint"],
          ["spawner", "processSpawner"],
        ],
      },
    });
    expect(machine.run()).toEqual({ kind: "finished", exitCode: 0n, reason: "exit" });
    expect(machine.kernel.exits.map((exit) => exit.name)).toEqual(["worker", "client", "init"]);
  });
});

test("a process handle completes its wait with the exit code", () => {
  const machine = new TestMachine({
    programs: {
      init: function* (guest) {
        const spawned = yield* spawn(guest, []);
        const waited = yield* guest.call({ cap: record(spawned, 0).capId, params: EMPTY });
        const view = new DataView(waited.bytes.buffer, waited.bytes.byteOffset);
        expect([waited.result, view.getBigInt64(16, true)]).toEqual([24, -5n]);
        expect(ProcessHandle_Wait$Results._capnp.size.dataByteLength).toBe(8);
      },
      child: (guest) => guest.exit(-5n),
    },
    init: { capabilities: [["spawner", "processSpawner"]] },
  });
  expect(machine.run()).toMatchObject({ kind: "finished", exitCode: 0n });
});
