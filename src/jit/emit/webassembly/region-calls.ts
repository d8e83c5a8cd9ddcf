/**
 * Guest calls of a region as host calls. RIP is stored before; a callee that comes back to the address behind the
 * call has done nothing else, and then the region goes on with the state as it is in the state block.
 *
 * A region that calls its own entry needs no slot: as long as it runs, it may run.
 */

import { type GuestAddress, highHalf, lowHalf } from "../../../mmu/address.ts";
import { CALL_CACHE_BYTE, CALL_CACHE_ENTRIES, STATE_BYTE } from "../../../mmu/layout.ts";
import { BUDGET, CALL_DEPTH, RIP } from "../../ir/state.ts";
import { STATUS_GO_PREEMPTIBLE, STATUS_RETURNED, STATUS_STOP } from "../../unit.ts";
import { OP, TYPE_I32 } from "./bytes.ts";
import { PADDED_BYTES, SELF, UNIT_TYPE } from "./imports.ts";
import type { VariableSet } from "./places.ts";
import { DEPTH, LABEL, type RegionExits, STATUS } from "./region-exits.ts";

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
  readonly #entry: GuestAddress | undefined;

  /** `entry` is the address of the region's only entry. */
  constructor(exits: RegionExits, sites: CallSites | undefined, entry: GuestAddress | undefined) {
    this.#exits = exits;
    this.#sites = sites;
    this.#entry = entry;
  }

  /** To be emitted at the begin of a region with calls. */
  begin(): void {
    const { body } = this.#exits;
    body.localGet(LABEL);
    body.localSet(DEPTH);
    body.const32(0);
    body.localSet(LABEL);
  }

  direct(target: GuestAddress, behind: BehindCall): void {
    this.#exits.storeRip(target);
    if (target === this.#entry) return this.#call(behind, () => this.#callSelf());
    const slot = this.#sites?.slotOf(target) ?? 0;
    this.#call(behind, () => {
      this.#exits.body.const32(slot);
      this.#callSlot();
    });
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
      this.#callSlot();
    });
  }

  #callSlot(): void {
    const { body } = this.#exits;
    body.op(OP.callIndirect);
    body.out.unsigned(UNIT_TYPE);
    body.out.byte(0);
  }

  #callSelf(): void {
    const { body } = this.#exits;
    body.op(OP.call);
    body.relocations.push({ at: body.out.length, name: SELF });
    for (let k = 0; k < PADDED_BYTES; k++) body.out.byte(0);
  }

  #call({ address, live }: BehindCall, invoke: () => void): void {
    const exits = this.#exits;
    const { body } = exits;
    exits.pushBudget();
    body.const32(0);
    body.op(OP.i32LeS);
    body.localGet(DEPTH);
    body.const32(MAX_CALL_DEPTH);
    body.op(OP.i32GeS);
    body.op(OP.i32Or);
    body.ifUnlikely();
    exits.leaveWith(STATUS_GO_PREEMPTIBLE);
    body.end();
    const { locals } = exits;
    locals?.spill(body, locals.dirty);
    exits.storeBudget();
    this.#pushCalleesDepth();
    invoke();
    body.localSet(STATUS);
    this.#resumeUnlessBack(address);
    exits.load(live);
    body.mode.forget(body);
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
    body.const32(0);
    this.#pushCalleesDepth();
    body.memory(OP.i32Store, STATE_BYTE + CALL_DEPTH);
    body.localGet(STATUS);
    body.const32(lowHalf(returnTo));
    body.const32(highHalf(returnTo));
    body.call("resume");
    body.localTee(STATUS);
    body.const32(STATUS_RETURNED);
    body.op(OP.i32Ne);
    body.ifUnlikely();
    // The state block is up to date: nothing to write back.
    body.localGet(STATUS);
    body.op(OP.return);
    body.end();
    body.end();
  }

  #pushCalleesDepth(): void {
    const { body } = this.#exits;
    body.localGet(DEPTH);
    body.const32(1);
    body.op(OP.i32Add);
  }
}
