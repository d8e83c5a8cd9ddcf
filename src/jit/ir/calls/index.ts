/**
 * All call operations, numbered: a back end reaches an implementation by its index. The numbers belong to one
 * version of the program; nothing keeps them.
 */

import { type CallOpName, OPS } from "../ops.ts";
import type { Call } from "./call.ts";
import { CRYPTO_CALLS } from "./crypto.ts";
import { FLOAT_CALLS } from "./float.ts";
import { VECTOR_CALLS } from "./vector.ts";
import { X87_CALLS } from "./x87.ts";

export const CALLS: { readonly [K in CallOpName]: Call } = {
  ...FLOAT_CALLS,
  ...X87_CALLS,
  ...VECTOR_CALLS,
  ...CRYPTO_CALLS,
};

export interface CallEntry {
  readonly op: CallOpName;
  readonly index: number;
  readonly call: Call;
  /** It may raise a fault: `CALL_SITE` of the state block must hold the site before. */
  readonly raises: boolean;
}

export const CALL_NAMES = Object.keys(CALLS) as readonly CallOpName[];

/** In order of their numbers. */
export const CALL_LIST: readonly CallEntry[] = CALL_NAMES.map((op, index) => ({
  op,
  index,
  call: CALLS[op],
  raises: OPS[op].effect === "memory",
}));

const INDEX = new Map<string, number>(CALL_NAMES.map((op, index) => [op, index]));
/** The number of a call operation. */
export const callIndex = (op: CallOpName): number => INDEX.get(op) ?? -1;
