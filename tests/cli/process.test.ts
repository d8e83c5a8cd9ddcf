/** The command as a process: streams that end early, signals, standard input. */

import {
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildCommand, start } from "./built-command.ts";
import { guest, temporaryFolder } from "./command.ts";
import { hex, program } from "./guest-elf.ts";

let command = "";
beforeAll(() => {
  command = buildCommand();
}, 120_000);
const folder = temporaryFolder();

describe("a process", () => {
  test("runs a scenario that ships", async () => {
    const { code, stdout, stderr } = await start(command, ["run", "hello"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Hello from capOS.\n" });
    expect(stderr).toMatch(/^capjit: hello: init exited with code 0\n/);
    expect(stderr).not.toContain("\x1b");
  });

  test("refuses with one line", async () => {
    const ended = await start(command, ["run", "helo"]);
    expect(ended).toMatchObject({
      code: 125,
      stdout: "",
      stderr: 'capjit: unknown scenario "helo"; did you mean "hello"?\n',
    });
  });

  test("whose reader leaves ends without a stack trace", async () => {
    const { code, stderr } = await start(command, ["run", "spawn"], {
      onStart: (child) => child.stdout?.destroy(),
    });
    expect(code).toBe(141);
    expect(stderr).not.toMatch(/EPIPE|\n {4}at /);
  });

  test.runIf(existsSync("/dev/full"))("says that the disk is full", async () => {
    const { code, stderr } = await start(command, ["run", "hello", "--quiet"], {
      stdout: openSync("/dev/full", "w"),
    });
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: "capjit: standard output: cannot write: no space left\n",
    });
  });

  test("ends on SIGINT with a summary, exit code 130", async () => {
    const { code, stderr } = await start(command, ["run", guest("spin")], {
      onStart: (child) => setTimeout(() => child.kill("SIGINT"), 2500),
    });
    expect(code).toBe(130);
    expect(stderr).toMatch(/^capjit: spin\.elf: stopped: interrupted\n/);
  });

  test("an infinite loop ends by --timeout", async () => {
    const file = folder.write("loop.elf", program(hex("eb fe")));
    const { code, stderr } = await start(command, ["run", file, "--timeout", "0.5", "--quiet"]);
    expect({ code, stderr }).toEqual({ code: 124, stderr: "" });
  });

  test("an endless loop of system calls ends by --timeout too", async () => {
    const file = folder.write(
      "calls.elf",
      program(hex("b8 02 00 00 00", "31 ff", "31 f6", "0f 05", "eb f3")), // cap_enter(0, 0) for ever
    );
    const { code } = await start(command, ["run", file, "--timeout", "0.5", "--quiet"]);
    expect(code).toBe(124);
  });
});

describe("the compiled form of the command", () => {
  const cache = (name: string): string => join(folder.path, name);
  async function hello(kept: string, ...options: readonly string[]): Promise<void> {
    const environment = { CAPJIT_CACHE_DIR: kept };
    const { code, stdout } = await start(command, ["run", "hello", ...options], { environment });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Hello from capOS.\n" });
  }
  const files = (kept: string): string[] =>
    readdirSync(kept)
      .filter((name) => name.endsWith(".compiled"))
      .map((name) => join(kept, name));

  test("is kept by the first run and used by the next", async () => {
    await hello(cache("kept"));
    const [file = "", ...others] = files(cache("kept"));
    expect(others).toEqual([]);
    utimesSync(file, 1, 1);
    await hello(cache("kept"));
    expect(files(cache("kept"))).toEqual([file]);
    expect(statSync(file).mtimeMs).toBe(1000);
  });

  test.each(["altered", "cut off", "of another kind"])("counts as none when it is %s", async (damage) => {
    const kept = cache(damage);
    await hello(kept);
    const [file = ""] = files(kept);
    const bytes = readFileSync(file);
    const damaged = Uint8Array.from(bytes);
    const at = bytes.length >> 1;
    if (damage === "altered") damaged[at] = (damaged[at] ?? 0) ^ 1;
    else if (damage === "of another kind") damaged.set(Buffer.from("capjit translati"));
    writeFileSync(file, damage === "cut off" ? damaged.subarray(0, at) : damaged);
    await hello(kept);
    // The next run has a good one.
    expect(readFileSync(file).length).toBeGreaterThan(at * 1.5);
    expect(Buffer.compare(readFileSync(file), damaged)).not.toBe(0);
  });

  test("is neither read nor kept with --no-cache, and not for a command that runs nothing", async () => {
    await hello(cache("none"), "--no-cache");
    await start(command, ["scenarios"], { environment: { CAPJIT_CACHE_DIR: cache("none") } });
    expect(existsSync(cache("none"))).toBe(false);
  });
});
