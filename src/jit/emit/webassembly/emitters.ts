/** How each operation becomes WebAssembly: an emitter pushes the operation's result, if it has one. */

import { type OpName } from "../../ir/ops.ts";
import type { Body } from "./body.ts";
import { CALL_EMITTERS } from "./emitters-calls.ts";
import { FLOAT_EMITTERS } from "./emitters-float.ts";
import { FLAG_EMITTERS } from "./emitters-flags.ts";
import { INTEGER_EMITTERS } from "./emitters-integer.ts";
import { MEMORY_EMITTERS } from "./emitters-memory.ts";
import { STATE_EMITTERS } from "./emitters-state.ts";
import { type FloatOp, floatName, isFloatFunction } from "./float-ops.ts";
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
function inlineFloat(): { readonly [K in FloatOp]: Emitter } {
  const chosen = Object.entries(FLOAT_EMITTERS).map(([name, inline]) => {
    const op = name as FloatOp;
    const emitter: Emitter = (body, args, imm) => {
      if (!body.compact) inline(body, args, imm);
      else if (isFloatFunction(op, imm)) callFunction(body, op, args, imm);
      else CALL_EMITTERS[op](body, args, imm);
    };
    return [op, emitter] as const;
  });
  return Object.fromEntries(chosen) as { readonly [K in FloatOp]: Emitter };
}

function callFunction(body: Body, op: FloatOp, args: readonly number[], imm: readonly number[]): void {
  for (const value of args) body.value(value);
  body.pushSite(0);
  body.call(floatName(op, imm));
  body.leaveIfRefused();
}
