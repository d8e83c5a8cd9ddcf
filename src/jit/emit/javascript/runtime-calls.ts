/** What call operations get from a back end on linear memory: scratch for results, the state block, and `raise`. */

import { SCRATCH_WORD, STATE_BYTE, STATE_BYTES } from "../../../mmu/layout.ts";
import type { Mmu } from "../../../mmu/mmu.ts";
import type { Call, CallMachine } from "../../ir/calls/call.ts";
import { CALL_LIST } from "../../ir/calls/index.ts";
import { CALL_SITE } from "../../ir/state.ts";
import { FAULT, type RuntimeState } from "../../unit.ts";
import type { CallName } from "./helper-names.ts";
import { stateWord } from "./places.ts";

const SITE_WORD = stateWord(CALL_SITE);

/** `raise` throws FAULT at the site that `CALL_SITE` names. */
export function createCallMachine(mmu: Mmu, runtime: RuntimeState): CallMachine {
  const words = mmu.words;
  return {
    results: words.subarray(SCRATCH_WORD, SCRATCH_WORD + 4),
    state: new DataView(words.buffer, STATE_BYTE, STATE_BYTES),
    raise(vector) {
      runtime.site = words[SITE_WORD] as number;
      runtime.pendingFault = { vector, errorCode: 0 };
      throw FAULT;
    },
  };
}

/** The implementations by the names that emitted code has for them. */
export const createCallHelpers = (): { readonly [K in CallName]: Call } =>
  Object.fromEntries(CALL_LIST.map(({ index, call }) => [`k${index}`, call]));
