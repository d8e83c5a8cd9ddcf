/** A submission that passes wire validation: a NOP with every optional field zero. */

import type { Sqe } from "../../src/kernel/ring.ts";

export const PLAIN_SQE: Sqe = {
  opcode: 0,
  flags: 0,
  methodId: 0,
  capId: 0,
  userData: 1n,
  addr: 0n,
  len: 0,
  resultLen: 0,
  resultAddr: 0n,
  pipelineDep: 0n,
  pipelineField: 0,
  xferCapCount: 0,
  callId: 0,
  sessionDisclosure: 0n,
};
