/**
 * MMU-12  The kernel is refused every page of a user half outside its user-access guard (SMAP), and never fetches
 *         from one, guard or not (SMEP). Asked of the walker, as the tables are now.
 *
 * The walker's answer depends on nothing but the entries on its way, so of the pages of one page table it is asked
 * once for each kind of leaf entry.
 */

import { ENTRIES_PER_TABLE } from "./entry.ts";
import { hex, highHalf, lowHalf, pageStart, type PageNumber } from "./address.ts";
import type { Space } from "./address-space.ts";
import type { MmuParts } from "./parts.ts";
import type { Leaves } from "./space-image.ts";
import { AS_GUARDED, AS_SUPERVISOR, FETCH, GRANTED, READ, type Walker, WRITE } from "./walk.ts";

const FORBIDDEN = [
  { access: READ, mode: AS_SUPERVISOR, text: "reads it without the guard" },
  { access: WRITE, mode: AS_SUPERVISOR, text: "writes it without the guard" },
  { access: FETCH, mode: AS_SUPERVISOR, text: "fetches from it" },
  { access: FETCH, mode: AS_GUARDED, text: "fetches from it inside the guard" },
];
/** Bits of an entry that are not the frame. */
const KIND_BITS = 0xfff;

export function brokenGuardRules({ spaces, walker }: MmuParts): string[] {
  const broken: string[] = [];
  for (const space of spaces) {
    for (const page of askedPages(space)) broken.push(...brokenGuard(walker, space, page));
  }
  return broken;
}

const ASKED = new WeakMap<Leaves, readonly PageNumber[]>();

/** One page for each kind of leaf entry in each page table. */
function askedPages({ image: { leaves } }: Space): readonly PageNumber[] {
  const asked = ASKED.get(leaves) ?? choosePages(leaves);
  ASKED.set(leaves, asked);
  return asked;
}

function choosePages({ pages, lows, highs }: Leaves): PageNumber[] {
  const asked: PageNumber[] = [];
  const kinds = new Set<number>();
  let table = -1;
  let last = -1;
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i] as number;
    const of = Math.floor(page / ENTRIES_PER_TABLE);
    if (of !== table) kinds.clear();
    const kind = ((lows[i] as number) & KIND_BITS) | ((highs[i] as number) < 0 ? KIND_BITS + 1 : 0);
    if (of === table && kind === last) continue;
    table = of;
    last = kind;
    if (kinds.has(kind)) continue;
    kinds.add(kind);
    asked.push(page as PageNumber);
  }
  return asked;
}

function brokenGuard(walker: Walker, space: Space, page: PageNumber): string[] {
  const start = pageStart(page);
  return FORBIDDEN.filter(
    ({ access, mode }) => walker.walk(space.root, lowHalf(start), highHalf(start), access, mode) === GRANTED,
  ).map(({ text }) => `MMU-12: the kernel ${text}: page ${hex(start)} of space ${space.id}`);
}
