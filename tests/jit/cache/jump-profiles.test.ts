/** Where computed jumps were seen to go: order, bounds, and when a region should know more. */

import { expect, test } from "vitest";
import { CacheCell } from "../../../src/jit/cache/cell.ts";
import { JumpProfiles } from "../../../src/jit/cache/jump-profiles.ts";
import type { GuestAddress } from "../../../src/mmu/address.ts";

const at = (address: number): GuestAddress => address as GuestAddress;
const region = new CacheCell(at(0x401000), undefined, () => null);

test("the most frequent target comes first", () => {
  const profiles = new JumpProfiles();
  for (const target of [1, 2, 2, 3, 3, 3]) profiles.note(at(10), at(target));
  profiles.note(at(11), at(2));
  expect(profiles.get(at(10))).toEqual([3, 2, 1]);
  expect(profiles.get(at(12))).toBeUndefined();
  expect([profiles.sourceOf(at(2)), profiles.sourceOf(at(9))]).toEqual([10, undefined]);
});

test("a region should know targets that come often, and less and less so", () => {
  const profiles = new JumpProfiles();
  const untilAsked = (target: number): number => {
    for (let k = 1; k < 100_000; k++) if (profiles.note(at(10), at(target)) === region) return k;
    return Infinity;
  };
  profiles.note(at(10), at(1));
  profiles.compiled([at(10)], region);
  expect(untilAsked(1)).toBe(Infinity);
  const first = untilAsked(2);
  profiles.compiled([at(10)], region);
  expect(untilAsked(2)).toBe(Infinity);
  expect(untilAsked(3)).toBeGreaterThan(4 * first);
});

test("a jump that goes everywhere, and jumps everywhere, take bounded room", () => {
  const profiles = new JumpProfiles();
  for (let k = 0; k < 1000; k++) profiles.note(at(10), at(k));
  expect(profiles.get(at(10))?.length).toBe(128);
  let most = 0;
  for (let k = 0; k < 100_000; k++) {
    profiles.note(at(1000 + k), at(k));
    most = Math.max(most, profiles.size);
  }
  expect(most).toBeLessThan(1 << 17);
  expect(profiles.get(at(100_999))).toEqual([99_999]);
});
