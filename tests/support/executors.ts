/** Every way an experiment can be run; what the processor did must come out of each (JIT-5). */

import { FEATURE_BITS, isFeature } from "../../src/frontend/features.ts";
import { type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { emittedExecutor, type Executor } from "./emitted.ts";
import { evaluatedExecutor } from "./evaluated.ts";

export interface NamedExecutor {
  readonly name: string;
  readonly make: () => Executor;
}

/** Everything there is a row for, also what is not reported by default. */
export const FEATURES = Object.keys(FEATURE_BITS).filter(isFeature);

const emitted = (name: string, jit: Partial<JitOptions>): NamedExecutor => ({
  name,
  make: () => emittedExecutor({ checks: "off", features: FEATURES, jit }),
});

/** What runs by default, then every other way that emits code. */
export const EMITTED: readonly (readonly [name: string, jit: Partial<JitOptions>])[] = [
  ["by default", {}],
  ["WebAssembly, state in place", { tier: "wasm", regions: false }],
  ["WebAssembly regions", { tier: "wasm", regionEntries: 1 }],
  ["JavaScript regions", { tier: "js", javascriptRegionEntries: 1 }],
  ["blocks, compact first", { tier: "js", hotEntries: 20, regions: false }],
  ["blocks", { tier: "js", compactFirst: false, regions: false }],
  ["blocks without any pass", PLAIN_OPTIONS],
  ["one instruction per block", { tier: "js", compactFirst: false, regions: false, maxBlockInstructions: 1 }],
];

export const EXECUTORS: readonly NamedExecutor[] = [
  { name: "evaluator", make: () => evaluatedExecutor({ features: new Set(FEATURES) }) },
  ...EMITTED.map(([name, jit]) => emitted(name, jit)),
];
