/**
 * What each ring operation does once its submission is well formed. Every operation completes its submission now or
 * leaves it with an object that will. Checks come in the order the interface fixes and before any effect.
 */

import type { CallSite, Reply } from "./call.ts";
import { refuse } from "./call.ts";
import {
  ERR,
  MAX_MESSAGE_BYTES,
  MAX_TRANSFERS,
  OP,
  SQE_RETURN_EXCEPTION,
  TRANSFER_RECORD_BYTES,
} from "./abi.ts";
import { EndpointCapability } from "./caps/endpoint.ts";
import type { Hold } from "./capability.ts";
import { copyIn } from "./guest-memory.ts";
import type { Resource } from "./ledger.ts";
import type { KernelObject } from "./object.ts";
import type { InFlight } from "./objects/endpoint.ts";
import { park, unpark } from "./parking.ts";
import type { KernelServices } from "./services.ts";
import type { Submission } from "./submission.ts";
import { INSERT_REFUSALS, releaseCapability } from "./submission.ts";
import { readDescriptors, TransferSet } from "./transfers.ts";

type Operation = (services: KernelServices, submission: Submission) => void;

/** Runs a well-formed submission. */
export function runOperation(services: KernelServices, submission: Submission): void {
  const operation = OPERATIONS.get(submission.sqe.opcode);
  if (operation === undefined) return submission.fail(ERR.invalidRequest);
  operation(services, submission);
}

// --- CALL --------------------------------------------------------------------------------------------------------

const call: Operation = (services, submission) => {
  const { process, sqe } = submission;
  if (sqe.len > MAX_MESSAGE_BYTES || sqe.resultLen > MAX_MESSAGE_BYTES) {
    return submission.fail(ERR.invalidRequest);
  }
  const hold = process.table.get(sqe.capId);
  if (hold === "revoked") return raiseChecked(submission, "disconnected", "the capability was revoked");
  if (typeof hold === "string") return submission.fail(ERR.invokeFailed);
  if (hold.object instanceof EndpointCapability) return callEndpoint(services, submission, hold, hold.object);
  if (sqe.xferCapCount !== 0) return submission.fail(ERR.transferNotSupported);
  const params = openCall(submission);
  if (params !== undefined) callObject(services, submission, hold, params);
};

/** The params of a call whose buffers are in order and that is counted now; otherwise it is completed. */
function openCall(submission: Submission): Uint8Array | undefined {
  const { process, sqe } = submission;
  const params = copyIn(process.memory.space, sqe.addr, sqe.len);
  if (params === undefined) submission.fail(ERR.invalidParamsBuffer);
  else if (!submission.resultIsWritable(sqe.resultLen)) submission.fail(ERR.invalidResultBuffer);
  else if (submission.charge("outstandingCalls")) return params;
  else submission.raise("overloaded", process.ledger.refusal("outstandingCalls", 1));
  return undefined;
}

/** An exception before the buffer was looked at. */
function raiseChecked(submission: Submission, ...exception: Parameters<Submission["raise"]>): void {
  if (!submission.resultIsWritable(submission.sqe.resultLen)) return submission.fail(ERR.invalidResultBuffer);
  submission.raise(...exception);
}

function callObject(
  services: KernelServices,
  submission: Submission,
  hold: Hold<KernelObject>,
  params: Uint8Array,
): void {
  const site = new SubmissionSite(services, submission, hold);
  const outcome = hold.object.dispatch(site, submission.sqe.methodId, params);
  services.inspectReply(hold.object, outcome);
  submission.settle(outcome);
}

/** A call on a kernel object, as `dispatch` sees it. */
class SubmissionSite implements CallSite {
  readonly services: KernelServices;
  readonly hold: Hold<KernelObject>;
  readonly #submission: Submission;

  constructor(services: KernelServices, submission: Submission, hold: Hold<KernelObject>) {
    this.services = services;
    this.hold = hold;
    this.#submission = submission;
  }

  get process(): Submission["process"] {
    return this.#submission.process;
  }
  get thread(): Submission["thread"] {
    return this.#submission.thread;
  }
  get resultLength(): number {
    return this.#submission.sqe.resultLen;
  }

  refuseCaps(recordsAt: number, caps: number, framePages: number): Reply {
    if (caps > MAX_TRANSFERS)
      return refuse("overloaded", `${caps} capabilities, ${MAX_TRANSFERS} can be returned`);
    if (recordsAt + caps * TRANSFER_RECORD_BYTES > this.resultLength) {
      return { kind: "transport", code: ERR.invalidResultBuffer };
    }
    const refused = this.process.table.preflight(caps, framePages);
    return refused === undefined ? undefined : refuse("overloaded", INSERT_REFUSALS[refused]);
  }

  charge(resource: Resource): boolean {
    return this.#submission.charge(resource);
  }

  suspend(onCancel: () => void): { complete(outcome: Parameters<Submission["settle"]>[0]): void } {
    this.#submission.onCancel(onCancel);
    return { complete: (outcome) => this.#submission.settle(outcome) };
  }

  provenance(method: string, params: string): ReturnType<CallSite["provenance"]> {
    const rip = this.services.cpu.rip();
    return { capability: this.hold.object.interface.name, method, arguments: params, rip };
  }
}

function callEndpoint(
  services: KernelServices,
  submission: Submission,
  hold: Hold<KernelObject>,
  { endpoint }: EndpointCapability,
): void {
  const { process, sqe } = submission;
  const descriptors = readDescriptors(process.memory.space, sqe);
  if (typeof descriptors === "number") return submission.fail(descriptors);
  const transfers = TransferSet.prepare(process, descriptors, "ipcTransfer");
  if (typeof transfers === "number") return submission.fail(transfers);
  const params = openCall(submission);
  if (params === undefined) return transfers.rollback();
  const overload = process.ledger.canCharge("scratchBytes", params.length)
    ? endpoint.refusal()
    : process.ledger.refusal("scratchBytes", params.length);
  if (overload !== undefined) {
    transfers.rollback();
    return submission.raise("overloaded", overload);
  }
  const { interfaceId, badge } = hold;
  const session = services.sessions.block(endpoint.scopeId, Number(sqe.sessionDisclosure) & hold.disclosure);
  endpoint.call({ submission, interfaceId, badge, session, methodId: sqe.methodId, params, transfers });
}

// --- RECV, RETURN, CANCEL ----------------------------------------------------------------------------------------

const receive: Operation = (_services, submission) => {
  const { process, sqe } = submission;
  if (sqe.resultLen > MAX_MESSAGE_BYTES) return submission.fail(ERR.invalidRequest);
  const hold = process.table.get(sqe.capId);
  if (hold === "revoked") return raiseChecked(submission, "disconnected", "the endpoint is gone");
  if (typeof hold === "string") return submission.fail(ERR.invokeFailed);
  const { object } = hold;
  if (!(object instanceof EndpointCapability && object.owner)) {
    return raiseChecked(submission, "unimplemented", `${object.label} is not the owner of an endpoint`);
  }
  if (!submission.resultIsWritable(sqe.resultLen)) return submission.fail(ERR.invalidResultBuffer);
  if (!submission.charge("outstandingCalls")) {
    return submission.raise("overloaded", process.ledger.refusal("outstandingCalls", 1));
  }
  object.endpoint.receive(submission);
};

/** The owner capability of an endpoint that a RETURN or CANCEL names; otherwise the submission is completed. */
function ownedEndpoint(submission: Submission): EndpointCapability["endpoint"] | undefined {
  const hold = submission.process.table.get(submission.sqe.capId);
  if (typeof hold === "string") submission.fail(ERR.invokeFailed);
  else if (hold.object instanceof EndpointCapability && hold.object.owner) return hold.object.endpoint;
  else submission.fail(ERR.invalidRequest);
  return undefined;
}

const returnCall: Operation = (_services, submission) => {
  const { process, sqe } = submission;
  if (sqe.len > MAX_MESSAGE_BYTES) return submission.fail(ERR.invalidRequest);
  const endpoint = ownedEndpoint(submission);
  if (endpoint === undefined) return;
  const entry = endpoint.answerable(sqe.callId, process);
  if (entry === undefined) return submission.fail(ERR.invalidRequest);
  const payload = copyIn(process.memory.space, sqe.addr, sqe.len);
  if (payload === undefined) return submission.fail(ERR.invalidParamsBuffer);
  const descriptors = readDescriptors(process.memory.space, sqe);
  if (typeof descriptors === "number") return submission.fail(descriptors);
  const transfers = TransferSet.prepare(process, descriptors, "resultCap");
  if (typeof transfers === "number") return submission.fail(transfers);
  const code =
    sqe.flags === SQE_RETURN_EXCEPTION
      ? answerException(entry, payload)
      : answerResult(entry, payload, transfers);
  if (code !== ERR.transferAborted) endpoint.finish(entry);
  submission.complete(code);
  endpoint.deliverNext();
};

/** Completes the caller and says how the RETURN went; R-16 when the caller's buffer is too small. */
function answerResult({ caller }: InFlight, payload: Uint8Array, transfers: TransferSet): number {
  if (!caller.resultIsWritable(payload.length + transfers.length * TRANSFER_RECORD_BYTES)) {
    transfers.rollback();
    caller.fail(ERR.invalidResultBuffer);
    return ERR.invalidResultBuffer;
  }
  const records = transfers.deliver(caller.process);
  if (records === undefined) {
    // The call stays in flight: its receiver may answer without the capabilities.
    transfers.rollback();
    return ERR.transferAborted;
  }
  caller.mustDeliver(payload, records);
  return 0;
}

/** The payload is the receiver's CapException message; it is passed on as it is or not at all. */
function answerException({ caller }: InFlight, payload: Uint8Array): number {
  caller.deliverException(payload);
  return 0;
}

const cancel: Operation = (_services, submission) => {
  const endpoint = ownedEndpoint(submission);
  if (endpoint === undefined) return;
  const found = endpoint.takeReceive(submission, submission.sqe.pipelineDep);
  if (found === undefined) return submission.fail(ERR.invalidRequest);
  found.fail(ERR.invokeFailed);
  submission.complete(0);
};

// --- RELEASE, NOP ------------------------------------------------------------------------------------------------

const releaseCap: Operation = (_services, submission) => {
  const removed = releaseCapability(submission.process, submission.sqe.capId);
  if (removed === "transferPending") return submission.fail(ERR.transferAborted);
  submission.complete(typeof removed === "string" ? ERR.invalidRequest : 0);
};

const nop: Operation = (_services, submission) => submission.complete(0);

const OPERATIONS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [OP.call, call],
  [OP.return, returnCall],
  [OP.recv, receive],
  [OP.release, releaseCap],
  [OP.nop, nop],
  [OP.cancel, cancel],
  [OP.park, park],
  [OP.unpark, unpark],
]);
