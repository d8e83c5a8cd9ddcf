/**
 * A slice of what `npm run fuzz` does, and the fuzzer itself: an executor that is wrong on purpose is found, what it
 * does wrong is cut down to one instruction, and the report says how to see it again.
 */

import { describe, expect, test } from "vitest";
import { disassemble } from "../../src/frontend/disassemble.ts";
import { newImage } from "../support/native-layout.ts";
import { nativeCpu } from "../support/native.ts";
import { CODE_PAGE } from "../support/state.ts";
import { SHEET_EXECUTORS, type SheetExecutor } from "./executors.ts";
import { instructionSheet } from "./instructions.ts";
import { assemble, childrenOf, type Node } from "./program.ts";
import { randomProgram } from "./program-generator.ts";
import { type Program, programSheet } from "./programs.ts";
import { Random } from "./random.ts";
import { reportText } from "./report.ts";
import { Rounds } from "./rounds.ts";
import { runSheet } from "./run-sheet.ts";
import { Shrinker } from "./shrink.ts";
import { StatePool } from "./states.ts";

const native = nativeCpu();
if (typeof native === "string") console.log(`fuzz: skipped, ${native}`);

/** Takes ADC for ADD: what it runs is not what the processor runs. */
function sabotaged(): SheetExecutor {
  const executor = SHEET_EXECUTORS[0]!.make();
  return {
    name: executor.name,
    oneOf: 1,
    load: (image) => executor.load(image.map((byte) => (byte === ADC ? ADD : byte))),
    run: (place) => executor.run(place),
  };
}

const ADC = 0x11;
const ADD = 0x01;

const nodeCount = (nodes: readonly Node[]): number =>
  nodes.reduce((sum, node) => sum + 1 + childrenOf(node).reduce((n, below) => n + nodeCount(below), 0), 0);

describe.runIf(typeof native !== "string")("on this processor", () => {
  if (typeof native === "string") return;

  test("every executor agrees with the processor, on instructions and on programs", () => {
    const rounds = new Rounds(native, { seed: 20261130 });
    const met = new Set<string>();
    let programs = 0;
    let single = 0;
    for (let round = 0; round < 27; round++) {
      const outcome = rounds.run(round);
      for (const name of outcome.executors) met.add(name);
      expect(outcome.divergences.map(({ executor, specimen }) => [executor, specimen.pieces])).toEqual([]);
      programs += outcome.programs;
      single += outcome.single;
    }
    expect(single).toBeGreaterThan(30_000);
    expect(programs).toBeGreaterThan(500);
    expect([...met].sort()).toEqual(SHEET_EXECUTORS.map(({ name }) => name).sort());
  }, 300_000);

  test("a wrong executor is found by programs and its case cut down to one instruction", async () => {
    const random = new Random(4);
    const pool = new StatePool(random);
    const executor = sabotaged();
    const found = Array.from({ length: 6 }, () => programSheet(random, pool)).flatMap(
      (sheet) => runSheet(native, sheet, [executor]).divergences,
    );
    expect(found.length).toBeGreaterThan(0);
    const large = found.reduce((a, b) => (a.specimen.code.length > b.specimen.code.length ? a : b));
    const small = new Shrinker(native, executor).shrink(large)!;
    const { nodes } = small.specimen as Program;
    expect(nodeCount(nodes)).toBeLessThanOrEqual(2);
    expect(small.specimen.code).toContain(ADC);
    expect(nodeCount((large.specimen as Program).nodes)).toBeGreaterThan(nodeCount(nodes));
    // All that the difference does not need is zero.
    expect(small.start.filter((byte) => byte !== 0).length).toBeLessThan(64);

    const text = await reportText(small, "npm run fuzz -- --seed 4 --from 0 --once");
    expect(text).toContain("again: npm run fuzz -- --seed 4 --from 0 --once");
    expect(text).toContain(disassemble(small.specimen.code, CODE_PAGE + small.specimen.offset).text);
    expect(text).toMatch(/^ {2}< \w+ .*$/m);
    expect(text).toContain("---- IR as lifted");
    expect(text).toContain("---- IR after the passes");
    expect(text).toContain("---- JavaScript");
  }, 120_000);

  test("a wrong executor is found by single instructions", () => {
    const random = new Random(5);
    const sheet = instructionSheet(random, new StatePool(random), /^adc$/);
    expect(runSheet(native, sheet, [sabotaged()]).divergences.length).toBeGreaterThan(0);
    expect(runSheet(native, sheet, [SHEET_EXECUTORS[0]!.make()]).divergences).toEqual([]);
  }, 60_000);
});

test("a round of a seed is always the same sheet", () => {
  const make = (): Buffer => {
    const random = new Random(9);
    const sheet = programSheet(random, new StatePool(random));
    return Buffer.concat([sheet.image, sheet.cases]);
  };
  expect(make().equals(make())).toBe(true);
});

test("programs are whole instructions from start to end, wherever they lie", () => {
  const random = new Random(11);
  const kinds = new Set<string>();
  for (let i = 0; i < 300; i++) {
    const nodes = randomProgram(random);
    for (const node of nodes) kinds.add(node.kind);
    const [here, there] = [CODE_PAGE + 64, CODE_PAGE + 4096 - 8].map((address) => assemble(nodes, address));
    expect(here!.length).toBe(there!.length);
    expect(newImage().length).toBeGreaterThan(here!.length);
  }
  expect([...kinds].sort()).toEqual(["call", "code", "group", "if", "loop", "pushed"]);
});
