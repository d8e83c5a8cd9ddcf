/**
 * Byte strings for comparing decoders: every opcode of every map with every ModRM byte, before them up to three
 * prefixes and REX in random combinations, behind them random bytes; and strings that are random from the start.
 */

import type { Random } from "../fuzz/random.ts";

export const STRING_BYTES = 16;

const ESCAPES: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
const PREFIXES = [0x66, 0xf2, 0xf3, 0xf0, 0x67, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65] as const;
const MAX_PREFIXES = 3;
const RANDOM_PERCENT = 15;
const VEX_PERCENT = 4;
/** Opcodes times ModRM bytes, in all maps. */
export const SWEEP = ESCAPES.length * 65536;

function prefixes(random: Random): number[] {
  const made: number[] = [];
  while (made.length < MAX_PREFIXES && random.chance(45)) made.push(random.pick(PREFIXES));
  if (random.chance(35)) made.push(0x40 | random.below(16));
  return made;
}

/** VEX forms of maps 0F38 and 0F3A, where instructions on general registers are. */
function vex(random: Random): number[] {
  const map = 2 + random.below(2);
  const opcode = random.chance(70) ? 0xf0 | random.below(8) : random.below(256);
  return [0xc4, (random.next() & 0xe0) | map, random.below(256) & (random.chance(80) ? 0xfb : 0xff), opcode];
}

/** String number `i`: within `SWEEP` of them each opcode meets each ModRM byte once, but for the random ones. */
export function byteString(random: Random, i: number, into: Uint8Array): void {
  for (let k = 0; k < STRING_BYTES; k++) into[k] = random.chance(25) ? 0 : random.next() >>> 13;
  if (random.chance(RANDOM_PERCENT)) return;
  const place = i % SWEEP;
  const [map, opcode, modrm] = [place >> 16, (place >> 8) & 255, place & 255];
  const start = prefixes(random);
  const code = random.chance(VEX_PERCENT) ? vex(random) : [...(ESCAPES[map] ?? []), opcode];
  into.set([...start, ...code, modrm]);
}
