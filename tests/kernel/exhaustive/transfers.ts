/**
 * Two processes with few slots and pages, and sets of capabilities on their way between them: prepared for copy and
 * move, delivered, rolled back, revoked on the way, cut off by the end of either side. A delivery without room must
 * leave everything as it was.
 */

import type { CallOutcome } from "../../../src/kernel/call.ts";
import { CapabilityTable } from "../../../src/kernel/capability.ts";
import type { TransferMode } from "../../../src/kernel/capability.ts";
import { brokenHoldRules, brokenRightsRules } from "../../../src/kernel/invariants.ts";
import { brokenTableRules } from "../../../src/kernel/invariants-handles.ts";
import { brokenLedgerRules, Ledger } from "../../../src/kernel/ledger.ts";
import { KernelObject } from "../../../src/kernel/object.ts";
import { Process } from "../../../src/kernel/objects/process.ts";
import type { ProcessMemory } from "../../../src/kernel/objects/process-memory.ts";
import { releaseCapability } from "../../../src/kernel/submission.ts";
import type { Descriptor } from "../../../src/kernel/transfers.ts";
import { TransferSet } from "../../../src/kernel/transfers.ts";
import { MemoryMachine } from "../../support/memory.ts";
import type { Space, System } from "./explorer.ts";

type TransferOperation =
  | { readonly do: "give"; readonly to: number; readonly object: number }
  | { readonly do: "release"; readonly from: number; readonly id: number }
  | { readonly do: "send"; readonly from: number; readonly descriptors: readonly Descriptor[] }
  | { readonly do: "deliver"; readonly to: number }
  | { readonly do: "rollback" }
  | { readonly do: "revoke"; readonly by: number; readonly object: number }
  | { readonly do: "exit"; readonly process: number };

const OBJECTS: readonly { readonly mode: TransferMode; readonly pages: number }[] = [
  { mode: "copy", pages: 0 },
  { mode: "copy", pages: 1 },
  { mode: "move", pages: 0 },
];

/** A kernel object that nobody calls. */
class Plain extends KernelObject {
  readonly number: number;

  constructor(number: number, mode: TransferMode, chargedPages: number) {
    super(
      { id: BigInt(number), name: "plain", methodName: () => undefined },
      { label: `object ${number}`, mode, chargedPages },
    );
    this.number = number;
  }

  dispatch(): CallOutcome {
    throw new Error("nobody calls a plain object");
  }
}

interface Configuration {
  readonly slots: readonly [number, number];
  readonly pages: readonly [number, number];
  /** Sets that may be on their way at once. */
  readonly sets: number;
}

class TransferSystem implements System<TransferOperation> {
  readonly #processes: readonly Process[];
  readonly #objects = OBJECTS.map(({ mode, pages }, number) => new Plain(number, mode, pages));
  /** On their way, oldest first, as an endpoint queues calls. */
  readonly #sets: TransferSet[] = [];
  readonly #gone = new Set<number>();
  readonly #limit: number;

  constructor({ slots, pages, sets }: Configuration, memory: ProcessMemory) {
    this.#limit = sets;
    this.#processes = [0, 1].map((id) => {
      const ledger = new Ledger({ capSlots: slots[id] ?? 0, frameGrantPages: pages[id] ?? 0 });
      const table = new CapabilityTable<KernelObject>(ledger);
      return new Process({ id, name: "small", binary: "small", ledger, table, memory });
    });
  }

  #process(id: number): Process {
    return this.#processes[id] as Process;
  }

  apply(operation: TransferOperation): string {
    switch (operation.do) {
      case "give": {
        if (this.#gone.has(operation.to)) return "refused gone";
        const id = this.#process(operation.to).give(this.#objects[operation.object] as Plain, {});
        return typeof id === "number" ? "ok" : `refused ${id}`;
      }
      case "release": {
        const removed = releaseCapability(this.#process(operation.from), operation.id);
        return typeof removed === "string" ? `refused ${removed}` : "ok";
      }
      case "send":
        return this.#send(operation.from, operation.descriptors);
      case "deliver":
        return this.#deliver(operation.to);
      case "rollback": {
        const set = this.#sets.shift();
        set?.rollback();
        return set === undefined ? "refused nothing" : "ok";
      }
      case "revoke": {
        const epoch = this.#process(operation.by).table.revokeObject(
          this.#objects[operation.object] as Plain,
        );
        return typeof epoch === "number" ? "ok" : `refused ${epoch}`;
      }
      case "exit":
        return this.#exit(operation.process);
    }
  }

  #send(from: number, descriptors: readonly Descriptor[]): string {
    if (this.#sets.length >= this.#limit) return "refused full";
    const set = TransferSet.prepare(this.#process(from), descriptors, "ipcTransfer");
    if (typeof set === "number") return `refused ${set}`;
    this.#sets.push(set);
    return "ok";
  }

  /** All of the set arrives, in order and usable, or it stays where it is. */
  #deliver(to: number): string {
    const set = this.#sets[0];
    if (set === undefined || this.#gone.has(to)) return "refused nothing";
    const target = this.#process(to);
    const objects = set.items.map(({ hold }) => hold.object);
    const records = set.deliver(target);
    if (records === undefined) return "refused room";
    this.#sets.shift();
    for (const [i, { capId }] of records.entries()) {
      const found = target.table.get(capId);
      if (typeof found === "string" || found.object !== objects[i])
        throw new Error(`KER-4 capability ${capId} arrived wrong`);
    }
    return "ok";
  }

  /** As `lifecycle.ts`: what is on its way goes back first, then the table goes. */
  #exit(id: number): string {
    if (this.#gone.has(id)) return "refused gone";
    const process = this.#process(id);
    for (const set of this.#sets.filter(({ source }) => source === process)) {
      set.rollback();
      this.#sets.splice(this.#sets.indexOf(set), 1);
    }
    for (const hold of process.table.clear()) hold.object.release(hold, process);
    this.#gone.add(id);
    return "ok";
  }

  key(): string {
    const cells = new Map<unknown, number>();
    const number = (cell: unknown): number => {
      const known = cells.get(cell) ?? cells.size;
      cells.set(cell, known);
      return known;
    };
    const shared = this.#processes.map(({ table }) =>
      [...table.entries()].map(([, { cell }]) => number(cell)).join(),
    );
    const sets = this.#sets.map(
      ({ source, items }) =>
        `${source.id}:${items.map(({ sourceId, move, hold }) => `${sourceId} ${move} ${hold.object.label} ${number(hold.cell)} ${hold.cell.epoch === hold.epoch}`).join()}`,
    );
    const tables = this.#processes.map(({ table }) => table.digest());
    const holds = this.#objects.map((object) => object.holds);
    return [...tables, ...shared, ...sets, holds, [...this.#gone].sort().join()].join("|");
  }

  broken(): readonly string[] {
    const broken = this.#processes.flatMap(({ ledger, table, id }) => [
      ...brokenLedgerRules(ledger, table.charges()),
      ...brokenTableRules(table, `process ${id}`),
    ]);
    broken.push(...brokenRightsRules(this.#processes), ...this.#brokenHolds(), ...this.#brokenMarks());
    return broken;
  }

  /** KER-4, with the sets in the place of an endpoint's queue. */
  #brokenHolds(): string[] {
    const travelling = this.#sets.flatMap(({ items }) => items.map(({ hold }) => hold.object));
    for (const object of travelling) object.holds--;
    const broken = brokenHoldRules(this.#processes, []);
    for (const object of travelling) object.holds++;
    const named = new Set(
      this.#processes.flatMap(({ table }) => [...table.entries()].map(([, { object }]) => object)),
    );
    for (const object of this.#objects) {
      const expected = travelling.filter((each) => each === object).length;
      if (!named.has(object) && object.holds !== expected)
        broken.push(`KER-4 ${object.label} has holds that nobody has`);
    }
    return broken;
  }

  #brokenMarks(): string[] {
    return this.#processes.flatMap((process) => {
      const marked = process.table.layout().slots.filter(({ moving }) => moving).length;
      const named = this.#sets
        .filter(({ source }) => source === process)
        .flatMap(({ items }) => items.filter(({ move }) => move));
      return marked === named.length
        ? []
        : [`KER-44 ${marked} capabilities are marked, ${named.length} are on their way`];
    });
  }

  /** When both sides end, nothing is held and nothing charged. */
  end(): readonly string[] {
    for (const id of [0, 1]) if (!this.#gone.has(id)) this.#exit(id);
    const held = this.#objects
      .filter(({ holds }) => holds !== 0)
      .map(({ label, holds }) => `KER-4 ${label} keeps ${holds} holds`);
    const charged = this.#processes.flatMap(({ ledger }) =>
      brokenLedgerRules(ledger, { capSlots: 0, frameGrantPages: 0 }),
    );
    return [...held, ...charged];
  }
}

const HANDLES = [0, 1, 0x100_0000, 0x100_0001];

export function transferSpace(configuration: Configuration): Space<TransferOperation> {
  const memory = new MemoryMachine(1 << 20).process();
  const single = HANDLES.flatMap((capId) =>
    [false, true].map((move): readonly Descriptor[] => [{ capId, move }]),
  );
  const pairs = [0, 1].flatMap((first) =>
    [0, 1].flatMap((second) =>
      [
        [false, false],
        [false, true],
        [true, true],
      ].map(([a = false, b = false]): readonly Descriptor[] => [
        { capId: first, move: a },
        { capId: second, move: b },
      ]),
    ),
  );
  const both = [0, 1];
  const objects = OBJECTS.map((_, object) => object);
  const operations: TransferOperation[] = [
    ...both.flatMap((to) => objects.map((object): TransferOperation => ({ do: "give", to, object }))),
    ...both.flatMap((from) => HANDLES.map((id): TransferOperation => ({ do: "release", from, id }))),
    ...both.flatMap((from) =>
      [...single, ...pairs].map((descriptors): TransferOperation => ({ do: "send", from, descriptors })),
    ),
    ...both.map((to): TransferOperation => ({ do: "deliver", to })),
    { do: "rollback" },
    ...both.flatMap((by) => objects.map((object): TransferOperation => ({ do: "revoke", by, object }))),
    ...both.map((process): TransferOperation => ({ do: "exit", process })),
  ];
  const { slots, pages, sets } = configuration;
  return {
    name: "transfers",
    bound: `2 processes with ${slots.join(" and ")} slots and ${pages.join(" and ")} pages, 3 objects, ${sets} sets of 1 or 2 on their way`,
    operations,
    create: () => new TransferSystem(configuration, memory),
  };
}
