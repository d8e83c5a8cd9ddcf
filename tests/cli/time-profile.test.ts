/** What the time of a stack counts as. */

import { describe, expect, test } from "vitest";
import { CallCounter } from "../../src/cli/call-counter.ts";
import {
  type Marks,
  type Phase,
  profiled,
  type RawProfile,
  readProfile,
} from "../../src/cli/time-profile.ts";

const MARKS: Marks = new Map<string, Phase>([
  ["guestRun", "dispatch"],
  ["runPasses", "passes"],
  ["compileModule", "compile"],
]);

/** A profile of stacks, outermost function first, each seen once; a function is `name` or `name@url`. */
function profileOf(stacks: readonly (readonly string[])[], microseconds = 1000): RawProfile {
  const nodes: { id: number; callFrame: RawProfile["nodes"][number]["callFrame"]; children: number[] }[] = [];
  const add = (function_: string): number => {
    const [functionName = "", url = ""] = function_.split("@");
    const callFrame = { functionName, url, scriptId: "0", lineNumber: 0, columnNumber: 0 };
    return nodes.push({ id: nodes.length + 1, callFrame, children: [] });
  };
  add("(root)");
  const samples = stacks.map((stack) => {
    let at = 1;
    for (const function_ of stack) {
      const parent = nodes[at - 1];
      at = add(function_);
      parent?.children.push(at);
    }
    return at;
  });
  return { nodes, samples, timeDeltas: samples.map(() => microseconds) };
}

const REGION = "region_401000@wasm://wasm/1234";
const BLOCK = "b_401020_1@capjit://b_401000.js";

describe("a stack counts as", () => {
  const rows: readonly (readonly [stack: readonly string[], phase: Phase])[] = [
    [["guestRun", "#loop"], "dispatch"],
    [["guestRun", REGION], "guest code"],
    [["guestRun", BLOCK], "guest code"],
    [["guestRun", REGION, "wasm-to-js", "load"], "helpers"],
    [["guestRun", REGION, "wasm-function[3]@wasm://wasm/5678"], "helpers"],
    [["guestRun", REGION, "resume", "runPasses", "visit"], "passes"],
    [["guestRun", "runPasses", "(garbage collector)"], "garbage collection"],
    [["guestRun", "compileModule", "Module"], "compile"],
    [["main"], "host"],
    [["(program)"], "host"],
  ];
  test.each(rows)("%j: %s", (stack, phase) => {
    const { ms, samples } = readProfile(profileOf([stack]), MARKS);
    expect(samples).toBe(1);
    expect(Object.entries(ms).filter(([, spent]) => spent > 0)).toEqual([[phase, 1]]);
  });

  test("nothing when the host is idle", () => {
    const { ms, samples } = readProfile(profileOf([["(idle)"]]), MARKS);
    expect(samples).toBe(0);
    expect(Object.values(ms).every((spent) => spent === 0)).toBe(true);
  });
});

test("units are told by language, form and address; the longest comes first", () => {
  const stacks = [
    ["guestRun", BLOCK],
    ["guestRun", REGION],
    ["main", REGION],
    ["guestRun", REGION, "load"],
  ];
  expect(readProfile(profileOf(stacks, 500), MARKS).units).toEqual([
    { language: "WebAssembly", form: "region", address: 0x401000, ms: 1, samples: 2 },
    { language: "JavaScript", form: "block", address: 0x401020, ms: 0.5, samples: 1 },
  ]);
});

test("the profiler gives the result of the work and ends with it, also when it throws", () => {
  const { result, profile } = profiled(() => 42);
  expect(result).toBe(42);
  expect(profile.nodes.length).toBeGreaterThan(0);
  expect(() => profiled(() => { throw new RangeError("no"); })).toThrow("no"); // prettier-ignore
  expect(profiled(() => 43).result).toBe(43);
});

test("stand-ins count calls and pass everything on", () => {
  const counter = new CallCounter();
  const table = { imul: Math.imul, add: (a: number, b: number) => a + b, never: () => 0, M: { state: 1 } };
  const counted = counter.countCalls(table);
  expect([counted.add(1, 2), counted.add(3, 4), counted.imul(3, 5)]).toEqual([3, 7, 15]);
  expect(counted.M).toBe(table.M);
  expect(counted.imul).toBe(Math.imul);
  expect(counter.calls).toEqual([["add", 2]]);
});
