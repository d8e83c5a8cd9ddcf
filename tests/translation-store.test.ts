/** Translations kept from run to run: a second run gives the same and translates next to nothing. */

import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as util from "node:util";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { CodeStore, StoredBatch } from "../src/jit/code-store.ts";
import { SIGNATURES } from "../src/jit/emit/webassembly/imports.ts";
import { DEFAULT_OPTIONS, PLAIN_OPTIONS } from "../src/jit/options.ts";
import { createMachine } from "../src/machine.ts";
import { PAGE_BYTES, type PageNumber } from "../src/mmu/address.ts";
import { decodeStoredCode, encodeStoredCode, type StoredPage } from "../src/stored-code-file.ts";
import { keptFolder } from "../src/kept-files.ts";
import { type StoreKey, storeKey, TranslationStore } from "../src/translation-store.ts";
import { temporaryFolder } from "./cli/command.ts";
import { guestFile, type ScenarioRun, shipped, visible } from "./guests/run.ts";

const temporary = temporaryFolder();
let folders = 0;
let folder = "";
beforeEach(() => {
  folder = join(temporary.path, `cache${folders++}`);
});
const KEY: StoreKey = { name: "key", facts: "facts" };
const fileOf = (name = KEY.name): string => join(folder, `${name}.translations`);

function runWith(name: string, store: CodeStore | undefined, seed = 1n): ScenarioRun {
  const scenario = shipped(name);
  const parts: Uint8Array[] = [];
  const machine = createMachine({
    scenario,
    checks: "off",
    jit: DEFAULT_OPTIONS,
    clock: "virtual",
    seed,
    consoleInput: scenario.consoleInput ?? [],
    onConsole: (bytes) => void parts.push(Uint8Array.from(bytes)),
    ...(store === undefined ? {} : { store }),
  });
  const result = machine.run();
  return { console: Buffer.concat(parts).toString("utf8"), result, machine };
}

/** A run that reads and writes the file, as the command line's do. */
function storedRun(name: string): ScenarioRun {
  const store = new TranslationStore(folder, KEY);
  const run = runWith(name, store);
  store.save();
  return run;
}

describe("a second run", () => {
  test.each(["smoke", "spawn", "ipc-zerocopy", "faults", "threads"])("%s", (name) => {
    const without = runWith(name, undefined);
    const first = storedRun(name);
    const second = storedRun(name);
    expect(visible(first)).toEqual(visible(without));
    expect(visible(second)).toEqual(visible(without));
    const [before, after] = [first.result.jit, second.result.jit];
    expect(before.unitsLoaded).toBe(0);
    expect(after.unitsLoaded).toBeGreaterThan(0);
    expect(after.unitsTranslated).toBeLessThanOrEqual(before.unitsTranslated / 10);
    expect(second.machine.engine.brokenRules()).toEqual([]);
  });

  test("writes nothing when it has nothing to add", () => {
    storedRun("hello");
    utimesSync(fileOf(), 1, 1);
    const bytes = readFileSync(fileOf());
    storedRun("hello");
    storedRun("hello");
    expect(Buffer.compare(readFileSync(fileOf()), bytes)).toBe(0);
    expect(readdirSync(folder)).toEqual([`${KEY.name}.translations`]);
  });

  test("of another program finds none of its pages in the file", () => {
    storedRun("quotas");
    const { result, ...run } = storedRun("hello");
    expect(result.jit.unitsLoaded).toBe(0);
    expect(visible({ ...run, result })).toEqual(visible(runWith("hello", undefined)));
  });
});

describe("a file that is not as it was written counts as none", () => {
  const untouched = runWith("hello", undefined);

  /** Whether a store on this file has translations; the run must be right either way. */
  function loads(bytes: Uint8Array): boolean {
    writeFileSync(fileOf(), bytes);
    const run = runWith("hello", new TranslationStore(folder, KEY));
    expect(visible(run)).toEqual(visible(untouched));
    return run.result.jit.unitsLoaded > 0;
  }

  test("damaged anywhere", () => {
    storedRun("hello");
    const bytes = readFileSync(fileOf());
    expect(loads(bytes)).toBe(true);
    const places = [0, 5, 20, 21, 22, 25, 26, 27, 29, 30, 100, bytes.length >> 1, bytes.length - 1];
    for (const at of places) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(loads(damaged), `byte ${at}`).toBe(false);
    }
  });

  test("cut off, or with something behind", () => {
    storedRun("hello");
    const bytes = readFileSync(fileOf());
    for (const length of [0, 1, 21, 22, 25, 26, 27, 29, 30, 200, bytes.length - 1]) {
      expect(loads(bytes.subarray(0, length)), `${length} bytes`).toBe(false);
    }
    expect(loads(Buffer.concat([bytes, Buffer.from([0])]))).toBe(false);
  });

  test("the next run writes a good one", () => {
    storedRun("hello");
    writeFileSync(fileOf(), "nothing of use");
    expect(storedRun("hello").result.jit.unitsLoaded).toBe(0);
    expect(storedRun("hello").result.jit.unitsLoaded).toBeGreaterThan(0);
  });
});

describe("the file system", () => {
  test("a folder that cannot be made is no error", () => {
    const file = temporary.write("no-folder", "");
    const store = new TranslationStore(join(file, "below"), KEY);
    const run = runWith("hello", store);
    store.save();
    expect(visible(run)).toEqual(visible(runWith("hello", undefined)));
    expect(readFileSync(file, "utf8")).toBe("");
  });

  test("a folder where the file should be is no error", () => {
    const own = join(folder, KEY.name);
    const inside = new TranslationStore(fileOf(), { name: "other", facts: "facts" });
    runWith("hello", inside);
    inside.save();
    expect(storedRun("hello").result.jit.unitsLoaded).toBe(0);
    expect(existsSync(own)).toBe(false);
  });

  test("the oldest files go when all together are too large", () => {
    storedRun("hello");
    const size = 100 << 20;
    const names = ["old", "older", "new"];
    for (const [k, at] of [2000, 1000, 3000].entries()) {
      const file = fileOf(names[k]);
      writeFileSync(file, "");
      truncateSync(file, size);
      utimesSync(file, at, at);
    }
    writeFileSync(join(folder, "else.txt"), "");
    truncateSync(join(folder, "else.txt"), 3 * size);
    writeFileSync(fileOf(), "");
    storedRun("hello");
    expect(readdirSync(folder).sort()).toEqual([
      "else.txt",
      "key.translations",
      "new.translations",
      "old.translations",
    ]);
  });

  test("files are for their owner alone", () => {
    storedRun("hello");
    expect(statSync(fileOf()).mode & 0o77).toBe(0);
    expect(statSync(folder).mode & 0o77).toBe(0);
  });
});

test("the folder: CAPJIT_CACHE_DIR, XDG_CACHE_HOME, then the home folder; empty counts as unset", () => {
  expect(keptFolder({ CAPJIT_CACHE_DIR: "/a", XDG_CACHE_HOME: "/b" })).toBe("/a");
  expect(keptFolder({ CAPJIT_CACHE_DIR: "", XDG_CACHE_HOME: "/b" })).toBe("/b/capjit");
  expect(keptFolder({ XDG_CACHE_HOME: "" })).toMatch(/\/\.cache\/capjit$/);
});

test("the key depends on the programs, their order, every option and the build", () => {
  const [a, b] = [guestFile("hello"), guestFile("tiny")];
  const keys = [
    storeKey([a], DEFAULT_OPTIONS),
    storeKey([b], DEFAULT_OPTIONS),
    storeKey([a, b], DEFAULT_OPTIONS),
    storeKey([b, a], DEFAULT_OPTIONS),
    storeKey([a], PLAIN_OPTIONS),
    storeKey([a], { ...DEFAULT_OPTIONS, maxBlockInstructions: 63 }),
    storeKey([a], DEFAULT_OPTIONS, "build"),
  ];
  expect(new Set(keys.map(({ name }) => name)).size).toBe(keys.length);
  expect(storeKey([Uint8Array.from(a)], { ...DEFAULT_OPTIONS })).toEqual(keys[0]);
  for (const { name } of keys) expect(name).toMatch(/^[0-9a-f]{8}-[0-9a-f]{8}$/);
  // What the names only hash is compared in full: everything but the programs, whose pages are.
  expect(new Set(keys.map(({ facts }) => facts)).size).toBe(4);
});

describe("the file's form", () => {
  const NAMES = [...SIGNATURES.keys()];
  const bytesOf = (max: number) => fc.uint8Array({ minLength: 1, maxLength: max });
  // As `JSON.parse` makes them.
  const plain = { noNullPrototype: true } as const;
  const batch: fc.Arbitrary<StoredBatch> = fc.record(
    {
      body: bytesOf(40),
      relocations: fc.array(fc.record({ at: fc.nat({ max: 39 }), name: fc.constantFrom(...NAMES) }, plain), {
        maxLength: 4,
      }),
      blocks: fc.array(fc.record({ offset: fc.nat({ max: 4095 }), lengths: bytesOf(6) }, plain), {
        maxLength: 3,
      }),
    },
    plain,
  );
  const page: fc.Arbitrary<StoredPage> = fc.record(
    {
      number: fc.nat().map((number) => number as PageNumber),
      bytes: fc.nat({ max: 255 }).map((byte) => new Uint8Array(PAGE_BYTES).fill(byte)),
      batches: fc.array(batch, { maxLength: 3 }),
    },
    plain,
  );
  const isName = (name: string): boolean => SIGNATURES.has(name);

  /** Views of a file's Buffer as arrays of their own. */
  const plainBytes = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);
  const plainBatch = ({ body, relocations, blocks }: StoredBatch): StoredBatch => ({
    body: plainBytes(body),
    relocations,
    blocks: blocks.map(({ offset, lengths }) => ({ offset, lengths: plainBytes(lengths) })),
  });

  test("what is written is read again", () => {
    fc.assert(
      fc.property(fc.array(page, { maxLength: 3 }), (pages) => {
        const read = decodeStoredCode(encodeStoredCode("facts", pages), "facts", isName)?.map(
          ({ number, bytes, batches }) => ({
            number,
            bytes: plainBytes(bytes),
            batches: batches.map(plainBatch),
          }),
        );
        // One line, not a page of bytes, when they differ.
        expect(util.isDeepStrictEqual(read, pages)).toBe(true);
      }),
    );
  });

  test("a file that wants another import is none", () => {
    const evil: StoredPage = {
      number: 1 as PageNumber,
      bytes: new Uint8Array(PAGE_BYTES),
      batches: [{ body: new Uint8Array(8), relocations: [{ at: 0, name: "process" }], blocks: [] }],
    };
    const content = encodeStoredCode("facts", [evil]);
    expect(decodeStoredCode(content, "facts", isName)).toBeUndefined();
    expect(decodeStoredCode(content, "facts", () => true)).toBeDefined();
  });

  test("a file that depends on something else is none", () => {
    const content = encodeStoredCode("facts", []);
    expect(decodeStoredCode(content, "facts", isName)).toEqual([]);
    for (const other of ["fact", "facts2", ""]) {
      expect(decodeStoredCode(content, other, isName)).toBeUndefined();
    }
  });
});
