/** The ways to run a compute program: the processor itself, QEMU user mode, and capjit with each tier. */

import { join } from "node:path";
import type { ProgramName } from "../../src/cli/bench-programs.ts";
import type { Tier } from "../../src/jit/options.ts";
import { QEMU } from "./facts.ts";
import { majorOf, type NodeBinary, OWN_NODE } from "./node-versions.ts";
import { scaledFile } from "./programs-on-disk.ts";
import { ROOT } from "./root.ts";
import { type FailedRun, type Measure, timedRun } from "./timed-run.ts";

export interface Measured {
  /** From start to end of the process. */
  readonly processMs: number;
  /** Only capjit's run of the guest: without the start of Node.js, with translation. */
  readonly guestMs?: number;
  readonly instructions?: number;
}

export interface Runner {
  readonly name: string;
  /** The same for people who do not know how it is run. */
  readonly label: string;
  /** Whether it also tells the time of the guest alone. */
  readonly splitsTime: boolean;
  run(program: ProgramName, scale: number): Measured | FailedRun;
}

const nativeRunner = (measure: Measure): Runner => ({
  name: "native",
  label: "native",
  splitsTime: false,
  run: (program, scale) => runLinux(program, scale, measure),
});
const qemuRunner = (measure: Measure): Runner => ({
  name: "qemu",
  label: "QEMU user mode",
  splitsTime: false,
  run: (program, scale) => runLinux(program, scale, measure, QEMU),
});

function runLinux(
  program: ProgramName,
  scale: number,
  measure: Measure,
  emulator?: string,
): Measured | FailedRun {
  const file = scaledFile(program, "native", scale);
  const result = emulator === undefined ? timedRun(file, [], measure) : timedRun(emulator, [file], measure);
  if ("problem" in result) return result;
  return result.stdout.endsWith(" ok\n") ? { processMs: result.ms } : { problem: result.stdout.trim() };
}

export interface CapjitOptions {
  /** The folder of the built revision. */
  readonly root?: string;
  readonly node?: NodeBinary;
  /** Names say the version of Node.js only when there are several. */
  readonly several?: boolean;
  /** Whether translations of earlier runs are used and kept, as is usual. */
  readonly cache?: boolean;
  readonly measure?: Measure;
}

/** capjit as a user starts it. */
export function capjitRunner(
  tier: Tier,
  { root = ROOT, node = OWN_NODE, several = false, cache = true, measure = "wall" }: CapjitOptions = {},
): Runner {
  const command = join(root, "bin/capjit.js");
  const which = several ? `, Node ${majorOf(node)}` : "";
  return {
    name: `capjit ${tier}${which}`,
    label: `${TIER_LABELS[tier]}${which}`,
    splitsTime: true,
    run(program, scale) {
      const file = scaledFile(program, "guest", scale);
      const options = ["--quiet", "--json", "--tier", tier, ...(cache ? [] : ["--no-cache"])];
      const result = timedRun(node.path, [command, "run", file, ...options], measure);
      if ("problem" in result) return result;
      const summary = JSON.parse(result.stderr) as {
        wallMs: number;
        cpuMs: number;
        instructions: number;
      };
      const guestMs = measure === "cpu" ? summary.cpuMs : summary.wallMs;
      return { processMs: result.ms, guestMs, instructions: summary.instructions };
    },
  };
}

const TIER_LABELS: Readonly<Record<Tier, string>> = { auto: "auto", js: "JavaScript", wasm: "WebAssembly" };

export function runners(options: {
  readonly tiers: readonly Tier[];
  readonly nodes: readonly NodeBinary[];
  readonly cache: boolean;
  readonly measure: Measure;
  readonly native: boolean;
  readonly qemu: boolean;
}): Runner[] {
  const { tiers, nodes, cache, measure } = options;
  return [
    ...(options.native ? [nativeRunner(measure)] : []),
    ...(options.native && options.qemu ? [qemuRunner(measure)] : []),
    ...nodes.flatMap((node) =>
      tiers.map((tier) => capjitRunner(tier, { node, several: nodes.length > 1, cache, measure })),
    ),
  ];
}
