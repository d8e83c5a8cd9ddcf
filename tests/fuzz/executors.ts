/** The executors of tests/support on sheets: bytes in, bytes out. */

import { CaseMachine, type CasePlace } from "../support/case-machine.ts";
import { evaluatedExecutor } from "../support/evaluated.ts";
import { EMITTED, FEATURES } from "../support/executors.ts";
import {
  CASE_DATA_AT,
  caseBytes,
  CR2_AT,
  decodeState,
  encodeState,
  ERROR_CODE_AT,
  type Image,
  RESULT_DATA_AT,
  SIGNAL_AT,
  SIGVTALRM,
  STRAY_AT,
  VECTOR_AT,
} from "../support/native-layout.ts";
import { CODE_AREA_BYTES, type TestCase, type TestResult } from "../support/state.ts";

export interface SheetExecutor {
  readonly name: string;
  /** It takes one of so many start states: slow ones come to fewer. */
  readonly oneOf: number;
  load(image: Image): void;
  run(place: CasePlace): void;
}

/** Slower than emitted code by this much, roughly. */
const EVALUATOR_ONE_OF = 16;

export function testCaseOf(image: Image, { parts, cases, caseAt }: CasePlace): TestCase {
  const bytes = Buffer.from(cases.buffer, cases.byteOffset + caseAt, caseBytes(parts));
  return {
    state: decodeState(bytes),
    code: image.subarray(0, CODE_AREA_BYTES),
    codeOffset: 0,
    window: bytes.subarray(CASE_DATA_AT),
    rodata: image.subarray(CODE_AREA_BYTES),
  };
}

const SIGTRAP = 5;

export function encodeResult({ state, ending, strayWrite, window }: TestResult, into: Buffer): void {
  encodeState(state, into);
  into.writeUInt32LE(ending.kind === "timeout" ? SIGVTALRM : SIGTRAP, SIGNAL_AT);
  into.writeUInt32LE(strayWrite ? 1 : 0, STRAY_AT);
  into.set(window, RESULT_DATA_AT);
  if (ending.kind === "timeout") return;
  into.writeUInt32LE(ending.vector, VECTOR_AT);
  into.writeUInt32LE(ending.errorCode, ERROR_CODE_AT);
  into.writeBigUInt64LE(ending.address, CR2_AT);
}

class Evaluator implements SheetExecutor {
  readonly name = "evaluator";
  readonly oneOf = EVALUATOR_ONE_OF;
  #image: Image = new Uint8Array(0);

  load(image: Image): void {
    this.#image = image;
  }

  run(place: CasePlace): void {
    const executor = evaluatedExecutor({ features: new Set(FEATURES) }, place.parts);
    const result = executor.run(testCaseOf(this.#image, place));
    const { results, resultAt } = place;
    encodeResult(result, Buffer.from(results.buffer, results.byteOffset + resultAt));
  }
}

class Translated extends CaseMachine implements SheetExecutor {
  readonly name: string;
  readonly oneOf = 1;

  constructor(name: string, jit: (typeof EMITTED)[number][1]) {
    super({ features: FEATURES, checks: "off", jit });
    this.name = name;
  }
}

export interface ExecutorMaker {
  readonly name: string;
  readonly jit: (typeof EMITTED)[number][1];
  make(): SheetExecutor;
}

/** Makes an executor when it is first asked for. The first one is what runs by default. */
export const SHEET_EXECUTORS: readonly ExecutorMaker[] = [
  ...EMITTED.map(([name, jit]) => ({ name, jit, make: () => new Translated(name, jit) })),
  { name: "evaluator", jit: {}, make: () => new Evaluator() },
];
