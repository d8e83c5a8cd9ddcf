/**
 * Vectors: four int32 words, lane 0 lowest. Operations on 8- and 16-bit lanes never cross a word, so each is a
 * helper of one word applied four times; moves of whole words are free.
 */

import type { Body } from "./body.ts";
import { type Code, TRUE, ZERO, int, js } from "./code.ts";
import type { HelperName } from "./helper-names.ts";
import * as i32 from "./int32.ts";
import * as i64 from "./int64.ts";
import { type Emitter, NOTHING, type Parts, part } from "./parts.ts";

const ALL_ONES = int(-1);
const WORDS = [0, 1, 2, 3] as const;

/** The words that are needed, each made by `f`. */
const words = (need: number, f: (k: number) => Code): Parts =>
  WORDS.map((k) => ((need & (1 << k)) === 0 ? ZERO : f(k)));

/** Word by word, from the words of both arguments at the same place. */
const lanewise =
  (f: (a: Code, c: Code) => Code): Emitter =>
  (_b, args, _imm, need) =>
    words(need, (k) => f(part(args[0], k), part(args[1], k)));

const wordHelper =
  (name: HelperName): Emitter =>
  (b, args, _imm, need) => {
    const f = b.helper(name);
    return words(need, (k) => js`${f}(${part(args[0], k)}, ${part(args[1], k)})`);
  };

/** A 64-bit operation on each half of the register. */
const halfwise =
  (f: (b: Body, x: Parts, y: Parts, need: number) => Parts): Emitter =>
  (b, args, _imm, need) => {
    const half = (k: number): Parts => {
      const wanted = (need >> k) & 3;
      if (wanted === 0) return [ZERO, ZERO];
      return f(b, pairAt(args[0], k), pairAt(args[1], k), wanted);
    };
    return [...half(0), ...half(2)];
  };

const pairAt = (vector: Parts | undefined, k: number): Parts => [part(vector, k), part(vector, k + 1)];

/** A helper over (word, count) that knows what counts beyond the lane do. */
const shiftHelper =
  (name: HelperName): Emitter =>
  (b, args, _imm, need) => {
    const count = b.atom(part(args[1], 0));
    const f = b.helper(name);
    return words(need, (k) => js`${f}(${part(args[0], k)}, ${count})`);
  };

/** Counts are unsigned; those of the lane width or more clear the lane. */
const shift32 =
  (known: (a: Code, n: number) => Code, general: (a: Code, n: Code) => Code): Emitter =>
  (b, args, _imm, need) => {
    const count = b.atom(part(args[1], 0));
    const n = count.constant;
    if (n !== undefined && n >>> 0 >= 32) return [ZERO, ZERO, ZERO, ZERO];
    if (n !== undefined) return words(need, (k) => known(part(args[0], k), n));
    const inside = b.atom(i32.below(count, int(32)));
    return words(need, (k) => js`(${inside} ? ${general(part(args[0], k), count)} : 0)`);
  };

const shift32Signed: Emitter = (b, args, _imm, need) => {
  const count = part(args[1], 0);
  const n = count.constant;
  if (n !== undefined) return words(need, (k) => i32.sar(part(args[0], k), n >>> 0 > 31 ? 31 : n));
  const limited = b.atom(i32.choose(i32.below(b.atom(count), int(32)), b.atom(count), int(31)));
  return words(need, (k) => js`(${part(args[0], k)} >> ${limited})`);
};

const shift64 =
  (f: (b: Body, x: Parts, count: Code, need: number) => Parts): Emitter =>
  (b, args, _imm, need) => {
    const count = b.atom(part(args[1], 0));
    const inside = b.atom(i32.below(count, int(64)));
    if (inside.constant === 0) return [ZERO, ZERO, ZERO, ZERO];
    const half = (k: number): Parts => {
      const wanted = (need >> k) & 3;
      if (wanted === 0) return [ZERO, ZERO];
      const shifted = f(b, pairAt(args[0], k), count, wanted);
      return inside === TRUE ? shifted : shifted.map((word) => i32.choose(inside, word, ZERO));
    };
    return [...half(0), ...half(2)];
  };

/** The 32 bits at byte `at` of the eight words given; words beyond are zero. */
function bytesAt(vector: readonly Code[], at: number): Code {
  const k = at >> 2;
  const bits = (at & 3) * 8;
  const low = vector[k] ?? ZERO;
  if (bits === 0) return low;
  return i32.or(i32.shr(low, bits), i32.shl(vector[k + 1] ?? ZERO, 32 - bits));
}

const shiftBytes =
  (left: boolean): Emitter =>
  (b, args, imm) => {
    const count = Math.min(imm[0] ?? 0, 16);
    const whole = WORDS.map((k) => b.atom(part(args[0], k)));
    const zeros = [ZERO, ZERO, ZERO, ZERO];
    const from = left ? [...zeros, ...whole] : [...whole, ...zeros, ...zeros];
    return WORDS.map((k) => bytesAt(from, 4 * k + (left ? 16 - count : count)));
  };

const field = (control: number, k: number): number => (control >> (2 * k)) & 3;

const low16 = (word: Code): Code => i32.and(word, int(0xffff));
/** The 16-bit lane `k` of the words. */
const lane16 = (vector: Parts, k: number): Code =>
  (k & 1) === 0 ? low16(part(vector, k >> 1)) : i32.shr(part(vector, k >> 1), 16);
const join16 = (low: Code, high: Code): Code => i32.or(low, i32.shl(high, 16));

/** Four lanes of 16 bits chosen from one half; the other half stays. */
const shuffle16 =
  (first: 0 | 2): Emitter =>
  (b, args, imm) => {
    const vector = WORDS.map((k) => b.atom(part(args[0], k)));
    const control = imm[0] ?? 0;
    const lane = (k: number): Code => lane16(vector, 2 * first + field(control, k));
    const chosen = [join16(lane(0), lane(1)), join16(lane(2), lane(3))];
    return first === 0 ? [...chosen, ...vector.slice(2)] : [...vector.slice(0, 2), ...chosen];
  };

const unpack8 =
  (first: 0 | 2): Emitter =>
  (b, args) => {
    const result: Code[] = [];
    for (const k of [first, first + 1]) {
      const x = b.atom(part(args[0], k));
      const y = b.atom(part(args[1], k));
      result.push(js`${b.helper("zip8lo")}(${x}, ${y})`, js`${b.helper("zip8hi")}(${x}, ${y})`);
    }
    return result;
  };

const unpack16 =
  (first: 0 | 2): Emitter =>
  (b, args) => {
    const result: Code[] = [];
    for (const k of [first, first + 1]) {
      const x = b.atom(part(args[0], k));
      const y = b.atom(part(args[1], k));
      result.push(join16(low16(x), y), i32.or(i32.shr(x, 16), i32.and(y, int(-65536))));
    }
    return result;
  };

const unpack32 =
  (first: 0 | 2): Emitter =>
  (_b, args) => [
    part(args[0], first),
    part(args[1], first),
    part(args[0], first + 1),
    part(args[1], first + 1),
  ];

const unpack64 =
  (first: 0 | 2): Emitter =>
  (_b, args) => [...pairAt(args[0], first), ...pairAt(args[1], first)];

/** Two words of lanes become one of half as wide lanes. */
const pack =
  (name: HelperName): Emitter =>
  (b, args) => {
    const f = b.helper(name);
    const narrow = (from: Parts | undefined, k: number): Code =>
      js`${f}(${part(from, k)}, ${part(from, k + 1)})`;
    return [narrow(args[0], 0), narrow(args[0], 2), narrow(args[1], 0), narrow(args[1], 2)];
  };

/** Bit `k` from the sign of word `k`, for the words given. */
const signBits = (vector: Parts | undefined, which: readonly number[]): Code =>
  which.reduce((mask, k, bit) => i32.or(mask, i32.shl(i32.shr(part(vector, k), 31), bit)), ZERO);

const insert16: Emitter = (_b, args, imm) => {
  const lane = imm[0] ?? 0;
  return WORDS.map((k) => {
    const old = part(args[0], k);
    if (k !== lane >> 1) return old;
    return part(i64.insert([old], part(args[1], 0), (lane & 1) * 16, 16), 0);
  });
};

const LOGIC = {
  "and.v128": lanewise(i32.and),
  "or.v128": lanewise(i32.or),
  "xor.v128": lanewise(i32.xor),
  "andnot.v128": lanewise((a, c) => i32.and(i32.not(a), c)),
} as const satisfies Record<string, Emitter>;

const ARITHMETIC = {
  "add.v8": wordHelper("add8"),
  "add.v16": wordHelper("add16"),
  "add.v32": lanewise(i32.add),
  "add.v64": halfwise(i64.add),
  "sub.v8": wordHelper("sub8"),
  "sub.v16": wordHelper("sub16"),
  "sub.v32": lanewise(i32.sub),
  "sub.v64": halfwise(i64.sub),
  "addsat.s8": wordHelper("addss8"),
  "addsat.s16": wordHelper("addss16"),
  "addsat.u8": wordHelper("addus8"),
  "addsat.u16": wordHelper("addus16"),
  "subsat.s8": wordHelper("subss8"),
  "subsat.s16": wordHelper("subss16"),
  "subsat.u8": wordHelper("subus8"),
  "subsat.u16": wordHelper("subus16"),
  "mul.v16": wordHelper("mul16"),
  "mulhigh.s16": wordHelper("mulhs16"),
  "mulhigh.u16": wordHelper("mulhu16"),
  "muleven.u32": (b, args) => {
    const product = (k: number): Parts => {
      const x = b.atom(part(args[0], k));
      const y = b.atom(part(args[1], k));
      return [js`${b.helper("imul")}(${x}, ${y})`, js`${b.helper("umulh")}(${x}, ${y})`];
    };
    return [...product(0), ...product(2)];
  },
  "madd.s16": wordHelper("madd16"),
  "sad.u8": (b, args) => {
    const f = b.helper("sad8");
    const sad = (k: number): Code => js`${f}(${part(args[0], k)}, ${part(args[1], k)})`;
    return [js`(${sad(0)} + ${sad(1)} | 0)`, ZERO, js`(${sad(2)} + ${sad(3)} | 0)`, ZERO];
  },
  "avg.u8": wordHelper("avg8"),
  "avg.u16": wordHelper("avg16"),
  "min.u8": wordHelper("minu8"),
  "max.u8": wordHelper("maxu8"),
  "min.s16": wordHelper("mins16"),
  "max.s16": wordHelper("maxs16"),
  "eq.v8": wordHelper("eq8"),
  "eq.v16": wordHelper("eq16"),
  "eq.v32": lanewise((a, c) => i32.choose(i32.equal(a, c), ALL_ONES, ZERO)),
  "sgt.v8": wordHelper("gt8"),
  "sgt.v16": wordHelper("gt16"),
  "sgt.v32": lanewise((a, c) => i32.choose(i32.less(c, a), ALL_ONES, ZERO)),
} as const satisfies Record<string, Emitter>;

const SHIFT = {
  "shl.v16": shiftHelper("shl16"),
  "shl.v32": shift32(i32.shl, (a, n) => js`${a} << ${n}`),
  "shl.v64": shift64(i64.shl),
  "shr.v16": shiftHelper("shr16"),
  "shr.v32": shift32(i32.shr, (a, n) => js`${a} >>> ${n} | 0`),
  "shr.v64": shift64(i64.shr),
  "sar.v16": shiftHelper("sar16"),
  "sar.v32": shift32Signed,
  "shlbytes.v128": shiftBytes(true),
  "shrbytes.v128": shiftBytes(false),
} as const satisfies Record<string, Emitter>;

const ARRANGE = {
  "shuffle.v32": (b, args, imm) => {
    const vector = WORDS.map((k) => b.atom(part(args[0], k)));
    return WORDS.map((k) => part(vector, field(imm[0] ?? 0, k)));
  },
  "shufflelow.v16": shuffle16(0),
  "shufflehigh.v16": shuffle16(2),
  "shuffle2.v32": (b, args, imm) => WORDS.map((k) => b.atom(part(args[k >> 1], field(imm[0] ?? 0, k)))),
  "shuffle2.v64": (_b, args, imm) => [
    ...pairAt(args[0], ((imm[0] ?? 0) & 1) * 2),
    ...pairAt(args[1], (((imm[0] ?? 0) >> 1) & 1) * 2),
  ],
  "unpacklow.v8": unpack8(0),
  "unpacklow.v16": unpack16(0),
  "unpacklow.v32": unpack32(0),
  "unpacklow.v64": unpack64(0),
  "unpackhigh.v8": unpack8(2),
  "unpackhigh.v16": unpack16(2),
  "unpackhigh.v32": unpack32(2),
  "unpackhigh.v64": unpack64(2),
  "packs.s16": pack("packs16"),
  "packs.s32": pack("packs32"),
  "packu.s16": pack("packu16"),
  "movemask.v8": (b, args) => {
    const f = b.helper("mask8");
    return [WORDS.reduce((mask, k) => i32.or(mask, i32.shl(js`${f}(${part(args[0], k)})`, 4 * k)), ZERO)];
  },
  "movemask.v32": (_b, args) => [signBits(args[0], WORDS)],
  "movemask.v64": (_b, args) => [signBits(args[0], [1, 3])],
  "extract.v16": (_b, args, imm) => [lane16(args[0] ?? NOTHING, imm[0] ?? 0)],
  "extract.v32": (_b, args, imm) => [part(args[0], imm[0] ?? 0)],
  "extract.v64": (_b, args, imm) => pairAt(args[0], (imm[0] ?? 0) * 2),
  "insert.v16": insert16,
  "insert.v32": (_b, args, imm) => WORDS.map((k) => (k === imm[0] ? part(args[1], 0) : part(args[0], k))),
  "insert.v64": (_b, args, imm) =>
    WORDS.map((k) => (k >> 1 === imm[0] ? part(args[1], k & 1) : part(args[0], k))),
} as const satisfies Record<string, Emitter>;

export const VECTOR_EMITTERS = { ...LOGIC, ...ARITHMETIC, ...SHIFT, ...ARRANGE } as const;
