/** What went wrong with transfers once. */

import { expect, test } from "vitest";
import { CapabilityTable, newHold } from "../../src/kernel/capability.ts";
import type { CapabilityObject } from "../../src/kernel/capability.ts";
import { Ledger } from "../../src/kernel/ledger.ts";
import { transferSpace } from "../kernel/exhaustive/transfers.ts";

test("a move whose capability was revoked on the way can still be ended", () => {
  const table = new CapabilityTable<CapabilityObject>(new Ledger());
  const object = { chargedPages: 0, live: true, label: "thing" };
  const id = table.insert(newHold(object, 1n, { mode: "move" }));
  if (typeof id === "string") throw new Error(id);
  expect(typeof table.prepareMove(id, "ipcTransfer")).toBe("object");
  expect(table.revokeObject(object)).toBe(1);
  // It was refused as revoked, and the slot stayed reserved for good.
  expect(typeof table.commitMove(id)).toBe("object");
  expect([...table.entries()]).toEqual([]);
});

test("a delivery without room uses up no generation of the receiver's slots", () => {
  const system = transferSpace({ slots: [2, 1], pages: [1, 1], sets: 1 }).create();
  expect(system.apply({ do: "give", to: 0, object: 0 })).toBe("ok");
  const descriptors = [
    { capId: 0, move: false },
    { capId: 0, move: false },
  ];
  expect(system.apply({ do: "send", from: 0, descriptors })).toBe("ok");
  const before = system.key();
  // The first of the two went in and out again: after 255 times the slot was gone.
  for (let time = 0; time < 300; time++) expect(system.apply({ do: "deliver", to: 1 })).toBe("refused room");
  expect(system.key()).toBe(before);
});
