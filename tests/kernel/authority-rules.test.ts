/** Rules of memory authority and of handles, each broken on purpose: exactly its own id is reported. */

import { describe, expect, test } from "vitest";
import { WAIT_FOREVER } from "../../src/kernel/abi.ts";
import { VIRTUAL_MEMORY } from "../../src/kernel/caps/virtual-memory.ts";
import { brokenKernelRules, endpointsOf } from "../../src/kernel/invariants.ts";
import { brokenFrameNumberRules, brokenSecrecyRules } from "../../src/kernel/invariants-memory.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { RING_PAGE } from "../../src/kernel/objects/claims.ts";
import type { Endpoint } from "../../src/kernel/objects/endpoint.ts";
import type { Process } from "../../src/kernel/objects/process.ts";
import type { PageInfo } from "../../src/kernel/objects/process-memory.ts";
import type { Run } from "../../src/kernel/objects/run-map.ts";
import type { Program } from "./guest.ts";
import { EMPTY, spawnParams, TestMachine } from "./guest.ts";

const CONSOLE = 0x913ae02202463262n;

interface Busy {
  readonly kernel: Kernel;
  readonly init: Process;
  readonly child: Process;
  readonly endpoint: Endpoint;
  /** What allocFrame answered. */
  readonly reply: Uint8Array;
}

/** Init owns an endpoint and a memory object; its child waits with a call queued that carries a capability. */
function busy(): Busy {
  let reply = new Uint8Array(0);
  const wait: Program = function* (guest) {
    yield* guest.enter(1, WAIT_FOREVER);
  };
  const machine = new TestMachine({
    programs: {
      init: function* (guest) {
        const allocated = yield* guest.call({ cap: guest.cap("frames"), params: EMPTY });
        reply = allocated.bytes.slice(0, allocated.result + 16 * allocated.capCount);
        const grants = [
          { name: "svc", interfaceId: 5n, capId: guest.cap("ep"), mode: 1 as const },
          { name: "out", interfaceId: CONSOLE, capId: guest.cap("console") },
        ];
        yield* guest.call({
          cap: guest.cap("spawner"),
          params: spawnParams("child", grants),
          resultLen: 1024,
        });
        yield* wait(guest);
      },
      child: function* (guest) {
        const transfers = [{ cap: guest.cap("out") }];
        guest.submit(guest.prepare({ cap: guest.cap("svc"), params: new Uint8Array(24), transfers }).sqe);
        yield* wait(guest);
      },
    },
    init: {
      capabilities: [
        ["spawner", "processSpawner"],
        ["console", "console"],
        ["frames", "frameAllocator"],
        ["vm", "virtualMemory"],
        ["ep", "endpoint"],
      ],
    },
  });
  expect(machine.run().kind).toBe("deadlock");
  const { kernel } = machine;
  const [init, child] = [...kernel.processes.values()];
  if (init === undefined || child === undefined) throw new Error("two processes");
  const [endpoint] = endpointsOf([init]);
  if (endpoint === undefined || endpoint.queue.length !== 1)
    throw new Error("an endpoint with one call queued");
  expect(brokenKernelRules(kernel, { memory: true })).toEqual([]);
  return { kernel, init, child, endpoint, reply };
}

const ids = ({ kernel }: Busy): string[] => [
  ...new Set(brokenKernelRules(kernel, { memory: true }).map((text) => text.split(" ")[0] ?? "")),
];
const holdOf = (process: Process, label: string) => {
  const found = [...process.table.entries()].find(([, { object }]) => object.label === label);
  if (found === undefined) throw new Error(`no ${label}`);
  return { id: found[0], hold: found[1] };
};

test("KER-27 notices frames that are none, or that nobody may own", () => {
  const { frames } = busy().kernel;
  const broken = brokenFrameNumberRules([0, 1.5, frames.frameCount, 300], frames, "a memory object");
  expect(broken).toHaveLength(3);
  expect(broken.every((line) => line.startsWith("KER-27 a memory object has "))).toBe(true);
});

const through = (capability: string) => ({ capability, method: "map", arguments: "", rip: 0n });

describe("KER-28", () => {
  test("notices a reservation that no operation made", () => {
    const all = busy();
    const { memory, ledger } = all.init;
    memory.reservations.reserved.set(0x5_0000, 1, true);
    ledger.charge("virtualReservationPages", 1);
    expect(ids(all)).toEqual(["KER-28"]);
  });

  test("notices an anonymous page that was changed through a MemoryObject", () => {
    const all = busy();
    const { memory } = all.init;
    expect(memory.map(0x5000_0000n, 4096n, 3, through("VirtualMemory")).status).toBe("ok");
    expect(ids(all)).toEqual([]);
    expect(memory.protect(0x5000_0000n, 4096n, 1, through("MemoryObject")).status).toBe("ok");
    expect(ids(all)).toEqual(["KER-28"]);
  });

  test("notices a borrowed page that was changed through VirtualMemory", () => {
    const all = busy();
    const [object] = all.kernel.memoryObjects;
    if (object === undefined) throw new Error("no memory object");
    const where = { hint: 0x5000_0000n, offset: 0n, size: 4096n, prot: 3 };
    expect(all.init.memory.mapObject(object, where, through("MemoryObject")).status).toBe("ok");
    expect(ids(all)).toEqual([]);
    all.init.memory.protectObject(object, where.hint, where.size, 1, through("VirtualMemory"));
    expect(ids(all)).toEqual(["KER-28"]);
  });
});

test("KER-29 notices a reservation between the ring pages", () => {
  const all = busy();
  const { memory, ledger } = all.init;
  memory.reservations.reserved.set(RING_PAGE + 5, 1, true);
  (memory.pages as Run<PageInfo>[]).push({
    first: RING_PAGE + 5,
    end: RING_PAGE + 6,
    value: { mapping: "reserved", by: through("VirtualMemory") },
  });
  ledger.charge("virtualReservationPages", 1);
  expect(ids(all)).toEqual(["KER-29"]);
});

describe("KER-30", () => {
  test("notices a VirtualMemory capability in another process", () => {
    const all = busy();
    const { hold } = holdOf(all.init, "virtual-memory");
    all.child.table.insert(hold);
    hold.object.hold();
    expect(hold.object.interface).toBe(VIRTUAL_MEMORY);
    expect(ids(all)).toEqual(["KER-30"]);
  });

  test("notices one on its way", () => {
    const all = busy();
    const { id, hold } = holdOf(all.init, "virtual-memory");
    const items = all.endpoint.queue[0]?.transfers.items as unknown[];
    items.push({ sourceId: id, move: false, hold });
    hold.object.hold();
    expect(ids(all)).toEqual(["KER-30"]);
  });
});

test("KER-31 notices a reply that tells of a frame; allocFrame does not", () => {
  const { kernel, reply } = busy();
  const frames = [...kernel.memoryObjects].flatMap((object) => object.frames);
  expect(reply.length).toBeGreaterThan(16);
  const secrets = frames.flatMap((frame) => [frame, frame * 4096]);
  expect(brokenSecrecyRules(reply, secrets)).toEqual([]);
  const [frame = 0] = frames;
  for (const secret of [frame, frame * 4096]) {
    const told = Uint8Array.from(reply);
    new DataView(told.buffer).setUint32(8, secret, true);
    expect(brokenSecrecyRules(told, secrets).join()).toMatch(/^KER-31 byte 8 /);
  }
});

describe("KER-43", () => {
  test("notices a slot in use that would be issued again", () => {
    const all = busy();
    (all.child.table.layout().free as number[]).push(0);
    expect(ids(all)).toEqual(["KER-43"]);
  });

  test("notices an empty slot that is lost, and one that is listed twice", () => {
    for (const sabotage of [(free: number[]) => free.pop(), (free: number[]) => free.push(free[0] ?? 0)]) {
      const all = busy();
      all.init.table.remove(all.init.give(holdOf(all.init, "console").hold.object, {}) as number);
      holdOf(all.init, "console").hold.object.holds--;
      expect(ids(all)).toEqual([]);
      sabotage(all.init.table.layout().free as number[]);
      expect(ids(all)).toEqual(["KER-43"]);
    }
  });
});

test("KER-44 notices a mark that no transfer stands behind, and a transfer whose source is not marked", () => {
  const marked = busy();
  const { id } = holdOf(marked.init, "console");
  expect(typeof marked.init.table.prepareMove(id, "ipcTransfer")).toBe("object");
  expect(ids(marked)).toEqual(["KER-44"]);
  const unmarked = busy();
  const [item] = unmarked.endpoint.queue[0]?.transfers.items ?? [];
  (item as { move: boolean }).move = true;
  expect(ids(unmarked)).toEqual(["KER-44"]);
});

test("KER-46 notices a call that waits although somebody receives", () => {
  const all = busy();
  const { queue, receives } = all.endpoint;
  receives.push(...queue.map(({ submission }) => submission));
  expect(ids(all)).toEqual(["KER-46"]);
});

test("KER-45 notices a call in flight to a process that is gone", () => {
  const all = busy();
  const caller = all.endpoint.queue[0]?.submission;
  if (caller === undefined) throw new Error("no call");
  const receiver = { id: 99 } as Process;
  all.endpoint.inFlight.set(7, { callId: 7, caller, receiver });
  expect(ids(all)).toEqual(["KER-45"]);
});
