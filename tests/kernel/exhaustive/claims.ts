/**
 * Ranges and protections as a guest may name them: every range between addresses at and beside the borders of page 0,
 * the ring pages, the CapSet page and the user half, and every protection word up to 64, for each operation that takes
 * them. Nothing may come to lie where the kernel's own pages are, and nothing may be writable and executable.
 */

import { CAPSET_ADDRESS, RING_ADDRESS } from "../../../src/kernel/abi.ts";
import { brokenProtectedAreaRules } from "../../../src/kernel/invariants-memory.ts";
import { brokenMemoryRules } from "../../../src/kernel/objects/memory-checks.ts";
import { USER_END } from "../../../src/mmu/address.ts";
import { MemoryMachine } from "../../support/memory.ts";
import type { Case } from "./cases.ts";
import { tryCases } from "./cases.ts";
import type { Report } from "./explorer.ts";

const PAGE = 0x1000n;
const [RING, CAPSET, END] = [BigInt(RING_ADDRESS), BigInt(CAPSET_ADDRESS), BigInt(USER_END)];
const BORDERS = [0n, RING, CAPSET, END, 1n << 63n, 1n << 64n];
const AT = BORDERS.flatMap((border) => [-PAGE, -1n, 0n, 1n, PAGE, 2n * PAGE].map((by) => border + by)).filter(
  (address) => address >= 0n && address < 1n << 64n,
);
const PLACE = 0x5000_0000n;
const PROTECTIONS = Array.from({ length: 64 }, (_, prot) => prot);

const isAllowed = (start: bigint, size: bigint): boolean => {
  const end = start + size;
  const aligned = start % PAGE === 0n && size % PAGE === 0n && size > 0n;
  const kernels = start < CAPSET + PAGE && end > RING;
  return aligned && start >= PAGE && end <= END && !kernels;
};
const isAllowedProtection = (prot: number): boolean => prot < 8 && (prot & 6) !== 6;

function* ranges(): Generator<Case> {
  const machine = new MemoryMachine(1 << 20);
  const memory = machine.process({ virtualReservationPages: 2 ** 40 });
  const object = machine.object(1);
  const borrow = (hint: bigint, size: bigint) =>
    memory.mapObject(object, { hint, offset: 0n, size: size === PAGE ? size : PAGE, prot: 1 }, "");
  for (const start of AT) {
    for (const end of AT) {
      const size = BigInt.asUintN(64, end - start);
      // A hint of 0 leaves the place to the kernel.
      if (start === 0n) continue;
      const text = `0x${start.toString(16)}+0x${size.toString(16)}`;
      const reserved = memory.reserve(start, size, "").status;
      yield verdict("reserve", isAllowed(start, size), reserved === "ok", text, memory);
      if (reserved === "ok") memory.unmap(start, size);
      const mapped = borrow(start, size).status;
      yield verdict("borrow", isAllowed(start, PAGE), mapped === "ok", text, memory);
      if (mapped === "ok") memory.unmapObject(object, start, PAGE);
      for (const refused of [
        memory.commit(start, size, 3, ""),
        memory.decommit(start, size, ""),
        memory.protect(start, size, 1, ""),
        memory.unmap(start, size),
        memory.unmapObject(object, start, size),
        memory.protectObject(object, start, size, 1, ""),
      ]) {
        yield verdict("foreign range", false, refused.status === "ok", text, memory);
      }
    }
  }
}

function* protections(): Generator<Case> {
  const machine = new MemoryMachine(1 << 20);
  const memory = machine.process();
  const object = machine.object(1);
  memory.reserve(PLACE, 2n * PAGE, "");
  memory.commit(PLACE, PAGE, 1, "");
  const at = PLACE + 16n * PAGE;
  memory.mapObject(object, { hint: at, offset: 0n, size: PAGE, prot: 1 }, "");
  for (const prot of PROTECTIONS) {
    const allowed = isAllowedProtection(prot);
    const text = `protection ${prot}`;
    yield verdict("protect", allowed, memory.protect(PLACE, PAGE, prot, "").status === "ok", text, memory);
    const borrowed = memory.protectObject(object, at, PAGE, prot, "").status === "ok";
    yield verdict("protect borrowed", allowed, borrowed, text, memory);
    const committed = memory.commit(PLACE + PAGE, PAGE, prot, "").status === "ok";
    yield verdict("commit", allowed, committed, text, memory);
    if (committed) memory.decommit(PLACE + PAGE, PAGE, "");
    const mapped = memory.map(0n, PAGE, prot, "");
    yield verdict("map", allowed, mapped.status === "ok", text, memory);
    if (mapped.status === "ok") memory.unmap(BigInt(mapped.address), PAGE);
    const where = { hint: 0n, offset: 0n, size: PAGE, prot };
    const shown = memory.mapObject(object, where, "");
    yield verdict("map object", allowed, shown.status === "ok", text, memory);
    if (shown.status === "ok") memory.unmapObject(object, BigInt(shown.address), PAGE);
  }
}

function verdict(
  what: string,
  wanted: boolean,
  is: boolean,
  text: string,
  memory: ReturnType<MemoryMachine["process"]>,
): Case {
  const outcome = `${what} ${is ? "done" : "refused"}`;
  if (wanted !== is) return { outcome, broken: `KER-29 ${outcome}: ${text}` };
  if (!is) return { outcome };
  const [broken] = [...brokenMemoryRules(memory), ...brokenProtectedAreaRules(memory, "the process")];
  return broken === undefined ? { outcome } : { outcome, broken };
}

function* cases(): Generator<Case> {
  yield* ranges();
  yield* protections();
}

export const checkClaims = (deadline: number): Report =>
  tryCases(
    "claims",
    `ranges between ${AT.length} addresses at the borders of areas, ${PROTECTIONS.length} protection words, each operation`,
    cases(),
    deadline,
  );
