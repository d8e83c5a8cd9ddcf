/** Messages of hostile guests become well-formed copies or nothing; those of the published clients survive. */

import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as capnp from "capnp-es";
import { readParams } from "../../src/kernel/params.ts";
import { canonicalMessage } from "../../src/kernel/message.ts";
import * as schema from "../../src/kernel/schema/kernel.ts";
import { message } from "./guest.ts";

const facts = JSON.parse(readFileSync(new URL("../data/messages.json", import.meta.url), "utf8")) as {
  messages: readonly { name: string; len: number; hex: string }[];
  client_calls: readonly {
    client: string;
    call: string;
    method_id: number;
    params_hex?: string;
    params_len: number;
  }[];
};
const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

/** A stream-framed message from segments of words. */
function framed(...segments: readonly bigint[][]): Uint8Array {
  const table = Math.ceil((4 + 4 * segments.length) / 8) * 8;
  const words = segments.reduce((sum, segment) => sum + segment.length, 0);
  const bytes = new Uint8Array(table + words * 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, segments.length - 1, true);
  let at = table;
  for (const [i, segment] of segments.entries()) {
    view.setUint32(4 + 4 * i, segment.length, true);
    for (const word of segment) {
      view.setBigUint64(at, BigInt.asUintN(64, word), true);
      at += 8;
    }
  }
  return bytes;
}
const structPointer = (offset: number, data: number, pointers: number): bigint =>
  (BigInt(data) << 32n) | (BigInt(pointers) << 48n) | BigInt.asUintN(32, BigInt(offset << 2));
const listPointer = (offset: number, size: number, count: number): bigint =>
  (BigInt((count << 3) | size) << 32n) | BigInt.asUintN(32, BigInt((offset << 2) | 1));
const farPointer = (double: boolean, word: number, segment: number): bigint =>
  (BigInt(segment) << 32n) | BigInt((word << 3) | (double ? 4 : 0) | 2);

const Params = schema.VirtualMemory_Map$Params;
const readMap = (bytes: Uint8Array): schema.VirtualMemory_Map$Params | undefined =>
  readParams(Params, bytes) as schema.VirtualMemory_Map$Params | undefined;

describe("what readers accept", () => {
  test("one segment, null root, short and long root structs", () => {
    expect(readMap(framed([0n]))?.hint).toBe(0n);
    expect(readMap(framed([structPointer(0, 1, 0), 77n]))?.hint).toBe(77n);
    expect(readMap(framed([structPointer(0, 1, 0), 77n]))?.prot).toBe(0);
    expect(readMap(framed([structPointer(0, 5, 2), 1n, 2n, 3n, 4n, 5n, 0n, 0n]))?.size).toBe(2n);
  });
  test("far and double-far pointers, trailing bytes", () => {
    expect(readMap(framed([farPointer(false, 0, 1)], [structPointer(0, 1, 0), 119n]))?.hint).toBe(119n);
    const double = framed([farPointer(true, 0, 2)], [55n], [farPointer(false, 0, 1), structPointer(0, 1, 0)]);
    expect(readMap(double)?.hint).toBe(55n);
    const trailing = new Uint8Array([...framed([structPointer(0, 1, 0), 9n]), 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(readMap(trailing)?.hint).toBe(9n);
  });
  test("a text that spans to a second segment", () => {
    const bytes = framed(
      [structPointer(0, 0, 1), farPointer(false, 0, 1)],
      [listPointer(0, 2, 3), BigInt(0x6968)],
    );
    const params = readParams(schema.Console_WriteLine$Params, bytes) as schema.Console_WriteLine$Params;
    expect(params.text).toBe("hi");
  });
});

describe("what readers refuse", () => {
  test.each([
    ["nothing", new Uint8Array(0)],
    ["an empty first segment", framed([])],
    ["a segment table past the end", fromHex("ffffff0000000000")],
    ["512 segments", framed(...Array.from({ length: 512 }, () => [0n]))],
    ["a segment past the end", fromHex("0000000009000000fcffffff00000000")],
    ["a root outside the segment", framed([structPointer(5, 1, 0)])],
    ["a root before the segment", framed([structPointer(-3, 1, 0), 0n])],
    ["a list as root", framed([listPointer(0, 2, 4), 0n])],
    ["a far pointer to no segment", framed([farPointer(false, 0, 3)])],
    ["a far pointer to a far pointer", framed([farPointer(false, 0, 1)], [farPointer(false, 0, 0)])],
    [
      "a double-far whose pad is no far pointer",
      framed([farPointer(true, 0, 1)], [0n, structPointer(0, 1, 0)]),
    ],
  ])("%s", (_name, bytes) => {
    expect(readMap(bytes)).toBeUndefined();
  });

  test("a text that is a struct or a list of words", () => {
    const Line = schema.Console_WriteLine$Params;
    expect(readParams(Line, framed([structPointer(0, 0, 1), structPointer(0, 1, 0), 5n]))).toBeUndefined();
    expect(readParams(Line, framed([structPointer(0, 0, 1), listPointer(0, 5, 1), 5n]))).toBeUndefined();
  });

  test("pointers that lead back: depth and work are bounded", () => {
    expect(canonicalMessage(framed([structPointer(-1, 0, 1)]))).toBeUndefined();
    // A list of 600 pointers, each to the same list: 360,000 visits if nobody counted.
    const words = [structPointer(0, 0, 1), listPointer(0, 6, 600)];
    for (let i = 0; i < 600; i++) words.push(listPointer(-i - 1, 6, 600));
    expect(canonicalMessage(framed(words))).toBeUndefined();
  });

  test("a list of half a billion nothings costs nothing", () => {
    const grants = schema.ProcessSpawner_Spawn$Params;
    const voids = framed([structPointer(0, 0, 3), 0n, 0n, listPointer(0, 0, (1 << 29) - 1)]);
    expect(readParams(grants, voids)).toBeUndefined();
    const composite = framed([
      structPointer(0, 0, 3),
      0n,
      0n,
      listPointer(0, 7, 0),
      BigInt.asUintN(32, BigInt(((1 << 28) - 1) << 2)),
    ]);
    expect(readParams(grants, composite)).toBeUndefined();
  });
});

test("a list of bytes read as a list of structs has only defaults", () => {
  const bytes = framed([structPointer(0, 0, 3), 0n, 0n, listPointer(0, 2, 3), 0xffff_ffffn]);
  const params = readParams(schema.ProcessSpawner_Spawn$Params, bytes) as schema.ProcessSpawner_Spawn$Params;
  expect(params.grants.length).toBe(3);
  expect(params.grants.get(0).capId).toBe(0);
});

test("random bytes never throw and never grow", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 256 }), fc.nat(3), (noise, segments) => {
      const bytes = noise.slice();
      if (bytes.length >= 8) new DataView(bytes.buffer).setUint32(0, segments, true);
      const copy = canonicalMessage(bytes);
      expect(copy === undefined || copy.byteLength <= 64 * bytes.length + 4096).toBe(true);
      for (const type of [Params, schema.ProcessSpawner_Spawn$Params, schema.LogSink_Write$Params]) {
        readParams(type, bytes);
      }
    }),
    { numRuns: 2000 },
  );
});

test("random pointer words never throw", () => {
  const word = fc.oneof(
    fc.constant(0n),
    fc.tuple(fc.integer({ min: -4, max: 12 }), fc.nat(4), fc.nat(4)).map((v) => structPointer(...v)),
    fc.tuple(fc.integer({ min: -4, max: 12 }), fc.nat(7), fc.nat(20)).map((v) => listPointer(...v)),
    fc.tuple(fc.boolean(), fc.nat(8), fc.nat(2)).map((v) => farPointer(...v)),
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  );
  const segment = fc.array(word, { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 3 }), (segments) => {
      const bytes = framed(...segments);
      const params = readParams(schema.ProcessSpawner_Spawn$Params, bytes);
      if (params !== undefined) expect(params).toBeInstanceOf(capnp.Struct);
      readParams(schema.TerminalSession_ReadLine$Params, bytes);
    }),
    { numRuns: 3000 },
  );
});

test("the copy says what the message said", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.array(fc.string(), { maxLength: 5 }), (name, binary, grants) => {
      const bytes = message(schema.ProcessSpawner_Spawn$Params, (root) => {
        root.name = name;
        root.binaryName = binary;
        const list = root._initGrants(grants.length);
        for (const [i, grant] of grants.entries()) {
          list.get(i).name = grant;
          list.get(i).capId = i;
        }
      });
      const params = readParams(
        schema.ProcessSpawner_Spawn$Params,
        bytes,
      ) as schema.ProcessSpawner_Spawn$Params;
      const clean = (text: string): string => Buffer.from(text).toString();
      expect([params.name, params.binaryName]).toEqual([clean(name), clean(binary)]);
      expect(Array.from({ length: grants.length }, (_, i) => params.grants.get(i).name)).toEqual(
        grants.map(clean),
      );
      expect(params.grants.length).toBe(grants.length);
    }),
    { numRuns: 200 },
  );
});

test.each(facts.client_calls.filter((call) => call.params_hex !== undefined))(
  "params of the published $client: $call",
  ({ client, method_id, params_hex }) => {
    const bytes = fromHex(params_hex ?? "");
    expect(canonicalMessage(bytes)).toBeDefined();
    const name = `${client.replace(/Client$/, "")}$Client`;
    const type = (
      schema as unknown as Record<string, { methods: { ParamsClass: capnp.StructCtor<capnp.Struct> }[] }>
    )[name]?.methods[method_id]?.ParamsClass;
    if (type !== undefined) expect(readParams(type, bytes)).toBeDefined();
  },
);
