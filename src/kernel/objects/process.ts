/** A process: what it may name (`table`), where it lives (`memory`), who runs in it, and how it ended. */

import { FIRST_THREAD_ID } from "../abi.ts";
import type { HoldTerms, InsertError } from "../capability.ts";
import { CapabilityTable, newHold } from "../capability.ts";
import type { Ledger } from "../ledger.ts";
import type { KernelObject } from "../object.ts";
import { ParkQueue } from "./park-queue.ts";
import type { ProcessMemory } from "./process-memory.ts";
import type { Thread } from "./thread.ts";

/** Why a process ended. */
export type ExitReason = "exit" | "terminated" | "fault" | "runEnded";

/** Start of a further thread. */
export interface ThreadRequest {
  readonly entry: bigint;
  readonly stackTop: bigint;
  readonly arg: bigint;
  readonly fsBase: bigint;
}

/**
 * Fields: `threads` = those alive, by id, ids never reused; `exitCode` and `exitReason` are set exactly once;
 * `onExit` runs once, then, in order.
 */
export class Process {
  readonly id: number;
  readonly name: string;
  readonly binary: string;
  readonly ledger: Ledger;
  readonly table: CapabilityTable<KernelObject>;
  readonly memory: ProcessMemory;
  readonly threads = new Map<number, Thread>();
  readonly parks = new ParkQueue();
  readonly onExit: ((code: bigint) => void)[] = [];
  nextThreadId = FIRST_THREAD_ID;
  exitCode: bigint | undefined;
  exitReason: ExitReason | undefined;

  constructor(parts: {
    readonly id: number;
    readonly name: string;
    readonly binary: string;
    readonly ledger: Ledger;
    readonly table: CapabilityTable<KernelObject>;
    readonly memory: ProcessMemory;
  }) {
    this.id = parts.id;
    this.name = parts.name;
    this.binary = parts.binary;
    this.ledger = parts.ledger;
    this.table = parts.table;
    this.memory = parts.memory;
  }

  get exited(): boolean {
    return this.exitCode !== undefined;
  }

  /** Puts a fresh hold of an object into the table; its id, or why there is no room. */
  give(object: KernelObject, terms: HoldTerms, interfaceId = object.interfaceId): number | InsertError {
    const id = this.table.insert(newHold(object, interfaceId, { mode: object.mode, ...terms }));
    if (typeof id === "number") object.hold();
    return id;
  }
}
