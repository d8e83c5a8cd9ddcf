/**
 * The string comparisons of SSE4.2 (Intel SDM vol. 1, 12.1 to 12.3; vol. 2, "Operation of PCMPxSTRx"). A comparison gives
 * a mask with a bit per element of the second string, and flags. The control byte:
 *
 *   bits 0-1  elements: unsigned bytes, unsigned words, signed bytes, signed words
 *   bits 2-3  aggregation: equal any, ranges, equal each, equal ordered
 *   bits 4-5  polarity: as it is, inverted, as it is, inverted where the second string is valid
 */

import { CF, OF, SF, ZF } from "../flags.ts";
import type { Call, CallMachine } from "./call.ts";
import { A, B, setLanes } from "./vector-lanes.ts";

const VIEWS = ["u8", "u16", "s8", "s16"] as const;

type Elements = Uint8Array | Uint16Array | Int8Array | Int16Array;

interface Strings {
  readonly a: Elements;
  readonly b: Elements;
  readonly lengthA: number;
  readonly lengthB: number;
}

/** Whether an element of `b` is one of `a`. */
function equalAny({ a, lengthA }: Strings, element: number): boolean {
  for (let i = 0; i < lengthA; i++) if (a[i] === element) return true;
  return false;
}

/** Whether an element of `b` lies in one of the ranges, pairs of elements of `a`. */
function inRanges({ a, lengthA }: Strings, element: number): boolean {
  for (let i = 0; i + 1 < lengthA; i += 2) if (a[i]! <= element && element <= a[i + 1]!) return true;
  return false;
}

/** Both ended counts as equal. */
function equalEach({ a, b, lengthA, lengthB }: Strings, at: number): boolean {
  return at < lengthA && at < lengthB ? a[at] === b[at] : at >= lengthA && at >= lengthB;
}

/** Whether `a` starts at `at` of `b`, as far as the register reaches. */
function startsAt({ a, b, lengthA, lengthB }: Strings, at: number): boolean {
  const room = Math.min(lengthA, b.length - at);
  for (let i = 0; i < room; i++) if (at + i >= lengthB || a[i] !== b[at + i]) return false;
  return true;
}

function matches(strings: Strings, aggregation: number, at: number): boolean {
  const { b, lengthB } = strings;
  if (aggregation === 2) return equalEach(strings, at);
  if (aggregation === 3) return startsAt(strings, at);
  if (at >= lengthB) return false;
  return aggregation === 0 ? equalAny(strings, b[at]!) : inRanges(strings, b[at]!);
}

function compare({ results }: CallMachine, control: number, strings: Strings): number {
  const { length } = strings.b;
  let mask = 0;
  for (let at = 0; at < length; at++) if (matches(strings, (control >> 2) & 3, at)) mask |= 1 << at;
  const all = (1 << length) - 1;
  const valid = (1 << strings.lengthB) - 1;
  if ((control & 0x10) !== 0) mask ^= (control & 0x20) !== 0 ? valid : all;
  results[1] =
    (mask !== 0 ? CF : 0) |
    (strings.lengthB < length ? ZF : 0) |
    (strings.lengthA < length ? SF : 0) |
    ((mask & 1) !== 0 ? OF : 0);
  return mask;
}

/** Elements before the first zero. */
function implicitLength(elements: Elements): number {
  const end = elements.indexOf(0);
  return end < 0 ? elements.length : end;
}

/** The magnitude of a signed 64-bit length, at most what the register holds. */
const explicitLength = (low: number, high: number, most: number): number =>
  Math.min(most, Math.abs(high * 2 ** 32 + (low >>> 0)));

export const compareImplicit: Call = (m, control, a0, a1, a2, a3, b0, b1, b2, b3) => {
  setLanes(A, a0!, a1!, a2!, a3!);
  setLanes(B, b0!, b1!, b2!, b3!);
  const view = VIEWS[control! & 3]!;
  const [a, b] = [A[view], B[view]];
  return compare(m, control!, { a, b, lengthA: implicitLength(a), lengthB: implicitLength(b) });
};

export const compareExplicit: Call = (m, control, a0, a1, a2, a3, b0, b1, b2, b3, la0, la1, lb0, lb1) => {
  setLanes(A, a0!, a1!, a2!, a3!);
  setLanes(B, b0!, b1!, b2!, b3!);
  const view = VIEWS[control! & 3]!;
  const [a, b] = [A[view], B[view]];
  const lengthA = explicitLength(la0!, la1!, a.length);
  const lengthB = explicitLength(lb0!, lb1!, b.length);
  return compare(m, control!, { a, b, lengthA, lengthB });
};
