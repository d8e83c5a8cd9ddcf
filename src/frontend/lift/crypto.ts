/** AES-NI, PCLMULQDQ and SHA (Intel SDM vol. 1, 5.12 and 5.21). */

import type { Lifter } from "../tables/row.ts";
import { immediateByte, readVector, writeVector } from "./operands.ts";

export const aeskeygenassist: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("aes.keygen", immediateByte(ctx), readVector(ctx, 1)));

/** Bits 0 and 4 of the immediate choose the halves that are multiplied. */
export const pclmulqdq: Lifter = (ctx) => {
  const { ir } = ctx;
  const control = immediateByte(ctx);
  const left = ir.add("extract.v64", control & 1, readVector(ctx, 0));
  const right = ir.add("extract.v64", (control >> 4) & 1, readVector(ctx, 1));
  writeVector(ctx, 0, ir.add("carrylessmul.i64", left, right));
};

/** SHA256RNDS2: the words of the message are in XMM0. */
export const sha256rnds2: Lifter = (ctx) =>
  writeVector(ctx, 0, ctx.ir.add("sha256.rounds2", readVector(ctx, 0), readVector(ctx, 1), ctx.vector(0)));
