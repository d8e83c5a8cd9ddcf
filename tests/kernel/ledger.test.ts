/** Charges are checked before they are made, and KER-3 notices a count that is not the sum. */

import { describe, expect, test } from "vitest";
import { brokenLedgerRules, DEFAULT_LIMITS, Ledger, RESOURCES } from "../../src/kernel/ledger.ts";

describe("Ledger", () => {
  test("has the published limits", () => {
    expect(DEFAULT_LIMITS).toEqual({
      capSlots: 256,
      outstandingCalls: 64,
      scratchBytes: 262_144,
      frameGrantPages: 4_096,
      virtualReservationPages: 262_144,
      threads: 16,
      timerSleeps: 8,
    });
  });

  test.each(RESOURCES)("charges %s up to the limit and not past it", (resource) => {
    const ledger = new Ledger({ [resource]: 10 });
    expect(ledger.charge(resource, 7)).toBe(true);
    expect(ledger.charge(resource, 4)).toBe(false);
    expect(ledger.used(resource)).toBe(7);
    expect(ledger.charge(resource, 3)).toBe(true);
    expect(ledger.available(resource)).toBe(0);
    expect(ledger.charge(resource, 0)).toBe(true);
  });

  test.each([NaN, -1, 0.5, Infinity, 2 ** 60])("a charge of %d fails closed", (amount) => {
    const ledger = new Ledger();
    expect(ledger.charge("scratchBytes", amount)).toBe(false);
    expect(ledger.used("scratchBytes")).toBe(0);
  });

  test("releases stop at zero, and what is no count is our bug", () => {
    const ledger = new Ledger();
    ledger.charge("threads", 2);
    ledger.release("threads", 5);
    expect(ledger.used("threads")).toBe(0);
    expect(() => ledger.release("threads", -1)).toThrow(/^KER-3/);
  });

  test("says what is left in words", () => {
    const ledger = new Ledger({ frameGrantPages: 8 });
    ledger.charge("frameGrantPages", 5);
    expect(ledger.refusal("frameGrantPages", 4)).toBe("4 more frame grant pages asked, 3 of 8 left");
  });

  test("KER-3 notices a count that is not the sum, and one past its limit", () => {
    const ledger = new Ledger({ capSlots: 4 });
    ledger.charge("capSlots", 3);
    expect(brokenLedgerRules(ledger, { capSlots: 3 })).toEqual([]);
    expect(brokenLedgerRules(ledger, { capSlots: 2 })).toEqual([
      "KER-3 ledger says 3 capability slots used, their sum is 2",
    ]);
    Object.assign(ledger, { limit: () => 2 });
    expect(brokenLedgerRules(ledger, {})).toEqual(["KER-3 3 capability slots used, the limit is 2"]);
  });
});
