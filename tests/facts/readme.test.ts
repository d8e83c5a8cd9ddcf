/** The page about the translator names only files and identifiers that exist, and every file of the cache. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const SRC = resolve(import.meta.dirname, "../../src");
const JIT = join(SRC, "jit");
const page = readFileSync(join(JIT, "README.md"), "utf8");

const FILES = [...new Set(page.match(/[\w/-]+\.ts\b/g))];
const quoted = [...page.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text ?? "");
const IDENTIFIERS = [...new Set(quoted.filter((text) => /^[A-Za-z]\w*$/.test(text)))];
/** Names that stand in the drawings: the calls between memory and cache. */
const DRAWN = ["beforeWrite", "onCodeWrite", "frameWritten", "onExecutableChange", "detachPage", "enter"];

/** All text of a folder of `src`, its subfolders included. */
const textOf = (folder: string): string =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
const code = textOf(JIT) + textOf(join(SRC, "mmu"));
const exists = (file: string): boolean =>
  [JIT, join(JIT, "cache"), SRC].some((at) => existsSync(join(at, file)));

test("there is something to check", () => {
  expect(FILES.length).toBeGreaterThan(8);
  expect(IDENTIFIERS.length).toBeGreaterThan(5);
});

test.each(FILES)("%s is a file", (file) => expect(exists(file)).toBe(true));

test.each(IDENTIFIERS)("%s is a name in the code", (name) =>
  expect(code).toMatch(new RegExp(`\\b${name}\\b`)),
);

test.each(DRAWN)("%s is in the page and in the code", (name) => {
  expect(page).toMatch(new RegExp(`\\b${name}\\b`));
  expect(code).toMatch(new RegExp(`\\b${name}\\(`));
});

test.each(readdirSync(join(JIT, "cache")))("the page names cache/%s", (file) => expect(page).toContain(file));

describe("words that the code states in a type", () => {
  const union = (file: string, pattern: RegExp): readonly string[] => {
    const [, text = ""] = pattern.exec(readFileSync(join(JIT, file), "utf8")) ?? [];
    return [...text.matchAll(/"(\w+)"/g)].map(([, word]) => word ?? "");
  };

  test("cell states are the rows of the table", () => {
    const states = union("cache/cell.ts", /type CellState =([^;]+);/);
    const rows = [...page.matchAll(/^\| (\w+) +\|/gm)].map(([, word]) => word ?? "");
    expect(states.length).toBeGreaterThan(3);
    expect(rows.slice(rows.indexOf("untranslated"), rows.indexOf("untranslated") + states.length)).toEqual(
      states,
    );
  });

  test("states of code pages are in the drawing", () => {
    const states = union("cache/code-page.ts", /state: ([^=]+)=/);
    expect(states).toEqual(["live", "dormant", "dropped"]);
    for (const state of states) expect(page).toMatch(new RegExp(`\\b${state}\\b`));
  });

  test("the rules are those that the code quotes", () => {
    const ids = [...new Set(page.match(/\bJIT-\d+\b/g))].sort();
    const quotedIds = [...new Set(code.match(/\bJIT-\d+\b/g))].sort();
    expect(ids).toEqual(quotedIds);
  });
});
