/** SHA-1 and SHA-256 on vectors (FIPS 180-4; Intel SDM vol. 2, SHA1*, SHA256*). Word 3 is the highest. */

import { A, B, C, R, setLanes } from "./vector-lanes.ts";

const left = (word: number, count: number): number => (word << count) | (word >>> (32 - count));
const right = (word: number, count: number): number => (word >>> count) | (word << (32 - count));

const choose = (x: number, y: number, z: number): number => (x & y) ^ (~x & z);
const majority = (x: number, y: number, z: number): number => (x & y) ^ (x & z) ^ (y & z);
const parity = (x: number, y: number, z: number): number => x ^ y ^ z;

/** Function and constant of each quarter of the 80 rounds. */
const QUARTERS = [
  { mix: choose, constant: 0x5a827999 },
  { mix: parity, constant: 0x6ed9eba1 },
  { mix: majority, constant: 0x8f1bbcdc },
  { mix: parity, constant: 0xca62c1d6 },
] as const;

/** Four rounds. E of the first round is already in the top word of the message. */
export function sha1Rounds(control: number): void {
  const { mix, constant } = QUARTERS[(control & 3) as 0 | 1 | 2 | 3];
  let [d, c, b, a] = [A.words[0]!, A.words[1]!, A.words[2]!, A.words[3]!];
  let e = 0;
  for (let round = 3; round >= 0; round--) {
    const next = (mix(b, c, d) + left(a, 5) + B.words[round]! + e + constant) | 0;
    [a, b, c, d, e] = [next, a, left(b, 30), c, d];
  }
  setLanes(R, d, c, b, a);
}

export function sha1NextE(): void {
  const w = B.words;
  setLanes(R, w[0]!, w[1]!, w[2]!, w[3]! + left(A.words[3]!, 30));
}

export function sha1Message1(): void {
  const a = A.words;
  const b = B.words;
  setLanes(R, b[2]! ^ a[0]!, b[3]! ^ a[1]!, a[0]! ^ a[2]!, a[1]! ^ a[3]!);
}

export function sha1Message2(): void {
  const a = A.words;
  const b = B.words;
  const top = left(a[3]! ^ b[2]!, 1);
  setLanes(R, left(a[0]! ^ top, 1), left(a[1]! ^ b[0]!, 1), left(a[2]! ^ b[1]!, 1), top);
}

const bigSigma0 = (x: number): number => right(x, 2) ^ right(x, 13) ^ right(x, 22);
const bigSigma1 = (x: number): number => right(x, 6) ^ right(x, 11) ^ right(x, 25);
const sigma0 = (x: number): number => right(x, 7) ^ right(x, 18) ^ (x >>> 3);
const sigma1 = (x: number): number => right(x, 17) ^ right(x, 19) ^ (x >>> 10);

/** Two rounds: C, D, G, H from the first argument, A, B, E, F from the second. */
export function sha256Rounds(): void {
  let [h, g, d, c] = [A.words[0]!, A.words[1]!, A.words[2]!, A.words[3]!];
  let [f, e, b, a] = [B.words[0]!, B.words[1]!, B.words[2]!, B.words[3]!];
  for (let round = 0; round < 2; round++) {
    const first = (choose(e, f, g) + bigSigma1(e) + C.words[round]! + h) | 0;
    const second = (majority(a, b, c) + bigSigma0(a)) | 0;
    [a, b, c, d, e, f, g, h] = [(first + second) | 0, a, b, c, (first + d) | 0, e, f, g];
  }
  setLanes(R, f, e, b, a);
}

export function sha256Message1(): void {
  const a = A.words;
  const next = [a[1]!, a[2]!, a[3]!, B.words[0]!];
  for (let i = 0; i < 4; i++) R.words[i] = a[i]! + sigma0(next[i]!);
}

export function sha256Message2(): void {
  const low0 = (A.words[0]! + sigma1(B.words[2]!)) | 0;
  const low1 = (A.words[1]! + sigma1(B.words[3]!)) | 0;
  setLanes(R, low0, low1, A.words[2]! + sigma1(low0), A.words[3]! + sigma1(low1));
}
