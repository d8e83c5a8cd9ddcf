/** What the soak runs over and over: every shipped scenario, programs that mean harm, and random machine code. */

import { readdirSync } from "node:fs";
import { packageFile } from "../../../src/package-root.ts";
import { loadScenario, readBinary, singleProgram } from "../../../src/scenario.ts";
import type { Scenario } from "../../../src/scenario.ts";
import { SHIPPED } from "../../guests/run.ts";
import { buildElf } from "../../support/elf.ts";
import { Random } from "../../reference/random.ts";

const TEXT = 0x20_0000;
const DATA = 0x40_0000;
const DATA_BYTES = 0x4000;
const RANDOM_BYTES = 512;
const HOSTILE = /^(?:wild|ud|spin|wait|tiny|integer)\.elf$/;

/** Ends by itself, with a known result; or may end in any way within its limit. */
export interface SoakRun {
  readonly name: string;
  readonly scenario: (round: number) => Scenario;
  readonly ends: boolean;
}

const folder = (path: string, pattern: RegExp): string[] =>
  readdirSync(packageFile(path))
    .filter((name) => pattern.test(name))
    .sort();

const SCENARIOS = SHIPPED.map((name): SoakRun => {
  const scenario = loadScenario(packageFile(`scenarios/${name}.json`), name);
  return { name, scenario: () => scenario, ends: true };
});

const PROGRAMS = folder("guests/out", HOSTILE).map((file): SoakRun => {
  const name = file.replace(".elf", "");
  const scenario = singleProgram(name, readBinary(packageFile(`guests/out/${file}`)));
  return { name, scenario: () => scenario, ends: false };
});

/** A few system calls with wild arguments, then bytes without meaning: another program in every round. */
function randomProgram(round: number): Scenario {
  const random = new Random(round);
  const code: number[] = [];
  const load = (opcode: number, value: bigint): void => {
    code.push(0x48, opcode);
    for (let byte = 0n; byte < 8n; byte++) code.push(Number((value >> (8n * byte)) & 0xffn));
  };
  const wild = (): bigint => random.pick([0n, 1n, BigInt(DATA), 0x120_0000n, 0x130_0000n, random.big()]);
  for (let call = 0; call < 6; call++) {
    load(0xb8, BigInt(random.pick([0, 2, 2, 2, 3, 9])));
    load(0xbf, random.chance(70) ? BigInt(random.below(3)) : wild());
    load(0xbe, random.chance(70) ? 0n : wild());
    // The tail of the ring, so that the kernel takes random submissions; then the call.
    code.push(0xc7, 0x04, 0x25, 0x04, 0x00, 0x20, 0x01, random.below(20), 0, 0, 0, 0x0f, 0x05);
  }
  while (code.length < RANDOM_BYTES) code.push(random.next() & 0xff);
  const data = Array.from({ length: 256 }, () => random.next() & 0xff);
  const file = buildElf(
    [
      { vaddr: TEXT, flags: 5, bytes: code, memoryBytes: code.length },
      { vaddr: DATA, flags: 6, bytes: data, memoryBytes: DATA_BYTES },
    ],
    TEXT,
  );
  return singleProgram("random", file);
}

export const RUNS: readonly SoakRun[] = [
  ...SCENARIOS,
  ...PROGRAMS,
  ...[1, 2, 3, 4].map((n): SoakRun => {
    return { name: `random ${n}`, scenario: (round) => randomProgram(round * 4 + n), ends: false };
  }),
];
