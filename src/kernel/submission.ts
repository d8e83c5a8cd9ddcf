/**
 * One submission between the moment it leaves the ring and its completion. It completes exactly once (KER-40), or is
 * abandoned when its thread goes first. Results are written here, after the buffer was checked again.
 */

import { InvariantError } from "../invariant.ts";
import type { TransportCode } from "./abi.ts";
import { CQE_TRANSFER_RESULT_CAPS, ERR, OP, TRANSFER_RECORD_BYTES } from "./abi.ts";
import type { CallOutcome, ExceptionType } from "./call.ts";
import { encodeException } from "./exception.ts";
import { copyOut, isWritable } from "./guest-memory.ts";
import type { InsertError } from "./capability.ts";
import type { Resource } from "./ledger.ts";
import type { KernelObject, ResultCap } from "./object.ts";
import type { Process } from "./objects/process.ts";
import type { Thread } from "./objects/thread.ts";
import type { Sqe } from "./ring.ts";

/** The parts of a completion that most operations leave at zero. */
export interface CompletionExtra {
  readonly flags?: number;
  readonly capCount?: number;
  readonly badge?: bigint;
  readonly callId?: number;
}

/** A capability that was put into the receiver's table, as its record names it. */
export interface CapRecord {
  readonly capId: number;
  readonly interfaceId: bigint;
}

/** Called with each completion, for traces. */
export type CompletionListener = (submission: Submission, result: number) => void;

/** Texts of the two reasons a table has no room. */
export const INSERT_REFUSALS: Readonly<Record<InsertError, string>> = {
  capSlotsExhausted: "no capability slot is left",
  frameGrantPagesExhausted: "the frame grant of the process does not cover the capability",
};

/** A result message with the records of its capabilities behind it, without padding. */
export function withRecords(message: Uint8Array, records: readonly CapRecord[]): Uint8Array {
  if (records.length === 0) return message;
  const bytes = new Uint8Array(message.length + records.length * TRANSFER_RECORD_BYTES);
  bytes.set(message);
  const view = new DataView(bytes.buffer);
  for (const [i, { capId, interfaceId }] of records.entries()) {
    const at = message.length + i * TRANSFER_RECORD_BYTES;
    view.setUint32(at, capId, true);
    view.setBigUint64(at + 8, interfaceId, true);
  }
  return bytes;
}

export const transferExtra = (count: number): CompletionExtra =>
  count === 0 ? {} : { flags: CQE_TRANSFER_RESULT_CAPS, capCount: count };

/** Fields: `open` = in its thread's set (KER-40); `charges` = what its process pays while it is open (KER-3). */
export class Submission {
  readonly thread: Thread;
  readonly sqe: Sqe;
  readonly #listener: CompletionListener | undefined;
  #open = true;
  readonly charges: Resource[] = [];
  #onCancel: (() => void) | undefined;

  constructor(thread: Thread, sqe: Sqe, listener?: CompletionListener) {
    this.thread = thread;
    this.sqe = sqe;
    this.#listener = listener;
    thread.open.add(this);
  }

  get process(): Process {
    return this.thread.process;
  }
  get open(): boolean {
    return this.#open;
  }

  /** Counts the submission as one more of the resource until it ends; false when the process has too many. */
  charge(resource: Resource): boolean {
    const charged = this.process.ledger.charge(resource, 1);
    if (charged) this.charges.push(resource);
    return charged;
  }

  /** Whoever keeps the submission open is told when its thread goes first. */
  onCancel(action: () => void): void {
    this.#onCancel = action;
  }

  resultIsWritable(lengthBytes: number): boolean {
    return lengthBytes <= this.sqe.resultLen && isWritable(this.#space, this.sqe.resultAddr, lengthBytes);
  }

  get #space(): Process["memory"]["space"] {
    return this.process.memory.space;
  }

  complete(result: number, extra: CompletionExtra = {}): void {
    if (!this.#open) throw new InvariantError(["KER-40 a submission was completed twice"]);
    this.#end();
    const { flags = 0, capCount = 0, badge = 0n, callId = 0 } = extra;
    this.thread.ring.post({ userData: this.sqe.userData, result, flags, capCount, badge, callId });
    this.#listener?.(this, result);
    this.thread.noticeCompletion();
  }

  fail(code: TransportCode): void {
    this.complete(code);
  }

  /** Completes with an application exception, its text shortened to the buffer. */
  raise(type: ExceptionType, text: string): void {
    const bytes = encodeException(type, text, this.sqe.resultLen);
    if (bytes === undefined) return this.fail(ERR.applicationExceptionTruncated);
    const written = copyOut(this.#space, this.sqe.resultAddr, bytes);
    this.fail(written ? ERR.applicationException : ERR.invalidResultBuffer);
  }

  /** Completes with an exception message made by somebody else: all of it, or none. */
  deliverException(message: Uint8Array): void {
    const fits = message.length <= this.sqe.resultLen;
    const written = fits && copyOut(this.#space, this.sqe.resultAddr, message);
    this.fail(written ? ERR.applicationException : ERR.applicationExceptionTruncated);
  }

  /**
   * Completes with a message and the capabilities whose records follow it. They are in the caller's table already;
   * false, and nothing done, when the buffer does not take them.
   */
  deliver(message: Uint8Array, records: readonly CapRecord[], extra: CompletionExtra = {}): boolean {
    const bytes = withRecords(message, records);
    if (bytes.length > this.sqe.resultLen || !copyOut(this.#space, this.sqe.resultAddr, bytes)) return false;
    this.complete(message.length, { ...transferExtra(records.length), ...extra });
    return true;
  }

  /** `deliver` after the buffer was found to take it, with nothing in between that could change that. */
  mustDeliver(message: Uint8Array, records: readonly CapRecord[], extra: CompletionExtra = {}): void {
    if (this.deliver(message, records, extra)) return;
    throw new InvariantError(["KER-40 a result buffer stopped being writable while a result was written"]);
  }

  /** Completes as a kernel object's method ended; a pending call stays open. */
  settle(outcome: CallOutcome): void {
    // A token kept by an object may outlive its caller.
    if (!this.#open) return;
    if (outcome.kind === "void") this.complete(0);
    else if (outcome.kind === "message") this.#settleMessage(outcome.bytes, outcome.caps);
    else if (outcome.kind === "exception") this.raise(outcome.type, outcome.text);
    else if (outcome.kind === "transport") this.fail(outcome.code);
    else if (outcome.kind === "none") this.abandon();
  }

  #settleMessage(message: Uint8Array, caps: readonly ResultCap[]): void {
    if (!this.resultIsWritable(message.length + caps.length * TRANSFER_RECORD_BYTES)) {
      caps.forEach(discard);
      return this.fail(ERR.invalidResultBuffer);
    }
    const records: CapRecord[] = [];
    for (const [i, cap] of caps.entries()) {
      const interfaceId = cap.interfaceId ?? cap.object.interfaceId;
      const capId = this.process.give(cap.object, { origin: "resultCap", ...cap.terms }, interfaceId);
      if (typeof capId === "string") {
        for (const { capId: given } of records) releaseCapability(this.process, given);
        caps.slice(i).forEach(discard);
        return this.raise("overloaded", INSERT_REFUSALS[capId]);
      }
      records.push({ capId, interfaceId });
    }
    this.mustDeliver(message, records);
  }

  /** Its thread is gone: ends without a completion. */
  abandon(): void {
    if (!this.#open) return;
    const onCancel = this.#onCancel;
    this.#end();
    onCancel?.();
  }

  #end(): void {
    this.#open = false;
    this.#onCancel = undefined;
    this.thread.open.delete(this);
    for (const resource of this.charges.splice(0)) this.process.ledger.release(resource, 1);
  }

  /** The opcode's name, for traces. */
  get operation(): string {
    return OPERATION_NAMES.get(this.sqe.opcode) ?? `opcode ${this.sqe.opcode}`;
  }
}

const OPERATION_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(OP).map(([name, opcode]) => [opcode, name]),
);

/** An object that was made for a result nobody could take. */
function discard(cap: ResultCap): void {
  cap.object.discard();
}

/** Takes a capability out of a table and tells its object; the refusal when the id is not live. */
export function releaseCapability(process: Process, capId: number): ReturnType<Process["table"]["remove"]> {
  const removed = process.table.remove(capId);
  if (typeof removed !== "string") release(removed, process);
  return removed;
}
function release(hold: Parameters<KernelObject["release"]>[0], process: Process): void {
  hold.object.release(hold, process);
}
