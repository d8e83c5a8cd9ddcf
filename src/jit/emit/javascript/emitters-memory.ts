/**
 * Guest memory. Fast path of an access of `size` bytes at (hi, lo), with e = the flat-table entry of the page
 * (host offset - guest address | READ 1 | WRITE 2, see `mmu/layout.ts`):
 *
 *     hi === 0 && ((e = I[T + (lo >>> 12) | 0]) & 1) > (lo & size - 1)    mapped below 4 GiB, readable, aligned
 *       ? I[e + lo >> 2]                                                  the flag bits fall off
 *       : ld32(lo, hi, site)                                              everything else: runtime-memory.ts
 *
 * `(e & 1) > (lo & 3)` is "the bit is set and the low bits are clear" in one comparison. Bytes and 16-bit words
 * use other views of the same memory at `(e & -4) + lo`. The result always gets a name: memory operations stay in
 * order, expressions around them do not matter.
 */

import { SCRATCH_WORD, TLB_READ, TLB_WRITE } from "../../../mmu/layout.ts";
import { ACCESS_ALIGNED, ACCESS_MODIFY } from "../../ir/ops.ts";
import type { Body } from "./body.ts";
import { type Code, EMPTY, ZERO, js } from "./code.ts";
import { type HelperName, NAMES } from "./helper-names.ts";
import * as i64 from "./int64.ts";
import { type Emitter, NOTHING, type Parts, part } from "./parts.ts";

const { I, W, B, e } = NAMES;
const PAGE_MASK = 4095;

interface Place {
  readonly lo: Code;
  readonly hi: Code;
  /** Last argument of the helper: site and access. */
  readonly site: number;
}

const placeOf = (b: Body, pair: Parts | undefined, access: number): Place => ({
  lo: b.atom(i64.lo(pair ?? NOTHING)),
  hi: b.atom(i64.hi(pair ?? NOTHING)),
  site: b.siteOf(access),
});

/** Whether the place can be below 4 GiB at all. */
const mayBeLow = (b: Body, place: Place): boolean => b.options.inlineMemory && (place.hi.constant ?? 0) === 0;

const highIsZero = ({ hi }: Place): Code => (hi.constant === 0 ? EMPTY : js`${hi} === 0 && `);

/** The condition for the fast path; assigns `e`. */
function reachable(b: Body, place: Place, size: number, access: number, write: boolean): Code {
  const high = highIsZero(place);
  const { lo } = place;
  const entry = b.entry(lo);
  const bit = write || (access & ACCESS_MODIFY) !== 0 ? TLB_WRITE : TLB_READ;
  if (size === 1) return js`${high}(${entry} & ${bit}) !== 0`;
  const crossing =
    size === 16 && (access & ACCESS_ALIGNED) === 0
      ? js`((${lo} + 12 ^ ${lo}) & 4096 | ${lo} & 3)`
      : js`(${lo} & ${size - 1})`;
  return bit === TLB_READ
    ? js`${high}(${entry} & 1) > ${crossing}`
    : js`${high}(${entry} & 2) > ${crossing} << 1`;
}

/** The element of a view that an access of 1, 2 or 4 bytes touches, with `e` set. */
function element(size: number, lo: Code): Code {
  if (size === 1) return js`${B}[(${e} & -4) + ${lo} | 0]`;
  if (size === 2) return js`${W}[(${e} & -4) + ${lo} >> 1]`;
  return js`${I}[${e} + ${lo} >> 2]`;
}

const word = (k: number): Code => (k === 0 ? js`${I}[${e}]` : js`${I}[${e} + ${k}]`);

const loadWord =
  (size: number, elementBytes: number, name: HelperName): Emitter =>
  (b, args, imm) => {
    const access = imm[0] ?? 0;
    const place = placeOf(b, args[0], access);
    const slow = js`${b.helper(name)}(${place.lo}, ${place.hi}, ${place.site})`;
    if (!mayBeLow(b, place)) return [b.temp(slow)];
    const fast = reachable(b, place, size, access, false);
    return [b.temp(js`${fast} ? ${element(elementBytes, place.lo)} : ${slow}`)];
  };

/** Loads of several words: the first is returned by the helper, the others wait in scratch. */
const loadWords =
  (words: number, name: HelperName): Emitter =>
  (b, args, imm, need) => {
    const access = imm[0] ?? 0;
    const place = placeOf(b, args[0], access);
    const results: Code[] = [];
    for (let k = 0; k < words; k++) {
      results.push(k === 0 || (need & (1 << k)) !== 0 ? b.variable() : ZERO);
    }
    const low = mayBeLow(b, place);
    if (low) {
      b.line(js`if (${reachable(b, place, words * 4, access, false)}) {`);
      b.line(js`${e} = ${e} + ${place.lo} >> 2;`);
      for (let k = 0; k < words; k++) {
        if ((need & (1 << k)) !== 0) b.line(js`${part(results, k)} = ${word(k)};`);
      }
      b.line(js`} else {`);
    }
    b.line(js`${part(results, 0)} = ${b.helper(name)}(${place.lo}, ${place.hi}, ${place.site});`);
    for (let k = 1; k < words; k++) {
      if ((need & (1 << k)) !== 0) b.line(js`${part(results, k)} = ${I}[${SCRATCH_WORD + k}];`);
    }
    if (low) b.line(js`}`);
    return results;
  };

const loadLong = loadWords(2, "ld64");
/** Only the low half is wanted: the access is still one of eight bytes. */
const loadLowOfLong = loadWord(8, 4, "ld64");

const storeWord =
  (size: number, name: HelperName): Emitter =>
  (b, args, imm) => {
    const access = imm[0] ?? 0;
    const place = placeOf(b, args[0], access);
    const value = b.atom(part(args[1], 0));
    const slow = js`${b.helper(name)}(${place.lo}, ${place.hi}, ${value}, ${place.site})`;
    if (mayBeLow(b, place)) {
      const fast = reachable(b, place, size, access, true);
      b.line(js`if (${fast}) ${element(size, place.lo)} = ${value};`);
      b.line(js`else ${slow};`);
    } else {
      b.line(js`${slow};`);
    }
    return NOTHING;
  };

const storeWords =
  (words: number, name: HelperName): Emitter =>
  (b, args, imm) => {
    const access = imm[0] ?? 0;
    const place = placeOf(b, args[0], access);
    const values: Code[] = [];
    for (let k = 0; k < words; k++) values.push(b.atom(part(args[1], k)));
    const list = values.reduce((text, value) => js`${text}${value}, `, EMPTY);
    const slow = js`${b.helper(name)}(${place.lo}, ${place.hi}, ${list}${place.site});`;
    if (!mayBeLow(b, place)) {
      b.line(slow);
      return NOTHING;
    }
    b.line(js`if (${reachable(b, place, words * 4, access, true)}) {`);
    b.line(js`${e} = ${e} + ${place.lo} >> 2;`);
    for (let k = 0; k < words; k++) b.line(js`${word(k)} = ${part(values, k)};`);
    b.line(js`} else ${slow}`);
    return NOTHING;
  };

const probe: Emitter = (b, args, imm) => {
  const access = imm[0] ?? 0;
  const bytes = imm[1] ?? 1;
  const place = placeOf(b, args[0], access);
  const slow = js`${b.helper("probe")}(${place.lo}, ${place.hi}, ${bytes}, ${place.site});`;
  if (!mayBeLow(b, place)) {
    b.line(slow);
    return NOTHING;
  }
  const aligned = (access & ACCESS_ALIGNED) === 0 ? EMPTY : js` && (${place.lo} & 15) === 0`;
  const inPage = js`(${place.lo} & ${PAGE_MASK}) <= ${PAGE_MASK + 1 - bytes}`;
  const fast = js`${highIsZero(place)}(${b.entry(place.lo)} & 2) !== 0 && ${inPage}${aligned}`;
  b.line(js`if (!(${fast})) ${slow}`);
  return NOTHING;
};

const bulk =
  (name: "bulkStore" | "bulkCopy"): Emitter =>
  (b, args, imm) => {
    let list = EMPTY;
    for (const pair of args) list = js`${list}, ${i64.lo(pair)}, ${i64.hi(pair)}`;
    b.beforeClock();
    const done = b.temp(js`${b.helper(name)}(${imm[0] ?? 1}${list})`);
    b.afterClock();
    return [done];
  };

export const MEMORY_EMITTERS = {
  "load8.i32": loadWord(1, 1, "ld8"),
  "load16.i32": loadWord(2, 2, "ld16"),
  "load.i32": loadWord(4, 4, "ld32"),
  "load.i64": (b, args, imm, need) =>
    (need & i64.HIGH) === 0 ? loadLowOfLong(b, args, imm, need) : loadLong(b, args, imm, need),
  "load.v128": loadWords(4, "ld128"),
  "store8.i32": storeWord(1, "st8"),
  "store16.i32": storeWord(2, "st16"),
  "store.i32": storeWord(4, "st32"),
  "store.i64": storeWords(2, "st64"),
  "store.v128": storeWords(4, "st128"),
  "probe.write": probe,
  "bulk.store": bulk("bulkStore"),
  "bulk.copy": bulk("bulkCopy"),
  "fault.if": (b, args, imm) => {
    const condition = part(args[0], 0);
    if (condition.constant !== 0) {
      b.line(js`if (${condition}) ${b.helper("raise")}(${imm[0] ?? 0}, ${b.siteOf(0)});`);
    }
    return NOTHING;
  },
} as const satisfies Record<string, Emitter>;
