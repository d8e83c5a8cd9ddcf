/** Every operation of the table, compiled and run, against the evaluator, on edge and random operands. */

import { describe, expect, test } from "vitest";
import { OP_NAMES } from "../../../src/jit/ir/ops.ts";
import { verify } from "../../../src/jit/ir/verify.ts";
import { DEFAULT_OPTIONS, type JitOptions } from "../../../src/jit/options.ts";
import { createEmitted, createGuest, differences, traceCompiled, traceEvaluated } from "./bench-machine.ts";
import { blockOf, withBulk } from "./one-op.ts";
import { Operands } from "./operands.ts";

const emitted = createEmitted();
const reference = createGuest();

const ROUNDS = 24;

describe.each(OP_NAMES.map((op) => [op] as const))("%s", (op) => {
  test.each([
    ["state operands", false, DEFAULT_OPTIONS, false],
    ["constant operands", true, DEFAULT_OPTIONS, false],
    ["memory not inlined", false, { ...DEFAULT_OPTIONS, inlineMemory: false }, false],
    ["compact, state operands", false, DEFAULT_OPTIONS, true],
    ["compact, constant operands", true, DEFAULT_OPTIONS, true],
  ] as readonly (readonly [string, boolean, JitOptions, boolean])[])(
    "%s",
    (_title, constant, options, compact) => {
      const operands = new Operands(OP_NAMES.indexOf(op) * 2 + (constant ? 1 : 0));
      for (let round = 0; round < ROUNDS; round++) {
        const block = blockOf(op, operands, constant);
        expect(verify(block)).toEqual([]);
        const state = operands.state();
        const compiled = traceCompiled(emitted, block, state, options, compact);
        const evaluated = withBulk(block, state, compiled, traceEvaluated(reference, block, state));
        expect(differences(compiled, evaluated), JSON.stringify(block.code)).toEqual([]);
      }
    },
  );
});
