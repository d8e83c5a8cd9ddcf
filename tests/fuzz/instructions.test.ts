/**
 * Single instructions and short sequences with random operands, on translated code and on the host's processor.
 * Seconds and seed come from CAPJIT_FUZZ_SECONDS and CAPJIT_FUZZ_SEED.
 */

import { expect, test } from "vitest";
import { disassemble } from "../../src/frontend/disassemble.ts";
import { type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { emittedExecutor } from "../support/emitted.ts";
import { nativeCpu } from "../support/native.ts";
import type { TestCase, TestResult } from "../support/state.ts";
import { differences } from "./compare.ts";
import { Random, randomCase, randomInstruction } from "./generator.ts";

const SECONDS = Number(process.env["CAPJIT_FUZZ_SECONDS"] ?? 10);
const SEED = Number(process.env["CAPJIT_FUZZ_SEED"] ?? 1);
const BATCH = 500;
const MAX_REPORTS = 40;

interface Experiment {
  readonly test: TestCase;
  readonly names: readonly string[];
  readonly undefinedFlags: number;
  readonly supported: boolean;
}

function experiment(random: Random): Experiment {
  const parts: Uint8Array[] = [];
  const names: string[] = [];
  let undefinedFlags = 0;
  let supported = true;
  const length = random.chance(80) ? 1 : 1 + random.below(4);
  while (parts.length < length) {
    const candidate = randomInstruction(random);
    if (candidate === undefined) continue;
    parts.push(candidate.bytes);
    names.push(candidate.name);
    // A later instruction may read a flag that an earlier one left undefined; such sequences are cut there.
    undefinedFlags |= candidate.undefinedFlags;
    supported &&= candidate.supported;
    if (undefinedFlags !== 0 || candidate.branches) break;
  }
  return { test: randomCase(random, Buffer.concat(parts)), names, undefinedFlags, supported };
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

/** Two accesses that both fault: which one is reported, and what ENTER has stored by then, is the processor's. */
const FREE_ORDER: ReadonlySet<string> = new Set(["enter", "call", "cmpsb", "cmpsw", "cmpsd", "cmpsq"]);

function isFreeOrder(e: Experiment, want: TestResult, got: TestResult): boolean {
  const faulted = (result: TestResult): boolean =>
    result.ending.kind === "fault" && result.ending.vector !== 3;
  return e.names.some((name) => FREE_ORDER.has(name)) && faulted(want) && faulted(got);
}

/** Ways through the translator; none may make a difference (JIT-5). */
const SHAPES: readonly Partial<JitOptions>[] = [
  {},
  { compactFirst: false },
  PLAIN_OPTIONS,
  { compactFirst: false, maxBlockInstructions: 1 },
];

const native = nativeCpu();

test.runIf(typeof native !== "string")(
  "translated code does what the processor does",
  () => {
    if (typeof native === "string") return;
    const executors = SHAPES.map((jit) => emittedExecutor({ checks: "off", jit }));
    const reports = new Map<string, string>();
    const end = Date.now() + SECONDS * 1000;
    let cases = 0;
    for (let round = 0; Date.now() < end; round++) {
      const random = new Random((SEED * 1_000_003 + round * 7919) | 0);
      const batch = Array.from({ length: BATCH }, () => experiment(random)).filter((e) => e.supported);
      const expected = native.run(batch.map((e) => e.test));
      batch.forEach((e, i) => {
        const want = expected[i];
        if (want === undefined || want.ending.kind === "timeout") return;
        // Every executor comes to every instruction in time; all of them on every case would be four times slower.
        const got = executors[(round + i) % executors.length]!.run(e.test);
        cases++;
        const key = e.names.at(-1) ?? "";
        if (isFreeOrder(e, want, got)) return;
        const lines = differences(want, got, e.undefinedFlags);
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
  },
  (SECONDS + 60) * 1000,
);
