/** What the kernel tells people: how processes ended, why one faulted, what everybody waits for, a digest of its state. */

import { pageOf, userAddress } from "../mmu/address.ts";
import type { PageFault } from "../mmu/fault.ts";
import { faultAddress } from "../mmu/fault.ts";
import { endpointsOf } from "./invariants.ts";
import { RESOURCES } from "./ledger.ts";
import type { ExitReason, Process } from "./objects/process.ts";
import type { PageExplanation } from "./objects/process-memory.ts";
import type { Thread } from "./objects/thread.ts";
import type { Submission } from "./submission.ts";

/** How a run of guest code ended; the machine's other exits are not the kernel's business. */
export type KernelExit =
  | { readonly kind: "syscall" }
  | { readonly kind: "budget" }
  | { readonly kind: "fault"; readonly fault: KernelFault };

export interface KernelFault {
  readonly vector: number;
  readonly errorCode: number;
  readonly memory?: PageFault;
  readonly unsupported?: string;
}

/** A guest fault, with what is known of it before the process's memory is gone. */
export interface FaultRecord {
  readonly process: number;
  readonly name: string;
  readonly thread: number;
  readonly fault: KernelFault;
  readonly rip: bigint;
  /** The faulting address, when the fault has one. */
  readonly address: bigint | undefined;
  /** Why the page of the faulting address is as it is; undefined when it is nothing. */
  readonly page: PageExplanation | undefined;
  readonly codePage: PageExplanation | undefined;
  /** The thread's registers, in the machine's own form. */
  readonly state: Uint8Array;
}

/** How a process ended. */
export interface ExitRecord {
  readonly process: number;
  readonly name: string;
  readonly binary: string;
  readonly exitCode: bigint;
  readonly reason: ExitReason;
}

/** A completion, for traces. */
export interface TraceRecord {
  readonly process: number;
  readonly thread: number;
  readonly operation: string;
  /** The kind of object and the method, for a call on a live capability. */
  readonly target: string | undefined;
  readonly capId: number;
  readonly userData: bigint;
  readonly result: number;
}

function explain(process: Process, at: bigint | undefined): PageExplanation | undefined {
  const known = at === undefined ? undefined : userAddress(at);
  return known === undefined ? undefined : process.memory.explain(pageOf(known));
}

/** To be made while the process's memory is there; its registers are saved. */
export function faultRecord(thread: Thread, fault: KernelFault, rip: bigint): FaultRecord {
  const { process } = thread;
  const address = fault.memory === undefined ? undefined : faultAddress(fault.memory);
  return {
    process: process.id,
    name: process.name,
    thread: thread.id,
    fault,
    rip,
    address,
    page: explain(process, address),
    codePage: explain(process, rip),
    state: thread.cpuState.slice(),
  };
}

/** The object a submission names and, for a call, its method: `console.writeLine`. */
function targetOf({ sqe, process, operation }: Submission): string | undefined {
  const object = process.table.peek(sqe.capId)?.object;
  if (object === undefined || operation !== "call") return object?.label;
  return `${object.label}.${object.interface.methodName(sqe.methodId) ?? sqe.methodId}`;
}

export function traceRecord(submission: Submission, result: number): TraceRecord {
  const { sqe, thread, process, operation } = submission;
  return {
    process: process.id,
    thread: thread.id,
    operation,
    target: targetOf(submission),
    capId: sqe.capId,
    userData: sqe.userData,
    result,
  };
}

/** One line per thread: what it waits for. To be asked when nobody can run. */
export function describeWaits(processes: Iterable<Process>): string[] {
  const lines: string[] = [];
  for (const { id, name, threads } of processes) {
    for (const thread of threads.values()) {
      const open = [...thread.open].map(
        (each) => `${each.operation} ${targetOf(each) ?? "(capability gone)"}`,
      );
      const what = open.length === 0 ? "nothing that could complete" : open.join(", ");
      const count = thread.wait?.minComplete ?? 0;
      lines.push(`process ${id} (${name}) thread ${thread.id} waits for ${count} completions of: ${what}`);
    }
  }
  return lines;
}

/** State that a refused call must not change (KER-6), process by process. */
export function processDigests(processes: readonly Process[]): string[] {
  const lines: string[] = [];
  for (const { id, name, threads, table, memory, parks, ledger } of processes) {
    lines.push(`process ${id} ${name} threads ${[...threads.keys()].join(" ")}`);
    lines.push(table.digest(), memory.digest(), `parked ${parks.length}`);
    for (const [capId, { object }] of table.entries()) lines.push(`${capId} held ${object.holds}`);
    lines.push(RESOURCES.map((resource) => `${resource} ${ledger.used(resource)}`).join(" "));
  }
  for (const endpoint of endpointsOf(processes)) lines.push(endpoint.digest());
  return lines;
}
