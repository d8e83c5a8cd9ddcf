/** The tables of rules in the kernel's README are what the code, the tests and the recorded counts say. */

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";

test("npm run rules would change nothing", () => {
  const script = resolve(import.meta.dirname, "../../scripts/kernel-rules.js");
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});
