/** The host's processor as the reference for single floating-point instructions: drives tests/native/float.c. */

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("../native/float.c", import.meta.url));
export const RECORD_BYTES = 8 + 8 + 4 + 2 + 2 + 4 + 4 + 32 + 16 + 128;

/** Offsets in a record, which is input and output alike. */
export const CODE = 0;
export const RAX = 8;
export const MXCSR = 16;
export const FCW = 20;
export const FSW = 22;
export const FTW = 24;
export const FLAGS = 28;
export const XMM0 = 32;
export const XMM1 = 48;
export const MEMORY = 64;
/** ST(0) to ST(7), 16 bytes apart. */
export const STACK = 80;

export interface NativeFloat {
  /** Runs the records in order and gives them back as the processor left them. */
  run(records: Buffer): Buffer;
}

/** The reference, or the reason why there is none here. */
export function nativeFloat(): NativeFloat | string {
  if (process.arch !== "x64" || process.platform !== "linux") return "the host is not x86-64 Linux";
  const digest = createHash("sha256").update(readFileSync(SOURCE)).digest("hex").slice(0, 16);
  const folder = join(tmpdir(), "capjit-native");
  const binary = join(folder, `float-${digest}`);
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    try {
      execFileSync("cc", ["-O2", "-o", binary, SOURCE], { stdio: "pipe" });
    } catch (error) {
      return `no working C compiler: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : ""}`;
    }
  }
  return {
    run(records) {
      const { stdout, status, signal } = spawnSync(binary, [], {
        input: records,
        maxBuffer: records.length + 4096,
      });
      if (stdout.length === records.length) return stdout;
      const done = Math.floor(stdout.length / RECORD_BYTES) * RECORD_BYTES;
      const code = records.subarray(done, done + 8).toString("hex");
      throw new Error(`the native float harness died (${signal ?? status}) at code ${code}`);
    },
  };
}
