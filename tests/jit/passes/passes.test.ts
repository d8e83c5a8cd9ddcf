import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { IrBlock } from "../../../src/jit/ir/block.ts";
import { OP_NAMES } from "../../../src/jit/ir/ops.ts";
import { printBlock } from "../../../src/jit/ir/print.ts";
import { FLAGS_A, FLAGS_CODE } from "../../../src/jit/ir/state.ts";
import { verify } from "../../../src/jit/ir/verify.ts";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../../../src/jit/options.ts";
import { PASSES, runPasses } from "../../../src/jit/passes/pipeline.ts";
import { STATE_BYTES, SimpleMachine, SimpleMemory } from "../../support/evaluator.ts";
import { evaluate } from "../../../src/jit/ir/evaluate.ts";
import { irBlock, irBlockOf } from "../../support/ir-arbitraries.ts";

/** Random state whose flags words have a known kind. */
const stateBytes = fc
  .tuple(fc.uint8Array({ minLength: 256, maxLength: 256 }), fc.nat(8), fc.nat(3), fc.nat(7))
  .map(([random, kind, width, extra]) => {
    const state = new Uint8Array(STATE_BYTES);
    state.set(random, FLAGS_A);
    state.set([kind | (width << 4), extra, 0, 0], FLAGS_CODE);
    return state;
  });

/** One address in 64 faults, seen from its 16-byte granule. */
const faulting = (): SimpleMemory =>
  new SimpleMemory((address) => (((address >> 4n) & 63n) === 3n ? { vector: 14, errorCode: 4 } : undefined));

/** All that a run shows: exit, state without the flags words, flags as bits, memory. */
function outcome(block: IrBlock, state: Uint8Array) {
  const machine = new SimpleMachine(state.slice(), faulting(), {
    instructionsAtEntry: 1000,
    random: [5n, 7n],
  });
  const exit = evaluate(block, machine);
  const { flagBits } = machine;
  machine.state.fill(0, FLAGS_CODE, FLAGS_A + 16);
  return {
    exit,
    flagBits,
    state: Buffer.from(machine.state).toString("hex"),
    memory: [...machine.memory.bytes],
  };
}

function expectSameOutcome(block: IrBlock, options: JitOptions, state: Uint8Array): void {
  expect(verify(block)).toEqual([]);
  const changed = runPasses(block, options, "full");
  const text = `${printBlock(block)}\n${printBlock(changed)}`;
  expect({ ...outcome(changed, state), text }).toEqual({ ...outcome(block, state), text });
}

const someOptions = fc
  .subarray(PASSES.flatMap(({ options }) => options))
  .map((on): JitOptions => ({ ...PLAIN_OPTIONS, ...Object.fromEntries(on.map((option) => [option, true])) }));

describe("JIT-5 results do not depend on passes", () => {
  test("random blocks, every pass", () => {
    fc.assert(
      fc.property(irBlock(), stateBytes, (block, state) => expectSameOutcome(block, DEFAULT_OPTIONS, state)),
      { numRuns: 300 },
    );
  });

  test("random blocks, some passes", () => {
    fc.assert(
      fc.property(irBlock(), someOptions, stateBytes, (block, options, state) =>
        expectSameOutcome(block, options, state),
      ),
      { numRuns: 200 },
    );
  });

  test.each(OP_NAMES)("%s among few others", (op) => {
    fc.assert(
      fc.property(irBlockOf(op), stateBytes, (block, state) =>
        expectSameOutcome(block, DEFAULT_OPTIONS, state),
      ),
      { numRuns: 12 },
    );
  });
});
