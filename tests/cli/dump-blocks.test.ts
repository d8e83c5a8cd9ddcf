/** `--dump-blocks` follows blocks from guest bytes over IR to JavaScript. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { SourceMapConsumer } from "source-map";
import { describe, expect, test } from "vitest";
import { parseBlockFilter } from "../../src/cli/block-filter.ts";
import { readSymbols } from "../../src/symbols.ts";
import { capjit, guest, temporaryFolder } from "./command.ts";
import { hex, program, TEXT } from "./guest-elf.ts";

const folder = temporaryFolder();

/** Counts to 3 in a loop, then exits with the count. */
const COUNT = program(
  hex(
    "31 ff", // 00 _start: xor edi, edi
    "ff c7", // 02 again: inc edi
    "83 ff 03", // 04 cmp edi, 3
    "75 f9", // 07 jne again
    "b8 01 00 00 00", // 09 mov eax, 1
    "0f 05", // 0e syscall
  ),
  [
    { name: "_start", address: TEXT, size: 2 },
    { name: "again", address: TEXT + 2, size: 0x10 },
  ],
);
const file = folder.write("count.elf", COUNT);

async function dump(...options: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await capjit("run", file, "--quiet", ...options);
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
  return stderr;
}

const headings = (text: string): string[] => text.match(/^==== .*$/gm) ?? [];

test("a block from guest bytes to JavaScript", async () => {
  const text = await dump("--dump-blocks=again");
  const start = text.indexOf("==== block 0x400002 ");
  const block = text.slice(start, text.indexOf("\n==== ", start));
  expect(block).toMatch(/^==== block 0x400002 <again\+0x0>: 3 instructions, translated for init\n/);
  const [, code, lifted, optimised, javascript] = block.split(/^---- .*\n/m);
  expect(
    code
      ?.trimEnd()
      .split("\n")
      .map((line) => line.trim().replace(/ {2,}/g, " | ")),
  ).toEqual([
    "0x400002 | ff c7 | inc edi",
    "0x400004 | 83 ff 03 | cmp edi, 0x3",
    "0x400007 | 75 f9 | jne 0x400002",
  ]);
  expect(lifted).toMatch(
    /^block 0x400002\n[^]*= get\.i64 rdi\n[^]*flags\.sub\.i32[^]*\nexit branch %\d+ 0x400002 0x400009\n$/,
  );
  expect(optimised).toMatch(/^block 0x400002\n[^]*\nexit branch %\d+ 0x400002 0x400009\n$/);
  expect(optimised?.length).toBeLessThan(lifted?.length ?? 0);
  expect(javascript).toMatch(
    /^function b_400002\(\) \{\n[^]*\/\/ 0x400002\n[^]*rdi[^]*\/\/ 0x400004\n[^]*\/\/ 0x400007\n[^]*\}\n+$/,
  );
});

test("executions and the end of every block come last", async () => {
  const lines = (await dump("--dump-blocks", "--plain")).trimEnd().split("\n");
  const table = lines.slice(lines.findIndex((line) => line.startsWith("==== 3 blocks: ")) + 1);
  expect(table.map((line) => line.trim().split(/ {2,}/))).toEqual([
    ["0x400000", "1", expect.any(String), "_start+0x0"],
    ["0x400002", "2", expect.any(String), "again+0x0"],
    ["0x400009", "1", expect.any(String), "again+0x7"],
  ]);
});

test("a block of a page that the guest changed was dropped", async () => {
  const { stderr } = await capjit("run", "spawn", "--quiet", "--dump-blocks=0x20000000-0x20100000");
  expect(stderr).toMatch(/^ {2}0x20[0-9a-f]{6} +\d+ {2}dropped: write/m);
});

describe("filters", () => {
  const starts = async (filter: string): Promise<string[]> =>
    headings(await dump(`--dump-blocks=${filter}`, "--plain")).map(
      (line) => /0x4[0-9a-f]+/.exec(line)?.[0] ?? "total",
    );

  test.each([
    ["a function", "_start", ["0x400000", "total"]],
    ["a range, its end excluded", "0x400002-0x400009", ["0x400002", "total"]],
    ["a page, by any of its addresses", "0x400abc", ["0x400000", "0x400002", "0x400009", "total"]],
    ["a page without code", "0x500000", ["total"]],
    ["a process", "process:init", ["0x400000", "0x400002", "0x400009", "total"]],
    ["another process", "process:child", ["total"]],
  ])("%s", async (_what, filter, expected) => {
    expect(await starts(filter)).toEqual(expected);
  });

  test("a function is one of the program that runs, not of another at the same address", () => {
    const symbols = new Map([
      ["one", readSymbols(COUNT)],
      ["two", readSymbols(program(hex("90"), [{ name: "main", address: TEXT, size: 1 }]))],
    ]);
    const selects = parseBlockFilter("main", symbols);
    expect([selects(TEXT, "p", "one"), selects(TEXT, "p", "two")]).toEqual([false, true]);
  });
});

test("--dump-blocks-to writes text, JavaScript and source map per block, and an index", async () => {
  const target = join(folder.path, "deep/dump");
  expect(await dump("--plain", "--dump-blocks-to", target)).toBe(`capjit: 3 blocks written to ${target}\n`);
  expect(readdirSync(target).sort()).toEqual(
    ["b_400000", "b_400002", "b_400009"]
      .flatMap((name) => [`${name}.js`, `${name}.js.map`, `${name}.txt`])
      .concat("index.txt"),
  );
  const read = (name: string): string => readFileSync(join(target, name), "utf8");
  const [text, javascript] = [read("b_400002.txt").split("\n"), read("b_400002.js").split("\n")];
  expect(javascript.at(-2)).toBe("//# sourceMappingURL=b_400002.js.map");
  const consumer = await new SourceMapConsumer(JSON.parse(read("b_400002.js.map")) as never);
  const seen = new Set<string>();
  consumer.eachMapping(({ generatedLine, originalLine, source }) => {
    expect(source).toBe("b_400002.txt");
    expect(javascript[generatedLine - 1]).toBeDefined();
    seen.add(text[(originalLine ?? 0) - 1]?.trim().split(" ")[0] ?? "");
  });
  consumer.destroy();
  expect([...seen].sort()).toEqual(["0x400002", "0x400004", "0x400007"]);
});

test("a dump changes nothing in the run", async () => {
  const { stdout, stderr } = await capjit("run", guest("integer"), "--json", "--dump-blocks=0x1000");
  const plain = await capjit("run", guest("integer"), "--json");
  const counts = (text: string): unknown => {
    const { instructions, exitCode } = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as Record<
      string,
      unknown
    >;
    return { instructions, exitCode };
  };
  expect(stdout).toBe(plain.stdout);
  expect(counts(stderr)).toEqual(counts(plain.stderr));
});

test("a folder is made before the run, not after it", async () => {
  const { code } = await capjit("run", guest("tiny"), "--dump-blocks-to", join(guest("tiny"), "x"));
  expect(code).toBe(125);
  expect(existsSync(join(guest("tiny"), "x"))).toBe(false);
});
