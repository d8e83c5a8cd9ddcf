/**
 * Random command sequences of two programs on the whole kernel, against notes kept beside it. `npm run fuzz:kernel`
 * runs it for CAPJIT_FUZZ_SECONDS; otherwise it is a few dozen sequences. fast-check prints seed and path.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { commandArbitraries } from "./commands.ts";
import { Notes } from "./notes.ts";
import { World } from "./world.ts";

const SECONDS = Number(process.env["CAPJIT_FUZZ_SECONDS"] ?? 0);
const SEED = Number(process.env["CAPJIT_FUZZ_SEED"] ?? 1);
const SEQUENCES = 40;
const COMMANDS = 80;

/** Outcomes that any amount of commands must have met. */
const COMMON = [
  ...[
    "reserve",
    "map",
    "commit",
    "decommit",
    "protect",
    "unmap",
    "mapObject",
    "unmapObject",
    "protectObject",
  ].flatMap((name) => [`${name} ok`, `${name} -9`]),
  ...[
    "release ok",
    "release -1",
    "allocate ok",
    "allocate -9",
    "send open",
    "send -6",
    "receive ok",
    "return ok",
    "return -1",
  ],
];

test(
  "two programs do what is noted down, and a refused call changes nothing",
  () => {
    const seen = new Map<string, number>();
    let commands = 0;
    let sequences = 0;
    const property = fc.property(
      fc.commands(commandArbitraries, { maxCommands: COMMANDS, size: "max" }),
      (drawn) => {
        sequences++;
        fc.modelRun(() => ({ model: new Notes(), real: new World(seen) }), drawn);
      },
    );
    const timed = {
      numRuns: 1_000_000,
      interruptAfterTimeLimit: SECONDS * 1000,
      markInterruptAsFailure: false,
    };
    fc.assert(property, { seed: SEED, ...(SECONDS > 0 ? timed : { numRuns: SEQUENCES }) });
    for (const [, count] of seen) commands += count;
    console.log(`${sequences} sequences, ${commands} calls, seed ${SEED}`);
    const missing = COMMON.filter((outcome) => !seen.has(outcome));
    expect(missing).toEqual([]);
  },
  (SECONDS + 120) * 1000,
);
