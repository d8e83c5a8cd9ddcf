/** Call operations of AES, carry-less multiplication, SHA and CRC: rows of the operation table, and what they do. */

import { decryptRound, encryptRound, inverseMixColumns, keygenAssist } from "./aes.ts";
import { type Call, pureCall, pureCallImm } from "./call.ts";
import * as sha from "./sha.ts";
import { binary, binaryImm, R, returned, ternary, unary } from "./vector-lanes.ts";

const BINARY = pureCall(["v128", "v128"], "v128");

export const CRYPTO_OPS = {
  /** A round of AES: state, then round key. */
  "aes.encrypt": BINARY,
  "aes.encryptlast": BINARY,
  "aes.decrypt": BINARY,
  "aes.decryptlast": BINARY,
  "aes.inversemixcolumns": pureCall(["v128"], "v128"),
  /** The immediate is the round constant. */
  "aes.keygen": pureCallImm(["lane"], ["v128"], "v128"),
  /** The 128-bit product of polynomials over GF(2). */
  "carrylessmul.i64": pureCall(["i64", "i64"], "v128"),
  /** The immediate chooses function and constant of the four rounds. */
  "sha1.rounds4": pureCallImm(["lane"], ["v128", "v128"], "v128"),
  "sha1.nexte": BINARY,
  "sha1.message1": BINARY,
  "sha1.message2": BINARY,
  /** State CDGH, state ABEF, and two words of message plus constant. */
  "sha256.rounds2": pureCall(["v128", "v128", "v128"], "v128"),
  "sha256.message1": BINARY,
  "sha256.message2": BINARY,
  /** CRC-32C of the low `width` bits of the second argument, from the first. */
  "crc32c.i32": pureCallImm(["width"], ["i32", "i32"], "i32"),
} as const;

/** The Castagnoli polynomial, bits reversed. */
const CASTAGNOLI = 0x82f63b78;

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1;
  return crc;
});

const crc32c: Call = (_m, width, initial, data) => {
  let crc = initial!;
  for (let at = 0; at < width!; at += 8) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ (data! >>> at)) & 255]!;
  return crc | 0;
};

const multiplyCarryless: Call = (m, low, high, otherLow, otherHigh) => {
  const words = R.words.fill(0);
  for (let i = 0; i < 64; i++) {
    if ((((i < 32 ? otherLow! : otherHigh!) >>> (i & 31)) & 1) === 0) continue;
    const [word, shift] = [i >> 5, i & 31];
    words[word]! ^= low! << shift;
    words[word + 1]! ^= (high! << shift) | upper(low!, shift);
    words[word + 2]! ^= upper(high!, shift);
  }
  return returned(m);
};

/** What a shift to the left moves out of a word. */
const upper = (word: number, shift: number): number => (shift === 0 ? 0 : word >>> (32 - shift));

export const CRYPTO_CALLS: { readonly [K in keyof typeof CRYPTO_OPS]: Call } = {
  "aes.encrypt": binary(() => encryptRound(true)),
  "aes.encryptlast": binary(() => encryptRound(false)),
  "aes.decrypt": binary(() => decryptRound(true)),
  "aes.decryptlast": binary(() => decryptRound(false)),
  "aes.inversemixcolumns": unary(inverseMixColumns),
  "aes.keygen": (m, constant, a0, a1, a2, a3) => keygen(constant!)(m, a0!, a1!, a2!, a3!),
  "carrylessmul.i64": multiplyCarryless,
  "sha1.rounds4": binaryImm(sha.sha1Rounds),
  "sha1.nexte": binary(sha.sha1NextE),
  "sha1.message1": binary(sha.sha1Message1),
  "sha1.message2": binary(sha.sha1Message2),
  "sha256.rounds2": ternary(sha.sha256Rounds),
  "sha256.message1": binary(sha.sha256Message1),
  "sha256.message2": binary(sha.sha256Message2),
  "crc32c.i32": crc32c,
};

const keygen = (constant: number): Call => unary(() => keygenAssist(constant));
