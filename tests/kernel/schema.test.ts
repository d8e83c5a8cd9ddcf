/** The generated readers and builders have the ids, ordinals, sizes and field places of the published schema. */

import * as capnp from "capnp-es";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as generated from "../../src/kernel/schema/kernel.ts";

interface FieldFacts {
  readonly name: string;
  readonly type: string;
  readonly bit_offset?: number;
  readonly bits?: number;
  readonly ptr?: number;
  readonly union_tag?: number;
}
interface StructFacts {
  readonly data_words: number;
  readonly pointers: number;
  readonly fields: readonly FieldFacts[];
}
interface Facts {
  readonly interfaces: Record<
    string,
    {
      readonly id: string;
      readonly methods: readonly {
        name: string;
        ordinal: number;
        params: StructFacts;
        results: StructFacts;
      }[];
    }
  >;
  readonly structs: Record<string, StructFacts>;
  readonly enums: Record<string, Record<string, number>>;
}

const facts = JSON.parse(readFileSync(new URL("../data/schema.json", import.meta.url), "utf8")) as Facts;
const exported = generated as unknown as Record<string, unknown>;

type StructClass = (new (...args: never[]) => capnp.Struct) & {
  readonly _capnp: { readonly size: { readonly dataByteLength: number; readonly pointerLength: number } };
};
interface MethodRow {
  readonly methodId: number;
  readonly methodName: string;
  readonly ParamsClass: StructClass;
  readonly ResultsClass: StructClass;
}

/** The bits that setting this field to all ones sets, as [bit offset, count] of the data section. */
function bitsSet(struct: StructClass, facts: StructFacts, field: FieldFacts): [number, number] {
  const message = new capnp.Message();
  const root = message.initRoot(struct as never) as unknown as Record<string, unknown>;
  const bits = field.bits ?? 0;
  root[field.name] =
    field.type === "Bool" ? true : bits === 64 ? allOnes(field.type) : narrowOnes(field.type, bits);
  const body = new Uint8Array(message.toArrayBuffer()).subarray(16, 16 + facts.data_words * 8);
  const set: number[] = [];
  for (let bit = 0; bit < body.length * 8; bit++) if (((body[bit >> 3] ?? 0) >> (bit & 7)) & 1) set.push(bit);
  return [set[0] ?? -1, set.length];
}
const allOnes = (type: string): bigint => (type.startsWith("U") ? (1n << 64n) - 1n : -1n);
const narrowOnes = (type: string, bits: number): number => (type.startsWith("Int") ? -1 : 2 ** bits - 1);

function checkStruct(struct: StructClass, expected: StructFacts): void {
  expect(struct._capnp.size.dataByteLength).toBe(expected.data_words * 8);
  expect(struct._capnp.size.pointerLength).toBe(expected.pointers);
  for (const field of expected.fields) {
    if (field.bits !== undefined && field.bit_offset !== undefined && field.union_tag === undefined) {
      expect([field.name, ...bitsSet(struct, expected, field)]).toEqual([
        field.name,
        field.bit_offset,
        field.bits,
      ]);
    } else if (field.ptr !== undefined && (field.type === "Text" || field.type === "Data")) {
      const message = new capnp.Message();
      const root = message.initRoot(struct as never) as unknown as Record<string, unknown> & {
        [init: `_init${string}`]: (length: number) => unknown;
      };
      if (field.type === "Text") root[field.name] = "x";
      else root[`_init${field.name[0]?.toUpperCase()}${field.name.slice(1)}`]?.(1);
      const pointers = new Uint8Array(message.toArrayBuffer()).subarray(16 + expected.data_words * 8);
      const words = Array.from({ length: expected.pointers }, (_, i) =>
        pointers.subarray(i * 8, i * 8 + 8).some((b) => b !== 0),
      );
      expect([field.name, words.indexOf(true)]).toEqual([field.name, field.ptr]);
    }
  }
}

describe.each(Object.entries(facts.interfaces))("interface %s", (name, expected) => {
  const client = exported[`${name}$Client`] as { interfaceId: bigint; methods: readonly MethodRow[] };

  test("has the published id and methods", () => {
    expect(client.interfaceId).toBe(BigInt(expected.id));
    expect(client.methods.map((m) => [m.methodId, m.methodName])).toEqual(
      [...expected.methods].sort((a, b) => a.ordinal - b.ordinal).map((m) => [m.ordinal, m.name]),
    );
  });

  test("has parameters and results of the published shape", () => {
    for (const method of expected.methods) {
      const row = client.methods[method.ordinal];
      if (row === undefined) throw new Error(`${name} lacks method ${method.ordinal}`);
      checkStruct(row.ParamsClass, method.params);
      checkStruct(row.ResultsClass, method.results);
    }
  });
});

test.each(Object.entries(facts.structs))("struct %s has the published shape", (name, expected) => {
  checkStruct(exported[name] as StructClass, expected);
});

test.each(Object.entries(facts.enums))("enum %s has the published values", (name, expected) => {
  const table = exported[name] as Record<string, number>;
  const byLowerName = new Map(
    Object.entries(table).map(([key, value]) => [key.toLowerCase().replaceAll("_", ""), value]),
  );
  for (const [key, value] of Object.entries(expected))
    expect([key, byLowerName.get(key.toLowerCase())]).toEqual([key, value]);
});
