/** Starting processes: grants and their rules, what a refusal leaves, handles, managers, limits. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { OP, PRESERVE_BADGE, WAIT_FOREVER } from "../../src/kernel/abi.ts";
import { CAPABILITY_MANAGER } from "../../src/kernel/caps/capability-manager.ts";
import { CONSOLE } from "../../src/kernel/caps/console.ts";
import { ENDPOINT } from "../../src/kernel/caps/endpoint.ts";
import { PROCESS_HANDLE } from "../../src/kernel/caps/process-handle.ts";
import { TIMER } from "../../src/kernel/caps/timer.ts";
import { VIRTUAL_MEMORY } from "../../src/kernel/caps/virtual-memory.ts";
import {
  CapabilityManager_List$Results,
  CapabilityManager_Revoke$Params,
  Console_WriteLine$Params,
  KernelCapSource,
  ProcessSpawner_CreatePipe$Params,
  ProcessSpawner_CreatePipe$Results,
  ProcessSpawner_Spawn$Results,
} from "../../src/kernel/schema/kernel.ts";
import { SOURCE_NAMES } from "../../src/kernel/source-names.ts";
import { KERNEL_SOURCES } from "../../src/kernel/sources.ts";
import type { CallResult, GrantFacts, Guest, Program, Run, Scenario } from "./guest.ts";
import { EMPTY, exception, message, parse, PROGRAM_FILE, record, spawnParams, TestMachine } from "./guest.ts";

const schemaFacts = JSON.parse(readFileSync(new URL("../data/ring.json", import.meta.url), "utf8")) as {
  service_object_facet_vectors: readonly {
    source_interface: string;
    source_badge: string;
    can_mint: boolean;
    requested_interface: string;
    requested_cookie: string;
    preserve: boolean;
    interface?: string;
    badge?: string;
    error?: string;
  }[];
};

const CAPABILITIES = [
  ["spawner", "processSpawner"],
  ["console", "console"],
  ["vm", "virtualMemory"],
  ["ep", "endpoint"],
] as const;

function runInit(
  init: Program,
  programs: Scenario["programs"] = {},
  more: Partial<Scenario> = {},
): TestMachine {
  const machine = new TestMachine({
    programs: { init, child: () => idle(), ...programs },
    init: { capabilities: CAPABILITIES },
    ...more,
  });
  expect(machine.run()).toEqual({ kind: "finished", exitCode: 0n, reason: "exit" });
  return machine;
}
function* idle(): Run<void> {
  return;
}
function* spawn(
  guest: Guest,
  grants: readonly GrantFacts[],
  binary = "child",
  resultLen = 1024,
): Run<CallResult> {
  return yield* guest.call({ cap: guest.cap("spawner"), params: spawnParams(binary, grants), resultLen });
}
function* exitCodeOf(guest: Guest, handle: number): Run<bigint> {
  const { result, bytes } = yield* guest.call({ cap: handle, params: EMPTY });
  expect(result).toBe(24);
  return new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(16, true);
}
const line = (text: string): Uint8Array => message(Console_WriteLine$Params, (root) => (root.text = text));

describe("a spawned process", () => {
  test("records: handle, manager, then one client facet per endpoint made for the child", () => {
    runInit(function* (guest) {
      const spawned = yield* spawn(guest, [
        { name: "a", interfaceId: ENDPOINT.id, kernel: KernelCapSource.ENDPOINT, badge: 5n },
        { name: "console", interfaceId: CONSOLE.id, kernel: KernelCapSource.CONSOLE },
        { name: "b", interfaceId: ENDPOINT.id, kernel: KernelCapSource.ENDPOINT },
      ]);
      expect(spawned).toMatchObject({ result: 24, flags: 2, capCount: 4 });
      const { handleIndex, capabilityManagerIndex } = parse(ProcessSpawner_Spawn$Results, spawned.bytes);
      expect([handleIndex, capabilityManagerIndex]).toEqual([0, 1]);
      expect([0, 1, 2, 3].map((index) => record(spawned, index).interfaceId)).toEqual([
        PROCESS_HANDLE.id,
        CAPABILITY_MANAGER.id,
        ENDPOINT.id,
        ENDPOINT.id,
      ]);
      expect(yield* exitCodeOf(guest, record(spawned, 0).capId)).toBe(0n);
    });
  });

  test("the CapSet lists the grants in order, under their names and interfaces", () => {
    runInit(
      function* (guest) {
        const spawned = yield* spawn(guest, [
          { name: "out", interfaceId: CONSOLE.id, capId: guest.cap("console") },
          { name: "memory", interfaceId: VIRTUAL_MEMORY.id, kernel: KernelCapSource.VIRTUAL_MEMORY },
          { name: "svc", interfaceId: 0xabcdn, capId: guest.cap("ep"), mode: 1, badge: 9n },
        ]);
        expect(yield* exitCodeOf(guest, record(spawned, 0).capId)).toBe(7n);
      },
      {
        child: function* (guest) {
          expect(guest.entry.rsi).toBe(2n);
          expect(guest.capSet()).toEqual([
            { name: "out", id: 0, interfaceId: CONSOLE.id },
            { name: "memory", id: 1, interfaceId: VIRTUAL_MEMORY.id },
            { name: "svc", id: 2, interfaceId: 0xabcdn },
          ]);
          yield* guest.exit(7n);
        },
      },
    );
  });

  test("85 grants fill the CapSet page, 86 are refused", () => {
    runInit(function* (guest) {
      const grants = Array.from({ length: 86 }, (_, i) => ({
        name: `c${i}`,
        interfaceId: CONSOLE.id,
        kernel: KernelCapSource.CONSOLE,
      }));
      expect((yield* spawn(guest, grants.slice(0, 85))).result).toBe(24);
      expect(exception(yield* spawn(guest, grants)).type).toBe(4);
    });
  });

  test("move takes the capability from the spawner", () => {
    runInit(
      function* (guest) {
        const console = guest.cap("console");
        const spawned = yield* spawn(guest, [
          { name: "out", interfaceId: CONSOLE.id, capId: console, mode: 2 },
        ]);
        expect(spawned.result).toBe(24);
        expect((yield* guest.call({ cap: console, method: 1, params: line("no") })).result).toBe(-4);
        yield* exitCodeOf(guest, record(spawned, 0).capId);
      },
      {
        child: function* (guest) {
          expect(
            (yield* guest.call({ cap: guest.cap("out"), method: 1, params: line("moved") })).result,
          ).toBe(0);
        },
      },
    );
  });

  test("the run ends with init; whoever still runs is ended", () => {
    const machine = runInit(
      function* (guest) {
        yield* spawn(guest, []);
      },
      {
        child: function* (guest) {
          yield* guest.enter(1, WAIT_FOREVER);
        },
      },
    );
    expect(machine.kernel.exits.map(({ process, reason }) => [process, reason])).toEqual([
      [1, "exit"],
      [2, "runEnded"],
    ]);
    const { frames } = machine.kernel;
    expect(frames.frameCount - frames.freeCount).toBe(machine.kernel.framesUsedAtStart);
  });
});

describe("refused spawns leave nothing", () => {
  /** The type of the exception, after checking that the kernel is as it was (KER-6). */
  function* refused(guest: Guest, grants: readonly GrantFacts[], binary = "child"): Run<[number, string]> {
    const before = guest.machine.kernel.digest();
    const answer = yield* spawn(guest, grants, binary);
    expect(guest.machine.kernel.digest()).toBe(before);
    const { type, text } = exception(answer);
    return [type, text];
  }
  const consoleGrant = { name: "c", interfaceId: CONSOLE.id, kernel: KernelCapSource.CONSOLE };

  test("names, interfaces, badges, modes, sources", () => {
    runInit(function* (guest) {
      const console = guest.cap("console");
      const moved = { name: "m", interfaceId: CONSOLE.id, capId: console, mode: 2 } as const;
      const cases: [GrantFacts[], number, RegExp][] = [
        [[{ ...consoleGrant, name: "" }], 4, /no name/],
        [[{ ...consoleGrant, name: "x".repeat(33) }], 4, /33 bytes/],
        [[consoleGrant, consoleGrant], 4, /two capabilities are named "c"/],
        [[{ ...consoleGrant, interfaceId: 1n }], 4, /interface 0x1 is not that of console/],
        [[{ ...consoleGrant, mode: 2 }], 4, /granted raw/],
        [[{ ...consoleGrant, kernel: KernelCapSource.NIC }], 3, /kernel source nic is not implemented/],
        [[{ ...consoleGrant, kernel: 200 as KernelCapSource }], 4, /unknown source/],
        [[{ ...consoleGrant, mode: 9 as 0 }], 4, /unknown mode 9/],
        [[moved, { ...moved, name: "n" }], 4, /on its way/],
        [[moved, { name: "n", interfaceId: CONSOLE.id, capId: 77 }], 4, /capability 77 is not live/],
        [[moved, { name: "n", interfaceId: 3n, capId: guest.cap("ep") }], 4, /interface 0x3 is not that of/],
        [[{ name: "n", interfaceId: 9n, capId: console }], 4, /interface 0x9/],
        [[{ name: "n", interfaceId: CONSOLE.id, capId: console, badge: 1n }], 4, /badge 0x1/],
        [[{ name: "n", interfaceId: CONSOLE.id, capId: console, mode: 1 }], 4, /is no endpoint/],
        [[{ name: "n", interfaceId: VIRTUAL_MEMORY.id, capId: guest.cap("vm") }], 4, /not transferable/],
        [
          [{ name: "n", interfaceId: VIRTUAL_MEMORY.id, capId: guest.cap("vm"), mode: 2 }],
          4,
          /not transferable/,
        ],
        [[{ name: "n", interfaceId: ENDPOINT.id, capId: guest.cap("ep"), mode: 2 }], 4, /not transferable/],
      ];
      for (const [grants, type, text] of cases) {
        const [actualType, actualText] = yield* refused(guest, grants);
        expect([actualType, actualText]).toEqual([type, expect.stringMatching(text)]);
      }
    });
  });

  test("unknown and unacceptable binaries", () => {
    const binaries = new Map([
      ["init", PROGRAM_FILE],
      ["bad", PROGRAM_FILE.slice(0, 100)],
    ]);
    const check: Program = function* (guest) {
      expect(yield* refused(guest, [], "nothing")).toEqual([0, 'no binary is named "nothing"']);
      const [type, text] = yield* refused(guest, [], "bad");
      expect(type).toBe(0);
      expect(text).toMatch(/^bad: /);
    };
    runInit(check, {}, { options: { binaries } });
  });

  test("process limit, frames, the child's quota, the spawner's slots, the result buffer", () => {
    runInit(
      function* (guest) {
        yield* spawn(guest, []);
        expect((yield* refused(guest, []))[0]).toBe(1);
      },
      { child: (guest) => waitForever(guest) },
      { options: { processLimit: 2 } },
    );
    runInit(
      function* (guest) {
        // Each process takes about 70 frames of 2048.
        let refusals = 0;
        for (let i = 0; i < 40 && refusals === 0; i++) {
          const before = guest.machine.kernel.digest();
          const answer = yield* spawn(guest, [
            { name: "m", interfaceId: CONSOLE.id, capId: guest.cap("console") },
          ]);
          if (answer.result === 24) {
            for (const index of [0, 1]) yield* guest.release(record(answer, index).capId);
            continue;
          }
          expect(exception(answer).type).toBe(1);
          expect(guest.machine.kernel.digest()).toBe(before);
          expect(guest.machine.kernel.brokenRules()).toEqual([]);
          refusals++;
        }
        expect(refusals).toBe(1);
      },
      { child: (guest) => waitForever(guest) },
      { options: { processLimit: 100 } },
    );
    runInit(
      function* (guest) {
        const grants = [0, 1, 2, 3, 4, 5, 6].map((i) => ({ ...consoleGrant, name: `c${i}` }));
        expect((yield* refused(guest, grants))[0]).toBe(1);
        yield* spawn(guest, []);
        expect((yield* refused(guest, []))[0]).toBe(1);
      },
      { child: (guest) => waitForever(guest) },
      { options: { limits: { capSlots: 6 } } },
    );
    runInit(function* (guest) {
      const before = guest.machine.kernel.digest();
      expect((yield* spawn(guest, [], "child", 55)).result).toBe(-3);
      expect(guest.machine.kernel.digest()).toBe(before);
      expect((yield* spawn(guest, [], "child", 56)).result).toBe(24);
    });
  });

  function* waitForever(guest: Guest): Run<void> {
    yield* guest.enter(1, WAIT_FOREVER);
  }
});

describe("facets", () => {
  test.each(schemaFacts.service_object_facet_vectors)(
    "mint $can_mint, asks for $requested_interface / $requested_cookie (preserve $preserve)",
    (vector) => {
      // The first child holds what the vector calls the source; it grants on to the second.
      const source = BigInt(vector.source_interface);
      const seen: { interfaceId: bigint; badge: bigint }[] = [];
      const request = {
        name: "svc",
        interfaceId: BigInt(vector.requested_interface),
        badge: vector.preserve ? PRESERVE_BADGE : BigInt(vector.requested_cookie),
        mode: 3,
      } as const;
      const grandchild: Program = function* (guest) {
        const [entry] = guest.capSet();
        yield* guest.call({ cap: guest.cap("svc") });
        seen.push({ interfaceId: entry?.interfaceId ?? 0n, badge: 0n });
      };
      const serveOne = function* (guest: Guest): Run<void> {
        const received = yield* guest.recv(guest.cap("ep"));
        yield* guest.reply(guest.cap("ep"), received.callId, new Uint8Array(0));
        const last = seen.length;
        seen.push({ interfaceId: 0n, badge: received.badge });
        expect(last).toBe(0);
      };
      const middle: Program = function* (guest) {
        const answer = yield* spawn(guest, [{ ...request, capId: guest.cap("src") }], "grandchild");
        if (vector.error === undefined) expect(answer.result).toBe(24);
        else expect(exception(answer).type).toBe(4);
        yield* guest.exit(answer.result === 24 ? yield* exitCodeOf(guest, record(answer, 0).capId) : 0n);
      };
      runInit(
        function* (guest) {
          const mint = { interfaceId: source, mode: 1, badge: BigInt(vector.source_badge) } as const;
          const grants: GrantFacts[] = [
            {
              name: "spawner",
              interfaceId: KERNEL_SOURCES.get("processSpawner")?.interfaceId ?? 0n,
              kernel: KernelCapSource.PROCESS_SPAWNER,
            },
            vector.can_mint
              ? { name: "src", interfaceId: ENDPOINT.id, capId: guest.cap("ep") }
              : { name: "src", capId: guest.cap("ep"), ...mint },
          ];
          const spawned = yield* spawn(guest, grants, "middle");
          expect(spawned.result).toBe(24);
          if (vector.error === undefined) yield* serveOne(guest);
          yield* exitCodeOf(guest, record(spawned, 0).capId);
        },
        { middle, grandchild },
      );
      if (vector.error !== undefined) return expect(seen).toEqual([]);
      // An owner's own hold has badge 0, so "preserve" gives 0 where the vector's source has one.
      const badge = vector.can_mint && vector.preserve ? 0n : BigInt(vector.badge ?? "0");
      expect(seen.map((each) => each.badge)[0]).toBe(badge);
      expect(seen[1]?.interfaceId).toBe(BigInt(vector.interface ?? "0"));
    },
  );
});

describe("ProcessHandle", () => {
  test("wait completes once; a second waiter fails; later waits answer at once", () => {
    runInit(
      function* (guest) {
        const handle = record(yield* spawn(guest, []), 0).capId;
        const first = guest.submit(guest.prepare({ cap: handle, params: EMPTY }).sqe);
        const { sqe, resultAt } = guest.prepare({ cap: handle, params: EMPTY });
        const second = guest.submit(sqe);
        expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(1n);
        const refusal = guest.take();
        expect(refusal?.userData).toBe(second);
        if (refusal !== undefined)
          expect(exception({ ...refusal, bytes: guest.read(resultAt, 512) }).type).toBe(0);
        expect(yield* guest.enter(1, WAIT_FOREVER)).toBe(1n);
        expect(guest.takeAll()).toMatchObject([{ userData: first, result: 24 }]);
        expect(yield* exitCodeOf(guest, handle)).toBe(3n);
        expect(yield* exitCodeOf(guest, handle)).toBe(3n);
      },
      { child: (guest) => guest.exit(3n) },
    );
  });

  test("terminate ends the process with -1, once", () => {
    const machine = runInit(
      function* (guest) {
        const handle = record(yield* spawn(guest, []), 0).capId;
        for (let i = 0; i < 2; i++) {
          expect((yield* guest.call({ cap: handle, method: 1, params: EMPTY })).result).toBe(0);
        }
        expect(yield* exitCodeOf(guest, handle)).toBe(-1n);
      },
      {
        child: function* (guest) {
          yield* guest.enter(1, WAIT_FOREVER);
        },
      },
    );
    expect(machine.kernel.exits[0]).toMatchObject({ process: 2, exitCode: -1n, reason: "terminated" });
  });

  test("releasing the handle with a wait open does not lose the wait", () => {
    runInit(
      function* (guest) {
        const handle = record(yield* spawn(guest, []), 0).capId;
        guest.submit(guest.prepare({ cap: handle, params: EMPTY }).sqe);
        guest.submit({ opcode: OP.release, capId: handle });
        expect(yield* guest.enter(2, WAIT_FOREVER)).toBe(2n);
        expect(guest.takeAll().map((cqe) => cqe.result)).toEqual([0, 24]);
      },
      {
        child: function* (guest) {
          yield "spin";
          yield* guest.exit(1n);
        },
      },
    );
  });
});

describe("CapabilityManager", () => {
  test("lists and revokes the child's capabilities, everywhere they were copied; dies with the child", () => {
    const machine = runInit(
      function* (guest) {
        const console = guest.cap("console");
        const spawned = yield* spawn(guest, [
          { name: "own", interfaceId: TIMER.id, kernel: KernelCapSource.TIMER },
          { name: "out", interfaceId: CONSOLE.id, capId: console },
        ]);
        const [handle, manager] = [record(spawned, 0).capId, record(spawned, 1).capId];
        const listed = yield* guest.call({ cap: manager, params: EMPTY, resultLen: 4096 });
        const { capabilities } = parse(CapabilityManager_List$Results, listed.bytes);
        expect(Array.from({ length: capabilities.length }, (_, i) => capabilities.get(i).label)).toEqual([
          "timer",
          "console",
        ]);
        expect(capabilities.get(1)).toMatchObject({ id: 1, interfaceId: CONSOLE.id });
        const revoke = (capId: number): Uint8Array =>
          message(CapabilityManager_Revoke$Params, (root) => (root.capId = capId));
        const revoked = yield* guest.call({ cap: manager, method: 1, params: revoke(1), resultLen: 1024 });
        expect([revoked.result, revoked.capCount]).toEqual([16, 0]);
        expect(exception(yield* guest.call({ cap: manager, method: 1, params: revoke(9) })).type).toBe(4);
        expect(exception(yield* guest.call({ cap: manager, method: 1, params: revoke(1) })).type).toBe(4);
        // The parent's is a copy of the same insertion.
        expect(exception(yield* guest.call({ cap: console, method: 1, params: line("no") })).type).toBe(2);
        expect(yield* guest.release(console)).toBe(0);
        expect(yield* exitCodeOf(guest, handle)).toBe(0n);
        expect(exception(yield* guest.call({ cap: manager, params: EMPTY })).type).toBe(2);
      },
      {
        child: function* (guest) {
          yield* guest.enter(1, 1_000_000n);
          expect(exception(yield* guest.call({ cap: 1, method: 1, params: line("no") })).type).toBe(2);
        },
      },
    );
    expect(machine.console).toBe("");
  });

  test("revoking a minted facet does not touch its siblings", () => {
    runInit(
      function* (guest) {
        const ep = guest.cap("ep");
        const grant = { name: "svc", interfaceId: ENDPOINT.id, capId: ep, mode: 1 } as const;
        const first = yield* spawn(guest, [{ ...grant, badge: 1n }]);
        const second = yield* spawn(guest, [{ ...grant, badge: 2n }]);
        const params = message(CapabilityManager_Revoke$Params, (root) => (root.capId = 0));
        yield* guest.call({ cap: record(first, 1).capId, method: 1, params });
        const received = yield* guest.recv(ep);
        expect(received.badge).toBe(2n);
        yield* guest.reply(ep, received.callId, new Uint8Array(0));
        expect(yield* exitCodeOf(guest, record(first, 0).capId)).toBe(-9n);
        expect(yield* exitCodeOf(guest, record(second, 0).capId)).toBe(0n);
      },
      {
        child: function* (guest) {
          yield* guest.enter(1, 1_000_000n);
          yield* guest.exit(BigInt((yield* guest.call({ cap: 0 })).result));
        },
      },
    );
  });
});

test("createPipe gives a read and a write end", () => {
  runInit(function* (guest) {
    const params = message(ProcessSpawner_CreatePipe$Params, (root) => (root.bufferBytes = 64));
    const made = yield* guest.call({ cap: guest.cap("spawner"), method: 1, params });
    expect(made).toMatchObject({ result: 24, capCount: 2 });
    const { readIndex, writeIndex } = parse(ProcessSpawner_CreatePipe$Results, made.bytes);
    expect([readIndex, writeIndex]).toEqual([0, 1]);
    const none = message(ProcessSpawner_CreatePipe$Params, (root) => (root.bufferBytes = 0));
    expect(exception(yield* guest.call({ cap: guest.cap("spawner"), method: 1, params: none })).type).toBe(4);
  });
});

describe("kernel sources", () => {
  test("have the schema's names and, for each that exists, the published interface", () => {
    const { kernel_cap_sources: published } = JSON.parse(
      readFileSync(new URL("../data/kernel-sources.json", import.meta.url), "utf8"),
    ) as { kernel_cap_sources: readonly { ordinal: number; schema: string; interface_id: string }[] };
    expect(SOURCE_NAMES).toEqual(published.map((each) => each.schema));
    for (const [name, source] of KERNEL_SOURCES) {
      const facts = published.find((each) => each.schema === name);
      expect([name, source.interfaceId]).toEqual([name, BigInt(facts?.interface_id ?? -1)]);
    }
  });

  test("an init with an unknown source is refused with its name", () => {
    const machine = new TestMachine({
      programs: { init: () => idle() },
      init: { capabilities: [["x", "nic"]] },
    });
    expect(machine.start()).toEqual({
      status: "unimplemented",
      text: 'grant "x": kernel source nic is not implemented',
    });
    expect(machine.kernel.processes.size).toBe(0);
  });
});
