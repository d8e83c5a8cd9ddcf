/** The command as a user has it: sources stripped to JavaScript and bundled, started as processes of their own. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import ts from "typescript";
import { afterAll } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const LINKED = ["guests", "node_modules", "package.json", "scenarios"];

const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

/** Builds into a folder of its own, so that a stale or missing dist/ decides nothing. Returns the command's path. */
export function buildCommand(): string {
  const folder = mkdtempSync(join(tmpdir(), "capjit-built-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of LINKED) symlinkSync(join(ROOT, name), join(folder, name));
  cpSync(join(ROOT, "bin"), join(folder, "bin"), { recursive: true });
  for (const name of readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts") || name.endsWith(".d.ts")) continue;
    const target = join(folder, "dist", name.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    const source = readFileSync(join(ROOT, "src", name), "utf8");
    writeFileSync(target, ts.transpileModule(source, { compilerOptions: COMPILER_OPTIONS }).outputText);
  }
  execFileSync(process.execPath, [join(ROOT, "scripts/bundle.js"), join(folder, "dist")]);
  return join(folder, "bin/capjit.js");
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly stdin?: string;
  /** Called with the process and what it has written so far, at every piece of output. */
  readonly onOutput?: (child: ChildProcess, stdout: string) => void;
  /** Called once it runs. */
  readonly onStart?: (child: ChildProcess) => void;
  /** A file descriptor in place of a pipe. */
  readonly stdout?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

export function start(command: string, args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [command, ...args], {
    stdio: ["pipe", options.stdout ?? "pipe", "pipe"],
    env: { ...process.env, ...options.environment },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (data: Buffer) => {
    stdout += data.toString("utf8");
    options.onOutput?.(child, stdout);
  });
  child.stderr?.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
  child.stdin?.on("error", () => undefined);
  if (options.stdin !== undefined) child.stdin?.end(options.stdin);
  options.onStart?.(child);
  return new Promise((done) => child.on("close", (code, signal) => done({ code, signal, stdout, stderr })));
}
