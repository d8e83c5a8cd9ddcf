/** `capjit run`: output channels, exit codes, limits, summaries. */

import { describe, expect, test } from "vitest";
import { capjit, guest, temporaryFolder } from "./command.ts";

const folder = temporaryFolder();
const HELLO = "Hello from capOS.\n";

const scenario = (value: object): string => folder.write("scenario.json", JSON.stringify(value));
const hello = {
  binaries: { hello: guest("hello") },
  init: { binary: "hello", capabilities: { console: "console" } },
};

describe("output", () => {
  test("the guest's bytes alone on standard output, capjit's lines on standard error", async () => {
    const { code, stdout, stderr } = await capjit("run", "hello");
    expect({ code, stdout }).toEqual({ code: 0, stdout: HELLO });
    const lines = stderr.trimEnd().split("\n");
    expect(lines[0]).toBe("capjit: hello: init exited with code 0");
    expect(lines[1]).toMatch(/^capjit: 1 process, [\d,]+ guest instructions, 1 ring entry$/);
    expect(lines[2]).toMatch(
      /^capjit: \d+ blocks translated \([\d,]+ instructions\), \d+ code pages? reused, \d+ invali/,
    );
    expect(lines[3]).toMatch(/^capjit: .* instructions per second$/);
    expect(lines).toHaveLength(4);
  });

  test("--quiet says nothing of its own", async () => {
    expect(await capjit("run", "hello", "--quiet")).toEqual({ code: 0, stdout: HELLO, stderr: "" });
  });

  test("--json gives one object on standard error", async () => {
    const { stdout, stderr } = await capjit("run", "hello", "--json");
    expect(stdout).toBe(HELLO);
    expect(stderr.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(stderr)).toMatchObject({
      scenario: "hello",
      outcome: "exited",
      exitCode: 0,
      missedExpectation: null,
      processes: [{ pid: 1, name: "init", program: "hello", ending: "exit", exitCode: 0 }],
      faults: [],
      unsupported: {},
    });
  });
});

describe("exit codes", () => {
  test("init's own", async () => {
    expect((await capjit("run", guest("tiny"), "--quiet")).code).toBe(9);
  });

  test("124 with --max-instructions, exactly there", async () => {
    const { code, stderr } = await capjit("run", guest("spin"), "--max-instructions=12_345", "--json");
    expect(code).toBe(124);
    expect(JSON.parse(stderr)).toMatchObject({
      outcome: "instruction-limit",
      instructions: 12345,
      exitCode: null,
    });
  });

  test("124 with --max-instructions 0, before the first one", async () => {
    const { code, stderr } = await capjit("run", guest("tiny"), "--max-instructions=0", "--json");
    expect(code).toBe(124);
    expect(JSON.parse(stderr)).toMatchObject({ outcome: "instruction-limit", instructions: 0 });
  });

  test("124 with --timeout", async () => {
    const { code, stderr } = await capjit("run", guest("spin"), "--timeout=0.3");
    expect(code).toBe(124);
    expect(stderr).toContain("capjit: spin.elf: stopped: the time limit of --timeout is used up\n");
  });

  test("124 when nobody can ever run again, with what everybody waits for", async () => {
    const { code, stderr } = await capjit("run", guest("wait"));
    expect(code).toBe(124);
    expect(stderr).toMatch(
      /stopped: no thread can run again; process 1 \(init\) thread 1 waits for 1 completions/,
    );
  });

  test("139 when init faults, with a report", async () => {
    const { code, stderr } = await capjit("run", guest("ud"));
    expect(code).toBe(139);
    expect(stderr).toContain("capjit: process 1 (init, program ud.elf), thread 1: #UD invalid opcode\n");
  });

  test("123 when a console line is missing, shown as a difference", async () => {
    const file = scenario({ ...hello, expect: { console: ["Hello from capOS.", "Bye."] } });
    const { code, stdout, stderr } = await capjit("run", file, "--quiet");
    expect({ code, stdout }).toEqual({ code: 123, stdout: HELLO });
    expect(stderr).toBe(
      "capjit: scenario: console line 2 of the expectation is missing after expected line 1\n- Bye.\n",
    );
  });

  test("123 when the exit code is another one", async () => {
    const file = scenario({
      binaries: { t: guest("tiny") },
      init: { binary: "t", capabilities: {} },
      expect: { exitCode: 8 },
    });
    const { code, stderr } = await capjit("run", file, "--quiet");
    expect({ code, stderr }).toEqual({
      code: 123,
      stderr: "capjit: scenario: exit code of init\n- 8\n+ 9\n",
    });
  });

  test("init's own when that is what is expected", async () => {
    const file = scenario({
      binaries: { t: guest("tiny") },
      init: { binary: "t", capabilities: {} },
      expect: { exitCode: 9 },
    });
    expect((await capjit("run", file, "--quiet")).code).toBe(9);
  });
});

describe("options", () => {
  test("--plain and --checks change nothing that a guest can see", async () => {
    const summaries: unknown[] = [];
    for (const extra of [
      [],
      ["--plain"],
      ["--checks=full"],
      ["--tier=js"],
      ["--plain", "--checks", "frugal"],
    ]) {
      const { code, stdout, stderr } = await capjit("run", "hello", "--json", ...extra);
      const { instructions, ringEntries } = JSON.parse(stderr) as Record<string, number>;
      summaries.push({ code, stdout, instructions, ringEntries });
    }
    expect(new Set(summaries.map((summary) => JSON.stringify(summary))).size).toBe(1);
  });

  test("--memory bounds guest RAM", async () => {
    const { code, stderr } = await capjit("run", "spawn", "--memory=2MiB", "--quiet");
    expect(code).not.toBe(0);
    expect(code).not.toBe(70);
    expect(stderr).not.toBe("");
  });

  test("--binary names a program that can be spawned, in place of the scenario's", async () => {
    const { code, stderr } = await capjit(
      "run",
      "memoryobject-shared",
      "--binary",
      `memoryobject-child=${guest("tiny")}`,
      "--quiet",
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain("capjit: memoryobject-shared: ");
  });

  test("--seed decides the entropy: the same seed, the same run", async () => {
    const counts: unknown[] = [];
    for (const seed of ["7", "7", "random"]) {
      const { code, stderr } = await capjit("run", "threads", "--json", `--seed=${seed}`);
      expect(code).toBe(0);
      counts.push((JSON.parse(stderr) as { instructions: number }).instructions);
    }
    expect(counts[0]).toBe(counts[1]);
  });

  test("--clock host runs by real time", async () => {
    expect((await capjit("run", "threads", "--quiet", "--clock=host", "--timeout=60")).code).toBe(0);
  });

  test("--faults shows the faults of a run that ends well, which is silent about them otherwise", async () => {
    const brief = await capjit("run", "smoke");
    expect(brief.code).toBe(0);
    expect(brief.stderr).toMatch(/^capjit: \d+ process(es)? died of a fault; --faults shows why$/m);
    expect(brief.stderr).not.toContain("registers");
    const full = await capjit("run", "smoke", "--faults");
    expect(full.stderr).toContain("  registers\n");
    expect(full.stdout).toBe(brief.stdout);
  });
});
