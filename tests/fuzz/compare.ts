/** Two results of one experiment: whether they agree, and what differs as lines that a person can read. */

import {
  CR2_AT,
  ERROR_CODE_AT,
  RESULT_DATA_AT,
  RFLAGS_AT,
  SIGNAL_AT,
  SIGVTALRM,
  STATE_BYTES,
  STRAY_AT,
  VECTOR_AT,
  XMM_AT,
} from "../support/native-layout.ts";
import type { TestResult } from "../support/state.ts";

const NAMES = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
] as const; // prettier-ignore
/** Status flags and DF; RF and IF are the debugger's and the kernel's. */
const COMPARED_FLAGS = 0xcd5;
const PAGE_FAULT = 14;
const BREAKPOINT = 3;

/** One result among several of the same length. */
export interface ResultPlace {
  readonly bytes: Buffer;
  readonly at: number;
}

const equal = (a: ResultPlace, b: ResultPlace, from: number, to: number): boolean =>
  a.bytes.compare(b.bytes, b.at + from, b.at + to, a.at + from, a.at + to) === 0;

/** Linux reports every page outside what a process can have as present, to hide which are. */
const HIDDEN_PRESENT = 1;
const LINUX_USER_END = 0x7fff_ffff_f000n;

const isHidden = ({ bytes, at }: ResultPlace): boolean =>
  bytes.readBigUInt64LE(at + CR2_AT) >= LINUX_USER_END;

/** Both are the same to the bit, but for flags in `undefinedFlags`. False where only a closer look can tell. */
export function agrees(want: ResultPlace, got: ResultPlace, length: number, undefinedFlags: number): boolean {
  const wordsDiffer = (at: number): number =>
    want.bytes.readUInt32LE(want.at + at) ^ got.bytes.readUInt32LE(got.at + at);
  if ((wordsDiffer(RFLAGS_AT) & COMPARED_FLAGS & ~undefinedFlags) !== 0) return false;
  if (wordsDiffer(VECTOR_AT) !== 0 || wordsDiffer(STRAY_AT) !== 0) return false;
  const vector = want.bytes.readUInt32LE(want.at + VECTOR_AT);
  const hidden = vector === PAGE_FAULT && isHidden(want) ? HIDDEN_PRESENT : 0;
  if (vector !== BREAKPOINT && (wordsDiffer(ERROR_CODE_AT) & ~hidden) !== 0) return false;
  if (vector === PAGE_FAULT && !equal(want, got, CR2_AT, CR2_AT + 8)) return false;
  return (
    equal(want, got, 0, RFLAGS_AT) &&
    equal(want, got, XMM_AT, STATE_BYTES) &&
    equal(want, got, RESULT_DATA_AT, length)
  );
}

/** The processor did not come to an end, so there is nothing to compare. */
export const ranForEver = ({ bytes, at }: ResultPlace): boolean =>
  bytes.readUInt32LE(at + SIGNAL_AT) === SIGVTALRM;

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const bytesHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Everything a result shows, by name; flags in `undefinedFlags` are left out. */
export function shownParts(result: TestResult, undefinedFlags: number): Map<string, string> {
  const { state } = result;
  const parts = new Map<string, string>([
    ["ending", describeEnding(result)],
    ["rip", hex(state.rip)],
  ]);
  NAMES.forEach((name, i) => parts.set(name, hex(state.gpr[i] ?? 0n)));
  parts.set("rflags", hex(state.rflags & BigInt(COMPARED_FLAGS & ~undefinedFlags)));
  parts.set("mxcsr", hex(state.mxcsr));
  for (const name of ["control", "status", "tags"] as const) parts.set(`x87 ${name}`, hex(state.x87[name]));
  for (let i = 0; i < 8; i++) parts.set(`st${i}`, bytesHex(state.x87.stack.subarray(i * 16, i * 16 + 10)));
  for (let i = 0; i < 16; i++) parts.set(`xmm${i}`, bytesHex(state.xmm.subarray(i * 16, i * 16 + 16)));
  for (let at = 0; at < result.window.length; at += 16)
    parts.set(`memory +${hex(at)}`, bytesHex(result.window.subarray(at, at + 16)));
  parts.set("stray write", String(result.strayWrite));
  return parts;
}

/** Names of what differs. */
export function differences(expected: TestResult, actual: TestResult, undefinedFlags: number): string[] {
  const want = shownParts(expected, undefinedFlags);
  const got = shownParts(actual, undefinedFlags);
  return [...want.keys()].filter((name) => want.get(name) !== got.get(name));
}

function describeEnding({ ending }: TestResult): string {
  if (ending.kind === "timeout") return "timeout";
  if (ending.vector === BREAKPOINT) return "breakpoint";
  if (ending.vector !== PAGE_FAULT) return `vector ${ending.vector} error ${hex(ending.errorCode)}`;
  const upper = ending.address >= LINUX_USER_END;
  return `page fault, error ${hex(upper ? ending.errorCode | HIDDEN_PRESENT : ending.errorCode)} at ${hex(ending.address)}`;
}
