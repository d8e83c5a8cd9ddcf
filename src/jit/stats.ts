/** Counters of the translator since its creation; tests, benches and the run summary read them. */

import { DROP_REASONS, type DropReason } from "./cache/translation-cache.ts";

export interface JitStats {
  unitsTranslated: number;
  /** Guest instructions in those units. */
  instructionsTranslated: number;
  /** Units compiled a second time, for speed. */
  unitsSharpened: number;
  /** Units taken from a store instead of translated. */
  unitsLoaded: number;
  /** Hot code compiled again as regions. */
  regionsCompiled: number;
  /** Functions put into the call table, and taken out again. */
  callsBound: number;
  callsUnbound: number;
  /** Compilations; each holds one unit or more. */
  batches: number;
  /** Units of one instruction made for stores to translated code, and for exact limits. */
  stepsTranslated: number;
  /** Times an instruction was run alone. */
  stepsRun: number;
  /** Times a unit met a store to translated code. */
  leaves: number;
  /** Length of all text emitted so far, in characters; the cache knows how much of it is kept. */
  sourceBytes: number;
  /** Entries from the engine: at the start of a run, and whenever `follow` could not help. */
  lookups: number;
  /** Computed and other-page jumps, and how many of them missed the jump cache. */
  follows: number;
  followMisses: number;
  /** Pages attached to a space, and how many of them had been translated from before. */
  pagesAttached: number;
  pagesReused: number;
  /** Pages that stopped serving a space, and units that died or went dormant with them. */
  readonly invalidations: Record<DropReason, { pages: number; units: number }>;
  /** Instructions the processor has and capjit does not, by name: times executed. */
  readonly unsupported: Map<string, number>;
}

export function createStats(): JitStats {
  const zero = (): { pages: number; units: number } => ({ pages: 0, units: 0 });
  const invalidations = Object.fromEntries(DROP_REASONS.map((reason) => [reason, zero()]));
  return {
    unitsTranslated: 0,
    instructionsTranslated: 0,
    unitsSharpened: 0,
    unitsLoaded: 0,
    regionsCompiled: 0,
    callsBound: 0,
    callsUnbound: 0,
    batches: 0,
    stepsTranslated: 0,
    stepsRun: 0,
    leaves: 0,
    sourceBytes: 0,
    lookups: 0,
    follows: 0,
    followMisses: 0,
    pagesAttached: 0,
    pagesReused: 0,
    invalidations: invalidations as JitStats["invalidations"],
    unsupported: new Map(),
  };
}
