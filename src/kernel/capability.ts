/**
 * A process's capability table: slots with generations that hold references to kernel objects.
 *
 *   id = generation (bits 24..31) | slot index (bits 0..23); the first id of a process is 0
 *
 * A hold (how the reference was given: mode, scope, badge, interface, origin) travels unchanged from table to
 * table, only its origin is rewritten; copies share an epoch cell, so revocation reaches every one of them.
 * Transfers have two halves: prepare reads the source and may mark it, commit or rollback ends it.
 */

import { InvariantError } from "../invariant.ts";
import { INDEX_BITS, INDEX_MASK, MAX_GENERATION } from "./abi.ts";
import type { Ledger } from "./ledger.ts";

/** What a slot can refer to, as far as the table is concerned. */
export interface CapabilityObject {
  /** Pages charged to the frame grant of every holder. */
  readonly chargedPages: number;
  /** False once the thing behind it is gone, whatever the epoch says. */
  readonly live: boolean;
  /** The kind, for listings and the order of release; `nic` objects go first. */
  readonly label: string;
}

export type TransferMode = "none" | "copy" | "move";
export type TransferScope = "sameSession" | "crossSession" | "serviceRegrant";
export type HoldOrigin = "kernel" | "spawnGrant" | "ipcTransfer" | "resultCap" | "spawnerEndpointResult";

/** Shared by all copies of one insertion: one more revokes them all. Zero is skipped. */
export interface EpochCell {
  epoch: number;
}

/** A reference to an object and the terms it was given on. */
export interface Hold<T extends CapabilityObject = CapabilityObject> {
  readonly object: T;
  readonly interfaceId: bigint;
  readonly badge: bigint;
  readonly mode: TransferMode;
  readonly scope: TransferScope;
  /** Session fields that calls through this hold may disclose (bits 0..2). */
  readonly disclosure: number;
  readonly origin: HoldOrigin;
  readonly cell: EpochCell;
  /** The cell's epoch when this hold was made; another one now means revoked. */
  readonly epoch: number;
}

/** The terms of a fresh hold; what is left out is the plain kernel hold. */
export type HoldTerms = Partial<Pick<Hold, "badge" | "mode" | "scope" | "disclosure" | "origin">>;

export type LookupError = "notFound" | "staleGeneration" | "revoked";
export type InsertError = "capSlotsExhausted" | "frameGrantPagesExhausted";
export type PrepareError = LookupError | "transferPending" | "transferNotAllowed" | "invalidTransferOrigin";
export type RemoveError = "notFound" | "staleGeneration" | "transferPending";
export type RollbackError = "notFound" | "staleGeneration";
export type CommitMoveError = "notFound" | "staleGeneration" | "transferNotAllowed";
export type TokenError = LookupError | "invalidTransferToken";

/** A hold on its way to another table. `move` sources stay marked until committed or rolled back. */
export interface PreparedTransfer<T extends CapabilityObject = CapabilityObject> {
  readonly sourceId: number;
  readonly move: boolean;
  readonly hold: Hold<T>;
}

/** An insertion that may still be taken back. */
export interface ProvisionalInsert<T extends CapabilityObject = CapabilityObject> {
  readonly table: CapabilityTable<T>;
  readonly id: number;
}

/**
 * One slot. A slot stays in the array after its hold is removed: `generation` is then the next one, and `last`
 * (the removed hold) still answers `revoked` when its cell moved on.
 */
interface Slot<T extends CapabilityObject> {
  generation: number;
  hold: Hold<T> | undefined;
  last: Hold<T> | undefined;
  moveReserved: boolean;
  /** Pages charged when the hold was inserted; given back when it is removed. */
  chargedPages: number;
}

const FRESH_EPOCH = 0;
const nextEpoch = (epoch: number): number => (epoch + 1) % 2 ** 48 || 1;

/** A hold as the kernel itself hands it out: a cell of its own, not transferable unless the terms say so. */
export function newHold<T extends CapabilityObject>(
  object: T,
  interfaceId: bigint,
  terms: HoldTerms = {},
): Hold<T> {
  return {
    object,
    interfaceId,
    badge: terms.badge ?? 0n,
    mode: terms.mode ?? "none",
    scope: terms.scope ?? "sameSession",
    disclosure: terms.disclosure ?? 0,
    origin: terms.origin ?? "kernel",
    cell: { epoch: FRESH_EPOCH },
    epoch: FRESH_EPOCH,
  };
}

/** Whether a hold of this scope may pass between two processes. */
export function scopeAllows(scope: TransferScope, sameSession: boolean, serviceRegrant: boolean): boolean {
  return sameSession || scope === "crossSession" || (scope === "serviceRegrant" && serviceRegrant);
}

const isRevoked = (hold: Hold | undefined): boolean => hold !== undefined && hold.cell.epoch !== hold.epoch;
const makeId = (generation: number, index: number): number => ((generation << INDEX_BITS) | index) >>> 0;
const indexOf = (id: number): number => id & INDEX_MASK;
const generationOf = (id: number): number => id >>> INDEX_BITS;

/**
 * Fields: `#slots` only grows, up to the limit of capability slots; `#free` = indexes of empty slots that may be
 * issued again, last freed on top; `live` = slots with a hold (KER-3: what the ledger is charged).
 */
export class CapabilityTable<T extends CapabilityObject = CapabilityObject> {
  readonly #ledger: Ledger;
  readonly #slots: Slot<T>[] = [];
  readonly #free: number[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Whether so many slots and pages would fit; the reason when not. */
  preflight(slots: number, pages: number): InsertError | undefined {
    const room = this.#free.length + this.#ledger.limit("capSlots") - this.#slots.length;
    if (slots > room || !this.#ledger.canCharge("capSlots", slots)) return "capSlotsExhausted";
    if (!this.#ledger.canCharge("frameGrantPages", pages)) return "frameGrantPagesExhausted";
    return undefined;
  }

  /** Stores a hold and charges one slot and the object's pages; the id, or why not. */
  insert(hold: Hold<T>): number | InsertError {
    const pages = hold.object.chargedPages;
    const refused = this.preflight(1, pages);
    if (refused !== undefined) return refused;
    this.#ledger.charge("capSlots", 1);
    this.#ledger.charge("frameGrantPages", pages);
    const index = this.#free.pop() ?? this.#grow();
    const slot = this.#slotAt(index);
    slot.hold = hold;
    slot.last = hold;
    slot.moveReserved = false;
    slot.chargedPages = pages;
    return makeId(slot.generation, index);
  }

  #grow(): number {
    const slot = { generation: 0, hold: undefined, last: undefined, moveReserved: false, chargedPages: 0 };
    return this.#slots.push(slot) - 1;
  }

  #slotAt(index: number): Slot<T> {
    const slot = this.#slots[index];
    if (slot === undefined) throw new InvariantError([`KER-4 slot ${index} does not exist`]);
    return slot;
  }

  /** The slot an id names, before its content is looked at. */
  #named(id: number): Slot<T> | "notFound" | "staleGeneration" {
    const slot = this.#slots[indexOf(id)];
    if (slot === undefined) return "notFound";
    return slot.generation === generationOf(id) ? slot : "staleGeneration";
  }

  /** Index, generation, epoch, the object's own word, emptiness: in this order. */
  #usable(id: number): (Slot<T> & { hold: Hold<T> }) | LookupError {
    const slot = this.#named(id);
    if (typeof slot === "string") return slot;
    if (isRevoked(slot.hold ?? slot.last)) return "revoked";
    if (slot.hold === undefined) return "notFound";
    return slot.hold.object.live ? (slot as Slot<T> & { hold: Hold<T> }) : "revoked";
  }

  /** The hold behind an id, for a call; works while a move is pending. */
  get(id: number): Hold<T> | LookupError {
    const slot = this.#usable(id);
    return typeof slot === "string" ? slot : slot.hold;
  }

  /** The hold an id names even when it is revoked, for RELEASE and listings. */
  peek(id: number): Hold<T> | undefined {
    const slot = this.#named(id);
    return typeof slot === "string" ? undefined : slot.hold;
  }

  /** Takes a hold out, revoked or not. The caller runs the object's release hook. */
  remove(id: number): Hold<T> | RemoveError {
    const slot = this.#named(id);
    if (typeof slot === "string") return slot;
    if (slot.hold === undefined) return "notFound";
    if (slot.moveReserved) return "transferPending";
    return this.#vacate(slot, indexOf(id));
  }

  #vacate(slot: Slot<T>, index: number): Hold<T> {
    const hold = slot.hold;
    if (hold === undefined) throw new InvariantError([`KER-4 slot ${index} is empty already`]);
    this.#ledger.release("capSlots", 1);
    this.#ledger.release("frameGrantPages", slot.chargedPages);
    slot.hold = undefined;
    slot.moveReserved = false;
    slot.chargedPages = 0;
    // A slot at the last generation is retired: its index is never issued again.
    if (slot.generation < MAX_GENERATION) {
      slot.generation++;
      this.#free.push(index);
    }
    return hold;
  }

  /** A copy for a message. Only holds of mode copy; the source is not changed. */
  prepareCopy(id: number, origin: HoldOrigin): PreparedTransfer<T> | PrepareError {
    if (!isMessageOrigin(origin)) return "invalidTransferOrigin";
    return this.#prepare(id, origin, COPY_ONLY, false);
  }

  /** A move for a message. The source is marked until `commitMove` or `rollbackMove`. */
  prepareMove(id: number, origin: HoldOrigin): PreparedTransfer<T> | PrepareError {
    if (!isMessageOrigin(origin)) return "invalidTransferOrigin";
    return this.#prepare(id, origin, COPY_OR_MOVE, true);
  }

  prepareSpawnGrant(id: number): PreparedTransfer<T> | PrepareError {
    return this.#prepare(id, "spawnGrant", COPY_ONLY, false);
  }

  /** Ignores the mode: the spawner decides by other rules which objects it gives away raw. */
  prepareRawSpawnGrant(id: number): PreparedTransfer<T> | PrepareError {
    return this.#prepare(id, "spawnGrant", ANY_MODE, false);
  }

  prepareMoveSpawnGrant(id: number): PreparedTransfer<T> | PrepareError {
    return this.#prepare(id, "spawnGrant", COPY_OR_MOVE, true);
  }

  #prepare(
    id: number,
    origin: HoldOrigin,
    modes: readonly TransferMode[],
    move: boolean,
  ): PreparedTransfer<T> | PrepareError {
    const slot = this.#usable(id);
    if (typeof slot === "string") return slot;
    if (slot.moveReserved) return "transferPending";
    if (!modes.includes(slot.hold.mode)) return "transferNotAllowed";
    if (move) slot.moveReserved = true;
    return { sourceId: id, move, hold: { ...slot.hold, origin } };
  }

  /** Clears the mark of a move. Marked or not, revoked or not. */
  rollbackMove(id: number): "ok" | RollbackError {
    const slot = this.#named(id);
    if (typeof slot === "string") return slot;
    if (slot.hold === undefined) return "notFound";
    slot.moveReserved = false;
    return "ok";
  }

  /** Ends a move: the source is gone, revoked or not. Its hold comes back, for the release hook. */
  commitMove(id: number): Hold<T> | CommitMoveError {
    const slot = this.#named(id);
    if (typeof slot === "string") return slot;
    if (!slot.moveReserved) return "transferNotAllowed";
    return this.#vacate(slot, indexOf(id));
  }

  /** Inserts what was prepared. It is usable at once, and may be taken back with the token. */
  insertProvisional(hold: Hold<T>): ProvisionalInsert<T> | InsertError {
    const id = this.insert(hold);
    return typeof id === "string" ? id : { table: this, id };
  }

  /** Validates only: a hold revoked on its way arrives dead. */
  commitProvisional(token: ProvisionalInsert<T>): "ok" | TokenError {
    if (token.table !== this) return "invalidTransferToken";
    const slot = this.#usable(token.id);
    return typeof slot === "string" ? slot : "ok";
  }

  rollbackProvisional(token: ProvisionalInsert<T>): Hold<T> | RemoveError | "invalidTransferToken" {
    return token.table === this ? this.remove(token.id) : "invalidTransferToken";
  }

  /** Revokes an object in every table that shares a cell with one of our slots; the new epoch. */
  revokeObject(object: T): number | "notFound" {
    const cells = new Set<EpochCell>();
    for (const slot of this.#slots) if (slot.hold?.object === object) cells.add(slot.hold.cell);
    let epoch: number | undefined;
    for (const cell of cells) {
      cell.epoch = nextEpoch(cell.epoch);
      epoch = cell.epoch;
    }
    return epoch ?? "notFound";
  }

  /** Live slots in slot order, revoked ones included. */
  *entries(): IterableIterator<readonly [id: number, hold: Hold<T>]> {
    for (const [index, slot] of this.#slots.entries()) {
      if (slot.hold !== undefined) yield [makeId(slot.generation, index), slot.hold];
    }
  }

  /** Empties the table at process exit. The holds in the order their release hooks run: `nic` first. */
  clear(): Hold<T>[] {
    const holds: Hold<T>[] = [];
    for (const [index, slot] of this.#slots.entries()) {
      if (slot.hold !== undefined) holds.push(this.#vacate(slot, index));
    }
    this.#slots.length = 0;
    this.#free.length = 0;
    const first = holds.filter((hold) => hold.object.label === "nic");
    return [...first, ...holds.filter((hold) => hold.object.label !== "nic")];
  }

  /** Every slot, and the indexes that may be issued again, for the checks of KER-43 and KER-44. */
  layout(): {
    readonly slots: readonly {
      readonly generation: number;
      readonly held: boolean;
      readonly moving: boolean;
    }[];
    readonly free: readonly number[];
  } {
    const slots = this.#slots.map(({ generation, hold, moveReserved }) => {
      return { generation, held: hold !== undefined, moving: moveReserved };
    });
    return { slots, free: this.#free };
  }

  /** What the ledger should have been charged for this table (KER-3). */
  charges(): { readonly capSlots: number; readonly frameGrantPages: number } {
    let capSlots = 0;
    let frameGrantPages = 0;
    for (const slot of this.#slots) {
      if (slot.hold !== undefined) capSlots++;
      frameGrantPages += slot.chargedPages;
    }
    return { capSlots, frameGrantPages };
  }

  /** Everything a refused call must leave as it was, as text (KER-6). */
  digest(): string {
    const line = (slot: Slot<T>): string =>
      `${slot.generation} ${slot.hold?.object.label ?? "-"} ${slot.hold?.interfaceId ?? ""} ` +
      `${slot.hold?.badge ?? ""} ${slot.hold?.mode ?? ""} ${slot.hold?.origin ?? ""} ` +
      `${isRevoked(slot.hold) ? "revoked" : ""} ${slot.moveReserved ? "moving" : ""} ${slot.chargedPages}`;
    return `${this.#slots.map(line).join("\n")}\nfree ${this.#free.join(" ")}`;
  }
}

const COPY_ONLY: readonly TransferMode[] = ["copy"];
const COPY_OR_MOVE: readonly TransferMode[] = ["copy", "move"];
const ANY_MODE: readonly TransferMode[] = ["none", "copy", "move"];

const isMessageOrigin = (origin: HoldOrigin): boolean => origin === "ipcTransfer" || origin === "resultCap";
