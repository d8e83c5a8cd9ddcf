/**
 * What functions import, and how modules number it. A function's code names its imports in relocations, so the same
 * code can be put into any module.
 */

import { CALL_LIST } from "../../ir/calls/index.ts";
import { TYPE_WORDS } from "../../ir/calls/call.ts";
import { rowOf } from "../../ir/ops.ts";
import {
  type BranchHint,
  type FunctionType,
  type ImportedFunction,
  TYPE_I32,
  TYPE_I64,
  TYPE_V128,
  type WasmType,
} from "./bytes.ts";
import { FLOAT_FUNCTIONS, type FloatFunction } from "./float-ops.ts";

/** Parameters and results that are 32-bit words. */
const helper = (parameters: number, results: 0 | 1): FunctionType => ({
  parameters: Array.from({ length: parameters }, () => TYPE_I32),
  results: results === 0 ? [] : [TYPE_I32],
});

/** The helpers of `runtime.ts`. */
const HELPERS = {
  load: helper(5, 1),
  store: helper(5, 1),
  probe: helper(5, 1),
  bulkStore: helper(7, 1),
  bulkCopy: helper(7, 1),
  raise: helper(3, 0),
  exitFault: helper(6, 0),
  resume: helper(3, 1),
  cond: helper(6, 1),
  flagBits: helper(5, 1),
  divu: helper(6, 0),
  remu: helper(6, 0),
  divs: helper(6, 0),
  rems: helper(6, 0),
  fitss: helper(6, 1),
  cpuid: helper(3, 1),
  tsc: helper(1, 0),
  random: helper(0, 0),
} as const;
export type HelperName = keyof typeof HELPERS;

/** Words that a call operation takes; one that may raise a fault is told where it is. */
function callSignature(op: (typeof CALL_LIST)[number]["op"], raises: boolean): FunctionType {
  const { args, imm = [] } = rowOf(op);
  const words = imm.length + args.reduce((sum, type) => sum + TYPE_WORDS[type], 0);
  return helper(words + (raises ? 2 : 0), 1);
}

/** Accesses out of line, see `access-functions.ts`: address, two words of the site, value; value, 1 when refused. */
const SITE = [TYPE_I32, TYPE_I32] as const;
const loads = (type: WasmType): FunctionType => ({
  parameters: [TYPE_I64, ...SITE],
  results: [type, TYPE_I32],
});
const stores = (type: WasmType): FunctionType => ({
  parameters: [TYPE_I64, ...SITE, type],
  results: [TYPE_I32],
});

export const ACCESS_SIGNATURES = {
  load8: loads(TYPE_I32),
  load16: loads(TYPE_I32),
  load32: loads(TYPE_I32),
  load64: loads(TYPE_I64),
  load128: loads(TYPE_V128),
  loadAligned128: loads(TYPE_V128),
  modify8: loads(TYPE_I32),
  modify16: loads(TYPE_I32),
  modify32: loads(TYPE_I32),
  modify64: loads(TYPE_I64),
  store8: stores(TYPE_I32),
  store16: stores(TYPE_I32),
  store32: stores(TYPE_I32),
  store64: stores(TYPE_I64),
  store128: stores(TYPE_V128),
  storeAligned128: stores(TYPE_V128),
} as const satisfies Record<string, FunctionType>;
export type AccessName = keyof typeof ACCESS_SIGNATURES;

const TYPES = { i1: TYPE_I32, i32: TYPE_I32, i64: TYPE_I64, v128: TYPE_V128, flags: TYPE_I32 } as const;

/** SSE arithmetic out of line, see `float-functions.ts`: operands, two words of the site; result, 1 when refused. */
export function floatSignature({ op }: FloatFunction): FunctionType {
  const { args, result = "i32" } = rowOf(op);
  return { parameters: [...args.map((type) => TYPES[type]), ...SITE], results: [TYPES[result], TYPE_I32] };
}

/** By name: helpers, accesses, SSE arithmetic, and call operations under the name of the operation. */
export const SIGNATURES: ReadonlyMap<string, FunctionType> = new Map([
  ...Object.entries(HELPERS),
  ...Object.entries(ACCESS_SIGNATURES),
  ...FLOAT_FUNCTIONS.map((work) => [work.name, floatSignature(work)] as const),
  ...CALL_LIST.map(({ op, raises }) => [op, callSignature(op, raises)] as const),
]);

/** At this place of the code stands the number of an imported function, in PADDED_BYTES bytes. */
export interface Relocation {
  readonly at: number;
  readonly name: string;
}
/** In a relocation: the function itself. */
export const SELF = "self";
/** An unsigned LEB128 number that is always this long can be overwritten. */
export const PADDED_BYTES = 5;

/** A function before it is put into a module. */
export interface FunctionCode {
  readonly body: Uint8Array;
  readonly relocations: readonly Relocation[];
  /** In the order of their places. */
  readonly hints?: readonly BranchHint[];
  /** That of units unless said otherwise. */
  readonly type?: FunctionType;
  /** What profilers show; the module says it only then. */
  readonly name?: string;
}

/** Type 0 of every module is that of units: a label in, a status out. */
export const UNIT_TYPE = 0;

export class ImportList {
  readonly types: FunctionType[] = [{ parameters: [TYPE_I32], results: [TYPE_I32] }];
  readonly functions: ImportedFunction[] = [];
  readonly #indices = new Map<string, number>();

  /** Number of the imported function of this name. */
  indexOf(name: string): number {
    let index = this.#indices.get(name);
    if (index === undefined) {
      const signature = SIGNATURES.get(name);
      if (signature === undefined) throw new RangeError(`nothing called ${name} can be imported`);
      index = this.functions.push({ name, type: this.typeOf(signature) }) - 1;
      this.#indices.set(name, index);
    }
    return index;
  }

  /** Number of a function type. */
  typeOf(type: FunctionType): number {
    const known = this.types.findIndex((other) => sameType(other, type));
    return known >= 0 ? known : this.types.push(type) - 1;
  }
}

const sameList = (a: readonly WasmType[], b: readonly WasmType[]): boolean =>
  a.length === b.length && a.every((type, k) => type === b[k]);
const sameType = (a: FunctionType, b: FunctionType): boolean =>
  sameList(a.parameters, b.parameters) && sameList(a.results, b.results);
