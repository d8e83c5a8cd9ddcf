/**
 * Runs a static ELF of Linux on a bare processor, as far as the programs of tests/programs need it: two system calls,
 * write and exit. So one file runs natively and translated.
 */

import { createCpu, type CpuOptions } from "../../src/cpu.ts";

export interface ProgramResult {
  readonly output: string;
  /** The exit code, or what ended the program. */
  readonly ending: number | string;
}

const PAGE = 4096;
const STACK_TOP = 0x7fff_0000;
const STACK_BYTES = 1 << 20;
const MAX_INSTRUCTIONS = 400_000_000;
const WRITE = 1n;
const EXIT = 60n;
const PT_LOAD = 1;

type Cpu = ReturnType<typeof createCpu>;

/** Maps the segments and fills them; gives the entry point. */
function load(cpu: Cpu, file: Buffer): bigint {
  const table = Number(file.readBigUInt64LE(32));
  for (let i = 0; i < file.readUInt16LE(56); i++) {
    const at = table + i * 56;
    if (file.readUInt32LE(at) !== PT_LOAD) continue;
    const flags = file.readUInt32LE(at + 4);
    const [offset, address] = [Number(file.readBigUInt64LE(at + 8)), Number(file.readBigUInt64LE(at + 16))];
    const [inFile, inMemory] = [Number(file.readBigUInt64LE(at + 32)), Number(file.readBigUInt64LE(at + 40))];
    const start = address - (address % PAGE);
    const length = Math.ceil((address + inMemory - start) / PAGE) * PAGE;
    cpu.map(BigInt(start), length, flags & 2 ? "rw" : flags & 1 ? "rx" : "r");
    cpu.write(BigInt(address), file.subarray(offset, offset + inFile));
  }
  return file.readBigUInt64LE(24);
}

/** Runs the program to its end. */
export function runProgram(file: Buffer, options: CpuOptions = {}): ProgramResult {
  const cpu = createCpu({ memoryBytes: 32 << 20, ...options });
  cpu.set("rip", load(cpu, file));
  cpu.map(BigInt(STACK_TOP - STACK_BYTES), STACK_BYTES, "rw");
  cpu.set("rsp", BigInt(STACK_TOP - 64));
  const parts: Buffer[] = [];
  const finished = (ending: number | string): ProgramResult => ({
    output: Buffer.concat(parts).toString("utf8"),
    ending,
  });
  for (let left = MAX_INSTRUCTIONS; left > 0;) {
    const exit = cpu.run({ maxInstructions: left });
    left -= exit.instructions;
    if (exit.kind === "fault") {
      const { vector = 0, address = 0n, unsupported = "" } = exit.fault ?? {};
      return finished(`fault ${vector} at ${exit.rip.toString(16)}, ${address.toString(16)} ${unsupported}`);
    }
    if (exit.kind !== "syscall") break;
    const [number, argument] = [cpu.get("rax"), cpu.get("rdi")];
    if (number === EXIT) return finished(Number(argument & 0xffn));
    if (number !== WRITE) return finished(`system call ${number}`);
    parts.push(Buffer.from(cpu.read(cpu.get("rsi"), Number(cpu.get("rdx")))));
    cpu.set("rax", cpu.get("rdx"));
  }
  return finished("still running");
}
