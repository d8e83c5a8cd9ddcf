/** The three-byte map 0F 3A (Intel SDM vol. 2, table A-5). Every row has an immediate; none is implemented yet. */

import type { OperandName } from "../operand-codes.ts";
import { byMod, byPrefix, byWide, type Entry, type OpcodeMap, opcodeMap, unsupported } from "./row.ts";

const only66 = (opcode: number, name: string, operands: readonly OperandName[]): [number, Entry] => [
  opcode,
  byPrefix(undefined, unsupported(name, [...operands, "Ib"])),
];
const packed = (opcode: number, name: string): [number, Entry] => only66(opcode, name, ["Vx", "Wx"]);

/** Lane moves between memory of the lane's width, or a general register, and a vector. */
const extract = (opcode: number, name: string, memory: "Mb" | "Mw"): [number, Entry] => [
  opcode,
  byPrefix(undefined, byMod(unsupported(name, [memory, "Vx", "Ib"]), unsupported(name, ["Ey", "Vx", "Ib"]))),
];

export const MAP_0F3A: OpcodeMap = opcodeMap([
  packed(0x08, "roundps"),
  packed(0x09, "roundpd"),
  only66(0x0a, "roundss", ["Vx", "Wd"]),
  only66(0x0b, "roundsd", ["Vx", "Wq"]),
  packed(0x0c, "blendps"),
  packed(0x0d, "blendpd"),
  packed(0x0e, "pblendw"),
  [0x0f, byPrefix(unsupported("palignr", ["Pq", "Qq", "Ib"]), unsupported("palignr", ["Vx", "Wx", "Ib"]))],
  extract(0x14, "pextrb", "Mb"),
  extract(0x15, "pextrw", "Mw"),
  [
    0x16,
    byPrefix(
      undefined,
      byWide(unsupported("pextrd", ["Ey", "Vx", "Ib"]), unsupported("pextrq", ["Ey", "Vx", "Ib"])),
    ),
  ],
  only66(0x17, "extractps", ["Ed", "Vx"]),
  [
    0x20,
    byPrefix(
      undefined,
      byMod(unsupported("pinsrb", ["Vx", "Mb", "Ib"]), unsupported("pinsrb", ["Vx", "Ey", "Ib"])),
    ),
  ],
  only66(0x21, "insertps", ["Vx", "Wd"]),
  [
    0x22,
    byPrefix(
      undefined,
      byWide(unsupported("pinsrd", ["Vx", "Ey", "Ib"]), unsupported("pinsrq", ["Vx", "Ey", "Ib"])),
    ),
  ],
  packed(0x40, "dpps"),
  packed(0x41, "dppd"),
  packed(0x42, "mpsadbw"),
  packed(0x44, "pclmulqdq"),
  packed(0x60, "pcmpestrm"),
  packed(0x61, "pcmpestri"),
  packed(0x62, "pcmpistrm"),
  packed(0x63, "pcmpistri"),
  [0xcc, byPrefix(unsupported("sha1rnds4", ["Vx", "Wx", "Ib"]))],
  packed(0xce, "gf2p8affineqb"),
  packed(0xcf, "gf2p8affineinvqb"),
  packed(0xdf, "aeskeygenassist"),
]);
