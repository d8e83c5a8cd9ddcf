/**
 * The fast mode of SSE arithmetic in a function. It is on while MXCSR rounds to nearest, masks everything, changes
 * no denormals and has its inexact flag set already, and what was found out about the numbers of the block is true.
 *
 *   start of a block   if the mode is off: look at MXCSR
 *   in the block       a call operation that had to be made turns it off: its numbers may be of any kind
 *   guest call, write  of MXCSR: off
 *
 * The mode is the limit that results are compared with: off, it is zero, and no result is below. So the check of
 * a result checks the mode as well.
 */

import { STATE_BYTE } from "../../../mmu/layout.ts";
import { MXCSR } from "../../ir/state.ts";
import type { Body } from "./body.ts";
import { OP, TYPE_I32, TYPE_V128, VECTOR } from "./bytes.ts";
import type { Format } from "./float-ops.ts";

/** MXCSR but for the sticky flags below the inexact one, and what it must be. */
const USUAL_MASK = 0xffe0;
const USUAL = 0x1fa0;

/** The word with the exponent, doubled so that its sign is gone, of the least number that the fast mode takes. */
export const LEAST = { double: 0x40_0000, single: 0x200_0000 } as const satisfies Record<Format, number>;
/**
 * How far above that other numbers are. This is the whole range of singles; that of doubles is larger, and its end is
 * left to the exact question.
 */
const LIMIT = 0xfd00_0000;
/** Turns an unsigned comparison into a signed one. */
export const SIGN = 0x8000_0000;

export class FloatMode {
  /** The limit, and in all lanes with the sign bit flipped. */
  readonly #limit: number;
  readonly #limits: number;
  /**
   * What is added to doubled words before they are compared with the limits. In locals that are assigned late, so
   * that the host does not know the constants: it would build them anew for each use.
   */
  readonly #offsets: { readonly [F in Format]: number };

  constructor(body: Body) {
    this.#limit = body.ownLocal(TYPE_I32);
    this.#limits = body.ownLocal(TYPE_V128);
    this.#offsets = { double: body.ownLocal(TYPE_V128), single: body.ownLocal(TYPE_V128) };
  }

  /** At the start of a block, where nothing is known of any number. */
  renew(body: Body): void {
    this.pushOff(body);
    body.ifUnlikely();
    body.const32(LIMIT);
    body.const32(0);
    body.const32(0);
    body.memory(OP.i32Load, STATE_BYTE + MXCSR);
    body.const32(USUAL_MASK);
    body.op(OP.i32And);
    body.const32(USUAL);
    body.op(OP.i32Eq);
    body.op(OP.select);
    this.#set(body);
    for (const format of ["double", "single"] as const) {
      const offset = (SIGN - LEAST[format]) | 0;
      body.vectorConst([offset, offset, offset, offset]);
      body.localSet(this.#offsets[format]);
    }
    body.end();
  }

  /** Off until the next block. */
  forget(body: Body): void {
    body.const32(0);
    this.#set(body);
  }

  pushLimit(body: Body): void {
    body.localGet(this.#limit);
  }
  pushLimits(body: Body): void {
    body.localGet(this.#limits);
  }
  pushOffsets(body: Body, format: Format): void {
    body.localGet(this.#offsets[format]);
  }
  /** Pushes 1 when the mode is off. */
  pushOff(body: Body): void {
    body.localGet(this.#limit);
    body.op(OP.i32Eqz);
  }

  #set(body: Body): void {
    body.localTee(this.#limit);
    body.const32(SIGN);
    body.op(OP.i32Xor);
    body.vector(VECTOR.i32Splat);
    body.localSet(this.#limits);
  }
}
