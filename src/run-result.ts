/** What a run of a machine gives back: plain data, the same for the command line and for embedding programs. */

import type { JitStats } from "./jit/stats.ts";

/** A guest process from start to end. */
export interface ProcessRecord {
  readonly pid: number;
  /** The name it was spawned with. */
  readonly name: string;
  /** Name of its program. */
  readonly program: string;
  /** Undefined while it is alive (the run was cut short). */
  readonly exitCode?: bigint;
  readonly ending: "exit" | "fault" | "terminated" | "runEnded" | "alive";
}

/** The capability operation that gave a page its mapping or permission. */
export interface PageOrigin {
  readonly capability: string;
  readonly method: string;
  readonly arguments: string;
  /** Guest address of the call, absent when the loader did it. */
  readonly rip?: bigint;
}

/** What is known about the page that a fault is about. */
export interface PageFacts {
  readonly address: bigint;
  /** Such as `image segment 2`, `anonymous`, `stack`, or `nothing mapped`. */
  readonly mapping: string;
  /** Such as `R--`, `RW-`, `R-X`, `---`. */
  readonly protection: string;
  readonly origin?: PageOrigin;
}

/** One instruction. */
export interface CodeBytes {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** A guest fault that ended a process. */
export interface FaultRecord {
  readonly pid: number;
  readonly name: string;
  readonly program: string;
  readonly thread: number;
  readonly vector: number;
  readonly errorCode: number;
  /** The address of a refused memory access. */
  readonly address?: bigint;
  readonly rip: bigint;
  /** Name and value, in the order to print. */
  readonly registers: readonly (readonly [name: string, value: bigint])[];
  /** Readable code bytes from `rip` on, at most 64. */
  readonly code: Uint8Array;
  /** Instructions that were translated just before `rip`, in address order. */
  readonly codeBefore: readonly CodeBytes[];
  /** Return addresses found through frame pointers, innermost first. */
  readonly backtrace: readonly number[];
  /** Words near the top of the stack that point behind a call: return addresses, some of them stale. */
  readonly stackReturns: readonly number[];
  /** The page of the refused access, or of `rip` when there is none. */
  readonly page?: PageFacts;
  /** An instruction that processors have and capjit has not. */
  readonly unsupported?: string;
}

/** Why the run ended. */
export type Outcome =
  | { readonly kind: "exited"; readonly exitCode: bigint }
  | { readonly kind: "init-fault" }
  | { readonly kind: "instruction-limit" }
  | { readonly kind: "stopped" }
  /** No thread can ever run again; each line names one and what it waits for. */
  | { readonly kind: "deadlock"; readonly waiting: readonly string[] };

export interface RunResult {
  readonly outcome: Outcome;
  readonly processes: readonly ProcessRecord[];
  readonly faults: readonly FaultRecord[];
  readonly instructions: number;
  readonly jit: Readonly<JitStats>;
  /** Completed capability calls and other ring entries. */
  readonly ringEntries: number;
}
