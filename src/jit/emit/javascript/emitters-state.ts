/** Constants, guest state, and the machine around the processor. */

import { FLAGS_A, FLAGS_B, FLAGS_CODE } from "../../ir/state.ts";
import type { Body } from "./body.ts";
import { FALSE, TRUE, ZERO, int, js } from "./code.ts";
import { NAMES } from "./helper-names.ts";
import { NOTHING, type Emitter, type Parts, part } from "./parts.ts";
import { SECOND_SCRATCH_WORD, wordOf } from "./places.ts";

/** Byte offsets of the words of the flags value in the state block. */
export const FLAG_OFFSETS = [FLAGS_CODE, FLAGS_A, FLAGS_A + 4, FLAGS_B, FLAGS_B + 4] as const;

const get =
  (words: number): Emitter =>
  (b, _args, imm, need) => {
    const parts = [];
    for (let k = 0; k < words; k++) {
      parts.push((need & (1 << k)) === 0 ? ZERO : b.state((imm[0] ?? 0) + 4 * k));
    }
    return parts;
  };

const set =
  (words: number): Emitter =>
  (b, args, imm) => {
    b.assign(imm[0] ?? 0, args[0] ?? NOTHING, words);
    return NOTHING;
  };

/** Pinned state has no locals: it is read and written where it lies, here and now. */
const peek =
  (words: number): Emitter =>
  (b, _args, imm, need) => {
    const parts = [];
    for (let k = 0; k < words; k++) {
      parts.push((need & (1 << k)) === 0 ? ZERO : b.temp(wordOf((imm[0] ?? 0) + 4 * k)));
    }
    return parts;
  };

const poke =
  (words: number): Emitter =>
  (b, args, imm) => {
    for (let k = 0; k < words; k++) b.line(js`${wordOf((imm[0] ?? 0) + 4 * k)} = ${part(args[0], k)};`);
    return NOTHING;
  };

/** A helper's 64-bit result: low half returned, high half in scratch. Both are read here and now. */
export function wideResult(b: Body, call: Parts): Parts {
  const lo = b.temp(part(call, 0));
  return [lo, b.temp(js`${NAMES.I}[${SECOND_SCRATCH_WORD}]`)];
}

export const STATE_EMITTERS = {
  "const.i1": (_b, _args, imm) => [imm[0] === 0 ? FALSE : TRUE],
  "const.i32": (_b, _args, imm) => [int(imm[0] ?? 0)],
  "const.i64": (_b, _args, imm) => [int(imm[0] ?? 0), int(imm[1] ?? 0)],
  "const.v128": (_b, _args, imm) => imm.map(int),
  "get.i32": get(1),
  "get.i64": get(2),
  "get.v128": get(4),
  "peek.i32": peek(1),
  "peek.i64": peek(2),
  "poke.i32": poke(1),
  "poke.i64": poke(2),
  "get.flags": (b, _args, _imm, need) =>
    FLAG_OFFSETS.map((offset, k) => ((need & (1 << k)) === 0 ? ZERO : b.state(offset))),
  "set.i32": set(1),
  "set.i64": set(2),
  "set.v128": set(4),
  "set.flags": (b, args) => {
    b.assignWords(FLAG_OFFSETS, args[0] ?? NOTHING);
    return NOTHING;
  },
  "exit.if": (b, args, imm) => {
    b.mayLeave = true;
    b.leaveIf(part(args[0], 0), imm[0] ?? 0, imm[1] ?? 0);
    return NOTHING;
  },
  cpuid: (b, args, imm) => [
    js`${b.helper("cpuid")}(${imm[0] ?? 0}, ${part(args[0], 0)}, ${part(args[1], 0)})`,
  ],
  tsc: (b) => {
    b.beforeClock();
    return wideResult(b, [js`${b.helper("tsc")}(${b.completed})`]);
  },
  random: (b) => wideResult(b, [js`${b.helper("random")}()`]),
} as const satisfies Record<string, Emitter>;
