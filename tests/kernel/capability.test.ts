/** The capability table against the published trace, and rule by rule. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CapabilityTable, newHold, scopeAllows } from "../../src/kernel/capability.ts";
import type { CapabilityObject, Hold, HoldTerms, TransferMode } from "../../src/kernel/capability.ts";
import { brokenLedgerRules, Ledger } from "../../src/kernel/ledger.ts";

interface Thing extends CapabilityObject {
  chargedPages: number;
  live: boolean;
  label: string;
}
type Line = readonly [operation: string, ...rest: (string | number)[]];

const trace = JSON.parse(readFileSync(new URL("../data/cap-table-trace.json", import.meta.url), "utf8")) as {
  readonly walk: readonly Line[];
  readonly retirement: Readonly<Record<string, string | number>>;
};

const MODES: readonly TransferMode[] = ["none", "copy", "move"];
const ERRORS: Readonly<Record<string, string>> = {
  NotFound: "notFound",
  StaleGeneration: "staleGeneration",
  Revoked: "revoked",
  TransferPending: "transferPending",
  TransferNotAllowed: "transferNotAllowed",
  "ResourceExhausted(cap slots)": "capSlotsExhausted",
  "ResourceExhausted(frame grant pages)": "frameGrantPagesExhausted",
};

const thing = (chargedPages = 0, label = "thing"): Thing => ({ chargedPages, live: true, label });
const idText = (id: number): string => `0x${id.toString(16).padStart(8, "0")}`;

function makeTable(limits: ConstructorParameters<typeof Ledger>[0] = {}) {
  const ledger = new Ledger(limits);
  const table = new CapabilityTable<Thing>(ledger);
  const put = (object: Thing, terms: HoldTerms = {}): number => {
    const id = table.insert(newHold(object, 7n, terms));
    if (typeof id === "string") throw new Error(id);
    return id;
  };
  return { ledger, table, put };
}

const ok = (value: unknown): string => (typeof value === "string" ? value : "ok");

test("repeats the published walk over two tables", () => {
  const a = makeTable();
  const b = makeTable();
  const objects = new Map<number, Thing>();
  let replayed = 0;
  for (const [i, line] of trace.walk.entries()) {
    const [operation, argument] = line;
    const [outcome, slots, pages] = line.slice(-3);
    const id = Number(argument);
    const run = (): string | undefined => {
      switch (operation) {
        case "a.insert": {
          const object = thing(id);
          const got = a.table.insert(newHold(object, 0n, { mode: MODES[Number(line[2])] ?? "none" }));
          if (typeof got === "string") return got;
          objects.set(got, object);
          return idText(got);
        }
        case "a.remove":
          return ok(a.table.remove(id));
        case "a.get":
          return ok(a.table.get(id));
        case "a.prepare_move":
          return ok(a.table.prepareMove(id, "ipcTransfer"));
        case "a.prepare_spawn":
          return ok(a.table.prepareSpawnGrant(id));
        case "a.prepare_raw_spawn":
          return ok(a.table.prepareRawSpawnGrant(id));
        case "a.commit_move":
          return ok(a.table.commitMove(id));
        case "a.rollback_move":
          return a.table.rollbackMove(id);
        case "a.copy_to_b": {
          const prepared = a.table.prepareCopy(id, "ipcTransfer");
          if (typeof prepared === "string") return prepared;
          const token = b.table.insertProvisional(prepared.hold);
          if (typeof token === "string") return token;
          return b.table.commitProvisional(token) === "ok" ? idText(token.id) : "revoked";
        }
        case "a.revoke_object_inserted_as": {
          const epoch = a.table.revokeObject(objects.get(id) ?? thing());
          return typeof epoch === "number" ? `epoch ${epoch}` : epoch;
        }
        // How its argument stands for slots and pages is not recorded; only that it charges nothing.
        case "a.preflight":
          return undefined;
        default:
          throw new Error(`unknown operation ${operation}`);
      }
    };
    const got = run();
    if (got !== undefined) {
      replayed++;
      expect([i, ...line.slice(0, -3), got]).toEqual([
        i,
        ...line.slice(0, -3),
        ERRORS[String(outcome)] ?? outcome,
      ]);
    }
    expect([i, a.ledger.used("capSlots"), a.ledger.used("frameGrantPages")]).toEqual([i, slots, pages]);
    expect(brokenLedgerRules(a.ledger, a.table.charges())).toEqual([]);
  }
  expect(replayed).toBeGreaterThan(370);
});

describe("ids and generations", () => {
  test("the first id is 0; freed indexes come back last in, first out, one generation on", () => {
    const { table, put } = makeTable();
    expect([put(thing()), put(thing()), put(thing())]).toEqual([0, 1, 2]);
    table.remove(0);
    table.remove(2);
    expect([put(thing()), put(thing()), put(thing())]).toEqual([0x0100_0002, 0x0100_0000, 3]);
  });

  test("a slot lives 256 times and is then retired for good", () => {
    const { table, put } = makeTable();
    let last = 0;
    for (let i = 0; i < 256; i++) {
      last = put(thing());
      table.remove(last);
    }
    expect(idText(last)).toBe(trace.retirement["generation_255_id"]);
    expect(table.get(last)).toBe(ERRORS[String(trace.retirement["get_retired"])]);
    expect(idText(put(thing()))).toBe(trace.retirement["after_retire"]);
    let live = 1;
    let refused: number | string = 0;
    while (typeof (refused = table.insert(newHold(thing(), 0n))) === "number") live++;
    expect(live).toBe(trace.retirement["live_slots_when_full_with_one_retired"]);
    expect(refused).toBe(ERRORS[String(trace.retirement["error_then"])]);
  });

  test("a fresh table takes 256 and then refuses without a trace", () => {
    const { table, put, ledger } = makeTable();
    for (let i = 0; i < 256; i++) put(thing());
    const before = table.digest();
    expect(table.insert(newHold(thing(3), 0n))).toBe("capSlotsExhausted");
    expect(table.digest()).toBe(before);
    expect(ledger.used("frameGrantPages")).toBe(0);
  });

  test("pages past the frame grant are refused and the slot is not charged", () => {
    const { table, ledger } = makeTable({ frameGrantPages: 10 });
    expect(table.insert(newHold(thing(11), 0n))).toBe("frameGrantPagesExhausted");
    expect(ledger.used("capSlots")).toBe(0);
    expect(table.preflight(2, 10)).toBeUndefined();
    expect(table.preflight(2, 11)).toBe("frameGrantPagesExhausted");
    expect(table.preflight(257, 11)).toBe("capSlotsExhausted");
  });
});

describe("lookup order", () => {
  test("index, generation, epoch, liveness, emptiness", () => {
    const { table, put } = makeTable();
    const object = thing();
    const id = put(object);
    expect(table.get(9)).toBe("notFound");
    expect(table.get(id + 0x0100_0000)).toBe("staleGeneration");
    object.live = false;
    expect(table.get(id)).toBe("revoked");
    object.live = true;
    table.revokeObject(object);
    expect(table.get(id)).toBe("revoked");
    expect(table.peek(id)?.object).toBe(object);
    expect(ok(table.remove(id))).toBe("ok");
    expect(table.get(id)).toBe("staleGeneration");
  });

  test("a free slot whose last hold was revoked says so to get and prepare, not to remove", () => {
    const { table, put } = makeTable();
    const object = thing();
    put(object, { mode: "copy" });
    table.revokeObject(object);
    table.remove(0);
    expect(table.get(0x0100_0000)).toBe("revoked");
    expect(table.prepareSpawnGrant(0x0100_0000)).toBe("revoked");
    expect(table.remove(0x0100_0000)).toBe("notFound");
    expect(table.rollbackMove(0x0100_0000)).toBe("notFound");
  });
});

describe("transfers", () => {
  test("the origin is checked before the id", () => {
    const { table } = makeTable();
    for (const origin of ["kernel", "spawnGrant", "spawnerEndpointResult"] as const) {
      expect(table.prepareCopy(5, origin)).toBe("invalidTransferOrigin");
      expect(table.prepareMove(5, origin)).toBe("invalidTransferOrigin");
    }
    expect(table.prepareCopy(5, "resultCap")).toBe("notFound");
  });

  test.each([
    ["prepareCopy", { none: false, copy: true, move: false }],
    ["prepareMove", { none: false, copy: true, move: true }],
    ["prepareSpawnGrant", { none: false, copy: true, move: false }],
    ["prepareRawSpawnGrant", { none: true, copy: true, move: true }],
    ["prepareMoveSpawnGrant", { none: false, copy: true, move: true }],
  ] as const)("%s asks the mode", (name, allowed) => {
    for (const mode of MODES) {
      const { table, put } = makeTable();
      const id = put(thing(), { mode });
      const got =
        name === "prepareCopy" || name === "prepareMove" ? table[name](id, "ipcTransfer") : table[name](id);
      expect([mode, ok(got)]).toEqual([mode, allowed[mode] ? "ok" : "transferNotAllowed"]);
    }
  });

  test("the hold travels unchanged but for its origin", () => {
    const { table, put } = makeTable();
    const object = thing(5);
    const terms = {
      mode: "copy",
      badge: 9n,
      scope: "serviceRegrant",
      disclosure: 3,
      origin: "spawnerEndpointResult",
    } as const;
    const id = put(object, terms);
    const prepared = table.prepareCopy(id, "resultCap");
    if (typeof prepared === "string") throw new Error(prepared);
    const source = table.peek(id);
    expect(prepared).toEqual({ sourceId: id, move: false, hold: { ...source, origin: "resultCap" } });
    expect(prepared.hold.cell).toBe(source?.cell);
  });

  test("a reserved source still answers calls, and nothing else until the move ends", () => {
    const { table, put } = makeTable();
    const id = put(thing(), { mode: "move" });
    expect(ok(table.prepareMove(id, "ipcTransfer"))).toBe("ok");
    expect(ok(table.get(id))).toBe("ok");
    expect(table.remove(id)).toBe("transferPending");
    expect(table.prepareRawSpawnGrant(id)).toBe("transferPending");
    expect(table.prepareMove(id, "ipcTransfer")).toBe("transferPending");
    expect(table.rollbackMove(id)).toBe("ok");
    expect(table.commitMove(id)).toBe("transferNotAllowed");
    expect(ok(table.remove(id))).toBe("ok");
  });

  test("a committed move leaves the source empty and uncharged", () => {
    const { table, put, ledger } = makeTable();
    const id = put(thing(12), { mode: "copy" });
    table.prepareMoveSpawnGrant(id);
    expect(ok(table.commitMove(id))).toBe("ok");
    expect([ledger.used("capSlots"), ledger.used("frameGrantPages")]).toEqual([0, 0]);
    expect(table.get(id)).toBe("staleGeneration");
  });

  test("a copy charges the destination too", () => {
    const [a, b] = [makeTable(), makeTable({ frameGrantPages: 20 })];
    const id = a.put(thing(12), { mode: "copy" });
    const prepared = a.table.prepareCopy(id, "ipcTransfer");
    if (typeof prepared === "string") throw new Error(prepared);
    expect(ok(b.table.insertProvisional(prepared.hold))).toBe("ok");
    expect(b.table.insertProvisional(prepared.hold)).toBe("frameGrantPagesExhausted");
    expect([a.ledger.used("frameGrantPages"), b.ledger.used("frameGrantPages")]).toEqual([12, 12]);
  });
});

describe("provisional inserts", () => {
  test("a token of another table is refused", () => {
    const [a, b] = [makeTable(), makeTable()];
    const token = a.table.insertProvisional(newHold(thing(), 0n));
    if (typeof token === "string") throw new Error(token);
    expect(b.table.commitProvisional(token)).toBe("invalidTransferToken");
    expect(b.table.rollbackProvisional(token)).toBe("invalidTransferToken");
    expect(a.table.commitProvisional(token)).toBe("ok");
  });

  test("what was revoked on the way arrives dead, and can still be taken back", () => {
    const [a, b] = [makeTable(), makeTable()];
    const object = thing();
    const id = a.put(object, { mode: "copy" });
    const prepared = a.table.prepareCopy(id, "ipcTransfer");
    if (typeof prepared === "string") throw new Error(prepared);
    a.table.revokeObject(object);
    const token = b.table.insertProvisional(prepared.hold);
    if (typeof token === "string") throw new Error(token);
    expect(b.table.commitProvisional(token)).toBe("revoked");
    expect(ok(b.table.rollbackProvisional(token))).toBe("ok");
    expect(b.ledger.used("capSlots")).toBe(0);
  });
});

describe("revocation", () => {
  test("reaches every table that shares the cell, and no other insertion of another object", () => {
    const [a, b] = [makeTable(), makeTable()];
    const [object, other] = [thing(), thing()];
    const id = a.put(object, { mode: "copy" });
    const otherId = a.put(other);
    const prepared = a.table.prepareCopy(id, "ipcTransfer");
    if (typeof prepared === "string") throw new Error(prepared);
    const copy = b.table.insert(prepared.hold);
    expect(a.table.revokeObject(object)).toBe(1);
    expect(b.table.get(Number(copy))).toBe("revoked");
    expect(ok(a.table.get(otherId))).toBe("ok");
    expect(a.table.revokeObject(thing())).toBe("notFound");
  });

  test("two slots with one cell count as one; the epoch skips zero", () => {
    const { table, put } = makeTable();
    const object = thing();
    const id = put(object, { mode: "copy" });
    const prepared = table.prepareCopy(id, "resultCap");
    if (typeof prepared === "string") throw new Error(prepared);
    table.insert(prepared.hold);
    expect(table.revokeObject(object)).toBe(1);
    prepared.hold.cell.epoch = 2 ** 48 - 1;
    expect(table.revokeObject(object)).toBe(1);
  });
});

test.each([
  ["sameSession", [true, false, true, false]],
  ["crossSession", [true, true, true, true]],
  ["serviceRegrant", [true, false, true, true]],
] as const)("scope %s between sessions", (scope, wanted) => {
  const cases = [
    [true, false],
    [false, false],
    [true, true],
    [false, true],
  ] as const;
  expect(cases.map(([same, regrant]) => scopeAllows(scope, same, regrant))).toEqual(wanted);
});

test("clearing runs nic objects first, then slot order, and uncharges everything", () => {
  const { table, put, ledger } = makeTable();
  const order = [thing(1, "console"), thing(2, "nic"), thing(3, "timer"), thing(4, "nic")];
  for (const object of order) put(object, { mode: "move" });
  table.prepareMove(0, "ipcTransfer");
  expect([...table.entries()].map(([id]) => id)).toEqual([0, 1, 2, 3]);
  const cleared: Hold<Thing>[] = table.clear();
  expect(cleared.map((hold) => hold.object)).toEqual([order[1], order[3], order[0], order[2]]);
  expect([ledger.used("capSlots"), ledger.used("frameGrantPages")]).toEqual([0, 0]);
  expect(table.get(0)).toBe("notFound");
});
