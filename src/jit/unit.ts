/**
 * What emitted code, the runtime helpers it calls, and the engine agree on.
 *
 * A *cell* is the fixed place of one translated unit. Emitted code holds the cells of its same-page successors
 * and returns the one to run next; the engine's loop is `while (cell !== null) cell = cell.run()`. A cell that
 * is not translated yet has a `run` that translates first, so a link never needs patching in emitted code.
 *
 * A unit leaves in one of these ways:
 *   return a cell    same-page successor, nothing else to do
 *   return follow()  computed or other-page target: RIP is stored, the engine finds the cell
 *   return null      `Runtime.stop` says why; RIP is stored
 *   throw            a guest fault or a leave from inside an instruction. Before the throw passes the unit's
 *                    finally clause, it writes back the state of the instruction's start; the site is in
 *                    `Runtime.site`, and the engine takes RIP from the unit's site table.
 */

import type { GuestAddress } from "../mmu/address.ts";
import type { PageFault } from "../mmu/fault.ts";
import type { GuestInstruction, IrBlock } from "./ir/block.ts";

/** The place of one unit in the translation cache. */
export interface Cell {
  readonly address: GuestAddress;
  run: () => Cell | null;
}

/** Why a unit returned null. */
export type Stop =
  | "none"
  | "syscall"
  /** `Runtime.pendingFault` is set. */
  | "fault"
  /** The budget word is used up; `Runtime.preemptible` says whether this is a preemption point. */
  | "budget"
  /** `follow` could not produce a cell (fetch fault, stop address, invalidated). */
  | "engine"
  /** A store to translated code was met: the instruction at RIP has to run alone. */
  | "leave";

/**
 * What a function of the WebAssembly back end returns. RIP is stored unless it stopped.
 *   GO              goes on at RIP
 *   GO_PREEMPTIBLE  the same, and this is a preemption point
 *   GO_COMPUTED     the same again, by a computed jump: the block that made it stands in the state block
 *   STOP            `Runtime.stop` says why, or a helper refused: `Runtime.completed` instructions of its block
 *                   came before the one at RIP
 *   SYSCALL         SYSCALL was executed
 */
export const STATUS_GO = 0;
export const STATUS_STOP = 1;
export const STATUS_GO_PREEMPTIBLE = 2;
export const STATUS_SYSCALL = 3;
/** Only from the helper `resume`: the guest is back behind the call. */
export const STATUS_RETURNED = 4;
export const STATUS_GO_COMPUTED = 6;

/** A unit after compilation. */
export interface CompiledUnit {
  readonly run: () => Cell | null;
  /** The guest instructions of its block. */
  readonly instructions: readonly Pick<GuestInstruction, "address" | "length">[];
  /** A region: control may pass through it and never come to its cell's links. */
  readonly spansBlocks?: boolean;
  /** Length of what was emitted for it: characters of text, or bytes. */
  readonly sourceBytes: number;
}

/** A block in JavaScript. A site is the index of a guest instruction, so also how many are complete before it. */
export interface JavaScriptUnit extends CompiledUnit {
  readonly block: IrBlock;
  /** The text of its function. */
  readonly source: string;
}

/** What to compile: blocks after all passes, with the cells they belong to. */
export interface UnitRequest {
  readonly cell: Cell;
  readonly block: IrBlock;
  /**
   * True for a unit of one instruction that runs in place of a unit which met its own code being written: its
   * stores may change watched frames.
   */
  readonly allowCodeWrites: boolean;
  /** Emit short code for a unit that may never become hot: memory through helpers. A loop is hot at once. */
  readonly compact?: boolean;
  /** The cell to link to for a direct exit, or undefined to leave through `follow` (another page). */
  readonly link: (target: GuestAddress) => Cell | undefined;
}

/** Stand-ins that count their calls, for a table of functions; what is not a function stays as it is. */
export type CountCalls = <T extends object>(functions: T) => T;

/** What the engine gives to the runtime helpers of emitted code. */
export interface RuntimeHooks {
  /**
   * The cell for the address in halves, which is already stored in RIP; null with `Runtime.stop` = "engine"
   * when the engine must act first. Never throws.
   */
  follow(lo: number, hi: number): Cell | null;
  /** CPUID register 0..3 for leaf and subleaf. */
  cpuid(register: number, leaf: number, subleaf: number): number;
  /** Instructions completed since the start of the run, as the engine counts them at unit entry. */
  instructionsAtUnitEntry(): number;
  /**
   * A callee came back with `status` and not to the address in halves: runs, at the depth of calls that stands in
   * the state block, until the guest is there
   * (STATUS_RETURNED), or says how the callers have to leave.
   */
  resume(status: number, lo: number, hi: number): number;
  /**
   * Of regions in JavaScript, see javascript-tier.ts: a callee came back with `left` and not to the address in
   * halves. Runs units until the guest is there; false when the callers have to leave.
   */
  goOn(left: Cell | null, lo: number, hi: number): boolean;
  /** Calls what stands for the address in halves. */
  callAt(lo: number, hi: number): Cell | null;
  /** Two random 32-bit halves, packed by the helper; from the machine's entropy input. */
  random(): { readonly lo: number; readonly hi: number };
  /** Given when calls of helpers are to be counted. */
  readonly countCalls?: CountCalls | undefined;
}

/** The part of the runtime that the engine reads and resets. The class is in emit/javascript/runtime.ts. */
export interface RuntimeState {
  stop: Stop;
  preemptible: boolean;
  /** With STATUS_STOP: instructions that are complete and not yet taken from the budget. */
  completed: number;
  /** Set with stop "fault": an exit of kind fault, or a `fault.if`. */
  pendingFault:
    | {
        readonly vector: number;
        readonly errorCode: number;
        readonly memory?: PageFault;
        readonly unsupported?: string;
      }
    | undefined;
  /** The site of the unit that threw; the engine knows which unit was running. */
  site: number;
}

/**
 * Thrown by helpers out of the middle of an instruction; compared by identity, carries nothing, allocated once.
 *   FAULT  `pendingFault` is set
 *   LEAVE  the store would change translated code: run this one instruction in a unit of its own
 *   STOP   a region stops behind an instruction: RIP and `Runtime.stop` are set
 */
export interface UnitThrow {
  readonly name: "FAULT" | "LEAVE" | "STOP";
}
export const FAULT: UnitThrow = { name: "FAULT" };
export const LEAVE: UnitThrow = { name: "LEAVE" };
export const STOP: UnitThrow = { name: "STOP" };
