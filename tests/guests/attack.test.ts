/** The shipped attackers beside their neighbour: it prints what it prints without them, and every rule holds throughout. */

import { expect, test } from "vitest";
import { runScenario, shipped } from "./run.ts";

const lines = (console: string): readonly string[] =>
  console.split("\n").filter((line) => line.startsWith("[neighbour]"));

test("the neighbour's lines are those of a run without attackers", () => {
  const scenario = shipped("attack");
  if (typeof scenario.capabilities === "string") throw new Error("the scenario grants everything");
  const quiet = { ...scenario, capabilities: [...scenario.capabilities, ["quiet", "console"] as const] };
  const alone = runScenario(quiet);
  expect(alone.result.outcome).toEqual({ kind: "exited", exitCode: 0n });
  expect(alone.result.processes).toHaveLength(2);
  const attacked = runScenario(scenario);
  expect(attacked.result.processes.length).toBeGreaterThan(200);
  expect(lines(attacked.console)).toEqual(lines(alone.console));
  expect(lines(alone.console)).toHaveLength(12);
  expect(attacked.machine.kernel.brokenRules()).toEqual([]);
});
