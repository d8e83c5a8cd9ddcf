/** Help reads like a manual page and fits a terminal of 100 columns. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EXIT_BUG, EXIT_CUT_SHORT, EXIT_EXPECTATION, EXIT_FAULT, EXIT_INPUT } from "../../src/cli/summary.ts";
import { RUN_OPTIONS } from "../../src/cli/run-options.ts";
import { capjit } from "./command.ts";
import { SHIPPED } from "../guests/run.ts";

describe.each([
  [["--help"]],
  [["run", "--help"]],
  [["scenarios", "--help"]],
  [["isa", "--help"]],
  [["bench", "--help"]],
])("%j", (args) => {
  test("goes to standard output, fits 100 columns, exit code 0", async () => {
    const { code, stdout, stderr } = await capjit(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(stdout).toMatch(/^capjit /);
    expect(stdout).toContain("Examples:\n");
  });
});

test("the manual of run has every option and every exit code", async () => {
  const { stdout } = await capjit("run", "--help");
  for (const option of Object.keys(RUN_OPTIONS)) expect(stdout).toContain(`  --${option} `);
  for (const code of [EXIT_BUG, EXIT_CUT_SHORT, EXIT_EXPECTATION, EXIT_FAULT, EXIT_INPUT]) {
    expect(stdout).toMatch(new RegExp(`^  ${code} +\\S`, "m"));
  }
});

test("--version is the package's", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect(await capjit("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

test("scenarios lists each with one line of description", async () => {
  const { code, stdout } = await capjit("scenarios");
  expect(code).toBe(0);
  const names = stdout
    .trimEnd()
    .split("\n")
    .map((line) => /^(\S+) +\S.*\.$/.exec(line)?.[1]);
  expect(names).toEqual([...SHIPPED]);
});
