/** The three-byte map 0F 3A (Intel SDM vol. 2, table A-5). Every row has an immediate. */

import { aeskeygenassist, pclmulqdq } from "../lift/crypto.ts";
import * as mmx from "../lift/mmx.ts";
import { packedControlled } from "../lift/sse-integer.ts";
import * as float from "../lift/sse-float.ts";
import * as sse41 from "../lift/sse41.ts";
import * as sse42 from "../lift/sse42.ts";
import type { Feature } from "../features.ts";
import type { OperandName } from "../operand-codes.ts";
import {
  byMod,
  byPrefix,
  byWide,
  type Entry,
  type Lifter,
  type OpcodeMap,
  opcodeMap,
  type Row,
  row,
  type RowOptions,
  unsupported,
} from "./row.ts";

type Operands = readonly OperandName[];
const V_W: Operands = ["Vx", "Wx"];
/** String comparisons take memory at any address; so does SHA on AMD processors, against the manual. */
const V_ANY: Operands = ["Vx", "Wu"];

const made = (name: Row["mnemonic"], lift: Lifter, operands: Operands, feature: Feature = "sse4.1"): Entry =>
  row(name, lift, [...operands, "Ib"], { feature });

/** The explicit lengths are as wide as the operand size. */
const wideName = (name: string): Row["mnemonic"] => [name, name, `${name}64`];

const with66 = (
  opcode: number,
  name: Row["mnemonic"],
  lift: Lifter,
  operands: Operands = V_W,
  feature: Feature = "sse4.1",
): [number, Entry] => [opcode, byPrefix(undefined, made(name, lift, operands, feature))];

const missing = (
  opcode: number,
  name: string,
  operands: Operands = V_W,
  options: RowOptions = { feature: "sse4.1" },
): [number, Entry] => [opcode, byPrefix(undefined, unsupported(name, [...operands, "Ib"], options))];

/** Lane moves between memory of the lane's width, or a general register, and a vector. */
const extract = (opcode: number, name: string, lift: Lifter, memory: "Mb" | "Mw"): [number, Entry] => [
  opcode,
  byPrefix(undefined, byMod(made(name, lift, [memory, "Vx"]), made(name, lift, ["Ed", "Vx"]))),
];

export const MAP_0F3A: OpcodeMap = opcodeMap([
  with66(0x08, "roundps", float.roundps),
  with66(0x09, "roundpd", float.roundpd),
  with66(0x0a, "roundss", float.roundss, ["Vx", "Wd"]),
  with66(0x0b, "roundsd", float.roundsd, ["Vx", "Wq"]),
  with66(0x0c, "blendps", sse41.blendByMask(2)),
  with66(0x0d, "blendpd", sse41.blendByMask(4)),
  with66(0x0e, "pblendw", sse41.blendByMask(1)),
  [
    0x0f,
    byPrefix(
      row("palignr", mmx.palignr, ["Pq", "Qq", "Ib"], { feature: "ssse3" }),
      made("palignr", sse41.palignr, V_W, "ssse3"),
    ),
  ],
  extract(0x14, "pextrb", sse41.pextrb, "Mb"),
  extract(0x15, "pextrw", sse41.pextrw, "Mw"),
  [
    0x16,
    byPrefix(
      undefined,
      byWide(made("pextrd", sse41.pextrd, ["Ey", "Vx"]), made("pextrq", sse41.pextrd, ["Ey", "Vx"])),
    ),
  ],
  with66(0x17, "extractps", sse41.extractps, ["Ed", "Vx"]),
  [
    0x20,
    byPrefix(
      undefined,
      byMod(made("pinsrb", sse41.pinsrb, ["Vx", "Mb"]), made("pinsrb", sse41.pinsrb, ["Vx", "Ed"])),
    ),
  ],
  with66(0x21, "insertps", sse41.insertps, ["Vx", "Wd"]),
  [
    0x22,
    byPrefix(
      undefined,
      byWide(made("pinsrd", sse41.pinsrd, ["Vx", "Ey"]), made("pinsrq", sse41.pinsrd, ["Vx", "Ey"])),
    ),
  ],
  with66(0x40, "dpps", float.dpps),
  with66(0x41, "dppd", float.dppd),
  with66(0x42, "mpsadbw", packedControlled("sadblocks.u8", 7)),
  with66(0x44, "pclmulqdq", pclmulqdq, V_W, "pclmulqdq"),
  with66(0x60, wideName("pcmpestrm"), sse42.pcmpestrm, V_ANY, "sse4.2"),
  with66(0x61, wideName("pcmpestri"), sse42.pcmpestri, V_ANY, "sse4.2"),
  with66(0x62, "pcmpistrm", sse42.pcmpistrm, V_ANY, "sse4.2"),
  with66(0x63, "pcmpistri", sse42.pcmpistri, V_ANY, "sse4.2"),
  [0xcc, byPrefix(made("sha1rnds4", packedControlled("sha1.rounds4", 3), V_ANY, "sha"))],
  missing(0xce, "gf2p8affineqb", V_W, {}),
  missing(0xcf, "gf2p8affineinvqb", V_W, {}),
  with66(0xdf, "aeskeygenassist", aeskeygenassist, V_W, "aes"),
]);
