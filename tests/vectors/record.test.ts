/**
 * Records what this processor does, for every encoding of the tables: `npm run vectors`, or with a mnemonic behind it.
 * Not part of the tests: it writes files. Needs an x86-64 Linux host with a C compiler.
 */

import { expect, test } from "vitest";
import type { Evidence } from "../../src/cli/isa.ts";
import { readEvidence } from "../../src/cli/isa.ts";
import { type Encoding, rowNames } from "../../src/frontend/tables/encodings.ts";
import { FREE_ORDER, instructionOf } from "../fuzz/generator.ts";
import { Random } from "../fuzz/random.ts";
import { nativeCpu, type NativeCpu } from "../support/native.ts";
import { changesText, isRecordable, vectorText } from "../support/vector.ts";
import { vectorCase } from "../support/vector-case.ts";
import {
  implementedByMap,
  isHostsOwn,
  type Place,
  readRecorded,
  writeEvidence,
  writeRecorded,
} from "./files.ts";

const ONLY = process.env["CAPJIT_VECTORS"] ?? "";
/** Lines for each encoding: so many that run to their end, and at most so many that fault. */
const COMPLETE = 10;
const FAULTING = 2;
const ATTEMPTS = 200;

/** A number for a text, so that an encoding's vectors do not depend on its neighbours. */
const hash = (text: string): number =>
  [...text].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 7);

interface Attempt {
  readonly code: Uint8Array;
  readonly seed: number;
  readonly undefinedFlags: number;
}

function attempts({ key, encoding }: Place): Attempt[] {
  const random = new Random(hash(key));
  const made: Attempt[] = [];
  for (let i = 0; i < ATTEMPTS * 4 && made.length < ATTEMPTS; i++) {
    const candidate = instructionOf(random, encoding);
    if (candidate === undefined) continue;
    made.push({ code: candidate.bytes, seed: random.below(1e6), undefinedFlags: candidate.undefinedFlags });
  }
  return made;
}

const isFreeOrder = ({ row }: Encoding): boolean =>
  rowNames(row)
    .split("/")
    .some((name) => FREE_ORDER.has(name));

/** The first lines of each kind; those that change something go first. */
function record(native: NativeCpu, place: Place): string[] {
  const tried = attempts(place);
  const results = native.run(tried.map(({ code, seed }) => vectorCase(code, seed)));
  const lines = tried.flatMap(({ code, seed, undefinedFlags }, i) => {
    const result = results[i];
    if (result === undefined || !isRecordable(result)) return [];
    const changes = changesText(vectorCase(code, seed), result, undefinedFlags);
    if (isFreeOrder(place.encoding) && changes.startsWith("end=")) return [];
    return [{ changes, text: vectorText(code, seed, changes) }];
  });
  const faulting = lines.filter(({ changes }) => changes.startsWith("end="));
  const complete = lines.filter((line) => !faulting.includes(line));
  const effective = complete.filter(({ changes }) => changes !== "");
  const chosen = [...effective, ...complete.filter((line) => !effective.includes(line))].slice(0, COMPLETE);
  const room = chosen.length === 0 ? COMPLETE : FAULTING;
  return [...chosen, ...faulting.slice(0, room)].map(({ text }) => text);
}

const matches = ({ encoding }: Place): boolean =>
  ONLY === "" || rowNames(encoding.row).split("/").includes(ONLY);

test("records every encoding", () => {
  const native = nativeCpu();
  if (typeof native === "string") throw new Error(native);
  const known = readEvidence();
  const evidence: Record<string, Evidence> = {};
  for (const [map, places] of implementedByMap()) {
    const before = readRecorded(map);
    const after: Record<string, readonly string[]> = {};
    for (const place of places) {
      if (isHostsOwn(place.encoding)) continue;
      const old = before[place.key];
      after[place.key] = old !== undefined && !matches(place) ? old : record(native, place);
      const vectors = after[place.key]?.length ?? 0;
      evidence[place.key] = { vectors, fuzzed: known.get(place.key)?.fuzzed ?? 0 };
    }
    writeRecorded(map, after);
  }
  writeEvidence(evidence);
  expect(Object.keys(evidence).length).toBeGreaterThan(0);
}, 600_000);
