/** The options of `capjit bench`: what yargs parses, what the help prints, and their types. */

import type { Options } from "yargs";
import { type Tier, TIERS } from "../jit/options.ts";
import { RUN_OPTIONS } from "./run-options.ts";

export interface BenchArguments {
  readonly program?: string;
  readonly explain: boolean;
  readonly top: string;
  readonly rounds: string;
  readonly scale: string;
  readonly binary?: readonly string[];
  readonly tier: Tier;
  readonly maxInstructions?: string;
  readonly timeout?: string;
  readonly json: boolean;
}

const { binary } = RUN_OPTIONS;

export const BENCH_OPTIONS = {
  explain: {
    type: "boolean",
    default: false,
    describe: "Why it is as fast as it is: hottest units, exits, TLB misses, helper calls",
    group: "What:",
  },
  top: { type: "string", requiresArg: true, default: "15", describe: "Units to show", group: "What:" },
  scale: {
    type: "string",
    requiresArg: true,
    default: "100",
    describe: "Percent of its work that a program of the list does",
    group: "What:",
  },
  rounds: {
    type: "string",
    requiresArg: true,
    default: "3",
    describe: "Runs to time, one after the other in this process",
    group: "What:",
  },
  binary: { ...binary, group: "What:" },
  tier: {
    choices: TIERS,
    requiresArg: true,
    default: "auto" as const,
    describe: RUN_OPTIONS.tier.describe,
    group: "How:",
  },
  "max-instructions": {
    type: "string",
    requiresArg: true,
    describe: "Stop each run after exactly this many guest instructions",
    group: "How:",
  },
  timeout: {
    type: "string",
    requiresArg: true,
    describe: "Stop each run after this many seconds of real time",
    group: "How:",
  },
  json: { type: "boolean", default: false, describe: "One JSON object instead of tables", group: "How:" },
} as const satisfies Record<string, Options>;

export const BENCH_EPILOGUE = `Without a name the programs that ship are listed. Any scenario or ELF file that \`capjit run\` takes will do as well.

Output: the report goes to standard output. What the guest writes is not shown, and it gets no console input but that of its scenario. Checks are off and no translations of earlier runs are used.

The first of several runs also warms up capjit itself; each of them translates the guest anew.

With --explain the guest runs twice, the same to the byte: once under V8's sampling profiler, where the times come from, and once with all calls of helpers counted.

Exit codes: those of \`capjit run\`; a guest that finds its result wrong exits with 1.`;
