/** The options of `capjit run`: what yargs parses, what the help prints, and their types. */

import type { Options } from "yargs";

import { type Tier, TIERS } from "../jit/options.ts";

export interface RunArguments {
  readonly scenario: string;
  readonly binary?: readonly string[];
  readonly memory?: string;
  readonly tier: Tier;
  readonly noCache: boolean;
  readonly checks: "off" | "frugal" | "full";
  readonly clock: "virtual" | "host";
  readonly seed: string;
  readonly maxInstructions?: string;
  readonly timeout?: string;
  readonly quiet: boolean;
  readonly json: boolean;
  readonly faults: boolean;
  readonly dumpBlocks?: string;
  readonly dumpBlocksTo?: string;
  readonly plain: boolean;
}

export const RUN_OPTIONS = {
  binary: {
    type: "string",
    array: true,
    requiresArg: true,
    describe: "NAME=PATH: a program that can be spawned by this name (repeatable)",
    group: "Input:",
  },
  memory: {
    type: "string",
    requiresArg: true,
    describe: "Guest RAM, such as 64MiB (default: the scenario's, else 256MiB)",
    group: "Input:",
  },
  seed: {
    type: "string",
    requiresArg: true,
    default: "1",
    describe: "Seed of guest entropy: a number, or `random`",
    group: "Input:",
  },
  clock: {
    choices: ["virtual", "host"] as const,
    requiresArg: true,
    default: "virtual" as const,
    describe: "`virtual`: one nanosecond per guest instruction, the same in every run",
    group: "Input:",
  },
  "max-instructions": {
    type: "string",
    requiresArg: true,
    describe: "Stop after exactly this many guest instructions",
    group: "Limits:",
  },
  timeout: {
    type: "string",
    requiresArg: true,
    describe: "Stop after this many seconds of real time",
    group: "Limits:",
  },
  tier: {
    choices: TIERS,
    requiresArg: true,
    default: "auto" as const,
    describe: "`js`, `wasm`: translate to JavaScript or WebAssembly only; `auto`: what pays",
    group: "Translation:",
  },
  "no-cache": {
    type: "boolean",
    default: false,
    describe: "Neither read nor keep translations of earlier runs",
    group: "Translation:",
  },
  plain: {
    type: "boolean",
    default: false,
    describe: "Switch every optimisation off (results stay the same)",
    group: "Translation:",
  },
  checks: {
    choices: ["off", "frugal", "full"] as const,
    requiresArg: true,
    default: "off" as const,
    describe: "Recompute invariants while running; a broken one exits 70",
    group: "Translation:",
  },
  "dump-blocks": {
    type: "string",
    describe: "Print translated blocks; FILTER: 0xFROM-0xTO, a symbol, or process:NAME",
    group: "Output:",
  },
  "dump-blocks-to": {
    type: "string",
    requiresArg: true,
    describe: "Write each dumped block to a file of this folder, with a source map",
    group: "Output:",
  },
  quiet: { type: "boolean", default: false, describe: "No summary and no progress", group: "Output:" },
  faults: {
    type: "boolean",
    default: false,
    describe: "Report every guest fault in full, also when the run ends well",
    group: "Output:",
  },
  json: {
    type: "boolean",
    default: false,
    describe: "Summary and faults as one line of JSON on standard error",
    group: "Output:",
  },
} as const satisfies Record<string, Options>;

export const RUN_EPILOGUE = `Output: the guest console goes to standard output, unchanged; capjit's own lines go to standard error.

Exit codes:
  0..122  the exit code of init (its low 8 bits)
  70      a bug of capjit; please report it
  123     an expectation of the scenario was not met
  124     --max-instructions or --timeout ran out, or no thread can run again
  125     a problem of the invocation or of an input file
  130     interrupted (Ctrl-C)
  139     init died of a fault
  141     nobody reads standard output any more`;
