/**
 * Flags values: code, a and b (`ir/flags.ts`), each pushed on its own. The six flags come into being only when
 * `cond` or `bits.flags` reads them, through the runtime readers of the other back end.
 */

import { EXTRA_SHIFT, type FlagKind, type FlagWidth, flagCode } from "../../ir/flags.ts";
import type { OpName } from "../../ir/ops.ts";
import { FLAGS_A, FLAGS_B, FLAGS_CODE } from "../../ir/state.ts";
import type { Body } from "./body.ts";
import { OP } from "./bytes.ts";
import type { Emitter } from "./emitters.ts";

export type FlagPart = (body: Body, args: readonly number[], imm: readonly number[]) => void;

/** Pushes code (i32), a (i64), b (i64). */
export interface FlagParts {
  readonly code: FlagPart;
  readonly a: FlagPart;
  readonly b: FlagPart;
}

const arg = (args: readonly number[], k: number): number => args[k] ?? 0;

const none: FlagPart = (body) => body.const64(0, 0);
const wide =
  (k: number): FlagPart =>
  (body, args) =>
    body.value(arg(args, k));
const narrow =
  (k: number): FlagPart =>
  (body, args) => {
    body.value(arg(args, k));
    body.op(OP.i64ExtendI32U);
  };

/** The code word, with truth values from argument `firstExtra` on as its extra bits. */
const codeWord =
  (kind: FlagKind, width: FlagWidth | undefined, firstExtra: number): FlagPart =>
  (body, args, imm) => {
    body.const32(flagCode(kind, width ?? ((imm[0] ?? 32) as FlagWidth)));
    for (let k = firstExtra; k < args.length; k++) {
      body.value(arg(args, k));
      body.const32(EXTRA_SHIFT + k - firstExtra);
      body.op(OP.i32Shl);
      body.op(OP.i32Or);
    }
  };

const two32 = (kind: FlagKind): FlagParts => ({
  code: codeWord(kind, undefined, 2),
  a: narrow(0),
  b: narrow(1),
});
const two64 = (kind: FlagKind): FlagParts => ({ code: codeWord(kind, 64, 2), a: wide(0), b: wide(1) });
const one32 = (kind: FlagKind): FlagParts => ({ code: codeWord(kind, undefined, 1), a: narrow(0), b: none });
const one64 = (kind: FlagKind): FlagParts => ({ code: codeWord(kind, 64, 1), a: wide(0), b: none });

const choose =
  (which: keyof FlagParts): FlagPart =>
  (body, args) => {
    body.flagPart(arg(args, 1), which);
    body.flagPart(arg(args, 2), which);
    body.value(arg(args, 0));
    body.op(OP.select);
  };

export const FLAG_PARTS = {
  "flags.add.i32": two32("add"),
  "flags.add.i64": two64("add"),
  "flags.adc.i32": two32("adc"),
  "flags.adc.i64": two64("adc"),
  "flags.sub.i32": two32("sub"),
  "flags.sub.i64": two64("sub"),
  "flags.sbb.i32": two32("sbb"),
  "flags.sbb.i64": two64("sbb"),
  "flags.logic.i32": one32("logic"),
  "flags.logic.i64": one64("logic"),
  "flags.inc.i32": one32("inc"),
  "flags.inc.i64": one64("inc"),
  "flags.dec.i32": one32("dec"),
  "flags.dec.i64": one64("dec"),
  "flags.result.i32": one32("result"),
  "flags.result.i64": one64("result"),
  "flags.bits": { code: codeWord("bits", 32, 1), a: narrow(0), b: none },
  "select.flags": { code: choose("code"), a: choose("a"), b: choose("b") },
  "get.flags": {
    code: (body) => body.places.get(body, FLAGS_CODE, 4),
    a: (body) => body.places.get(body, FLAGS_A, 8),
    b: (body) => body.places.get(body, FLAGS_B, 8),
  },
} as const satisfies Partial<Record<OpName, FlagParts>>;

/** Pushes code and the halves of a and b. */
function words(body: Body, flags: number): void {
  body.flagPart(flags, "code");
  for (const which of ["a", "b"] as const) {
    body.flagPart(flags, which);
    body.halves();
  }
}

/** Flags values have no emitter: their parts are asked for. */
const nothing: Emitter = () => undefined;

export const FLAG_EMITTERS = {
  "flags.add.i32": nothing,
  "flags.add.i64": nothing,
  "flags.adc.i32": nothing,
  "flags.adc.i64": nothing,
  "flags.sub.i32": nothing,
  "flags.sub.i64": nothing,
  "flags.sbb.i32": nothing,
  "flags.sbb.i64": nothing,
  "flags.logic.i32": nothing,
  "flags.logic.i64": nothing,
  "flags.inc.i32": nothing,
  "flags.inc.i64": nothing,
  "flags.dec.i32": nothing,
  "flags.dec.i64": nothing,
  "flags.result.i32": nothing,
  "flags.result.i64": nothing,
  "flags.bits": nothing,
  "select.flags": nothing,
  cond: (body, args, imm) => {
    body.const32(imm[0] ?? 0);
    words(body, arg(args, 0));
    body.call("cond");
  },
  "bits.flags": (body, args) => {
    words(body, arg(args, 0));
    body.call("flagBits");
  },
} as const satisfies Partial<Record<OpName, Emitter>>;
