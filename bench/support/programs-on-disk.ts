/** The files of the compute programs, with the amount of work written into copies of them. */

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { ProgramName } from "../programs.ts";
import { ROOT } from "./root.ts";

export const GUESTS = join(ROOT, "bench/guests");
const NATIVE = join(ROOT, "build/bench-native");
const SCALED = join(ROOT, "build/bench-scaled");
/** `scale.mark` of `bench/guests/platform/rounds.c`; the percentage lies behind it. */
const MARK = Buffer.from("CAPJITSCALE\0", "latin1");

/** Builds the Linux programs; false when there is no compiler. */
export function buildNative(): boolean {
  if (spawnSync("gcc", ["--version"]).status !== 0) return false;
  const { status, stderr } = spawnSync("bash", [join(GUESTS, "build.sh"), "--native", NATIVE], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`bench/guests/build.sh: ${stderr}`);
  return true;
}

const fileOf = (name: ProgramName, kind: "guest" | "native"): string =>
  kind === "guest" ? join(GUESTS, "out", `${name}.elf`) : join(NATIVE, name);

/** The bytes of a program that does `scale` percent of its rounds, one at least. */
export function scaledBytes(name: ProgramName, kind: "guest" | "native", scale: number): Buffer {
  const file = fileOf(name, kind);
  const bytes = readFileSync(file);
  const at = bytes.indexOf(MARK);
  if (at < 0) throw new Error(`${file}: no scale to write`);
  bytes.writeUInt32LE(scale, at + MARK.length);
  return bytes;
}

/** The same as a file; gives its path. */
export function scaledProgram(name: ProgramName, kind: "guest" | "native", scale: number): string {
  const folder = join(SCALED, `${kind}-${scale}`);
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, basename(fileOf(name, kind)));
  writeFileSync(copy, scaledBytes(name, kind, scale), { mode: 0o755 });
  return copy;
}
