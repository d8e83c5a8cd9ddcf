/** The Node.js binaries that capjit is run with. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { versionOf } from "./facts.ts";
import { refuse } from "./options.ts";
import { ROOT } from "./root.ts";

export interface NodeBinary {
  readonly path: string;
  /** `v22.1.0`. */
  readonly version: string;
}

export const OWN_NODE: NodeBinary = { path: process.execPath, version: process.version };

const INSTALLED = join(ROOT, "build/nodes");

/** Paths of binaries, or major versions, which come from the npm package `node` unless it is the running one. */
export const nodesOption = (text: string): NodeBinary[] =>
  text.split(",").map((given) => (/^[0-9]+$/.test(given) ? majorVersion(given) : binaryAt(given)));

export const majorOf = ({ version }: NodeBinary): string => /^v([0-9]+)\./.exec(version)?.[1] ?? version;

function binaryAt(path: string): NodeBinary {
  const version = versionOf(path);
  if (version === null || !version.startsWith("v")) refuse(`--nodes: ${path} is not a Node.js that runs`);
  return { path, version };
}

function majorVersion(major: string): NodeBinary {
  if (majorOf(OWN_NODE) === major) return OWN_NODE;
  const folder = join(INSTALLED, major);
  const path = join(folder, "node_modules/node/bin/node");
  if (!existsSync(path)) install(folder, major);
  return binaryAt(path);
}

function install(folder: string, major: string): void {
  mkdirSync(folder, { recursive: true });
  const args = ["install", "--prefix", folder, "--no-audit", "--no-fund", `node@${major}`];
  const { status, error, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) refuse(`--nodes: npm ${args.join(" ")}: ${stderr.trim()}`);
}
