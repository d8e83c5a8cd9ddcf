/**
 * Pure functions of 32-bit numbers that emitted code calls. All take and give int32 values. Vector lanes: one
 * 32-bit word at a time, lanes spread by masks (SWAR) where that is short, otherwise one by one.
 */

const LOW_BYTES = 0x00ff00ff;
const HIGH_BYTES = ~LOW_BYTES;
const LOW_HALF = 0x0000ffff;
const HIGH_HALF = ~LOW_HALF;

/** High half of the unsigned 64-bit product, from 16-bit pieces: no step leaves 32 bits. */
export function umulh(a: number, b: number): number {
  const a0 = a & LOW_HALF;
  const a1 = a >>> 16;
  const b0 = b & LOW_HALF;
  const b1 = b >>> 16;
  const middle = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
  const cross = (Math.imul(a0, b1) + (middle & LOW_HALF)) | 0;
  return (Math.imul(a1, b1) + (middle >>> 16) + (cross >>> 16)) | 0;
}

/** High half of the signed product: unsigned, less each factor where the other is negative. */
export const smulh = (a: number, b: number): number => (umulh(a, b) - ((a >> 31) & b) - ((b >> 31) & a)) | 0;

export function popcnt(a: number): number {
  const pairs = a - ((a >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

export const bswap = (a: number): number =>
  (a << 24) | ((a & 0xff00) << 8) | ((a >>> 8) & 0xff00) | (a >>> 24);

type Lane = (a: number, b: number) => number;

/** Applies `f` to unsigned bytes; results are cut to a byte. */
const bytes =
  (f: Lane): Lane =>
  (a, b) =>
    (f(a & 255, b & 255) & 255) |
    ((f((a >>> 8) & 255, (b >>> 8) & 255) & 255) << 8) |
    ((f((a >>> 16) & 255, (b >>> 16) & 255) & 255) << 16) |
    (f(a >>> 24, b >>> 24) << 24);

const signedBytes =
  (f: Lane): Lane =>
  (a, b) =>
    (f((a << 24) >> 24, (b << 24) >> 24) & 255) |
    ((f((a << 16) >> 24, (b << 16) >> 24) & 255) << 8) |
    ((f((a << 8) >> 24, (b << 8) >> 24) & 255) << 16) |
    (f(a >> 24, b >> 24) << 24);

const halves =
  (f: Lane): Lane =>
  (a, b) =>
    (f(a & LOW_HALF, b & LOW_HALF) & LOW_HALF) | (f(a >>> 16, b >>> 16) << 16);

const signedHalves =
  (f: Lane): Lane =>
  (a, b) =>
    (f((a << 16) >> 16, (b << 16) >> 16) & LOW_HALF) | (f(a >> 16, b >> 16) << 16);

const clamp = (value: number, least: number, most: number): number =>
  value < least ? least : value > most ? most : value;

export const add8: Lane = (a, b) =>
  (((a & LOW_BYTES) + (b & LOW_BYTES)) & LOW_BYTES) | (((a & HIGH_BYTES) + (b & HIGH_BYTES)) & HIGH_BYTES);
export const add16: Lane = (a, b) => ((a + b) & LOW_HALF) | (((a & HIGH_HALF) + (b & HIGH_HALF)) | 0);
/** Ones in the bytes between stop a borrow. */
export const sub8: Lane = (a, b) =>
  (((a | HIGH_BYTES) - (b & LOW_BYTES)) & LOW_BYTES) | (((a | LOW_BYTES) - (b & HIGH_BYTES)) & HIGH_BYTES);
export const sub16: Lane = (a, b) => ((a - b) & LOW_HALF) | (((a & HIGH_HALF) - (b & HIGH_HALF)) | 0);

export const addss8 = signedBytes((a, b) => clamp(a + b, -128, 127));
export const addss16 = signedHalves((a, b) => clamp(a + b, -32768, 32767));
export const addus8 = bytes((a, b) => Math.min(a + b, 255));
export const addus16 = halves((a, b) => Math.min(a + b, 65535));
export const subss8 = signedBytes((a, b) => clamp(a - b, -128, 127));
export const subss16 = signedHalves((a, b) => clamp(a - b, -32768, 32767));
export const subus8 = bytes((a, b) => Math.max(a - b, 0));
export const subus16 = halves((a, b) => Math.max(a - b, 0));
export const mul16 = halves((a, b) => Math.imul(a, b));
export const mulhs16 = signedHalves((a, b) => Math.imul(a, b) >> 16);
export const mulhu16 = halves((a, b) => Math.imul(a, b) >>> 16);
export const avg8 = bytes((a, b) => (a + b + 1) >> 1);
export const avg16 = halves((a, b) => (a + b + 1) >> 1);
export const minu8 = bytes((a, b) => (a < b ? a : b));
export const maxu8 = bytes((a, b) => (a > b ? a : b));
export const mins16 = signedHalves((a, b) => (a < b ? a : b));
export const maxs16 = signedHalves((a, b) => (a > b ? a : b));
export const gt8 = signedBytes((a, b) => (a > b ? 255 : 0));
export const gt16 = signedHalves((a, b) => (a > b ? LOW_HALF : 0));

/** Bytes equal where the difference is zero: the byte's top bit is set if any bit is, then spread and inverted. */
export function eq8(a: number, b: number): number {
  const x = a ^ b;
  const some = (((x & 0x7f7f7f7f) + 0x7f7f7f7f) | x) & 0x80808080;
  return ~(Math.imul(some >>> 7, 255) | 0);
}
export const eq16: Lane = (a, b) => {
  const x = a ^ b;
  return ((x & LOW_HALF) === 0 ? LOW_HALF : 0) | ((x & HIGH_HALF) === 0 ? HIGH_HALF : 0);
};

/** Sum of the products of the signed 16-bit lanes. */
export const madd16: Lane = (a, b) =>
  (Math.imul((a << 16) >> 16, (b << 16) >> 16) + Math.imul(a >> 16, b >> 16)) | 0;

/** Sum of the absolute differences of the bytes. */
export const sad8: Lane = (a, b) =>
  Math.abs((a & 255) - (b & 255)) +
  Math.abs(((a >>> 8) & 255) - ((b >>> 8) & 255)) +
  Math.abs(((a >>> 16) & 255) - ((b >>> 16) & 255)) +
  Math.abs((a >>> 24) - (b >>> 24));

/** Shifts of both 16-bit lanes by an unsigned count. */
export const shl16: Lane = (a, count) =>
  count >>> 0 > 15 ? 0 : ((a << count) & LOW_HALF) | ((a & HIGH_HALF) << count);
export const shr16: Lane = (a, count) =>
  count >>> 0 > 15 ? 0 : ((a & LOW_HALF) >>> count) | ((a >>> count) & HIGH_HALF);
export const sar16: Lane = (a, count) => {
  const n = count >>> 0 > 15 ? 15 : count;
  return ((((a << 16) >> 16) >> n) & LOW_HALF) | ((a >> n) & HIGH_HALF);
};

/** Bytes a0 b0 a1 b1, and a2 b2 a3 b3. */
export const zip8lo: Lane = (a, b) =>
  (a & 255) | ((b & 255) << 8) | ((a & 0xff00) << 8) | ((b & 0xff00) << 16);
export const zip8hi: Lane = (a, b) =>
  ((a >>> 16) & 255) | ((b >>> 8) & 0xff00) | ((a >>> 8) & 0xff0000) | (b & 0xff000000);

const pack16 =
  (least: number, most: number): Lane =>
  (a, b) =>
    (clamp((a << 16) >> 16, least, most) & 255) |
    ((clamp(a >> 16, least, most) & 255) << 8) |
    ((clamp((b << 16) >> 16, least, most) & 255) << 16) |
    (clamp(b >> 16, least, most) << 24);
export const packs16 = pack16(-128, 127);
export const packu16 = pack16(0, 255);
export const packs32: Lane = (a, b) => (clamp(a, -32768, 32767) & LOW_HALF) | (clamp(b, -32768, 32767) << 16);

/** The four sign bits of the bytes. */
export const mask8 = (a: number): number =>
  ((a >>> 7) & 1) | ((a >>> 14) & 2) | ((a >>> 21) & 4) | ((a >>> 28) & 8);
