/**
 * Random operations over two processes and two objects, against a model that knows pages one by one: which
 * outcome each operation must have, which bytes each page must show, and that a refusal changes nothing (KER-6).
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { MemoryObject } from "../../src/kernel/objects/memory-object.ts";
import type { PageProtection } from "../../src/kernel/objects/reservation.ts";
import type { ProcessMemory } from "../../src/kernel/objects/process-memory.ts";
import { address, pageNumber } from "../../src/mmu/address.ts";
import { MemoryMachine } from "../support/memory.ts";

/** The window of explicit addresses: a little below and above it may be named, too. */
const WINDOW = 0x10_0000;
const WINDOW_PAGES = 7;
const ARENA = 0x2_0000;
const OBJECT_PAGES = [2, 4];
const FRAME_GRANT = 9;
const RESERVATION = 12;

/** Outcomes a run of the property must have met, whatever the seed: else it tests less than it says. */
const COMMON = [
  "reserve",
  "map",
  "commit",
  "protect",
  "decommit",
  "unmap",
  "mapObject",
  "unmapObject",
  "protectObject",
].map((name) => `${name} ok`);

/** What the bytes of a frame are: one value, shared by all who show it. */
interface Cell {
  value: number;
}
type Kind = "reserved" | "committed" | "borrowed";
interface ModelPage {
  readonly kind: Kind;
  readonly protection: PageProtection;
  readonly cell: Cell | undefined;
  readonly object: number | undefined;
  readonly objectPage: number;
}

const RESERVED: ModelPage = {
  kind: "reserved",
  protection: "none",
  cell: undefined,
  object: undefined,
  objectPage: 0,
};
const PROTECTIONS: readonly (PageProtection | undefined)[] = ["none", "r", "rw", "rw", "rx", "rx", undefined];
type Wanted = "ok" | "invalidArgument" | "failed" | "overloaded";

interface Step {
  readonly operation:
    | "reserve"
    | "map"
    | "commit"
    | "decommit"
    | "protect"
    | "unmap"
    | "mapObject"
    | "unmapObject"
    | "protectObject"
    | "write"
    | "dropHold";
  readonly process: number;
  readonly object: number;
  readonly first: number;
  readonly count: number;
  readonly choose: boolean;
  readonly offset: number;
  readonly prot: number;
  readonly value: number;
  /** Below 75: aim at pages of the kind the operation is for, when there are any. */
  readonly aim: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  operation: fc.constantFrom(
    "reserve",
    "map",
    "commit",
    "decommit",
    "protect",
    "unmap",
    "mapObject",
    "unmapObject",
    "protectObject",
    "write",
    "write",
    "dropHold",
  ),
  process: fc.nat(1),
  object: fc.nat(1),
  first: fc.integer({ min: WINDOW, max: WINDOW + WINDOW_PAGES }),
  count: fc.oneof(
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 15, arbitrary: fc.integer({ min: 1, max: 5 }) },
  ),
  choose: fc.boolean(),
  offset: fc.nat(1),
  prot: fc.oneof(
    { weight: 12, arbitrary: fc.nat(5) },
    { weight: 1, arbitrary: fc.integer({ min: 6, max: 9 }) },
  ),
  value: fc.integer({ min: 1, max: 255 }),
  aim: fc.nat(99),
});

/** One process of the model. */
class ModelProcess {
  readonly pages = new Map<number, ModelPage>();

  range(first: number, count: number): (ModelPage | undefined)[] {
    return Array.from({ length: count }, (_, i) => this.pages.get(first + i));
  }
  count(kinds: readonly Kind[]): number {
    return [...this.pages.values()].filter(({ kind }) => kinds.includes(kind)).length;
  }
  place(count: number): number {
    let at = ARENA;
    while (this.range(at - 1, count + 2).some((page) => page !== undefined)) at++;
    return at;
  }
  set(
    first: number,
    count: number,
    page: (i: number, was: ModelPage | undefined) => ModelPage | undefined,
  ): void {
    for (let i = 0; i < count; i++) {
      const now = page(i, this.pages.get(first + i));
      if (now === undefined) this.pages.delete(first + i);
      else this.pages.set(first + i, now);
    }
  }
}

const isReserved = (page: ModelPage | undefined): boolean =>
  page?.kind === "reserved" || page?.kind === "committed";

/** Which pages an operation can succeed on. */
const SUITS: Readonly<Record<string, (page: ModelPage, object: number) => boolean>> = {
  commit: (page) => page.kind === "reserved",
  decommit: isReserved,
  unmap: isReserved,
  protect: (page) => page.kind === "committed",
  unmapObject: (page, object) => page.object === object,
  protectObject: (page, object) => page.object === object,
  write: (page) => page.protection === "rw",
};

/** The step with a range that suits its operation, where it aims at one. */
function aimed(given: Step, process: ModelProcess): Step {
  const suits = SUITS[given.operation];
  if (suits === undefined || given.aim >= 75) return given;
  const pages = [...process.pages].filter(([, page]) => suits(page, given.object)).map(([page]) => page);
  const first = pages[given.aim % Math.max(pages.length, 1)];
  if (first === undefined) return given;
  let count = 0;
  while (count < given.count && pages.includes(first + count)) count++;
  return { ...given, first, count };
}

/** The order of refusals: arguments, state, quotas. */
class Model {
  readonly processes = [new ModelProcess(), new ModelProcess()];
  readonly cells = OBJECT_PAGES.map((count) => Array.from({ length: count }, (): Cell => ({ value: 0 })));

  /** Performs the step when it is to succeed; the outcome it must have. */
  run(given: Step): { readonly wanted: Wanted; readonly at?: number } {
    const process = this.processes[given.process];
    if (process === undefined) throw new Error("no such process");
    const { operation, count } = given;
    const protection = PROTECTIONS[given.prot];
    const takesProtection = ["map", "commit", "protect", "mapObject", "protectObject"].includes(operation);
    if (count === 0 || (takesProtection && protection === undefined)) return { wanted: "invalidArgument" };
    const { first } = given;
    switch (operation) {
      case "reserve":
      case "map":
      case "mapObject":
        return this.#place(process, given, protection ?? "none");
      case "commit":
      case "decommit":
      case "protect":
      case "unmap":
        return { wanted: this.#anonymous(process, given, first, protection ?? "none") };
      case "unmapObject":
      case "protectObject": {
        const mine = process.range(first, count).every((page) => page?.object === given.object);
        if (!mine) return { wanted: "failed" };
        process.set(first, count, (_, was) =>
          operation === "unmapObject" || was === undefined
            ? undefined
            : { ...was, protection: protection ?? "none" },
        );
        return { wanted: "ok" };
      }
      default:
        throw new Error(`not an operation of the model: ${operation}`);
    }
  }

  #place(process: ModelProcess, given: Step, protection: PageProtection): { wanted: Wanted; at?: number } {
    const { operation, count, offset } = given;
    const cells = this.cells[given.object] ?? [];
    if (operation === "mapObject" && offset + count > cells.length) return { wanted: "invalidArgument" };
    const first = given.choose ? process.place(count) : given.first;
    if (process.range(first, count).some((page) => page !== undefined)) return { wanted: "invalidArgument" };
    if (operation !== "mapObject" && process.count(["reserved", "committed"]) + count > RESERVATION) {
      return { wanted: "overloaded" };
    }
    if (operation !== "reserve" && process.count(["committed", "borrowed"]) + count > FRAME_GRANT) {
      return { wanted: "overloaded" };
    }
    process.set(first, count, (i) => {
      if (operation === "reserve") return RESERVED;
      if (operation === "map") {
        return { kind: "committed", protection, cell: { value: 0 }, object: undefined, objectPage: 0 };
      }
      const objectPage = offset + i;
      return { kind: "borrowed", protection, cell: cells[objectPage], object: given.object, objectPage };
    });
    return { wanted: "ok", at: first };
  }

  #anonymous(process: ModelProcess, given: Step, first: number, protection: PageProtection): Wanted {
    const { operation, count } = given;
    const range = process.range(first, count);
    if (!range.every(isReserved)) return "failed";
    if (operation === "commit" && range.some((page) => page?.kind === "committed")) return "failed";
    if (operation === "protect" && range.some((page) => page?.kind !== "committed")) return "failed";
    if (operation === "commit" && process.count(["committed", "borrowed"]) + count > FRAME_GRANT) {
      return "overloaded";
    }
    process.set(first, count, (_, was) => {
      if (operation === "unmap") return undefined;
      if (operation === "decommit") return RESERVED;
      const cell = operation === "commit" ? { value: 0 } : was?.cell;
      return { kind: "committed", protection, cell, object: undefined, objectPage: 0 };
    });
    return "ok";
  }
}

/** The same step on the real thing. */
function perform(
  memory: ProcessMemory,
  object: MemoryObject,
  given: Step,
): { status: string; address?: number } {
  const start = BigInt(given.first * 4096);
  const size = BigInt(given.count * 4096);
  const hint = given.choose ? 0n : start;
  switch (given.operation) {
    case "reserve":
      return memory.reserve(hint, size, "reserve");
    case "map":
      return memory.map(hint, size, given.prot, "map");
    case "commit":
      return memory.commit(start, size, given.prot, "commit");
    case "decommit":
      return memory.decommit(start, size, "decommit");
    case "protect":
      return memory.protect(start, size, given.prot, "protect");
    case "unmap":
      return memory.unmap(start, size);
    case "mapObject":
      return memory.mapObject(
        object,
        { hint, offset: BigInt(given.offset * 4096), size, prot: given.prot },
        "map",
      );
    case "unmapObject":
      return memory.unmapObject(object, start, size);
    case "protectObject":
      return memory.protectObject(object, start, size, given.prot, "protect");
    default:
      throw new Error(`not an operation: ${given.operation}`);
  }
}

/** Every page of the model is as the model says, and nothing else is mapped. */
function compare(memory: ProcessMemory, process: ModelProcess): void {
  const shown: unknown[] = [];
  const wanted: unknown[] = [];
  for (const [page, { kind, protection, cell }] of process.pages) {
    const at = address(page * 4096);
    const explanation = memory.explain(pageNumber(page));
    const bytes = memory.space.copyIn(at, 1);
    const write = memory.space.check(at, 1, "write") === undefined;
    const execute = memory.space.check(at, 1, "execute") === undefined;
    shown.push([
      page,
      explanation?.protection,
      bytes instanceof Uint8Array ? bytes[0] : "fault",
      write,
      execute,
    ]);
    const readable = kind !== "reserved" && protection !== "none";
    wanted.push([
      page,
      kind === "reserved" ? "reserved" : protection,
      readable ? cell?.value : "fault",
      protection === "rw",
      protection === "rx",
    ]);
  }
  expect(shown).toEqual(wanted);
  const mapped = [...process.pages].filter(([, { kind }]) => kind !== "reserved").map(([page]) => page);
  expect([...memory.space.entries()].map(([page]) => Number(page))).toEqual(mapped.sort((a, b) => a - b));
}

function write(memory: ProcessMemory, process: ModelProcess, given: Step): void {
  const page = given.first;
  const known = process.pages.get(page);
  const fault = memory.space.copyOut(address(page * 4096), Uint8Array.of(given.value));
  expect(fault === undefined).toBe(known?.protection === "rw");
  if (fault === undefined && known?.cell !== undefined) known.cell.value = given.value;
}

test("random operations do what the model says, keep every rule, and teardown returns all", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 60 }), (steps) => {
      const machine = new MemoryMachine(1 << 20);
      const limits = { frameGrantPages: FRAME_GRANT, virtualReservationPages: RESERVATION };
      const memories = [machine.process(limits), machine.process(limits)];
      const objects = OBJECT_PAGES.map((pages) => machine.object(pages));
      const model = new Model();
      const digest = (): string => memories.map((memory) => memory.digest()).join("\n--\n");
      let done = 0;
      for (const drawn of steps) {
        const memory = memories[drawn.process];
        const other = memories[1 - drawn.process];
        const object = objects[drawn.object];
        const process = model.processes[drawn.process];
        if (!memory || !other || !object || !process) throw new Error("no such process or object");
        const given = aimed(drawn, process);
        if (given.operation === "write") {
          write(memory, process, given);
          continue;
        }
        if (given.operation === "dropHold") {
          // Only an object somebody still maps: a freed one has no capability left to map it with.
          if (object.holds > 0 && object.mappedPages > 0) object.dropHold();
          continue;
        }
        if (given.operation === "mapObject" && object.freed) continue;
        const before = digest();
        const otherBefore = other.digest();
        const { wanted, at } = model.run(given);
        const got = perform(memory, object, given);
        seen.set(`${given.operation} ${wanted}`, (seen.get(`${given.operation} ${wanted}`) ?? 0) + 1);
        expect([given.operation, got.status]).toEqual([given.operation, wanted]);
        if (at !== undefined) expect(got.address).toBe(at * 4096);
        if (wanted !== "ok") expect(digest()).toBe(before);
        expect(other.digest()).toBe(otherBefore);
        compare(memory, process);
        // Everything recomputed is a few milliseconds: not after every step.
        if (done++ % 8 === 0) expect(machine.brokenRules()).toEqual([]);
      }
      for (const memory of memories) machine.teardown(memory);
      for (const object of objects) if (object.holds > 0) object.dropHold();
      expect(objects.every((object) => object.freed && object.mappedPages === 0)).toBe(true);
      expect(machine.frames.freeCount).toBe(machine.freeAtStart);
      expect(machine.brokenRules()).toEqual([]);
    }),
    { numRuns: 40 },
  );
  for (const outcome of COMMON) expect([outcome, (seen.get(outcome) ?? 0) > 0]).toEqual([outcome, true]);
});
