/** The compute programs of the benches: their files agree with the table, and they check themselves. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ProgramName, PROGRAM_NAMES } from "../../src/cli/bench-programs.ts";
import { MIXES, groupsOf } from "../../bench/programs.ts";
import { guestRun } from "../../bench/support/guest-run.ts";
import { generatedProgram } from "../../bench/support/generated-code.ts";
import { KINDS, kernelScenario, type Kind } from "../../bench/support/kernel-guest.ts";
import { GUESTS, scaledBytes } from "../../bench/support/programs-on-disk.ts";
import { singleProgram } from "../../src/scenario.ts";

const OUT = join(GUESTS, "out");

const namesWith = (folder: string, extension: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(extension))
    .map((file) => file.slice(0, -extension.length));

/** The program with its smallest amount of work. */
const oneRound = (name: ProgramName): Buffer => Buffer.from(scaledBytes(name, "guest", 1));

test("every source is in the table and built", () => {
  expect(namesWith(GUESTS, ".c").sort()).toEqual([...PROGRAM_NAMES].sort());
  expect(namesWith(OUT, ".elf").sort()).toEqual([...PROGRAM_NAMES, "kernel-calls"].sort());
});

test("the checked-in programs are those of SHA256SUMS", () => {
  const lines = readFileSync(join(OUT, "SHA256SUMS"), "utf8").trimEnd().split("\n");
  expect(lines.length).toBe(PROGRAM_NAMES.length + 1);
  for (const line of lines) {
    const [sum, file] = line.split("  ");
    const bytes = readFileSync(join(OUT, file ?? ""));
    expect(`${createHash("sha256").update(bytes).digest("hex")} ${file}`).toBe(`${sum} ${file}`);
  }
});

test("mixes name each of their programs once", () => {
  for (const names of Object.values(MIXES)) expect(new Set(names).size).toBe(names.length);
  expect(groupsOf(["sort"]).map(({ group }) => group)).toEqual(["all", "integer", "embench-style"]);
});

describe("a round of each program gives the checksum of a real processor", () => {
  for (const name of PROGRAM_NAMES) {
    test(name, { timeout: 60_000 }, () => {
      guestRun(singleProgram(name, oneRound(name)));
    });
  }
});

test("a wrong checksum is noticed", () => {
  const bytes = oneRound("crc32");
  const source = readFileSync(join(GUESTS, "crc32.c"), "utf8");
  const checksum = Buffer.alloc(8);
  checksum.writeBigUInt64LE(BigInt(/PROGRAM\("crc32", \d+, (0x[0-9a-f]+)\)/.exec(source)?.[1] ?? 0));
  const at = bytes.indexOf(checksum);
  expect(at).toBeGreaterThan(0);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  expect(() => guestRun(singleProgram("crc32", bytes))).toThrow("exited with 1");
});

describe("kernel calls end as the guest expects", () => {
  for (const kind of Object.keys(KINDS) as Kind[]) {
    // The server is a child of `roundTrip`; alone it has no endpoint.
    if (kind === "serve") continue;
    test(kind, () => {
      guestRun(kernelScenario(kind, 32));
    });
  }
});

test("generated code computes what was computed here", () => {
  const { instructions } = guestRun(generatedProgram(50, 3));
  expect(instructions).toBeGreaterThan(50 * 3 * 9);
});
