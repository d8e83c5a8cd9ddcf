/**
 * MMU-12  The kernel is refused every page of a user half outside its user-access guard (SMAP), and never fetches
 *         from one, guard or not (SMEP). Asked of the walker, for each page as its tables are now.
 */

import { hex, highHalf, lowHalf, pageStart } from "./address.ts";
import type { MmuParts } from "./parts.ts";
import { AS_GUARDED, AS_SUPERVISOR, FETCH, GRANTED, READ, WRITE } from "./walk.ts";

const FORBIDDEN = [
  { access: READ, mode: AS_SUPERVISOR, text: "reads it without the guard" },
  { access: WRITE, mode: AS_SUPERVISOR, text: "writes it without the guard" },
  { access: FETCH, mode: AS_SUPERVISOR, text: "fetches from it" },
  { access: FETCH, mode: AS_GUARDED, text: "fetches from it inside the guard" },
];

export function brokenGuardRules({ spaces, walker }: MmuParts): string[] {
  const broken: string[] = [];
  for (const space of spaces) {
    for (const [page, { present }] of space.entries()) {
      if (!present) continue;
      const start = pageStart(page);
      for (const { access, mode, text } of FORBIDDEN) {
        if (walker.walk(space.root, lowHalf(start), highHalf(start), access, mode) !== GRANTED) continue;
        broken.push(`MMU-12: the kernel ${text}: page ${hex(start)} of space ${space.id}`);
      }
    }
  }
  return broken;
}
