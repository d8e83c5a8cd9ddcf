/** FrameAllocator, MemoryObject and VirtualMemory through messages; the rules themselves have their own tests. */

import { describe, expect, test } from "vitest";
import { frameAllocatorCapability } from "../../../src/kernel/caps/frame-allocator.ts";
import { MEMORY_OBJECT } from "../../../src/kernel/caps/memory-object.ts";
import { virtualMemoryCapability } from "../../../src/kernel/caps/virtual-memory.ts";
import { FrameAllocator, MemoryObject, VirtualMemory } from "../../../src/kernel/schema/kernel.ts";
import { address, pageOf } from "../../../src/mmu/address.ts";
import type { TestGuest } from "./support.ts";
import { TestKernel } from "./support.ts";

const [allocFrame, allocContiguous] = FrameAllocator.Client.methods;
const object = MemoryObject.Client.methods;
const memory = VirtualMemory.Client.methods;

const R = 1;
const RW = 3;
const RWX = 7;
const AT = 0x4000_0000n;
const PAGE = 0x1000n;
const FAILED = 0;
const OVERLOADED = 1;
const INVALID = 4;

function allocate(guest: TestGuest, count: number): number {
  const cap = guest.give(frameAllocatorCapability());
  const answer = guest.call(cap, allocContiguous, (params) => (params.count = count));
  guest.release(cap);
  const record = answer.records[answer.results.handleIndex];
  if (record === undefined) throw new Error(answer.exception?.text ?? `result ${answer.result}`);
  return record.capId;
}

describe("FrameAllocator", () => {
  test("hands out memory objects as one record, zeroed and charged to the holder", () => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = guest.give(frameAllocatorCapability());
    const free = machine.kernel.frames.freeCount;
    const one = guest.call(cap, allocFrame);
    expect([one.result, one.results.handleIndex]).toEqual([24, 0]);
    expect(one.records.map((record) => record.interfaceId)).toEqual([MEMORY_OBJECT.id]);
    const many = guest.call(cap, allocContiguous, (params) => (params.count = 5));
    expect(many.records.length).toBe(1);
    expect(free - machine.kernel.frames.freeCount).toBe(6);
    expect(guest.process.ledger.used("frameGrantPages")).toBe(6);
    for (const { capId } of [...one.records, ...many.records]) guest.release(capId);
    expect(machine.kernel.frames.freeCount).toBe(free);
    expect(guest.process.ledger.used("frameGrantPages")).toBe(0);
  });

  test("the message shows no physical address", () => {
    const guest = new TestKernel().spawn();
    const answer = guest.call(guest.give(frameAllocatorCapability()), allocFrame);
    expect([...answer.bytes]).toEqual([
      0,
      0,
      0,
      0,
      2,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      1,
      0,
      0,
      0,
      ...new Array<number>(8).fill(0),
    ]);
  });

  test.each([
    [0, INVALID, /0 pages/],
    [9, OVERLOADED, /9 more frame grant pages asked, 8 of 8 left/],
    [0xffff_ffff, OVERLOADED, /frame grant/],
  ])("%i frames: refused, no trace", (count, type, text) => {
    const machine = new TestKernel({ limits: { frameGrantPages: 8 } });
    const guest = machine.spawn();
    const cap = guest.give(frameAllocatorCapability());
    const before = machine.kernel.digest();
    const answer = guest.call(cap, allocContiguous, (params) => (params.count = count));
    expect(answer.exception).toMatchObject({ type, text: expect.stringMatching(text) as string });
    expect(machine.kernel.digest()).toBe(before);
  });

  test("a run of frames that does not exist: overloaded", () => {
    const machine = new TestKernel({ limits: { frameGrantPages: 1 << 20 } });
    const guest = machine.spawn();
    const cap = guest.give(frameAllocatorCapability());
    const before = machine.kernel.digest();
    const answer = guest.call(cap, allocContiguous, (params) => (params.count = 4096));
    expect(answer.exception).toEqual({ type: OVERLOADED, text: "no 4096 free frames side by side" });
    expect(machine.kernel.digest()).toBe(before);
  });

  test("no room for the record, or no slot: refused before a frame is taken", () => {
    const machine = new TestKernel({ limits: { capSlots: 1 } });
    const guest = machine.spawn();
    const cap = guest.give(frameAllocatorCapability());
    const before = machine.kernel.digest();
    expect(guest.call(cap, allocFrame, undefined, 39).result).toBe(-3);
    expect(guest.call(cap, allocFrame).exception).toEqual({
      type: OVERLOADED,
      text: "no capability slot is left",
    });
    expect(machine.kernel.digest()).toBe(before);
  });
});

describe("MemoryObject", () => {
  test("info", () => {
    const guest = new TestKernel().spawn();
    const { results } = guest.call(allocate(guest, 3), object[0]);
    expect([results.pageCount, results.sizeBytes]).toEqual([3, 0x3000n]);
  });

  test("map shows part of it, protect and unmap take only its own mappings", () => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = allocate(guest, 3);
    const other = allocate(guest, 1);
    const mapped = guest.call(cap, object[1], (params) => {
      params.offset = PAGE;
      params.size = 2n * PAGE;
      params.prot = RW;
    });
    expect([mapped.result, mapped.records]).toEqual([24, []]);
    const { addr } = mapped.results;
    expect(addr).toBe(0x2000_0000n);
    const page = pageOf(address(Number(addr)));
    expect(guest.process.memory.explain(page)?.by).toEqual({
      capability: "MemoryObject",
      method: "map",
      arguments: "hint=0x0, offset=0x1000, size=0x2000, prot=3",
      rip: 0x20_0000n,
    });
    const before = machine.kernel.digest();
    const foreign = guest.call(other, object[3], (params) => {
      params.addr = addr;
      params.size = PAGE;
      params.prot = R;
    });
    expect(foreign.exception?.type).toBe(FAILED);
    expect(machine.kernel.digest()).toBe(before);
    const narrowed = guest.call(cap, object[3], (params) => {
      params.addr = addr;
      params.size = PAGE;
      params.prot = R;
    });
    expect(narrowed.result).toBe(0);
    expect(guest.process.memory.explain(page)?.protection).toBe("r");
    const gone = guest.call(cap, object[2], (params) => {
      params.addr = addr;
      params.size = 2n * PAGE;
    });
    expect([gone.result, guest.process.memory.explain(page)]).toEqual([0, undefined]);
  });

  test("two processes see the same frame; it lives until capability and mapping are gone", () => {
    const machine = new TestKernel();
    const parent = machine.spawn();
    const free = machine.kernel.frames.freeCount;
    const child = machine.spawn();
    const cap = allocate(parent, 1);
    const hold = parent.process.table.get(cap);
    if (typeof hold === "string") throw new Error(hold);
    const copy = child.give(hold.object);
    const map = (guest: TestGuest, which: number): number => {
      const answer = guest.call(which, object[1], (params) => {
        params.hint = AT;
        params.size = PAGE;
        params.prot = RW;
      });
      return Number(answer.results.addr);
    };
    const here = map(parent, cap);
    const there = map(child, copy);
    const word = Uint8Array.of(1, 2, 3);
    expect(parent.process.memory.space.copyOut(address(here), word)).toBeUndefined();
    expect([...child.read(there, 3)]).toEqual([1, 2, 3]);
    parent.release(cap);
    const again = parent.give(hold.object);
    parent.call(again, object[2], (params) => {
      params.addr = AT;
      params.size = PAGE;
    });
    parent.release(again);
    child.release(copy);
    expect([...child.read(there, 3)]).toEqual([1, 2, 3]);
    child.exit();
    expect(machine.kernel.frames.freeCount).toBe(free);
  });

  test.each([
    ["a part outside the object", 0n, 4n * PAGE, RW, INVALID],
    ["an offset inside a page", 8n, PAGE, RW, INVALID],
    ["no bytes", 0n, 0n, RW, INVALID],
    ["writable and executable", 0n, PAGE, RWX, INVALID],
  ])("map of %s is refused and leaves no trace", (_name, offset, size, prot, type) => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = allocate(guest, 3);
    const before = machine.kernel.digest();
    const answer = guest.call(cap, object[1], (params) => {
      params.offset = offset;
      params.size = size;
      params.prot = prot;
    });
    expect(answer.exception?.type).toBe(type);
    expect(machine.kernel.digest()).toBe(before);
  });
});

describe("VirtualMemory", () => {
  interface Range {
    readonly addr: bigint;
    readonly size: bigint;
    readonly prot?: number;
  }
  const ranged =
    ({ addr, size, prot }: Range) =>
    (params: { addr: bigint; size: bigint; prot?: number }): void => {
      params.addr = addr;
      params.size = size;
      if (prot !== undefined) params.prot = prot;
    };

  test("the life of a range: reserve, commit, protect, decommit, unmap; messages only where there are results", () => {
    const guest = new TestKernel().spawn();
    const cap = guest.give(virtualMemoryCapability(guest.process));
    const [, unmap, protect, reserve, commit, decommit] = memory;
    const reserved = guest.call(cap, reserve, (params) => {
      params.hint = AT;
      params.size = 4n * PAGE;
    });
    expect([reserved.result, reserved.results.addr]).toEqual([24, AT]);
    const { ledger } = guest.process;
    const used = () => [ledger.used("virtualReservationPages"), ledger.used("frameGrantPages")];
    expect(used()).toEqual([4, 0]);
    const part = { addr: AT + PAGE, size: 2n * PAGE };
    expect(guest.call(cap, commit, ranged({ ...part, prot: RW })).result).toBe(0);
    expect([used(), [...guest.read(Number(AT + PAGE), 4)]]).toEqual([
      [4, 2],
      [0, 0, 0, 0],
    ]);
    expect(guest.call(cap, protect, ranged({ ...part, prot: R })).result).toBe(0);
    expect(guest.call(cap, decommit, ranged(part)).result).toBe(0);
    expect(used()).toEqual([4, 0]);
    expect(guest.call(cap, unmap, ranged({ addr: AT, size: 4n * PAGE })).result).toBe(0);
    expect(used()).toEqual([0, 0]);
  });

  test("map is reserve and commit; the page remembers the call", () => {
    const guest = new TestKernel().spawn();
    const cap = guest.give(virtualMemoryCapability(guest.process));
    const { results } = guest.call(cap, memory[0], (params) => {
      params.size = PAGE;
      params.prot = RW;
    });
    expect(results.addr).toBe(0x2000_0000n);
    expect(guest.process.memory.explain(pageOf(address(0x2000_0000)))).toEqual({
      mapping: "anonymous",
      protection: "rw",
      by: {
        capability: "VirtualMemory",
        method: "map",
        arguments: "hint=0x0, size=0x1000, prot=3",
        rip: 0x20_0000n,
      },
    });
  });

  test.each([
    ["protect of nothing", memory[2], { addr: AT, size: PAGE, prot: R }, FAILED],
    ["commit of nothing", memory[4], { addr: AT, size: PAGE, prot: R }, FAILED],
    ["decommit of the stack", memory[5], { addr: 0x100_0000n, size: PAGE }, FAILED],
    ["unmap of the ring", memory[1], { addr: 0x120_0000n, size: PAGE }, INVALID],
    ["unmap of the CapSet", memory[1], { addr: 0x130_0000n, size: PAGE }, INVALID],
    ["protect to writable and executable", memory[2], { addr: AT, size: PAGE, prot: RWX }, INVALID],
    ["unknown protection bits", memory[4], { addr: AT, size: PAGE, prot: 8 }, INVALID],
    ["a range that wraps", memory[1], { addr: 2n ** 64n - PAGE, size: 2n * PAGE }, INVALID],
    ["no bytes", memory[5], { addr: AT, size: 0n }, INVALID],
  ] as const)("%s is refused and leaves no trace", (_name, method, range, type) => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = guest.give(virtualMemoryCapability(guest.process));
    const before = machine.kernel.digest();
    const answer = guest.call(cap, method as (typeof memory)[4], ranged(range));
    expect(answer.exception?.type).toBe(type);
    expect(answer.exception?.text).not.toBe("");
    expect(machine.kernel.digest()).toBe(before);
  });

  test("a quota is refused as overloaded, without a trace", () => {
    const machine = new TestKernel({ limits: { frameGrantPages: 2, virtualReservationPages: 4 } });
    const guest = machine.spawn();
    const cap = guest.give(virtualMemoryCapability(guest.process));
    const before = machine.kernel.digest();
    for (const size of [3n * PAGE, 5n * PAGE]) {
      const answer = guest.call(cap, memory[0], (params) => {
        params.size = size;
        params.prot = RW;
      });
      expect(answer.exception?.type).toBe(OVERLOADED);
    }
    expect(machine.kernel.digest()).toBe(before);
  });

  test("a result buffer too small for the address: refused, nothing is reserved", () => {
    const machine = new TestKernel();
    const guest = machine.spawn();
    const cap = guest.give(virtualMemoryCapability(guest.process));
    const before = machine.kernel.digest();
    expect(guest.call(cap, memory[3], (params) => (params.size = PAGE), 23).result).toBe(-3);
    expect(machine.kernel.digest()).toBe(before);
  });

  test.each([
    ["unmap", memory[1]],
    ["decommit", memory[5]],
  ] as const)("%s ends the waits on its words and no others", (_name, method) => {
    const guest = new TestKernel().spawn();
    const cap = guest.give(virtualMemoryCapability(guest.process));
    guest.call(cap, memory[0], (params) => {
      params.hint = AT;
      params.size = 2n * PAGE;
      params.prot = RW;
    });
    const ended: [string, number][] = [];
    const { parks } = guest.process;
    const park = (name: string, address: bigint) =>
      parks.add({ address, place: address, queue: parks, finish: (result) => ended.push([name, result]) });
    park("inside", AT + 8n);
    park("behind", AT + PAGE);
    expect(guest.call(cap, memory[1], ranged({ addr: AT, size: 8n })).exception?.type).toBe(INVALID);
    expect(ended).toEqual([]);
    expect(guest.call(cap, method as (typeof memory)[1], ranged({ addr: AT, size: PAGE })).result).toBe(0);
    expect(ended).toEqual([["inside", 3]]);
  });
});
