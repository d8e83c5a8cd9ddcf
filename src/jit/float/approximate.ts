/**
 * RCPSS and RSQRTSS: approximations within 1.5 * 2^-12, by the processor's tables (Intel SDM vol. 2, RCPPS). The
 * manual leaves the bits open; these are measured on AMD processors of the Zen family. Each result has 12 bits and
 * follows from the upper 12 bits of the fraction, in two steps:
 *
 *     coarse value by fraction bits 1 to 8, less a fine step by bits 1 to 4 and 9 to 12
 *
 * Both fall monotonically and are written as the differences between neighbours, one digit each.
 */

interface Table {
  /** Upper 21 bits of the result for fraction 0. */
  readonly first: number;
  /** 255 differences in base 36. */
  readonly coarse: string;
  /** 16 rows of 15 differences. */
  readonly fine: string;
}

/** 1 / x for x in [1, 2). */
const RECIPROCAL: Table = {
  first: 520190,
  coarse:
    "wvwuvvuuuutttttussrsrrrrrqqqqqprpppopoooononnnnomnmmmmmlmlllllkm" +
    "kkkkkkjkjkjjjjijijiiiiiihihihhhihghhgghgggggfgggfgfffffffefefefe" +
    "efedeeedeeddeddedddcdddcdcdccdccccccccbccbcbcbbcbbbbbbbbbbababbb" +
    "aabaaaabaaa9aaaa9aa9a9a9a999a99a9999989999899898989889888988888",
  fine:
    "212222222122222122122122122122121121212121212112112112112112" +
    "111121112111121112111111112111111111111111111111110111111111" +
    "110111111011111101111011110111110110111011101101101101101101" +
    "011010110110101011010110101101010101011010101010101101010101",
};

/** 1 / sqrt(x) for x in [1, 2). */
const ROOT_EVEN: Table = {
  first: 520191,
  coarse:
    "ggfggffgffffffeffefeeeeeeeeededededddddddcddcdcdcdcccccccbccbcbd" +
    "bbcbbbbbbbbbbabbabababaaabaaaaaaaaaa9aa9a9a9a99a99a9999999998998" +
    "9989898989889889888888888888788887887878787877877778777777777778" +
    "776777767767767676767676676676676666667666666666666656666566656",
  fine:
    "111111101111111111011111110111110111101111101110110111011101" +
    "011011101101101101101101011011011010101101101010101101010110" +
    "101010101010101010101010101010010101001010101101001010101001" +
    "010010100101010010100101001001010010100101001001001010010010",
};

/** 1 / sqrt(x) for x in [2, 4). */
const ROOT_ODD: Table = {
  first: 517792,
  coarse:
    "bbcbabbbbabbababaabaaaaa9aaa9a9aa99a9999999999998998989889889888" +
    "8888888887887878787877877787777777777776777677676767676676676667" +
    "6666666666666656665666565665656556565565565555655555555555555556" +
    "455555455545545545455454545454454544544544454445444444544444444",
  fine:
    "101101101101101011010110110110011010101101010011010101010101" +
    "010101010101010100101010101001010100101010010010100101001010" +
    "001010010010100010010010010010010010010010010100100100100010" +
    "001001000100100001001000100100010001000100010010001000100010",
};

/** All 4096 results, as the bits of singles. */
function expand({ first, coarse, fine }: Table): Int32Array {
  const results = new Int32Array(4096);
  let value = first;
  for (let block = 0; block < 256; block++) {
    let step = value;
    for (let k = 0; k < 16; k++) {
      results[16 * block + k] = step << FRACTION_LEFT;
      step -= Number(fine[15 * (block >> 4) + k] ?? 0);
    }
    value -= parseInt(coarse[block] ?? "0", 36);
  }
  return results;
}

/** Bits of the fraction that do not matter. */
const FRACTION_LEFT = 11;
const SIGN = -0x8000_0000;
const EXPONENT = 0x7f80_0000;
const INDEFINITE = -0x40_0000;
const QUIET = 0x40_0000;

const reciprocals = expand(RECIPROCAL);
const evenRoots = expand(ROOT_EVEN);
const oddRoots = expand(ROOT_ODD);

const index = (bits: number): number => (bits & 0x7f_ffff) >>> FRACTION_LEFT;
const exponentOf = (bits: number): number => (bits & EXPONENT) >>> 23;
const isNaN = (bits: number): boolean => (bits & 0x7fff_ffff) > EXPONENT;

/** RCPSS on the bits of a single. Denormals count as zeros, tiny results are zeros; no exception is reported. */
export function reciprocal(bits: number): number {
  if (isNaN(bits)) return bits | QUIET;
  const sign = bits & SIGN;
  const exponent = exponentOf(bits);
  if (exponent === 0) return sign | EXPONENT;
  if (exponent >= 253) return sign;
  // The table is for exponent 127; the result's moves the other way.
  return sign | ((reciprocals[index(bits)] as number) + ((127 - exponent) << 23));
}

/** RSQRTSS. */
export function reciprocalRoot(bits: number): number {
  if (isNaN(bits)) return bits | QUIET;
  const exponent = exponentOf(bits);
  if (exponent === 0) return (bits & SIGN) | EXPONENT;
  if (bits < 0) return INDEFINITE;
  if (exponent === 255) return 0;
  const odd = (exponent & 1) === 0;
  const table = odd ? oddRoots : evenRoots;
  return (table[index(bits)] as number) + ((((odd ? 128 : 127) - exponent) >> 1) << 23);
}
