/** The ring page: layout, index checks against hostile values, held completions. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CQ_ENTRIES, RING, SQ_ENTRIES } from "../../src/kernel/abi.ts";
import type { Cqe } from "../../src/kernel/ring.ts";
import { pendingEntries, Ring } from "../../src/kernel/ring.ts";

interface IndexCheck {
  readonly head: number;
  readonly tail: number;
  readonly sq_pending?: number;
  readonly sq_recover_to?: number;
  readonly cq_pending?: number;
  readonly cq_recover_to?: number;
}
const facts = JSON.parse(readFileSync(new URL("../data/ring.json", import.meta.url), "utf8")) as {
  ring_index_checks: readonly IndexCheck[];
  initial_ring_header_hex: string;
};

function newRing(): { ring: Ring; page: Uint8Array; view: DataView } {
  const page = new Uint8Array(4096).fill(0xaa);
  return { ring: new Ring(page), page, view: new DataView(page.buffer) };
}
const cqe = (userData: number): Cqe => ({
  userData: BigInt(userData),
  result: 0,
  flags: 0,
  capCount: 0,
  badge: 0n,
  callId: 0,
});

test("a new page has the published header and nothing else", () => {
  const { page } = newRing();
  const header = Buffer.from(facts.initial_ring_header_hex, "hex");
  expect(Buffer.from(page.subarray(0, header.length)).toString("hex")).toBe(facts.initial_ring_header_hex);
  expect(page.subarray(header.length).every((byte) => byte === 0)).toBe(true);
});

test.each(facts.ring_index_checks)("indices head $head tail $tail", (check) => {
  expect(pendingEntries(check.head, check.tail, SQ_ENTRIES)).toBe(check.sq_pending);
  expect(pendingEntries(check.head, check.tail, CQ_ENTRIES)).toBe(check.cq_pending);
});

describe("submissions", () => {
  test("an impossible tail drops everything, and the head follows it", () => {
    const { ring, view } = newRing();
    view.setUint32(RING.sqTail, 17, true);
    expect(ring.pendingSubmissions()).toBe(0);
    expect(view.getUint32(RING.sqHead, true)).toBe(17);
    view.setUint32(RING.sqTail, 18, true);
    expect(ring.pendingSubmissions()).toBe(1);
  });

  test("an edited head is ignored and written back", () => {
    const { ring, view } = newRing();
    view.setUint32(RING.sqTail, 2, true);
    view.setUint32(RING.sqHead, 0xdead_beef, true);
    expect(ring.pendingSubmissions()).toBe(2);
    expect(view.getUint32(RING.sqHead, true)).toBe(0);
    ring.advance();
    view.setUint32(RING.sqHead, 0, true);
    expect(ring.pendingSubmissions()).toBe(1);
    expect(view.getUint32(RING.sqHead, true)).toBe(1);
  });

  test("indices wrap", () => {
    const { ring, view } = newRing();
    for (let i = 0; i < 20; i++) {
      view.setUint32(RING.sqTail, i + 1, true);
      view.setBigUint64(128 + (i & 15) * 64 + 8, BigInt(100 + i), true);
      expect(ring.pendingSubmissions()).toBe(1);
      expect(ring.peek().userData).toBe(BigInt(100 + i));
      ring.advance();
    }
  });
});

describe("completions", () => {
  test("what does not fit is held back in order, counted, and posted when there is room", () => {
    const { ring, view } = newRing();
    for (let i = 0; i < CQ_ENTRIES + 3; i++) ring.post(cqe(i));
    expect(ring.available()).toBe(CQ_ENTRIES);
    expect(ring.held).toBe(3);
    expect(view.getUint32(RING.cqOverflow, true)).toBe(3);
    expect(ring.hasRoom()).toBe(false);
    view.setUint32(RING.cqHead, 2, true);
    ring.flushHeld();
    expect(ring.held).toBe(1);
    expect(view.getBigUint64(1152 + ((CQ_ENTRIES + 1) & 31) * 32, true)).toBe(BigInt(CQ_ENTRIES + 1));
    // A new completion may not overtake the one that still waits.
    view.setUint32(RING.cqHead, 10, true);
    ring.post(cqe(99));
    expect(ring.held).toBe(2);
    ring.flushHeld();
    expect(ring.available()).toBe(CQ_ENTRIES + 4 - 10);
    expect(view.getBigUint64(1152 + ((CQ_ENTRIES + 3) & 31) * 32, true)).toBe(99n);
  });

  test("an edited cq_tail is written back, an impossible cq_head drops what is queued", () => {
    const { ring, view } = newRing();
    ring.post(cqe(1));
    view.setUint32(RING.cqTail, 7, true);
    expect(ring.available()).toBe(1);
    expect(view.getUint32(RING.cqTail, true)).toBe(1);
    view.setUint32(RING.cqHead, 5, true);
    expect(ring.available()).toBe(0);
    expect(view.getUint32(RING.cqHead, true)).toBe(1);
    ring.post(cqe(2));
    expect(ring.available()).toBe(1);
  });

  test("changed constants in the page change nothing", () => {
    const { ring, view } = newRing();
    for (const field of [
      RING.sqMask,
      RING.sqEntries,
      RING.cqMask,
      RING.cqEntries,
      RING.sqeOffset,
      RING.cqeOffset,
    ]) {
      view.setUint32(field, 0xffff_ffff, true);
    }
    ring.post(cqe(5));
    expect(view.getBigUint64(1152, true)).toBe(5n);
    view.setUint32(RING.sqTail, 1, true);
    view.setUint8(128, 6);
    expect(ring.pendingSubmissions()).toBe(1);
    expect(ring.peek().opcode).toBe(6);
  });
});
