/**
 * Call operations: the words of the arguments go to an imported function. A pure one returns the first word of its
 * result and leaves the others in scratch; one that may raise a fault leaves all of them there and returns 1 when
 * it did.
 */

import { SCRATCH_BYTE, STATE_BYTE } from "../../../mmu/layout.ts";
import { TYPE_WORDS } from "../../ir/calls/call.ts";
import { CALL_LIST } from "../../ir/calls/index.ts";
import { type CallOpName, type IrType, type OpName, rowOf } from "../../ir/ops.ts";
import { MXCSR } from "../../ir/state.ts";
import type { Body } from "./body.ts";
import { OP, TYPE_I32, TYPE_V128, VECTOR } from "./bytes.ts";
import type { Emitter } from "./emitters.ts";

/** Replaces a value by its words. */
export function pushWords(body: Body, type: IrType): void {
  if (type === "i64") body.halves();
  if (type !== "v128") return;
  const local = body.newLocal(TYPE_V128);
  body.localSet(local);
  for (let lane = 0; lane < 4; lane++) {
    body.localGet(local);
    body.vectorLane(VECTOR.i32Extract, lane);
  }
}

/** Pushes a result that lies in scratch, all of it. */
function pushScratch(body: Body, type: IrType): void {
  body.const32(0);
  if (type === "v128") body.vectorMemory(VECTOR.load, SCRATCH_BYTE);
  else body.memory(type === "i64" ? OP.i64Load : OP.i32Load, SCRATCH_BYTE);
}

/** The first word is on the stack, the others are in scratch. */
function joinFirst(body: Body, type: IrType): void {
  if (TYPE_WORDS[type] === 1) return;
  const first = body.newLocal(TYPE_I32);
  body.localSet(first);
  if (type === "v128") {
    pushScratch(body, type);
    body.localGet(first);
    body.vectorLane(VECTOR.i32Replace, 0);
    return;
  }
  body.localGet(first);
  body.op(OP.i64ExtendI32U);
  body.const32(0);
  body.memory(OP.i32Load, SCRATCH_BYTE + 4);
  body.op(OP.i64ExtendI32U);
  body.const64(32, 0);
  body.op(OP.i64Shl);
  body.op(OP.i64Or);
}

/** Calls the operation on words that the pushers push, in order; leaves its result on the stack. */
export function emitCall(
  body: Body,
  op: CallOpName,
  imm: readonly number[],
  words: readonly (() => void)[],
): void {
  const { result, effect } = rowOf(op);
  const raises = effect === "memory";
  for (const value of imm) body.const32(value);
  for (const push of words) push();
  if (raises) body.pushSite(0);
  body.call(op);
  if (raises) {
    body.leaveIfRefused();
    if (result !== undefined) pushScratch(body, result);
  } else if (result !== undefined) joinFirst(body, result);
  else body.op(OP.drop);
}

const emitterOf = (op: CallOpName): Emitter => {
  const { args: types } = rowOf(op);
  return (body, args, imm) => {
    const words = args.map((value, k) => () => {
      body.value(value);
      pushWords(body, types[k] ?? "i32");
    });
    emitCall(body, op, imm, words);
  };
};

const CALLED = Object.fromEntries(CALL_LIST.map(({ op }) => [op, emitterOf(op)])) as {
  readonly [K in CallOpName]: Emitter;
};

const peek =
  (op: number): Emitter =>
  (body, _args, imm) => {
    body.const32(0);
    body.memory(op, STATE_BYTE + (imm[0] ?? 0));
  };
const poke =
  (op: number): Emitter =>
  (body, args, imm) => {
    body.const32(0);
    body.value(args[0] ?? 0);
    body.memory(op, STATE_BYTE + (imm[0] ?? 0));
    if (imm[0] === MXCSR && !body.compact) body.mode.forget(body);
  };

/** Pinned state lies in the state block always. */
const PINNED = {
  "peek.i32": peek(OP.i32Load),
  "peek.i64": peek(OP.i64Load),
  "poke.i32": poke(OP.i32Store),
  "poke.i64": poke(OP.i64Store),
} as const satisfies Partial<Record<OpName, Emitter>>;

export const CALL_EMITTERS = { ...CALLED, ...PINNED };
