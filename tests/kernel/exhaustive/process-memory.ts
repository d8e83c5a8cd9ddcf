/**
 * Two processes and two objects on a real MMU: reservations with splits, quotas, borrowed mappings, capabilities
 * released and processes ended in every order. Both processes end after every state, and every frame must be back.
 */

import { brokenLedgerRules, Ledger } from "../../../src/kernel/ledger.ts";
import { brokenProtectedAreaRules } from "../../../src/kernel/invariants-memory.ts";
import { FrameAllocator } from "../../../src/kernel/frame-allocator.ts";
import { defaultMemoryMap } from "../../../src/kernel/memory-map.ts";
import { brokenMemoryRules, brokenSharingRules } from "../../../src/kernel/objects/memory-checks.ts";
import { allocateMemoryObject } from "../../../src/kernel/objects/memory-object.ts";
import type { MemoryObject } from "../../../src/kernel/objects/memory-object.ts";
import { ProcessMemory } from "../../../src/kernel/objects/process-memory.ts";
import type { PageProtection } from "../../../src/kernel/objects/reservation.ts";
import { pageNumber } from "../../../src/mmu/address.ts";
import { createMmu } from "../../../src/mmu/create-mmu.ts";
import type { Mmu } from "../../../src/mmu/mmu.ts";
import type { Space, System } from "./explorer.ts";
import { ModelProcess, perform } from "./page-model.ts";
import type { MemoryOperation, ModelPage, Quotas } from "./page-model.ts";

const BASE = 0x10_0000;
const PAGE = 4096n;
const RAM_BYTES = 1 << 20;
/** Pages of the two objects. */
const OBJECTS = [2, 1];
const BITS: Readonly<Record<PageProtection, number>> = { none: 0, r: 1, rw: 3, rx: 5 };

/** What all systems of a space share; each leaves it as it was. */
interface Hardware {
  readonly mmu: Mmu;
  readonly frames: FrameAllocator;
  readonly free: number;
}

class MemorySystem implements System<MemoryOperation> {
  readonly #hardware: Hardware;
  readonly #quotas: Quotas;
  readonly #model: readonly ModelProcess[];
  readonly #memories: ProcessMemory[] = [];
  readonly #objects: MemoryObject[] = [];

  constructor(hardware: Hardware, window: number, quotas: Quotas) {
    this.#hardware = hardware;
    this.#quotas = quotas;
    this.#model = [new ModelProcess(window), new ModelProcess(window)];
    const { mmu, frames } = hardware;
    for (const process of this.#model) {
      const limits = { frameGrantPages: quotas.frameGrant, virtualReservationPages: quotas.reservation };
      const memory = ProcessMemory.create(mmu, frames, new Ledger(limits));
      if (memory === undefined) throw new Error("no frame for an address space");
      this.#memories.push(memory);
      process.held.clear();
    }
    for (const [number, pages] of OBJECTS.entries()) {
      const result = allocateMemoryObject(frames, new Ledger(), pages);
      if (result.status !== "ok") throw new Error(result.text);
      this.#objects.push(result.object);
      // Each process begins with a capability for one of them; a mapping by the other stands for a copy it had.
      this.#hold(number, number);
    }
  }

  #memory(process: number): ProcessMemory {
    return this.#memories[process] as ProcessMemory;
  }
  #object(number: number): MemoryObject {
    return this.#objects[number] as MemoryObject;
  }

  #hold(process: number, object: number): void {
    this.#object(object).addHold();
    this.#memory(process).ledger.charge("frameGrantPages", OBJECTS[object] ?? 0);
    this.#model[process]?.held.add(object);
  }

  #release(process: number, object: number): string {
    if (this.#model[process]?.held.delete(object) !== true) return "refused";
    this.#memory(process).ledger.release("frameGrantPages", OBJECTS[object] ?? 0);
    this.#object(object).dropHold();
    return "ok";
  }

  apply(operation: MemoryOperation): string {
    const process = this.#model[operation.process];
    if (process === undefined || process.gone) return "refused gone";
    if (operation.do === "release") return this.#release(operation.process, operation.object);
    if (operation.do === "exit") return this.#exit(operation.process, process);
    const byCapability = ["mapObject", "unmapObject", "protectObject"].includes(operation.do);
    if (byCapability && this.#object(operation.object).freed) return "refused freed";
    const wanted = perform(process, operation, this.#quotas, OBJECTS);
    const { status } = this.#perform(this.#memory(operation.process), operation);
    if (status !== wanted) throw new Error(`${operation.do} is ${status}, must be ${wanted}`);
    return status === "ok" ? "ok" : `refused ${status}`;
  }

  #perform(memory: ProcessMemory, operation: MemoryOperation): { readonly status: string } {
    const start = BigInt(BASE + operation.first) * PAGE;
    const size = BigInt(operation.count) * PAGE;
    const prot = BITS[operation.protection];
    const object = this.#object(operation.object);
    switch (operation.do) {
      case "reserve":
        return memory.reserve(start, size, "reserve");
      case "map":
        return memory.map(start, size, prot, "map");
      case "commit":
        return memory.commit(start, size, prot, "commit");
      case "decommit":
        return memory.decommit(start, size, "decommit");
      case "protect":
        return memory.protect(start, size, prot, "protect");
      case "unmap":
        return memory.unmap(start, size);
      case "mapObject":
        return memory.mapObject(
          object,
          { hint: start, offset: BigInt(operation.objectPage) * PAGE, size, prot },
          "map",
        );
      case "unmapObject":
        return memory.unmapObject(object, start, size);
      default:
        return memory.protectObject(object, start, size, prot, "protect");
    }
  }

  /** As `lifecycle.ts`: capabilities first, then the memory. */
  #exit(number: number, process: ModelProcess): string {
    for (const object of [...process.held]) this.#release(number, object);
    this.#memory(number).teardown();
    process.pages.fill(undefined);
    process.gone = true;
    return "ok";
  }

  key(): string {
    const page = (each: ModelPage): string => {
      if (each === undefined) return "-";
      if (each.kind === "reserved") return "+";
      return each.kind === "committed"
        ? each.protection
        : `${each.object}.${each.objectPage}${each.protection}`;
    };
    const processes = this.#model.map(
      ({ pages, held, gone }) => `${pages.map(page).join()} ${[...held].sort().join()} ${gone}`,
    );
    return processes.join("|");
  }

  broken(): readonly string[] {
    const living = this.#memories.filter((_, i) => this.#model[i]?.gone === false);
    const { frames, free } = this.#hardware;
    const usedAtStart = frames.frameCount - free;
    return [
      ...living.flatMap((memory) => [
        ...brokenMemoryRules(memory),
        ...brokenProtectedAreaRules(memory, "the process"),
      ]),
      ...brokenSharingRules({ frames, usedAtStart, memories: living, objects: this.#objects }),
      ...this.#model.flatMap((process, i) => this.#brokenPages(process, i)),
      ...this.#brokenLives(),
    ];
  }

  #brokenPages(process: ModelProcess, number: number): string[] {
    const memory = this.#memory(number);
    if (process.gone)
      return brokenLedgerRules(memory.ledger, { frameGrantPages: 0, virtualReservationPages: 0 });
    const held = [...process.held].reduce((sum, object) => sum + (OBJECTS[object] ?? 0), 0);
    const charges = memory.charges();
    const broken = brokenLedgerRules(memory.ledger, {
      ...charges,
      frameGrantPages: charges.frameGrantPages + held,
    });
    for (const [i, page] of process.pages.entries()) {
      const explained = memory.explain(pageNumber(BASE + i))?.protection;
      const wanted = page === undefined ? undefined : page.kind === "reserved" ? "reserved" : page.protection;
      const frame = memory.space.query(pageNumber(BASE + i))?.frame;
      const shown = page?.kind === "borrowed" ? this.#object(page.object).frames[page.objectPage] : undefined;
      if (explained !== wanted) broken.push(`KER-22 page ${i} is ${explained}, must be ${wanted}`);
      if (shown !== undefined && frame !== shown) broken.push(`KER-21 page ${i} shows another frame`);
      if ((frame === undefined) !== (page === undefined || page.kind === "reserved"))
        broken.push(`KER-23 page ${i}`);
    }
    return broken;
  }

  /** KER-21: an object lives exactly while a capability or a mapping names it. */
  #brokenLives(): string[] {
    return this.#objects.flatMap((object, number) => {
      const mapped = this.#model.some(({ pages }) =>
        pages.some((page) => page?.kind === "borrowed" && page.object === number),
      );
      const held = this.#model.some((process) => process.held.has(number));
      return object.freed === !(mapped || held)
        ? []
        : [`KER-21 object ${number} is ${object.freed ? "gone" : "there"}`];
    });
  }

  end(): readonly string[] {
    for (const [number, process] of this.#model.entries()) if (!process.gone) this.#exit(number, process);
    const { frames, free } = this.#hardware;
    return frames.freeCount === free ? [] : [`KER-20 ${free - frames.freeCount} frames did not come back`];
  }
}

function rangesOf(window: number): { first: number; count: number }[] {
  const ranges: { first: number; count: number }[] = [];
  for (let first = 0; first < window; first++) {
    for (let count = 1; first + count <= window; count++) ranges.push({ first, count });
  }
  return ranges;
}

const NOTHING = { object: 0, objectPage: 0, protection: "none" as PageProtection };

/** The first process does everything; the second one, with fewer pages to it, shares objects with it and ends. */
export function memorySpace(windows: readonly [number, number], quotas: Quotas): Space<MemoryOperation> {
  const mmu = createMmu({ ramBytes: RAM_BYTES, checks: "off" });
  const frames = new FrameAllocator(mmu, defaultMemoryMap(RAM_BYTES));
  const hardware = { mmu, frames, free: frames.freeCount };
  const anonymous = rangesOf(windows[0]).flatMap((range): MemoryOperation[] => {
    const here = { ...NOTHING, process: 0, ...range };
    return [
      { ...here, do: "reserve" },
      { ...here, do: "map", protection: "rw" },
      { ...here, do: "commit", protection: "rw" },
      { ...here, do: "commit" },
      { ...here, do: "decommit" },
      { ...here, do: "protect" },
      { ...here, do: "protect", protection: "rx" },
      { ...here, do: "unmap" },
    ];
  });
  const shared = [0, 1].flatMap((process) =>
    rangesOf(windows[process] ?? 0).flatMap((range) =>
      OBJECTS.flatMap((pages, object): MemoryOperation[] => {
        const here = { ...NOTHING, process, ...range, object };
        const map = Array.from({ length: pages }, (_, objectPage): MemoryOperation => {
          return { ...here, do: "mapObject", objectPage, protection: "rw" };
        });
        return [...map, { ...here, do: "unmapObject" }, { ...here, do: "protectObject", protection: "r" }];
      }),
    ),
  );
  const ends = [0, 1].flatMap((process): MemoryOperation[] => {
    const here = { ...NOTHING, process, first: 0, count: 0 };
    return [
      { ...here, do: "exit" },
      ...OBJECTS.map((_, object): MemoryOperation => ({ ...here, do: "release", object })),
    ];
  });
  return {
    name: "process memory",
    bound: `2 processes with windows of ${windows.join(" and ")} pages, ${quotas.reservation} pages of reservation, ${quotas.frameGrant} of frame grant, objects of ${OBJECTS.join(" and ")} pages`,
    operations: [...anonymous, ...shared, ...ends],
    create: () => new MemorySystem(hardware, Math.max(...windows), quotas),
  };
}
