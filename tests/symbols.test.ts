/** Function names come from the symbol table of an untrusted file. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { demangle, readSymbols } from "../src/symbols.ts";

/** A minimal ELF file: header, names, symbols, three section headers. */
function elfWith(symbols: readonly (readonly [name: string, address: number, size: number])[]): Uint8Array {
  const names = new TextEncoder().encode(`\0${symbols.map(([name]) => `${name}\0`).join("")}`);
  const namesAt = 64;
  const tableAt = namesAt + names.length;
  const sectionsAt = tableAt + 24 * symbols.length;
  const file = new Uint8Array(sectionsAt + 3 * 64);
  const view = new DataView(file.buffer);
  view.setBigUint64(40, BigInt(sectionsAt), true);
  view.setUint16(58, 64, true);
  view.setUint16(60, 3, true);
  file.set(names, namesAt);
  let name = 1;
  symbols.forEach(([text, address, size], i) => {
    const at = tableAt + 24 * i;
    view.setUint32(at, name, true);
    view.setUint8(at + 4, 2);
    view.setUint16(at + 6, 1, true);
    view.setBigUint64(at + 8, BigInt(address), true);
    view.setBigUint64(at + 16, BigInt(size), true);
    name += text.length + 1;
  });
  const section = (index: number, type: number, offset: number, size: number, link: number): void => {
    const at = sectionsAt + index * 64;
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(size), true);
    view.setUint32(at + 40, link, true);
  };
  section(1, 2, tableAt, 24 * symbols.length, 2);
  section(2, 3, namesAt, names.length, 0);
  return file;
}

test("an address is named by the function that holds it", () => {
  const symbols = readSymbols(
    elfWith([
      ["later", 0x2000, 0x10],
      ["start", 0x1000, 0x100],
      ["open", 0x3000, 0],
    ]),
  );
  expect(symbols.find(0x1000)).toEqual({ name: "start", offset: 0 });
  expect(symbols.find(0x10ff)).toEqual({ name: "start", offset: 0xff });
  expect(symbols.find(0x1100)).toBeUndefined();
  expect(symbols.find(0xfff)).toBeUndefined();
  expect(symbols.find(0x3456)).toEqual({ name: "open", offset: 0x456 });
  expect(symbols.named("later")).toEqual([0x2000]);
});

test("mangled Rust names become paths", () => {
  expect(demangle("_ZN4core9panicking5panic17h0123456789abcdefE")).toBe("core::panicking::panic");
  expect(demangle("_ZN52_$LT$T$u20$as$u20$Trait$GT$3runE")).toBe("_ZN52_$LT$T$u20$as$u20$Trait$GT$3runE");
  expect(demangle("main")).toBe("main");
});

test("control characters of a name never reach the terminal", () => {
  expect(readSymbols(elfWith([["\x1b[31mred", 0x1000, 1]])).find(0x1000)?.name).toBe("?[31mred");
});

test("damaged files give fewer names, never an error", () => {
  const good = elfWith([
    ["start", 0x1000, 0x100],
    ["next", 0x2000, 0x100],
  ]);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }),
      fc.nat(good.length),
      (edits, cut) => {
        const bytes = good.slice(0, cut);
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        expect(readSymbols(bytes).count).toBeLessThanOrEqual(1000);
      },
    ),
  );
});
