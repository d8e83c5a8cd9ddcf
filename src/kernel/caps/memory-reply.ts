/** The outcome of a memory operation as the answer to a call: refusals are application exceptions. */

import type { Reply } from "../call.ts";
import { refuse } from "../call.ts";
import type { AddressOutcome, Outcome } from "../objects/process-memory.ts";

export const memoryReply = (outcome: Outcome): Reply =>
  outcome.status === "ok" ? undefined : refuse(outcome.status, outcome.text);

/** The same for an operation that answers with an address. */
export function addressReply(outcome: AddressOutcome, results: { addr: bigint }): Reply {
  if (outcome.status !== "ok") return refuse(outcome.status, outcome.text);
  results.addr = BigInt(outcome.address);
  return undefined;
}
