/** Where recorded results lie: one file per opcode map, in it a list of lines for each encoding. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Evidence, readEvidence } from "../../src/cli/isa.ts";
import { type Encoding, encodings, encodingText, rowNames } from "../../src/frontend/tables/encodings.ts";
import { packageFile } from "../../src/package-root.ts";
import { EXCLUDED } from "../fuzz/generator.ts";

export type Recorded = Readonly<Record<string, readonly string[]>>;

const FOLDER = packageFile("tests/vectors");
export const EVIDENCE_FILE = join(FOLDER, "evidence.json");

const fileName = (map: string): string => join(FOLDER, `${map === "" ? "one-byte" : map}.json`);

export function readRecorded(map: string): Recorded {
  const file = fileName(map);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Recorded) : {};
}

/** One vector a line, so that a change of one is a change of one line. */
export function writeRecorded(map: string, recorded: Recorded): void {
  const entries = Object.entries(recorded).map(
    ([key, lines]) =>
      `${JSON.stringify(key)}: [\n${lines.map((line) => JSON.stringify(line)).join(",\n")}\n]`,
  );
  writeFileSync(fileName(map), `{\n${entries.join(",\n")}\n}\n`);
}

/** Encodings whose results are the host's, by their text; tests of their own say what they do here. */
const HOSTS_OWN: readonly (readonly [RegExp, string])[] = [
  [/^8[ce] |^0f a[089]$/, "selectors are the host's"],
  [/^0f 01 .* reg$/, "virtual machines and system control"],
  [/^0f 0d .* reg$/, "NOP on Intel processors, undefined on AMD's"],
];

/** Instructions whose results are the host's. */
export const isHostsOwn = (encoding: Encoding): boolean =>
  HOSTS_OWN.some(([pattern]) => pattern.test(encodingText(encoding))) ||
  rowNames(encoding.row)
    .split("/")
    .some((name) => EXCLUDED.has(name) || EXCLUDED.has(name.replace(/[qdw]$/, "")));

export interface Place {
  readonly key: string;
  readonly encoding: Encoding;
}

/** Every implemented encoding by its map. */
export function implementedByMap(): Map<string, Place[]> {
  const maps = new Map<string, Place[]>();
  for (const encoding of encodings()) {
    if (!encoding.row.supported) continue;
    const places = maps.get(encoding.map) ?? [];
    maps.set(encoding.map, places);
    places.push({ key: encodingText(encoding), encoding });
  }
  return maps;
}

/** Adds random cases that were compared without a difference to the evidence, by the text of their encoding. */
export function recordFuzzed(cases: ReadonlyMap<string, number>): void {
  const known = readEvidence(EVIDENCE_FILE);
  const evidence: Record<string, Evidence> = {};
  for (const places of implementedByMap().values()) {
    for (const { key } of places) {
      const { vectors, fuzzed } = known.get(key) ?? { vectors: 0, fuzzed: 0 };
      evidence[key] = { vectors, fuzzed: fuzzed + (cases.get(key) ?? 0) };
    }
  }
  writeEvidence(evidence);
}

export const writeEvidence = (evidence: Readonly<Record<string, Evidence>>): void =>
  writeFileSync(EVIDENCE_FILE, `${JSON.stringify(evidence, undefined, 1)}\n`);
