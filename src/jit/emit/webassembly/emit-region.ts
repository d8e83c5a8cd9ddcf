/**
 * A region becomes one function, (label) -> status.
 *
 *     block $out
 *       loop $again                       only when there is a switch
 *         block $b2 block $b1 block $b0
 *           br_table label $b0 $b1 $b2    entries, and jumps that loops and forward jumps cannot express
 *         end  ...code of b0...           forward jumps leave blocks, `structure.ts` has the order
 *         end  ...code of b1...
 *         end  loop ...code of b2... end
 *       end
 *     end
 *     write back, return status           with state in locals
 *
 * With state in place there is nothing to write back and exits return at once. The state writes of a guest
 * instruction stand behind its last memory operation, so wherever a helper refuses, the state is that of the
 * instruction's start.
 *
 * The budget loses a block's instructions at its end. It is looked at on jumps that go backwards in guest memory,
 * and by the engine whenever a function returns.
 */

import { type GuestAddress, fromHalves, highHalf, lowHalf } from "../../../mmu/address.ts";
import { CALL_CACHE_BYTE, CALL_CACHE_ENTRIES, STATE_BYTE } from "../../../mmu/layout.ts";
import type { IrBlock, IrExit } from "../../ir/block.ts";
import { blockIndices, isBackward, type Region, successorsIn } from "../../ir/region.ts";
import { BUDGET, CALL_DEPTH, RIP, TABLE_WORD } from "../../ir/state.ts";
import {
  STATUS_GO,
  STATUS_GO_PREEMPTIBLE,
  STATUS_RETURNED,
  STATUS_STOP,
  STATUS_SYSCALL,
} from "../../unit.ts";
import { type Item, leader, type Structure, structureOf } from "../structure.ts";
import { Body, type Frame } from "./body.ts";
import { NO_RESULT, OP, TYPE_I32, type WasmType } from "./bytes.ts";
import { functionCode } from "./function-code.ts";
import { type FunctionCode, UNIT_TYPE } from "./imports.ts";
import { IN_PLACE, LocalPlaces } from "./places.ts";

/** Where called functions are found: see `call-table.ts`. */
export interface CallSites {
  /** Place in the table of the function for a guest address. */
  slotOf(target: GuestAddress): number;
}

export interface RegionInput {
  readonly region: Region;
  /** Needed when the region's calls return. */
  readonly calls: CallSites | undefined;
  /** State stays in the state block: for code that may never run again. */
  readonly inPlace: boolean;
  /** Keeps the name of an instruction that is not implemented, and gives its number, above 0, for `exitFault`. */
  readonly unsupported: (name: string) => number;
}

export type FaultExit = Extract<IrExit, { readonly kind: "fault" }>;

/** The function's body, with its locals. */
export function emitRegion(input: RegionInput): FunctionCode {
  return new RegionEmission(input).emit();
}

const LABEL = 0;
/** Guest calls that are host calls at most; deeper ones go through the engine. */
const MAX_CALL_DEPTH = 100;
const CALL_CACHE_SHIFT = 4;

class RegionEmission implements Frame {
  readonly #input: RegionInput;
  readonly #structure: Structure;
  readonly #indices: ReadonlyMap<number, number>;
  readonly #locals: LocalPlaces | undefined;
  /** Locals, when state is in locals: status, budget, flat table. */
  readonly #status = 1;
  readonly #budget = 2;
  readonly #table = 3;
  readonly #body: Body;
  /** Depth of the construct to branch to: forward, by the block behind its end; backward, by the loop's header. */
  readonly #forward = new Map<number, number>();
  readonly #open = new Map<number, number>();
  #outDepth = 0;
  #againDepth = 0;
  #block: IrBlock;

  constructor(input: RegionInput) {
    const { region, inPlace } = input;
    this.#input = input;
    this.#block = region.blocks[0] as IrBlock;
    this.#structure = structureOf(successorsIn(region), region.entries);
    this.#indices = blockIndices(region.blocks);
    const firstState = inPlace ? 1 : 4;
    this.#locals = inPlace ? undefined : new LocalPlaces(region.blocks, firstState);
    this.#body = new Body({
      frame: this,
      places: this.#locals ?? IN_PLACE,
      firstLocal: firstState + (this.#locals?.types.length ?? 0),
      compact: inPlace,
    });
  }

  emit(): FunctionCode {
    const body = this.#body;
    this.#load();
    body.block(OP.block, NO_RESULT);
    this.#outDepth = body.depth;
    const { items, entries } = this.#structure;
    const switched = entries.length > 1;
    if (switched) {
      body.block(OP.loop, NO_RESULT);
      this.#againDepth = body.depth;
    }
    this.#sequence(items, switched ? entries : undefined);
    if (switched) body.end();
    body.op(OP.unreachable);
    body.end();
    this.#epilogue();
    body.op(OP.end);
    return this.#withLocals();
  }

  /** Reads the state, where it is kept in locals. */
  #load(): void {
    const body = this.#body;
    if (this.#locals === undefined) return;
    this.#locals.load(body);
    for (const [local, offset] of [
      [this.#budget, BUDGET],
      [this.#table, TABLE_WORD],
    ] as const) {
      body.const32(0);
      body.memory(OP.i32Load, STATE_BYTE + offset);
      body.localSet(local);
    }
  }

  #epilogue(): void {
    const body = this.#body;
    if (this.#locals === undefined) {
      body.const32(STATUS_STOP);
      return;
    }
    this.#locals.spill(body);
    this.#storeBudget();
    body.localGet(this.#status);
  }

  #withLocals(): FunctionCode {
    const { out, localTypes, relocations } = this.#body;
    const own: WasmType[] = this.#locals === undefined ? [] : [TYPE_I32, TYPE_I32, TYPE_I32];
    const locals = [...own, ...(this.#locals?.types ?? []), ...localTypes];
    return functionCode({ locals, out, relocations });
  }

  // Control flow.

  /** Items one behind the other, each behind the end of the construct that jumps to it leave. */
  #sequence(items: readonly Item[], entries: readonly number[] | undefined): void {
    const body = this.#body;
    const first = entries === undefined ? 1 : 0;
    for (let k = items.length - 1; k >= first; k--) {
      body.block(OP.block, NO_RESULT);
      this.#forward.set(leader(items[k] as Item), body.depth);
    }
    if (entries !== undefined) this.#switch(entries);
    for (const [k, item] of items.entries()) {
      if (k >= first) {
        this.#forward.delete(leader(item));
        body.end();
      }
      if (typeof item === "number") this.#emitBlock(item);
      else this.#loop(item.header, item.body);
    }
  }

  #loop(header: number, items: readonly Item[]): void {
    const body = this.#body;
    body.block(OP.loop, NO_RESULT);
    this.#open.set(header, body.depth);
    this.#sequence(items, undefined);
    this.#open.delete(header);
    body.end();
    body.op(OP.unreachable);
  }

  #switch(entries: readonly number[]): void {
    const body = this.#body;
    body.localGet(LABEL);
    body.op(OP.brTable);
    body.out.unsigned(entries.length - 1);
    for (const entry of entries) body.out.unsigned(body.depth - (this.#forward.get(entry) as number));
  }

  #emitBlock(index: number): void {
    const body = this.#body;
    const block = this.#input.region.blocks[index] as IrBlock;
    this.#block = block;
    body.begin(block);
    const { instructions, code } = block;
    for (let k = 0; k < instructions.length; k++) {
      const { address, start } = instructions[k] as IrBlock["instructions"][number];
      body.address = address;
      body.completed = k;
      const end = instructions[k + 1]?.start ?? code.length;
      for (let i = start; i < end; i++) body.emit(i);
    }
    this.#exit(index, block.exit);
  }

  #exit(from: number, exit: IrExit): void {
    const body = this.#body;
    const count = this.#block.instructions.length;
    switch (exit.kind) {
      case "jump": {
        this.#spend(count);
        if (this.#returns(exit)) return this.#callDirect(from, exit.target, exit.returnTo);
        const leaves = exit.transfer === "call" || exit.transfer === "return";
        if (leaves) this.#leaveAt(exit.target, STATUS_GO_PREEMPTIBLE);
        else this.#go(from, exit.target);
        return;
      }
      case "branch":
        this.#spend(count);
        body.value(exit.condition);
        body.block(OP.if, NO_RESULT);
        this.#go(from, exit.taken);
        body.end();
        return this.#go(from, exit.notTaken);
      case "indirect":
        this.#spend(count);
        body.const32(0);
        body.value(exit.target);
        body.memory(OP.i64Store, STATE_BYTE + RIP);
        if (this.#returns(exit)) return this.#callComputed(from, exit.returnTo);
        return this.#leaveWith(STATUS_GO_PREEMPTIBLE);
      case "syscall":
        this.#spend(count);
        return this.#leaveAt(exit.next, STATUS_SYSCALL);
      case "fault":
        return this.#fault(exit);
    }
  }

  /** The last instruction always faults, or traps. */
  #fault({ vector, errorCode, rip, unsupported }: FaultExit): void {
    const body = this.#body;
    const { instructions } = this.#block;
    // A fault names the instruction itself, which then has not completed.
    const faults = instructions.at(-1)?.address === rip;
    body.const32(vector);
    body.const32(errorCode);
    body.const32(lowHalf(rip));
    body.const32(highHalf(rip));
    body.const32(faults ? instructions.length - 1 : instructions.length);
    body.const32(unsupported === undefined ? 0 : this.#input.unsupported(unsupported));
    body.call("exitFault");
    this.#leaveWith(STATUS_STOP);
  }

  /** Goes on at a known address, inside where that is possible. */
  #go(from: number, target: GuestAddress): void {
    const body = this.#body;
    const to = this.#indices.get(target);
    const backward = isBackward(this.#block, target);
    if (to === undefined) {
      this.#leaveAt(target, backward ? STATUS_GO_PREEMPTIBLE : STATUS_GO);
      return;
    }
    if (backward) {
      this.#pushBudget();
      body.const32(0);
      body.op(OP.i32LeS);
      body.block(OP.if, NO_RESULT);
      this.#leaveAt(target, STATUS_GO_PREEMPTIBLE);
      body.end();
    }
    this.#branch(from, to);
  }

  #branch(from: number, to: number): void {
    const body = this.#body;
    const { entries } = this.#structure;
    if (this.#structure.dispatches(from, to)) {
      body.const32(entries.indexOf(to));
      body.localSet(LABEL);
      body.branchTo(this.#againDepth);
      return;
    }
    body.branchTo((this.#open.get(to) ?? this.#forward.get(to)) as number);
  }

  // Calls. RIP is stored before; a callee that comes back to the address behind the call has done nothing else, and
  // then the region goes on with the state as it is in the state block.

  #returns<E extends IrExit>(exit: E): exit is E & { readonly returnTo: GuestAddress } {
    return (
      this.#input.region.returns &&
      "returnTo" in exit &&
      exit.returnTo !== undefined &&
      this.#indices.has(exit.returnTo)
    );
  }

  #callDirect(from: number, target: GuestAddress, returnTo: GuestAddress): void {
    this.#storeRip(target);
    const slot = this.#input.calls?.slotOf(target) ?? 0;
    this.#call(from, returnTo, () => this.#body.const32(slot));
  }

  /** The slot of a computed target stands in the call cache, or the call goes to slot 0, which does nothing. */
  #callComputed(from: number, returnTo: GuestAddress): void {
    this.#call(from, returnTo, () => {
      const body = this.#body;
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

  #call(from: number, returnTo: GuestAddress, pushSlot: () => void): void {
    const body = this.#body;
    this.#pushBudget();
    body.const32(0);
    body.op(OP.i32LeS);
    this.#pushDepth();
    body.const32(MAX_CALL_DEPTH);
    body.op(OP.i32GeS);
    body.op(OP.i32Or);
    body.block(OP.if, NO_RESULT);
    this.#leaveWith(STATUS_GO_PREEMPTIBLE);
    body.end();
    this.#locals?.spill(body);
    this.#storeBudget();
    this.#addDepth(1);
    body.const32(0);
    pushSlot();
    body.op(OP.callIndirect);
    body.out.unsigned(UNIT_TYPE);
    body.out.byte(0);
    body.localSet(this.#status);
    this.#resumeUnlessBack(returnTo);
    this.#addDepth(-1);
    this.#load();
    body.mode.forget(body);
    this.#branch(from, this.#indices.get(returnTo) as number);
  }

  /** Goes on behind the call when the callee came back; otherwise the engine runs until it does, or leaves. */
  #resumeUnlessBack(returnTo: GuestAddress): void {
    const body = this.#body;
    body.localGet(this.#status);
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
    body.block(OP.if, NO_RESULT);
    body.localGet(this.#status);
    body.const32(lowHalf(returnTo));
    body.const32(highHalf(returnTo));
    body.call("resume");
    body.localTee(this.#status);
    body.const32(STATUS_RETURNED);
    body.op(OP.i32Ne);
    body.block(OP.if, NO_RESULT);
    this.#addDepth(-1);
    // The state block is up to date: nothing to write back.
    body.localGet(this.#status);
    body.op(OP.return);
    body.end();
    body.end();
  }

  #pushDepth(): void {
    this.#body.const32(0);
    this.#body.memory(OP.i32Load, STATE_BYTE + CALL_DEPTH);
  }

  #addDepth(by: number): void {
    const body = this.#body;
    body.const32(0);
    this.#pushDepth();
    body.const32(by);
    body.op(OP.i32Add);
    body.memory(OP.i32Store, STATE_BYTE + CALL_DEPTH);
  }

  #leaveAt(target: GuestAddress, status: number): void {
    this.#storeRip(target);
    this.#leaveWith(status);
  }

  #storeRip(target: GuestAddress): void {
    const body = this.#body;
    body.const32(0);
    body.const64(lowHalf(target), highHalf(target));
    body.memory(OP.i64Store, STATE_BYTE + RIP);
  }

  #leaveWith(status: number): void {
    const body = this.#body;
    body.const32(status);
    if (this.#locals === undefined) body.op(OP.return);
    else {
      body.localSet(this.#status);
      body.branchTo(this.#outDepth);
    }
  }

  // The budget.

  #pushBudget(): void {
    const body = this.#body;
    if (this.#locals !== undefined) {
      body.localGet(this.#budget);
      return;
    }
    body.const32(0);
    body.memory(OP.i32Load, STATE_BYTE + BUDGET);
  }

  #storeBudget(): void {
    const body = this.#body;
    body.const32(0);
    body.localGet(this.#budget);
    body.memory(OP.i32Store, STATE_BYTE + BUDGET);
  }

  #spend(instructions: number): void {
    const body = this.#body;
    if (this.#locals === undefined) body.const32(0);
    this.#pushBudget();
    body.const32(instructions);
    body.op(OP.i32Sub);
    if (this.#locals === undefined) body.memory(OP.i32Store, STATE_BYTE + BUDGET);
    else body.localSet(this.#budget);
  }

  // `Frame`.

  pushTable(body: Body): void {
    if (this.#locals !== undefined) {
      body.localGet(this.#table);
      return;
    }
    body.const32(0);
    body.memory(OP.i32Load, STATE_BYTE + TABLE_WORD);
  }

  leave(): void {
    this.#leaveWith(STATUS_STOP);
  }

  leaveTo(body: Body, lo: number, hi: number): void {
    const target = fromHalves(lo, hi);
    this.#spend(body.completed + 1);
    const to = this.#indices.get(target);
    if (to === undefined) this.#leaveAt(target, STATUS_GO);
    else this.#branch(this.#indices.get(this.#block.address) as number, to);
  }

  beforeClock(): void {
    if (this.#locals !== undefined) this.#storeBudget();
  }

  afterClock(body: Body): void {
    if (this.#locals === undefined) return;
    body.const32(0);
    body.memory(OP.i32Load, STATE_BYTE + BUDGET);
    body.localSet(this.#budget);
  }
}
