/**
 * SSE arithmetic inline. In the fast mode (`float-mode.ts`) with usable operands and a result that is normal the
 * host's instruction gives the number, and no flag of MXCSR changes. Zeros need a second look. Everything else is the
 * call operation's.
 *
 *     r = a + b
 *     block ok
 *       block doubt                          operands of which `float-facts.ts` knows are not asked about
 *         unless isGood(a), isGood(b), isGood(r): br doubt
 *         br ok
 *       end
 *       unless mode off, isDenormal(a), isDenormal(b), or isOdd(r): br ok
 *       r = call(a, b); mode = off
 *     end
 *
 * The least normal exponent goes to the call too: a result there may have been tiny before rounding. A zero is exact
 * when it comes from a zero, or from the difference of equals.
 */

import type { CallOpName } from "../../ir/ops.ts";
import type { Body } from "./body.ts";
import { NO_RESULT, OP, TYPE_F64, type WasmType } from "./bytes.ts";
import { emitCall, pushWords } from "./emitters-calls.ts";
import { numberResult } from "./float-ops.ts";
import type { Shape } from "./float-shapes.ts";

/** One operation while it is emitted. */
export interface Operation {
  readonly body: Body;
  readonly op: CallOpName;
  readonly imm: readonly number[];
  readonly shape: Shape;
  readonly args: readonly number[];
  /** The arguments, in locals of their shape. */
  readonly operands: readonly number[];
  readonly result: number;
}

function toLocals(body: Body, args: readonly number[], shape: Shape): number[] {
  return args.map((value) => {
    shape.push(body, value);
    const local = body.newLocal(shape.type);
    body.localSet(local);
    return local;
  });
}

export function begin(
  body: Body,
  op: CallOpName,
  shape: Shape,
  { args, imm, type }: { args: readonly number[]; imm: readonly number[]; type: WasmType },
): Operation {
  const operands = toLocals(body, args, shape);
  return { body, op, imm, shape, args, operands, result: body.newLocal(type) };
}

interface Questions {
  /** Pushes 1 when the result stands; asked when the operands are normal. Without it, it does then. */
  readonly quick?: () => void;
  /** Pushes 1 when it does not, whatever the operands are, if only no denormals. */
  readonly exact: () => void;
  /** The exact question asks whether the mode is on, and the quick one implies it. */
  readonly asksMode: boolean;
}

/** Whether the operand has to be looked at; one that stands twice is looked at once. */
const isUnknown = ({ body, args, shape }: Operation, k: number): boolean =>
  args.indexOf(args[k] ?? 0) === k && !body.facts.isUsable(args[k] ?? 0, shape.format);

/** The result is computed; makes the call where it does not stand, and pushes it. */
export function settleResult(operation: Operation, { quick, exact, asksMode }: Questions): void {
  const { body, shape, args, operands, result } = operation;
  const unknown = operands.filter((_, k) => isUnknown(operation, k));
  const trusts = asksMode || unknown.length < new Set(args).size;
  body.block(OP.block, NO_RESULT);
  const ok = body.depth;
  body.block(OP.block, NO_RESULT);
  const doubt = body.depth;
  for (const local of unknown) {
    shape.isGood(body, local);
    body.unless(doubt);
  }
  if (!asksMode && unknown.length === 0) {
    body.mode.pushLimit(body);
    body.unless(doubt);
  }
  if (quick !== undefined) {
    quick();
    body.unless(doubt);
  }
  body.branchTo(ok);
  body.end();
  exact();
  for (const local of unknown) {
    shape.isDenormal(body, local);
    body.op(OP.i32Or);
  }
  if (trusts) {
    body.mode.pushOff(body);
    body.op(OP.i32Or);
  }
  body.op(OP.i32Eqz);
  body.hint(true);
  body.branchTo(ok, OP.brIf);
  callAfterAll(operation);
  body.end();
  for (const arg of args) body.facts.note(arg, shape.format);
  body.localGet(result);
}

/** The words of the operands, for a call. */
export const wordsOf = ({ body, shape, operands }: Operation): (() => void)[] =>
  operands.map((local) => () => {
    body.localGet(local);
    shape.toBits(body);
    pushWords(body, shape.ir);
  });

function callAfterAll(operation: Operation): void {
  const { body, op, imm, result } = operation;
  emitCall(body, op, imm, wordsOf(operation));
  fromBits(body, op);
  body.localSet(result);
  body.mode.forget(body);
}

/** The result of a call as it is held. */
export function fromBits(body: Body, op: CallOpName): void {
  const type = numberResult(op);
  if (type !== undefined) body.op(type === TYPE_F64 ? OP.f64ReinterpretI64 : OP.f32ReinterpretI32);
}

/** Pushes 1 when a scalar operand is a NaN. */
export function pushUnordered({ body, shape, operands }: Operation): void {
  for (const [k, local] of operands.entries()) {
    body.localGet(local);
    body.localGet(local);
    body.op(shape.format === "double" ? OP.f64Ne : OP.f32Ne);
    if (k > 0) body.op(OP.i32Or);
  }
}
