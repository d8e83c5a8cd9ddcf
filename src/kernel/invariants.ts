/**
 * The kernel's rules, recomputed from ground truth. Each function returns the broken ones, every line beginning with
 * the rule's id. Rules of memory (objects/memory-checks.ts, invariants-memory.ts) and of handles
 * (invariants-handles.ts) are only called here.
 *
 * KER-6  A refused call leaves kernel state as it was. Its checker is `Kernel.digest()`, compared before and after by
 * every test that meets refusals.
 */

import { EndpointCapability } from "./caps/endpoint.ts";
import { pipeBehind } from "./caps/pipe.ts";
import type { EpochCell, Hold } from "./capability.ts";
import type { FrameAllocator } from "./frame-allocator.ts";
import {
  brokenDeliveryRules,
  brokenMoveRules,
  brokenPartyRules,
  brokenTableRules,
} from "./invariants-handles.ts";
import {
  brokenAuthorRules,
  brokenBindingRules,
  brokenFrameNumberRules,
  brokenProtectedAreaRules,
  framesOf,
} from "./invariants-memory.ts";
import type { Resource } from "./ledger.ts";
import { brokenLedgerRules } from "./ledger.ts";
import type { KernelObject } from "./object.ts";
import type { Endpoint } from "./objects/endpoint.ts";
import { brokenMemoryRules, brokenSharingRules, memoryInputs } from "./objects/memory-checks.ts";
import type { MemoryObject } from "./objects/memory-object.ts";
import type { Pipe } from "./objects/pipe.ts";
import { brokenPipeRules } from "./objects/pipe.ts";
import type { Process } from "./objects/process.ts";
import type { Thread } from "./objects/thread.ts";
import { Remembered } from "./remembered.ts";

/** What the rules are about. */
export interface KernelState {
  readonly processes: ReadonlyMap<number, Process>;
  /** Runnable threads in turn, and the one whose turn it is. */
  readonly ready: readonly Thread[];
  readonly current: Thread | undefined;
  readonly frames: FrameAllocator;
  readonly memoryObjects: Iterable<MemoryObject>;
  /** Frames used before the first process. */
  readonly framesUsedAtStart: number;
}

/** Every rule; those that walk page tables only when asked for. */
export function brokenKernelRules(state: KernelState, which = { memory: false }): string[] {
  const processes = [...state.processes.values()];
  const endpoints = endpointsOf(processes);
  const broken = [
    ...brokenHoldRules(processes, endpoints),
    ...brokenRightsRules(processes),
    ...processes.flatMap((process) => brokenTableRules(process.table, nameOf(process))),
    ...brokenMoveRules(processes, endpoints),
    ...brokenPartyRules(processes, endpoints),
    ...brokenDeliveryRules(endpoints),
    ...brokenBindingRules(processes, endpoints),
    ...brokenCompletionRules(processes),
    ...brokenEndpointRules(endpoints),
    ...pipesOf(processes).flatMap(brokenPipeRules),
    ...brokenScheduleRules(state, processes),
    ...processes.flatMap((process) => brokenChargeRules(process, endpoints)),
  ];
  return which.memory ? [...broken, ...brokenFrameRules(state, processes)] : broken;
}

const nameOf = (process: Process): string => `process ${process.id}`;

const PROCESS_MEMORY = new Remembered<Process, readonly string[]>();

/** The rules about the memory of one process. */
function brokenProcessMemory(process: Process, frames: FrameAllocator): readonly string[] {
  const { memory } = process;
  const name = nameOf(process);
  return PROCESS_MEMORY.of(process, memoryInputs(memory), () => [
    ...brokenMemoryRules(memory),
    ...brokenAuthorRules(memory, name),
    ...brokenProtectedAreaRules(memory, name),
    ...brokenFrameNumberRules(framesOf(memory), frames, `an entry of ${name}`),
  ]);
}

function brokenFrameRules(state: KernelState, processes: readonly Process[]): string[] {
  const { frames, framesUsedAtStart: usedAtStart, memoryObjects } = state;
  const objects = [...memoryObjects];
  const memories = processes.map((process) => process.memory);
  return [
    ...processes.flatMap((process) => brokenProcessMemory(process, frames)),
    ...brokenSharingRules({ frames, usedAtStart, memories, objects }),
    ...objects
      .filter(({ freed }) => !freed)
      .flatMap((object) => brokenFrameNumberRules(object.frames, frames, "a memory object")),
  ];
}

/** The pipes that any capability names. */
function pipesOf(processes: readonly Process[]): Pipe[] {
  const pipes = new Set<Pipe>();
  for (const { table } of processes) {
    for (const [, { object }] of table.entries()) {
      const pipe = pipeBehind(object);
      if (pipe !== undefined) pipes.add(pipe);
    }
  }
  return [...pipes];
}

/** The endpoints that any capability names. */
export function endpointsOf(processes: readonly Process[]): ReadonlySet<Endpoint> {
  const endpoints = new Set<Endpoint>();
  for (const process of processes) {
    for (const [, { object }] of process.table.entries()) {
      if (object instanceof EndpointCapability) endpoints.add(object.endpoint);
    }
  }
  return endpoints;
}

/** KER-4  Every slot names a live object: its count of holds is the number of slots and transfers that name it. */
export function brokenHoldRules(processes: readonly Process[], endpoints: Iterable<Endpoint>): string[] {
  const counted = new Map<KernelObject, number>();
  const count = (object: KernelObject): void => void counted.set(object, (counted.get(object) ?? 0) + 1);
  for (const process of processes) for (const [, hold] of process.table.entries()) count(hold.object);
  for (const endpoint of endpoints) {
    for (const call of endpoint.queue) for (const { hold } of call.transfers.items) count(hold.object);
  }
  return [...counted]
    .filter(([object, holds]) => object.holds !== holds)
    .map(([object, holds]) => `KER-4 ${object.label} counts ${object.holds} holds, ${holds} name it`);
}

/**
 * KER-5  A derived capability has no right its parent lacks: copies of one insertion agree in everything that
 * grants something.
 */
export function brokenRightsRules(processes: readonly Process[]): string[] {
  const broken: string[] = [];
  const first = new Map<EpochCell, Hold<KernelObject>>();
  for (const process of processes) {
    for (const [id, hold] of process.table.entries()) {
      const other = first.get(hold.cell) ?? hold;
      first.set(hold.cell, other);
      const same =
        hold.object === other.object &&
        hold.interfaceId === other.interfaceId &&
        hold.badge === other.badge &&
        hold.mode === other.mode &&
        hold.scope === other.scope &&
        hold.disclosure === other.disclosure;
      if (!same)
        broken.push(
          `KER-5 capability ${id} of process ${process.id} differs from the one it was copied from`,
        );
    }
  }
  return broken;
}

/** KER-40  Each submission taken off a ring completes exactly once: taken = completed + open. */
export function brokenCompletionRules(processes: readonly Process[]): string[] {
  const broken: string[] = [];
  for (const process of processes) {
    for (const { id, ring, open } of process.threads.values()) {
      if (ring.consumed !== ring.posted + open.size) {
        broken.push(
          `KER-40 process ${process.id} thread ${id}: ${ring.consumed} submissions taken, ` +
            `${ring.posted} completed and ${open.size} open`,
        );
      }
    }
  }
  return broken;
}

/** KER-41  An endpoint keeps its limits, everything it keeps is open, and a closed one keeps nothing. */
export function brokenEndpointRules(endpoints: Iterable<Endpoint>): string[] {
  const broken: string[] = [];
  for (const { queue, receives, inFlight, limits, closed } of endpoints) {
    if (queue.length > limits.queued)
      broken.push(`KER-41 ${queue.length} calls queued, the limit is ${limits.queued}`);
    if (inFlight.size > limits.inFlight) {
      broken.push(`KER-41 ${inFlight.size} calls in flight, the limit is ${limits.inFlight}`);
    }
    const kept = [
      ...queue.map((call) => call.submission),
      ...receives,
      ...[...inFlight.values()].map((f) => f.caller),
    ];
    if (kept.some((submission) => !submission.open))
      broken.push("KER-41 an endpoint keeps a completed submission");
    if (closed && kept.length > 0) broken.push(`KER-41 a closed endpoint keeps ${kept.length} submissions`);
  }
  return broken;
}

/** KER-42  A thread is runnable exactly when it is queued once or has its turn; it waits exactly when it says for what. */
export function brokenScheduleRules(
  state: Pick<KernelState, "ready" | "current">,
  processes: readonly Process[],
): string[] {
  const broken: string[] = [];
  const turns = [...state.ready, ...(state.current === undefined ? [] : [state.current])];
  if (new Set(turns).size !== turns.length) broken.push("KER-42 a thread is queued twice");
  const living = new Set(processes.flatMap((process) => [...process.threads.values()]));
  for (const thread of turns)
    if (!living.has(thread)) broken.push(`KER-42 thread ${thread.id} is queued and gone`);
  for (const thread of living) {
    const has = turns.includes(thread) ? "runnable" : "waiting";
    const waits = thread.wait === undefined ? "runnable" : "waiting";
    if (thread.state !== has || thread.state !== waits) {
      broken.push(
        `KER-42 thread ${thread.id} of process ${thread.process.id} is ${thread.state}, has its turn: ${has}`,
      );
    }
  }
  return broken;
}

/** KER-3 for one process: what its ledger says against what its parts add up to. */
export function brokenChargeRules(process: Process, endpoints: Iterable<Endpoint>): string[] {
  const { table, memory, threads, ledger } = process;
  const slots = table.charges();
  const pages = memory.charges();
  const open = [...threads.values()].flatMap((thread) => [...thread.open]);
  const charged = (resource: Resource): number =>
    open.reduce((sum, { charges }) => sum + charges.filter((each) => each === resource).length, 0);
  let scratchBytes = 0;
  for (const { queue } of endpoints) {
    for (const call of queue) if (call.submission.process === process) scratchBytes += call.params.length;
  }
  return brokenLedgerRules(ledger, {
    capSlots: slots.capSlots,
    frameGrantPages: slots.frameGrantPages + pages.frameGrantPages,
    virtualReservationPages: pages.virtualReservationPages,
    outstandingCalls: charged("outstandingCalls"),
    timerSleeps: charged("timerSleeps"),
    threads: threads.size,
    scratchBytes,
  });
}
