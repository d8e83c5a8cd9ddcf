/**
 * Buffers of a guest: three pages of every kind in a row, every place where a buffer may begin or end in them, reading,
 * writing and asking. A buffer is used completely or not at all, and by the permissions of the pages it touches alone.
 */

import { copyIn, copyOut, isWritable } from "../../../src/kernel/guest-memory.ts";
import { address, PAGE_BYTES } from "../../../src/mmu/address.ts";
import { MemoryMachine } from "../../support/memory.ts";
import type { Case } from "./cases.ts";
import { tryCases } from "./cases.ts";
import type { Report } from "./explorer.ts";

const KINDS = ["nothing", "reserved", "none", "r", "rw", "rx"] as const;
type Kind = (typeof KINDS)[number];
const PROTECTION: Partial<Record<Kind, number>> = { none: 0, r: 1, rw: 3, rx: 5 };
const PAGES = 3;
const START = 0x4000_0000;
/** Places near the ends of the pages, and one in the middle. */
const PLACES = [0, 1, 2048, PAGE_BYTES - 1].flatMap((at) => [0, 1, 2].map((page) => page * PAGE_BYTES + at));
const ENDS = [...PLACES, PAGES * PAGE_BYTES].sort((a, b) => a - b);
const FILL = 0xa5;

function memoryOf(kinds: readonly Kind[]) {
  const machine = new MemoryMachine(1 << 20);
  const memory = machine.process();
  for (const [i, kind] of kinds.entries()) {
    const at = BigInt(START + i * PAGE_BYTES);
    const size = BigInt(PAGE_BYTES);
    if (kind === "nothing") continue;
    memory.reserve(at, size, "");
    const prot = PROTECTION[kind];
    if (prot !== undefined) memory.commit(at, size, prot, "");
  }
  return memory;
}

function* cases(): Generator<Case> {
  for (let number = 0; number < KINDS.length ** PAGES; number++) {
    const kinds = Array.from(
      { length: PAGES },
      (_, i) => KINDS[Math.floor(number / KINDS.length ** i) % KINDS.length] as Kind,
    );
    const { space } = memoryOf(kinds);
    for (const from of PLACES) {
      for (const to of ENDS) {
        if (to <= from) continue;
        const touched = kinds.slice(Math.floor(from / PAGE_BYTES), Math.ceil(to / PAGE_BYTES));
        const mayRead = touched.every((kind) => ["r", "rw", "rx"].includes(kind));
        const mayWrite = touched.every((kind) => kind === "rw");
        const at = BigInt(START + from);
        const length = to - from;
        const text = `${kinds.join(" ")} from ${from} to ${to}`;
        const read = copyIn(space, at, length);
        yield verdict("read", mayRead, read !== undefined && read.length === length, text);
        yield verdict("ask", mayWrite, isWritable(space, at, length), text);
        const before = content(space, kinds);
        const written = copyOut(space, at, new Uint8Array(length).fill(FILL));
        yield verdict("write", mayWrite, written, text);
        const after = content(space, kinds);
        const expected = mayWrite ? before.map((byte, i) => (i >= from && i < to ? FILL : byte)) : before;
        yield verdict("leave", true, Buffer.compare(after, expected) === 0, text);
        if (mayWrite) copyOut(space, at, new Uint8Array(length));
      }
    }
  }
}

function content(space: ReturnType<typeof memoryOf>["space"], kinds: readonly Kind[]): Uint8Array {
  const all = new Uint8Array(PAGES * PAGE_BYTES);
  for (const i of kinds.keys())
    space.peek(address(START + i * PAGE_BYTES), all.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES));
  return all;
}

function verdict(what: string, wanted: boolean, is: boolean, text: string): Case {
  const outcome = `${what} ${is ? "done" : "refused"}`;
  return wanted === is ? { outcome } : { outcome, broken: `KER-32 ${outcome}: ${text}` };
}

export const checkBuffers = (deadline: number): Report =>
  tryCases(
    "buffers",
    "3 pages of 6 kinds, buffers from 12 to 13 places, read, asked for and written",
    cases(),
    deadline,
  );
