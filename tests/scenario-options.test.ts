/** Scenario files and boot manifests as the command reads them: stores, sessions, limits of single programs. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findScenario } from "../src/cli/find-scenario.ts";
import { loadScenario } from "../src/scenario.ts";
import { guestFile, runScenario } from "./guests/run.ts";
import { buildManifest, kernelCap } from "./support/manifest.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "capjit-scenario-"));
  writeFileSync(join(folder, "hello.elf"), guestFile("hello"));
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data/f"), "from the host");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(more: object): ReturnType<typeof loadScenario> {
  const file = join(folder, "s.json");
  const init = { binary: "hello", capabilities: { console: "console" } };
  writeFileSync(file, JSON.stringify({ binaries: { hello: "hello.elf" }, init, ...more }));
  return loadScenario(file, "s");
}

test("a session in words becomes the numbers of the interface", () => {
  const session = {
    id: "x",
    principal: "guest",
    auth: "publicKey",
    profile: "other",
    discloses: ["authStrength"],
  };
  expect(load({ session }).session).toEqual({
    id: "x",
    principalKind: 4,
    authStrength: 2,
    profileClass: 65_535,
    disclosure: 2,
  });
  expect(load({ session: { id: "x" } }).session).toMatchObject({ principalKind: 0, disclosure: 0 });
  expect(load({}).session).toBeUndefined();
});

test("limits of a program that is not there are refused", () => {
  expect(load({ quotasByBinary: { hello: { threads: 1 } } }).quotasByBinary?.get("hello")).toEqual({
    threads: 1,
  });
  expect(() => load({ quotasByBinary: { helo: { threads: 1 } } })).toThrow(
    /\$\.quotasByBinary: "helo" is not one of/,
  );
  expect(() => load({ quotasByBinary: { hello: { processes: 1 } } })).toThrow(/processes/);
});

test("stores are those the file names, relative to it, and no others", () => {
  const { stores } = load({ stores: { directory: { path: "data" }, store: {} } });
  expect([...(stores?.keys() ?? [])]).toEqual(["directory", "store"]);
  expect(stores?.get("directory")).toMatchObject({ writable: false, content: { kind: "folder" } });
  expect(() => load({ stores: { console: {} } })).toThrow(/\$\.stores\.console/);
  expect(() => load({ stores: { directory: { path: "nowhere" } } })).toThrow(/no such file or folder/);
  const init = { binary: "hello", capabilities: { console: "console", dir: "directory" } };
  expect(() => runScenario(load({ init }), { memoryBytes: 16 << 20 })).toThrow(
    /"directory" needs a store, and the run names none for it/,
  );
  const run = runScenario(load({ init, stores: { directory: {} } }), { memoryBytes: 16 << 20 });
  expect(run.result.outcome).toEqual({ kind: "exited", exitCode: 0n });
});

test("a boot manifest is found by its content, whatever its name", () => {
  const bytes = buildManifest({
    binaries: new Map([["app", guestFile("hello")]]),
    config: {
      init: { binary: "app", caps: [kernelCap("console", "console"), kernelCap("boot", "boot_package")] },
    },
  });
  const file = join(folder, "manifest.bin");
  writeFileSync(file, bytes);
  const { console, result } = runScenario(findScenario(file, []), { memoryBytes: 16 << 20 });
  expect([console, result.outcome]).toEqual(["Hello from capOS.\n", { kind: "exited", exitCode: 0n }]);
  const own = buildManifest({ binaries: new Map(), config: { init: { binary: "init", caps: [] } } });
  writeFileSync(file, own);
  expect(() => findScenario(file, [])).toThrow(/add --binary init=PATH/);
  const given = findScenario(file, [`init=${join(folder, "hello.elf")}`]);
  expect([given.init, given.binaries.get("init")?.length]).toEqual(["init", guestFile("hello").length]);
  writeFileSync(file, bytes.subarray(0, bytes.length - 8));
  expect(() => findScenario(file, [])).toThrow(/not an ELF file/);
});
