/** Sheets of random programs, as many as the code pages hold; some cross from one page to the other. */

import { CASE_DATA_AT, caseBytes, GPR_AT, IMAGE_AT, newImage } from "../support/native-layout.ts";
import { CODE_AREA_BYTES, CODE_PAGE, DATA_BYTES, DATA_PAGES, WHOLE } from "../support/state.ts";
import { assemble, type Node, piecesOf } from "./program.ts";
import { programConstants, randomProgram } from "./program-generator.ts";
import { STACK_START } from "./program-pieces.ts";
import type { Random } from "./random.ts";
import { place, type Sheet, type Specimen } from "./specimen.ts";
import type { StatePool } from "./states.ts";

export const PROGRAM_STATES = 1;
/** Bytes of INT3 between programs. */
const MAX_GAP = 16;
const RSP = 4;
const R15 = 15;

export interface Program extends Specimen {
  readonly nodes: readonly Node[];
}

export const programAt = (nodes: readonly Node[], offset: number): Program => ({
  nodes,
  offset,
  code: assemble(nodes, CODE_PAGE + offset),
  pieces: piecesOf(nodes),
  undefinedFlags: 0,
});

export function programSheet(random: Random, pool: StatePool): Sheet {
  const image = newImage();
  image.set(programConstants(random), CODE_AREA_BYTES);
  const specimens: Program[] = [];
  // Registers may point to the start of the code.
  let offset = 16 + random.below(MAX_GAP);
  for (;;) {
    const program = programAt(randomProgram(random), offset);
    if (offset + program.code.length >= CODE_AREA_BYTES) break;
    specimens.push(program);
    place(image, program);
    offset += program.code.length + 1 + random.below(MAX_GAP);
  }
  return { parts: WHOLE, image, specimens, states: PROGRAM_STATES, cases: programCases(specimens, pool) };
}

function programCases(specimens: readonly Specimen[], pool: StatePool): Buffer {
  const size = caseBytes(WHOLE);
  const cases = Buffer.alloc(specimens.length * PROGRAM_STATES * size);
  for (let i = 0; i < specimens.length * PROGRAM_STATES; i++) {
    const { offset } = specimens[Math.floor(i / PROGRAM_STATES)]!;
    const at = i * size;
    pool.write(cases, at, CODE_PAGE + offset, { masked: true });
    cases.writeBigUInt64LE(BigInt(STACK_START), at + GPR_AT + 8 * RSP);
    cases.writeBigUInt64LE(BigInt(DATA_PAGES), at + GPR_AT + 8 * R15);
    cases.writeUInt32LE(0, at + IMAGE_AT);
    pool.fill(cases, at + CASE_DATA_AT, DATA_BYTES);
  }
  return cases;
}
