/** The three-byte map 0F 38 (Intel SDM vol. 2, table A-4). */

import * as alu from "../lift/alu.ts";
import { sha256rnds2 } from "../lift/crypto.ts";
import * as mmx from "../lift/mmx.ts";
import { movbe } from "../lift/move.ts";
import * as integer from "../lift/sse-integer.ts";
import { movVector } from "../lift/sse-move.ts";
import * as sse41 from "../lift/sse41.ts";
import { crc32 } from "../lift/sse42.ts";
import type { OperandName } from "../operand-codes.ts";
import {
  byMod,
  byPrefix,
  type Entry,
  type Lifter,
  type OpcodeMap,
  opcodeMap,
  row,
  type RowOptions,
  unsupported,
} from "./row.ts";

/** SSSE3: MMX without prefix, SSE with 66. */
const ssse3 = (opcode: number, name: string, lift: Lifter, narrow: Lifter): [number, Entry] => [
  opcode,
  byPrefix(
    row(name, narrow, ["Pq", "Qq"], { feature: "ssse3" }),
    row(name, lift, ["Vx", "Wx"], { feature: "ssse3" }),
  ),
];

const with66 = (
  opcode: number,
  name: string,
  lift: Lifter,
  source: OperandName = "Wx",
  options: RowOptions = { feature: "sse4.1" },
): [number, Entry] => [opcode, byPrefix(undefined, row(name, lift, ["Vx", source], options))];

const missing = (opcode: number, name: string): [number, Entry] => [
  opcode,
  byPrefix(undefined, unsupported(name, ["Vx", "Wx"])),
];

/** The manual asks for aligned memory; AMD processors take any. */
const sha = (opcode: number, name: string, lift: Lifter): [number, Entry] => [
  opcode,
  byPrefix(row(name, lift, ["Vx", "Wu"], { feature: "sha" })),
];

const aes = (opcode: number, name: string, lift: Lifter): [number, Entry] =>
  with66(opcode, name, lift, "Wx", { feature: "aes" });

const adx = { feature: "adx" } as const;
const sse42 = { feature: "sse4.2" } as const;
const movbeFeature = { feature: "movbe" } as const;
const MOVBE_LOAD = byMod(row("movbe", movbe, ["Gv", "Mv"], movbeFeature), undefined);
const MOVBE_STORE = byMod(row("movbe", movbe, ["Mv", "Gv"], movbeFeature), undefined);

export const MAP_0F38: OpcodeMap = opcodeMap([
  ssse3(0x00, "pshufb", integer.packed("shufflebytes.v8"), mmx.pshufb),
  ssse3(0x01, "phaddw", integer.packed("hadd.v16"), mmx.narrowing("hadd.v16")),
  ssse3(0x02, "phaddd", integer.packed("hadd.v32"), mmx.narrowing("hadd.v32")),
  ssse3(0x03, "phaddsw", integer.packed("haddsat.s16"), mmx.narrowing("haddsat.s16")),
  ssse3(0x04, "pmaddubsw", integer.packed("maddsat.u8"), mmx.packed("maddsat.u8")),
  ssse3(0x05, "phsubw", integer.packed("hsub.v16"), mmx.narrowing("hsub.v16")),
  ssse3(0x06, "phsubd", integer.packed("hsub.v32"), mmx.narrowing("hsub.v32")),
  ssse3(0x07, "phsubsw", integer.packed("hsubsat.s16"), mmx.narrowing("hsubsat.s16")),
  ssse3(0x08, "psignb", integer.packed("sign.v8"), mmx.packed("sign.v8")),
  ssse3(0x09, "psignw", integer.packed("sign.v16"), mmx.packed("sign.v16")),
  ssse3(0x0a, "psignd", integer.packed("sign.v32"), mmx.packed("sign.v32")),
  ssse3(0x0b, "pmulhrsw", integer.packed("mulround.s16"), mmx.packed("mulround.s16")),
  with66(0x10, "pblendvb", sse41.blendBySign("blend.v8")),
  with66(0x14, "blendvps", sse41.blendBySign("blend.v32")),
  with66(0x15, "blendvpd", sse41.blendBySign("blend.v64")),
  with66(0x17, "ptest", sse41.ptest),
  ssse3(0x1c, "pabsb", integer.packedOne("abs.v8"), mmx.packedOne("abs.v8")),
  ssse3(0x1d, "pabsw", integer.packedOne("abs.v16"), mmx.packedOne("abs.v16")),
  ssse3(0x1e, "pabsd", integer.packedOne("abs.v32"), mmx.packedOne("abs.v32")),
  with66(0x20, "pmovsxbw", sse41.signExtendLanes(8, 16), "Wq"),
  with66(0x21, "pmovsxbd", sse41.signExtendLanes(8, 32), "Wd"),
  with66(0x22, "pmovsxbq", sse41.signExtendLanes(8, 64), "Ww"),
  with66(0x23, "pmovsxwd", sse41.signExtendLanes(16, 32), "Wq"),
  with66(0x24, "pmovsxwq", sse41.signExtendLanes(16, 64), "Wd"),
  with66(0x25, "pmovsxdq", sse41.signExtendLanes(32, 64), "Wq"),
  with66(0x28, "pmuldq", integer.packed("muleven.s32")),
  with66(0x29, "pcmpeqq", sse41.equalLanes64),
  [
    0x2a,
    byPrefix(undefined, byMod(row("movntdqa", movVector, ["Vx", "Mx"], { feature: "sse4.1" }), undefined)),
  ],
  with66(0x2b, "packusdw", integer.packed("packu.s32")),
  with66(0x30, "pmovzxbw", sse41.zeroExtendLanes(8, 16), "Wq"),
  with66(0x31, "pmovzxbd", sse41.zeroExtendLanes(8, 32), "Wd"),
  with66(0x32, "pmovzxbq", sse41.zeroExtendLanes(8, 64), "Ww"),
  with66(0x33, "pmovzxwd", sse41.zeroExtendLanes(16, 32), "Wq"),
  with66(0x34, "pmovzxwq", sse41.zeroExtendLanes(16, 64), "Wd"),
  with66(0x35, "pmovzxdq", sse41.zeroExtendLanes(32, 64), "Wq"),
  with66(0x37, "pcmpgtq", integer.packed("sgt.v64"), "Wx", sse42),
  with66(0x38, "pminsb", integer.packed("min.s8")),
  with66(0x39, "pminsd", integer.packed("min.s32")),
  with66(0x3a, "pminuw", integer.packed("min.u16")),
  with66(0x3b, "pminud", integer.packed("min.u32")),
  with66(0x3c, "pmaxsb", integer.packed("max.s8")),
  with66(0x3d, "pmaxsd", integer.packed("max.s32")),
  with66(0x3e, "pmaxuw", integer.packed("max.u16")),
  with66(0x3f, "pmaxud", integer.packed("max.u32")),
  with66(0x40, "pmulld", integer.packed("mul.v32")),
  with66(0x41, "phminposuw", integer.packedOne("minposition.u16")),
  sha(0xc8, "sha1nexte", integer.packed("sha1.nexte")),
  sha(0xc9, "sha1msg1", integer.packed("sha1.message1")),
  sha(0xca, "sha1msg2", integer.packed("sha1.message2")),
  sha(0xcb, "sha256rnds2", sha256rnds2),
  sha(0xcc, "sha256msg1", integer.packed("sha256.message1")),
  sha(0xcd, "sha256msg2", integer.packed("sha256.message2")),
  missing(0xcf, "gf2p8mulb"),
  aes(0xdb, "aesimc", integer.packedOne("aes.inversemixcolumns")),
  aes(0xdc, "aesenc", integer.packed("aes.encrypt")),
  aes(0xdd, "aesenclast", integer.packed("aes.encryptlast")),
  aes(0xde, "aesdec", integer.packed("aes.decrypt")),
  aes(0xdf, "aesdeclast", integer.packed("aes.decryptlast")),
  [0xf0, byPrefix(MOVBE_LOAD, MOVBE_LOAD, undefined, row("crc32", crc32, ["Gy", "Eb"], sse42))],
  [0xf1, byPrefix(MOVBE_STORE, MOVBE_STORE, undefined, row("crc32", crc32, ["Gy", "Ev"], sse42))],
  [
    0xf6,
    byPrefix(undefined, row("adcx", alu.adcx, ["Gy", "Ey"], adx), row("adox", alu.adox, ["Gy", "Ey"], adx)),
  ],
]);
