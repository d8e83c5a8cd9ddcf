/**
 * Sheets of single instructions and short sequences: each begins in a slot of the code pages, with INT3 around it.
 * The slots at the ends of the pages hold instructions that cross them.
 */

import { CASE_DATA_AT, caseBytes, IMAGE_AT, newImage, RODATA_BYTES } from "../support/native-layout.ts";
import { CODE_AREA_BYTES, CODE_PAGE, partsBytes, WINDOWS } from "../support/state.ts";
import { type Candidate, randomInstruction } from "./generator.ts";
import type { Random } from "./random.ts";
import { place, type Sheet, type Specimen } from "./specimen.ts";
import { StatePool } from "./states.ts";

const SLOT_BYTES = 128;
const SLOTS = CODE_AREA_BYTES / SLOT_BYTES;
/** The first slot stays empty: registers point there, and code may jump there. */
const FIRST_SLOT = 1;
const PAGE = 4096;
export const STATES = 128;
const SEQUENCES_PERCENT = 20;
const MAX_SEQUENCE = 4;
const INT3 = 0xcc;

function sequence(random: Random, only: RegExp | undefined): Candidate[] {
  const parts: Candidate[] = [];
  const length = random.chance(SEQUENCES_PERCENT) ? 2 + random.below(MAX_SEQUENCE - 1) : 1;
  while (parts.length < length) {
    const candidate = randomInstruction(random, only);
    if (candidate === undefined || !candidate.supported) continue;
    parts.push(candidate);
    // A later instruction may read a flag that an earlier one left undefined; such sequences are cut there.
    if (candidate.undefinedFlags !== 0 || candidate.branches) break;
  }
  return parts;
}

/** The end of a page lies inside the code, right behind it, or a byte later. */
function offsetAtPageEnd(random: Random, slot: number, length: number): number {
  const end = (slot + 1) * SLOT_BYTES;
  return end === CODE_AREA_BYTES ? end - length + random.below(3) - 1 : end - random.below(length + 2);
}

function specimen(random: Random, slot: number, only: RegExp | undefined): Specimen {
  const parts = sequence(random, only);
  const code = Buffer.concat(parts.map(({ bytes }) => bytes));
  const atEnd = ((slot + 1) * SLOT_BYTES) % PAGE === 0;
  return {
    offset: atEnd ? offsetAtPageEnd(random, slot, code.length) : slot * SLOT_BYTES,
    code,
    pieces: parts,
    undefinedFlags: parts.reduce((flags, part) => flags | part.undefinedFlags, 0),
  };
}

/** The target of a relative branch at the end, as an offset in the code pages. */
function targetOf({ offset, code, pieces }: Specimen): number | undefined {
  const last = pieces.at(-1) as Candidate | undefined;
  if (last?.target === undefined) return undefined;
  return offset + code.length - last.bytes.length + last.target;
}

/** Branches into other specimens would run what nobody looked at, such as half an instruction. */
function isContained(image: Uint8Array, specimen: Specimen): boolean {
  const target = targetOf(specimen);
  if (target === undefined || target < 0 || target >= CODE_AREA_BYTES) return true;
  return image[target] === INT3;
}

export function instructionSheet(random: Random, pool: StatePool, only?: RegExp): Sheet {
  const image = newImage();
  image.set(random.bytes(RODATA_BYTES), CODE_AREA_BYTES);
  const made: Specimen[] = [];
  /** Behind the last one there is an INT3 at least. */
  let end = -1;
  for (let slot = FIRST_SLOT; slot < SLOTS; slot++) {
    const next = specimen(random, slot, only);
    if (next.offset <= end) continue;
    made.push(next);
    place(image, next);
    end = next.offset + next.code.length;
  }
  const specimens = made.filter((each) => isContained(image, each));
  return { parts: WINDOWS, image, specimens, states: STATES, cases: randomCases(specimens, pool) };
}

function randomCases(specimens: readonly Specimen[], pool: StatePool): Buffer {
  const size = caseBytes(WINDOWS);
  const cases = Buffer.alloc(specimens.length * STATES * size);
  for (let i = 0; i < specimens.length * STATES; i++) {
    const { offset } = specimens[Math.floor(i / STATES)]!;
    pool.write(cases, i * size, CODE_PAGE + offset, { masked: false });
    cases.writeUInt32LE(0, i * size + IMAGE_AT);
    pool.fill(cases, i * size + CASE_DATA_AT, partsBytes(WINDOWS));
  }
  return cases;
}
