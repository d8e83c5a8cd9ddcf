/**
 * Guest calls of a region as host calls. RIP is stored before; a callee that comes back to the address behind the
 * call has done nothing else, and then the region goes on with the state as it is in the state block.
 */

import { type GuestAddress, highHalf, lowHalf } from "../../../mmu/address.ts";
import { CALL_CACHE_BYTE, CALL_CACHE_ENTRIES, STATE_BYTE } from "../../../mmu/layout.ts";
import { BUDGET, CALL_DEPTH, RIP } from "../../ir/state.ts";
import { STATUS_GO_PREEMPTIBLE, STATUS_RETURNED, STATUS_STOP } from "../../unit.ts";
import { OP, TYPE_I32 } from "./bytes.ts";
import { UNIT_TYPE } from "./imports.ts";
import type { VariableSet } from "./places.ts";
import { type RegionExits, STATUS } from "./region-exits.ts";

/** Where called functions are found: see `call-table.ts`. */
export interface CallSites {
  /** Place in the table of the function for a guest address. */
  slotOf(target: GuestAddress): number;
}

/** Guest calls that are host calls at most; deeper ones go through the engine. */
const MAX_CALL_DEPTH = 100;
const CALL_CACHE_SHIFT = 4;

/** Where a call comes back to: the address, and what has to be in locals there. */
export interface BehindCall {
  readonly address: GuestAddress;
  readonly live: VariableSet;
}

/** Emits calls up to where the region goes on behind them. */
export class RegionCalls {
  readonly #exits: RegionExits;
  readonly #sites: CallSites | undefined;

  constructor(exits: RegionExits, sites: CallSites | undefined) {
    this.#exits = exits;
    this.#sites = sites;
  }

  direct(target: GuestAddress, behind: BehindCall): void {
    this.#exits.storeRip(target);
    const slot = this.#sites?.slotOf(target) ?? 0;
    this.#call(behind, () => this.#exits.body.const32(slot));
  }

  /** The slot of a target in RIP stands in the call cache, or the call goes to slot 0, which does nothing. */
  computed(behind: BehindCall): void {
    this.#call(behind, () => {
      const { body } = this.#exits;
      const entry = body.newLocal(TYPE_I32);
      // entry = CALL_CACHE + (rip & mask) * 16
      body.const32(0);
      body.memory(OP.i32Load, STATE_BYTE + RIP);
      body.const32(CALL_CACHE_ENTRIES - 1);
      body.op(OP.i32And);
      body.const32(CALL_CACHE_SHIFT);
      body.op(OP.i32Shl);
      body.localTee(entry);
      body.memory(OP.i32Load, CALL_CACHE_BYTE + 8);
      body.const32(0);
      body.localGet(entry);
      body.memory(OP.i64Load, CALL_CACHE_BYTE);
      body.const32(0);
      body.memory(OP.i64Load, STATE_BYTE + RIP);
      body.op(OP.i64Eq);
      body.op(OP.select);
    });
  }

  #call({ address, live }: BehindCall, pushSlot: () => void): void {
    const exits = this.#exits;
    const { body } = exits;
    exits.pushBudget();
    body.const32(0);
    body.op(OP.i32LeS);
    this.#pushDepth();
    body.const32(MAX_CALL_DEPTH);
    body.op(OP.i32GeS);
    body.op(OP.i32Or);
    body.ifUnlikely();
    exits.leaveWith(STATUS_GO_PREEMPTIBLE);
    body.end();
    const { locals } = exits;
    locals?.spill(body, locals.dirty);
    exits.storeBudget();
    this.#addDepth(1);
    body.const32(0);
    pushSlot();
    body.op(OP.callIndirect);
    body.out.unsigned(UNIT_TYPE);
    body.out.byte(0);
    body.localSet(STATUS);
    this.#resumeUnlessBack(address);
    this.#addDepth(-1);
    exits.load(live);
  }

  /** Goes on behind the call when the callee came back; otherwise the engine runs until it does, or leaves. */
  #resumeUnlessBack(returnTo: GuestAddress): void {
    const { body } = this.#exits;
    body.localGet(STATUS);
    body.const32(STATUS_STOP);
    body.op(OP.i32And);
    body.const32(0);
    body.memory(OP.i64Load, STATE_BYTE + RIP);
    body.const64(lowHalf(returnTo), highHalf(returnTo));
    body.op(OP.i64Ne);
    body.op(OP.i32Or);
    body.const32(0);
    body.memory(OP.i32Load, STATE_BYTE + BUDGET);
    body.const32(0);
    body.op(OP.i32LeS);
    body.op(OP.i32Or);
    body.ifUnlikely();
    body.localGet(STATUS);
    body.const32(lowHalf(returnTo));
    body.const32(highHalf(returnTo));
    body.call("resume");
    body.localTee(STATUS);
    body.const32(STATUS_RETURNED);
    body.op(OP.i32Ne);
    body.ifUnlikely();
    this.#addDepth(-1);
    // The state block is up to date: nothing to write back.
    body.localGet(STATUS);
    body.op(OP.return);
    body.end();
    body.end();
  }

  #pushDepth(): void {
    const { body } = this.#exits;
    body.const32(0);
    body.memory(OP.i32Load, STATE_BYTE + CALL_DEPTH);
  }

  #addDepth(by: number): void {
    const { body } = this.#exits;
    body.const32(0);
    this.#pushDepth();
    body.const32(by);
    body.op(OP.i32Add);
    body.memory(OP.i32Store, STATE_BYTE + CALL_DEPTH);
  }
}
