/** JIT-5, the emitter's part: random blocks leave the same state, memory, exit and fault compiled as evaluated. */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { IrBlock, IrInstruction } from "../../../src/jit/ir/block.ts";
import { rowOf } from "../../../src/jit/ir/ops.ts";
import { PINNED_END } from "../../../src/jit/ir/state.ts";
import { printBlock } from "../../../src/jit/ir/print.ts";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../../../src/jit/options.ts";
import { runPasses } from "../../../src/jit/passes/pipeline.ts";
import { irBlock } from "../../support/ir-arbitraries.ts";
import { createEmitted, createGuest, differences, traceCompiled, traceEvaluated } from "./bench-machine.ts";
import { Operands, showValue } from "./operands.ts";

const emitted = createEmitted();
const reference = createGuest();

/** Shows some of the block's values at its end, so that they are used long after the state they came from changed. */
function withShownValues(block: IrBlock, seed: number): IrBlock {
  const code: IrInstruction[] = [...block.code];
  let slot = PINNED_END;
  block.code.forEach(({ op }, value) => {
    const { result } = rowOf(op);
    if (result === undefined || result === "flags" || (value * 5 + seed) % 3 !== 0 || slot >= 1264) return;
    showValue(code, value, result, slot);
    slot += 16;
  });
  return { ...block, code };
}

const cases: readonly (readonly [title: string, options: JitOptions, compact: boolean])[] = [
  ["every optimisation", DEFAULT_OPTIONS, false],
  ["no optimisation", PLAIN_OPTIONS, false],
  ["no pass", { ...PLAIN_OPTIONS, inlineMemory: true }, false],
  ["every optimisation, compact", DEFAULT_OPTIONS, true],
  ["no pass, compact", PLAIN_OPTIONS, true],
];

test.each(cases)("with %s", (_title, options, compact) => {
  fc.assert(
    fc.property(irBlock(50), fc.nat(), (random, seed) => {
      const block = withShownValues(random, seed);
      const state = new Operands(seed).stateWithAddresses();
      const expected = traceEvaluated(reference, block, state);
      const compiled = traceCompiled(emitted, runPasses(block, options, "full"), state, options, compact);
      expect(differences(compiled, expected), printBlock(block)).toEqual([]);
    }),
    { numRuns: 400 },
  );
});
