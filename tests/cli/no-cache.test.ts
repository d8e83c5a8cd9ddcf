/** `capjit run` keeps translations in CAPJIT_CACHE_DIR, and leaves it alone with `--no-cache`. */

import { existsSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { capjit, guest, temporaryFolder } from "./command.ts";

const temporary = temporaryFolder();
let folders = 0;
let folder = "";
beforeEach(() => {
  folder = join(temporary.path, `cache${folders++}`);
  vi.stubEnv("CAPJIT_CACHE_DIR", folder);
});
afterEach(() => vi.unstubAllEnvs());

interface Summary {
  readonly blocksTranslated: number;
  readonly instructions: number;
}

async function run(...args: readonly string[]): Promise<{ stdout: string; summary: Summary }> {
  const { code, stdout, stderr } = await capjit("run", ...args, "--json");
  expect(code).toBe(0);
  return { stdout, summary: JSON.parse(stderr) as Summary };
}

test("a second run translates next to nothing and is the same otherwise", async () => {
  const first = await run("smoke");
  expect(readdirSync(folder)).toHaveLength(1);
  const second = await run("smoke");
  expect(second.stdout).toBe(first.stdout);
  expect(second.summary.instructions).toBe(first.summary.instructions);
  expect(first.summary.blocksTranslated).toBeGreaterThan(50);
  expect(second.summary.blocksTranslated).toBeLessThanOrEqual(first.summary.blocksTranslated / 10);
});

describe("--no-cache", () => {
  test("writes nothing", async () => {
    await run("hello", "--no-cache");
    expect(existsSync(folder)).toBe(false);
  });

  test("reads nothing, and leaves what is there", async () => {
    const first = await run("hello");
    const [name = ""] = readdirSync(folder);
    const file = join(folder, name);
    utimesSync(file, 1, 1);
    const bytes = readFileSync(file);
    const second = await run("hello", "--no-cache");
    expect(second.stdout).toBe(first.stdout);
    expect(second.summary.blocksTranslated).toBe(first.summary.blocksTranslated);
    expect(readdirSync(folder)).toEqual([name]);
    expect(Buffer.compare(readFileSync(file), bytes)).toBe(0);
  });
});

test.each([["--checks=full"], ["--tier=js"], ["--plain"]])("%s has no use for it", async (option) => {
  await run("hello", option);
  expect(existsSync(folder)).toBe(false);
});

test("programs and tiers have files of their own", async () => {
  await run("hello");
  await run("hello", "--tier=wasm");
  await run("smoke");
  expect(readdirSync(folder)).toHaveLength(3);
});

test("a folder that cannot be written is no error", async () => {
  const file = temporary.write("file", "");
  vi.stubEnv("CAPJIT_CACHE_DIR", join(file, "below"));
  const { stdout } = await run("hello");
  expect(stdout).toBe("Hello from capOS.\n");
  expect((await capjit("run", guest("tiny"), "--quiet")).code).toBe(9);
});
