/** Two capability tables of ours under the operations of a table job (`src/table.rs`). */

import { CapabilityTable, newHold } from "../../src/kernel/capability.ts";
import type {
  CapabilityObject, Hold, HoldOrigin, PreparedTransfer, ProvisionalInsert, TransferMode,
} from "../../src/kernel/capability.ts"; // prettier-ignore
import { Ledger } from "../../src/kernel/ledger.ts";
import type { Resource } from "../../src/kernel/ledger.ts";
import type { Writer } from "./jobs.ts";

export interface TableStep {
  readonly operation: number;
  readonly which: number;
  /** A capability id, an object's number or an amount. */
  readonly id: number;
  readonly detail: number;
}

export interface Thing extends CapabilityObject {
  readonly number: number;
  live: boolean;
}

export const OBJECTS = 8;
const FIRST_CARD = 6;
export const MODES: readonly TransferMode[] = ["none", "copy", "move"];
const ORIGINS: readonly HoldOrigin[] = [
  "kernel",
  "spawnGrant",
  "ipcTransfer",
  "resultCap",
  "spawnerEndpointResult",
];
const CODES: Readonly<Record<string, number>> = {
  notFound: 1,
  staleGeneration: 2,
  revoked: 3,
  transferNotAllowed: 5,
  transferPending: 6,
  invalidTransferOrigin: 7,
  invalidTransferToken: 8,
  capSlotsExhausted: 9,
  frameGrantPagesExhausted: 10,
  virtualReservationPagesExhausted: 11,
  outstandingCallsExhausted: 12,
};
const ACCOUNTED: readonly Resource[] = ["frameGrantPages", "virtualReservationPages", "outstandingCalls"];

type Outcome = number | string;

const numberOf = (found: Hold<Thing> | string): Outcome =>
  typeof found === "string" ? found : found.object.number;
const preparedValue = (found: PreparedTransfer<Thing> | string): Outcome =>
  typeof found === "string" ? found : ORIGINS.indexOf(found.hold.origin) | (found.move ? 256 : 0);

export class TableWorld {
  readonly ledgers = [new Ledger(), new Ledger()];
  readonly tables = this.ledgers.map((ledger) => new CapabilityTable<Thing>(ledger));
  readonly things = Array.from({ length: OBJECTS }, (_, number): Thing => {
    return { number, chargedPages: number % 4, live: true, label: number >= FIRST_CARD ? "nic" : "thing" };
  });

  /** Performs the step and appends its answer; the outcome. */
  run(step: TableStep, answer?: Writer): Outcome {
    const table = this.#table(step.which);
    const outcome = step.operation < 14 ? this.#perform(table, step) : this.#account(table, step);
    if (answer === undefined) return outcome;
    const ledger = this.#ledger(step.which);
    const code = typeof outcome === "string" ? CODES[outcome] : 0;
    if (code === undefined) throw new Error(`no code for ${outcome}`);
    answer.u8(code).u32(typeof outcome === "string" ? 0 : outcome);
    answer.u32(ledger.used("capSlots"));
    for (const resource of ACCOUNTED) answer.u32(ledger.used(resource));
    answer.u32([...table.entries()].length);
    return outcome;
  }

  #table(which: number): CapabilityTable<Thing> {
    const table = this.tables[which];
    if (table === undefined) throw new Error(`no table ${which}`);
    return table;
  }
  #ledger(which: number): Ledger {
    const ledger = this.ledgers[which];
    if (ledger === undefined) throw new Error(`no ledger ${which}`);
    return ledger;
  }
  #thing(number: number): Thing {
    const thing = this.things[number];
    if (thing === undefined) throw new Error(`no object ${number}`);
    return thing;
  }

  #perform(table: CapabilityTable<Thing>, { operation, which, id, detail }: TableStep): Outcome {
    const origin = ORIGINS[detail] ?? "spawnerEndpointResult";
    switch (operation) {
      case 0:
        return table.insert(newHold(this.#thing(id), BigInt(id), { mode: MODES[detail] ?? "move" }));
      case 1:
        return numberOf(table.remove(id));
      case 2:
        return numberOf(table.get(id));
      case 3:
        return preparedValue(table.prepareCopy(id, origin));
      case 4:
        return preparedValue(table.prepareMove(id, origin));
      case 5:
        return preparedValue(table.prepareSpawnGrant(id));
      case 6:
        return preparedValue(table.prepareRawSpawnGrant(id));
      case 7:
        return preparedValue(table.prepareMoveSpawnGrant(id));
      case 8:
        return numberOf(table.commitMove(id));
      case 9: {
        const outcome = table.rollbackMove(id);
        return outcome === "ok" ? 0 : outcome;
      }
      case 10:
        return this.#copy(table, this.#table(1 - which), id, detail);
      case 11:
        return table.revokeObject(this.#thing(id));
      case 12:
        this.#thing(id).live = false;
        return 0;
      case 13:
        return this.#clear(table, this.#ledger(which));
      default:
        throw new Error(`no operation ${operation}`);
    }
  }

  #copy(from: CapabilityTable<Thing>, to: CapabilityTable<Thing>, id: number, detail: number): Outcome {
    const transfer = from.prepareCopy(id, "ipcTransfer");
    if (typeof transfer === "string") return transfer;
    const token: ProvisionalInsert<Thing> | string = to.insertProvisional(transfer.hold);
    if (typeof token === "string") return token;
    if (detail !== 0) return numberOf(to.rollbackProvisional(token));
    const committed = to.commitProvisional(token);
    return committed === "ok" ? token.id : committed;
  }

  /** The reference forgets the whole account here; ours gives back slots, and memory gives back the rest. */
  #clear(table: CapabilityTable<Thing>, ledger: Ledger): number {
    const order = table.clear().map(({ object }) => object.number);
    if (ledger.used("capSlots") !== 0) throw new Error("a cleared table still has slots charged");
    for (const resource of ACCOUNTED) ledger.release(resource, ledger.used(resource));
    return order.reduce((sum, number) => (Math.imul(sum, 31) + number + 1) >>> 0, 0);
  }

  #account(table: CapabilityTable<Thing>, { operation, which, id }: TableStep): Outcome {
    const ledger = this.#ledger(which);
    const charge = (resource: Resource, amount: number): Outcome =>
      ledger.charge(resource, amount) ? 0 : `${resource}Exhausted`;
    const release = (resource: Resource, amount: number): Outcome => {
      ledger.release(resource, amount);
      return 0;
    };
    switch (operation) {
      case 14:
        return charge("frameGrantPages", id);
      case 15:
        return release("frameGrantPages", id);
      case 16:
        return charge("virtualReservationPages", id);
      case 17:
        return release("virtualReservationPages", id);
      case 18:
        return charge("outstandingCalls", 1);
      case 19:
        return release("outstandingCalls", 1);
      case 20:
        return table.preflight(id, 0) ?? 0;
      default:
        return table.preflight(0, id) ?? 0;
    }
  }
}
