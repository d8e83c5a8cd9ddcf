/** Encodings that cover the opcode maps: every opcode, with sampled prefixes, ModRM bytes and what follows them. */

export interface Sample {
  /** `""`, `0f`, `0f38` or `0f3a`. */
  readonly map: string;
  readonly opcode: number;
  readonly bytes: Uint8Array;
}

const MAPS: readonly (readonly [string, readonly number[]])[] = [
  ["", []],
  ["0f", [0x0f]],
  ["0f38", [0x0f, 0x38]],
  ["0f3a", [0x0f, 0x3a]],
];

const PREFIXES: readonly (readonly number[])[] = [
  [], [0x66], [0xf2], [0xf3], [0xf0], [0x67], [0x64], [0x48], [0x45], [0x40], [0x66, 0x48], [0x66, 0xf2],
  [0xf3, 0x4f], [0x2e, 0x65],
]; // prettier-ignore

/** Every mod and reg with several rm; both forms with SIB and without a base. */
const MODRM: readonly number[] = [
  0x00, 0x04, 0x05, 0x08, 0x0c, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x45, 0x4c, 0x54, 0x84, 0x9b, 0xa2, 0xb4,
  0xc0, 0xc1, 0xc4, 0xc8, 0xca, 0xcb, 0xd0, 0xd1, 0xd8, 0xd9, 0xe0, 0xe8, 0xf0, 0xf8, 0xf9, 0xfa, 0xfb, 0xff,
]; // prettier-ignore

/** SIB or displacement, and immediates: negative ones, and an absolute address. */
const TAILS: readonly (readonly number[])[] = [
  [0x8d, 0xfc, 0xff, 0xff, 0xff, 0x80, 0xff, 0x66, 0x77, 0x08, 0x09, 0x0a],
  [0x25, 0x00, 0x00, 0x00, 0x80, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07],
];

/** Prefixes, escapes, and VEX and EVEX, whose insides the sweep does not enter. */
const NO_OPCODES = new Set([
  0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x62, 0x64, 0x65, 0x66, 0x67, 0xc4, 0xc5, 0xf0, 0xf2, 0xf3,
]); // prettier-ignore

function isOpcode(map: string, opcode: number): boolean {
  if (map === "") return !NO_OPCODES.has(opcode) && (opcode < 0x40 || opcode > 0x4f);
  return map !== "0f" || (opcode !== 0x38 && opcode !== 0x3a);
}

/** Calls `visit` with every sample. */
export function sweep(visit: (sample: Sample) => void): void {
  for (const [map, escape] of MAPS) {
    for (let opcode = 0; opcode < 256; opcode++) {
      if (!isOpcode(map, opcode)) continue;
      for (const prefix of PREFIXES) {
        for (const modrm of MODRM) {
          for (const tail of TAILS) {
            visit({ map, opcode, bytes: Uint8Array.from([...prefix, ...escape, opcode, modrm, ...tail]) });
          }
        }
      }
    }
  }
}
