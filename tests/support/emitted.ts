/** The translator as an executor of experiments: a bare processor per batch, reset for every case. */

import { createCpu, type Cpu } from "../../src/cpu.ts";
import {
  CODE_PAGE,
  type CpuState,
  DATA_BYTES,
  DATA_PAGES,
  dataPages,
  RODATA_PAGE,
  rotated,
  type TestCase,
  type TestResult,
  windowsOf,
  type X87State,
} from "./state.ts";

const GENERAL = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
] as const; // prettier-ignore
const PAGE = 4096;
/** A case that runs longer loops for ever. */
const MAX_INSTRUCTIONS = 100_000;

export interface Executor {
  run(test: TestCase): TestResult;
}

/** Runs cases on translated code. */
export function emittedExecutor(options: Parameters<typeof createCpu>[0] = {}): Executor {
  const cpu = createCpu({ memoryBytes: 4 << 20, ...options });
  cpu.map(BigInt(CODE_PAGE), PAGE, "rx");
  cpu.map(BigInt(DATA_PAGES), DATA_BYTES, "rw");
  cpu.map(BigInt(RODATA_PAGE), PAGE, "r");
  return { run: (test) => runCase(cpu, test) };
}

function runCase(cpu: Cpu, test: TestCase): TestResult {
  const code = new Uint8Array(PAGE).fill(0xcc);
  code.set(test.code, test.codeOffset);
  cpu.write(BigInt(CODE_PAGE), code);
  cpu.write(BigInt(DATA_PAGES), dataPages(test.window));
  cpu.write(BigInt(RODATA_PAGE), test.rodata);
  writeState(cpu, test.state);
  const exit = cpu.run({ maxInstructions: MAX_INSTRUCTIONS });
  const { window, strayWrite } = windowsOf(cpu.read(BigInt(DATA_PAGES), DATA_BYTES));
  const ending: TestResult["ending"] =
    exit.fault === undefined
      ? { kind: "timeout" }
      : {
          kind: "fault",
          vector: exit.fault.vector,
          errorCode: exit.fault.errorCode,
          address: exit.fault.address,
          ...(exit.fault.unsupported === undefined ? {} : { unsupported: exit.fault.unsupported }),
        };
  return { state: readState(cpu), ending, strayWrite, window };
}

function writeState(cpu: Cpu, state: CpuState): void {
  GENERAL.forEach((name, i) => cpu.set(name, state.gpr[i] ?? 0n));
  cpu.set("rip", state.rip);
  cpu.set("rflags", state.rflags);
  cpu.set("mxcsr", BigInt(state.mxcsr));
  const { control, status, tags, stack } = state.x87;
  cpu.set("fcw", BigInt(control));
  cpu.set("fsw", BigInt(status));
  cpu.set("ftw", BigInt(tags));
  for (const name of ["fop", "fds", "fip", "fdp"]) cpu.set(name, 0n);
  const physical = rotated(stack, status, true);
  const fpr = new DataView(physical.buffer);
  for (let i = 0; i < 8; i++) {
    cpu.set(`fpr${i}`, fpr.getBigUint64(i * 16, true) | (fpr.getBigUint64(i * 16 + 8, true) << 64n));
  }
  const xmm = new DataView(state.xmm.buffer, state.xmm.byteOffset);
  for (let i = 0; i < 16; i++) {
    cpu.set(`xmm${i}`, xmm.getBigUint64(i * 16, true) | (xmm.getBigUint64(i * 16 + 8, true) << 64n));
  }
}

function readX87(cpu: Cpu): X87State {
  const physical = new Uint8Array(128);
  const view = new DataView(physical.buffer);
  for (let i = 0; i < 8; i++) {
    const value = cpu.get(`fpr${i}`);
    view.setBigUint64(i * 16, value & 0xffff_ffff_ffff_ffffn, true);
    view.setBigUint64(i * 16 + 8, value >> 64n, true);
  }
  const status = Number(cpu.get("fsw"));
  return {
    control: Number(cpu.get("fcw")),
    status,
    tags: Number(cpu.get("ftw")),
    stack: rotated(physical, status, false),
  };
}

function readState(cpu: Cpu): CpuState {
  const xmm = new Uint8Array(256);
  const view = new DataView(xmm.buffer);
  for (let i = 0; i < 16; i++) {
    const value = cpu.get(`xmm${i}`);
    view.setBigUint64(i * 16, value & 0xffff_ffff_ffff_ffffn, true);
    view.setBigUint64(i * 16 + 8, value >> 64n, true);
  }
  return {
    gpr: GENERAL.map((name) => cpu.get(name)),
    rip: cpu.get("rip"),
    rflags: cpu.get("rflags"),
    xmm,
    mxcsr: Number(cpu.get("mxcsr")),
    x87: readX87(cpu),
  };
}
