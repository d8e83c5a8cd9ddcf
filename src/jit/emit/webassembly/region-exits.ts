/**
 * What the parts of a region's function share: the budget, RIP, and the ways out. With state in locals a way out
 * goes to the end of the function, which writes back; with state in place it returns at once.
 */

import { type GuestAddress, highHalf, lowHalf } from "../../../mmu/address.ts";
import { STATE_BYTE } from "../../../mmu/layout.ts";
import { BUDGET, JUMP_SOURCE, RIP } from "../../ir/state.ts";
import { STATUS_GO_COMPUTED, STATUS_GO_PREEMPTIBLE, STATUS_STOP } from "../../unit.ts";
import type { Body } from "./body.ts";
import { OP, TYPE_I32, TYPE_I64, type WasmType } from "./bytes.ts";
import { loadTags } from "./emitters-memory.ts";
import type { LocalPlaces } from "./places.ts";

/** Parameter of the function: what to enter at. */
export const LABEL = 0;
/** Locals, when state is in locals. */
export const STATUS = 1;
const BUDGET_LOCAL = 2;
/** Place of the tag entries of the running space. */
const TAGS_LOCAL = 3;
/** Where a computed jump goes. */
export const TARGET = 4;
export const OWN_LOCALS: readonly WasmType[] = [TYPE_I32, TYPE_I32, TYPE_I32, TYPE_I64];

export class RegionExits {
  readonly body: Body;
  /** Undefined when state is in place. */
  readonly locals: LocalPlaces | undefined;
  /** Depth of the construct behind which the function's end stands. */
  outDepth = 0;

  constructor(body: Body, locals: LocalPlaces | undefined) {
    this.body = body;
    this.locals = locals;
  }

  /** Reads the state, where it is kept in locals. */
  load(): void {
    const { body, locals } = this;
    if (locals === undefined) return;
    locals.load(body);
    this.loadBudget();
    loadTags(body);
    body.localSet(TAGS_LOCAL);
  }

  /** The end of the function. */
  epilogue(): void {
    const { body, locals } = this;
    if (locals === undefined) {
      body.const32(STATUS_STOP);
      return;
    }
    locals.spill(body);
    this.storeBudget();
    body.localGet(STATUS);
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
    if (this.locals === undefined) body.op(OP.return);
    else {
      body.localSet(STATUS);
      body.branchTo(this.outDepth);
    }
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
