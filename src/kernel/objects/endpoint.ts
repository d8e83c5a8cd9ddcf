/**
 * A rendezvous of callers and a receiver.
 *
 *   CALL -> queued ---+
 *                     +--> in flight (known by call id) --> RETURN completes the CALL
 *   RECV -> waiting --+
 *
 * First come first served on both sides. A delivery that fails leaves the other side where it was.
 */

import { ENDPOINT_HEADER, ENDPOINT_HEADER_BYTES, ERR, TRANSFER_RECORD_BYTES } from "../abi.ts";
import type { Submission } from "../submission.ts";
import type { TransferSet } from "../transfers.ts";
import type { Process } from "./process.ts";

export interface EndpointLimits {
  readonly queued: number;
  readonly inFlight: number;
}

/** A call as its receiver will see it. */
export interface EndpointCall {
  readonly submission: Submission;
  readonly interfaceId: bigint;
  readonly methodId: number;
  readonly badge: bigint;
  /** Session block of the caller. */
  readonly session: Uint8Array;
  readonly params: Uint8Array;
  readonly transfers: TransferSet;
}

/** A call that was received and not answered. */
export interface InFlight {
  readonly callId: number;
  readonly caller: Submission;
  readonly receiver: Process;
}

/** Header, caller session, params. */
function callMessage(call: EndpointCall): Uint8Array {
  const bytes = new Uint8Array(ENDPOINT_HEADER_BYTES + call.params.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(ENDPOINT_HEADER.interfaceId, call.interfaceId, true);
  view.setUint16(ENDPOINT_HEADER.methodId, call.methodId, true);
  view.setUint32(ENDPOINT_HEADER.paramsLen, call.params.length, true);
  bytes.set(call.session, ENDPOINT_HEADER.callerSession);
  bytes.set(call.params, ENDPOINT_HEADER_BYTES);
  return bytes;
}

const remove = <T>(list: T[], item: T): void => {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
};

/**
 * Fields: `scopeId` = what session references of callers are derived for, one per endpoint; `queue` within its limit, `inFlight` within its limit, by call id; `receives` = open RECVs; every
 * submission in the three is open (KER-41). `closed`: no owner is left, all three are empty for good.
 */
export class Endpoint {
  readonly limits: EndpointLimits;
  readonly scopeId: bigint;
  readonly queue: EndpointCall[] = [];
  readonly receives: Submission[] = [];
  readonly inFlight = new Map<number, InFlight>();
  closed = false;
  #lastCallId = 0;

  constructor(limits: EndpointLimits, scopeId = 0n) {
    this.limits = limits;
    this.scopeId = scopeId;
  }

  /** Why a further call would be refused now. */
  refusal(): string | undefined {
    const { queued, inFlight } = this.limits;
    if (this.queue.length >= queued) return `the endpoint has ${queued} calls queued`;
    const waiting = this.receives.length > 0;
    if (waiting && this.inFlight.size >= inFlight) return `the endpoint has ${inFlight} calls in flight`;
    return undefined;
  }

  /** Takes a call that `refusal` did not refuse, and delivers it if somebody waits. */
  call(call: EndpointCall): void {
    this.queue.push(call);
    call.submission.process.ledger.charge("scratchBytes", call.params.length);
    call.submission.onCancel(() => this.#dropQueued(call));
    this.#pump();
  }

  /** Takes an open RECV. */
  receive(submission: Submission): void {
    this.receives.push(submission);
    submission.onCancel(() => remove(this.receives, submission));
    this.#pump();
  }

  #dropQueued(call: EndpointCall): void {
    remove(this.queue, call);
    call.submission.process.ledger.release("scratchBytes", call.params.length);
    call.transfers.rollback();
  }

  /** The call and the RECV that meet next (KER-46). Who is ending receives nothing more. */
  nextDelivery(): { readonly call: EndpointCall; readonly receive: Submission } | undefined {
    const [call] = this.queue;
    const receive = this.receives.find(({ thread, process }) => !thread.exited && !process.exited);
    const full = this.inFlight.size >= this.limits.inFlight;
    return call === undefined || receive === undefined || full ? undefined : { call, receive };
  }

  /** Each round ends a call's or a RECV's waiting, so there are finitely many. */
  #pump(): void {
    for (let next = this.nextDelivery(); next !== undefined; next = this.nextDelivery()) {
      this.#deliver(next.call, next.receive);
    }
  }

  #deliver(call: EndpointCall, receive: Submission): void {
    const message = callMessage(call);
    if (!receive.resultIsWritable(message.length + call.transfers.length * TRANSFER_RECORD_BYTES)) {
      // the receiver's mistake; the call stays at the front.
      remove(this.receives, receive);
      return receive.fail(ERR.invalidResultBuffer);
    }
    const records = call.transfers.deliver(receive.process);
    if (records === undefined) {
      this.#dropQueued(call);
      return call.submission.fail(ERR.transferAborted);
    }
    this.queue.shift();
    remove(this.receives, receive);
    call.submission.process.ledger.release("scratchBytes", call.params.length);
    const callId = this.#nextCallId();
    this.inFlight.set(callId, { callId, caller: call.submission, receiver: receive.process });
    call.submission.onCancel(() => {
      this.inFlight.delete(callId);
      this.#pump();
    });
    receive.mustDeliver(message, records, { badge: call.badge, callId });
  }

  /** Never zero, never one that is in flight. */
  #nextCallId(): number {
    do this.#lastCallId = (this.#lastCallId % 0xffff_ffff) + 1;
    while (this.inFlight.has(this.#lastCallId));
    return this.#lastCallId;
  }

  /** The call that `receiver` may answer under this id. */
  answerable(callId: number, receiver: Process): InFlight | undefined {
    const entry = this.inFlight.get(callId);
    return entry?.receiver === receiver ? entry : undefined;
  }

  /** The call is answered; the room it leaves may let a queued one in. */
  finish(entry: InFlight): void {
    this.inFlight.delete(entry.callId);
  }
  deliverNext(): void {
    this.#pump();
  }

  /** The open RECV with this user data that the thread of `asking` submitted; it is taken out. */
  takeReceive(asking: Submission, userData: bigint): Submission | undefined {
    const found = this.receives.find((r) => r.thread === asking.thread && r.sqe.userData === userData);
    if (found !== undefined) remove(this.receives, found);
    return found;
  }

  /** A process gave its owner capability up: it receives no more, and who waits for its answers learns so. */
  dropReceiver(process: Process): void {
    for (const receive of this.receives.filter((each) => each.process === process)) {
      remove(this.receives, receive);
      receive.fail(ERR.invokeFailed);
    }
    for (const entry of [...this.inFlight.values()].filter((each) => each.receiver === process)) {
      this.inFlight.delete(entry.callId);
      entry.caller.raise("disconnected", "the receiver of the call gave its endpoint up");
    }
    this.#pump();
  }

  /** No owner is left. */
  close(): void {
    this.closed = true;
    for (const call of [...this.queue]) {
      this.#dropQueued(call);
      call.submission.raise("disconnected", "the endpoint has no owner any more");
    }
    for (const receive of this.receives.splice(0)) receive.fail(ERR.invokeFailed);
    for (const entry of [...this.inFlight.values()]) {
      this.inFlight.delete(entry.callId);
      entry.caller.raise("disconnected", "the endpoint has no owner any more");
    }
  }

  /** Everything a refused call must leave as it was, as text (KER-6). */
  digest(): string {
    const name = (s: Submission): string => `${s.process.id}.${s.thread.id}:${s.sqe.userData}`;
    const queue = this.queue.map((call) => `${name(call.submission)}+${call.transfers.length}`);
    const flights = [...this.inFlight.values()].map((f) => `${f.callId}=${name(f.caller)}>${f.receiver.id}`);
    return `queue ${queue.join(" ")} receives ${this.receives.map(name).join(" ")} in flight ${flights.join(" ")}`;
  }
}
