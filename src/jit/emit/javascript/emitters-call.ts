/**
 * Call operations: `k12(M, ...words)`, the same for all of them. The result's first word is returned, the others
 * lie in scratch and are read at once. One that may raise a fault is told before where it is:
 *
 *     I[CALL_SITE] = 3;  const v1 = k12(M, lo, hi);  const v2 = I[scratch + 1];
 */

import { SCRATCH_WORD } from "../../../mmu/layout.ts";
import { TYPE_WORDS } from "../../ir/calls/call.ts";
import { CALL_LIST } from "../../ir/calls/index.ts";
import { type CallOpName, type IrType, rowOf } from "../../ir/ops.ts";
import { CALL_SITE } from "../../ir/state.ts";
import type { Body } from "./body.ts";
import { type Code, ZERO, int, js } from "./code.ts";
import { type CallName, NAMES } from "./helper-names.ts";
import * as i32 from "./int32.ts";
import { type Emitter, NOTHING, type Parts, part } from "./parts.ts";
import { wordOf } from "./places.ts";

const { I } = NAMES;

function argumentList(imm: readonly number[], args: readonly Parts[], types: readonly IrType[]): Code {
  let list = js``;
  for (const value of imm) list = js`${list}, ${int(value)}`;
  args.forEach((parts, i) => {
    const type = types[i] ?? "flags";
    if (type === "i1") list = js`${list}, ${i32.fromTruth(part(parts, 0))}`;
    else for (let k = 0; k < TYPE_WORDS[type]; k++) list = js`${list}, ${part(parts, k)}`;
  });
  return list;
}

/** The words of the result that are needed, read from where the call left them. */
function resultParts(b: Body, call: Code, type: IrType, need: number): Parts {
  const parts: Code[] = [b.temp(call)];
  for (let k = 1; k < TYPE_WORDS[type]; k++) {
    parts.push((need & (1 << k)) === 0 ? ZERO : b.temp(js`${I}[${SCRATCH_WORD + k}]`));
  }
  return parts;
}

function emitterOf(op: CallOpName, name: CallName, raises: boolean): Emitter {
  const { args: types, result } = rowOf(op);
  return (b, args, imm, need) => {
    const call = js`${b.helper(name)}(${b.helper("M")}${argumentList(imm, args, types)})`;
    if (raises) {
      b.siteOf(0);
      b.line(js`${wordOf(CALL_SITE)} = ${b.site};`);
    }
    if (result === undefined) {
      b.line(js`${call};`);
      return NOTHING;
    }
    if (!raises && TYPE_WORDS[result] === 1) return [result === "i1" ? js`(${call} !== 0)` : call];
    const parts = resultParts(b, call, result, need);
    return result === "i1" ? [js`(${part(parts, 0)} !== 0)`] : parts;
  };
}

export const CALL_EMITTERS = Object.fromEntries(
  CALL_LIST.map(({ op, index, raises }) => [op, emitterOf(op, `k${index}`, raises)]),
) as { readonly [K in CallOpName]: Emitter };
