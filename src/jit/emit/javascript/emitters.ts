/** All emitters: an operation without one does not compile. */

import type { OpName } from "../../ir/ops.ts";
import { CALL_EMITTERS } from "./emitters-call.ts";
import { FLAG_EMITTERS } from "./emitters-flags.ts";
import { INTEGER_EMITTERS } from "./emitters-integer.ts";
import { MEMORY_EMITTERS } from "./emitters-memory.ts";
import { STATE_EMITTERS } from "./emitters-state.ts";
import { VECTOR_EMITTERS } from "./emitters-vector.ts";
import type { Emitter } from "./parts.ts";

export const EMITTERS: { readonly [K in OpName]: Emitter } = {
  ...STATE_EMITTERS,
  ...INTEGER_EMITTERS,
  ...FLAG_EMITTERS,
  ...MEMORY_EMITTERS,
  ...VECTOR_EMITTERS,
  ...CALL_EMITTERS,
};
