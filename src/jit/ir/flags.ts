/**
 * The six status flags (CF, PF, AF, ZF, SF, OF) as kind + operands.
 *
 * A flags value is (code, a, b): `code` = kind | width << 4 | extra << 8. Width is 0, 1, 2, 3 for 8, 16, 32, 64
 * bits. `extra` is the carry-in of adc/sbb, the kept carry of inc/dec, and CF | OF << 1 | AF << 2 of `result`.
 * Up to 32 bits `a` and `b` are zero-extended and only their low halves count. Where flags cross the end of a
 * unit exactly these words are stored; they are made concrete only when read.
 */

export const FLAG_KINDS = ["bits", "add", "adc", "sub", "sbb", "logic", "inc", "dec", "result"] as const;
export type FlagKind = (typeof FLAG_KINDS)[number];

export const KIND_MASK = 15;
export const WIDTH_SHIFT = 4;
export const EXTRA_SHIFT = 8;

export type FlagWidth = 8 | 16 | 32 | 64;

/** The code word of a flags value without its extra bits. */
export const flagCode = (kind: FlagKind, width: FlagWidth): number =>
  FLAG_KINDS.indexOf(kind) | ((31 - Math.clz32(width >> 3)) << WIDTH_SHIFT);

/** Places of the flags in RFLAGS (Intel SDM vol. 1, 3.4.3.1). */
export const CF = 1;
export const PF = 4;
export const AF = 16;
export const ZF = 64;
export const SF = 128;
export const OF = 2048;
export const STATUS_FLAGS = CF | PF | AF | ZF | SF | OF;

/**
 * Conditions by number: 0..15 are the condition codes of Jcc, SETcc and CMOVcc (Intel SDM vol. 2, appendix B.1);
 * 16 reads AF alone.
 */
export const CONDITIONS = [
  "o", "no", "b", "ae", "z", "nz", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g", "af",
] as const; // prettier-ignore
export type Condition = (typeof CONDITIONS)[number];
export const CONDITION_AF = 16;
