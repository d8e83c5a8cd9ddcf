/** What capabilities may use of the kernel, and the names under which it hands capabilities out. */

import type { HostInputs } from "../host-inputs.ts";
import type { Mmu } from "../mmu/mmu.ts";
import type { CallOutcome } from "./call.ts";
import type { FrameAllocator } from "./frame-allocator.ts";
import type { KernelObject } from "./object.ts";
import type { MemoryObject } from "./objects/memory-object.ts";
import type { ExitReason, Process } from "./objects/process.ts";
import type { Thread } from "./objects/thread.ts";
import type { CpuPort } from "./cpu-port.ts";
import type { CallerSessions } from "./session.ts";
import type { SpawnRequest, SpawnResult } from "./spawn.ts";
import type { ThreadRequest } from "./objects/process.ts";

/** Where guest console output goes, unchanged. */
export interface ConsoleSink {
  write(bytes: Uint8Array): void;
}

/** Something that happens at a time of the guest's clock. */
export interface Timers {
  /** Runs `action` once, no earlier than `deadlineNs`. The function returned cancels it. */
  at(deadlineNs: bigint, action: () => void): () => void;
}

export interface KernelServices {
  readonly inputs: HostInputs;
  readonly console: ConsoleSink;
  readonly timers: Timers;
  readonly mmu: Mmu;
  readonly frames: FrameAllocator;
  readonly cpu: CpuPort;
  readonly sessions: CallerSessions;
  /** What session references of callers at a new endpoint are derived for. */
  nextScopeId(): bigint;

  /** Starts a process; nothing has changed when it is refused. */
  spawn(request: SpawnRequest): SpawnResult;
  /** Starts a thread in a process; the reason when a limit or memory forbids it, with nothing changed. */
  createThread(process: Process, request: ThreadRequest): Thread | string;
  /** Ends a thread; the last one ends its process. */
  exitThread(thread: Thread, code: bigint): void;
  /** To be told of every memory object that is made, so that its frames can be accounted for (KER-20). */
  trackMemoryObject(object: MemoryObject): void;
  exitProcess(process: Process, code: bigint, reason?: ExitReason): void;
  /** Full checks: what a method of a kernel object is about to answer. */
  inspectReply(object: KernelObject, outcome: CallOutcome): void;
}

/** For whom and with what a capability is made from a kernel source. */
export interface SourceRequest {
  readonly services: KernelServices;
  readonly process: Process;
}
/** Makes the object behind a kernel source, such as `console`. Must not fail and takes no resources. */
export type SourceFactory = (request: SourceRequest) => KernelObject;
