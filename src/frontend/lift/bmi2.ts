/** PEXT and PDEP (Intel SDM vol. 1, 5.1.16): bits gathered and scattered by a mask. */

import type { Lifter } from "../tables/row.ts";
import { read, sizeOf, write } from "./operands.ts";
import { fromI64, toI64 } from "./words.ts";

const movingBits =
  (op: "gatherbits.i64" | "scatterbits.i64"): Lifter =>
  (ctx) => {
    const { ir } = ctx;
    const size = sizeOf(ctx, 0);
    const source = toI64(ir, size, read(ctx, 1));
    write(ctx, 0, fromI64(ir, size, ir.add(op, source, toI64(ir, size, read(ctx, 2)))));
  };
export const pext = movingBits("gatherbits.i64");
export const pdep = movingBits("scatterbits.i64");
