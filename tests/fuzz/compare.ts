/** Two results of one experiment: what differs, as lines a person can read. */

import type { TestResult } from "../support/state.ts";

const NAMES = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
] as const; // prettier-ignore
/** Status flags and DF; RF and IF are the debugger's and the kernel's. */
const COMPARED_FLAGS = 0xcd5n;
const PAGE_FAULT = 14;

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const bytesHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Differences of `actual` from `expected`; flags in `undefinedFlags` may be anything. */
export function differences(expected: TestResult, actual: TestResult, undefinedFlags: number): string[] {
  const lines: string[] = [];
  const differ = (what: string, a: string, b: string): void => {
    if (a !== b) lines.push(`${what}: expected ${a}, got ${b}`);
  };
  differ("ending", describeEnding(expected), describeEnding(actual));
  differ("rip", hex(expected.state.rip), hex(actual.state.rip));
  NAMES.forEach((name, i) => differ(name, hex(expected.state.gpr[i] ?? 0n), hex(actual.state.gpr[i] ?? 0n)));
  const mask = COMPARED_FLAGS & ~BigInt(undefinedFlags);
  differ("rflags", hex(expected.state.rflags & mask), hex(actual.state.rflags & mask));
  differ("mxcsr", hex(expected.state.mxcsr), hex(actual.state.mxcsr));
  for (const name of ["control", "status", "tags"] as const) {
    differ(`x87 ${name}`, hex(expected.state.x87[name]), hex(actual.state.x87[name]));
  }
  for (let i = 0; i < 8; i++) {
    const part = ({ state }: TestResult): string => bytesHex(state.x87.stack.slice(i * 16, i * 16 + 10));
    differ(`st${i}`, part(expected), part(actual));
  }
  for (let i = 0; i < 16; i++) {
    const part = (result: TestResult): string => bytesHex(result.state.xmm.slice(i * 16, i * 16 + 16));
    differ(`xmm${i}`, part(expected), part(actual));
  }
  expected.window.forEach((byte, i) => {
    if (byte !== actual.window[i])
      lines.push(`memory window +${i}: expected ${hex(byte)}, got ${hex(actual.window[i] ?? 0)}`);
  });
  differ("stray write", String(expected.strayWrite), String(actual.strayWrite));
  return lines;
}

/** Linux reports every page outside what a process can have as present, to hide which are. */
const HIDDEN_PRESENT = 1;
const LINUX_USER_END = 0x7fff_ffff_f000n;

function describeEnding({ ending }: TestResult): string {
  if (ending.kind === "timeout") return "timeout";
  if (ending.vector !== PAGE_FAULT) return `vector ${ending.vector} error ${hex(ending.errorCode)}`;
  const upper = ending.address >= LINUX_USER_END;
  return `page fault, error ${hex(upper ? ending.errorCode | HIDDEN_PRESENT : ending.errorCode)} at ${hex(ending.address)}`;
}
