/** Every shipped scenario: exit code 0 and one transcript, however its code is translated and checked. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DEFAULT_OPTIONS, type JitOptions, PLAIN_OPTIONS } from "../../src/jit/options.ts";
import { guestFile, guestProgram, runScenario, SHIPPED, shipped, visible } from "./run.ts";

const transcript = (name: string): string =>
  readFileSync(new URL(`transcripts/${name}.txt`, import.meta.url), "utf8");

/** `attack` starts more than a thousand processes. */
const FULL_CHECKS_MS = 300_000;

/** Runs at the first use: a failure belongs to a test. */
function once<T>(make: () => T): () => T {
  let kept: { readonly value: T } | undefined;
  return () => (kept ??= { value: make() }).value;
}

test("every scenario that ships is tested here", () => {
  const files = readdirSync(new URL("../../scenarios", import.meta.url));
  const names = files
    .filter((file) => file !== "scenario.schema.json")
    .map((file) => file.replace(".json", ""));
  expect(names.sort()).toEqual([...SHIPPED]);
});

describe.each(SHIPPED)("%s", (name) => {
  const scenario = shipped(name);
  const reference = once(() => runScenario(scenario));

  test("exits 0 with its transcript", () => {
    expect(reference().result.outcome).toEqual({ kind: "exited", exitCode: 0n });
    expect(reference().console).toBe(transcript(name));
    expect([...reference().result.jit.unsupported]).toEqual([]);
  });

  test("nothing is left behind", () => {
    const { kernel } = reference().machine;
    expect(kernel.processes.size).toBe(0);
    expect(kernel.frames.frameCount - kernel.frames.freeCount).toBe(kernel.framesUsedAtStart);
    expect(reference().result.processes.filter(({ ending }) => ending === "alive")).toEqual([]);
  });

  test(
    "the same with every invariant checked on the way",
    () => {
      expect(visible(runScenario(scenario, { checks: "full" }))).toEqual(visible(reference()));
    },
    FULL_CHECKS_MS,
  );

  test("the same without any optimisation", () => {
    expect(visible(runScenario(scenario, { jit: PLAIN_OPTIONS }))).toEqual(visible(reference()));
  });
});

/** One switch off at a time, and the smallest blocks: on the scenarios that are quick. */
const variants: readonly (readonly [string, JitOptions])[] = [
  ["one instruction per block", { ...DEFAULT_OPTIONS, maxBlockInstructions: 1 }],
  ["three instructions per block", { ...DEFAULT_OPTIONS, maxBlockInstructions: 3 }],
  ...Object.keys(DEFAULT_OPTIONS)
    .filter((key) => key !== "maxBlockInstructions")
    .map((key) => [`without ${key}`, { ...DEFAULT_OPTIONS, [key]: false }] as const),
];

describe.each(["hello", "memoryobject-shared", "ipc-zerocopy", "threads"])("%s", (name) => {
  const scenario = shipped(name);
  const reference = once(() => visible(runScenario(scenario)));
  test.each(variants)("%s", (_name, jit) => {
    expect(visible(runScenario(scenario, { jit }))).toEqual(reference());
  });
});

describe.each(["integer", "sse-integer"])("%s, a program that checks itself", (name) => {
  const scenario = guestProgram(name);
  const reference = once(() => visible(runScenario(scenario)));

  test("finds nothing wrong", () => {
    expect(reference()).toMatchObject({ outcome: { kind: "exited", exitCode: 0n } });
  });

  test.each(variants)("%s", (_name, jit) => {
    expect(visible(runScenario(scenario, { jit }))).toEqual(reference());
  });
});

describe("one translation serves every process", () => {
  const twice = (jit: JitOptions): readonly [one: number, two: number] => {
    const scenario = guestProgram("integer");
    const one = runScenario(scenario, { jit });
    const two = runScenario(scenario, {
      jit,
      prepare: ({ kernel }) =>
        expect(kernel.spawn({ name: "twin", binary: "integer", grants: [] }).status).toBe("ok"),
    });
    expect(two.result.instructions).toBeGreaterThan(1.5 * one.result.instructions);
    expect(two.result.jit.pagesReused).toBeGreaterThan(one.result.jit.pagesReused);
    return [one.result.jit.unitsTranslated, two.result.jit.unitsTranslated];
  };

  test("a second process of the same program translates nothing", () => {
    const [one, two] = twice(DEFAULT_OPTIONS);
    expect(two).toBe(one);
  });

  test("also without any optimisation", () => {
    const [one, two] = twice(PLAIN_OPTIONS);
    expect(two).toBe(one);
  });

  test("a program with other code is translated", () => {
    const scenario = guestProgram("integer");
    const binaries = new Map([...scenario.binaries, ["tiny", guestFile("tiny")]]);
    const alone = runScenario(scenario);
    const both = runScenario(
      { ...scenario, binaries },
      { prepare: ({ kernel }) => void kernel.spawn({ name: "tiny", binary: "tiny", grants: [] }) },
    );
    expect(both.result.jit.unitsTranslated).toBeGreaterThan(alone.result.jit.unitsTranslated);
  });
});

test("ten runs of a scenario are one", () => {
  const scenario = shipped("ipc-zerocopy");
  const runs = Array.from({ length: 10 }, () => JSON.stringify(runScenario(scenario).console));
  expect(new Set(runs).size).toBe(1);
});
