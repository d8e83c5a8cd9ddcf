/**
 * The ring page of one thread, from the kernel's side. The page belongs to the guest, so no field of it is trusted:
 * the heads and tails that the kernel advances are kept here and only written to the page, and the two indices the
 * guest advances are checked against them on every read.
 *
 *   submission queue   guest writes sq_tail, kernel owns sq_head
 *   completion queue   kernel owns cq_tail, guest writes cq_head
 */

import {
  CQ_ENTRIES,
  CQ_MASK,
  CQE,
  CQE_ARRAY_OFFSET,
  CQE_BYTES,
  RING,
  SQ_ENTRIES,
  SQ_MASK,
  SQE,
  SQE_ARRAY_OFFSET,
  SQE_BYTES,
} from "./abi.ts";

/** A submission as it was copied out of the page; the page is not read again for it. */
export interface Sqe {
  readonly opcode: number;
  readonly flags: number;
  readonly methodId: number;
  readonly capId: number;
  readonly userData: bigint;
  readonly addr: bigint;
  readonly len: number;
  readonly resultLen: number;
  readonly resultAddr: bigint;
  readonly pipelineDep: bigint;
  readonly pipelineField: number;
  readonly xferCapCount: number;
  readonly callId: number;
  readonly sessionDisclosure: bigint;
}

export interface Cqe {
  readonly userData: bigint;
  readonly result: number;
  readonly flags: number;
  readonly capCount: number;
  readonly badge: bigint;
  readonly callId: number;
}

/** Entries between two free-running indices, or undefined when the guest's index cannot be right. */
export function pendingEntries(head: number, tail: number, entries: number): number | undefined {
  const pending = (tail - head) >>> 0;
  return pending > entries ? undefined : pending;
}

/**
 * Fields: `#sqHead`, `#cqTail` = the true indices; `#held` = completions that found no room, oldest first;
 * `consumed`, `posted` = totals since creation (KER-41).
 */
export class Ring {
  readonly #view: DataView;
  #sqHead = 0;
  #cqTail = 0;
  #overflow = 0;
  readonly #held: Cqe[] = [];
  consumed = 0;
  posted = 0;

  /** Takes over a page of 4096 bytes and writes the initial header. */
  constructor(page: Uint8Array) {
    this.#view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    page.fill(0);
    this.#set(RING.sqMask, SQ_MASK);
    this.#set(RING.sqEntries, SQ_ENTRIES);
    this.#set(RING.cqMask, CQ_MASK);
    this.#set(RING.cqEntries, CQ_ENTRIES);
    this.#set(RING.sqeOffset, SQE_ARRAY_OFFSET);
    this.#set(RING.cqeOffset, CQE_ARRAY_OFFSET);
  }

  #get(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
  #set(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  /** Submissions waiting. An impossible tail drops them all, without completions. */
  pendingSubmissions(): number {
    const tail = this.#get(RING.sqTail);
    const pending = pendingEntries(this.#sqHead, tail, SQ_ENTRIES);
    if (pending === undefined) this.#sqHead = tail;
    this.#set(RING.sqHead, this.#sqHead);
    return pending ?? 0;
  }

  /** The submission at the head. Call only while `pendingSubmissions` is not zero. */
  peek(): Sqe {
    const view = this.#view;
    const at = SQE_ARRAY_OFFSET + (this.#sqHead & SQ_MASK) * SQE_BYTES;
    return {
      opcode: view.getUint8(at + SQE.opcode),
      flags: view.getUint8(at + SQE.flags),
      methodId: view.getUint16(at + SQE.methodId, true),
      capId: view.getUint32(at + SQE.capId, true),
      userData: view.getBigUint64(at + SQE.userData, true),
      addr: view.getBigUint64(at + SQE.addr, true),
      len: view.getUint32(at + SQE.len, true),
      resultLen: view.getUint32(at + SQE.resultLen, true),
      resultAddr: view.getBigUint64(at + SQE.resultAddr, true),
      pipelineDep: view.getBigUint64(at + SQE.pipelineDep, true),
      pipelineField: view.getUint16(at + SQE.pipelineField, true),
      xferCapCount: view.getUint16(at + SQE.xferCapCount, true),
      callId: view.getUint32(at + SQE.callId, true),
      sessionDisclosure: view.getBigUint64(at + SQE.sessionDisclosure, true),
    };
  }

  /** Takes the head off the queue. */
  advance(): void {
    this.#sqHead = (this.#sqHead + 1) >>> 0;
    this.consumed++;
    this.#set(RING.sqHead, this.#sqHead);
  }

  /** Completions the guest has not taken. An impossible cq_head drops them all, as the guest's own reader does. */
  available(): number {
    const pending = pendingEntries(this.#get(RING.cqHead), this.#cqTail, CQ_ENTRIES);
    if (pending === undefined) this.#set(RING.cqHead, this.#cqTail);
    this.#set(RING.cqTail, this.#cqTail);
    return pending ?? 0;
  }

  /** Whether a completion made now would be visible at once. */
  hasRoom(): boolean {
    return this.#held.length === 0 && this.available() < CQ_ENTRIES;
  }

  /** Completions kept back for want of room. */
  get held(): number {
    return this.#held.length;
  }

  /** Posts a completion, behind those that are held back. None is ever lost. */
  post(cqe: Cqe): void {
    this.posted++;
    if (this.hasRoom()) return this.#write(cqe);
    this.#held.push(cqe);
    this.#overflow = (this.#overflow + 1) >>> 0;
    this.#set(RING.cqOverflow, this.#overflow);
  }

  /** Moves held completions into the room the guest has made. */
  flushHeld(): void {
    let room = CQ_ENTRIES - this.available();
    for (; room > 0; room--) {
      const cqe = this.#held.shift();
      if (cqe === undefined) return;
      this.#write(cqe);
    }
  }

  #write(cqe: Cqe): void {
    const view = this.#view;
    const at = CQE_ARRAY_OFFSET + (this.#cqTail & CQ_MASK) * CQE_BYTES;
    view.setBigUint64(at + CQE.userData, cqe.userData, true);
    view.setInt32(at + CQE.result, cqe.result, true);
    view.setUint16(at + CQE.flags, cqe.flags, true);
    view.setUint16(at + CQE.capCount, cqe.capCount, true);
    view.setBigUint64(at + CQE.badge, cqe.badge, true);
    view.setUint32(at + CQE.callId, cqe.callId, true);
    view.setUint32(at + CQE.callId + 4, 0, true);
    this.#cqTail = (this.#cqTail + 1) >>> 0;
    this.#set(RING.cqTail, this.#cqTail);
  }

  /** The kernel's own cursors, for digests and reports. */
  cursors(): { readonly sqHead: number; readonly cqTail: number; readonly overflow: number } {
    return { sqHead: this.#sqHead, cqTail: this.#cqTail, overflow: this.#overflow };
  }
}
