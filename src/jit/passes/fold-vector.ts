/** Folding rules for vectors: the idioms that clear or fill a register, and lanes put in and taken out again. */

import type { OpName } from "../ir/ops.ts";
import { type Folder, NO_FOLD, type Rule, type Rules } from "./folder.ts";

const constant = (f: Folder, word: number): number => f.emit("const.v128", [word, word, word, word], []);

const isConstant = (f: Folder, value: number, word: number): boolean => {
  const { op, imm } = f.at(value);
  return op === "const.v128" && imm.every((each) => each === word);
};

/** x op x is the same word in all lanes. */
const ofItself =
  (word: number): Rule =>
  (f, args) =>
    args[0] === args[1] ? constant(f, word) : NO_FOLD;

const idempotent: Rule = (_, args) => (args[0] === args[1] ? (args[0] as number) : NO_FOLD);

/** x op x = 0 and x op 0 = x; `commutes`: 0 op x = x too. */
const difference =
  (commutes: boolean): Rule =>
  (f, args) => {
    const [a, b] = args as [number, number];
    if (a === b) return constant(f, 0);
    if (isConstant(f, b, 0)) return a;
    return commutes && isConstant(f, a, 0) ? b : NO_FOLD;
  };

const orRule: Rule = (f, args, imm) => {
  const [a, b] = args as [number, number];
  if (isConstant(f, a, 0)) return b;
  return isConstant(f, b, 0) ? a : idempotent(f, args, imm);
};

/** A lane of what was just built: the lane put in, or the same lane of what lies below it. */
const extract =
  (op: OpName, insert: OpName, words: number): Rule =>
  (f, args, imm) => {
    const { op: made, args: inner, imm: innerImm } = f.at(args[0] as number);
    const lane = imm[0] as number;
    if (made === "const.v128") {
      const low = innerImm[lane * words] as number;
      return words === 1 ? f.const32(low) : f.const64(low, innerImm[lane * words + 1] as number);
    }
    if (made !== insert) return NO_FOLD;
    return innerImm[0] === lane ? (inner[1] as number) : f.emit(op, imm, [inner[0] as number]);
  };

export const VECTOR_RULES: Rules = {
  "and.v128": idempotent,
  "or.v128": orRule,
  "xor.v128": difference(true),
  "andnot.v128": ofItself(0),
  "sub.v8": difference(false),
  "sub.v16": difference(false),
  "sub.v32": difference(false),
  "sub.v64": difference(false),
  "eq.v8": ofItself(-1),
  "eq.v16": ofItself(-1),
  "eq.v32": ofItself(-1),
  "sgt.v8": ofItself(0),
  "sgt.v16": ofItself(0),
  "sgt.v32": ofItself(0),
  "extract.v32": extract("extract.v32", "insert.v32", 1),
  "extract.v64": extract("extract.v64", "insert.v64", 2),
};
