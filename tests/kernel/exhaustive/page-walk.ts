/**
 * Who may do what with a page: every combination of permission bits of the four entries on the way to it, every kind of
 * access, from user code, from the kernel and from the kernel inside its guard. What must come out is the rule of the
 * manual (Intel SDM vol. 3A, 4.6), said once more in words of sets.
 */

import { highHalf, lowHalf, pageNumber, frameNumber } from "../../../src/mmu/address.ts";
import { createMmu, partsOf } from "../../../src/mmu/create-mmu.ts";
import { entryWord, frameOf, NO_EXECUTE, PRESENT, USER, WRITABLE } from "../../../src/mmu/entry.ts";
import {
  AS_GUARDED,
  AS_SUPERVISOR,
  AS_USER,
  FETCH,
  GRANTED,
  READ,
  tableIndex,
  WRITE,
} from "../../../src/mmu/walk.ts";
import { CountingSource } from "../../mmu/support.ts";
import type { Case } from "./cases.ts";
import { tryCases } from "./cases.ts";
import type { Report } from "./explorer.ts";

const WHERE = 0x1234_5678_9000;
const LEVELS = [4, 3, 2, 1];
const ACCESSES = [READ, WRITE, FETCH];
const MODES = [AS_USER, AS_SUPERVISOR, AS_GUARDED];
/** Present, writable, user, no-execute: one bit of a number each. */
const KINDS = 16;

interface Kind {
  readonly present: boolean;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}
const kindOf = (bits: number): Kind => ({
  present: (bits & 1) !== 0,
  writable: (bits & 2) !== 0,
  user: (bits & 4) !== 0,
  executable: (bits & 8) === 0,
});

function mayBeDone(way: readonly Kind[], access: number, mode: number): boolean {
  const all = (property: keyof Kind): boolean => way.every((kind) => kind[property]);
  if (!all("present")) return false;
  if (access === WRITE && !all("writable")) return false;
  if (access === FETCH && !all("executable")) return false;
  if (mode === AS_USER) return all("user");
  return !all("user") || (mode === AS_GUARDED && access !== FETCH);
}

function* cases(): Generator<Case> {
  const mmu = createMmu({ ramBytes: 1 << 20, checks: "off" });
  const { walker } = partsOf(mmu);
  const space = mmu.createAddressSpace(new CountingSource(64, mmu.frameCount));
  if (space === undefined) throw new Error("no address space");
  const page = pageNumber(WHERE / 4096);
  space.ensureTables(page, 1);
  space.map(page, frameNumber(9), { writable: true, executable: false });
  const words: number[] = [];
  let table: number = space.root;
  for (const level of LEVELS) {
    const word = entryWord(table, tableIndex(level, lowHalf(WHERE), highHalf(WHERE)));
    words.push(word);
    table = frameOf(mmu.words[word] ?? 0);
  }
  const clean = words.map((word) => (mmu.words[word] ?? 0) & ~(PRESENT | WRITABLE | USER));
  for (let number = 0; number < KINDS ** LEVELS.length; number++) {
    const way = words.map((word, i) => {
      const kind = kindOf(Math.floor(number / KINDS ** i) % KINDS);
      const bits = (kind.present ? PRESENT : 0) | (kind.writable ? WRITABLE : 0) | (kind.user ? USER : 0);
      mmu.words[word] = (clean[i] ?? 0) | bits;
      mmu.words[word + 1] = kind.executable ? 0 : NO_EXECUTE;
      return kind;
    });
    for (const access of ACCESSES) {
      for (const mode of MODES) {
        const granted = walker.walk(space.root, lowHalf(WHERE), highHalf(WHERE), access, mode) === GRANTED;
        const right = granted === mayBeDone(way, access, mode);
        const outcome = granted ? "granted" : "refused";
        yield right
          ? { outcome }
          : {
              outcome,
              broken: `MMU-12 access ${access} in mode ${mode}: ${outcome}, ${JSON.stringify(way)}`,
            };
      }
    }
  }
}

export const checkPageWalk = (deadline: number): Report =>
  tryCases(
    "page-walk",
    "all permission bits of the entries of 4 levels, 3 accesses, 3 modes",
    cases(),
    deadline,
  );
