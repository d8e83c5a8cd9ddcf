/** `capjit isa` shows the rows of the decoder. */

import { expect, test } from "vitest";
import { isaLines, readEvidence } from "../../src/cli/isa.ts";
import { encodings } from "../../src/frontend/tables/encodings.ts";
import { capjit } from "./command.ts";

const supported = encodings().filter(({ row }) => row.supported).length;

test("lists every implemented encoding and no other, and counts them", async () => {
  const { code, stdout, stderr } = await capjit("isa");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [head, ...rest] = stdout.trimEnd().split("\n");
  expect(head).toMatch(/^ENCODING +INSTRUCTION +FEATURE +VECTORS +FUZZED$/);
  expect(rest.at(-1)).toBe(`${encodings().length} encodings, ${supported} implemented`);
  expect(rest.length).toBe(supported + 2);
  expect(stdout).toMatch(/^66 0f 38 dc \/r +aesenc Vx,Wx +aes\b/m);
  expect(stdout).toMatch(/^vex f2 0f 3a f0 \/r +rorx Gy,Ey,Ib +bmi2\b/m);
  expect(stdout).not.toMatch(/ gf2p8mulb /);
});

test("a filter is a mnemonic, the start of one, or a feature", async () => {
  const names = async (...args: string[]) => {
    const { stdout } = await capjit("isa", "--json", ...args);
    return new Set((JSON.parse(stdout) as { mnemonic: string }[]).map(({ mnemonic }) => mnemonic));
  };
  expect(await names("pshufd")).toEqual(new Set(["pshufd"]));
  expect(await names("sha1*")).toEqual(new Set(["sha1nexte", "sha1msg1", "sha1msg2", "sha1rnds4"]));
  expect(await names("adx")).toEqual(new Set(["adcx", "adox"]));
  expect(await names("gf2p8mulb", "--missing")).toEqual(new Set(["gf2p8mulb"]));
});

test("a filter that names nothing is refused in one line", async () => {
  expect(await capjit("isa", "frobnicate")).toEqual({
    code: 125,
    stdout: "",
    stderr: `capjit: no implemented instruction or feature is named "frobnicate"; see capjit isa --help\n`,
  });
});

test("no two encodings print the same, and a missing evidence file is no evidence", () => {
  const lines = isaLines(readEvidence("/nonexistent/evidence.json"));
  expect(new Set(lines.map(({ encoding }) => encoding)).size).toBe(lines.length);
  expect(lines.every(({ vectors, fuzzed }) => vectors === 0 && fuzzed === 0)).toBe(true);
});
