/**
 * PARK and UNPARK: a thread waits while a word of memory has a value, until somebody wakes those who wait for it.
 * Which word it is depends on the capability: through a ParkSpace an address of the own process, through a
 * SharedParkSpace a place in a MemoryObject, wherever a process has mapped it.
 */

import { address, pageOf, PAGE_BYTES } from "../mmu/address.ts";
import { ERR, PARK_TIMED_OUT, PARK_VALUE_MISMATCH, WAIT_FOREVER } from "./abi.ts";
import { PARK_SPACE, sharedSpaceBehind } from "./caps/park-space.ts";
import type { KernelObject } from "./object.ts";
import { copyIn } from "./guest-memory.ts";
import type { Parked, ParkQueue } from "./objects/park-queue.ts";
import type { KernelServices } from "./services.ts";
import type { Submission } from "./submission.ts";

const WORD_BYTES = 4;

/** A word that is there: its value, and where those wait who wait for it. */
interface ParkWord {
  readonly value: number;
  readonly queue: ParkQueue;
  readonly place: bigint;
}

/** The word a PARK or UNPARK names; otherwise the submission is completed. */
function parkWord(submission: Submission): ParkWord | undefined {
  const { process, sqe } = submission;
  const hold = process.table.get(sqe.capId);
  const kind = typeof hold === "string" ? undefined : parkKind(hold.object);
  if (kind === undefined) {
    submission.fail(ERR.invokeFailed);
    return undefined;
  }
  const aligned = sqe.addr % BigInt(WORD_BYTES) === 0n;
  const bytes = aligned ? copyIn(process.memory.space, sqe.addr, WORD_BYTES) : undefined;
  const place = kind === "private" ? sqe.addr : bytes && sharedPlace(submission);
  if (bytes === undefined || place === undefined) {
    submission.fail(ERR.invalidParamsBuffer);
    return undefined;
  }
  const value = new DataView(bytes.buffer, bytes.byteOffset, WORD_BYTES).getUint32(0, true);
  return { value, queue: kind === "private" ? process.parks : kind, place };
}

function parkKind(object: KernelObject): "private" | ParkQueue | undefined {
  return object.interface === PARK_SPACE ? "private" : sharedSpaceBehind(object);
}

/** The physical place of a readable word, when its page shows a MemoryObject. */
function sharedPlace({ process, sqe }: Submission): bigint | undefined {
  const at = address(Number(sqe.addr));
  const { memory } = process;
  if (memory.borrowed.get(pageOf(at)) === undefined) return undefined;
  const entry = memory.space.query(pageOf(at));
  return entry && BigInt(entry.frame * PAGE_BYTES + (at % PAGE_BYTES));
}

export function park(services: KernelServices, submission: Submission): void {
  const { process, sqe } = submission;
  const word = parkWord(submission);
  if (word === undefined) return;
  if (word.value !== sqe.len) return submission.complete(PARK_VALUE_MISMATCH);
  if (sqe.pipelineDep === 0n) return submission.complete(PARK_TIMED_OUT);
  if (!submission.charge("outstandingCalls")) return submission.fail(ERR.invokeFailed);
  const forget = (): void => {
    stopTimer();
    word.queue.remove(parked);
    process.parks.remove(parked);
  };
  const finish = (result: number): void => {
    forget();
    submission.complete(result);
  };
  const stopTimer = parkTimer(services, sqe.pipelineDep, () => finish(PARK_TIMED_OUT));
  const parked: Parked = { address: sqe.addr, place: word.place, queue: word.queue, finish };
  // Also with the process itself: it knows when the address gets another meaning.
  process.parks.add(parked);
  if (word.queue !== process.parks) word.queue.add(parked);
  submission.onCancel(forget);
}

function parkTimer(services: KernelServices, timeoutNs: bigint, action: () => void): () => void {
  if (timeoutNs === WAIT_FOREVER) return () => undefined;
  return services.timers.at(services.inputs.clock.nowNs() + timeoutNs, action);
}

export function unpark(_services: KernelServices, submission: Submission): void {
  const { sqe } = submission;
  if (sqe.len === 0) return submission.fail(ERR.invalidRequest);
  const word = parkWord(submission);
  if (word !== undefined) submission.complete(word.queue.unpark(word.place, sqe.len));
}
