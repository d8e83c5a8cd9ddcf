/**
 * Blocks: decodes and lifts until a block ends. All the rules of block ends are here.
 *
 *   - an instruction that transfers control or always raises an exception ends its block (the lifter sets `exit`)
 *   - a repeated string instruction is a block of its own, because it jumps to itself
 *   - the block is cut after `maxInstructions`
 *   - the block is cut before an instruction that crosses the page's end; that one is lifted alone
 */

import type { CodeSource, FetchFault, IrBlock, Lift } from "../../jit/ir/block.ts";
import { type GuestAddress, isUserAddress, PAGE_BYTES } from "../../mmu/address.ts";
import { decode, DECODED, type DecodeStatus, MAX_INSTRUCTION_BYTES, TOO_LONG, TRUNCATED } from "../decode.ts";
import type { FeatureSet } from "../features.ts";
import { DEFAULT_FEATURES } from "../implemented.ts";
import { type Instruction, newInstruction } from "../instruction.ts";
import { EVEX_ROW } from "../tables/vex.ts";
import { LiftContext, VECTOR_PROTECTION, VECTOR_UNDEFINED } from "./context.ts";

/** Lifts the decoded instruction; false when the block ends with it. */
function liftInstruction(ctx: LiftContext, status: DecodeStatus, features: FeatureSet): boolean {
  ctx.begin();
  if (status !== DECODED) {
    ctx.raise(status === TOO_LONG ? VECTOR_PROTECTION : VECTOR_UNDEFINED);
    return false;
  }
  let { row } = ctx.insn;
  if (row.feature !== undefined && row.supported && !features.has(row.feature)) {
    if (row.without === undefined) {
      ctx.raise(VECTOR_UNDEFINED);
      return false;
    }
    row = row.without;
    ctx.insn.row = row;
  }
  row.lift(ctx);
  ctx.end();
  return ctx.exit === undefined;
}

/** Ends the block; without an exit of its own it goes on at `next`. */
function finish(ctx: LiftContext, next: number): IrBlock {
  if (ctx.exit === undefined) ctx.jumpTo(next, "fallthrough");
  return ctx.ir.finish(ctx.exit ?? { kind: "jump", target: next as GuestAddress, transfer: "fallthrough" });
}

const repeats = (insn: Instruction): boolean => insn.repeat !== 0 && insn.row.repeatable;

class Lifter {
  readonly #features: FeatureSet;
  readonly #insn = newInstruction(EVEX_ROW);
  /** The end of one page and the start of the next. */
  readonly #crossing = new Uint8Array(2 * MAX_INSTRUCTION_BYTES);

  constructor(features: FeatureSet) {
    this.#features = features;
  }

  lift(address: GuestAddress, source: CodeSource, maxInstructions: number): IrBlock | FetchFault {
    const insn = this.#insn;
    const ctx = new LiftContext(address, insn);
    const base = address - (address % PAGE_BYTES);
    let offset = address % PAGE_BYTES;
    while (offset < PAGE_BYTES && ctx.ir.count < maxInstructions) {
      const status = decode(source.page, offset, PAGE_BYTES, base + offset, insn);
      const first = ctx.ir.count === 0;
      if (status === TRUNCATED) {
        if (first) return this.#liftCrossing(ctx, address, source);
        break;
      }
      const repeated = status === DECODED && repeats(insn);
      if (repeated && !first) break;
      if (!liftInstruction(ctx, status, this.#features)) break;
      offset += insn.length;
    }
    return finish(ctx, base + offset);
  }

  /** The instruction at `address` reaches into the next page. */
  #liftCrossing(ctx: LiftContext, address: GuestAddress, source: CodeSource): IrBlock | FetchFault {
    const offset = address % PAGE_BYTES;
    const here = PAGE_BYTES - offset;
    const boundary = address + here;
    const next = isUserAddress(boundary) ? source.next() : undefined;
    if (next === undefined) {
      if (isUserAddress(boundary)) return { kind: "fetch-fault", address: boundary };
      // Behind the user half addresses are not canonical.
      ctx.insn.length = here;
      ctx.begin();
      ctx.raise(VECTOR_PROTECTION);
      return finish(ctx, address);
    }
    const bytes = this.#crossing;
    bytes.set(source.page.subarray(offset));
    bytes.set(next.subarray(0, MAX_INSTRUCTION_BYTES), here);
    const status = decode(bytes, 0, here + MAX_INSTRUCTION_BYTES, address, ctx.insn);
    liftInstruction(ctx, status, this.#features);
    return finish(ctx, address + ctx.insn.length);
  }
}

export interface LifterOptions {
  readonly features?: FeatureSet;
}

/** A lifter for a processor with these features. It keeps nothing between blocks. */
export function createLifter({ features = DEFAULT_FEATURES }: LifterOptions = {}): Lift {
  const lifter = new Lifter(features);
  return (address, source, maxInstructions) => lifter.lift(address, source, maxInstructions);
}
