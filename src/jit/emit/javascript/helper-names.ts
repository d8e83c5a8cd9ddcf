/** The closed set of names that emitted code may use besides its own: runtime helpers and views. */

import { InvariantError } from "../../../invariant.ts";
import { CALL_LIST } from "../../ir/calls/index.ts";
import { type Code, identifiers } from "./code.ts";

/** `k12`: the call operation number 12. */
export type CallName = `k${number}`;
export const CALL_HELPERS: readonly CallName[] = CALL_LIST.map(({ index }): CallName => `k${index}`);

/** Functions of the runtime that emitted code calls; `runtime.ts` has one for each. */
const RUNTIME_NAMES = [
  // Arithmetic of the host.
  "imul", "clz32",
  // Pure functions of 32-bit numbers.
  "umulh", "smulh", "popcnt", "bswap",
  // 64-bit results: low half returned, high half in the second scratch word.
  "mulhighu", "mulhighs", "divu", "remu", "divs", "rems", "divu64", "remu64", "divs64", "rems64", "fitss",
  // Guest memory.
  "ld8", "ld16", "ld32", "ld64", "ld128", "st8", "st16", "st32", "st64", "st128", "probe",
  "bulkStore", "bulkCopy",
  // Ways out.
  "raise", "follow", "stopBudget", "stopSyscall", "stopFault",
  // Of regions: thrown ways out, and guest calls.
  "stopAt", "leaveAt", "caught", "goOn", "callAt",
  // Flags of unknown kind.
  "cond", "flagBits",
  // The machine around the processor.
  "cpuid", "tsc", "random",
  // The machine that call operations work on; their first argument, not a function.
  "M",
  // Lanes of one 32-bit word of a vector.
  "add8", "add16", "sub8", "sub16",
  "addss8", "addss16", "addus8", "addus16", "subss8", "subss16", "subus8", "subus16",
  "mul16", "mulhs16", "mulhu16", "madd16", "sad8", "avg8", "avg16",
  "minu8", "maxu8", "mins16", "maxs16", "eq8", "eq16", "gt8", "gt16",
  "shl16", "shr16", "sar16", "zip8lo", "zip8hi", "packs16", "packs32", "packu16", "mask8",
] as const; // prettier-ignore

export type RuntimeName = (typeof RUNTIME_NAMES)[number];
export type HelperName = RuntimeName | CallName;

export const HELPER_NAMES: readonly HelperName[] = [...RUNTIME_NAMES, ...CALL_HELPERS];

const HELPERS: ReadonlyMap<HelperName, Code> = new Map(
  Object.entries(identifiers(HELPER_NAMES)) as [HelperName, Code][],
);
/** The code that names a helper. */
export function helperCode(name: HelperName): Code {
  const code = HELPERS.get(name);
  if (code === undefined) throw new InvariantError([`JIT-6 no helper ${name}`]);
  return code;
}

/**
 * Everything else: H helpers, I int32 view, W uint16 view, B byte view, C cells, U units, T table word index,
 * e the last flat-table entry, n the budget in a loop, x what was thrown. Regions: k the next entry, d the depth of
 * calls, q what a call returned, s where something was thrown.
 */
export const FIXED_NAMES = ["H", "I", "W", "B", "C", "U", "T", "e", "n", "x", "k", "d", "q", "s"] as const;

export const NAMES = identifiers(FIXED_NAMES);
