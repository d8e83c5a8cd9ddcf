/**
 * Single instructions and short sequences with random operands, on translated code and on the host's processor.
 * Seconds and seed come from CAPJIT_FUZZ_SECONDS and CAPJIT_FUZZ_SEED; CAPJIT_FUZZ_ONLY is a regular expression on
 * mnemonics, CAPJIT_FUZZ_ON one on executors.
 */

import { expect, test } from "vitest";
import { disassemble } from "../../src/frontend/disassemble.ts";
import type { Row } from "../../src/frontend/tables/row.ts";
import { EXECUTORS } from "../support/executors.ts";
import { nativeCpu } from "../support/native.ts";
import type { TestCase, TestResult } from "../support/state.ts";
import { recordFuzzed } from "../vectors/files.ts";
import { differences } from "./compare.ts";
import { FREE_ORDER, Random, randomCase, randomInstruction } from "./generator.ts";

const SECONDS = Number(process.env["CAPJIT_FUZZ_SECONDS"] ?? 10);
const SEED = Number(process.env["CAPJIT_FUZZ_SEED"] ?? 1);
const ONLY = process.env["CAPJIT_FUZZ_ONLY"];
const ON = new RegExp(process.env["CAPJIT_FUZZ_ON"] ?? "");
const CHOSEN = EXECUTORS.filter(({ name }) => ON.test(name));
/** Adds the numbers of cases to what `capjit isa` shows. */
const RECORD = process.env["CAPJIT_FUZZ_RECORD"] !== undefined;
const BATCH = 500;
const MAX_REPORTS = 40;

interface Experiment {
  readonly test: TestCase;
  readonly names: readonly string[];
  readonly rows: readonly Row[];
  readonly undefinedFlags: number;
  readonly supported: boolean;
}

function experiment(random: Random, only: RegExp | undefined): Experiment {
  const parts: Uint8Array[] = [];
  const names: string[] = [];
  const rows: Row[] = [];
  let undefinedFlags = 0;
  let supported = true;
  const length = random.chance(80) ? 1 : 1 + random.below(4);
  while (parts.length < length) {
    const candidate = randomInstruction(random, only);
    if (candidate === undefined) continue;
    parts.push(candidate.bytes);
    names.push(candidate.name);
    rows.push(candidate.row);
    // A later instruction may read a flag that an earlier one left undefined; such sequences are cut there.
    undefinedFlags |= candidate.undefinedFlags;
    supported &&= candidate.supported;
    if (undefinedFlags !== 0 || candidate.branches) break;
  }
  return { test: randomCase(random, Buffer.concat(parts)), names, rows, undefinedFlags, supported };
}

function describe({ test, names }: Experiment, lines: readonly string[], seed: number): string {
  const listing: string[] = [];
  for (let at = 0; at < test.code.length;) {
    const { text, length } = disassemble(test.code.subarray(at), Number(test.state.rip) + at);
    listing.push(
      `  ${Buffer.from(test.code.subarray(at, at + length))
        .toString("hex")
        .padEnd(24)} ${text}`,
    );
    at += length;
  }
  const before = test.state.gpr.map((value) => value.toString(16)).join(" ");
  return [
    `${names.join(", ")} (seed ${seed})`,
    ...listing,
    `  before ${before} flags ${test.state.rflags.toString(16)}`,
    ...lines.map((l) => `    ${l}`),
  ].join("\n");
}

function isFreeOrder(e: Experiment, want: TestResult, got: TestResult): boolean {
  const faulted = (result: TestResult): boolean =>
    result.ending.kind === "fault" && result.ending.vector !== 3;
  return e.names.some((name) => FREE_ORDER.has(name)) && faulted(want) && faulted(got);
}

/** Lowest address at which Linux puts code, libraries and the stack of the process that experiments run in. */
const HOST_MEMORY = 0x5500_0000_0000n;

/** The access that faults here met memory of the host's process there. */
const isHostMemory = ({ ending }: TestResult): boolean =>
  ending.kind === "fault" &&
  ending.vector === 14 &&
  ending.address >= HOST_MEMORY &&
  ending.address >> 47n === 0n;

const native = nativeCpu();

test.runIf(typeof native !== "string")(
  "translated code does what the processor does",
  () => {
    if (typeof native === "string") return;
    const executors = CHOSEN.map(({ make }) => make());
    const only = ONLY === undefined ? undefined : new RegExp(ONLY);
    const reports = new Map<string, string>();
    const end = Date.now() + SECONDS * 1000;
    const compared = new Map<Row, number>();
    let cases = 0;
    for (let round = 0; Date.now() < end; round++) {
      const random = new Random((SEED * 1_000_003 + round * 7919) | 0);
      const batch = Array.from({ length: BATCH }, () => experiment(random, only)).filter((e) => e.supported);
      const expected = native.run(batch.map((e) => e.test));
      batch.forEach((e, i) => {
        const want = expected[i];
        if (want === undefined || want.ending.kind === "timeout") return;
        // Every executor comes to every instruction in time; all of them on every case would be four times slower.
        const got = executors[(round + i) % executors.length]!.run(e.test);
        cases++;
        for (const row of e.rows) compared.set(row, (compared.get(row) ?? 0) + 1);
        const key = e.names.at(-1) ?? "";
        if (isFreeOrder(e, want, got) || isHostMemory(got)) return;
        const lines = differences(want, got, e.undefinedFlags);
        if (lines.length > 0) lines.push(`on ${CHOSEN[(round + i) % executors.length]!.name}`);
        if (lines.length > 0 && e.names.length === 1 && !reports.has(key))
          reports.set(key, describe(e, lines, SEED));
        else if (lines.length > 0 && e.names.length > 1 && !reports.has(e.names.join()))
          reports.set(e.names.join(), describe(e, lines, SEED));
      });
      if (reports.size >= MAX_REPORTS) break;
    }
    console.log(`${cases} cases, seed ${SEED}: ${reports.size} divergent`);
    expect([...reports.values()].slice(0, MAX_REPORTS).join("\n\n")).toBe("");
    expect(cases).toBeGreaterThan(0);
    if (RECORD) recordFuzzed(compared);
  },
  (SECONDS + 60) * 1000,
);
