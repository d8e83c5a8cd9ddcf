/** The direction of imports (README, "Map"): each part may import only what its row names. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const SRC = resolve(import.meta.dirname, "../src");

/** First matching prefix decides. `*`: everything but src/cli. */
const ROWS: readonly (readonly [part: string, may: readonly string[], packages?: readonly string[]])[] = [
  ["mmu/", ["mmu/"]],
  ["jit/float/", ["jit/float/"]],
  ["jit/ir/", ["jit/ir/", "jit/float/"]],
  ["jit/cache/", ["jit/cache/", "jit/ir/", "jit/unit.ts", "mmu/mmu.ts"]],
  ["host-inputs.ts", [], ["node:crypto", "node:fs"]],
  ["host-storage.ts", ["input-error.ts"], ["node:fs", "node:path"]],
  ["v8-flags.ts", [], ["node:v8"]],
  ["kept-files.ts", [], ["node:fs", "node:os", "node:path", "node:zlib"]],
  ["stored-code-file.ts", ["jit/code-store.ts"]],
  ["translation-store.ts", ["stored-code-file.ts", "kept-files.ts", "jit/"], ["node:zlib"]],
  ["frontend/", ["frontend/", "jit/ir/"]],
  ["jit/passes/", ["jit/passes/", "jit/ir/", "jit/options.ts"]],
  ["jit/emit/structure.ts", ["jit/ir/"]],
  [
    "jit/emit/javascript/",
    [
      "jit/emit/javascript/",
      "jit/ir/",
      "jit/emit/structure.ts",
      "mmu/layout.ts",
      "mmu/mmu.ts",
      "jit/unit.ts",
      "jit/options.ts",
    ],
    ["acorn", "astring", "source-map", "node:module"],
  ],
  [
    "jit/emit/webassembly/",
    [
      "jit/emit/webassembly/",
      "jit/ir/",
      "jit/emit/structure.ts",
      "mmu/layout.ts",
      "mmu/mmu.ts",
      "jit/unit.ts",
      "v8-flags.ts",
    ],
  ],
  ["jit/", ["jit/", "mmu/"]],
  ["kernel/schema/", ["kernel/schema/"], ["capnp-es"]],
  ["kernel/", ["kernel/", "mmu/", "host-inputs.ts", "host-storage.ts"], ["capnp-es"]],
  [
    "cli/launch.ts",
    ["kept-files.ts", "v8-flags.ts", "cli/"],
    ["node:fs", "node:module", "node:path", "node:url", "node:v8", "node:vm", "node:zlib"],
  ],
  [
    "cli/",
    ["*", "cli/"],
    [
      "yargs",
      "yargs/helpers",
      "node:fs",
      "node:path",
      "node:url",
      "node:process",
      "node:module",
      "node:inspector",
    ],
  ],
  ["", ["*"], ["node:fs", "node:path", "node:url", "@cfworker/json-schema"]],
];
const ANYONE = ["mmu/address.ts", "mmu/fault.ts", "invariant.ts"];

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
  .map((name) => name.replaceAll("\\", "/"));

const importsOf = (file: string): string[] =>
  [...readFileSync(join(SRC, file), "utf8").matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(
    (m) => m[1] ?? "",
  );

function refusal(file: string, specifier: string): string | undefined {
  const row = ROWS.find(([part]) => file.startsWith(part));
  if (row === undefined) return `${file}: no row`;
  const [part, may, packages = []] = row;
  if (!specifier.startsWith(".")) {
    return packages.includes(specifier)
      ? undefined
      : `${file}: package ${specifier} is not allowed in ${part}`;
  }
  const target = relative(SRC, resolve(SRC, dirname(file), specifier)).replaceAll("\\", "/");
  const allowed =
    ANYONE.includes(target) ||
    (may.includes("*") && !target.startsWith("cli/")) ||
    may.some((prefix) => prefix !== "*" && target.startsWith(prefix));
  return allowed ? undefined : `${file} imports ${target}`;
}

test("imports point down only", () => {
  expect(files.length).toBeGreaterThan(0);
  expect(
    files.flatMap((file) =>
      importsOf(file)
        .map((s) => refusal(file, s))
        .filter((r) => r !== undefined),
    ),
  ).toEqual([]);
});

test("the check refuses an upward import", () => {
  expect(refusal("mmu/x.ts", "../kernel/kernel.ts")).toBeDefined();
  expect(refusal("jit/engine.ts", "../frontend/decode.ts")).toBeDefined();
  expect(refusal("kernel/x.ts", "yargs")).toBeDefined();
});
