/** From what the kernel knows of a fault to what a report needs, as plain data. */

import type { FaultRecord as KernelRecord } from "./kernel/kernel.ts";
import type { PageExplanation } from "./kernel/objects/process-memory.ts";
import { PAGE_BYTES, userAddress } from "./mmu/address.ts";
import { STATE_BYTE } from "./mmu/layout.ts";
import type { AddressSpace, Mmu } from "./mmu/mmu.ts";
import { REGISTER_NAMES, RegisterFile } from "./registers.ts";
import type { FaultRecord, PageFacts, PageOrigin } from "./run-result.ts";

const INTEGER_REGISTERS = REGISTER_NAMES.filter((name) => !name.startsWith("xmm"));

const PROTECTION_TEXT = {
  none: "---",
  r: "R--",
  rw: "RW-",
  rx: "R-X",
  reserved: "reserved, not committed",
} as const;

const CODE_BYTES = 64;
const MAX_BACKTRACE = 32;

/** What only the memory of the process can tell; to be taken before the process is gone. */
export interface FaultSnapshot {
  readonly code: Uint8Array;
  readonly backtrace: readonly number[];
}

/** Reads the code at RIP and follows the frame pointers of the running thread. Changes nothing. */
export function faultSnapshot(mmu: Mmu): FaultSnapshot {
  const space = mmu.active;
  if (space === undefined) return { code: new Uint8Array(), backtrace: [] };
  const registers = new RegisterFile(mmu.view, STATE_BYTE);
  return {
    code: readableFrom(space, registers.get("rip")),
    backtrace: frameChain(space, registers.get("rbp")),
  };
}

function readableFrom(space: AddressSpace, start: bigint): Uint8Array {
  const at = userAddress(start);
  if (at === undefined) return new Uint8Array();
  const bytes = new Uint8Array(CODE_BYTES);
  const inPage = Math.min(CODE_BYTES, PAGE_BYTES - (at % PAGE_BYTES));
  for (const length of [CODE_BYTES, inPage]) {
    const part = bytes.subarray(0, length);
    if (space.peek(at, part)) return part;
  }
  return new Uint8Array();
}

/** Saved frame pointers must lie at ever higher addresses, so a hostile chain ends. */
function frameChain(space: AddressSpace, first: bigint): number[] {
  const returns: number[] = [];
  const frame = new Uint8Array(16);
  const view = new DataView(frame.buffer);
  let pointer = first;
  while (returns.length < MAX_BACKTRACE) {
    const at = userAddress(pointer);
    if (
      at === undefined ||
      at % 8 !== 0 ||
      userAddress(pointer + 15n) === undefined ||
      !space.peek(at, frame)
    )
      break;
    const target = userAddress(view.getBigUint64(8, true));
    if (target === undefined || target === 0) break;
    returns.push(target);
    const next = view.getBigUint64(0, true);
    if (next <= pointer) break;
    pointer = next;
  }
  return returns;
}

export function faultRecord(record: KernelRecord, program: string, snapshot: FaultSnapshot): FaultRecord {
  const { fault, state } = record;
  const registers = new RegisterFile(new DataView(state.buffer, state.byteOffset, state.byteLength), 0);
  const subject = record.address ?? record.rip;
  const explanation = record.address === undefined ? record.codePage : record.page;
  return {
    pid: record.process,
    name: record.name,
    program,
    thread: record.thread,
    vector: fault.vector,
    errorCode: fault.errorCode,
    rip: record.rip,
    registers: INTEGER_REGISTERS.map((name) => [name, registers.get(name)] as const),
    code: snapshot.code,
    backtrace: snapshot.backtrace,
    page: pageFacts(subject, explanation),
    ...(record.address === undefined ? {} : { address: record.address }),
    ...(fault.unsupported === undefined ? {} : { unsupported: fault.unsupported }),
  };
}

function pageFacts(subject: bigint, explanation: PageExplanation | undefined): PageFacts {
  const address = subject - (subject % BigInt(PAGE_BYTES));
  if (explanation === undefined)
    return { address, mapping: "nothing is mapped or reserved there", protection: "---" };
  const { mapping, protection, by } = explanation;
  return { address, mapping, protection: PROTECTION_TEXT[protection], origin: origin(by) };
}

function origin(by: PageExplanation["by"]): PageOrigin {
  if (typeof by === "string") return { capability: by, method: "", arguments: "" };
  return { capability: by.capability, method: by.method, arguments: by.arguments, rip: by.rip };
}
