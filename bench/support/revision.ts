/** A revision of the project, built in a folder of its own: nothing of the repository changes. */

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { outputOf } from "./facts.ts";
import { ROOT } from "./root.ts";

export interface Revision {
  /** As given by the user. */
  readonly name: string;
  /** Hash of the commit, or `working tree`. */
  readonly commit: string;
  /** Where it is built. */
  readonly folder: string;
}

/** The name of what lies in the working tree now, changed and new files included. */
export const WORKING_TREE = ".";

/** Builds a commit, or with `.` the working tree, in a new folder. Throws with what went wrong. */
export function buildRevision(name: string, folder: string): Revision {
  mkdirSync(folder, { recursive: true });
  const commit = name === WORKING_TREE ? copyWorkingTree(folder) : extractCommit(name, folder);
  provideModules(folder);
  run("npm", ["run", "--silent", "build"], folder);
  return { name, commit, folder };
}

/** The hash of a commit, or undefined when there is none of that name. */
export const commitOf = (name: string): string | undefined =>
  outputOf("git", ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`]);

function extractCommit(name: string, folder: string): string {
  const commit = commitOf(name);
  if (commit === undefined) throw new Error(`there is no revision ${name}`);
  const archive = `${folder}.tar`;
  run("git", ["archive", "--output", archive, commit], ROOT);
  run("tar", ["-xf", archive, "-C", folder], ROOT);
  return commit;
}

function copyWorkingTree(folder: string): string {
  // node_modules can be a symbolic link, which .gitignore does not cover.
  const which = ["--cached", "--others", "--exclude-standard", "-z", "--", ".", ":!node_modules"];
  const listed = outputOf("git", ["ls-files", ...which]);
  if (listed === undefined) throw new Error("the files of the working tree cannot be listed");
  for (const file of listed.split("\0")) {
    if (file === "" || !existsSync(join(ROOT, file))) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file));
  }
  return "working tree";
}

/** The modules of this checkout serve while the lock file is the same; otherwise they are installed. */
function provideModules(folder: string): void {
  const lock = (root: string): string => readFileSync(join(root, "package-lock.json"), "utf8");
  if (lock(folder) === lock(ROOT)) symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  else run("npm", ["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"], folder);
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} in ${cwd}: ${stderr}${stdout}`);
}
