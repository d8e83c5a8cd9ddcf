/** One run of `memory.ts`, in a process of its own: `node memory-cell.js CASE SIZE TIER`; prints a `MemoryCell`. */

import { createCpu } from "../../src/cpu.ts";
import { DEFAULT_OPTIONS, type Tier } from "../../src/jit/options.ts";
import { functionsIn, generatedCode } from "./generated-code.ts";
import { guestRun } from "./guest-run.ts";
import { kernelScenario } from "./kernel-guest.ts";
import { countOption, refuse, tierOption } from "./options.ts";

export interface MemoryCell {
  /** Processor time of the guest's run. */
  readonly cpuMs: number;
  /** Peak of the process: capjit, guest RAM that was touched, and V8's compilers included. */
  readonly peakMiB: number;
}

export const MEMORY_CASES = ["code", "rewrite"] as const;
export type MemoryCase = (typeof MEMORY_CASES)[number];

const CODE = 0x1000_0000n;
const STACK = 0x8000_0000n;
const STACK_BYTES = 65536;
const EXIT_OK = 0n;

/** So many KiB of code, all of which runs once. No image is that large, so the processor runs alone. */
function runCode(kibibytes: number, tier: Tier): number {
  const code = generatedCode(functionsIn(kibibytes * 1024), 1);
  const cpu = createCpu({ memoryBytes: 64 << 20, tier });
  cpu.map(CODE, code.length, "rx");
  cpu.write(CODE, code);
  cpu.map(STACK, STACK_BYTES, "rw");
  cpu.set("rsp", STACK + BigInt(STACK_BYTES));
  cpu.set("rip", CODE);
  const before = process.cpuUsage();
  const { kind } = cpu.run();
  const { user, system } = process.cpuUsage(before);
  if (kind !== "syscall" || cpu.get("rdi") !== EXIT_OK) throw new Error(`${kibibytes} KiB of code: ${kind}`);
  return (user + system) / 1000;
}

/** So many times: new code is written to a page, which is made executable, called, and made writable again. */
function runRewrites(count: number, tier: Tier): number {
  return guestRun(kernelScenario("rewrite", count), { ...DEFAULT_OPTIONS, tier }).cpuMs;
}

const RUNS: Readonly<Record<MemoryCase, (size: number, tier: Tier) => number>> = {
  code: runCode,
  rewrite: runRewrites,
};

const [name = "", size = "", tier = ""] = process.argv.slice(2);
const which = MEMORY_CASES.find((known) => known === name) ?? refuse(`there is no case ${name}`);
const cpuMs = RUNS[which](countOption("size", size), tierOption(tier));
const cell: MemoryCell = { cpuMs, peakMiB: process.resourceUsage().maxRSS / 1024 };
console.log(JSON.stringify(cell));
