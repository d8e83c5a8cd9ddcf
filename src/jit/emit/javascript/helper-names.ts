/** The closed set of names that emitted code may use besides its own: runtime helpers and views. */

import { identifiers } from "./code.ts";

/** Functions of the runtime that emitted code calls; `runtime.ts` has one for each. */
export const HELPER_NAMES = [
  // Arithmetic of the host.
  "imul", "clz32",
  // Pure functions of 32-bit numbers.
  "umulh", "smulh", "popcnt", "bswap",
  // 64-bit results: low half returned, high half in the second scratch word.
  "mulhighu", "mulhighs", "divu", "remu", "divs", "rems", "divu64", "remu64", "divs64", "rems64", "fitss",
  // Guest memory.
  "ld8", "ld16", "ld32", "ld64", "ld128", "st8", "st16", "st32", "st64", "st128", "probe",
  // Ways out.
  "raise", "follow", "stopBudget", "stopSyscall", "stopFault",
  // Flags of unknown kind.
  "cond", "flagBits",
  // The machine around the processor.
  "cpuid", "tsc", "random",
  // Lanes of one 32-bit word of a vector.
  "add8", "add16", "sub8", "sub16",
  "addss8", "addss16", "addus8", "addus16", "subss8", "subss16", "subus8", "subus16",
  "mul16", "mulhs16", "mulhu16", "madd16", "sad8", "avg8", "avg16",
  "minu8", "maxu8", "mins16", "maxs16", "eq8", "eq16", "gt8", "gt16",
  "shl16", "shr16", "sar16", "zip8lo", "zip8hi", "packs16", "packs32", "packu16", "mask8",
] as const; // prettier-ignore

export type HelperName = (typeof HELPER_NAMES)[number];

export const HELPERS = identifiers(HELPER_NAMES);

/**
 * Everything else: H helpers, I int32 view, W uint16 view, B byte view, C cells, U units, T table word index,
 * e the last flat-table entry, n the budget in a loop, x what was thrown.
 */
export const FIXED_NAMES = ["H", "I", "W", "B", "C", "U", "T", "e", "n", "x"] as const;

export const NAMES = identifiers(FIXED_NAMES);
