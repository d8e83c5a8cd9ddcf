/** The three-byte map 0F 38 (Intel SDM vol. 2, table A-4): MOVBE, and vector instructions that are only named. */

import { movbe } from "../lift/move.ts";
import { byMod, byPrefix, type Entry, type OpcodeMap, opcodeMap, row, unsupported } from "./row.ts";

/** SSSE3: MMX without prefix, SSE with 66. */
const ssse3 = (opcode: number, name: string): [number, Entry] => [
  opcode,
  byPrefix(unsupported(name, ["Pq", "Qq"]), unsupported(name, ["Vx", "Wx"])),
];

const sse4 = (opcode: number, name: string, source: "Wx" | "Wq" | "Wd" | "Ww" = "Wx"): [number, Entry] => [
  opcode,
  byPrefix(undefined, unsupported(name, ["Vx", source])),
];

const plain = (opcode: number, name: string): [number, Entry] => [
  opcode,
  byPrefix(unsupported(name, ["Vx", "Wx"])),
];

const movbeFeature = { feature: "movbe" } as const;
const MOVBE_LOAD = byMod(row("movbe", movbe, ["Gv", "Mv"], movbeFeature), undefined);
const MOVBE_STORE = byMod(row("movbe", movbe, ["Mv", "Gv"], movbeFeature), undefined);

export const MAP_0F38: OpcodeMap = opcodeMap([
  ssse3(0x00, "pshufb"),
  ssse3(0x01, "phaddw"),
  ssse3(0x02, "phaddd"),
  ssse3(0x03, "phaddsw"),
  ssse3(0x04, "pmaddubsw"),
  ssse3(0x05, "phsubw"),
  ssse3(0x06, "phsubd"),
  ssse3(0x07, "phsubsw"),
  ssse3(0x08, "psignb"),
  ssse3(0x09, "psignw"),
  ssse3(0x0a, "psignd"),
  ssse3(0x0b, "pmulhrsw"),
  sse4(0x10, "pblendvb"),
  sse4(0x14, "blendvps"),
  sse4(0x15, "blendvpd"),
  sse4(0x17, "ptest"),
  ssse3(0x1c, "pabsb"),
  ssse3(0x1d, "pabsw"),
  ssse3(0x1e, "pabsd"),
  sse4(0x20, "pmovsxbw", "Wq"),
  sse4(0x21, "pmovsxbd", "Wd"),
  sse4(0x22, "pmovsxbq", "Ww"),
  sse4(0x23, "pmovsxwd", "Wq"),
  sse4(0x24, "pmovsxwq", "Wd"),
  sse4(0x25, "pmovsxdq", "Wq"),
  sse4(0x28, "pmuldq"),
  sse4(0x29, "pcmpeqq"),
  [0x2a, byPrefix(undefined, byMod(unsupported("movntdqa", ["Vx", "Mx"]), undefined))],
  sse4(0x2b, "packusdw"),
  sse4(0x30, "pmovzxbw", "Wq"),
  sse4(0x31, "pmovzxbd", "Wd"),
  sse4(0x32, "pmovzxbq", "Ww"),
  sse4(0x33, "pmovzxwd", "Wq"),
  sse4(0x34, "pmovzxwq", "Wd"),
  sse4(0x35, "pmovzxdq", "Wq"),
  sse4(0x37, "pcmpgtq"),
  sse4(0x38, "pminsb"),
  sse4(0x39, "pminsd"),
  sse4(0x3a, "pminuw"),
  sse4(0x3b, "pminud"),
  sse4(0x3c, "pmaxsb"),
  sse4(0x3d, "pmaxsd"),
  sse4(0x3e, "pmaxuw"),
  sse4(0x3f, "pmaxud"),
  sse4(0x40, "pmulld"),
  sse4(0x41, "phminposuw"),
  plain(0xc8, "sha1nexte"),
  plain(0xc9, "sha1msg1"),
  plain(0xca, "sha1msg2"),
  plain(0xcb, "sha256rnds2"),
  plain(0xcc, "sha256msg1"),
  plain(0xcd, "sha256msg2"),
  sse4(0xcf, "gf2p8mulb"),
  sse4(0xdb, "aesimc"),
  sse4(0xdc, "aesenc"),
  sse4(0xdd, "aesenclast"),
  sse4(0xde, "aesdec"),
  sse4(0xdf, "aesdeclast"),
  [0xf0, byPrefix(MOVBE_LOAD, MOVBE_LOAD, undefined, unsupported("crc32", ["Gy", "Eb"]))],
  [0xf1, byPrefix(MOVBE_STORE, MOVBE_STORE, undefined, unsupported("crc32", ["Gy", "Ev"]))],
  [0xf6, byPrefix(undefined, unsupported("adcx", ["Gy", "Ey"]), unsupported("adox", ["Gy", "Ey"]))],
]);
