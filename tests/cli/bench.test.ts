/** `capjit bench`: the list, times, and what `--explain` counts of guests whose counts are known. */

import { describe, expect, test } from "vitest";
import { PROGRAM_NAMES } from "../../src/cli/bench-programs.ts";
import { BENCH_OPTIONS } from "../../src/cli/bench-options.ts";
import { shippedNames } from "../../src/cli/shipped.ts";
import { PHASES } from "../../src/cli/time-profile.ts";
import { capjit, guest, temporaryFolder } from "./command.ts";
import { hex, program, TEXT } from "./guest-elf.ts";

const folder = temporaryFolder();

interface Explained {
  readonly exitCode: number | null;
  readonly outcome: string;
  readonly instructions: number;
  readonly samples: number;
  readonly phasesMs: Readonly<Record<string, number>>;
  readonly units: readonly {
    readonly address: string;
    readonly symbols: readonly string[];
    readonly form: string;
    readonly language: string;
    readonly ms: number;
    readonly share: number;
  }[];
  readonly left: Readonly<Record<string, number>>;
  readonly memory: Readonly<Record<string, number>>;
  readonly helperCalls: Readonly<Record<string, number>>;
  readonly translation: Readonly<Record<string, number>>;
}

async function explained(...args: readonly string[]): Promise<Explained & { readonly code: number }> {
  const { code, stdout, stderr } = await capjit("bench", "--explain", "--json", ...args);
  expect(stderr).toBe("");
  return { code, ...(JSON.parse(stdout) as Explained) };
}

test("without a name, every program with what it does", async () => {
  const { code, stdout, stderr } = await capjit("bench");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = stdout.trimEnd().split("\n");
  expect(lines.map((line) => /^(\S+) +(?:integer|simd|float) +\S.*$/.exec(line)?.[1])).toEqual(PROGRAM_NAMES);
  const { stdout: json } = await capjit("bench", "--json");
  expect(Object.keys(JSON.parse(json) as object)).toEqual(PROGRAM_NAMES);
});

test("no program has the name of a scenario", () => {
  const scenarios = new Set(shippedNames());
  expect(PROGRAM_NAMES.filter((name) => scenarios.has(name))).toEqual([]);
});

test("its manual has every option", async () => {
  const { stdout } = await capjit("bench", "--help");
  for (const option of Object.keys(BENCH_OPTIONS)) expect(stdout).toContain(`  --${option} `);
});

describe("times", () => {
  test("first run and later ones", async () => {
    const { code, stdout, stderr } = await capjit("bench", "chacha", "--scale", "1", "--rounds", "3");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^chacha, tier auto: init exited with code 0\n/);
    expect(stdout).toMatch(/\nfirst run +[0-9.]+ /);
    expect(stdout).toMatch(/\n2 later +[0-9.]+ /);
  });

  test("as JSON: each run does the same work, and the scale decides how much", async () => {
    const run = async (scale: string): Promise<number[]> => {
      const { stdout } = await capjit("bench", "chacha", "--scale", scale, "--rounds=2", "--json");
      const { runs } = JSON.parse(stdout) as { runs: { instructions: number; runMs: number }[] };
      for (const { runMs } of runs) expect(runMs).toBeGreaterThan(0);
      return runs.map(({ instructions }) => instructions);
    };
    const [once, again] = await run("1");
    expect(again).toBe(once);
    const [more = 0] = await run("3");
    expect(more).toBeGreaterThan(2 * (once ?? Infinity));
  });

  test("a guest that finds its result wrong is run once, and its exit code is that of the command", async () => {
    const file = folder.write("seven.elf", program(hex("bf 07 00 00 00 b8 01 00 00 00 0f 05")));
    const { code, stdout } = await capjit("bench", file, "--rounds=3", "--json");
    expect(code).toBe(7);
    expect((JSON.parse(stdout) as { runs: object[] }).runs.length).toBe(1);
  });

  test("a limit ends a run", async () => {
    const { code, stdout } = await capjit("bench", "sort", "--max-instructions", "100000", "--rounds=1");
    expect(code).toBe(124);
    expect(stdout).toContain("\n100,000 guest instructions");
  });

  test("scenarios too", async () => {
    const { code, stdout } = await capjit("bench", "hello", "--rounds=1");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^hello, tier auto: init exited with code 0\n/);
  });
});

/** 300 rounds of CPUID and a store, then exit(0): xor ebp, ebp; again: cpuid; push rax; pop rax; inc ebp; cmp; jne. */
const ROUNDS = 300;
const COUNTED = hex("31 ed 31 c0 0f a2 50 58 ff c5 81 fd 2c 01 00 00 75 f0 31 ff b8 01 00 00 00 0f 05");

describe("counts of --explain", () => {
  const file = folder.write(
    "counted.elf",
    program(COUNTED, [{ name: "counted", address: TEXT, size: COUNTED.length }]),
  );

  test.each(["js", "auto"])("calls of helpers, exits and instructions are exact (%s)", async (tier) => {
    const { code, ...found } = await explained(file, "--tier", tier);
    expect(code).toBe(0);
    expect(found.instructions).toBe(1 + 7 * ROUNDS + 3);
    // One call for each register of the result that is used.
    const cpuid = found.helperCalls["cpuid"] ?? 0;
    expect(cpuid % ROUNDS).toBe(0);
    expect(cpuid).toBeGreaterThan(0);
    expect(found.left["of these to the kernel: system call"]).toBe(1);
    expect(found.left["of these to the kernel: fault"]).toBe(0);
    expect(found.memory["TLB fills"]).toBeGreaterThan(0);
    expect(found.translation["instructions in them"]).toBeGreaterThanOrEqual(11);
  });

  test("the text has them per thousand instructions", async () => {
    const { code, stdout, stderr } = await capjit("bench", "--explain", file);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/\n2,104 guest instructions in /);
    expect(stdout).toMatch(/\ncpuid +[0-9,]+ +[0-9.]+\n/);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test("a fault is an exit too, and the exit code says it", async () => {
    const fault = folder.write("fault.elf", program(hex("31 c0 8b 00")));
    const { code, left } = await explained(fault);
    expect(code).toBe(139);
    expect(left["of these to the kernel: fault"]).toBe(1);
  });
});

describe("times of --explain", () => {
  const sum = ({ phasesMs }: Explained): number =>
    PHASES.reduce((all, phase) => all + (phasesMs[phase] ?? 0), 0);

  test(
    "hot code is in regions, and they have the names of the guest's functions",
    { timeout: 60_000 },
    async () => {
      const found = await explained("chacha", "--scale", "20", "--top", "3");
      expect(found.code).toBe(0);
      expect(found.units.length).toBe(3);
      const [hottest] = found.units;
      expect(hottest).toMatchObject({ form: "region", language: "WebAssembly" });
      expect(hottest?.symbols[0]).toMatch(/^[a-z_]+/);
      expect(found.translation["regions compiled"]).toBeGreaterThan(0);
      expect(found.phasesMs["guest code"]).toBeGreaterThan(0.1 * sum(found));
      for (const { ms, share } of found.units) expect(share).toBeCloseTo(ms / sum(found), 9);
    },
  );

  test("in JavaScript regions are what is hot as well", { timeout: 60_000 }, async () => {
    const found = await explained("nbody", "--max-instructions=6000000", "--tier", "js");
    expect(found.units[0]).toMatchObject({ form: "region", language: "JavaScript" });
    expect(found.phasesMs["guest code"]).toBeGreaterThan(0.1 * sum(found));
    expect(found.translation["regions compiled"]).toBeGreaterThan(0);
  });

  test("a guest that only calls the kernel has its counts as well", { timeout: 60_000 }, async () => {
    const found = await explained("hello");
    expect(found.phasesMs["set-up"]).toBeGreaterThan(0);
    expect(found.samples).toBeGreaterThan(10);
    expect(found.left["of these to the kernel: system call"]).toBeGreaterThan(0);
  });
});

describe("refusals", () => {
  const rows: readonly (readonly [what: string, args: readonly string[], message: RegExp])[] = [
    ["a misspelt program", ["sha265"], /^unknown program "sha265"; did you mean "sha256"\?$/],
    ["a strange program", ["qqqqqqqq"], /^unknown program "qqqqqqqq"; capjit bench lists them$/],
    ["a file that is not there", ["no/such.elf"], /^no\/such\.elf: cannot read the program: no such file$/],
    ["two programs", ["sort", "lists"], /^unexpected argument "lists"; see/],
    ["nothing to explain", ["--explain"], /^explain what\? expected a program; capjit bench lists them$/],
    ["no rounds", ["sort", "--rounds=0"], /^--rounds 0: expected a number from 1 to 1000$/],
    ["a strange count", ["sort", "--top=x"], /^--top x: expected a whole number/],
    ["no work", ["sort", "--scale=0"], /^--scale 0: expected a number from 1 to 999999$/],
    ["work of a scenario", ["hello", "--scale=5"], /^--scale 5: hello is not a program of the list$/],
    ["a child of a program", ["sort", "--binary", `a=${guest("tiny")}`], /^--binary: sort starts no other/],
    ["no time", ["sort", "--timeout=0"], /^--timeout 0: expected a positive number of seconds/],
    ["a strange tier", ["sort", "--tier", "fast"], /^--tier fast: expected one of auto, js, wasm; see/],
    ["a misspelt option", ["sort", "--explian"], /^unknown option --explian; did you mean --explain\?; see/],
    ["a value twice", ["sort", "--scale=1", "--scale=2"], /^--scale is given twice$/],
  ];
  test.each(rows)("%s", async (_what, args, message) => {
    const { code, stdout, stderr } = await capjit("bench", ...args);
    expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
    expect(stderr).toMatch(/^capjit: [^\n]+\n$/);
    expect(stderr.slice("capjit: ".length, -1)).toMatch(message);
  });
});
