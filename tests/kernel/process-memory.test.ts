/** VirtualMemory and MemoryObject semantics, rule by rule. The random sequences are in the model test. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InvariantError } from "../../src/invariant.ts";
import type { ProcessMemory } from "../../src/kernel/objects/process-memory.ts";
import { address, pageNumber } from "../../src/mmu/address.ts";
import type { Access } from "../../src/mmu/fault.ts";
import { frameByte } from "../../src/mmu/frames.ts";
import { MemoryMachine } from "../support/memory.ts";

const PAGE = 0x1000n;
const ARENA = 0x2000_0000;
const A = 0x1_0000_0000n;
const [NONE, R, W, X] = [0, 1, 2, 4];
const RW = R | W;

let machine: MemoryMachine;
let memory: ProcessMemory;

beforeEach(() => {
  machine = new MemoryMachine();
  memory = machine.process();
});
afterEach(() => {
  expect(machine.brokenRules()).toEqual([]);
});

const at = (outcome: { status: string; address?: number; text?: string }): number => {
  if (outcome.address === undefined) throw new Error(outcome.text);
  return outcome.address;
};
const allows = (where: number | bigint, access: Access): boolean =>
  memory.space.check(address(Number(where)), 1, access) === undefined;
const accesses = (where: number | bigint): string =>
  (["read", "write", "execute"] as const)
    .map((access) => (allows(where, access) ? access.charAt(0) : "-"))
    .join("");
const used = (): number[] => [
  memory.ledger.used("frameGrantPages"),
  memory.ledger.used("virtualReservationPages"),
];

/** Expects the refusal, and that it left no trace (KER-6). */
function refused(operation: () => object, status: string, text: string | RegExp): void {
  const before = memory.digest();
  const free = machine.frames.freeCount;
  const outcome = operation() as { status: string; text: string };
  expect(outcome).toMatchObject({ status });
  if (typeof text === "string") expect(outcome.text).toBe(text);
  else expect(outcome.text).toMatch(text);
  expect(memory.digest()).toBe(before);
  expect(machine.frames.freeCount).toBe(free);
}

describe("arguments (R-24)", () => {
  const place = (hint: bigint, size: bigint) => () => memory.reserve(hint, size, "test");

  test.each([
    [A, 0n, "size is 0"],
    [A, 0x800n, "size 0x800 is not a multiple of 0x1000"],
    [A + 1n, PAGE, "address 0x100000001 is not page aligned"],
    [(1n << 64n) - PAGE, PAGE * 2n, /ends beyond the user half \(0x800000000000\)$/],
    [(1n << 47n) - PAGE, PAGE * 2n, /^0x7ffffffff000\.\.0x800000001000 ends beyond/],
    [0n, 1n << 48n, "size 0x1000000000000 is beyond the user half"],
    [0x11f_f000n, PAGE * 2n, "0x11ff000..0x1201000 touches the ring pages (0x1200000..0x1300000)"],
    [0x120_5000n, PAGE, /touches the ring pages/],
    [0x130_0000n, PAGE, "0x1300000..0x1301000 touches the CapSet page (0x1300000)"],
    [0x10_0000n, 0x1000_0000n, /touches the ring pages/],
  ])("reserve(%d, %d) is refused", (hint, size, text) => {
    refused(place(hint, size), "invalidArgument", text);
  });

  test("page 0 is refused by everything that takes an address", () => {
    for (const operation of [
      () => memory.commit(0n, PAGE, R, ""),
      () => memory.decommit(0n, PAGE, ""),
      () => memory.protect(0n, PAGE, R, ""),
      () => memory.unmap(0n, PAGE),
    ]) {
      refused(operation, "invalidArgument", "0x0..0x1000 touches page 0");
    }
  });

  test("ring and CapSet pages are refused by every method, mapped or not", () => {
    const object = machine.object(1);
    for (const page of [0x120_0000n, 0x120_1000n, 0x130_0000n]) {
      for (const operation of [
        () => memory.reserve(page, PAGE, ""),
        () => memory.map(page, PAGE, R, ""),
        () => memory.commit(page, PAGE, R, ""),
        () => memory.decommit(page, PAGE, ""),
        () => memory.protect(page, PAGE, R, ""),
        () => memory.unmap(page, PAGE),
        () => memory.mapObject(object, { hint: page, offset: 0n, size: PAGE, prot: R }, ""),
        () => memory.unmapObject(object, page, PAGE),
        () => memory.protectObject(object, page, PAGE, R, ""),
      ]) {
        refused(operation, "invalidArgument", /touches the (ring pages|CapSet page)/);
      }
    }
  });

  test.each([
    [W | X, "protection asks for writable and executable pages"],
    [R | W | X, "protection asks for writable and executable pages"],
    [8, "protection 0x8 has bits other than 0..2"],
    [2 ** 32 - 1, "protection 0xffffffff has bits other than 0..2"],
  ])("protection %i is refused by every method that takes one", (prot, text) => {
    memory.map(A, PAGE, RW, "");
    const object = machine.object(1);
    for (const operation of [
      () => memory.map(0n, PAGE, prot, ""),
      () => memory.commit(A, PAGE, prot, ""),
      () => memory.protect(A, PAGE, prot, ""),
      () => memory.mapObject(object, { hint: 0n, offset: 0n, size: PAGE, prot }, ""),
      () => memory.protectObject(object, A, PAGE, prot, ""),
    ]) {
      refused(operation, "invalidArgument", text);
    }
  });

  test.each([
    [NONE, "---", "none"],
    [R, "r--", "r"],
    [W, "rw-", "rw"],
    [RW, "rw-", "rw"],
    [X, "r-e", "rx"],
    [R | X, "r-e", "rx"],
  ])("protection %i gives %s (R-33)", (prot, wanted, name) => {
    const where = at(memory.map(0n, PAGE, prot, ""));
    expect(accesses(where)).toBe(wanted);
    expect(memory.explain(pageNumber(where / 4096))?.protection).toBe(name);
  });

  test("a hint on something is refused, never moved", () => {
    memory.addFixed({
      mapping: "stack",
      first: pageNumber(0x1000),
      count: 16,
      protection: "rw",
      contents: [],
      by: "",
    });
    const object = machine.object(1);
    memory.reserve(A, PAGE, "");
    memory.mapObject(object, { hint: A + 2n * PAGE, offset: 0n, size: PAGE, prot: R }, "");
    const taken = (hint: bigint, size: bigint, text: string | RegExp) =>
      refused(() => memory.map(hint, size, R, ""), "invalidArgument", text);
    taken(0xff_f000n, 2n * PAGE, "0xfff000..0x1001000 is taken: 0x1000000 is stack");
    taken(A - PAGE, 2n * PAGE, "0xfffff000..0x100001000 is taken: 0x100000000 is reserved");
    taken(A + PAGE, 2n * PAGE, /0x100002000 is borrowed from MemoryObject$/);
    expect(at(memory.reserve(A + PAGE, PAGE, ""))).toBe(Number(A + PAGE));
  });
});

describe("places (R-29)", () => {
  test("first fit in the arena with one page between ranges", () => {
    const first = at(memory.reserve(0n, 3n * PAGE, ""));
    const second = at(memory.map(0n, PAGE, R, ""));
    const third = at(
      memory.mapObject(machine.object(2), { hint: 0n, offset: 0n, size: 2n * PAGE, prot: R }, ""),
    );
    expect([first, second, third]).toEqual([ARENA, ARENA + 0x4000, ARENA + 0x6000]);
    memory.unmap(BigInt(first), 3n * PAGE);
    expect(at(memory.reserve(0n, 4n * PAGE, ""))).toBe(ARENA + 0x9000);
    expect(at(memory.reserve(0n, 3n * PAGE, ""))).toBe(ARENA);
  });

  test("continues above 4 GiB when it is full below", () => {
    const below = (1n << 32n) - BigInt(ARENA);
    memory = machine.process({ virtualReservationPages: 2 ** 21 });
    memory.reserve(BigInt(ARENA), below, "");
    expect(at(memory.reserve(0n, PAGE, ""))).toBe(2 ** 32 + 0x1000);
  });

  test("an explicit hint may be anywhere in the user half", () => {
    for (const hint of [0x1000n, 0x20_0000n, (1n << 47n) - PAGE]) {
      expect(at(memory.map(hint, PAGE, RW, ""))).toBe(Number(hint));
    }
  });
});

describe("anonymous memory", () => {
  test("reserved pages cost no frames and no page tables, and nobody can touch them", () => {
    const free = machine.frames.freeCount;
    const where = at(memory.reserve(0n, 1n << 30n, ""));
    expect(machine.frames.freeCount).toBe(free);
    expect(used()).toEqual([0, 262_144]);
    expect(accesses(where)).toBe("---");
    refused(
      () => memory.reserve(0n, PAGE, ""),
      "overloaded",
      /^virtual reservation quota: 1 more .* 0 of 262144 left$/,
    );
  });

  test("committed pages are zero and charged; decommit discards and uncharges", () => {
    memory.reserve(A, 4n * PAGE, "");
    expect(memory.commit(A + PAGE, 2n * PAGE, RW, "")).toEqual({ status: "ok" });
    expect(used()).toEqual([2, 4]);
    expect(memory.space.copyOut(address(Number(A + PAGE)), Uint8Array.of(1, 2, 3))).toBeUndefined();
    expect(memory.decommit(A, 4n * PAGE, "")).toEqual({ status: "ok" });
    expect(used()).toEqual([0, 4]);
    expect(accesses(A + PAGE)).toBe("---");
    memory.commit(A, 4n * PAGE, R, "");
    expect(memory.space.copyIn(address(Number(A + PAGE)), 3)).toEqual(Uint8Array.of(0, 0, 0));
  });

  test("pages behind protection none keep frame and content", () => {
    const where = at(memory.map(0n, 2n * PAGE, RW, ""));
    memory.space.copyOut(address(where), Uint8Array.of(42));
    memory.protect(BigInt(where), PAGE, NONE, "");
    expect([accesses(where), accesses(where + 4096), ...used()]).toEqual(["---", "rw-", 2, 2]);
    memory.protect(BigInt(where), PAGE, R, "");
    expect(memory.space.copyIn(address(where), 1)).toEqual(Uint8Array.of(42));
  });

  test("commit over a committed page is refused whole (R-27)", () => {
    memory.reserve(A, 4n * PAGE, "");
    memory.commit(A + 2n * PAGE, PAGE, RW, "");
    refused(() => memory.commit(A, 4n * PAGE, RW, ""), "failed", "page 0x100002000 is committed already");
    expect(memory.decommit(A, PAGE, "")).toEqual({ status: "ok" });
  });

  test("ranges that are not wholly reserved are refused and say why (R-25)", () => {
    memory.reserve(A, 2n * PAGE, "");
    const object = machine.object(1);
    memory.mapObject(object, { hint: A + 2n * PAGE, offset: 0n, size: PAGE, prot: R }, "");
    for (const operation of [
      () => memory.commit(A, 3n * PAGE, R, ""),
      () => memory.decommit(A, 3n * PAGE, ""),
      () => memory.protect(A, 3n * PAGE, R, ""),
      () => memory.unmap(A, 3n * PAGE),
    ]) {
      refused(
        operation,
        "failed",
        "page 0x100002000 is not reserved by VirtualMemory (it is borrowed from MemoryObject)",
      );
    }
    refused(
      () => memory.unmap(A + 8n * PAGE, PAGE),
      "failed",
      "page 0x100008000 is not reserved by VirtualMemory",
    );
    refused(() => memory.protect(A, PAGE, R, ""), "failed", "page 0x100000000 is reserved, not committed");
  });

  test("a range over touching reservations counts as one, and the middle of one may go", () => {
    memory.reserve(A, 2n * PAGE, "");
    memory.map(A + 2n * PAGE, 2n * PAGE, RW, "");
    expect(memory.unmap(A + PAGE, 2n * PAGE)).toEqual({ status: "ok" });
    expect(used()).toEqual([1, 2]);
    expect(memory.reservations.reserved.runs.map(({ first, end }) => [first, end])).toEqual([
      [0x10_0000, 0x10_0001],
      [0x10_0003, 0x10_0004],
    ]);
    expect(memory.explain(pageNumber(0x10_0002))).toBeUndefined();
  });

  test("quota: frame grant and reservation are both checked before anything", () => {
    memory = machine.process({ frameGrantPages: 3, virtualReservationPages: 5 });
    refused(
      () => memory.map(0n, 4n * PAGE, RW, ""),
      "overloaded",
      "frame grant quota: 4 more frame grant pages asked, 3 of 3 left",
    );
    refused(() => memory.map(0n, 6n * PAGE, RW, ""), "overloaded", /^virtual reservation quota: 6 more/);
    memory.reserve(A, 5n * PAGE, "");
    refused(() => memory.commit(A, 4n * PAGE, RW, ""), "overloaded", /^frame grant quota: 4 more/);
    expect(memory.commit(A, 3n * PAGE, RW, "")).toEqual({ status: "ok" });
    refused(() => memory.commit(A + 3n * PAGE, PAGE, RW, ""), "overloaded", /0 of 3 left$/);
  });

  test("frames and tables that run out are given back to the last one", () => {
    memory.reserve(A, 4n * PAGE, "");
    const hoard = machine.frames.allocateMany(machine.frames.freeCount) ?? [];
    const texts: string[] = [];
    for (let left = 0; left < 7; left++) {
      refused(
        () => memory.commit(A, 4n * PAGE, RW, ""),
        "overloaded",
        /^no frames left for (the page tables of )?4 pages$/,
      );
      texts.push((memory.commit(A, 4n * PAGE, RW, "") as { text: string }).text);
      const frame = hoard.pop();
      if (frame !== undefined) machine.frames.free(frame);
    }
    expect(new Set(texts).size).toBe(2);
    expect(memory.commit(A, 4n * PAGE, RW, "")).toEqual({ status: "ok" });
    for (const frame of hoard) machine.frames.free(frame);
  });
});

describe("borrowed memory", () => {
  const show = (object: Parameters<ProcessMemory["mapObject"]>[0], offset: bigint, size: bigint, hint = 0n) =>
    memory.mapObject(object, { hint, offset, size, prot: RW }, "");

  test("two processes see the same bytes", () => {
    const object = machine.object(3);
    const other = machine.process();
    const here = at(show(object, PAGE, 2n * PAGE));
    const there = at(other.mapObject(object, { hint: A, offset: 0n, size: 3n * PAGE, prot: R }, ""));
    memory.space.copyOut(address(here + 5), Uint8Array.of(7));
    expect(other.space.copyIn(address(there + 4096 + 5), 1)).toEqual(Uint8Array.of(7));
    expect(other.space.copyOut(address(there), Uint8Array.of(1))).toBeDefined();
    expect([object.mappedPages, memory.ledger.used("frameGrantPages")]).toEqual([5, 2]);
  });

  test.each([
    [1n, PAGE, "offset 0x1 is not page aligned"],
    [0n, 0n, "size is 0"],
    [0n, 1n, "size 0x1 is not a multiple of 0x1000"],
    [PAGE, 2n * PAGE, "0x1000..0x3000 is not inside the object of 0x2000 bytes"],
    [(1n << 64n) - PAGE, PAGE, /is not inside the object of 0x2000 bytes$/],
  ])("the part %d + %d of a two-page object is refused", (offset, size, text) => {
    const object = machine.object(2);
    refused(() => show(object, offset, size), "invalidArgument", text);
  });

  test("unmap and protect only touch mappings of the same object", () => {
    const [one, two] = [machine.object(2), machine.object(2)];
    show(one, 0n, 2n * PAGE, A);
    show(two, 0n, 2n * PAGE, A + 2n * PAGE);
    memory.reserve(A + 4n * PAGE, PAGE, "");
    const cases = [
      [A + PAGE, 2n, /^page 0x100002000 is not a mapping of this MemoryObject \(it is borrowed from/],
      [A - PAGE, 2n, "page 0xfffff000 is not a mapping of this MemoryObject"],
      [A + 4n * PAGE, 1n, "page 0x100004000 is not a mapping of this MemoryObject (it is reserved)"],
    ] as const;
    for (const [start, pages, text] of cases) {
      refused(() => memory.unmapObject(one, start, pages * PAGE), "failed", text);
      refused(() => memory.protectObject(one, start, pages * PAGE, R, ""), "failed", text);
    }
    refused(() => memory.unmap(A, PAGE), "failed", /^page 0x100000000 is not reserved by VirtualMemory/);
    refused(() => memory.protect(A, PAGE, R, ""), "failed", /not reserved by VirtualMemory/);
  });

  test("part of a mapping may be protected or go", () => {
    const object = machine.object(4);
    show(object, 0n, 4n * PAGE, A);
    expect(memory.protectObject(object, A + PAGE, 2n * PAGE, NONE, "")).toEqual({ status: "ok" });
    expect([0n, 1n, 2n, 3n].map((i) => accesses(A + i * PAGE))).toEqual(["rw-", "---", "---", "rw-"]);
    expect(memory.unmapObject(object, A, 2n * PAGE)).toEqual({ status: "ok" });
    expect([object.mappedPages, memory.ledger.used("frameGrantPages")]).toEqual([2, 2]);
    expect(memory.protectObject(object, A + 2n * PAGE, 2n * PAGE, R, "")).toEqual({ status: "ok" });
    expect(accesses(A + 2n * PAGE)).toBe("r--");
  });

  test("frames outlive the capability until the last page is unmapped, and the charge stays with the mapping", () => {
    const object = machine.object(2);
    show(object, 0n, 2n * PAGE, A);
    object.dropHold();
    expect(object.freed).toBe(false);
    memory.unmapObject(object, A, PAGE);
    expect([object.freed, ...used()]).toEqual([false, 1, 0]);
    memory.unmapObject(object, A + PAGE, PAGE);
    expect([object.freed, ...used()]).toEqual([true, 0, 0]);
  });

  test("quota and page tables are secured first", () => {
    memory = machine.process({ frameGrantPages: 1 });
    const object = machine.object(2);
    refused(() => show(object, 0n, 2n * PAGE), "overloaded", /^frame grant quota: 2 more/);
    const hoard = machine.frames.allocateMany(machine.frames.freeCount) ?? [];
    refused(() => show(object, 0n, PAGE), "overloaded", "no frames left for the page tables of 1 pages");
    for (const frame of hoard) machine.frames.free(frame);
  });
});

describe("pages of the kernel's making", () => {
  test("ring pages are writable and never executable, the CapSet page is read-only", () => {
    memory.addRingPage(address(0x120_0000), "loader: ring RW-");
    memory.addRingPage(address(0x120_1000), "thread 2");
    memory.addCapSetPage(Uint8Array.of(1, 2), "loader: CapSet R--");
    expect([0x120_0000, 0x120_1000, 0x130_0000].map(accesses)).toEqual(["rw-", "rw-", "r--"]);
    expect(memory.explain(pageNumber(0x1201))).toEqual({
      mapping: "thread ring",
      protection: "rw",
      by: "thread 2",
    });
    expect(memory.space.copyIn(address(0x130_0000), 3)).toEqual(Uint8Array.of(1, 2, 0));
    expect(used()).toEqual([0, 0]);
  });

  test("a ring page comes once, in its place, and goes again", () => {
    const ring = address(0x120_3000);
    expect(memory.addRingPage(ring, "").status).toBe("ok");
    refused(() => memory.addRingPage(ring, ""), "failed", "thread ring: page 0x1203000 is thread ring");
    refused(
      () => memory.addRingPage(address(0x130_0000), ""),
      "failed",
      "0x1300000 is outside the ring pages",
    );
    const free = machine.frames.freeCount;
    memory.removeRingPage(ring);
    expect(machine.frames.freeCount).toBeGreaterThan(free);
    expect(memory.explain(pageNumber(0x1203))).toBeUndefined();
    expect(() => memory.removeRingPage(ring)).toThrow(/^KER-24/);
  });

  test("content outside its region is our bug, not a write elsewhere", () => {
    const free = machine.frames.freeCount;
    const region = { mapping: "x", first: pageNumber(5), count: 1, protection: "r", by: "" } as const;
    expect(() =>
      memory.addFixed({ ...region, contents: [{ at: address(0x5fff), bytes: Uint8Array.of(1, 2) }] }),
    ).toThrow(InvariantError);
    expect(machine.frames.freeCount).toBe(free);
  });
});

describe("explain", () => {
  const call = { capability: "vm", method: "protect", arguments: "0x100001000, 0x1000, r", rip: 0x20_0010n };

  test("names the operation that gave each page its mapping and permission", () => {
    memory.reserve(A, 4n * PAGE, "reserve");
    memory.commit(A, 3n * PAGE, RW, "commit");
    memory.protect(A + PAGE, PAGE, R, call);
    memory.decommit(A + 2n * PAGE, 2n * PAGE, "decommit");
    const pages = [0, 1, 2, 3].map((i) => memory.explain(pageNumber(0x10_0000 + i)));
    expect(pages).toEqual([
      { mapping: "anonymous", protection: "rw", by: "commit" },
      { mapping: "anonymous", protection: "r", by: call },
      { mapping: "reserved", protection: "reserved", by: "decommit" },
      { mapping: "reserved", protection: "reserved", by: "reserve" },
    ]);
    expect([...memory.layout()].map(({ first, count }) => [first - 0x10_0000, count])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  test("knows borrowed pages, and says nothing of what is not there", () => {
    const object = machine.object(2);
    memory.mapObject(object, { hint: A, offset: 0n, size: 2n * PAGE, prot: RW }, "map");
    memory.protectObject(object, A + PAGE, PAGE, NONE, "protect");
    expect(memory.explain(pageNumber(0x10_0000))).toEqual({
      mapping: "borrowed from MemoryObject",
      protection: "rw",
      by: "map",
    });
    expect(memory.explain(pageNumber(0x10_0001))).toMatchObject({ protection: "none", by: "protect" });
    expect(memory.explain(pageNumber(0x10_0002))).toBeUndefined();
    memory.unmapObject(object, A, PAGE);
    expect(memory.explain(pageNumber(0x10_0000))).toBeUndefined();
  });
});

test("teardown returns every frame and table and uncharges the ledger", () => {
  const object = machine.object(2);
  const shared = machine.process();
  shared.mapObject(object, { hint: 0n, offset: 0n, size: PAGE, prot: R }, "");
  memory.map(0n, 5n * PAGE, RW, "");
  memory.map(A, 5n * PAGE, NONE, "");
  memory.reserve(1n << 40n, 5n * PAGE, "");
  memory.mapObject(object, { hint: 0n, offset: 0n, size: 2n * PAGE, prot: R }, "");
  memory.addRingPage(address(0x120_0000), "");
  machine.teardown(memory);
  expect(used()).toEqual([0, 0]);
  expect([object.mappedPages, object.freed]).toEqual([1, false]);
  object.dropHold();
  machine.teardown(shared);
  expect(object.freed).toBe(true);
  expect(machine.frames.freeCount).toBe(machine.freeAtStart);
});

describe("frames that go from owner to owner", () => {
  const region = (count: number, bytes: Uint8Array, offset = 0) => ({
    mapping: "image segment 0",
    first: pageNumber(0x200),
    count,
    protection: "rx" as const,
    contents: [{ at: address(0x200000 + offset), bytes }],
    by: "test",
  });
  const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i % 251) + 1);

  test.each([
    ["side by side", 0],
    ["scattered", 3],
  ])("content lands at its address, frames %s", (_, hole) => {
    // Every third free frame is left: the free ones do not lie side by side any more.
    const hoard = hole === 0 ? [] : (machine.frames.allocateMany(machine.frames.freeCount) ?? []);
    machine.frames.freeMany(hoard.filter((_frame, i) => i % hole === 0));
    const bytes = pattern(3 * 4096 + 77);
    expect(memory.addFixed(region(6, bytes, 100))).toEqual({ status: "ok" });
    const all = new Uint8Array(6 * 4096);
    expect(memory.space.peek(address(0x200000), all)).toBe(true);
    const expected = new Uint8Array(6 * 4096);
    expected.set(bytes, 100);
    expect(all).toEqual(expected);
    machine.frames.freeMany(hoard.filter((_frame, i) => i % hole !== 0));
  });

  test("what one process wrote no later one reads, whichever frames it gets", () => {
    for (let round = 0; round < 3; round++) {
      const writer = machine.process();
      expect(writer.addFixed(region(4, pattern(5000)))).toEqual({ status: "ok" });
      const where = writer.map(0n, 40n * PAGE, RW, "test");
      for (let i = 0; i < 40; i += 3) {
        expect(writer.space.copyOut(address(at(where) + i * 4096 + 9), pattern(30))).toBeUndefined();
      }
      machine.teardown(writer);
      const free = machine.frames.freeCount;
      const frames = machine.frames.allocateMany(free) ?? [];
      for (const frame of frames) {
        const start = frameByte(frame);
        expect(machine.mmu.bytes.subarray(start, start + 4096).every((byte) => byte === 0)).toBe(true);
      }
      machine.frames.freeMany(frames);
    }
  });

  test("teardown says to the code listener that the space is going", () => {
    const heard: string[] = [];
    const dying = machine.process();
    expect(dying.addFixed(region(2, pattern(10)))).toEqual({ status: "ok" });
    machine.mmu.setCodeListener({
      onCodeWrite: () => undefined,
      onExecutableChange: (_space, page, why) => heard.push(`${page.toString(16)} ${why}`),
    });
    dying.space.fetchFrame(pageNumber(0x200));
    machine.teardown(dying);
    expect(heard).toEqual(["200 destroy"]);
  });
});
