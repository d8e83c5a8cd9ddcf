/**
 * The host's processor as the reference: builds and drives tests/native/harness.c. Present only on x86-64 Linux
 * with a C compiler; `nativeCpu()` says why when it is not.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageFile } from "../../src/package-root.ts";
import {
  type Batch,
  batchOf,
  caseBytes,
  decodeResult,
  encodeHeader,
  IMAGE_AT,
  resultBytes,
  SIGNAL_AT,
} from "./native-layout.ts";
import { CODE_AREA_BYTES, type TestCase, type TestResult } from "./state.ts";

/** Files in memory, where the system has a folder for them. */
const MEMORY_FOLDER = "/dev/shm";

export interface NativeCpu {
  /** Runs each case in order. Throws when the harness dies, which a system call under test does. */
  run(cases: readonly TestCase[]): TestResult[];
  /** Results of `resultBytes(batch.parts)` each, in one buffer that the next call uses again. */
  runBatch(batch: Batch): Buffer;
  /** Gives the files back; nothing runs afterwards. */
  close(): void;
}

/** The reference, or the reason why there is none here. */
export function nativeCpu(): NativeCpu | string {
  if (process.arch !== "x64" || process.platform !== "linux") return "the host is not x86-64 Linux";
  const binary = buildHarness();
  return typeof binary === "string" ? new Harness(binary) : binary.reason;
}

function buildHarness(): string | { readonly reason: string } {
  const source = packageFile("tests/native/harness.c");
  const digest = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const folder = join(tmpdir(), "capjit-native");
  const binary = join(folder, `harness-${digest}`);
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  // Several processes may build it at once: renamed when it is whole.
  const unfinished = `${binary}.${process.pid}`;
  try {
    execFileSync("cc", ["-O2", "-fno-stack-protector", "-o", unfinished, source], { stdio: "pipe" });
  } catch (error) {
    const text = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "";
    return { reason: `no working C compiler: ${text}` };
  }
  renameSync(unfinished, binary);
  return binary;
}

class Harness implements NativeCpu {
  readonly #binary: string;
  /** Input and output. Their names are gone at once: only the open files are needed. */
  readonly #input: number;
  readonly #output: number;
  #results = Buffer.alloc(0);

  constructor(binary: string) {
    this.#binary = binary;
    const folder = mkdtempSync(join(existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir(), "capjit-"));
    this.#input = openSync(join(folder, "input"), "wx+");
    this.#output = openSync(join(folder, "output"), "wx+");
    rmSync(folder, { recursive: true });
  }

  close(): void {
    closeSync(this.#input);
    closeSync(this.#output);
  }

  run(cases: readonly TestCase[]): TestResult[] {
    if (cases.length === 0) return [];
    const batch = batchOf(cases);
    const size = resultBytes(batch.parts);
    const results = this.runBatch(batch);
    return cases.map((_, i) => decodeResult(results.subarray(i * size, (i + 1) * size)));
  }

  runBatch(batch: Batch): Buffer {
    const bytes = batch.count * resultBytes(batch.parts);
    this.#write(batch);
    // Cut off and made long again it is all zeros, so that a result of an earlier batch is not taken for one.
    ftruncateSync(this.#output, 0);
    ftruncateSync(this.#output, bytes);
    const { status, signal } = spawnSync(this.#binary, [], { stdio: [this.#input, this.#output, "inherit"] });
    if (this.#results.length < bytes) this.#results = Buffer.alloc(bytes);
    const results = this.#results.subarray(0, bytes);
    readSync(this.#output, results, 0, bytes, 0);
    if (status !== 0)
      throw new Error(`the native harness died (${signal ?? status}) ${whereOf(batch, results)}`);
    return results;
  }

  #write(batch: Batch): void {
    let at = 0;
    const cases = batch.cases.subarray(0, batch.count * caseBytes(batch.parts));
    for (const bytes of [encodeHeader(batch), ...batch.images, cases]) {
      writeSync(this.#input, bytes, 0, bytes.length, at);
      at += bytes.length;
    }
  }
}

/** The first case without a result, and the code it ran. */
function whereOf({ parts, images, count, cases }: Batch, results: Buffer): string {
  const size = resultBytes(parts);
  let done = 0;
  while (done < count && results.readUInt32LE(done * size + SIGNAL_AT) !== 0) done++;
  const view = Buffer.from(cases.buffer, cases.byteOffset + done * caseBytes(parts), caseBytes(parts));
  const rip = Number(view.readBigUInt64LE(128));
  const image = images[view.readUInt32LE(IMAGE_AT)] ?? new Uint8Array();
  const offset = rip % CODE_AREA_BYTES;
  return `at case ${done}, code ${Buffer.from(image.subarray(offset, offset + 16)).toString("hex")}`;
}
