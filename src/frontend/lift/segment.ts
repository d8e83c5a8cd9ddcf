/**
 * What user code can ask about segments (Intel SDM vol. 2, LAR, LSL, VERR, VERW). The descriptor table holds two
 * segments of user privilege, flat code and flat data; everything else looks absent.
 */

import { ZF } from "../../jit/ir/flags.ts";
import type { Value } from "../../jit/ir/ops.ts";
import { USER_CS, USER_SS } from "../guest-state.ts";
import type { Lifter } from "../tables/row.ts";
import type { LiftContext } from "./context.ts";
import { replacedFlags } from "./flags.ts";
import { read, sizeOf, write } from "./operands.ts";
import { extended, select, toI32, truncate } from "./words.ts";

type I1 = Value<"i1">;
type I32 = Value<"i32">;

/** Bits of a selector beside the privilege it asks with. */
const INDEX_AND_TABLE = 0xfffc;
/** Second half of the descriptors, as LAR shows it: present, privilege 3, accessed, limit in pages. */
const CODE_RIGHTS = 0x00af_fb00;
const DATA_RIGHTS = 0x00cf_f300;
const FLAT_LIMIT = -1;

interface Asked {
  readonly code: I1;
  readonly data: I1;
  readonly either: I1;
}

function asked(ctx: LiftContext, position: number): Asked {
  const { ir } = ctx;
  const given = toI32(ir, sizeOf(ctx, position), read(ctx, position));
  const selector = ir.add("and.i32", given, ctx.i32(INDEX_AND_TABLE));
  const code = ir.add("eq.i32", selector, ctx.i32(USER_CS & INDEX_AND_TABLE));
  const data = ir.add("eq.i32", selector, ctx.i32(USER_SS & INDEX_AND_TABLE));
  return { code, data, either: ir.add("or.i1", code, data) };
}

function setZero(ctx: LiftContext, zero: I1): void {
  const { ir } = ctx;
  ctx.setFlags(replacedFlags(ctx, ZF, ir.add("shl.i32", ir.add("bool.i32", zero), ctx.i32(6))));
}

/** Writes the value when the segment is there; the destination stays otherwise, all 64 bits of it. */
function answer(ctx: LiftContext, there: I1, value: I32): void {
  const size = sizeOf(ctx, 0);
  const { ir } = ctx;
  const wide = extended(ir, truncate(ir, Math.min(size, 32), value), {
    from: Math.min(size, 32),
    to: size,
    signed: false,
  });
  if (size !== 32) write(ctx, 0, select(ir, size, there, wide, read(ctx, 0)));
  else {
    const register = ctx.insn.reg;
    const kept = ctx.general(register);
    ctx.setGeneral(register, ir.add("select.i64", there, ir.add("zext.i64", wide as I32), kept));
  }
  setZero(ctx, there);
}

export const lar: Lifter = (ctx) => {
  const { code, either } = asked(ctx, 1);
  answer(ctx, either, ctx.ir.add("select.i32", code, ctx.i32(CODE_RIGHTS), ctx.i32(DATA_RIGHTS)));
};
export const lsl: Lifter = (ctx) => answer(ctx, asked(ctx, 1).either, ctx.i32(FLAT_LIMIT));

/** Both segments can be read, only that of data can be written. */
export const verr: Lifter = (ctx) => setZero(ctx, asked(ctx, 0).either);
export const verw: Lifter = (ctx) => setZero(ctx, asked(ctx, 0).data);
