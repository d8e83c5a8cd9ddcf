/** What a result must say about where it comes from, so that figures of two days can be told apart. */

import { spawnSync } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";
import { ROOT } from "./root.ts";

export interface Facts {
  readonly date: string;
  readonly revision: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly loadAverage: readonly number[];
  readonly node: string;
  readonly v8: string;
  /** First line of `--version`, or null where the tool is not installed. */
  readonly gcc: string | null;
  readonly qemu: string | null;
}

export const QEMU = "qemu-x86_64";

/** The trimmed output of a command, or undefined when it cannot be run or fails. */
export function outputOf(command: string, args: readonly string[], cwd = ROOT): string | undefined {
  const { status, stdout } = spawnSync(command, args, { cwd, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

export const versionOf = (command: string): string | null =>
  outputOf(command, ["--version"])?.split("\n", 1)[0] ?? null;

export function gatherFacts(): Facts {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    revision: outputOf("git", ["describe", "--always", "--dirty", "--abbrev=12"]) ?? "unknown",
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryBytes: totalmem(),
    loadAverage: loadavg().map((load) => Math.round(load * 100) / 100),
    node: process.version,
    v8: process.versions.v8,
    gcc: versionOf("gcc"),
    qemu: versionOf(QEMU),
  };
}

/** Machine and versions, for the head of a table that is kept. */
export const factsSentence = ({ revision, cpu, cores, qemu }: Facts): string =>
  `Revision ${revision}, ${cpu}, ${cores} cores${qemu === null ? "" : `, ${qemu}`}.`;

/** One line for the head of a table. */
export const factsLine = ({ revision, node, cpu, cores, loadAverage }: Facts): string =>
  `${revision}, node ${node}, ${cpu}, ${cores} cores, load ${loadAverage[0] ?? 0}`;
