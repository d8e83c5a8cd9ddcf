/**
 * The recorded calls of the published clients: each names a method of the schema, its params have the recorded shape,
 * and those without recorded bytes are rebuilt from their shape. What the kernel answers to them is tested in
 * tests/kernel/caps/client-calls.test.ts.
 */

import { describe, expect, test } from "vitest";
import { consoleCapability } from "../../src/kernel/caps/console.ts";
import { readParams } from "../../src/kernel/params.ts";
import * as schema from "../../src/kernel/schema/kernel.ts";
import { CapException } from "../../src/kernel/schema/kernel.ts";
import { TestKernel } from "../kernel/caps/support.ts";
import { camelCase, readFacts, unhex } from "./facts.ts";

interface ClientCall {
  readonly client: string;
  readonly call: string;
  readonly method_id: number;
  readonly result_len: number;
  readonly params_len: number;
  readonly segment_words: readonly number[];
  readonly params_hex?: string;
}
const { client_calls: calls } = readFacts<{ client_calls: readonly ClientCall[] }>("messages");

/** Clients of interfaces that our schema does not declare. */
const NOT_BUILT = ["DmaBuffer", "DmaPool", "DeviceMmio", "Interrupt", "Nic"];
/** Client functions that are not named after their method. */
const RENAMED: Readonly<Record<string, string>> = { read_manifest_chunk: "readManifest" };

const interfaceOf = ({ client }: ClientCall): string => client.replace(/Client.*$/, "");
const methodOf = ({ call }: ClientCall): string => {
  const name = call.slice(0, call.indexOf("(")).replace(/(_with_[a-z_]+)?(_wait)?$/, "");
  return RENAMED[name] ?? camelCase(name);
};
interface Client {
  readonly methods: readonly {
    readonly methodId: number;
    readonly methodName?: string;
    readonly ParamsClass: Parameters<typeof readParams>[0];
  }[];
}
const clientOf = (name: string): Client | undefined =>
  (schema as unknown as Record<string, Client>)[`${name}$Client`];

/** Segment lengths in words, and the bytes of the whole with its table. */
function shapeOf(bytes: Uint8Array): { readonly words: readonly number[]; readonly length: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const count = view.getUint32(0, true) + 1;
  const words = Array.from({ length: count }, (_, i) => view.getUint32(4 + 4 * i, true));
  const table = Math.ceil((4 + 4 * count) / 8) * 8;
  return { words, length: table + 8 * words.reduce((sum, each) => sum + each, 0) };
}

test("the clients without an interface are the devices", () => {
  const missing = calls.map(interfaceOf).filter((name) => clientOf(name) === undefined);
  expect([...new Set(missing)].sort()).toEqual([...NOT_BUILT].sort());
});

test.each(calls.filter((call) => !NOT_BUILT.includes(interfaceOf(call))))("$client: $call", (call) => {
  const row = clientOf(interfaceOf(call))?.methods[call.method_id];
  expect([row?.methodId, row?.methodName]).toEqual([call.method_id, methodOf(call)]);
  expect(call.result_len).toBeLessThanOrEqual(65_536);
  if (row === undefined || call.params_hex === undefined) return;
  const bytes = unhex(call.params_hex);
  expect(shapeOf(bytes)).toEqual({ words: call.segment_words, length: call.params_len });
  expect(bytes).toHaveLength(call.params_len);
  expect(readParams(row.ParamsClass, bytes)).toBeDefined();
});

test("the grants of the recorded spawn are read as the client meant them", () => {
  const recorded = calls.find(({ call }) => call.startsWith("spawn('child','child-bin',[console raw"));
  const params = readParams(schema.ProcessSpawner_Spawn$Params, unhex(recorded?.params_hex ?? "")) as
    schema.ProcessSpawner_Spawn$Params | undefined;
  expect([params?.name, params?.binaryName, params?.grants.length]).toEqual(["child", "child-bin", 3]);
  const [console, service, memory] = Array.from({ length: 3 }, (_, i) => params?.grants.get(i));
  const { CapGrantMode, CapGrantSource, KernelCapSource } = schema;
  expect([console?.name, console?.capId, console?.mode]).toEqual(["console", 0x0100_0002, CapGrantMode.RAW]);
  expect(console?.source.which()).toBe(CapGrantSource.CAPABILITY);
  expect([service?.name, service?.capId, service?.mode, service?.interfaceId, service?.badge]).toEqual([
    "svc",
    8,
    CapGrantMode.CLIENT_ENDPOINT,
    0x5151_0000_0000_0001n,
    (1n << 64n) - 1n,
  ]);
  expect([memory?.name, memory?.source.which()]).toEqual(["vm", CapGrantSource.KERNEL]);
  expect(memory?.source.kernel).toBe(KernelCapSource.VIRTUAL_MEMORY);
});

describe("long console writes, in one segment or two", () => {
  /** The message of a write: root, one Data field, its bytes behind the root or in a segment of their own. */
  function writeMessage(data: Uint8Array, segments: number): Uint8Array {
    const content = Math.ceil(data.length / 8);
    const words = segments === 1 ? [2 + content] : [2, 1 + content];
    const bytes = new Uint8Array((segments === 1 ? 8 : 16) + 8 * words.reduce((sum, each) => sum + each, 0));
    const view = new DataView(bytes.buffer);
    view.setUint32(0, segments - 1, true);
    for (const [i, each] of words.entries()) view.setUint32(4 + 4 * i, each, true);
    const root = segments === 1 ? 8 : 16;
    view.setUint16(root + 6, 1, true);
    const list = root + 8 * segments;
    if (segments === 2) {
      view.setUint32(root + 8, 2, true);
      view.setUint32(root + 12, 1, true);
    }
    view.setUint32(list, 1, true);
    view.setUint32(list + 4, (data.length << 3) | 2, true);
    bytes.set(data, list + 8);
    return bytes;
  }

  const long = calls.filter(
    ({ client, params_hex }) => client === "ConsoleClient" && params_hex === undefined,
  );
  test("there are three of them", () => expect(long).toHaveLength(3));

  test.each(long)("$call, segments $segment_words", ({ call, method_id, result_len, ...expected }) => {
    const data = Uint8Array.from({ length: parseInt(call.slice("write(".length), 10) }, (_, i) => i & 0xff);
    const params = writeMessage(data, expected.segment_words.length);
    expect(shapeOf(params)).toEqual({ words: expected.segment_words, length: expected.params_len });
    expect(params).toHaveLength(expected.params_len);
    const machine = new TestKernel();
    const guest = machine.spawn();
    const userData = guest.submit(guest.give(consoleCapability()), method_id, params, result_len);
    expect(guest.answer(userData, CapException, result_len)?.result).toBe(0);
    expect(machine.outputBytes()).toEqual(data);
  });
});
