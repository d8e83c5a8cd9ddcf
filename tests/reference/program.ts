/** The reference program: built by cargo, run on a batch of jobs. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packageFile } from "../../src/package-root.ts";
import type { Job } from "./jobs.ts";
import { KIND_BYTES, Writer } from "./jobs.ts";

const FOLDER = packageFile("tests/reference");
const MAX_ANSWER_BYTES = 1 << 30;

/** Builds the program; its path. The published bindings of capos-config are used as packaged (DOCS_RS). */
export function buildProgram(): string {
  const env = { ...process.env, DOCS_RS: "1" };
  const target = process.env["CARGO_TARGET_DIR"] ?? packageFile("build/reference");
  const built = spawnSync("cargo", ["build", "--release", "--locked", "--quiet"], {
    cwd: FOLDER,
    env: { ...env, CARGO_TARGET_DIR: target },
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (built.status !== 0) throw new Error("the reference program was not built (is cargo installed?)");
  return join(target, "release", "capjit-reference");
}

/** The answers to a batch, in order. */
export function runProgram(program: string, jobs: readonly Job[]): Uint8Array[] {
  const input = new Writer();
  for (const { kind, payload } of jobs) {
    input.u8(KIND_BYTES[kind].charCodeAt(0)).u32(payload.length).raw(payload);
  }
  const { status, stdout, stderr } = spawnSync(program, {
    input: input.bytes(),
    maxBuffer: MAX_ANSWER_BYTES,
  });
  if (status !== 0) throw new Error(`the reference program failed: ${stderr.toString()}`);
  const answers: Uint8Array[] = [];
  for (let at = 0; at < stdout.length;) {
    const length = stdout.readUInt32LE(at);
    answers.push(stdout.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  if (answers.length !== jobs.length) throw new Error(`${jobs.length} jobs, ${answers.length} answers`);
  return answers;
}
