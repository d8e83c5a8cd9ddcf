/** Scenario files: every refusal is one line that names the JSON path and the expectation. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { InputError, closest } from "../src/input-error.ts";
import { loadScenario, parseScenario, parseSize } from "../src/scenario.ts";
import { ADDED_SOURCES } from "../src/kernel/sources.ts";
import { STORE_KINDS } from "../src/kernel/storage.ts";

const GOOD = { binaries: { main: "x.elf" }, init: { binary: "main", capabilities: { console: "console" } } };
const parse = (value: unknown): unknown => parseScenario(JSON.stringify(value), "s.json");

test("a minimal and a full scenario are accepted", () => {
  expect(parse(GOOD)).toEqual(GOOD);
  const full = {
    ...GOOD,
    memory: "64MiB",
    quotas: { frameGrantPages: 16384 },
    consoleInput: ["help", "exit"],
    expect: { console: ["ok"], exitCode: 0 },
  };
  expect(parse(full)).toEqual(full);
});

describe("refusals", () => {
  const rows: readonly (readonly [string, unknown, RegExp])[] = [
    ["no init", { binaries: { a: "x" } }, /^s\.json: \$: lacks the property "init"$/],
    [
      "a wrong type",
      { ...GOOD, binaries: { main: 3 } },
      /^s\.json: \$\.binaries\.main: expected string, got 3/,
    ],
    [
      "an unknown source",
      { ...GOOD, init: { binary: "main", capabilities: { console: "consle" } } },
      /^s\.json: \$\.init\.capabilities\.console: "consle" is not known; did you mean "console"\?$/,
    ],
    [
      "an unknown property",
      { ...GOOD, expct: {} },
      /^s\.json: \$\.expct: unknown property; did you mean "expect"\?$/,
    ],
    [
      "an unknown quota",
      { ...GOOD, quotas: { frames: 1 } },
      /^s\.json: \$\.quotas\.frames: unknown property; known are frameGrantPages, /,
    ],
    [
      "a size without a unit we know",
      { ...GOOD, memory: "5 MB" },
      /^s\.json: \$\.memory: "5 MB" is not acceptable \(Guest RAM/,
    ],
    [
      "a negative quota",
      { ...GOOD, quotas: { threads: -1 } },
      /^s\.json: \$\.quotas\.threads: -1 is not acceptable \(Threads\)$/,
    ],
    [
      "an init that is not there",
      { ...GOOD, init: { binary: "b", capabilities: {} } },
      /^s\.json: \$\.init\.binary: "b" is not one/,
    ],
    [
      "a name that is a number",
      { ...GOOD, init: { binary: "main", capabilities: { 7: "timer" } } },
      /\$\.init\.capabilities: the name "7"/,
    ],
    [
      "a name that is too long",
      { ...GOOD, init: { binary: "main", capabilities: { ["n".repeat(33)]: "timer" } } },
      /^s\.json: \$\.init/,
    ],
    ["an array", [], /^s\.json: \$: expected object, got \[\]/],
  ];
  test.each(rows)("%s", (_name, value, message) => {
    expect(() => parse(value)).toThrow(InputError);
    expect(() => parse(value)).toThrow(message);
    try {
      parse(value);
    } catch (error) {
      expect(String(error)).not.toContain("\n");
    }
  });

  test("text that is not JSON", () => {
    expect(() => parseScenario("{", "s.json")).toThrow(/^s\.json: not JSON: /);
  });

  test("keys that are names of the prototype stay plain keys", () => {
    expect(() => parse({ ...GOOD, init: { binary: "constructor", capabilities: {} } })).toThrow(
      /is not one of the binaries/,
    );
  });

  test("a file that is not there", () => {
    expect(() => loadScenario("/nowhere/s.json", "s")).toThrow(
      /^\/nowhere\/s\.json: cannot read the scenario: no such file$/,
    );
  });
});

test("sizes", () => {
  expect(["64MiB", "4096", "1GiB", "2KiB", "7B"].map(parseSize)).toEqual([64 << 20, 4096, 2 ** 30, 2048, 7]);
  expect(["", "MiB", "-1", "1.5MiB", "1 MiB", "1mb"].map(parseSize)).toEqual(Array(6).fill(undefined));
});

test("suggestions name only what is close", () => {
  expect(closest("spwan", ["smoke", "spawn"])).toBe("spawn");
  expect(closest("zzzzzz", ["smoke", "spawn"])).toBeUndefined();
});

test("the schema lists the kernel sources of the published enum and ours, and the stores there are", () => {
  const schema = JSON.parse(
    readFileSync(new URL("../scenarios/scenario.schema.json", import.meta.url), "utf8"),
  ) as {
    properties: {
      init: { properties: { capabilities: { additionalProperties: { enum: string[] } } } };
      stores: { properties: object };
    };
  };
  const facts = JSON.parse(readFileSync(new URL("data/schema.json", import.meta.url), "utf8")) as {
    enums: { KernelCapSource: Record<string, number> };
  };
  expect(schema.properties.init.properties.capabilities.additionalProperties.enum).toEqual([
    ...Object.keys(facts.enums.KernelCapSource),
    ...ADDED_SOURCES.keys(),
  ]);
  expect(Object.keys(schema.properties.stores.properties)).toEqual([...STORE_KINDS.keys()]);
});
