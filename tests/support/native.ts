/**
 * The host's processor as the reference: builds and drives tests/native/harness.c. Present only on x86-64 Linux
 * with a C compiler; `nativeCpu()` says why when it is not.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CODE_BYTES, type CpuState, type TestCase, type TestResult, WINDOW_BYTES } from "./state.ts";

const SOURCE = fileURLToPath(new URL("../native/harness.c", import.meta.url));
const STATE_BYTES = 16 * 8 + 8 + 8 + 16 * 16 + 16 + 8 * 16;
const RODATA_BYTES = 64;
const CASE_BYTES = STATE_BYTES + 8 + CODE_BYTES + WINDOW_BYTES + RODATA_BYTES;
const RESULT_BYTES = STATE_BYTES + 8 + 16 + WINDOW_BYTES;
const SIGALRM = 14;

export interface NativeCpu {
  /** Runs each case in order. Throws when the harness dies, which a system call under test does. */
  run(cases: readonly TestCase[]): TestResult[];
}

/** The reference, or the reason why there is none here. */
export function nativeCpu(): NativeCpu | string {
  if (process.arch !== "x64" || process.platform !== "linux") return "the host is not x86-64 Linux";
  const binary = buildHarness();
  if (typeof binary !== "string") return binary.reason;
  return { run: (cases) => runBatch(binary, cases) };
}

function buildHarness(): string | { readonly reason: string } {
  const digest = createHash("sha256").update(readFileSync(SOURCE)).digest("hex").slice(0, 16);
  const folder = join(tmpdir(), "capjit-native");
  const binary = join(folder, `harness-${digest}`);
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync("cc", ["-O2", "-o", binary, SOURCE], { stdio: "pipe" });
  } catch (error) {
    return {
      reason: `no working C compiler: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : ""}`,
    };
  }
  return binary;
}

function runBatch(binary: string, cases: readonly TestCase[]): TestResult[] {
  const input = Buffer.alloc(cases.length * CASE_BYTES);
  cases.forEach((test, i) => encodeCase(test, input.subarray(i * CASE_BYTES, (i + 1) * CASE_BYTES)));
  const { stdout, status, signal } = spawnSync(binary, [], {
    input,
    maxBuffer: cases.length * RESULT_BYTES + 4096,
  });
  if (stdout.length !== cases.length * RESULT_BYTES) {
    const done = Math.floor(stdout.length / RESULT_BYTES);
    const code = Buffer.from(cases[done]?.code ?? []).toString("hex");
    throw new Error(`the native harness died (${signal ?? status}) at case ${done}, code ${code}`);
  }
  return cases.map((_, i) => decodeResult(stdout.subarray(i * RESULT_BYTES, (i + 1) * RESULT_BYTES)));
}

function encodeCase(test: TestCase, into: Buffer): void {
  encodeState(test.state, into);
  into.writeUInt32LE(test.code.length, STATE_BYTES);
  into.writeUInt32LE(test.codeOffset, STATE_BYTES + 4);
  const code = into.subarray(STATE_BYTES + 8, STATE_BYTES + 8 + CODE_BYTES);
  code.fill(0xcc);
  code.set(test.code);
  into.set(test.window, STATE_BYTES + 8 + CODE_BYTES);
  into.set(test.rodata, STATE_BYTES + 8 + CODE_BYTES + WINDOW_BYTES);
}

function encodeState(state: CpuState, into: Buffer): void {
  state.gpr.forEach((value, i) => into.writeBigUInt64LE(value, i * 8));
  into.writeBigUInt64LE(state.rip, 128);
  into.writeBigUInt64LE(state.rflags, 136);
  into.set(state.xmm, 144);
  into.writeUInt32LE(state.mxcsr, 400);
  into.writeUInt16LE(state.x87.control, 404);
  into.writeUInt16LE(state.x87.status, 406);
  into.writeUInt32LE(state.x87.tags, 408);
  into.set(state.x87.stack, 416);
}

function decodeState(from: Buffer): CpuState {
  return {
    gpr: Array.from({ length: 16 }, (_, i) => from.readBigUInt64LE(i * 8)),
    rip: from.readBigUInt64LE(128),
    rflags: from.readBigUInt64LE(136),
    xmm: Uint8Array.from(from.subarray(144, 400)),
    mxcsr: from.readUInt32LE(400),
    x87: {
      control: from.readUInt16LE(404),
      status: from.readUInt16LE(406),
      tags: from.readUInt32LE(408),
      stack: Uint8Array.from(from.subarray(416, 544)),
    },
  };
}

function decodeResult(from: Buffer): TestResult {
  const at = STATE_BYTES;
  const signal = from.readUInt32LE(at + 16);
  return {
    state: decodeState(from),
    ending:
      signal === SIGALRM
        ? { kind: "timeout" }
        : {
            kind: "fault",
            vector: from.readUInt32LE(at + 8),
            errorCode: from.readUInt32LE(at + 12),
            address: from.readBigUInt64LE(at),
          },
    strayWrite: from.readUInt32LE(at + 20) !== 0,
    window: Uint8Array.from(from.subarray(at + 24, at + 24 + WINDOW_BYTES)),
  };
}
