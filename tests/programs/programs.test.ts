/**
 * Programs of ours, compiled by what is there, print on capjit what they print on the host's processor. The file that
 * runs is the same.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { FEATURE_BITS, isFeature } from "../../src/frontend/features.ts";
import { runProgram } from "../support/linux-program.ts";

const FOLDER = import.meta.dirname;
const BUILDS = join(tmpdir(), "capjit-programs");
const features = Object.keys(FEATURE_BITS).filter(isFeature);

interface Compiler {
  readonly name: string;
  readonly sources: readonly string[];
  /** One build for each. */
  readonly levels: readonly (readonly string[])[];
  readonly fixed: readonly string[];
  /** Files that every source includes. */
  readonly shim: string;
}

const filesOf = (folder: string, end: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(end) && name !== "shim.rs")
    .sort()
    .map((name) => join(folder, name));

const C_FLAGS = ["-ffreestanding", "-nostdlib", "-static", "-fno-stack-protector", "-fno-pie"];
const c = (name: string): Compiler => ({
  name,
  sources: filesOf(FOLDER, ".c"),
  levels: [
    ["-O0"],
    ["-O2"],
    ["-Os"],
    ["-O3"],
    ["-O3", "-march=x86-64-v2", "-mbmi", "-mbmi2", "-mlzcnt", "-mmovbe"],
  ],
  fixed: C_FLAGS,
  shim: join(FOLDER, "shim.h"),
});
const COMPILERS: readonly Compiler[] = [
  c("gcc"),
  c("clang"),
  {
    name: "rustc",
    sources: filesOf(join(FOLDER, "rust"), ".rs"),
    levels: [
      ["-Copt-level=0"],
      ["-Copt-level=2"],
      ["-Copt-level=3", "-Ctarget-cpu=x86-64-v2"],
      ["-Copt-level=s"],
    ],
    fixed: [
      "--edition=2021",
      "-Cpanic=abort",
      "-Crelocation-model=static",
      "-Clink-args=-nostdlib -static -nostartfiles",
    ],
    shim: join(FOLDER, "rust", "shim.rs"),
  },
];

/** Why there is no reference here, or undefined. */
function missing({ name }: Compiler): string | undefined {
  if (process.arch !== "x64" || process.platform !== "linux") return "the host is not x86-64 Linux";
  const { error } = spawnSync(name, ["--version"]);
  return error === undefined ? undefined : `${name} is not installed`;
}

/** Compiles once for every content of source, shim and options. */
function build({ name, fixed, shim }: Compiler, source: string, level: readonly string[]): string {
  const options = [...level, ...fixed];
  const text = [readFileSync(source), readFileSync(shim), name, ...options].map(String).join("\0");
  const binary = join(BUILDS, createHash("sha256").update(text).digest("hex").slice(0, 24));
  mkdirSync(BUILDS, { recursive: true });
  if (existsSync(binary)) return binary;
  // Renamed when it is whole, for an interrupted run leaves no half.
  const unfinished = `${binary}.${process.pid}`;
  execFileSync(name, [...options, "-o", unfinished, source], { stdio: "pipe" });
  renameSync(unfinished, binary);
  return binary;
}

describe.each(COMPILERS)("$name", (compiler) => {
  const reason = missing(compiler);
  if (reason !== undefined) {
    console.log(`programs of ${compiler.name}: skipped, ${reason}`);
    test.skip(reason);
    return;
  }
  test.each(compiler.sources.map((source) => [basename(source), source]))("%s", (_name, source) => {
    for (const level of compiler.levels) {
      const binary = build(compiler, source, level);
      const native = spawnSync(binary, [], { encoding: "utf8" });
      const wanted = { level, output: native.stdout, ending: native.status };
      expect(wanted.output.length).toBeGreaterThan(0);
      expect({ level, ...runProgram(readFileSync(binary), { features }) }).toEqual(wanted);
    }
  });
});
