/** Every operation of the table through the WebAssembly back end, against the evaluator. */

import { describe, expect, test } from "vitest";
import { OP_NAMES } from "../../../../src/jit/ir/ops.ts";
import { verify } from "../../../../src/jit/ir/verify.ts";
import { createGuest, differences, resetMemory, traceEvaluated, memoryOf } from "../bench-machine.ts";
import { blockOf, withBulk } from "../one-op.ts";
import { Operands } from "../operands.ts";
import { WasmBench } from "./wasm-bench.ts";

const bench = new WasmBench();
const reference = createGuest();
const ROUNDS = 24;

/** Nothing of the instruction has happened: memory, RIP and count are those of its start. */
function expectUntouched(trace: ReturnType<WasmBench["trace"]>, address: number): void {
  resetMemory(reference);
  expect(Buffer.compare(trace.memory, memoryOf(reference))).toBe(0);
  expect([trace.rip, trace.instructions]).toEqual([BigInt(address), 0]);
}

describe.each(OP_NAMES.map((op) => [op] as const))("%s", (op) => {
  test.each([
    ["state in place", false, true],
    ["state in place, constant operands", true, true],
    ["state in locals", false, false],
    ["state in locals, constant operands", true, false],
  ])("%s", (_title, constant, inPlace) => {
    const operands = new Operands(OP_NAMES.indexOf(op) * 2 + (constant ? 1 : 0) + 7777);
    for (let round = 0; round < ROUNDS; round++) {
      const block = blockOf(op, operands, constant);
      expect(verify(block)).toEqual([]);
      const state = operands.state();
      const region = { blocks: [block], entries: [0], returns: false };
      const trace = bench.trace(region, state, inPlace);
      const evaluated = traceEvaluated(reference, block, state);
      if (trace.outcome === "leave") {
        // A store to watched code, which only a step makes.
        expect(evaluated.outcome).toBe("follow");
        expectUntouched(trace, block.address);
        continue;
      }
      const expected = withBulk(block, state, trace, evaluated);
      expect(differences(trace, expected), JSON.stringify(block.code)).toEqual([]);
    }
  });
});
