/** Bad input: one line on standard error that names what is wrong and where, exit code 125, nothing of the guest. */

import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { capjit, GUESTS, guest, temporaryFolder } from "./command.ts";

const folder = temporaryFolder();

async function refusal(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await capjit(...args);
  expect(stderr).toMatch(/^capjit: [^\n]+\n$/);
  expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
  return stderr.slice("capjit: ".length, -1);
}

type Row = readonly [what: string, args: readonly string[], message: RegExp];

describe("the invocation", () => {
  const rows: readonly Row[] = [
    ["nothing", [], /^no command given; there are run, scenarios, isa, bench; see capjit --help$/],
    ["a misspelt command", ["rnu", "hello"], /^unknown command "rnu"; did you mean run\?; see/],
    ["no scenario", ["run"], /^run what\? expected <scenario \| scenario\.json \| program\.elf>; see/],
    ["an empty scenario", ["run", ""], /^the name of the scenario is empty/],
    ["a misspelt scenario", ["run", "spwan"], /^unknown scenario "spwan"; did you mean "spawn"\?$/],
    [
      "a strange scenario",
      ["run", "qqqqqqqq"],
      /^unknown scenario "qqqqqqqq"; there are attack, faults, hello, /,
    ],
    ["two scenarios", ["run", "hello", "spawn"], /^unexpected argument "spawn"; see/],
    [
      "a misspelt option",
      ["run", "hello", "--memry=3MiB"],
      /^unknown option --memry; did you mean --memory\?; see/,
    ],
    [
      "a shortened option",
      ["run", "hello", "--max", "5"],
      /^unknown option --max; did you mean --max-instructions\?/,
    ],
    ["a letter", ["run", "hello", "-x"], /^unknown option -x; see/],
    ["a negated option", ["run", "hello", "--no-quiet"], /^unknown option --no-quiet; see/],
    ["an option of another command", ["scenarios", "--quiet"], /^unknown option --quiet/],
    ["a strange tier", ["run", "hello", "--tier", "wsm"], /^--tier wsm: expected one of auto, js, wasm; see/],
    [
      "a strange check level",
      ["run", "hello", "--checks=all"],
      /^--checks all: expected one of off, frugal, full; see/,
    ],
    ["a strange clock", ["run", "hello", "--clock=sun"], /^--clock sun: expected one of virtual, host; see/],
    ["no value", ["run", "hello", "--memory"], /^--memory needs a value; see/],
    ["no check level", ["run", "hello", "--checks"], /^--checks needs a value; see/],
    ["a value twice", ["run", "hello", "--seed=1", "--seed=2"], /^--seed is given twice$/],
    [
      "a strange size",
      ["run", "hello", "--memory", "5MB"],
      /^--memory 5MB: expected bytes or a size such as 64MiB$/,
    ],
    [
      "a strange count",
      ["run", "hello", "--max-instructions", "1e5"],
      /^--max-instructions 1e5: expected a whole/,
    ],
    [
      "a negative count",
      ["run", "hello", "--max-instructions=-1"],
      /^--max-instructions -1: expected a whole number/,
    ],
    [
      "a count too large",
      ["run", "hello", "--max-instructions=9007199254740993"],
      /: expected a whole number/,
    ],
    [
      "a strange time",
      ["run", "hello", "--timeout=soon"],
      /^--timeout soon: expected a positive number of seconds/,
    ],
    ["no time", ["run", "hello", "--timeout=0"], /^--timeout 0: expected a positive number of seconds/],
    [
      "a strange seed",
      ["run", "hello", "--seed=abc"],
      /^--seed abc: expected a number below 2\^64, or random$/,
    ],
    ["a large seed", ["run", "hello", `--seed=${2n ** 64n}`], /: expected a number below 2\^64/],
    [
      "a nameless binary",
      ["run", "hello", "--binary", guest("tiny")],
      /^--binary .*tiny\.elf: expected NAME=PATH$/,
    ],
    ["a pathless binary", ["run", "hello", "--binary", "a="], /^--binary a=: expected NAME=PATH$/],
    [
      "a binary that is not there",
      ["run", "hello", "--binary", "a=/no"],
      /^\/no: cannot read the program: no such file$/,
    ],
    [
      "too little memory",
      ["run", "hello", "--memory=1MiB"],
      /^memory of 1048576 bytes: guest RAM must be between 2MiB and/,
    ],
    [
      "too much memory",
      ["run", "hello", "--memory=9GiB"],
      /^memory of 9663676416 bytes: guest RAM must be between/,
    ],
    [
      "an empty range",
      ["run", "hello", "--dump-blocks=0x2000-0x1000"],
      /^--dump-blocks=0x2000-0x1000: the range is empty/,
    ],
    [
      "an unknown function",
      ["run", "hello", "--dump-blocks=main"],
      /^--dump-blocks=main: no function of these programs/,
    ],
    [
      "a dump into a file",
      ["run", "hello", "--dump-blocks-to", guest("tiny")],
      /tiny\.elf: it is not a folder$/,
    ],
    [
      "a dump nowhere",
      ["run", "hello", "--dump-blocks-to=/proc/x/y"],
      /^--dump-blocks-to \/proc\/x\/y: cannot write there/,
    ],
  ];
  test.each(rows)("%s", async (_what, args, message) => {
    expect(await refusal(...args)).toMatch(message);
  });
});

describe("the input file", () => {
  test("none", async () => {
    expect(await refusal("run", "no/such.elf")).toBe("no/such.elf: cannot read the program: no such file");
    expect(await refusal("run", "no/such.json")).toBe("no/such.json: cannot read the scenario: no such file");
  });

  test("a folder", async () => {
    expect(await refusal("run", folder.path)).toBe(
      `${folder.path}: cannot read the program: it is a directory`,
    );
  });

  test("no ELF file", async () => {
    const file = folder.write("text.elf", "hello");
    expect(await refusal("run", file)).toBe(`${file}: not an ELF file (a scenario file must end in .json)`);
    const empty = folder.write("empty.elf", "");
    expect(await refusal("run", empty)).toMatch(/not an ELF file/);
  });

  const DEFECTS: Readonly<Record<string, RegExp>> = {
    "bad-class": /class 1/,
    "bad-entry": /entry/i,
    "bad-filesz": /segment 1.*file/i,
    "bad-kernel": /segment.*user half/i,
    "bad-machine": /machine/,
    "bad-magic": /not an ELF file/,
    "bad-null": /page 0|address 0|null/i,
    "bad-offset": /segment 1.*offset/i,
    "bad-overlap": /segment.*(overlap|page)/i,
    "bad-ring": /ring/,
    "bad-stack": /stack/,
    "bad-truncated": /program header/i,
    "bad-type": /type 3/,
    "bad-unreadable": /segment 1.*read/i,
    "bad-wx": /segment 1.*writable and executable/i,
  };

  test("every image with a defect is known here", () => {
    const files = readdirSync(GUESTS).filter((name) => name.startsWith("bad-"));
    expect(files.map((name) => name.slice(0, -".elf".length)).sort()).toEqual(Object.keys(DEFECTS).sort());
  });

  test.each(Object.entries(DEFECTS))("%s", async (name, message) => {
    const text = await refusal("run", guest(name));
    expect(text).toContain(`${name}.elf: `);
    expect(text).toMatch(message);
  });
});

describe("the scenario file", () => {
  const good = { binaries: { main: guest("tiny") }, init: { binary: "main", capabilities: {} } };
  const rows: readonly (readonly [what: string, value: unknown, message: RegExp])[] = [
    ["no JSON", "{", /scenario\.json: not JSON: /],
    ["a wrong type", { ...good, memory: true }, /scenario\.json: \$\.memory: /],
    [
      "an unknown property",
      { ...good, quota: {} },
      /scenario\.json: \$\.quota: unknown property; did you mean "quotas"\?$/,
    ],
    [
      "an unknown source",
      { ...good, init: { binary: "main", capabilities: { c: "consol" } } },
      /\$\.init\.capabilities\.c: "consol" is not known; did you mean "console"\?$/,
    ],
    [
      "a source not implemented",
      { ...good, init: { binary: "main", capabilities: { n: "nic" } } },
      /\$\.init\.capabilities\.n: the kernel source "nic" is not implemented; there are console, /,
    ],
    [
      "a program that is not there",
      { ...good, binaries: { main: "none.elf" } },
      /none\.elf: cannot read the program: no such file$/,
    ],
    [
      "a program that is refused",
      { ...good, binaries: { main: guest("bad-wx") } },
      /init cannot start: main: /,
    ],
    ["too little memory", { ...good, memory: "64KiB" }, /memory of 65536 bytes: guest RAM must be/],
    [
      "no slots for what init is granted",
      { ...good, init: { binary: "main", capabilities: { c: "console" } }, quotas: { capSlots: 0 } },
      /init cannot start: grant "c": no capability slot is left$/,
    ],
  ];
  test.each(rows)("%s", async (_what, value, message) => {
    const file = folder.write("scenario.json", typeof value === "string" ? value : JSON.stringify(value));
    expect(await refusal("run", file)).toMatch(message);
  });
});
