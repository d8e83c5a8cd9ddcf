/** A system started from a boot manifest whose first program uses the published clients. */

import { expect, test } from "vitest";
import { manifestScenario } from "../../src/scenario.ts";
import { buildManifest, kernelCap } from "../support/manifest.ts";
import { guestFile, runScenario } from "./run.ts";

/** FNV-1a, 64 bit, as the guest has it. */
function checksum(bytes: Uint8Array): string {
  let sum = 0xcbf2_9ce4_8422_2325n;
  for (const byte of bytes) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x0000_0100_0000_01b3n);
  return sum.toString(16).padStart(16, "0");
}

test("the first program reads the manifest it was started from, byte for byte", () => {
  const sources = [
    ["console", "console"],
    ["boot", "boot_package"],
    ["info", "system_info"],
    ["sink", "log_sink"],
    ["reader", "log_reader"],
  ] as const;
  const bytes = buildManifest({
    binaries: new Map([["app", guestFile("boot")]]),
    config: {
      init: { binary: "app", caps: sources.map(([name, source]) => kernelCap(name, source)) },
      services: [],
    },
    motd: "a system of one program",
    hostname: "boot-test",
  });
  const { console, result } = runScenario(manifestScenario("m.bin", "m.bin", bytes), {
    memoryBytes: 16 << 20,
  });
  expect(console.split("\n")).toEqual([
    `[boot] ${bytes.length} bytes, checksum ${checksum(bytes)}`,
    "[boot] manifest: ok",
    "[boot] manifest: wrong requests: ok",
    "[boot] boot-test: a system of one program",
    "[boot] names of the system: ok",
    "[boot] log: ok",
    "[boot] all 4 steps passed",
    "",
  ]);
  expect(result.outcome).toEqual({ kind: "exited", exitCode: 0n });
});
