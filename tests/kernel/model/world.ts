/**
 * The real kernel with two processes, and beside it what a person would note down: which process has which
 * capability, what its window of memory looks like, which calls wait where. Commands act on both and compare.
 */

import { expect } from "vitest";
import { brokenSecrecyRules } from "../../../src/kernel/invariants-memory.ts";
import type { KernelObject } from "../../../src/kernel/object.ts";
import type { Process } from "../../../src/kernel/objects/process.ts";
import { KernelCapSource } from "../../../src/kernel/schema/kernel.ts";
import type { CallRequest, GuestCqe } from "../guest.ts";
import { spawnParams } from "../guest.ts";
import { Driver } from "./driver.ts";

export const SLOTS = 10;
export const QUOTAS = { frameGrant: 8, reservation: 6 };
export const WINDOW = 5;
export const WINDOW_START = 0x1_0000_0000n;

export interface Completion extends GuestCqe {
  readonly bytes: Uint8Array;
}

/** Everything a test of commands needs at hand. */
export class World {
  readonly driver: Driver;
  readonly processes: readonly Process[];
  /** Ids that were released: they must stay dead. */
  readonly stale: readonly Set<number>[] = [new Set(), new Set()];
  /** Outcomes met, by name and result, whatever the seed: else a property tests less than it says. */
  readonly seen: Map<string, number>;

  constructor(seen: Map<string, number>) {
    this.seen = seen;
    const sources = ["spawner", "console", "frames", "vm", "ep"] as const;
    const names = {
      spawner: "processSpawner",
      console: "console",
      frames: "frameAllocator",
      vm: "virtualMemory",
      ep: "endpoint",
    };
    this.driver = new Driver(
      {
        init: { capabilities: sources.map((name) => [name, names[name]] as const) },
        options: {
          // Every rule is recomputed after each call, in `check`; not after each turn of an idle program.
          checks: "frugal",
          limits: {
            capSlots: SLOTS,
            frameGrantPages: QUOTAS.frameGrant,
            virtualReservationPages: QUOTAS.reservation,
          },
        },
      },
      ["init", "child"],
    );
    const { kernel } = this.driver;
    const init = kernel.init;
    if (init === undefined) throw new Error("no init");
    this.driver.perform(init, function* (guest) {
      const grants = [
        { name: "ep", interfaceId: 5n, capId: guest.cap("ep"), mode: 1 as const },
        { name: "console", interfaceId: 0x913ae02202463262n, capId: guest.cap("console") },
        {
          name: "frames",
          interfaceId: interfaceOf(init, "frame-allocator"),
          kernel: KernelCapSource.FRAME_ALLOCATOR,
        },
        {
          name: "vm",
          interfaceId: interfaceOf(init, "virtual-memory"),
          kernel: KernelCapSource.VIRTUAL_MEMORY,
        },
      ];
      const spawned = yield* guest.call({
        cap: guest.cap("spawner"),
        params: spawnParams("child", grants),
        resultLen: 1024,
      });
      if (spawned.result < 0)
        throw new Error(
          `the child does not start: ${spawned.result} ${Buffer.from(spawned.bytes).toString()}`,
        );
    });
    const child = [...kernel.processes.values()].find((process) => process !== init);
    if (child === undefined) throw new Error("no child");
    this.processes = [init, child];
    this.check();
  }

  process(number: number): Process {
    const process = this.processes[number];
    if (process === undefined) throw new Error(`no process ${number}`);
    return process;
  }

  /** Live ids of a process whose object is of this kind. */
  idsOf(number: number, label: string): number[] {
    return [...this.process(number).table.entries()]
      .filter(([, { object }]) => object.label === label)
      .map(([id]) => id);
  }

  objectOf(number: number, id: number): KernelObject | undefined {
    return this.process(number).table.peek(id)?.object;
  }

  /**
   * One call, entered without waiting; undefined while it stays open. A refusal must leave the whole kernel as it
   * was, and no reply may tell of a frame.
   */
  call(number: number, name: string, request: CallRequest): Completion | undefined {
    const { kernel } = this.driver;
    const before = kernel.digest();
    const resultLen = request.resultLen ?? 512;
    const completion = this.driver.perform(this.process(number), function* (guest) {
      const { sqe, resultAt } = guest.prepare({ ...request, resultLen });
      const userData = guest.submit(sqe);
      yield* guest.enter(0, 0n);
      const cqe = guest.takeAll().find((each) => each.userData === userData);
      return cqe === undefined ? undefined : { ...cqe, bytes: guest.read(resultAt, resultLen) };
    });
    const word = completion === undefined ? "open" : completion.result < 0 ? String(completion.result) : "ok";
    this.seen.set(`${name} ${word}`, (this.seen.get(`${name} ${word}`) ?? 0) + 1);
    if (completion !== undefined && completion.result < 0)
      expect([name, kernel.digest()]).toEqual([name, before]);
    if (completion !== undefined && completion.result > 0) {
      const secrets = [...kernel.memoryObjects].flatMap((object) => (object.freed ? [] : object.frames));
      expect(brokenSecrecyRules(completion.bytes.subarray(0, completion.result), secrets)).toEqual([]);
    }
    this.check();
    return completion;
  }

  /** Completions that came without being asked for. */
  collect(number: number): GuestCqe[] {
    return this.driver.perform(this.process(number), function* (guest) {
      yield* guest.enter(0, 0n);
      return guest.takeAll();
    });
  }

  check(): void {
    expect(this.driver.kernel.brokenRules()).toEqual([]);
    for (const [number, dead] of this.stale.entries()) {
      for (const id of dead) expect(typeof this.process(number).table.get(id)).toBe("string");
    }
  }
}

/** The interface of a capability that the process has. */
function interfaceOf(process: Process, label: string): bigint {
  const found = [...process.table.entries()].find(([, { object }]) => object.label === label);
  if (found === undefined) throw new Error(`no ${label}`);
  return found[1].interfaceId;
}
