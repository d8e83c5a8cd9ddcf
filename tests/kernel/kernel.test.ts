/** Scheduling, faults, determinism, and rules that hold under random and hostile rings. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DATA, Guest, PROGRAM_FILE, record, spawnParams, TestMachine } from "./guest.ts";
import type { Program, Run, Scenario } from "./guest.ts";
import { OP, WAIT_FOREVER } from "../../src/kernel/abi.ts";
import { CONSOLE } from "../../src/kernel/caps/console.ts";
import type { TraceRecord } from "../../src/kernel/reports.ts";
import { Console_WriteLine$Params, KernelCapSource } from "../../src/kernel/schema/kernel.ts";
import { Scheduler } from "../../src/kernel/scheduler.ts";
import type { Sqe } from "../../src/kernel/ring.ts";
import { message } from "./guest.ts";

const CAPABILITIES = [
  ["spawner", "processSpawner"],
  ["console", "console"],
  ["ep", "endpoint"],
  ["frames", "frameAllocator"],
  ["vm", "virtualMemory"],
  ["timer", "timer"],
  ["park", "parkSpace"],
] as const;
const init = { capabilities: CAPABILITIES };

describe("the scheduler", () => {
  test("is round robin", () => {
    const scheduler = new Scheduler<{ name: string }>();
    const [a, b, c] = ["a", "b", "c"].map((name) => ({ name }));
    if (a === undefined || b === undefined || c === undefined) throw new Error("three");
    for (const each of [a, b, c]) scheduler.enqueue(each);
    expect(scheduler.take()).toBe(a);
    scheduler.enqueue(a);
    scheduler.remove(c);
    expect([scheduler.take(), scheduler.take(), scheduler.take()]).toEqual([b, a, undefined]);
  });

  /** Each of three processes prints its turns; the middle one makes system calls all the time. */
  const turns = (slice: number): string => {
    const program = (name: string, calls: boolean): Program =>
      function* (guest) {
        for (let i = 0; i < 3; i++) {
          guest.machine.printed.push(new Uint8Array(Buffer.from(name)));
          if (calls) for (let j = 0; j < slice; j++) yield* guest.enter();
          else yield "spin";
        }
      };
    const machine = new TestMachine({
      programs: {
        init: function* (guest) {
          for (const binary of ["a", "b", "c"]) {
            yield* guest.call({ cap: guest.cap("spawner"), params: spawnParams(binary), resultLen: 1024 });
          }
          yield* guest.enter(1, 10_000_000n);
        },
        a: program("a", false),
        b: program("b", true),
        c: program("c", false),
      },
      init,
      options: { sliceInstructions: slice },
    });
    expect(machine.run()).toMatchObject({ kind: "finished" });
    return machine.console;
  };

  test("system calls do not extend a turn", () => {
    expect(turns(50)).toBe("abcabcabc");
  });
});

describe("a guest fault", () => {
  test("ends the process with -2, keeps what a report needs, and spares the others", () => {
    const machine = new TestMachine({
      programs: {
        init: function* (guest) {
          const spawned = yield* guest.call({
            cap: guest.cap("spawner"),
            params: spawnParams("child"),
            resultLen: 1024,
          });
          const waited = yield* guest.call({
            cap: record(spawned, 0).capId,
            params: new Uint8Array(Buffer.from("0000000001000000fcffffff00000000", "hex")),
          });
          expect(new DataView(waited.bytes.buffer, waited.bytes.byteOffset).getBigInt64(16, true)).toBe(-2n);
        },
        child: function* () {
          yield "fault";
        },
      },
      init,
    });
    expect(machine.run()).toEqual({ kind: "finished", exitCode: 0n, reason: "exit" });
    expect(machine.kernel.exits[0]).toMatchObject({ process: 2, exitCode: -2n, reason: "fault" });
    expect(machine.kernel.faults).toMatchObject([
      {
        process: 2,
        name: "child",
        thread: 1,
        rip: 0x20_0000n,
        fault: { vector: 6 },
        codePage: { mapping: "image segment 0", protection: "rx" },
      },
    ]);
  });

  test("of init ends the run", () => {
    const machine = new TestMachine({
      programs: {
        init: function* () {
          yield "fault";
        },
      },
    });
    expect(machine.run()).toEqual({ kind: "finished", exitCode: -2n, reason: "fault" });
  });
});

test("a trace names operation, object and method", () => {
  const records: TraceRecord[] = [];
  const machine = new TestMachine({
    programs: {
      init: function* (guest) {
        const params = message(Console_WriteLine$Params, (root) => (root.text = "hi"));
        yield* guest.call({ cap: guest.cap("console"), method: 1, params });
        yield* guest.complete({ opcode: OP.release, capId: 99 });
      },
    },
    init,
    options: { trace: (entry) => records.push(entry) },
  });
  machine.run();
  expect(records).toEqual([
    {
      process: 1,
      thread: 1,
      operation: "call",
      target: "console.writeLine",
      capId: 1,
      userData: 1n,
      result: 0,
    },
    { process: 1, thread: 1, operation: "release", target: undefined, capId: 99, userData: 2n, result: -1 },
  ]);
});

/** One hostile submission: mostly sensible values, with others in between. */
const anySqe: fc.Arbitrary<Partial<Sqe>> = fc.record({
  opcode: fc.oneof({ weight: 9, arbitrary: fc.nat(9) }, { weight: 1, arbitrary: fc.nat(255) }),
  flags: fc.constantFrom(0, 0, 0, 0, 16, 32, 255),
  methodId: fc.constantFrom(0, 0, 1, 2, 3, 99),
  capId: fc.oneof({ weight: 9, arbitrary: fc.nat(9) }, { weight: 1, arbitrary: fc.nat() }),
  addr: fc.constantFrom(BigInt(DATA), BigInt(DATA + 64), 0n, 0x120_0000n, 0x20_0000n, (1n << 64n) - 4n),
  len: fc.constantFrom(0, 8, 16, 24, 40, 4096, 70_000),
  resultLen: fc.constantFrom(0, 8, 31, 512, 1024, 70_000),
  resultAddr: fc.constantFrom(BigInt(DATA + 8192), BigInt(DATA + 8192), 0n, 0x20_0000n, 0x1ff_f000n),
  pipelineDep: fc.constantFrom(0n, 0n, 0n, 1n, 1000n, WAIT_FOREVER),
  pipelineField: fc.constantFrom(0, 0, 0, 0, 0, 1),
  xferCapCount: fc.constantFrom(0, 0, 0, 1, 2, 17),
  callId: fc.constantFrom(0, 0, 1, 2, 3),
  sessionDisclosure: fc.constantFrom(0n, 0n, 0n, 7n, 8n),
});
/** Mostly zero for what an operation does not use, so that more than wire validation is reached. */
const shaped = anySqe.map((sqe): Partial<Sqe> => {
  if (sqe.opcode === OP.call) return { ...sqe, flags: 0, callId: 0, pipelineDep: 0n, pipelineField: 0 };
  const { opcode, capId, callId = 0 } = sqe;
  if (opcode === OP.recv)
    return { opcode, capId, resultAddr: BigInt(DATA + 8192), resultLen: 1024 } as Partial<Sqe>;
  if (opcode === OP.return) return { opcode, capId, callId, addr: BigInt(DATA), len: 8 } as Partial<Sqe>;
  if (opcode === OP.release) return { opcode, capId } as Partial<Sqe>;
  return sqe;
});

/** Transfer descriptors for some of the lengths above, and the start of a spawn message. */
function fillData(guest: Guest): void {
  for (const at of [8, 16, 24, 64 + 8, 64 + 16]) {
    guest.setU32(DATA + at, 1 + (at % 3));
    guest.setU32(DATA + at + 4, 1 + (at % 2));
  }
}

test("random and hostile submissions keep every rule and never stop the kernel", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(shaped, { maxLength: 16 }), { maxLength: 6 }),
      fc.nat(3),
      (batches, mode) => {
        const attack = (offset: number): Program =>
          function* (guest) {
            fillData(guest);
            for (const [i, batch] of batches.entries()) {
              for (const sqe of batch) guest.submit({ ...sqe, capId: ((sqe.capId ?? 0) + offset) >>> 0 });
              yield* guest.enter(mode === 0 ? 0 : 1, 50n);
              if (i % 2 === 0) guest.takeAll();
              if (mode === 3) guest.setU32(guest.ring + 20, 0xffff + i);
            }
          };
        const machine = new TestMachine({
          programs: {
            init: function* (guest) {
              yield* guest.call({
                cap: guest.cap("spawner"),
                params: spawnParams("child", [
                  { name: "svc", interfaceId: 5n, capId: guest.cap("ep"), mode: 1 },
                  { name: "console", interfaceId: CONSOLE.id, capId: guest.cap("console") },
                  { name: "vm", interfaceId: 0x86246d603d6cb6e5n, kernel: KernelCapSource.VIRTUAL_MEMORY },
                ]),
                resultLen: 1024,
              });
              yield* attack(0)(guest);
              yield "spin";
            },
            child: attack(0),
          },
          init,
        });
        // Rules are demanded after every exit and, with memory, at the end.
        const { kernel } = machine;
        expect(machine.run().kind).toBe("finished");
        expect(kernel.frames.frameCount - kernel.frames.freeCount).toBe(kernel.framesUsedAtStart);
      },
    ),
    { numRuns: 60 },
  );
});

test("the same scenario runs the same way twice", () => {
  const once = (): string => {
    const log: string[] = [];
    const talk: Program = function* (guest): Run<void> {
      for (let i = 0; i < 5; i++) {
        yield* guest.enter(1, BigInt(100 + i));
        yield "spin";
        log.push(`${guest.thread.process.id} at ${guest.machine.kernel.inputs.clock.nowNs()}`);
      }
    };
    const programs: Scenario["programs"] = {
      init: function* (guest) {
        yield* guest.call({ cap: guest.cap("spawner"), params: spawnParams("child"), resultLen: 1024 });
        yield* talk(guest);
      },
      child: talk,
    };
    const machine = new TestMachine({ programs, init, options: { sliceInstructions: 7 } });
    machine.run();
    return log.join("\n");
  };
  const first = once();
  expect(first.split("\n").length).toBeGreaterThanOrEqual(5);
  expect(once()).toBe(first);
});

test("an init that cannot be loaded is refused with the reason", () => {
  const machine = new TestMachine({
    programs: {},
    options: { binaries: new Map([["init", PROGRAM_FILE.slice(0, 70)]]) },
  });
  expect(machine.start()).toMatchObject({
    status: "failed",
    text: expect.stringMatching(/^init: /) as string,
  });
});
