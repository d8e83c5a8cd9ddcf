/** The files of the compute programs, with the amount of work written into copies of them. */

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ProgramName, programBytes, scaledProgram } from "../../src/cli/bench-programs.ts";
import { ROOT } from "./root.ts";

export const GUESTS = join(ROOT, "bench/guests");
const NATIVE = join(ROOT, "build/bench-native");
const SCALED = join(ROOT, "build/bench-scaled");
/** Builds the Linux programs; false when there is no compiler. */
export function buildNative(): boolean {
  if (spawnSync("gcc", ["--version"]).status !== 0) return false;
  const { status, stderr } = spawnSync("bash", [join(GUESTS, "build.sh"), "--native", NATIVE], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`bench/guests/build.sh: ${stderr}`);
  return true;
}

/** The bytes of a program that does `scale` percent of its rounds, one at least. */
export function scaledBytes(name: ProgramName, kind: "guest" | "native", scale: number): Uint8Array {
  const bytes = kind === "guest" ? programBytes(name) : readFileSync(join(NATIVE, name));
  const scaled = scaledProgram(bytes, scale);
  if (scaled === undefined) throw new Error(`${name}, ${kind}: no scale to write`);
  return scaled;
}

/** The same as a file; gives its path. */
export function scaledFile(name: ProgramName, kind: "guest" | "native", scale: number): string {
  const folder = join(SCALED, `${kind}-${scale}`);
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, kind === "guest" ? `${name}.elf` : name);
  writeFileSync(copy, scaledBytes(name, kind, scale), { mode: 0o755 });
  return copy;
}
