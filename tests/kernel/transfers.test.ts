/** Transfer descriptors: place and content, as the published checks decide. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { descriptorRegion, isValidDescriptor } from "../../src/kernel/transfers.ts";

const { transfer_checks: checks } = JSON.parse(
  readFileSync(new URL("../data/ring.json", import.meta.url), "utf8"),
) as {
  transfer_checks: {
    descriptors: readonly { transfer_mode: number; reserved0: number; valid: boolean }[];
    regions: readonly {
      addr: string;
      len: number;
      count: number;
      start: string | null;
      end: string | null;
    }[];
  };
};

test.each(checks.descriptors)("mode $transfer_mode reserved $reserved0 -> $valid", (check) => {
  expect(isValidDescriptor(check.transfer_mode, check.reserved0)).toBe(check.valid);
});

test.each(checks.regions)(
  "region behind $addr + $len, $count descriptors",
  ({ addr, len, count, start, end }) => {
    const expected = start === null || end === null ? undefined : BigInt(start);
    expect(descriptorRegion(BigInt(addr), len, count)).toBe(expected);
  },
);
