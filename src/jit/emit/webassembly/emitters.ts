/** How each operation becomes WebAssembly: an emitter pushes the operation's result, if it has one. */

import { type OpName } from "../../ir/ops.ts";
import type { Body } from "./body.ts";
import { CALL_EMITTERS } from "./emitters-calls.ts";
import { FLOAT_EMITTERS } from "./emitters-float.ts";
import { FLAG_EMITTERS } from "./emitters-flags.ts";
import { INTEGER_EMITTERS } from "./emitters-integer.ts";
import { MEMORY_EMITTERS } from "./emitters-memory.ts";
import { STATE_EMITTERS } from "./emitters-state.ts";
import { VECTOR_EMITTERS } from "./emitters-vector.ts";

export type Emitter = (body: Body, args: readonly number[], imm: readonly number[]) => void;

export const EMITTERS: { readonly [K in OpName]: Emitter } = {
  ...STATE_EMITTERS,
  ...INTEGER_EMITTERS,
  ...FLAG_EMITTERS,
  ...MEMORY_EMITTERS,
  ...VECTOR_EMITTERS,
  ...CALL_EMITTERS,
  ...inlineFloat(),
};

/** Short code calls what fast code has inline. */
function inlineFloat(): { readonly [K in keyof typeof FLOAT_EMITTERS]: Emitter } {
  const chosen = Object.entries(FLOAT_EMITTERS).map(([op, inline]: [string, Emitter]) => {
    const call = CALL_EMITTERS[op as keyof typeof FLOAT_EMITTERS];
    const emitter: Emitter = (body, args, imm) => (body.compact ? call : inline)(body, args, imm);
    return [op, emitter] as const;
  });
  return Object.fromEntries(chosen) as { readonly [K in keyof typeof FLOAT_EMITTERS]: Emitter };
}
