/**
 * WebAssembly in its binary form: a growing byte buffer, the instructions by name, and the sections of a module
 * (WebAssembly Core Specification 2.0, chapter 5).
 */

/** A growing list of bytes with the encodings of chapter 5.2. */
export class Bytes {
  length = 0;
  #data: Uint8Array;

  constructor(capacity = 256) {
    this.#data = new Uint8Array(capacity);
  }

  get bytes(): Uint8Array {
    return this.#data.subarray(0, this.length);
  }

  byte(value: number): void {
    if (this.length === this.#data.length) this.#grow(this.length + 1);
    this.#data[this.length++] = value;
  }

  /** Unsigned LEB128 of a number below 2^32. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of an int32. */
  signed(value: number): void {
    let rest = value | 0;
    while (rest < -0x40 || rest > 0x3f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** Signed LEB128 of a 64-bit number given in halves. */
  signed64(low: number, high: number): void {
    if (high === low >> 31) return this.signed(low);
    let lo = low;
    let hi = high;
    while (!(hi === lo >> 31 && lo >= -0x40 && lo <= 0x3f)) {
      this.byte((lo & 0x7f) | 0x80);
      lo = (lo >>> 7) | (hi << 25);
      hi >>= 7;
    }
    this.byte(lo & 0x7f);
  }

  int32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.byte((value >>> shift) & 0xff);
  }

  append(other: Uint8Array): void {
    if (this.length + other.length > this.#data.length) this.#grow(this.length + other.length);
    this.#data.set(other, this.length);
    this.length += other.length;
  }

  name(text: string): void {
    this.unsigned(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i));
  }

  #grow(least: number): void {
    const larger = new Uint8Array(Math.max(least, this.#data.length * 2));
    larger.set(this.bytes);
    this.#data = larger;
  }
}

export const TYPE_I32 = 0x7f;
export const TYPE_I64 = 0x7e;
export const TYPE_F32 = 0x7d;
export const TYPE_F64 = 0x7c;
export const TYPE_V128 = 0x7b;
export type WasmType =
  typeof TYPE_I32 | typeof TYPE_I64 | typeof TYPE_F32 | typeof TYPE_F64 | typeof TYPE_V128;
/** Type of a block without a result. */
export const NO_RESULT = 0x40;

/** One-byte instructions. */
export const OP = {
  unreachable: 0x00, block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, brIf: 0x0d,
  brTable: 0x0e, return: 0x0f, call: 0x10, callIndirect: 0x11, drop: 0x1a, select: 0x1b,
  localGet: 0x20, localSet: 0x21, localTee: 0x22,
  i32Load: 0x28, i64Load: 0x29, i64Load32U: 0x35, i32Load8: 0x2d, i32Load16: 0x2f,
  i32Store: 0x36, i64Store: 0x37, i32Store8: 0x3a, i32Store16: 0x3b,
  i32Const: 0x41, i64Const: 0x42,
  i32Eqz: 0x45, i32Eq: 0x46, i32Ne: 0x47, i32LtS: 0x48, i32LtU: 0x49, i32GtS: 0x4a, i32GtU: 0x4b,
  i32LeS: 0x4c, i32LeU: 0x4d, i32GeS: 0x4e, i32GeU: 0x4f,
  i64Eqz: 0x50, i64Eq: 0x51, i64Ne: 0x52, i64LtS: 0x53, i64LtU: 0x54, i64LeS: 0x57, i64LeU: 0x58,
  i32Clz: 0x67, i32Ctz: 0x68, i32Popcnt: 0x69, i32Add: 0x6a, i32Sub: 0x6b, i32Mul: 0x6c, i32And: 0x71,
  i32Or: 0x72, i32Xor: 0x73, i32Shl: 0x74, i32ShrS: 0x75, i32ShrU: 0x76, i32Rotl: 0x77, i32Rotr: 0x78,
  i64Clz: 0x79, i64Ctz: 0x7a, i64Popcnt: 0x7b, i64Add: 0x7c, i64Sub: 0x7d, i64Mul: 0x7e, i64DivS: 0x7f,
  i64DivU: 0x80, i64RemS: 0x81, i64RemU: 0x82, i64And: 0x83, i64Or: 0x84, i64Xor: 0x85, i64Shl: 0x86,
  i64ShrS: 0x87, i64ShrU: 0x88, i64Rotl: 0x89, i64Rotr: 0x8a,
  i32WrapI64: 0xa7, i64ExtendI32S: 0xac, i64ExtendI32U: 0xad, i32Extend8: 0xc0, i32Extend16: 0xc1,
  f32Eq: 0x5b, f32Ne: 0x5c, f32Lt: 0x5d, f32Gt: 0x5e, f64Eq: 0x61, f64Ne: 0x62, f64Lt: 0x63, f64Gt: 0x64,
  i64GeU: 0x5a, f32Nearest: 0x90, f64Nearest: 0x9e,
  f32Sqrt: 0x91, f32Add: 0x92, f32Sub: 0x93, f32Mul: 0x94, f32Div: 0x95,
  f64Sqrt: 0x9f, f64Add: 0xa0, f64Sub: 0xa1, f64Mul: 0xa2, f64Div: 0xa3,
  f32ConvertI32S: 0xb2, f32ConvertI64S: 0xb4,
  f32DemoteF64: 0xb6, f64ConvertI32S: 0xb7, f64ConvertI64S: 0xb9, f64PromoteF32: 0xbb,
  i32ReinterpretF32: 0xbc, i64ReinterpretF64: 0xbd, f32ReinterpretI32: 0xbe, f64ReinterpretI64: 0xbf,
  saturating: 0xfc, vector: 0xfd,
} as const; // prettier-ignore

/** Truncation of what is in range or clamped: the number after the prefix. */
export const SATURATING = { i32TruncF32S: 0, i32TruncF64S: 2, i64TruncF32S: 4, i64TruncF64S: 6 } as const;

/** Vector instructions: the number after the prefix. */
export const VECTOR = {
  load: 0, store: 11, const: 12, shuffle: 13,
  i16ExtractU: 25, i16Replace: 26, i32Extract: 27, i32Replace: 28, i64Extract: 29, i64Replace: 30,
  i32Splat: 17, i64Splat: 18, f32Splat: 19, f64Splat: 20,
  f32Extract: 31, f32Replace: 32, f64Extract: 33, f64Replace: 34,
  i8Eq: 35, i8GtS: 39, i16Eq: 45, i16GtS: 49, i32Eq: 55, i32GtS: 59,
  not: 77, and: 78, andnot: 79, or: 80, xor: 81,
  i8Bitmask: 100, i8NarrowS: 101, i8NarrowU: 102, i8Add: 110, i8AddSatS: 111, i8AddSatU: 112, i8Sub: 113,
  i8SubSatS: 114, i8SubSatU: 115, i8MinU: 119, i8MaxU: 121, i8AvgrU: 123,
  i16ExtaddU: 125, i32ExtaddU: 127,
  i16NarrowS: 133, i16Shl: 139, i16ShrS: 140, i16ShrU: 141, i16Add: 142, i16AddSatS: 143, i16AddSatU: 144,
  i16Sub: 145, i16SubSatS: 146, i16SubSatU: 147, i16Mul: 149, i16MinS: 150, i16MaxS: 152, i16AvgrU: 155,
  i32Bitmask: 164, i32Shl: 171, i32ShrS: 172, i32ShrU: 173, i32Add: 174, i32Sub: 177, i32Dot: 186,
  i32ExtmulLowS: 188, i32ExtmulHighS: 189, i32ExtmulLowU: 190, i32ExtmulHighU: 191,
  f32Eq: 65, f32Ne: 66, f32Lt: 67, f32Gt: 68, f32Le: 69, f32Ge: 70, f64Eq: 71, f64Le: 75, f64Ge: 76,
  f32Nearest: 106, f32Pmin: 234, f32Pmax: 235, f64Pmin: 246, f64Pmax: 247, i32TruncF32S: 248, f32ConvertI32S: 250,
  i32AllTrue: 163, i64AllTrue: 195,
  f32Abs: 224, f32Sqrt: 227, f32Add: 228, f32Sub: 229, f32Mul: 230, f32Div: 231,
  f64Abs: 236, f64Sqrt: 239, f64Add: 240, f64Sub: 241, f64Mul: 242, f64Div: 243,
  i64Bitmask: 196, i64Shl: 203, i64ShrU: 205, i64Add: 206, i64Sub: 209, i64Mul: 213,
} as const; // prettier-ignore

export interface FunctionType {
  readonly parameters: readonly WasmType[];
  readonly results: readonly WasmType[];
}

export interface ImportedFunction {
  readonly name: string;
  readonly type: number;
}

/** The branch at this place of a function's code is nearly always taken, or hardly ever. */
export interface BranchHint {
  readonly at: number;
  readonly likely: boolean;
}

export interface ModuleFunction {
  readonly type: number;
  readonly body: Uint8Array;
  /** In the order of their places. */
  readonly hints: readonly BranchHint[];
  /** For who profiles. */
  readonly name?: string | undefined;
}

export interface ModuleParts {
  readonly types: readonly FunctionType[];
  /** Imported functions come first in the numbering of functions. */
  readonly imports: readonly ImportedFunction[];
  /** Whether the table of units is imported. */
  readonly table: boolean;
  /** Type and body of each function; function k is exported under its number. */
  readonly functions: readonly ModuleFunction[];
}

const MAX_MEMORY_PAGES = 65536;
const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const SECTION_CUSTOM = 0;
const SECTION_TYPE = 1;
const SECTION_IMPORT = 2;
const SECTION_FUNCTION = 3;
const SECTION_EXPORT = 7;
const SECTION_CODE = 10;
/** Subsection of the name section. */
const NAMES_OF_FUNCTIONS = 1;
const FUNCTION_TYPE = 0x60;
const FUNCTION_REFERENCE = 0x70;

/** Name of the module that everything is imported from. */
export const IMPORT_MODULE = "c";
export const MEMORY_NAME = "m";
export const TABLE_NAME = "t";

/** A module that imports one memory, functions, and perhaps a table, and exports each of its functions. */
export function encodeModule(parts: ModuleParts): Uint8Array {
  const out = new Bytes(1024);
  for (const byte of MAGIC) out.byte(byte);
  section(out, SECTION_TYPE, (to) => {
    to.unsigned(parts.types.length);
    for (const type of parts.types) encodeType(to, type);
  });
  section(out, SECTION_IMPORT, (to) => {
    encodeImports(to, parts);
  });
  section(out, SECTION_FUNCTION, (to) => {
    to.unsigned(parts.functions.length);
    for (const { type } of parts.functions) to.unsigned(type);
  });
  section(out, SECTION_EXPORT, (to) => {
    to.unsigned(parts.functions.length);
    for (const k of parts.functions.keys()) {
      to.name(String(k));
      to.byte(0);
      to.unsigned(parts.imports.length + k);
    }
  });
  if (parts.functions.some(({ hints }) => hints.length > 0)) {
    section(out, SECTION_CUSTOM, (to) => {
      encodeHints(to, parts);
    });
  }
  section(out, SECTION_CODE, (to) => {
    to.unsigned(parts.functions.length);
    for (const { body } of parts.functions) {
      to.unsigned(body.length);
      to.append(body);
    }
  });
  if (parts.functions.some(({ name }) => name !== undefined)) encodeNames(out, parts);
  return out.bytes;
}

/** The name section (appendix 7.4.1), with names of functions only. */
function encodeNames(out: Bytes, { imports, functions }: ModuleParts): void {
  const named = [...functions.entries()].filter(([, { name }]) => name !== undefined);
  section(out, SECTION_CUSTOM, (to) => {
    to.name("name");
    section(to, NAMES_OF_FUNCTIONS, (names) => {
      names.unsigned(named.length);
      for (const [k, { name = "" }] of named) {
        names.unsigned(imports.length + k);
        names.name(name);
      }
    });
  });
}

function section(out: Bytes, id: number, fill: (to: Bytes) => void): void {
  const content = new Bytes(512);
  fill(content);
  out.byte(id);
  out.unsigned(content.length);
  out.append(content.bytes);
}

/** WebAssembly proposal "branch hinting". */
function encodeHints(to: Bytes, { imports, functions }: ModuleParts): void {
  to.name("metadata.code.branch_hint");
  const hinted = [...functions.entries()].filter(([, { hints }]) => hints.length > 0);
  to.unsigned(hinted.length);
  for (const [k, { hints }] of hinted) {
    to.unsigned(imports.length + k);
    to.unsigned(hints.length);
    for (const { at, likely } of hints) {
      to.unsigned(at);
      to.byte(1);
      to.byte(likely ? 1 : 0);
    }
  }
}

function encodeType(to: Bytes, { parameters, results }: FunctionType): void {
  to.byte(FUNCTION_TYPE);
  for (const list of [parameters, results]) {
    to.unsigned(list.length);
    for (const type of list) to.byte(type);
  }
}

function encodeImports(to: Bytes, { imports, table }: ModuleParts): void {
  to.unsigned(imports.length + (table ? 2 : 1));
  to.name(IMPORT_MODULE);
  to.name(MEMORY_NAME);
  to.byte(2);
  to.byte(1);
  // Any size will do.
  to.unsigned(1);
  to.unsigned(MAX_MEMORY_PAGES);
  if (table) {
    to.name(IMPORT_MODULE);
    to.name(TABLE_NAME);
    to.byte(1);
    to.byte(FUNCTION_REFERENCE);
    to.byte(0);
    to.unsigned(0);
  }
  for (const { name, type } of imports) {
    to.name(IMPORT_MODULE);
    to.name(name);
    to.byte(0);
    to.unsigned(type);
  }
}
