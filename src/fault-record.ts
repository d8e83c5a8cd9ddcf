/** From what the kernel knows of a fault to what a report needs, as plain data. */

import type { TranslationCache } from "./jit/cache/translation-cache.ts";
import type { FaultRecord as KernelRecord } from "./kernel/reports.ts";
import type { PageExplanation } from "./kernel/objects/process-memory.ts";
import { type GuestAddress, PAGE_BYTES, pageOf, userAddress } from "./mmu/address.ts";
import { STATE_BYTE } from "./mmu/layout.ts";
import type { AddressSpace, Mmu } from "./mmu/mmu.ts";
import { REGISTER_NAMES, RegisterFile } from "./registers.ts";
import type { CodeBytes, FaultRecord, PageFacts, PageOrigin } from "./run-result.ts";

const INTEGER_REGISTERS = REGISTER_NAMES.filter((name) => !/^(xmm|fpr|f[cst]w|fop|fds|f[id]p)/.test(name));

const PROTECTION_TEXT = {
  none: "---",
  r: "R--",
  rw: "RW-",
  rx: "R-X",
  reserved: "reserved, not committed",
} as const;

const CODE_BYTES = 64;
/** Instructions shown before the faulting one. */
const INSTRUCTIONS_BEFORE = 4;
const MAX_BACKTRACE = 32;
const MAX_STACK_WORDS = 512;
const MAX_STACK_RETURNS = 12;

/** What only the memory of the process can tell; to be taken before the process is gone. */
export interface FaultSnapshot {
  readonly code: Uint8Array;
  readonly codeBefore: readonly CodeBytes[];
  readonly backtrace: readonly number[];
  readonly stackReturns: readonly number[];
}

/** Reads code and stack around RIP of the running thread. Changes nothing. */
export function faultSnapshot(mmu: Mmu, cache: TranslationCache): FaultSnapshot {
  const space = mmu.active;
  if (space === undefined) return { code: new Uint8Array(), codeBefore: [], backtrace: [], stackReturns: [] };
  const registers = new RegisterFile(mmu.view, STATE_BYTE);
  const rip = registers.get("rip");
  return {
    code: readableFrom(space, rip),
    codeBefore: instructionsBefore(space, cache, rip),
    backtrace: frameChain(space, registers.get("rbp")),
    stackReturns: returnsOnStack(space, registers.get("rsp")),
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

/**
 * The instructions before RIP in its block. x86 cannot be read backwards, but what was translated says where
 * instructions begin; of several blocks over RIP the one that reaches back furthest is taken.
 */
function instructionsBefore(space: AddressSpace, cache: TranslationCache, rip: bigint): CodeBytes[] {
  const at = userAddress(rip);
  if (at === undefined) return [];
  const code = cache.spaces.get(space.id)?.pages.get(pageOf(at))?.code;
  let before: readonly { readonly address: GuestAddress; readonly length: number }[] = [];
  for (const { unit } of code?.allCells() ?? []) {
    const instructions = unit?.instructions ?? [];
    const index = instructions.findIndex(({ address }) => address === at);
    if (index > before.length) before = instructions.slice(0, index);
  }
  return before.slice(-INSTRUCTIONS_BEFORE).flatMap(({ address, length }) => {
    const bytes = new Uint8Array(length);
    return space.peek(address, bytes) ? [{ address: BigInt(address), bytes }] : [];
  });
}

/** Saved frame pointers must lie at ever higher addresses, so a hostile chain ends. */
function frameChain(space: AddressSpace, first: bigint): number[] {
  const returns: number[] = [];
  let pointer = first;
  while (returns.length < MAX_BACKTRACE) {
    const target = pointer % 8n === 0n ? codeAddress(space, readWord(space, pointer + 8n)) : undefined;
    const next = readWord(space, pointer);
    if (target === undefined || next === undefined) break;
    returns.push(target);
    if (next <= pointer) break;
    pointer = next;
  }
  return returns;
}

/** Words of the stack that point behind a call instruction: what is left when there are no frame pointers. */
function returnsOnStack(space: AddressSpace, top: bigint): number[] {
  const returns: number[] = [];
  if (top % 8n !== 0n) return returns;
  for (let i = 0; i < MAX_STACK_WORDS && returns.length < MAX_STACK_RETURNS; i++) {
    const word = readWord(space, top + BigInt(8 * i));
    if (word === undefined) break;
    const target = codeAddress(space, word);
    if (target !== undefined && followsCall(space, target)) returns.push(target);
  }
  return returns;
}

function readWord(space: AddressSpace, address: bigint): bigint | undefined {
  const bytes = new Uint8Array(8);
  const at = userAddress(address);
  if (at === undefined || userAddress(address + 7n) === undefined || !space.peek(at, bytes)) return undefined;
  return new DataView(bytes.buffer).getBigUint64(0, true);
}

/** The value as an address in an executable page. */
function codeAddress(space: AddressSpace, value: bigint | undefined): GuestAddress | undefined {
  const at = value === undefined ? undefined : userAddress(value);
  if (at === undefined) return undefined;
  const entry = space.query(pageOf(at));
  return entry?.present === true && entry.executable ? at : undefined;
}

/** Whether a CALL ends here: E8 with 32-bit displacement, or FF /2 of any length (Intel SDM vol. 2, CALL). */
function followsCall(space: AddressSpace, target: GuestAddress): boolean {
  const before = new Uint8Array(7);
  const from = userAddress(BigInt(target) - 7n);
  if (from === undefined || !space.peek(from, before)) return false;
  const isCall = (modRm: number): boolean => ((before[modRm] ?? 0) & 0x38) === 0x10;
  return before[2] === 0xe8 || [5, 4, 3, 1, 0].some((at) => before[at] === 0xff && isCall(at + 1));
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
    codeBefore: snapshot.codeBefore,
    backtrace: snapshot.backtrace,
    stackReturns: snapshot.stackReturns,
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
