/**
 * Every encoding the tables have, as a list: what `capjit isa` prints and what tests generate instructions from. It
 * follows the same choices as the decoder, so a row that the decoder can reach is here, and no other.
 */

import { OPERAND_CODES, type OperandCode } from "../operand-codes.ts";
import { MAP_0F38 } from "./map-0f38.ts";
import { MAP_0F3A } from "./map-0f3a.ts";
import { ONE_BYTE } from "./one-byte.ts";
import { type Entry, type OpcodeMap, type Row, rowName } from "./row.ts";
import { TWO_BYTE } from "./two-byte.ts";
import { VEX_0F38, VEX_0F3A } from "./vex.ts";

/** Bytes between prefixes and opcode; for VEX the number of the map. */
export type MapName = "" | "0f" | "0f38" | "0f3a" | "vex.0f38" | "vex.0f3a";

/** What the decoder has to find to come to a row; undefined where it does not look. */
export interface EncodingChoices {
  /** 0..3: none, 66, F3, F2. */
  readonly prefix: number | undefined;
  readonly reg: number | undefined;
  readonly rm: number | undefined;
  /** ModRM names memory. */
  readonly memory: boolean | undefined;
  /** REX.W, REX.B. */
  readonly wide: boolean | undefined;
  readonly extended: boolean | undefined;
}

export interface Encoding extends EncodingChoices {
  readonly map: MapName;
  readonly opcode: number;
  readonly row: Row;
}

const MAPS: readonly (readonly [MapName, OpcodeMap])[] = [
  ["", ONE_BYTE],
  ["0f", TWO_BYTE],
  ["0f38", MAP_0F38],
  ["0f3a", MAP_0F3A],
  ["vex.0f38", VEX_0F38],
  ["vex.0f3a", VEX_0F3A],
];

const ANY: EncodingChoices = {
  prefix: undefined,
  reg: undefined,
  rm: undefined,
  memory: undefined,
  wide: undefined,
  extended: undefined,
};

type Visit = (row: Row, choices: EncodingChoices) => void;

function follow(entry: Entry | undefined, choices: EncodingChoices, visit: Visit): void {
  if (entry === undefined) return;
  switch (entry.choose) {
    case "row":
      return visit(entry, choices);
    case "prefix":
    case "reg":
    case "rm":
      return followList(entry.entries, entry.choose, choices, visit);
    case "mod":
      follow(entry.memory, { ...choices, memory: true }, visit);
      return follow(entry.register, { ...choices, memory: false }, visit);
    case "wide":
    case "extended":
      follow(entry.clear, { ...choices, [entry.choose]: false }, visit);
      follow(entry.set, { ...choices, [entry.choose]: true }, visit);
  }
}

function followList(
  entries: readonly (Entry | undefined)[],
  choice: "prefix" | "reg" | "rm",
  choices: EncodingChoices,
  visit: Visit,
): void {
  for (const [i, entry] of entries.entries()) follow(entry, { ...choices, [choice]: i }, visit);
}

/** Every encoding in the order of the maps. */
export function encodings(): Encoding[] {
  const found: Encoding[] = [];
  for (const [map, opcodes] of MAPS) {
    for (const [opcode, entry] of opcodes.entries()) {
      follow(entry, ANY, (row, choices) => found.push({ map, opcode, row, ...choices }));
    }
  }
  return found;
}

const PREFIX_NAMES = ["", "66", "f3", "f2"];
const twoDigits = (value: number): string => value.toString(16).padStart(2, "0");

/** ModRM as the manual writes it: `/r`, `/4`, `/4 mem`. */
function modrmText({ row, reg, rm, memory }: Encoding): string {
  const seen = row.modrm || reg !== undefined || memory !== undefined;
  if (!seen) return "";
  const extension = reg === undefined ? "/r" : `/${reg}`;
  const form = memory === undefined ? "" : memory ? " mem" : " reg";
  return `${extension}${rm === undefined ? "" : `.${rm}`}${form}`;
}

/** The bytes of an encoding in the manual's way: `66 rex.w 0f 6e /r`. Different for any two encodings. */
export function encodingText(encoding: Encoding): string {
  const { map, opcode, prefix, wide, extended } = encoding;
  const vex = map.startsWith("vex.");
  const escape = vex ? map.slice(4) : map;
  const parts = [
    vex ? "vex" : "",
    PREFIX_NAMES[prefix ?? 0] ?? "",
    wide === true ? "rex.w" : wide === false ? "w0" : "",
    extended === true ? "rex.b" : extended === false ? "b0" : "",
    ...(escape.match(/../g) ?? []),
    twoDigits(opcode),
    modrmText(encoding),
  ];
  return parts.filter((part) => part !== "").join(" ");
}

const CODE_NAMES = new Map<OperandCode, string>(
  Object.entries(OPERAND_CODES).map(([name, code]) => [code, name]),
);

/** The operand codes of a row by their names: `Gv,Ev`. */
export const operandNames = (row: Row): string =>
  row.operands.map((code) => CODE_NAMES.get(code) ?? "?").join(",");

/** All names a row has, one for each operand size it tells apart. */
export const rowNames = (row: Row): string =>
  [...new Set([2, 4, 8].map((size) => rowName(row, size)))].join("/");
