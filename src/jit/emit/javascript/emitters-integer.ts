/** Truth values, 32-bit and 64-bit integers, multiplication, division, conversions. */

import type { Body } from "./body.ts";
import { type Code, ZERO, int, js } from "./code.ts";
import type { HelperName } from "./helper-names.ts";
import * as i32 from "./int32.ts";
import * as i64 from "./int64.ts";
import { type Emitter, type Parts, NOTHING, part } from "./parts.ts";
import { wideResult } from "./emitters-state.ts";

const first = (args: readonly Parts[]): Code => part(args[0], 0);
const second = (args: readonly Parts[]): Code => part(args[1], 0);
const pair = (args: readonly Parts[], k: number): Parts => args[k] ?? NOTHING;

/** Result of one part from the first parts of one, two arguments. */
const unary =
  (f: (a: Code) => Code): Emitter =>
  (_b, args) => [f(first(args))];
const binary =
  (f: (a: Code, c: Code) => Code): Emitter =>
  (_b, args) => [f(first(args), second(args))];
const call1 =
  (name: HelperName): Emitter =>
  (b, args) => [js`${b.helper(name)}(${first(args)})`];

const constantOr =
  (known: (a: Code, count: number) => Code, general: (a: Code, count: Code) => Code): Emitter =>
  (_b, args) => {
    const count = second(args);
    return [
      count.constant === undefined ? general(first(args), count) : known(first(args), count.constant & 31),
    ];
  };

/** Rotation right by `n` is rotation left by 32 - n; JavaScript takes counts modulo 32. */
const rotate =
  (left: boolean): Emitter =>
  (b, args) => {
    const v = b.atom(first(args));
    const count = second(args);
    if (count.constant !== undefined) {
      const n = (left ? count.constant : -count.constant) & 31;
      return [n === 0 ? v : i32.or(i32.shl(v, n), i32.shr(v, 32 - n))];
    }
    const n = b.atom(count);
    return [left ? js`(${v} << ${n} | ${v} >>> 32 - ${n})` : js`(${v} >>> ${n} | ${v} << 32 - ${n})`];
  };

const pair2 =
  (f: (x: Parts, y: Parts) => Parts): Emitter =>
  (_b, args) =>
    f(pair(args, 0), pair(args, 1));
const bodyPair2 =
  (f: (b: Body, x: Parts, y: Parts, need: number) => Parts): Emitter =>
  (b, args, _imm, need) =>
    f(b, pair(args, 0), pair(args, 1), need);
const shift =
  (f: (b: Body, x: Parts, count: Code, need: number) => Parts): Emitter =>
  (b, args, _imm, need) =>
    f(b, pair(args, 0), second(args), need);
const order =
  (f: (b: Body, x: Parts, y: Parts) => Code): Emitter =>
  (b, args) => [f(b, pair(args, 0), pair(args, 1))];

/** A helper over the halves of all arguments with a 64-bit result. */
const wide =
  (name: HelperName): Emitter =>
  (b, args) =>
    wideResult(b, [js`${b.helper(name)}(${halves(args)})`]);

function halves(args: readonly Parts[]): Code {
  let list = js`${i64.lo(pair(args, 0))}, ${i64.hi(pair(args, 0))}`;
  for (let k = 1; k < args.length; k++) {
    list = js`${list}, ${i64.lo(pair(args, k))}, ${i64.hi(pair(args, k))}`;
  }
  return list;
}

/** 32 x 32 to 64 bits. */
const widening =
  (name: "umulh" | "smulh"): Emitter =>
  (b, args, _imm, need) => {
    const x = b.atom(first(args));
    const y = b.atom(second(args));
    const high = (need & i64.HIGH) === 0 ? ZERO : js`${b.helper(name)}(${x}, ${y})`;
    return [js`${b.helper("imul")}(${x}, ${y})`, high];
  };

export const INTEGER_EMITTERS = {
  "and.i1": binary(i32.both),
  "or.i1": binary(i32.either),
  "xor.i1": binary(i32.differ),
  "not.i1": unary(i32.negate),

  "add.i32": binary(i32.add),
  "sub.i32": binary(i32.sub),
  "mul.i32": (b, args) => [js`${b.helper("imul")}(${first(args)}, ${second(args)})`],
  "and.i32": binary(i32.and),
  "or.i32": binary(i32.or),
  "xor.i32": binary(i32.xor),
  "not.i32": unary(i32.not),
  "neg.i32": unary((a) => i32.sub(ZERO, a)),
  "shl.i32": constantOr(i32.shl, (a, n) => js`(${a} << ${n})`),
  "shr.i32": constantOr(i32.shr, (a, n) => js`(${a} >>> ${n} | 0)`),
  "sar.i32": constantOr(i32.sar, (a, n) => js`(${a} >> ${n})`),
  "rotl.i32": rotate(true),
  "rotr.i32": rotate(false),
  "clz.i32": call1("clz32"),
  "ctz.i32": (b, args) => [i64.ctz32(b, first(args))],
  "popcnt.i32": call1("popcnt"),
  "bswap.i32": call1("bswap"),
  "eq.i32": binary(i32.equal),
  "ne.i32": binary(i32.unequal),
  "ult.i32": binary(i32.below),
  "ule.i32": binary(i32.belowOrEqual),
  "slt.i32": binary(i32.less),
  "sle.i32": binary(i32.lessOrEqual),
  "select.i32": (_b, args) => [i32.choose(first(args), second(args), part(args[2], 0))],

  "add.i64": bodyPair2(i64.add),
  "sub.i64": bodyPair2(i64.sub),
  "mul.i64": bodyPair2(i64.mul),
  "and.i64": pair2(i64.and),
  "or.i64": pair2(i64.or),
  "xor.i64": pair2(i64.xor),
  "not.i64": (_b, args) => i64.not(pair(args, 0)),
  "neg.i64": (b, args, _imm, need) => i64.neg(b, pair(args, 0), need),
  "shl.i64": shift(i64.shl),
  "shr.i64": shift(i64.shr),
  "sar.i64": shift(i64.sar),
  "rotl.i64": shift(i64.rotl),
  "rotr.i64": shift(i64.rotr),
  "clz.i64": (b, args) => [i64.clz(b, pair(args, 0))],
  "ctz.i64": (b, args) => [i64.ctz(b, pair(args, 0))],
  "popcnt.i64": (b, args) => {
    const popcnt = b.helper("popcnt");
    return [js`(${popcnt}(${i64.lo(pair(args, 0))}) + ${popcnt}(${i64.hi(pair(args, 0))}))`];
  },
  "bswap.i64": (b, args) => {
    const bswap = b.helper("bswap");
    return [js`${bswap}(${i64.hi(pair(args, 0))})`, js`${bswap}(${i64.lo(pair(args, 0))})`];
  },
  "eq.i64": (_b, args) => [i64.equal(pair(args, 0), pair(args, 1))],
  "ne.i64": (_b, args) => [i32.negate(i64.equal(pair(args, 0), pair(args, 1)))],
  "ult.i64": order(i64.below),
  "ule.i64": order((b, x, y) => i32.negate(i64.below(b, y, x))),
  "slt.i64": order(i64.less),
  "sle.i64": order((b, x, y) => i32.negate(i64.less(b, y, x))),
  "select.i64": (b, args, _imm, need) => i64.choose(b, first(args), pair(args, 1), pair(args, 2), need),

  "mulwide.u32": widening("umulh"),
  "mulwide.s32": widening("smulh"),
  "mulhigh.u64": wide("mulhighu"),
  "mulhigh.s64": wide("mulhighs"),
  "div.u128": wide("divu"),
  "rem.u128": wide("remu"),
  "div.s128": wide("divs"),
  "rem.s128": wide("rems"),
  "divfits.u128": (b, args) => [i64.divisionFits(b, pair(args, 0), pair(args, 2))],
  "divfits.s128": (b, args) => [js`${b.helper("fitss")}(${halves(args)})`],
  "div.u64": wide("divu64"),
  "rem.u64": wide("remu64"),
  "div.s64": wide("divs64"),
  "rem.s64": wide("rems64"),

  "zext8.i32": unary((a) => i32.and(a, int(0xff))),
  "zext16.i32": unary((a) => i32.and(a, int(0xffff))),
  "sext8.i32": unary((a) => i32.sar(i32.shl(a, 24), 24)),
  "sext16.i32": unary((a) => i32.sar(i32.shl(a, 16), 16)),
  "zext.i64": (_b, args) => [first(args), ZERO],
  "sext.i64": (b, args, _imm, need) => {
    const low = need === (i64.LOW | i64.HIGH) ? b.atom(first(args)) : first(args);
    return [low, i32.sign(low)];
  },
  "low.i32": (_b, args) => [i64.lo(pair(args, 0))],
  "high.i32": (_b, args) => [i64.hi(pair(args, 0))],
  "concat.i64": (_b, args) => [first(args), second(args)],
  "bool.i32": unary(i32.fromTruth),
  "insert.i64": (_b, args, imm) => i64.insert(pair(args, 0), second(args), imm[0] ?? 0, imm[1] ?? 0),
  "extract.i32": (_b, args, imm) => [i64.extract(pair(args, 0), imm[0] ?? 0, imm[1] ?? 0)],
} as const satisfies Record<string, Emitter>;
