/**
 * Flags values: five words, code and two operands (see `ir/flags.ts`). Making one costs nothing but moves; the
 * six flags come into being only when `cond` or `bits.flags` reads them, through a runtime reader that is
 * compiled from the IR's own expansion for the kind and width found in the code word.
 */

import { EXTRA_SHIFT, type FlagKind, type FlagWidth, flagCode } from "../../ir/flags.ts";
import type { Body } from "./body.ts";
import { ABSENT, type Code, int, js } from "./code.ts";
import * as i32 from "./int32.ts";
import * as i64 from "./int64.ts";
import { type Emitter, NOTHING, type Parts, part } from "./parts.ts";

const extra = (bit: Code, shift: number): Code => i32.shl(i32.fromTruth(bit), EXTRA_SHIFT + shift);

const codeOf = (kind: FlagKind, width: FlagWidth): Code => int(flagCode(kind, width));
const widthOf = (imm: readonly number[]): FlagWidth => (imm[0] ?? 32) as FlagWidth;

/** Two operands. */
const two32 =
  (kind: FlagKind): Emitter =>
  (_b, args, imm) => [codeOf(kind, widthOf(imm)), part(args[0], 0), ABSENT, part(args[1], 0), ABSENT];
const two64 =
  (kind: FlagKind): Emitter =>
  (_b, args) => [
    codeOf(kind, 64),
    i64.lo(args[0] ?? NOTHING),
    i64.hi(args[0] ?? NOTHING),
    i64.lo(args[1] ?? NOTHING),
    i64.hi(args[1] ?? NOTHING),
  ];

/** The same with a carry-in, kept in the code word. */
const carry =
  (plain: (kind: FlagKind) => Emitter) =>
  (kind: FlagKind): Emitter =>
  (b, args, imm, need) => {
    const [code = ABSENT, ...operands] = plain(kind)(b, args, imm, need);
    return [i32.or(code, extra(part(args[2], 0), 0)), ...operands];
  };

/** One operand, the result; further arguments are flags that go into the code word bit by bit. */
const one32 =
  (kind: FlagKind): Emitter =>
  (_b, args, imm) => [withExtras(codeOf(kind, widthOf(imm)), args), part(args[0], 0), ABSENT, ABSENT, ABSENT];
const one64 =
  (kind: FlagKind): Emitter =>
  (_b, args) => [
    withExtras(codeOf(kind, 64), args),
    i64.lo(args[0] ?? NOTHING),
    i64.hi(args[0] ?? NOTHING),
    ABSENT,
    ABSENT,
  ];

function withExtras(code: Code, args: readonly Parts[]): Code {
  let word = code;
  for (let k = 1; k < args.length; k++) word = i32.or(word, extra(part(args[k], 0), k - 1));
  return word;
}

const carry32 = carry(two32);
const carry64 = carry(two64);

const words = (b: Body, flags: Parts | undefined): Code => {
  const code = b.atom(part(flags, 0));
  return js`${code}, ${part(flags, 1)}, ${part(flags, 2)}, ${part(flags, 3)}, ${part(flags, 4)}`;
};

export const FLAG_EMITTERS = {
  "flags.add.i32": two32("add"),
  "flags.add.i64": two64("add"),
  "flags.adc.i32": carry32("adc"),
  "flags.adc.i64": carry64("adc"),
  "flags.sub.i32": two32("sub"),
  "flags.sub.i64": two64("sub"),
  "flags.sbb.i32": carry32("sbb"),
  "flags.sbb.i64": carry64("sbb"),
  "flags.logic.i32": one32("logic"),
  "flags.logic.i64": one64("logic"),
  "flags.inc.i32": one32("inc"),
  "flags.inc.i64": one64("inc"),
  "flags.dec.i32": one32("dec"),
  "flags.dec.i64": one64("dec"),
  "flags.result.i32": one32("result"),
  "flags.result.i64": one64("result"),
  "flags.bits": (_b, args) => [codeOf("bits", 32), part(args[0], 0), ABSENT, ABSENT, ABSENT],
  "select.flags": (b, args) => {
    const condition = b.atom(part(args[0], 0));
    const [, yes = NOTHING, no = NOTHING] = args;
    return yes.map((word, k) => i32.choose(condition, word, part(no, k)));
  },
  cond: (b, args, imm) => [js`${b.helper("cond")}(${imm[0] ?? 0}, ${words(b, args[0])})`],
  "bits.flags": (b, args) => [js`${b.helper("flagBits")}(${words(b, args[0])})`],
} as const satisfies Record<string, Emitter>;
