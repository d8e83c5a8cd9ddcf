/** The CapSet page has the published layout, and what does not fit is refused. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { buildCapSet, capSetNamesFault } from "../../src/kernel/capset.ts";

type Fields = Readonly<Record<string, { readonly offset: number; readonly size: number }>>;
interface Layout {
  readonly constants: Readonly<Record<string, string | number>>;
  readonly CapSetHeader: { readonly size: number; readonly fields: Fields };
  readonly CapSetEntry: { readonly size: number; readonly fields: Fields };
}
const layout = JSON.parse(
  readFileSync(new URL("../data/capset-layout.json", import.meta.url), "utf8"),
) as Layout;

const entry = (name: string, capId = 0) => ({ name, capId, interfaceId: 0x1122_3344_5566_7788n });

function pageOf(entries: Parameters<typeof buildCapSet>[0]): Uint8Array {
  const built = buildCapSet(entries);
  if (built.status !== "ok") throw new Error(built.text);
  return built.page;
}

function read(page: Uint8Array, base: number, fields: Fields, name: string): bigint {
  const field = fields[name];
  if (field === undefined) throw new Error(`no field ${name}`);
  const view = new DataView(page.buffer, base + field.offset, field.size);
  return field.size === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
}

test("header and entries lie where the published structures say", () => {
  const page = pageOf([entry("console", 0x0100_0002), entry("é".repeat(16), 7)]);
  const { CapSetHeader, CapSetEntry, constants } = layout;
  expect(page).toHaveLength(4096);
  expect(read(page, 0, CapSetHeader.fields, "magic")).toBe(BigInt(constants["CAPSET_MAGIC"] ?? 0));
  expect(read(page, 0, CapSetHeader.fields, "version")).toBe(BigInt(constants["CAPSET_VERSION"] ?? 0));
  expect(read(page, 0, CapSetHeader.fields, "count")).toBe(2n);
  expect(new TextDecoder().decode(page.subarray(0, 8))).toBe("capsetv1");
  const second = CapSetHeader.size + CapSetEntry.size;
  for (const [base, id, length] of [
    [CapSetHeader.size, 0x0100_0002n, 7n],
    [second, 7n, 32n],
  ] as const) {
    expect(read(page, base, CapSetEntry.fields, "cap_id")).toBe(id);
    expect(read(page, base, CapSetEntry.fields, "name_len")).toBe(length);
    expect(read(page, base, CapSetEntry.fields, "interface_id")).toBe(0x1122_3344_5566_7788n);
  }
  const name = CapSetEntry.fields["name"]?.offset ?? 0;
  const bytes = page.subarray(CapSetHeader.size + name, CapSetHeader.size + name + 32);
  expect(new TextDecoder().decode(bytes)).toBe(`console${"\0".repeat(25)}`);
  expect(page.subarray(second + CapSetEntry.size).every((byte) => byte === 0)).toBe(true);
});

test("85 entries fill the page to the last byte; 86 are refused", () => {
  const names = Array.from({ length: 86 }, (_, i) => entry(`cap${i}`.padEnd(32, "x"), i));
  expect(pageOf(names.slice(0, 85))[4095]).toBe("x".charCodeAt(0));
  expect(buildCapSet(names)).toEqual({
    status: "invalidArgument",
    text: "86 capabilities, a CapSet holds 85",
  });
});

test.each([
  [[""], "a capability has no name"],
  [["x".repeat(33)], `capability name "${"x".repeat(33)}" has 33 bytes, at most 32 fit`],
  [["é".repeat(17)], /has 34 bytes/],
  [["a", "b", "a"], 'two capabilities are named "a"'],
] as const)("names %j are refused", (names, text) => {
  const fault = capSetNamesFault([...names]);
  if (typeof text === "string") expect(fault).toBe(text);
  else expect(fault).toMatch(text);
  expect(buildCapSet(names.map((name) => entry(name)))).toMatchObject({ status: "invalidArgument" });
});

test("no capabilities make a valid, empty set", () => {
  expect(read(pageOf([]), 0, layout.CapSetHeader.fields, "count")).toBe(0n);
});
