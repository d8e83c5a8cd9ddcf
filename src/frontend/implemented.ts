/**
 * Which features are there, worked out from the rows: a feature is reported when it has rows and every one of them
 * is implemented. So CPUID never promises an instruction that raises #UD.
 */

import { FEATURE_BITS, type Feature, type FeatureSet, isFeature } from "./features.ts";
import { type Encoding, encodings } from "./tables/encodings.ts";

/** Features of the machine rather than of instructions; and the baseline of x86-64, which every program assumes. */
const ALWAYS: readonly Feature[] = ["nx", "lm", "prefetchw", "sse", "sse2"];

const isX87 = ({ map, opcode }: Encoding): boolean =>
  map === "" && ((opcode >= 0xd8 && opcode <= 0xdf) || opcode === 0x9b);

/** The feature that an encoding belongs to, also where its row leaves it to the operands. */
export function featureOf(encoding: Encoding): Feature | undefined {
  const { row } = encoding;
  if (row.feature !== undefined) return row.feature;
  if (row.operands.some(({ kind }) => kind === "mmreg" || kind === "mmrm")) return "mmx";
  return isX87(encoding) ? "fpu" : undefined;
}

/** The features whose rows are all implemented. */
export function implementedFeatures(all: readonly Encoding[] = encodings()): FeatureSet {
  const complete = new Map<Feature, boolean>();
  for (const encoding of all) {
    const feature = featureOf(encoding);
    if (feature === undefined) continue;
    complete.set(feature, encoding.row.supported && complete.get(feature) !== false);
  }
  return new Set(
    Object.keys(FEATURE_BITS)
      .filter(isFeature)
      .filter((name) => ALWAYS.includes(name) || complete.get(name) === true),
  );
}

/** What a processor has when nothing else is asked for. */
export const DEFAULT_FEATURES: FeatureSet = implementedFeatures();
