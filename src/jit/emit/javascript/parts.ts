/** The pieces of code that stand for one IR value, and what an emitter is. */

import type { Body } from "./body.ts";
import { type Code, ZERO } from "./code.ts";

/** The parts of a value: 1 (i1, i32), 2 (i64), 4 (v128) or 5 (flags) pieces of code, low words first. */
export type Parts = readonly Code[];

export const NOTHING: Parts = [];
/** Stands for parts that nobody reads. */
export const UNNEEDED: Parts = [ZERO, ZERO, ZERO, ZERO, ZERO];

/** One part of an argument; the verifier has seen to it that it is there. */
export const part = (parts: Parts | undefined, k: number): Code => parts?.[k] ?? ZERO;

/**
 * Emits one operation: adds statements to the body, returns the parts of the result. Parts that `need` does not
 * name may be anything. An argument's part that the text uses twice is made an atom first.
 */
export type Emitter = (b: Body, args: readonly Parts[], imm: readonly number[], need: number) => Parts;

/** Places of the site number and of the access bits in the last argument of a memory helper. */
export const SITE_SHIFT = 8;
/** With the `ACCESS_*` bits: the store may change frames that hold translated code. */
export const ALLOW_CODE = 128;
