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
 *     write back, return status           with state in locals, see `region-exits.ts`
 *
 * With state in place there is nothing to write back and exits return at once. The state writes of a guest
 * instruction stand behind its last memory operation, so wherever a helper refuses, the state is that of the
 * instruction's start.
 *
 * The budget loses a block's instructions at its end. It is looked at on jumps that go backwards in guest memory,
 * on computed jumps, and by the engine whenever a function returns.
 *
 * `region-exits.ts` has the ways out, `region-calls.ts` guest calls, `region-jumps.ts` computed jumps.
 */

import { type GuestAddress, fromHalves, highHalf, lowHalf } from "../../../mmu/address.ts";
import type { IrBlock, IrExit } from "../../ir/block.ts";
import { blockIndices, isBackward, jumpsComputed, type Region } from "../../ir/region.ts";
import { STATUS_GO, STATUS_GO_PREEMPTIBLE, STATUS_STOP, STATUS_SYSCALL } from "../../unit.ts";
import { type Item, leader, type Structure, structureOf } from "../structure.ts";
import { Body, type Frame } from "./body.ts";
import { NO_RESULT, OP } from "./bytes.ts";
import { type RegionGraph, regionGraph } from "./computed-jumps.ts";
import { functionCode } from "./function-code.ts";
import type { FunctionCode } from "./imports.ts";
import { IN_PLACE, LocalPlaces, NO_VARIABLES, type VariableSet } from "./places.ts";
import { type BehindCall, type CallSites, RegionCalls } from "./region-calls.ts";
import { LABEL, OWN_LOCALS, RegionExits, TARGET } from "./region-exits.ts";
import { emitDispatch } from "./region-jumps.ts";
import { type FlowInput, type StateFlow, stateFlow, wholeFlow } from "./state-flow.ts";

export interface RegionInput {
  readonly region: Region;
  /** Needed when the region's calls return. */
  readonly calls: CallSites | undefined;
  /** State stays in the state block: for code that may never run again. */
  readonly inPlace: boolean;
  /** Accesses of a block that lie close together look into the TLB once (`access-groups.ts`). */
  readonly accessGrouping: boolean;
  /** State in locals is read and written back only where that is needed; otherwise all of it, everywhere. */
  readonly stateFlow: boolean;
  /** Keeps the name of an instruction that is not implemented, and gives its number, above 0, for `exitFault`. */
  readonly unsupported: (name: string) => number;
}

type FaultExit = Extract<IrExit, { readonly kind: "fault" }>;
type IndirectExit = Extract<IrExit, { readonly kind: "indirect" }>;

/** The function's body, with its locals. */
export function emitRegion(input: RegionInput): FunctionCode {
  return new RegionEmission(input).emit();
}

class RegionEmission implements Frame {
  readonly #input: RegionInput;
  readonly #graph: RegionGraph;
  readonly #structure: Structure;
  readonly #indices: ReadonlyMap<number, number>;
  /** Undefined when state is in place. */
  readonly #flow: StateFlow | undefined;
  readonly #body: Body;
  readonly #exits: RegionExits;
  readonly #calls: RegionCalls;
  /** Depth of the construct to branch to: forward, by the block behind its end; backward, by the loop's header. */
  readonly #forward = new Map<number, number>();
  readonly #open = new Map<number, number>();
  #againDepth = 0;
  #block: IrBlock;

  constructor(input: RegionInput) {
    const { region, inPlace } = input;
    this.#input = input;
    this.#block = region.blocks[0] as IrBlock;
    this.#graph = regionGraph(region);
    this.#structure = structureOf(this.#graph.successors, region.entries);
    this.#indices = blockIndices(region.blocks);
    const firstState = inPlace ? 1 : 1 + OWN_LOCALS.length;
    const locals = inPlace ? undefined : new LocalPlaces(region.blocks, firstState);
    this.#flow = locals === undefined ? undefined : this.#flowOf(locals);
    this.#body = new Body({
      frame: this,
      places: locals ?? IN_PLACE,
      firstLocal: firstState + (locals?.types.length ?? 0),
      compact: inPlace,
      grouping: !inPlace && input.accessGrouping,
    });
    this.#exits = new RegionExits(this.#body, locals);
    const [entry, ...others] = region.entries;
    const only = others.length === 0 ? region.blocks[entry ?? 0]?.address : undefined;
    this.#calls = new RegionCalls(this.#exits, input.calls, only);
  }

  #flowOf(locals: LocalPlaces): StateFlow {
    const { region, stateFlow: wanted } = this.#input;
    const input: FlowInput = {
      blocks: region.blocks,
      successors: this.#graph.successors,
      accessesOf: (block) => locals.accessesOf(block),
      calls: (index) => this.#returns((region.blocks[index] as IrBlock).exit),
    };
    return wanted ? stateFlow(input) : wholeFlow(input, locals.all);
  }

  emit(): FunctionCode {
    const body = this.#body;
    const { entries: wanted } = this.#input.region;
    this.#exits.load(wanted.reduce((set, entry) => set | this.#liveAt(entry), NO_VARIABLES));
    if (this.#input.region.returns) this.#calls.begin();
    this.#exits.open();
    const { items, entries } = this.#structure;
    const switched = entries.length > 1;
    if (switched) {
      body.block(OP.loop, NO_RESULT);
      this.#againDepth = body.depth;
    }
    this.#sequence(items, switched ? entries : undefined);
    if (switched) body.end();
    this.#exits.close();
    body.op(OP.end);
    return this.#withLocals();
  }

  #withLocals(): FunctionCode {
    const { out, localTypes, relocations, hints } = this.#body;
    const { locals: state } = this.#exits;
    const locals = [...(state === undefined ? [] : [...OWN_LOCALS, ...state.types]), ...localTypes];
    return functionCode({ locals, out, relocations, hints });
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
      if (typeof item === "number") this.#emitNode(item);
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

  #emitNode(node: number): void {
    const { locals } = this.#exits;
    if (locals !== undefined) {
      locals.dirty = this.#flow?.dirty[node] ?? NO_VARIABLES;
      locals.held = this.#liveAt(node);
    }
    const dispatch = this.#graph.shared.get(node);
    if (dispatch === undefined) this.#emitBlock(node);
    else emitDispatch(this.#exits, this.#input.region.blocks, dispatch, (to) => this.#branch(node, to));
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
    const exits = this.#exits;
    if (exit.kind === "fault") return this.#fault(exit);
    exits.spend(this.#block.instructions.length);
    switch (exit.kind) {
      case "jump": {
        if (this.#returns(exit)) {
          this.#calls.direct(exit.target, this.#behind(exit.returnTo));
          return this.#goBehind(from, exit.returnTo);
        }
        const leaves = exit.transfer === "call" || exit.transfer === "return";
        if (leaves) exits.leaveAt(exit.target, STATUS_GO_PREEMPTIBLE);
        else this.#go(from, exit.target);
        return;
      }
      case "branch":
        body.value(exit.condition);
        body.block(OP.if, NO_RESULT);
        this.#go(from, exit.taken);
        body.end();
        return this.#go(from, exit.notTaken);
      case "indirect":
        return this.#indirect(from, exit);
      case "syscall":
        return exits.leaveAt(exit.next, STATUS_SYSCALL);
    }
  }

  #indirect(from: number, exit: IndirectExit): void {
    const exits = this.#exits;
    const dispatch = this.#graph.dispatchOf.get(from);
    if (dispatch !== undefined) {
      this.#body.value(exit.target);
      this.#body.localSet(TARGET);
      exits.leaveWhenSpent(() => exits.storeRipOf(() => this.#body.localGet(TARGET)));
      if (dispatch.node !== from) return this.#branch(from, dispatch.node);
      return emitDispatch(exits, this.#input.region.blocks, dispatch, (to) => this.#branch(from, to));
    }
    exits.storeRipOf(() => this.#body.value(exit.target));
    if (this.#returns(exit)) {
      this.#calls.computed(this.#behind(exit.returnTo));
      return this.#goBehind(from, exit.returnTo);
    }
    if (jumpsComputed(this.#block)) exits.leaveComputed(this.#block.address);
    else exits.leaveWith(STATUS_GO_PREEMPTIBLE);
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
    this.#exits.leaveWith(STATUS_STOP);
  }

  /** Goes on at a known address, inside where that is possible. */
  #go(from: number, target: GuestAddress): void {
    const to = this.#indices.get(target);
    const backward = isBackward(this.#block, target);
    if (to === undefined) {
      this.#exits.leaveAt(target, backward ? STATUS_GO_PREEMPTIBLE : STATUS_GO);
      return;
    }
    if (backward) this.#exits.leaveWhenSpent(() => this.#exits.storeRip(target));
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

  /** Whether a call comes back into the region. */
  #returns<E extends IrExit>(exit: E): exit is E & { readonly returnTo: GuestAddress } {
    return (
      this.#input.region.returns &&
      "returnTo" in exit &&
      exit.returnTo !== undefined &&
      this.#indices.has(exit.returnTo)
    );
  }

  #behind(address: GuestAddress): BehindCall {
    return { address, live: this.#liveAt(this.#indices.get(address) as number) };
  }

  /** What has to be in locals at the begin of a node. */
  #liveAt(node: number): VariableSet {
    return this.#flow?.live[node] ?? NO_VARIABLES;
  }

  #goBehind(from: number, returnTo: GuestAddress): void {
    this.#branch(from, this.#indices.get(returnTo) as number);
  }

  // `Frame`.

  pushTags(): void {
    this.#exits.pushTags();
  }

  leave(): void {
    this.#exits.leaveWith(STATUS_STOP);
  }

  leaveTo(body: Body, lo: number, hi: number): void {
    const target = fromHalves(lo, hi);
    this.#exits.spend(body.completed + 1);
    const to = this.#indices.get(target);
    if (to === undefined) this.#exits.leaveAt(target, STATUS_GO);
    else this.#branch(this.#indices.get(this.#block.address) as number, to);
  }

  beforeClock(): void {
    if (this.#exits.locals !== undefined) this.#exits.storeBudget();
  }

  afterClock(): void {
    if (this.#exits.locals !== undefined) this.#exits.loadBudget();
  }
}
