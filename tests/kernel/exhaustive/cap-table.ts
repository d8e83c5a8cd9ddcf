/**
 * One capability table with a few slots: handles of every slot and generation around the live ones, two objects, moves
 * left open, revocation, limits of slots and pages. A ghost beside it knows which handle names what.
 */

import { CapabilityTable, newHold } from "../../../src/kernel/capability.ts";
import type { CapabilityObject, Hold, TransferMode } from "../../../src/kernel/capability.ts";
import { brokenTableRules } from "../../../src/kernel/invariants-handles.ts";
import { brokenLedgerRules, Ledger } from "../../../src/kernel/ledger.ts";
import type { Space, System } from "./explorer.ts";

interface HandleOperation {
  readonly do: "remove" | "prepareMove" | "commitMove" | "rollbackMove" | "copy" | "copyBack";
  readonly id: number;
}
type TableOperation =
  | HandleOperation
  | { readonly do: "insert"; readonly object: number; readonly mode: TransferMode }
  | { readonly do: "revoke"; readonly object: number }
  | { readonly do: "kill"; readonly object: number }
  | { readonly do: "clear" };

interface Thing extends CapabilityObject {
  readonly number: number;
  live: boolean;
}

/** What a live handle stands for. */
interface Known {
  readonly object: number;
  readonly mode: TransferMode;
  moving: boolean;
}

const PAGES = [0, 1];
const INDEX_UNIT = 0x100_0000;

class TableSystem implements System<TableOperation> {
  readonly #ledger: Ledger;
  readonly #table: CapabilityTable<Thing>;
  readonly #things = PAGES.map((chargedPages, number): Thing => {
    return { number, chargedPages, live: true, label: `object ${number}` };
  });
  /** Live handles, and whether their hold was revoked. */
  readonly #known = new Map<number, Known & { readonly hold: Hold<Thing> }>();
  /** Handles issued since the table was last emptied for good. */
  readonly #issued = new Set<number>();
  readonly #handles: readonly number[];

  constructor({ slots, pages, handles, worn }: TableConfiguration) {
    this.#ledger = new Ledger({ capSlots: slots, frameGrantPages: pages });
    this.#table = new CapabilityTable<Thing>(this.#ledger);
    this.#handles = handles;
    this.#wear(slots, worn);
  }

  /** Uses every slot so often that it stands at a later generation. */
  #wear(slots: number, generation: number): void {
    const spare = this.#things[0] as Thing;
    for (let turn = 0; turn < generation; turn++) {
      const ids = Array.from({ length: slots }, () => this.#table.insert(newHold(spare, 1n)));
      for (const id of ids) this.#table.remove(Number(id));
    }
  }

  apply(operation: TableOperation): string {
    if (operation.do === "insert") return this.#insert(operation.object, operation.mode);
    if (operation.do === "revoke" || operation.do === "kill")
      return this.#end(operation.do, operation.object);
    if (operation.do === "clear") return this.#clear();
    return this.#onHandle(operation);
  }

  #insert(number: number, mode: TransferMode): string {
    const object = this.#things[number] as Thing;
    return this.#note(this.#table.insert(newHold(object, BigInt(number), { mode })), number, mode);
  }

  /** Records a new handle: none may ever be issued twice. */
  #note(id: number | string, object: number, mode: TransferMode): string {
    const room = this.#ledger.limit("capSlots") - this.#known.size;
    if (typeof id === "string") {
      if (id === "capSlotsExhausted" || room === 0) return `refused ${id}`;
      const left = this.#ledger.limit("frameGrantPages") - this.#pages();
      if ((PAGES[object] as number) <= left) throw new Error(`refused with room for it: ${id}`);
      return `refused ${id}`;
    }
    if (this.#issued.has(id)) throw new Error(`KER-43 handle ${id} was issued before`);
    const hold = this.#table.peek(id);
    if (hold === undefined) throw new Error(`KER-43 handle ${id} names nothing`);
    this.#issued.add(id);
    this.#known.set(id, { object, mode, moving: false, hold });
    return "ok";
  }

  #pages(): number {
    return [...this.#known.values()].reduce((sum, { object }) => sum + (PAGES[object] as number), 0);
  }

  #usable(known: (Known & { hold: Hold<Thing> }) | undefined): boolean {
    return known !== undefined && known.hold.cell.epoch === known.hold.epoch && known.hold.object.live;
  }

  #onHandle({ do: name, id }: HandleOperation): string {
    const known = this.#known.get(id);
    const usable = this.#usable(known);
    const expect = (good: boolean, outcome: unknown): string => {
      const is = typeof outcome !== "string" || outcome === "ok";
      if (is !== good) throw new Error(`${name} of ${id}: ${String(outcome)}`);
      return is ? "ok" : `refused ${String(outcome)}`;
    };
    switch (name) {
      case "remove": {
        const word = expect(known !== undefined && !known.moving, this.#table.remove(id));
        if (word === "ok") this.#known.delete(id);
        return word;
      }
      case "prepareMove": {
        const good = usable && known !== undefined && !known.moving && known.mode !== "none";
        const word = expect(good, this.#table.prepareMove(id, "ipcTransfer"));
        if (word === "ok" && known !== undefined) known.moving = true;
        return word;
      }
      case "commitMove": {
        const word = expect(known?.moving === true, this.#table.commitMove(id));
        if (word === "ok") this.#known.delete(id);
        return word;
      }
      case "rollbackMove": {
        const word = expect(known !== undefined, this.#table.rollbackMove(id));
        if (known !== undefined) known.moving = false;
        return word;
      }
      default:
        return this.#copy(id, name === "copy");
    }
  }

  #copy(id: number, keep: boolean): string {
    const known = this.#known.get(id);
    const prepared = this.#table.prepareCopy(id, "resultCap");
    const good = this.#usable(known) && known?.moving === false && known.mode === "copy";
    if ((typeof prepared !== "string") !== good) throw new Error(`prepareCopy of ${id}: ${String(prepared)}`);
    if (typeof prepared === "string" || known === undefined) return `refused ${String(prepared)}`;
    const token = this.#table.insertProvisional(prepared.hold);
    const word = this.#note(typeof token === "string" ? token : token.id, known.object, known.mode);
    if (typeof token === "string") return word;
    if (keep && this.#table.commitProvisional(token) !== "ok") throw new Error("a fresh copy is not usable");
    if (keep) return word;
    if (typeof this.#table.rollbackProvisional(token) === "string") throw new Error("a fresh copy stays");
    this.#known.delete(token.id);
    return "ok";
  }

  #end(name: "revoke" | "kill", number: number): string {
    const thing = this.#things[number] as Thing;
    if (name === "kill") {
      thing.live = false;
      return "ok";
    }
    const named = [...this.#known.values()].some(({ object }) => object === number);
    const outcome = this.#table.revokeObject(thing);
    if ((typeof outcome === "number") !== named) throw new Error(`revoke of object ${number}: ${outcome}`);
    return named ? "ok" : "refused notFound";
  }

  /** The end of a process; its handles are worth nothing afterwards, so they may come again. */
  #clear(): string {
    const released = this.#table.clear();
    if (released.length !== this.#known.size)
      throw new Error(`${released.length} holds released of ${this.#known.size}`);
    this.#known.clear();
    this.#issued.clear();
    return "ok";
  }

  key(): string {
    const cells = new Map<unknown, number>();
    const shared = [...this.#table.entries()].map(([, { cell }]) => {
      if (!cells.has(cell)) cells.set(cell, cells.size);
      return cells.get(cell);
    });
    const live = this.#things.map((thing) => thing.live);
    return `${this.#table.digest()} ${shared.join()} ${live.join()} ${this.#ledger.used("frameGrantPages")}`;
  }

  broken(): readonly string[] {
    const broken = [
      ...brokenLedgerRules(this.#ledger, this.#table.charges()),
      ...brokenTableRules(this.#table, "the table"),
    ];
    for (const id of this.#handles) {
      const known = this.#known.get(id);
      const found = this.#table.get(id);
      const good = this.#usable(known);
      const right = typeof found === "string" ? !good : good && found.object.number === known?.object;
      if (!right)
        broken.push(`KER-43 handle ${id} gives ${typeof found === "string" ? found : found.object.label}`);
    }
    return broken;
  }
}

interface TableConfiguration {
  readonly slots: number;
  readonly pages: number;
  /** Generation that every slot stands at in the beginning. */
  readonly worn: number;
  readonly handles: readonly number[];
}

export function capTableSpace(slots: number, pages: number, worn: number): Space<TableOperation> {
  const generations = [0, 1, 2].map((more) => worn + more).filter((generation) => generation <= 255);
  const handles = generations.flatMap((generation) =>
    Array.from({ length: slots }, (_, index) => generation * INDEX_UNIT + index),
  );
  handles.push(worn * INDEX_UNIT + slots);
  const perHandle = ["remove", "prepareMove", "commitMove", "rollbackMove", "copy", "copyBack"] as const;
  const operations: TableOperation[] = [
    { do: "insert", object: 0, mode: "copy" },
    { do: "insert", object: 0, mode: "none" },
    { do: "insert", object: 1, mode: "copy" },
    { do: "insert", object: 1, mode: "move" },
    ...perHandle.flatMap((name) => handles.map((id): TableOperation => ({ do: name, id }))),
    { do: "revoke", object: 0 },
    { do: "revoke", object: 1 },
    { do: "kill", object: 1 },
    { do: "clear" },
  ];
  const configuration = { slots, pages, worn, handles };
  return {
    name: worn === 0 ? "cap table" : "cap table, last generations",
    bound: `${slots} slots from generation ${worn}, ${pages} pages, 2 objects, ${handles.length} handles`,
    operations,
    create: () => new TableSystem(configuration),
  };
}
