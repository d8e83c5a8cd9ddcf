/**
 * The neighbour of the shipped attackers prints what it prints without them. That the attack itself ends well, and with
 * every rule checked after every call, is a test of each scenario.
 */

import { readFileSync } from "node:fs";
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
  expect(lines(alone.console)).toHaveLength(12);
  const attacked = readFileSync(new URL("transcripts/attack.txt", import.meta.url), "utf8");
  expect(lines(attacked)).toEqual(lines(alone.console));
});
