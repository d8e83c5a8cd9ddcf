/** What our schema declares was all published: no struct, enum or interface of it goes uncompared. */

import { expect, test } from "vitest";
import * as generated from "../../src/kernel/schema/kernel.ts";
import { readFacts } from "./facts.ts";

const facts = readFacts<Record<"interfaces" | "structs" | "enums", Record<string, unknown>>>("schema");

const exported = Object.entries(generated as unknown as Record<string, object>);
const isClass = (value: object): boolean => typeof value === "function";
const interfaces = exported.flatMap(([name]) => (name.endsWith("$Client") ? [name.slice(0, -7)] : []));

test("interfaces", () => {
  expect([...interfaces].sort()).toEqual(Object.keys(facts.interfaces).sort());
});

test("structs, without those of methods", () => {
  const structs = exported.filter(
    ([name, value]) =>
      isClass(value) && "_capnp" in value && !name.includes("$") && !interfaces.includes(name),
  );
  expect(structs.map(([name]) => name).sort()).toEqual(Object.keys(facts.structs).sort());
});

test("enums", () => {
  // Tags of unions are exported in the same way; their names begin with the struct's.
  const enums = exported.filter(([name, value]) => !isClass(value) && !/_(Which|capnp)|^_/.test(name));
  const tags = enums.filter(([name]) => Object.keys(facts.structs).some((s) => name.startsWith(`${s}_`)));
  const names = enums.filter((each) => !tags.includes(each)).map(([name]) => name);
  expect(names.sort()).toEqual(Object.keys(facts.enums).sort());
});
