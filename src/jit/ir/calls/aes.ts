/** Rounds of AES on vectors (FIPS 197; Intel SDM vol. 1, 12.2): byte i of the state is row i mod 4, column i div 4. */

import { A, B, R } from "./vector-lanes.ts";

/** Multiplication by x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
const double = (byte: number): number => ((byte << 1) ^ (byte & 0x80 ? 0x1b : 0)) & 255;

function multiply(a: number, b: number): number {
  let product = 0;
  for (let factor = a, bits = b; bits !== 0; bits >>= 1, factor = double(factor))
    if (bits & 1) product ^= factor;
  return product;
}

/** The inverse in GF(2^8), then the affine map (FIPS 197, 5.1.1). */
function makeSubstitution(): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let inverse = 0;
    for (let other = 1; other < 256 && inverse === 0; other++)
      if (multiply(byte, other) === 1) inverse = other;
    let sum = 0x63;
    for (let turn = 0; turn < 5; turn++) sum ^= ((inverse << turn) | (inverse >> (8 - turn))) & 255;
    table[byte] = sum;
  }
  return table;
}

const SUBSTITUTION = makeSubstitution();
const INVERSE_SUBSTITUTION = new Uint8Array(256);
for (const [byte, substituted] of SUBSTITUTION.entries()) INVERSE_SUBSTITUTION[substituted] = byte;

const timesTable = (factor: number): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => multiply(byte, factor));
const TIMES = [1, 2, 3, 9, 11, 13, 14].reduce<Uint8Array[]>((tables, factor) => {
  tables[factor] = timesTable(factor);
  return tables;
}, []);

const state = new Uint8Array(16);

/** Row r moves by r columns: to the left (`turn` 1) or to the right (`turn` 3). */
function shiftAndSubstitute(turn: 1 | 3, table: Uint8Array): void {
  for (let i = 0; i < 16; i++) state[i] = table[A.u8[(i + 4 * turn * (i & 3)) & 15]!]!;
}

/** Each column times a polynomial: row r of the product takes the factors turned by r. */
function mixColumns(from: Uint8Array, factors: readonly [number, number, number, number]): void {
  for (let i = 0; i < 16; i++) {
    const column = i & 12;
    let sum = 0;
    for (let k = 0; k < 4; k++) sum ^= TIMES[factors[k as 0 | 1 | 2 | 3]]![from[column + ((i + k) & 3)]!]!;
    R.u8[i] = sum;
  }
}

const FORWARD = [2, 3, 1, 1] as const;
const BACKWARD = [14, 11, 13, 9] as const;

function addRoundKey(): void {
  for (let i = 0; i < 4; i++) R.words[i]! ^= B.words[i]!;
}

export function encryptRound(mix: boolean): void {
  shiftAndSubstitute(1, SUBSTITUTION);
  if (mix) mixColumns(state, FORWARD);
  else R.u8.set(state);
  addRoundKey();
}

/** The equivalent inverse cipher: the key is added behind the mixing (FIPS 197, 5.3.5). */
export function decryptRound(mix: boolean): void {
  shiftAndSubstitute(3, INVERSE_SUBSTITUTION);
  if (mix) mixColumns(state, BACKWARD);
  else R.u8.set(state);
  addRoundKey();
}

export const inverseMixColumns = (): void => mixColumns(A.u8, BACKWARD);

function substituteWord(word: number): number {
  let result = 0;
  for (let at = 0; at < 32; at += 8) result |= SUBSTITUTION[(word >>> at) & 255]! << at;
  return result;
}

/** Words 1 and 3, substituted; and the same turned by a byte with the round constant. */
export function keygenAssist(constant: number): void {
  for (let half = 0; half < 2; half++) {
    const word = substituteWord(A.words[2 * half + 1]!);
    R.words[2 * half] = word;
    R.words[2 * half + 1] = ((word >>> 8) | (word << 24)) ^ constant;
  }
}
