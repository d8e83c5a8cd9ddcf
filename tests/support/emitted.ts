/** The translator as an executor of experiments: a bare processor per batch, reset for every case. */

import { CaseMachine, type CaseMachineOptions } from "./case-machine.ts";
import { batchOf, decodeResult, resultBytes } from "./native-layout.ts";
import type { TestCase, TestResult } from "./state.ts";

export interface Executor {
  run(test: TestCase): TestResult;
}

/** Runs cases on translated code. */
export function emittedExecutor(options: CaseMachineOptions): Executor {
  const machine = new CaseMachine(options);
  return {
    run(test) {
      const { images, parts, cases } = batchOf([test]);
      const results = Buffer.alloc(resultBytes(parts));
      machine.load(images[0]!);
      machine.run({ parts, cases, caseAt: 0, results, resultAt: 0 });
      return decodeResult(results);
    },
  };
}
