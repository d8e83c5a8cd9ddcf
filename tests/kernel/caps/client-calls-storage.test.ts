/**
 * The recorded calls of the storage clients, StdIO and BootPackage: what is asked for is there, and the answer has the
 * shape the client accepts.
 */

import { expect, test } from "vitest";
import type { StoredNode } from "../../../src/host-storage.ts";
import { HASH_BYTES } from "../../../src/kernel/sha256.ts";
import { CapException, Namespace } from "../../../src/kernel/schema/kernel.ts";
import { readFacts, unhex } from "../../facts/facts.ts";
import { TestKernel } from "./support.ts";

interface ClientCall {
  readonly client: string;
  readonly call: string;
  readonly method_id: number;
  readonly result_len: number;
  readonly params_hex?: string;
}

const EMPTY: StoredNode = { kind: "file", bytes: new Uint8Array(0) };
const folder = (...names: readonly string[]): StoredNode => ({
  kind: "folder",
  entries: new Map(
    names.map((name): [string, StoredNode] => [
      name,
      name === "d" ? { kind: "folder", entries: new Map() } : EMPTY,
    ]),
  ),
});
const spec = (content: StoredNode) => ({ content, writable: true, maxBytes: 1 << 20 });

/** Methods whose client takes no message, and those that get a capability. */
const VOID = /^(close|truncate|sync|flush|write_blocks|remove|create|rename|delete|bind|write\(Std)/;
const WITH_CAPABILITY = /^(open|mkdir|sub)/;
/** What a method has to find in the folder. */
const FOUND: Readonly<Record<string, readonly string[]>> = {
  "remove('f')": ["f"],
  "sub('d')": ["d"],
  "rename('a','b')": ["a"],
};
/** There is no blob of which the hash is zero. */
const REFUSED = ["get(32 zero bytes)", "delete(32 zero bytes)"];

const SOURCES: Readonly<Record<string, string>> = {
  FileClient: "file",
  DirectoryClient: "directory",
  StoreClient: "store",
  NamespaceClient: "namespace",
  BlockDeviceClient: "blockDevice",
  BootPackageClient: "bootPackage",
  "StdIOClient (over an Endpoint cap)": "stdio",
};
const calls = readFacts<{ client_calls: readonly ClientCall[] }>("messages").client_calls.filter(
  ({ client, params_hex }) => Object.hasOwn(SOURCES, client) && params_hex !== undefined,
);

test("there are calls of all seven clients", () => {
  expect(new Set(calls.map(({ client }) => client)).size).toBe(Object.keys(SOURCES).length);
  expect(calls.length).toBeGreaterThan(25);
});

test.each(calls)("$client: $call", ({ client, call, method_id, result_len, params_hex = "" }) => {
  const machine = new TestKernel({
    consoleInput: ["typed"],
    bootManifest: new Uint8Array(10_000),
    stores: new Map([
      ["file", spec(EMPTY)],
      ["directory", spec(folder(...(FOUND[call] ?? [])))],
      ["store", spec(folder())],
      ["namespace", spec(folder())],
      ["blockDevice", spec({ kind: "file", bytes: new Uint8Array(4096) })],
    ]),
  });
  const guest = machine.spawn();
  const create = machine.kernel.sources.byName.get(SOURCES[client] ?? "")?.create;
  if (typeof create !== "function") throw new Error(`no source for ${client}`);
  const cap = guest.give(create({ services: machine.kernel, process: guest.process }));
  if (call === "resolve('n')") {
    guest.call(cap, Namespace.Client.methods[1], (params) => {
      params.name = "n";
      params._initHash(HASH_BYTES);
    });
  }
  const got = guest.answer(
    guest.submit(cap, method_id, unhex(params_hex), result_len),
    CapException,
    result_len,
  );
  if (REFUSED.includes(call)) return expect(got?.exception?.type).toBe(0);
  expect(got?.exception).toBeUndefined();
  expect(got?.records.length).toBe(WITH_CAPABILITY.test(call) ? 1 : 0);
  if (VOID.test(call)) expect(got?.result).toBe(0);
  else expect(got?.result).toBeGreaterThanOrEqual(16);
});
