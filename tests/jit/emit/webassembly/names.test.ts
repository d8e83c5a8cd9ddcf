/** Names of functions, for profilers: in the module only when they are given. */

import { expect, test } from "vitest";
import { encodeModule, OP } from "../../../../src/jit/emit/webassembly/bytes.ts";
import { ImportList } from "../../../../src/jit/emit/webassembly/imports.ts";

const BODY = new Uint8Array([0, OP.i32Const, 1, OP.end]);

function namesOf(names: readonly (string | undefined)[]): string[] {
  const { types } = new ImportList();
  const functions = names.map((name) => ({ type: 0, body: BODY, hints: [], name }));
  const module = new WebAssembly.Module(
    Uint8Array.from(encodeModule({ types, imports: [], table: false, functions })),
  );
  return WebAssembly.Module.customSections(module, "name").map((section) =>
    Buffer.from(section).toString("latin1"),
  );
}

test("functions without a name leave nothing", () => {
  expect(namesOf([undefined, undefined])).toEqual([]);
});

test("the name section numbers what is named", () => {
  // Subsection 1, its length, how many names, then number, length and text of each.
  expect(namesOf([undefined, "region_401000"])).toEqual(["\x01\x10\x01\x01\x0dregion_401000"]);
});
