/** Boot manifests: the verdict of the published crate on well-made, wrong and mutated ones, and a run from one. */

import { describe, expect, test } from "vitest";
import { bootPackageCapability } from "../../src/kernel/caps/boot-package.ts";
import { parseManifest } from "../../src/kernel/manifest.ts";
import { BootPackage } from "../../src/kernel/schema/kernel.ts";
import { demandInit, manifestScenario } from "../../src/scenario.ts";
import { readFacts, unhex } from "../facts/facts.ts";
import { guestFile, runScenario } from "../guests/run.ts";
import type { Cue, ManifestParts } from "../support/manifest.ts";
import { buildManifest, kernelCap } from "../support/manifest.ts";
import { TestKernel } from "./caps/support.ts";

interface Recorded {
  readonly name: string;
  readonly hex: string;
  readonly verdict: string;
}
const facts = readFacts<{
  manifests: readonly Recorded[];
  mutated: string;
  mutations: readonly { readonly edits: readonly (readonly [number, number])[]; readonly verdict: string }[];
}>("manifests");

/** Said when the first process is started, which knows the interfaces. */
const LATER = /expectedInterfaceId|badge 0 must be a/;

/** Our verdict in the form of the recorded one; of a refusal only that it is one. */
function verdictOf(bytes: Uint8Array): string {
  const parsed = parseManifest(bytes);
  return typeof parsed === "string" ? "error" : `ok ${parsed.init} ${parsed.capabilities.length}`;
}
const recorded = (verdict: string): string => (verdict.startsWith("ok") ? verdict : "error");

test.each(facts.manifests.filter(({ verdict }) => !LATER.test(verdict)))("$name", ({ hex, verdict }) => {
  expect(verdictOf(unhex(hex))).toBe(recorded(verdict));
});

test("mutated manifests", () => {
  let stricter = 0;
  const differences = facts.mutations.flatMap(({ edits, verdict }) => {
    const bytes = unhex(facts.mutated);
    for (const [at, value] of edits) bytes[at] = value;
    const ours = verdictOf(bytes);
    if (LATER.test(verdict) || ours === recorded(verdict)) return [];
    // The crate reads what it needs; here a message is read completely. Never the other way round.
    const unread = /not a Cap'n Proto message|text that is not UTF-8/.test(String(parseManifest(bytes)));
    if (unread) stricter++;
    return unread && verdict.startsWith("ok")
      ? []
      : [
          `${JSON.stringify(edits)}: ${ours} ${String(parseManifest(bytes)).slice(0, 60)}, not ${verdict.slice(0, 90)}`,
        ];
  });
  expect(facts.mutations.length).toBe(600);
  expect(differences).toEqual([]);
  expect(stricter).toBeLessThan(20);
});

describe("a system started from its manifest", () => {
  const hello = guestFile("hello");
  const manifest = (caps: readonly Cue[], more: Partial<ManifestParts> = {}): Uint8Array =>
    buildManifest({
      binaries: new Map([["app", hello]]),
      config: { init: { binary: "app", caps } },
      ...more,
    });

  test("runs its first program with what it grants", () => {
    const scenario = manifestScenario("m.bin", "m", manifest([kernelCap("console", "console")]));
    const { result, console } = runScenario(scenario, { checks: "full", memoryBytes: 16 << 20 });
    expect(result.outcome).toEqual({ kind: "exited", exitCode: 0n });
    expect(console).toBe("Hello from capOS.\n");
  });

  test.each([
    ["another interface", kernelCap("console", "console", { expectedInterfaceId: 5n }), /interface 0x5/],
    ["a source without a store", kernelCap("disk", "block_device"), /blockDevice.*needs a store/],
    ["a source that is not built", kernelCap("net", "nic"), /"nic" is not implemented/],
  ])("%s is refused when it starts", (_what, cap, text) => {
    const scenario = manifestScenario("m.bin", "m", manifest([cap]));
    expect(() => runScenario(scenario, { memoryBytes: 16 << 20 })).toThrow(text);
  });

  test("a message that is no manifest is refused with the place", () => {
    const bytes = buildManifest({ binaries: new Map(), config: { init: { binary: "x" } } });
    expect(() => manifestScenario("m.bin", "m", bytes)).toThrow(
      'm.bin: $.initConfig.init.binary: no binary is named "x"',
    );
  });

  test("the built-in program has to be given", () => {
    const bytes = buildManifest({ binaries: new Map(), config: { init: { binary: "init" } } });
    const scenario = manifestScenario("m.bin", "m", bytes);
    expect(() => demandInit(scenario)).toThrow("add --binary init=PATH");
    demandInit({ ...scenario, binaries: new Map([["init", hello]]) });
  });

  test("its texts are those of SystemInfo, and its badges and scopes those of the capabilities", () => {
    const caps = [
      kernelCap("svc", "endpoint", { badge: 9n, disclosureScope: ["principal_kind", "auth_strength"] }),
    ];
    const parsed = parseManifest(manifest(caps, { motd: "hi", hostname: "host" }));
    expect(parsed).toMatchObject({
      motd: "hi",
      hostname: "host",
      capabilities: [["svc", "endpoint", { badge: 9n, disclosure: 3 }]],
    });
  });
});

describe("BootPackage", () => {
  const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 31) & 0xff);
  const machine = new TestKernel({ bootManifest: bytes });
  const guest = machine.spawn();
  const cap = guest.give(bootPackageCapability(bytes));
  const [size, read] = BootPackage.Client.methods;
  const chunk = (offset: bigint, maxBytes: number, resultLength = 8192) =>
    guest.call(cap, read, (params) => Object.assign(params, { offset, maxBytes }), resultLength);

  test("says how long the manifest is", () => {
    expect(guest.call(cap, size).results.size).toBe(10_000n);
  });

  test.each([
    [0n, 4096, 0, 4096],
    [0n, 0xffff_ffff, 0, 4096],
    [8192n, 4096, 8192, 10_000],
    [9_999n, 1, 9_999, 10_000],
    [10_000n, 4096, 10_000, 10_000],
    [(1n << 64n) - 1n, 4096, 10_000, 10_000],
    [5n, 0, 5, 5],
  ])("reads from %s at most %s", (offset, maxBytes, from, to) => {
    expect(chunk(offset, maxBytes).results.data.toUint8Array()).toEqual(bytes.subarray(from, to));
  });

  test("a chunk that does not fit is refused", () => {
    expect(chunk(0n, 4096, 4096).result).toBe(-3);
    expect(chunk(0n, 64, 96).result).toBeGreaterThan(64);
  });
});
