/**
 * Runs the shipped scenarios once at build time, so that their translations and the compiled form of the command are
 * there when a user starts them for the first time. Both are used only where they fit: another Node.js or a changed
 * program makes its own.
 */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { prepare } = createRequire(import.meta.url)("../dist/bundle/launch.cjs");
const names = readdirSync(new URL("../scenarios/", import.meta.url))
  .filter((name) => name.endsWith(".json") && name !== "scenario.schema.json")
  .map((name) => name.slice(0, -".json".length));
const work = mkdtempSync(join(tmpdir(), "capjit-prepare-"));
try {
  await prepare(names, work);
} finally {
  rmSync(work, { recursive: true, force: true });
}
