/** Every way an experiment can be run; what the processor did must come out of each (JIT-5). */

import { FEATURE_BITS, isFeature } from "../../src/frontend/features.ts";
import { PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { emittedExecutor, type Executor } from "./emitted.ts";
import { evaluatedExecutor } from "./evaluated.ts";

export interface NamedExecutor {
  readonly name: string;
  readonly make: () => Executor;
}

/** Everything there is a row for, also what is not reported by default. */
const features = Object.keys(FEATURE_BITS).filter(isFeature);

const emitted = (name: string, jit: Parameters<typeof emittedExecutor>[0]): NamedExecutor => ({
  name,
  make: () => emittedExecutor({ checks: "off", features, ...jit }),
});

export const EXECUTORS: readonly NamedExecutor[] = [
  { name: "evaluator", make: () => evaluatedExecutor({ features: new Set(features) }) },
  emitted("WebAssembly, state in place", { tier: "wasm", jit: { regions: false } }),
  emitted("WebAssembly regions", { tier: "wasm", jit: { regionEntries: 1 } }),
  emitted("JavaScript regions", { tier: "js", jit: { javascriptRegionEntries: 1 } }),
  emitted("blocks, compact first", { tier: "js", jit: { regions: false } }),
  emitted("blocks", { tier: "js", jit: { compactFirst: false } }),
  emitted("blocks without any pass", { jit: PLAIN_OPTIONS }),
  emitted("one instruction per block", { tier: "js", jit: { compactFirst: false, maxBlockInstructions: 1 } }),
];
