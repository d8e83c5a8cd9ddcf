/** Runs the command line inside the test process, with captured output. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { main } from "../../src/cli/main.ts";
import type { Channel } from "../../src/cli/output.ts";

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Capture extends Channel {
  readonly text: string;
}

export function capture(options: Partial<Channel> = {}): Capture {
  const parts: Buffer[] = [];
  return {
    write: (data) => void parts.push(Buffer.from(data)),
    terminal: false,
    columns: 100,
    failure: undefined,
    ...options,
    get text() {
      return Buffer.concat(parts).toString("utf8");
    },
  };
}

export async function capjit(...args: readonly string[]): Promise<Finished> {
  const stdout = capture();
  const stderr = capture();
  const code = await main(args, { stdout, stderr });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** A folder of this test file, removed at its end. */
export function temporaryFolder(): {
  readonly path: string;
  write(name: string, data: string | Uint8Array): string;
} {
  const path = mkdtempSync(join(tmpdir(), "capjit-test-"));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    write(name, data) {
      const file = join(path, name);
      writeFileSync(file, data);
      return file;
    },
  };
}

export const GUESTS = join(import.meta.dirname, "../../guests/out");
export const guest = (name: string): string => join(GUESTS, `${name}.elf`);
