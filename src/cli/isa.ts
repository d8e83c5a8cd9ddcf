/** `capjit isa`: the instructions that are implemented, from the rows the decoder works with. */

import { existsSync, readFileSync } from "node:fs";
import { InputError } from "../input-error.ts";
import { featureOf } from "../frontend/implemented.ts";
import {
  type Encoding,
  encodings,
  encodingText,
  operandNames,
  rowNames,
} from "../frontend/tables/encodings.ts";
import { packageFile } from "../package-root.ts";
import type { Output } from "./output.ts";

export interface IsaArguments {
  readonly filter?: string;
  readonly missing: boolean;
  readonly json: boolean;
}

/** How well an encoding is tested: recorded results of a processor, and random cases compared with one. */
export interface Evidence {
  readonly vectors: number;
  readonly fuzzed: number;
}

export interface IsaLine extends Evidence {
  readonly encoding: string;
  readonly mnemonic: string;
  readonly operands: string;
  readonly feature: string;
  readonly implemented: boolean;
}

/** Written by `npm run vectors` and by long runs of `npm run fuzz`. */
const EVIDENCE_FILE = packageFile("tests/vectors/evidence.json");
const NONE: Evidence = { vectors: 0, fuzzed: 0 };

/** Evidence by `encodingText`; empty where the package came without it. */
export function readEvidence(file = EVIDENCE_FILE): ReadonlyMap<string, Evidence> {
  if (!existsSync(file)) return new Map();
  return new Map(Object.entries(JSON.parse(readFileSync(file, "utf8")) as Record<string, Evidence>));
}

function lineOf(encoding: Encoding, evidence: ReadonlyMap<string, Evidence>): IsaLine {
  const text = encodingText(encoding);
  const { vectors, fuzzed } = evidence.get(text) ?? NONE;
  return {
    encoding: text,
    mnemonic: rowNames(encoding.row),
    operands: operandNames(encoding.row),
    feature: featureOf(encoding) ?? "",
    implemented: encoding.row.supported,
    vectors,
    fuzzed,
  };
}

/** Everything in the tables, in the order of the opcode maps. */
export function isaLines(evidence = readEvidence()): IsaLine[] {
  return encodings().map((encoding) => lineOf(encoding, evidence));
}

/** A mnemonic, its start before `*`, or a feature. */
function matches({ mnemonic, feature }: IsaLine, filter: string): boolean {
  if (feature === filter) return true;
  const names = mnemonic.split("/");
  if (!filter.endsWith("*")) return names.includes(filter);
  return names.some((name) => name.startsWith(filter.slice(0, -1)));
}

const WIDTHS = { encoding: 26, instruction: 32, feature: 11, count: 8 } as const;

function columns(encoding: string, instruction: string, feature: string, counts: readonly string[]): string {
  const left = [
    encoding.padEnd(WIDTHS.encoding),
    instruction.padEnd(WIDTHS.instruction),
    feature.padEnd(WIDTHS.feature),
  ];
  return [...left, ...counts.map((text) => text.padStart(WIDTHS.count))].join(" ").trimEnd();
}

const counted = (count: number): string => (count === 0 ? "-" : String(count));

function table(lines: readonly IsaLine[]): string {
  const rows = lines.map((line) =>
    columns(line.encoding, `${line.mnemonic} ${line.operands}`, line.feature, [
      counted(line.vectors),
      counted(line.fuzzed),
    ]),
  );
  return `${[columns("ENCODING", "INSTRUCTION", "FEATURE", ["VECTORS", "FUZZED"]), ...rows].join("\n")}\n`;
}

/** Prints the table; the exit code. */
export function isa({ filter, missing, json }: IsaArguments, output: Output): number {
  const all = isaLines();
  const chosen = all.filter((line) => line.implemented !== missing);
  const lines = filter === undefined ? chosen : chosen.filter((line) => matches(line, filter));
  if (lines.length === 0) {
    const which = missing ? "missing" : "implemented";
    throw new InputError(
      `no ${which} instruction or feature is named "${filter ?? ""}"; see capjit isa --help`,
    );
  }
  output.stdout.write(json ? `${JSON.stringify(lines)}\n` : table(lines));
  if (!json && filter === undefined) {
    const implemented = all.filter((line) => line.implemented).length;
    output.stdout.write(`\n${all.length} encodings, ${implemented} implemented\n`);
  }
  return 0;
}
