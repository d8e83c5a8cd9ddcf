/** A parent revokes a capability of its child: whoever waits on the other side learns it. */

import { expect, test } from "vitest";
import { ENDPOINT } from "../../src/kernel/caps/endpoint.ts";
import { PIPE } from "../../src/kernel/caps/pipe.ts";
import {
  CapabilityManager_List$Results,
  CapabilityManager_Revoke$Params,
  CapException,
  KernelCapSource,
  Pipe_Read$Params,
  Pipe_Read$Results,
  ProcessSpawner_CreatePipe$Params,
} from "../../src/kernel/schema/kernel.ts";
import type { GrantFacts, Guest, Run } from "./guest.ts";
import { EMPTY, message, parse, record, spawnParams, TestMachine } from "./guest.ts";

const DISCONNECTED = 2;

function run(program: (guest: Guest) => Run<void>): void {
  const machine = new TestMachine({
    programs: {
      init: program,
      *child(guest) {
        yield* guest.enter(1, 1_000_000_000n);
      },
    },
    init: { capabilities: [["spawner", "processSpawner"]] },
  });
  expect(machine.run()).toMatchObject({ kind: "finished", exitCode: 0n, reason: "exit" });
}

/** Starts a child with one capability; its manager, the id of the capability there, and further records. */
function* startChild(guest: Guest, grant: GrantFacts) {
  const started = yield* guest.call({
    cap: guest.cap("spawner"),
    params: spawnParams("child", [grant]),
    resultLen: 1024,
  });
  const manager = record(started, 1).capId;
  const listed = yield* guest.call({ cap: manager, params: EMPTY, resultLen: 1024 });
  const [entry] = parse(CapabilityManager_List$Results, listed.bytes).capabilities.toArray();
  return { manager, started, capId: entry?.id ?? -1 };
}
const revoke = (capId: number): Uint8Array =>
  message(CapabilityManager_Revoke$Params, (root) => (root.capId = capId));

test("a queued call ends when nobody can receive it any more", () => {
  run(function* (guest) {
    const grant = { name: "e", interfaceId: ENDPOINT.id, kernel: KernelCapSource.ENDPOINT };
    const { manager, started, capId } = yield* startChild(guest, grant);
    const facet = record(started, 2).capId;
    const call = guest.prepare({ cap: facet });
    guest.submit(call.sqe);
    yield* guest.enter();
    expect(guest.take()).toBeUndefined();
    guest.submit(guest.prepare({ cap: manager, method: 1, params: revoke(capId), resultLen: 1024 }).sqe);
    yield* guest.enter();
    expect(guest.takeAll().map(({ result }) => result)).toEqual([-9, 16]);
    expect(parse(CapException, guest.read(call.resultAt, 512)).type).toBe(DISCONNECTED);
    expect((yield* guest.call({ cap: facet })).result).toBe(-9);
  });
});

test("a read ends when nobody can write any more", () => {
  run(function* (guest) {
    const params = message(ProcessSpawner_CreatePipe$Params, (root) => (root.bufferBytes = 64));
    const pipe = yield* guest.call({ cap: guest.cap("spawner"), method: 1, params });
    const [read, write] = [record(pipe, 0).capId, record(pipe, 1).capId];
    const { manager, capId } = yield* startChild(guest, {
      name: "w",
      interfaceId: PIPE.id,
      capId: write,
      mode: 2,
    });
    const reading = guest.prepare({
      cap: read,
      params: message(Pipe_Read$Params, (root) => (root.maxLen = 8)),
    });
    guest.submit(reading.sqe);
    yield* guest.enter();
    expect(guest.take()).toBeUndefined();
    guest.submit(guest.prepare({ cap: manager, method: 1, params: revoke(capId), resultLen: 1024 }).sqe);
    yield* guest.enter();
    expect(guest.takeAll()).toHaveLength(2);
    const { data, eof } = parse(Pipe_Read$Results, guest.read(reading.resultAt, 512));
    expect([data.length, eof]).toEqual([0, true]);
  });
});
