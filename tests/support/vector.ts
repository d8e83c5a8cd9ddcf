/**
 * Recorded results of a processor, one line each: the code, the number its start state is made from, and what the
 * processor changed. Example: `48ffc0 77 rax=5 flags=44` .
 *
 *   RIP and the ending are left out when the code ran to its end; flags and registers when they stayed; memory is
 *   written as runs of changed bytes, `m12=ff00`, by offset into the window.
 */

import type { CpuState, TestCase, TestResult } from "./state.ts";
import { vectorCase } from "./vector-case.ts";

const NAMES = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
] as const; // prettier-ignore
/** Status flags and DF. */
const COMPARED_FLAGS = 0xcd5n;
const BREAKPOINT = 3;

/** A state as named numbers in hexadecimal; `mask` are the flags that count. */
function partsOf(state: CpuState, mask: bigint): Map<string, string> {
  const parts = new Map<string, string>();
  NAMES.forEach((name, i) => parts.set(name, (state.gpr[i] ?? 0n).toString(16)));
  parts.set("flags", (state.rflags & mask).toString(16));
  parts.set("mxcsr", state.mxcsr.toString(16));
  parts.set("fcw", state.x87.control.toString(16));
  parts.set("fsw", state.x87.status.toString(16));
  parts.set("ftw", state.x87.tags.toString(16));
  for (let i = 0; i < 8; i++)
    parts.set(`st${i}`, Buffer.from(state.x87.stack.subarray(i * 16, i * 16 + 10)).toString("hex"));
  for (let i = 0; i < 16; i++)
    parts.set(`x${i}`, Buffer.from(state.xmm.subarray(i * 16, i * 16 + 16)).toString("hex"));
  return parts;
}

/** Runs of bytes that differ, as `m<offset>=<bytes>`. */
function changedMemory(before: Uint8Array, after: Uint8Array): string[] {
  const runs: string[] = [];
  for (let at = 0; at < after.length; at++) {
    if (before[at] === after[at]) continue;
    const start = at;
    while (at < after.length && before[at] !== after[at]) at++;
    runs.push(`m${start}=${Buffer.from(after.subarray(start, at)).toString("hex")}`);
  }
  return runs;
}

function endingText(test: TestCase, { ending, state }: TestResult): string[] {
  if (ending.kind === "timeout") return ["timeout"];
  const plain = ending.vector === BREAKPOINT && state.rip === test.state.rip + BigInt(test.code.length + 1);
  if (plain) return [];
  const { vector, errorCode, address } = ending;
  const fault =
    vector === 14 ? `:${errorCode.toString(16)}:${address.toString(16)}` : `:${errorCode.toString(16)}`;
  return [`end=${vector}${fault}`, `rip=${(state.rip - test.state.rip).toString(16)}`];
}

/** What a result changed, in a fixed order; equal texts are equal results. */
export function changesText(test: TestCase, result: TestResult, undefinedFlags: number): string {
  const mask = COMPARED_FLAGS & ~BigInt(undefinedFlags);
  const before = partsOf(test.state, mask);
  const changed = [...partsOf(result.state, mask)].filter(([name, value]) => before.get(name) !== value);
  return [
    ...endingText(test, result),
    ...changed.map(([name, value]) => `${name}=${value}`),
    ...changedMemory(test.window, result.window),
    ...(result.strayWrite ? ["stray"] : []),
  ].join(" ");
}

export const vectorText = (code: Uint8Array, seed: number, changes: string): string =>
  `${Buffer.from(code).toString("hex")} ${seed}${changes === "" ? "" : ` ${changes}`}`;

export interface Vector {
  readonly test: TestCase;
  /** As `changesText` gives it. */
  readonly changes: string;
}

export function parseVector(text: string): Vector {
  const [code = "", seed = "", ...changes] = text.split(" ");
  return { test: vectorCase(Buffer.from(code, "hex"), Number(seed)), changes: changes.join(" ") };
}

/** Addresses that Linux answers for in its own way are left out of recordings. */
export const isRecordable = ({ ending }: TestResult): boolean =>
  ending.kind === "fault" && (ending.vector !== 14 || ending.address < 0x7fff_ffff_f000n);
