/**
 * SSE arithmetic as functions of their own, for code that is to be short: the same as inline, one function per
 * operation and immediate, shared by all modules. The numbers come and go as bits.
 *
 *     fast.fadd.f64(a, b, site, site) -> result, refused
 */

import type { GuestAddress } from "../../../mmu/address.ts";
import type { IrBlock, IrInstruction } from "../../ir/block.ts";
import { type IrType, type OpName, rowOf } from "../../ir/ops.ts";
import { Body, type Frame } from "./body.ts";
import { OP } from "./bytes.ts";
import { FLOAT_FUNCTIONS, type FloatFunction } from "./float-ops.ts";
import { functionCode } from "./function-code.ts";
import { floatSignature, type FunctionCode } from "./imports.ts";
import type { StatePlaces } from "./places.ts";

/** In the order of `FLOAT_FUNCTIONS`. */
export const floatFunctions = (): FunctionCode[] => FLOAT_FUNCTIONS.map(floatFunction);

/** Argument k is read from slot k, which is parameter k; what is assigned stays on the stack. */
const PARAMETERS: StatePlaces = {
  dependency: () => 0,
  isLocal: () => true,
  get(body, slot) {
    body.localGet(slot);
  },
  set(_body, _slot, _bytes, value) {
    value();
  },
  setFlags() {
    throw new RangeError("a number is no flags");
  },
};

/** Leaves with any result and 1. */
const frameFor = (result: IrType): Pick<Frame, "leave"> => ({
  leave(body) {
    if (result === "v128") body.vectorConst([]);
    else if (result === "i64") body.const64(0, 0);
    else body.const32(0);
    body.const32(1);
    body.op(OP.return);
  },
});

/** No guest instruction is there. */
const NOWHERE = 0 as GuestAddress;

/** A block that does the operation on its parameters. */
function blockOf({ op, imm }: FloatFunction): IrBlock {
  const { args, result } = rowOf(op);
  const code: IrInstruction[] = args.map((type, k) => ({ op: `get.${type}` as OpName, imm: [k], args: [] }));
  code.push({ op, imm, args: [...args.keys()] });
  code.push({ op: `set.${result ?? "i32"}` as OpName, imm: [0], args: [args.length] });
  return {
    address: NOWHERE,
    code,
    instructions: [{ address: NOWHERE, start: 0, length: 1 }],
    exit: { kind: "jump", target: NOWHERE, transfer: "jump" },
  };
}

function floatFunction(work: FloatFunction): FunctionCode {
  const { args, result } = rowOf(work.op);
  const type = floatSignature(work);
  const body = new Body({
    frame: frameFor(result ?? "i32") as Frame,
    places: PARAMETERS,
    firstLocal: type.parameters.length,
    compact: false,
    site: [args.length, args.length + 1],
  });
  const block = blockOf(work);
  body.begin(block);
  for (const index of block.code.keys()) body.emit(index);
  body.const32(0);
  body.op(OP.end);
  const { out, relocations, hints, localTypes: locals } = body;
  return functionCode({ locals, out, relocations, hints, type });
}
