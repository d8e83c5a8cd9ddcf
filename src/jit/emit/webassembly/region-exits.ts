/**
 * What the parts of a region's function share: the budget, RIP, and the ways out. With state in place a way out
 * returns at once. With state in locals it goes to an end of the function that writes back at least what is dirty
 * there, and at most what locals hold there:
 *
 *     block $end1 block $end0
 *       ...                     leave: br $end0 or $end1, whichever fits
 *     end  write back some, return status
 *     end  write back others, return status
 */

import { type GuestAddress, highHalf, lowHalf } from "../../../mmu/address.ts";
import { STATE_BYTE } from "../../../mmu/layout.ts";
import { BUDGET, JUMP_SOURCE, RIP } from "../../ir/state.ts";
import { STATUS_GO_COMPUTED, STATUS_GO_PREEMPTIBLE, STATUS_STOP } from "../../unit.ts";
import type { Body } from "./body.ts";
import { loadTags } from "./emitters-memory.ts";
import { NO_RESULT, OP, TYPE_I32, TYPE_I64, type WasmType } from "./bytes.ts";
import { type LocalPlaces, NO_VARIABLES, type VariableSet } from "./places.ts";

/** Parameter of the function: what to enter at. A region that calls has one entry, and gets its depth instead. */
export const LABEL = 0;
/** Locals, when state is in locals. */
export const STATUS = 1;
const BUDGET_LOCAL = 2;
/** Place of the tag entries of the running space. */
const TAGS_LOCAL = 3;
/** Where a computed jump goes. */
export const TARGET = 4;
/** Guest calls that are host calls at this moment. */
export const DEPTH = 5;
export const OWN_LOCALS: readonly WasmType[] = [TYPE_I32, TYPE_I32, TYPE_I32, TYPE_I64, TYPE_I32];

/** Ends that ways out can share; one that fits none of them writes back where it is. */
const MAX_ENDS = 8;

interface End {
  readonly depth: number;
  /** What it writes back, and what all who come here hold. */
  writes: VariableSet;
  held: VariableSet;
}

export class RegionExits {
  readonly body: Body;
  /** Undefined when state is in place. */
  readonly locals: LocalPlaces | undefined;
  readonly #ends: End[] = [];
  #openEnds: number[] = [];

  constructor(body: Body, locals: LocalPlaces | undefined) {
    this.body = body;
    this.locals = locals;
  }

  /** Reads what of the state is needed, where it is kept in locals. */
  load(which: VariableSet): void {
    const { body, locals } = this;
    if (locals === undefined) return;
    locals.load(body, which);
    this.loadBudget();
    loadTags(body);
    body.localSet(TAGS_LOCAL);
  }

  /** Opens what ways out leave. */
  open(): void {
    if (this.locals === undefined) return;
    for (let k = 0; k < MAX_ENDS; k++) {
      this.body.block(OP.block, NO_RESULT);
      this.#openEnds.push(this.body.depth);
    }
  }

  /** The ends of the function, behind code that never gets there by itself. */
  close(): void {
    const { body } = this;
    if (this.locals === undefined) {
      body.const32(STATUS_STOP);
      return;
    }
    const ends = new Map(this.#ends.map((end) => [end.depth, end]));
    for (let k = 0; k < MAX_ENDS; k++) {
      const end = ends.get(body.depth);
      body.op(OP.unreachable);
      body.end();
      if (end !== undefined) this.#writeBack(end.writes);
    }
    body.op(OP.unreachable);
  }

  #writeBack(which: VariableSet): void {
    const { body } = this;
    this.locals?.spill(body, which);
    this.storeBudget();
    body.localGet(STATUS);
    body.op(OP.return);
  }

  /** The end for who leaves with these variables dirty, and these held. */
  #endFor(dirty: VariableSet, held: VariableSet): End | undefined {
    for (const end of this.#ends) {
      const writes = end.writes | dirty;
      const both = end.held & held;
      if ((writes & ~both) !== NO_VARIABLES) continue;
      end.writes = writes;
      end.held = both;
      return end;
    }
    const depth = this.#openEnds.pop();
    if (depth === undefined) return undefined;
    const end = { depth, writes: dirty, held };
    this.#ends.push(end);
    return end;
  }

  leaveAt(target: GuestAddress, status: number): void {
    this.storeRip(target);
    this.leaveWith(status);
  }

  /** Leaves by the computed jump of a block; RIP is stored. */
  leaveComputed(source: GuestAddress): void {
    this.#storeAddress(JUMP_SOURCE, source);
    this.leaveWith(STATUS_GO_COMPUTED);
  }

  leaveWith(status: number): void {
    const { body } = this;
    body.const32(status);
    if (this.locals === undefined) {
      body.op(OP.return);
      return;
    }
    body.localSet(STATUS);
    const { dirty, held } = this.locals;
    const end = this.#endFor(dirty, held);
    if (end === undefined) this.#writeBack(dirty);
    else body.branchTo(end.depth);
  }

  /** Leaves at a preemption point when the budget is used up. `storeRip` says where the guest goes on. */
  leaveWhenSpent(storeRip: () => void): void {
    const { body } = this;
    this.pushBudget();
    body.const32(0);
    body.op(OP.i32LeS);
    body.ifUnlikely();
    storeRip();
    this.leaveWith(STATUS_GO_PREEMPTIBLE);
    body.end();
  }

  storeRip(target: GuestAddress): void {
    this.#storeAddress(RIP, target);
  }

  /** RIP becomes what `value` pushes. */
  storeRipOf(value: () => void): void {
    this.body.const32(0);
    value();
    this.body.memory(OP.i64Store, STATE_BYTE + RIP);
  }

  #storeAddress(offset: number, address: GuestAddress): void {
    const { body } = this;
    body.const32(0);
    body.const64(lowHalf(address), highHalf(address));
    body.memory(OP.i64Store, STATE_BYTE + offset);
  }

  // The budget.

  pushBudget(): void {
    const { body } = this;
    if (this.locals !== undefined) {
      body.localGet(BUDGET_LOCAL);
      return;
    }
    body.const32(0);
    body.memory(OP.i32Load, STATE_BYTE + BUDGET);
  }

  storeBudget(): void {
    const { body } = this;
    body.const32(0);
    body.localGet(BUDGET_LOCAL);
    body.memory(OP.i32Store, STATE_BYTE + BUDGET);
  }

  loadBudget(): void {
    const { body } = this;
    body.const32(0);
    body.memory(OP.i32Load, STATE_BYTE + BUDGET);
    body.localSet(BUDGET_LOCAL);
  }

  spend(instructions: number): void {
    const { body } = this;
    if (this.locals === undefined) body.const32(0);
    this.pushBudget();
    body.const32(instructions);
    body.op(OP.i32Sub);
    if (this.locals === undefined) body.memory(OP.i32Store, STATE_BYTE + BUDGET);
    else body.localSet(BUDGET_LOCAL);
  }

  /** Pushes the place of the tag entries of the running space. */
  pushTags(): void {
    if (this.locals === undefined) loadTags(this.body);
    else this.body.localGet(TAGS_LOCAL);
  }
}
