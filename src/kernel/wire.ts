/**
 * The first check of every submission: fields that its operation does not use must be zero. It runs before any
 * table lookup or buffer check and looks at nothing but the 64 bytes (capos-config ring.rs).
 */

import { DISCLOSURE_MASK, ERR, OP, SQE_RETURN_EXCEPTION, SQE_THREAD_OWNED } from "./abi.ts";
import type { Sqe } from "./ring.ts";

/** Fields beside opcode, flags, cap_id and user_data; a row names those an operation may use. */
type Field =
  | "capId"
  | "methodId"
  | "addr"
  | "len"
  | "resultAddr"
  | "resultLen"
  | "pipelineDep"
  | "pipelineField"
  | "xferCapCount"
  | "callId"
  | "sessionDisclosure";

const FIELDS: readonly Field[] = [
  "capId",
  "methodId",
  "addr",
  "len",
  "resultAddr",
  "resultLen",
  "pipelineDep",
  "pipelineField",
  "xferCapCount",
  "callId",
  "sessionDisclosure",
];

interface Row {
  readonly uses: readonly Field[];
  /** What the fields in use must also fulfil. */
  readonly accepts: (sqe: Sqe) => boolean;
}

const noFlags = (sqe: Sqe): boolean => sqe.flags === 0;
/** THREAD_OWNED exactly when a thread is named. */
const ownerMatchesFlag = (sqe: Sqe): boolean =>
  sqe.flags === 0 ? sqe.callId === 0 : sqe.flags === SQE_THREAD_OWNED && sqe.callId !== 0;

const ROWS: ReadonlyMap<number, Row> = new Map<number, Row>([
  [
    OP.call,
    {
      uses: [
        "capId",
        "methodId",
        "addr",
        "len",
        "resultAddr",
        "resultLen",
        "xferCapCount",
        "callId",
        "sessionDisclosure",
      ],
      accepts: (sqe) => ownerMatchesFlag(sqe) && (sqe.sessionDisclosure & ~DISCLOSURE_MASK) === 0n,
    },
  ],
  [
    OP.return,
    {
      uses: ["capId", "addr", "len", "xferCapCount", "callId"],
      accepts: (sqe) => sqe.flags === 0 || (sqe.flags === SQE_RETURN_EXCEPTION && sqe.xferCapCount === 0),
    },
  ],
  [OP.recv, { uses: ["capId", "resultAddr", "resultLen"], accepts: noFlags }],
  [OP.release, { uses: ["capId"], accepts: noFlags }],
  [OP.nop, { uses: [], accepts: noFlags }],
  [
    OP.cancel,
    { uses: ["capId", "pipelineDep"], accepts: (sqe) => sqe.flags === 0 && sqe.pipelineDep !== 0n },
  ],
  [
    OP.park,
    {
      uses: ["capId", "addr", "len", "pipelineDep", "callId"],
      accepts: (sqe) => sqe.flags === SQE_THREAD_OWNED && sqe.callId !== 0,
    },
  ],
  [OP.unpark, { uses: ["capId", "addr", "len"], accepts: noFlags }],
]);

const UNUSED: ReadonlyMap<number, readonly Field[]> = new Map(
  [...ROWS].map(([opcode, row]) => [opcode, FIELDS.filter((field) => !row.uses.includes(field))]),
);

/** The error a malformed submission completes with, or 0. */
export function wireError(sqe: Sqe): typeof ERR.invalidRequest | typeof ERR.unsupportedOpcode | 0 {
  if (sqe.opcode === OP.finish) return ERR.unsupportedOpcode;
  const row = ROWS.get(sqe.opcode);
  if (row === undefined || !row.accepts(sqe)) return ERR.invalidRequest;
  for (const field of UNUSED.get(sqe.opcode) ?? []) {
    if (Number(sqe[field]) !== 0) return ERR.invalidRequest;
  }
  return 0;
}
