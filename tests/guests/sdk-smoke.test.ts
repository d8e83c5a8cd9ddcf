/**
 * The smoke program of the published SDK, unchanged: built from the registry wherever cargo is present, and run. Its
 * sources are not in this repository.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { singleProgram } from "../../src/scenario.ts";
import { runScenario } from "./run.ts";

const GUESTS = join(import.meta.dirname, "../../guests");
const TARGET = "x86_64-unknown-linux-gnu";
const BUILD_TIMEOUT_MS = 300_000;

const hasCargo = spawnSync("cargo", ["--version"]).status === 0;
if (!hasCargo)
  console.log("the SDK's smoke program is left out: it is built with cargo, and cargo is not installed");

/** The folder of the crate as the registry gave it, at the version that the guests are locked to. */
function crateFolder(): string {
  const args = ["metadata", "--format-version=1", "--locked", "--manifest-path", join(GUESTS, "Cargo.toml")];
  const text = execFileSync("cargo", args, {
    encoding: "utf8",
    maxBuffer: 1 << 26,
    env: { ...process.env, DOCS_RS: "1" },
  });
  const { packages } = JSON.parse(text) as {
    packages: { name: string; version: string; manifest_path: string }[];
  };
  const crate = packages.find(({ name, version }) => name === "capos-rt" && version === "0.1.0");
  if (crate === undefined) throw new Error("the guests are not locked to capos-rt 0.1.0");
  return dirname(crate.manifest_path);
}

const MANIFEST = `[package]
name = "sdk-smoke"
version = "0.1.0"
edition = "2024"
publish = false

[[bin]]
name = "sdk-smoke"
path = "smoke.rs"

[dependencies]
capnp = { version = "=0.25.4", default-features = false, features = ["alloc"] }
capos-config = "=0.1.0"
capos-rt = "=0.1.0"

[profile.release]
panic = "abort"
lto = true
opt-level = 2
codegen-units = 1
`;

/** Builds in a folder that is kept, so that the next run only looks. Returns the program. */
function buildSmoke(): string {
  const folder = join(tmpdir(), `capjit-sdk-smoke-${userInfo().uid}`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(crateFolder(), "src/bin/smoke.rs"), join(folder, "smoke.rs"));
  writeFileSync(join(folder, "Cargo.toml"), MANIFEST);
  copyFileSync(join(GUESTS, "Cargo.lock"), join(folder, "Cargo.lock"));
  copyFileSync(join(GUESTS, "guest.ld"), join(folder, "guest.ld"));
  // A program of the SDK brings its own memcpy; here it is linked as an object, for the source is not to be touched.
  const memory = readFileSync(join(GUESTS, "support/src/mem.rs"), "utf8");
  writeFileSync(join(folder, "mem.rs"), `#![no_std]\n${memory.replace(/^\/\/!.*$/gm, "")}`);
  const options: { cwd: string; stdio: "pipe" } = { cwd: folder, stdio: "pipe" };
  execFileSync(
    "rustc",
    ["--crate-type=lib", "--emit=obj", "-Copt-level=2", "-Cpanic=abort", "-o", "mem.o", "mem.rs"],
    options,
  );
  cpSync(join(GUESTS, ".cargo"), join(folder, ".cargo"), { recursive: true });
  execFileSync(
    "cargo",
    [
      "build",
      "--release",
      "--target",
      TARGET,
      "--config",
      `build.rustflags=["-Clink-arg=${join(folder, "mem.o")}"]`,
    ],
    options,
  );
  return join(folder, "target", TARGET, "release/sdk-smoke");
}

describe.runIf(hasCargo)("the SDK's own smoke program", () => {
  test(
    "exits 0 and prints its three lines",
    () => {
      const file = buildSmoke();
      expect(existsSync(file)).toBe(true);
      const scenario = singleProgram("sdk-smoke", readFileSync(file));
      for (const checks of ["off", "full"] as const) {
        const { console, result } = runScenario(
          { ...scenario, capabilities: [["console", "console"]] },
          { checks },
        );
        expect(result.outcome).toEqual({ kind: "exited", exitCode: 0n });
        expect(console.trimEnd().split("\n")).toEqual([
          "[capos-rt-smoke] typed ConsoleClient writeLine + exception decode ok.",
          "[capos-rt-smoke] copy-transfer helper kept Console live.",
          "[capos-rt-smoke] cloned owned Console handle stayed live.",
        ]);
      }
    },
    BUILD_TIMEOUT_MS,
  );
});
