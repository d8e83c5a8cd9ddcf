/** Interface ids of the schema, of the kernel's objects and of its sources, and the names the sources go by. */

import { describe, expect, test } from "vitest";
import { CAPSET_ADDRESS, NULL_INTERFACE_ID } from "../../src/kernel/abi.ts";
import { CAPABILITY_MANAGER } from "../../src/kernel/caps/capability-manager.ts";
import { DIRECTORY } from "../../src/kernel/caps/directory.ts";
import { ENDPOINT } from "../../src/kernel/caps/endpoint.ts";
import { FILE } from "../../src/kernel/caps/file.ts";
import { MEMORY_OBJECT } from "../../src/kernel/caps/memory-object.ts";
import { NAMESPACE } from "../../src/kernel/caps/namespace.ts";
import { SHARED_PARK_SPACE } from "../../src/kernel/caps/park-space.ts";
import { PIPE } from "../../src/kernel/caps/pipe.ts";
import { PROCESS_HANDLE } from "../../src/kernel/caps/process-handle.ts";
import { STDIO } from "../../src/kernel/caps/stdio.ts";
import { THREAD_HANDLE } from "../../src/kernel/caps/thread-handle.ts";
import * as schema from "../../src/kernel/schema/kernel.ts";
import { SOURCE_NAMES } from "../../src/kernel/source-names.ts";
import { ADDED_SOURCES, KERNEL_SOURCES } from "../../src/kernel/sources.ts";
import { STORE_KINDS } from "../../src/kernel/storage.ts";
import { DEFAULT_OPTIONS } from "../../src/jit/options.ts";
import { createMachine } from "../../src/machine.ts";
import { singleProgram } from "../../src/scenario.ts";
import { PROGRAM_FILE } from "../kernel/guest.ts";
import { readFacts } from "./facts.ts";

const facts = readFacts<{
  interface_ids: Record<string, string>;
  all_interface_ids: Record<string, string>;
  manifest_names: Record<string, string>;
}>("abi-interface-ids");
const { kernel_cap_sources: sources } = readFacts<{
  kernel_cap_sources: readonly { ordinal: number; schema: string; interface_id: string }[];
}>("kernel-sources");

const DECLARED = Object.entries(schema).flatMap(([name, value]) =>
  name.endsWith("$Client") ? [[name.slice(0, -"$Client".length), value] as const] : [],
);

/** Published interfaces that our schema does not declare. */
const UNDECLARED = new Set(
  [
    "CredentialStore AuditLog HardwareAuditLog HardwareAuditReader UserSession AccountStoreReader",
    "AccountStoreManager ResourceProfileReader ResourceProfileManager Chat Adventure PaperclipsGame",
    "RemoteAuthFlow RemoteSessionGateway RemoteCapSet RemoteSession RemoteServiceCatalog RemoteServiceRunner",
    "SessionManager AuthorityBroker RestrictedLauncher RestrictedShellLauncher Manual DmaPool DmaBuffer",
    "DeviceMmio Nic Interrupt SchedulingPolicyCap SchedulingContext CpuIsolationLease CpuIsolationPoolGrant",
    "CpuIsolationGrantMinter NetworkManager TcpListenAuthority TcpListener TcpSocket UdpSocket SshHostKey",
    "AuthorizedKeyStore SshTerminalFactory SshGateway ParkBench PublicKey PrivateKey KeyVault KeySource",
    "Certificate CertificateChain TrustStore CertVerifier",
  ]
    .join(" ")
    .split(" "),
);

test.each(DECLARED)("interface %s has the published id", (name, client) => {
  const { interfaceId } = client as unknown as { readonly interfaceId: bigint };
  expect(interfaceId).toBe(BigInt(facts.all_interface_ids[name] ?? -1));
});

test("every published interface is declared or known not to be", () => {
  const names = [...DECLARED.map(([name]) => name), ...UNDECLARED].sort();
  expect(names).toEqual(Object.keys(facts.all_interface_ids).sort());
});

test("ids by constant and ids by interface are the same; the null interface is in no schema", () => {
  const byName = new Map(
    Object.entries(facts.all_interface_ids).map(([name, id]) => [name.toLowerCase(), id]),
  );
  for (const [constant, id] of Object.entries(facts.interface_ids)) {
    if (constant === "NULL") expect(NULL_INTERFACE_ID).toBe(BigInt(id));
    else expect([constant, id]).toEqual([constant, byName.get(constant.toLowerCase().replaceAll("_", ""))]);
  }
  expect(Object.values(facts.all_interface_ids).map(BigInt)).not.toContain(NULL_INTERFACE_ID);
});

test.each([
  ["MemoryObject", MEMORY_OBJECT],
  ["File", FILE],
  ["Directory", DIRECTORY],
  ["Namespace", NAMESPACE],
  ["StdIO", STDIO],
  ["SharedParkSpace", SHARED_PARK_SPACE],
  ["Pipe", PIPE],
  ["ProcessHandle", PROCESS_HANDLE],
  ["ThreadHandle", THREAD_HANDLE],
  ["CapabilityManager", CAPABILITY_MANAGER],
  ["Endpoint", ENDPOINT],
])("objects that methods hand out: %s", (name, { id, name: label }) => {
  expect([label, id]).toEqual([name, BigInt(facts.all_interface_ids[name] ?? -1)]);
});

describe("kernel sources", () => {
  test("have the published numbers and names", () => {
    expect(sources.map(({ ordinal, schema: name }) => SOURCE_NAMES[ordinal] === name)).not.toContain(false);
    expect(SOURCE_NAMES).toHaveLength(sources.length);
    const generated = Object.values(schema.KernelCapSource);
    expect(generated).toEqual(sources.map(({ ordinal }) => ordinal));
  });

  test("have published ids", () => {
    const known = new Set([...Object.values(facts.all_interface_ids).map(BigInt), NULL_INTERFACE_ID]);
    for (const { interface_id: id } of sources) expect(known).toContain(BigInt(id));
    const stores = [...STORE_KINDS].map(([name, { info }]) => [name, { interfaceId: info.id }] as const);
    for (const [name, { interfaceId }] of [...KERNEL_SOURCES, ...stores]) {
      const published = sources.find((each) => each.schema === name);
      expect([name, interfaceId]).toEqual([name, BigInt(published?.interface_id ?? -1)]);
    }
  });

  test("a program run alone finds each under its manifest and its schema name", () => {
    const machine = createMachine({
      scenario: singleProgram("p", PROGRAM_FILE),
      memoryBytes: 16 << 20,
      checks: "full",
      jit: DEFAULT_OPTIONS,
      clock: "virtual",
      seed: 1n,
      consoleInput: [],
      onConsole: () => undefined,
    });
    const [init] = machine.kernel.processes.values();
    const page = init?.memory.space.copyIn(CAPSET_ADDRESS, 4096);
    if (!(page instanceof Uint8Array)) throw new Error("init has no CapSet page");
    const view = new DataView(page.buffer, page.byteOffset);
    const granted = Array.from({ length: view.getUint32(12, true) }, (_, i) => {
      const at = 16 + 48 * i;
      const name = Buffer.from(page.subarray(at + 16, at + 16 + view.getUint32(at + 4, true)));
      return [name.toString(), view.getBigUint64(at + 8, true)] as const;
    });
    const added = { stdio: "stdio", sharedParkSpace: "shared_park_space" };
    expect([...ADDED_SOURCES.keys()]).toEqual(Object.keys(added));
    const names: Readonly<Record<string, string>> = { ...facts.manifest_names, ...added };
    const expected = [...KERNEL_SOURCES, ...ADDED_SOURCES].flatMap(([name, { interfaceId }]) =>
      [...new Set([names[name], name])].map((each) => [each, interfaceId] as const),
    );
    expect(granted).toEqual(expected);
  });
});
