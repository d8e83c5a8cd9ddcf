/** Every rule of the kernel notices when it is broken on purpose, and reports exactly its own id. */

import { describe, expect, test } from "vitest";
import { OP, WAIT_FOREVER } from "../../src/kernel/abi.ts";
import { brokenKernelRules, endpointsOf } from "../../src/kernel/invariants.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import type { Process } from "../../src/kernel/objects/process.ts";
import type { Thread } from "../../src/kernel/objects/thread.ts";
import type { Program } from "./guest.ts";
import { spawnParams, TestMachine } from "./guest.ts";

/** A machine that waits with a call queued, a RECV open in no one, and a child. */
function busy(): { kernel: Kernel; init: Process; child: Process } {
  const wait: Program = function* (guest) {
    yield* guest.enter(1, WAIT_FOREVER);
  };
  const machine = new TestMachine({
    programs: {
      init: function* (guest) {
        const grants = [
          { name: "svc", interfaceId: 5n, capId: guest.cap("ep"), mode: 1 as const },
          { name: "out", interfaceId: 0x913ae02202463262n, capId: guest.cap("console") },
        ];
        yield* guest.call({
          cap: guest.cap("spawner"),
          params: spawnParams("child", grants),
          resultLen: 1024,
        });
        yield* wait(guest);
      },
      child: function* (guest) {
        guest.submit(
          guest.prepare({
            cap: guest.cap("svc"),
            params: new Uint8Array(24),
            transfers: [{ cap: guest.cap("out") }],
          }).sqe,
        );
        yield* wait(guest);
      },
    },
    init: {
      capabilities: [
        ["spawner", "processSpawner"],
        ["console", "console"],
        ["ep", "endpoint"],
      ],
    },
  });
  expect(machine.run().kind).toBe("deadlock");
  const { kernel } = machine;
  const [init, child] = [...kernel.processes.values()];
  if (init === undefined || child === undefined) throw new Error("two processes");
  expect(brokenKernelRules(kernel, { memory: true })).toEqual([]);
  return { kernel, init, child };
}
const ids = (kernel: Kernel, memory = false): string[] => [
  ...new Set(brokenKernelRules(kernel, { memory }).map((text) => text.split(" ")[0] ?? "")),
];
const threadOf = (process: Process): Thread => {
  const [thread] = process.threads.values();
  if (thread === undefined) throw new Error("no thread");
  return thread;
};

test("KER-3 notices a charge that nothing stands behind", () => {
  const { kernel, child } = busy();
  child.ledger.charge("outstandingCalls", 1);
  expect(ids(kernel)).toEqual(["KER-3"]);
  child.ledger.release("outstandingCalls", 1);
  child.ledger.charge("timerSleeps", 1);
  expect(ids(kernel)).toEqual(["KER-3"]);
});

test("KER-4 notices an object that was released behind its table's back", () => {
  const { kernel, child } = busy();
  const [first] = child.table.entries();
  if (first === undefined) throw new Error("no capability");
  first[1].object.holds--;
  expect(ids(kernel)).toEqual(["KER-4"]);
});

test("KER-5 notices a copy that grants more than its original", () => {
  const { kernel, init } = busy();
  const [, found] = [...init.table.entries()].find(([, hold]) => hold.object.label === "console") ?? [];
  if (found === undefined) throw new Error("no console");
  (found as { badge: bigint }).badge = 99n;
  expect(ids(kernel)).toEqual(["KER-5"]);
});

test("KER-40 notices a submission that was lost", () => {
  const { kernel, child } = busy();
  threadOf(child).ring.consumed++;
  expect(ids(kernel)).toEqual(["KER-40"]);
});

test("KER-40 is demanded at once when a submission completes twice", () => {
  const { child } = busy();
  const [submission] = threadOf(child).open;
  expect(submission?.sqe.opcode).toBe(OP.call);
  submission?.raise("failed", "once");
  expect(() => submission?.complete(0)).toThrow(/^KER-40/);
});

describe("KER-41", () => {
  test("notices an endpoint beyond its limits", () => {
    const { kernel, init } = busy();
    const [endpoint] = endpointsOf([init]);
    const [call] = endpoint?.queue ?? [];
    if (endpoint === undefined || call === undefined) throw new Error("no queued call");
    (endpoint as { limits: { queued: number; inFlight: number } }).limits = { queued: 0, inFlight: 0 };
    expect(ids(kernel)).toEqual(["KER-41"]);
  });

  test("notices an endpoint that closed and kept a call", () => {
    const { kernel, init } = busy();
    const [endpoint] = endpointsOf([init]);
    if (endpoint === undefined) throw new Error("no endpoint");
    endpoint.closed = true;
    expect(ids(kernel)).toEqual(["KER-41"]);
  });
});

test("KER-42 notices a thread that runs without a turn", () => {
  const { kernel, child } = busy();
  const thread = threadOf(child);
  thread.state = "runnable";
  expect(ids(kernel)).toEqual(["KER-42"]);
});

test("KER-42 notices a thread queued twice", () => {
  const { kernel, child } = busy();
  const thread = threadOf(child);
  thread.wake();
  expect(ids(kernel)).toEqual([]);
  (kernel.ready as Thread[]).push(thread);
  expect(ids(kernel)).toEqual(["KER-42"]);
});

test("KER-20 notices a frame that nobody owns", () => {
  const { kernel } = busy();
  kernel.frames.allocate();
  expect(ids(kernel, true)).toEqual(["KER-20"]);
});
