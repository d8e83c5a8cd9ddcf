/** `bench/guests/kernel/kernel-calls.c` as a scenario: which call it makes and how often is written into its file. */

import * as capnp from "capnp-es";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ENDPOINT } from "../../src/kernel/caps/endpoint.ts";
import { KernelCapSource, ProcessSpawner_Spawn$Params } from "../../src/kernel/schema/kernel.ts";
import type { Scenario } from "../../src/scenario.ts";
import { ROOT } from "./root.ts";

/** `enum kind` of the program. */
export const KINDS = {
  nothing: 0,
  enter: 1,
  nop: 2,
  nopBatch: 3,
  console: 4,
  protect: 5,
  roundTrip: 6,
  spawn: 7,
  rewrite: 8,
  serve: 9,
} as const;

export type Kind = keyof typeof KINDS;

const FILE = join(ROOT, "bench/guests/out/kernel-calls.elf");
/** `request.mark`; kind, count and spawn_bytes lie behind it, then the spawn parameters. */
const MARK = Buffer.from("CAPJITCALLS\0", "latin1");
const SPAWN_BYTES = 512;
const CHILD = "child";

/** A run that makes `count` calls of one kind. It exits with 0 when every one did what it should. */
export function kernelScenario(kind: Kind, count: number): Scenario {
  const served = kind === "roundTrip";
  return {
    name: `kernel-calls ${kind}`,
    binaries: new Map([
      ["calls", programFile(kind, count, served)],
      [CHILD, programFile(served ? "serve" : "nothing", 0, false)],
    ]),
    init: "calls",
    capabilities: [
      ["console", "console"],
      ["memory", "virtualMemory"],
      ["spawner", "processSpawner"],
    ],
    memoryBytes: 64 << 20,
    quotas: {},
    expect: {},
  };
}

function programFile(kind: Kind, count: number, childServes: boolean): Uint8Array {
  const bytes = readFileSync(FILE);
  const params = spawnParams(childServes);
  const at = bytes.indexOf(MARK);
  if (at < 0 || params.length > SPAWN_BYTES) throw new Error(`${FILE}: no room for the request`);
  for (const [i, value] of [KINDS[kind], count, params.length].entries()) {
    bytes.writeUInt32LE(value, at + MARK.length + 4 * i);
  }
  bytes.set(params, at + MARK.length + 12);
  return bytes;
}

function spawnParams(withEndpoint: boolean): Uint8Array {
  const message = new capnp.Message();
  const root = message.initRoot(ProcessSpawner_Spawn$Params);
  root.name = CHILD;
  root.binaryName = CHILD;
  const grants = root._initGrants(withEndpoint ? 1 : 0);
  if (withEndpoint) {
    const grant = grants.get(0);
    grant.name = "endpoint";
    grant.interfaceId = ENDPOINT.id;
    grant._initSource().kernel = KernelCapSource.ENDPOINT;
  }
  return new Uint8Array(message.toArrayBuffer());
}
