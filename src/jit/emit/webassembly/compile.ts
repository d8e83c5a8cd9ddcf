/** Functions to modules: the only place that makes a `WebAssembly.Module`. */

import { STATUS_GO_PREEMPTIBLE } from "../../unit.ts";
import { readBranchHints } from "../../../v8-flags.ts";
import { encodeModule, IMPORT_MODULE, type ImportedFunction, MEMORY_NAME, OP } from "./bytes.ts";
import { type FunctionCode, ImportList, PADDED_BYTES, SELF, UNIT_TYPE } from "./imports.ts";

readBranchHints();

/** Enters a unit at one of its labels; returns a status of `unit.ts`. */
export type WasmUnit = (label: number) => number;

/** Gives at least these functions, and the memory and the table, by name. */
export type ImportSource = (functions: readonly ImportedFunction[]) => Record<string, unknown>;

export interface ModuleOptions {
  /** What the functions may import. */
  readonly imports: ImportSource;
  /** Whether the functions call through the table. */
  readonly table: boolean;
}

/** Compiles functions into one module, which costs less than one by one; the host compiles each at its first call. */
export function compileModule(
  functions: readonly FunctionCode[],
  { imports: source, table }: ModuleOptions,
): WasmUnit[] {
  const imports = new ImportList();
  // The module's own functions are numbered behind its imports.
  for (const { relocations } of functions) {
    for (const { name } of relocations) if (name !== SELF) imports.indexOf(name);
  }
  const bodies = functions.map((code, k) => ({
    type: code.type === undefined ? UNIT_TYPE : imports.typeOf(code.type),
    body: link(code, imports, imports.functions.length + k),
    hints: code.hints ?? [],
    name: code.name,
  }));
  const parts = { types: imports.types, imports: imports.functions, table, functions: bodies };
  const module = new WebAssembly.Module(encodeModule(parts));
  const { exports } = new WebAssembly.Instance(module, {
    [IMPORT_MODULE]: source(imports.functions),
  });
  return functions.map((_, k) => exports[String(k)] as WasmUnit);
}

/** The code with the numbers that the module gives to its imports, and to itself. */
function link({ body, relocations }: FunctionCode, imports: ImportList, self: number): Uint8Array {
  const linked = body.slice();
  for (const { at, name } of relocations) {
    let rest = name === SELF ? self : imports.indexOf(name);
    for (let k = 0; k < PADDED_BYTES; k++) {
      linked[at + k] = (rest & 0x7f) | (k < PADDED_BYTES - 1 ? 0x80 : 0);
      rest >>>= 7;
    }
  }
  return linked;
}

/** A function that does nothing: whoever calls it finds that the guest is where it was. */
export function compileStub(): WasmUnit {
  const { types } = new ImportList();
  const body = new Uint8Array([0, OP.i32Const, STATUS_GO_PREEMPTIBLE, OP.end]);
  const bytes = encodeModule({
    types,
    imports: [],
    table: false,
    functions: [{ type: UNIT_TYPE, body, hints: [] }],
  });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    [IMPORT_MODULE]: { [MEMORY_NAME]: memory },
  });
  return instance.exports["0"] as WasmUnit;
}
