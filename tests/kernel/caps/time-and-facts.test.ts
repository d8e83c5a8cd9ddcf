/** Timer, WallClock, EntropySource, SystemInfo. */

import { describe, expect, test } from "vitest";
import { entropySourceCapability } from "../../../src/kernel/caps/entropy-source.ts";
import { systemInfoCapability } from "../../../src/kernel/caps/system-info.ts";
import { timerCapability } from "../../../src/kernel/caps/timer.ts";
import { wallClockCapability } from "../../../src/kernel/caps/wall-clock.ts";
import {
  ClockProvenance,
  EntropySource,
  EntropyStatus,
  SystemInfo,
  Timer,
  WallClock,
} from "../../../src/kernel/schema/kernel.ts";
import { TestKernel } from "./support.ts";

const [now, sleep] = Timer.Client.methods;
const [fill] = EntropySource.Client.methods;

describe("Timer", () => {
  test("now is the clock of the run, in nanoseconds and in ticks of 10 ms", () => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = guest.give(timerCapability());
    machine.advance(25_000_000);
    const { results } = guest.call(cap, now);
    expect([results.monotonicNs, results.tick]).toEqual([25_000_000n, 2n]);
  });

  test("a sleep completes at its time and not before", () => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = guest.give(timerCapability());
    const call = guest.start(cap, sleep, (params) => (params.durationNs = 1000n));
    machine.advance(999);
    expect(call.answer).toBeUndefined();
    machine.advance(1);
    expect(call.answer).toMatchObject({ result: 0, records: [] });
    expect(guest.process.ledger.used("timerSleeps")).toBe(0);
  });

  test("no time is no wait", () => {
    const guest = new TestKernel().spawn();
    expect(guest.call(guest.give(timerCapability()), sleep).result).toBe(0);
  });

  test("eight sleeps may be open, the ninth is refused and changes nothing", () => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = guest.give(timerCapability());
    const start = (ns: bigint) => guest.start(cap, sleep, (params) => (params.durationNs = ns));
    const calls = Array.from({ length: 8 }, (_, i) => start(BigInt(i + 1) * 1000n));
    const before = machine.kernel.digest();
    const refused = start(10n).answer;
    expect(refused?.exception).toEqual({
      type: 1,
      text: "1 more timer sleeps asked, 0 of 8 left",
    });
    expect(machine.kernel.digest()).toBe(before);
    machine.advance(1000);
    expect(calls.map((call) => call.answer?.result)).toEqual([0, ...new Array<undefined>(7).fill(undefined)]);
    expect(start(10n).answer).toBeUndefined();
    expect(guest.process.ledger.used("timerSleeps")).toBe(8);
  });

  test("the longest sleep there is does not wrap around", () => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = guest.give(timerCapability());
    machine.advance(5);
    const call = guest.start(cap, sleep, (params) => (params.durationNs = 2n ** 64n - 1n));
    machine.advance(1_000_000);
    expect(call.answer).toBeUndefined();
  });

  test("an exit forgets the sleeps of the process", () => {
    const machine = new TestKernel();
    machine.spawn();
    const child = machine.spawn();
    child.start(child.give(timerCapability()), sleep, (params) => (params.durationNs = 1000n));
    expect(machine.kernel.timers.length).toBe(1);
    child.exit();
    expect(machine.kernel.timers.length).toBe(0);
    expect(child.process.ledger.used("timerSleeps")).toBe(0);
  });
});

test("WallClock: civil time from 2026 on, vouched for by nobody", () => {
  const machine = new TestKernel();
  const guest = machine.spawn();
  machine.advance(1_500_000_000);
  const { results } = guest.call(guest.give(wallClockCapability()), WallClock.Client.methods[0]);
  expect([results.utcSeconds, results.utcNanos, results.monotonicNs, results.provenance]).toEqual([
    1_767_225_601n,
    500_000_000,
    1_500_000_000n,
    ClockProvenance.UNTRUSTED,
  ]);
});

describe("EntropySource", () => {
  const draw = (guest: ReturnType<TestKernel["spawn"]>, cap: number, bytes: number, resultLength = 512) => {
    const answer = guest.call(cap, fill, (params) => (params.bytes = bytes), resultLength);
    return {
      length: answer.result,
      status: answer.results.status,
      data: [...answer.results.data.toUint8Array()],
    };
  };

  test("the seed decides the bytes; two draws differ", () => {
    const first = new TestKernel().spawn();
    const second = new TestKernel().spawn();
    const [one, other] = [first, second].map((guest) =>
      draw(guest, guest.give(entropySourceCapability()), 32),
    );
    expect(one).toEqual(other);
    expect(one?.status).toBe(EntropyStatus.OK);
    expect(new Set(one?.data).size).toBeGreaterThan(16);
    expect(draw(first, first.give(entropySourceCapability()), 32).data).not.toEqual(one?.data);
  });

  test.each([
    [0, EntropyStatus.OK, 32],
    [480, EntropyStatus.OK, 512],
    [481, EntropyStatus.UNAVAILABLE, 32],
    [0xffff_ffff, EntropyStatus.UNAVAILABLE, 32],
  ])("%i bytes into a buffer of 512: status %i, message of %i bytes", (bytes, status, length) => {
    const guest = new TestKernel().spawn();
    const drawn = draw(guest, guest.give(entropySourceCapability()), bytes);
    expect([drawn.status, drawn.length, drawn.data.length]).toEqual([
      status,
      length,
      status === 0 ? bytes : 0,
    ]);
  });

  test("what is unavailable draws nothing", () => {
    const guest = new TestKernel().spawn();
    const cap = guest.give(entropySourceCapability());
    draw(guest, cap, 1000);
    const fresh = new TestKernel().spawn();
    expect(draw(guest, cap, 16)).toEqual(draw(fresh, fresh.give(entropySourceCapability()), 16));
  });
});

test("SystemInfo says the same in every run", () => {
  const guest = new TestKernel().spawn();
  const cap = guest.give(systemInfoCapability());
  const [motd, hostname] = SystemInfo.Client.methods;
  expect(guest.call(cap, motd).results.text).toBe("capOS programs on capjit");
  expect(guest.call(cap, hostname).results.name).toBe("capjit");
  expect(guest.call(cap, motd, undefined, 40).result).toBe(-3);
});
