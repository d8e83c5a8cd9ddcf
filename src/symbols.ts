/**
 * Function names of an ELF file, for reports. The file is untrusted: every offset is checked, a damaged symbol
 * table means fewer names and never an error. Names are cut and cleaned, because they are printed to terminals.
 */

/** One function and the offset into it. */
export interface SymbolPlace {
  readonly name: string;
  readonly offset: number;
}

export interface Symbols {
  /** The function that holds the address, or the nearest one below it in an executable section. */
  find(address: number): SymbolPlace | undefined;
  /** Start addresses of the functions with this exact name or demangled name. */
  named(name: string): readonly number[];
  readonly count: number;
}

interface FunctionSymbol {
  readonly address: number;
  readonly size: number;
  readonly name: string;
}

const SECTION_SYMTAB = 2;
const SYMBOL_FUNCTION = 2;
const SYMBOL_NOTYPE = 0;
const SYMBOL_BYTES = 24;
const MAX_SYMBOLS = 200_000;
const MAX_NAME = 200;

/** Reads `.symtab` (System V gABI, chapter 4); a file without one has no names. */
export function readSymbols(file: Uint8Array): Symbols {
  const functions = [...functionSymbols(file)].sort((a, b) => a.address - b.address);
  return {
    count: functions.length,
    find(address) {
      const symbol = lastAtOrBelow(functions, address);
      if (symbol === undefined) return undefined;
      const offset = address - symbol.address;
      if (symbol.size > 0 && offset >= symbol.size) return undefined;
      return { name: symbol.name, offset };
    },
    named: (name) => functions.filter((symbol) => symbol.name === name).map((symbol) => symbol.address),
  };
}

function lastAtOrBelow(functions: readonly FunctionSymbol[], address: number): FunctionSymbol | undefined {
  let low = 0;
  let high = functions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((functions[middle]?.address ?? Infinity) <= address) low = middle + 1;
    else high = middle;
  }
  return functions[low - 1];
}

function* functionSymbols(file: Uint8Array): Generator<FunctionSymbol> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const inside = (offset: number, size: number): boolean =>
    offset >= 0 && size >= 0 && offset + size <= file.length;
  if (!inside(0, 64)) return;
  const sections = Number(view.getBigUint64(40, true));
  const sectionBytes = view.getUint16(58, true);
  const sectionCount = view.getUint16(60, true);
  if (sectionBytes < 64 || !inside(sections, sectionBytes * sectionCount)) return;
  const section = (index: number): { type: number; offset: number; size: number; link: number } => {
    const at = sections + index * sectionBytes;
    return {
      type: view.getUint32(at + 4, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
      link: view.getUint32(at + 40, true),
    };
  };
  for (let index = 0; index < sectionCount; index++) {
    const table = section(index);
    if (table.type !== SECTION_SYMTAB || !inside(table.offset, table.size) || table.link >= sectionCount)
      continue;
    const names = section(table.link);
    if (!inside(names.offset, names.size)) continue;
    const count = Math.min(Math.floor(table.size / SYMBOL_BYTES), MAX_SYMBOLS);
    for (let i = 0; i < count; i++) {
      const at = table.offset + i * SYMBOL_BYTES;
      const type = view.getUint8(at + 4) & 15;
      const defined = view.getUint16(at + 6, true) !== 0;
      if (!defined || (type !== SYMBOL_FUNCTION && type !== SYMBOL_NOTYPE)) continue;
      const name = readName(file, names.offset, names.size, view.getUint32(at, true));
      if (name === "") continue;
      yield {
        address: Number(view.getBigUint64(at + 8, true)),
        size: Number(view.getBigUint64(at + 16, true)),
        name,
      };
    }
  }
}

function readName(file: Uint8Array, base: number, size: number, offset: number): string {
  if (offset >= size) return "";
  const limit = Math.min(base + size, base + offset + MAX_NAME);
  let end = base + offset;
  while (end < limit && file[end] !== 0) end++;
  const raw = String.fromCharCode(...file.subarray(base + offset, end));
  return demangle(raw.replace(/[^\x21-\x7e]/g, "?"));
}

/** Names mangled by rustc's legacy scheme (`_ZN` length name ... hash `E`) become paths; others stay as they are. */
export function demangle(name: string): string {
  if (!name.startsWith("_ZN") || !name.endsWith("E")) return name;
  const parts: string[] = [];
  let at = 3;
  while (at < name.length - 1) {
    const digits = /^[0-9]{1,4}/.exec(name.slice(at, at + 4))?.[0];
    if (digits === undefined) return name;
    const length = Number(digits);
    at += digits.length;
    if (length === 0 || at + length > name.length - 1) return name;
    parts.push(name.slice(at, at + length));
    at += length;
  }
  if (/^h[0-9a-f]{16}$/.test(parts.at(-1) ?? "")) parts.pop();
  return parts
    .join("::")
    .replaceAll("..", "::")
    .replace(/\$(LT|GT|RF|u20|u7b|u7d|C)\$/g, (_, code: string) => ESCAPES.get(code) ?? "?");
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["LT", "<"],
  ["GT", ">"],
  ["RF", "&"],
  ["u20", " "],
  ["u7b", "{"],
  ["u7d", "}"],
  ["C", ","],
]);
