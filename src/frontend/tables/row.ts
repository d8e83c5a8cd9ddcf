/**
 * The shape of the opcode tables. An entry is a row, or a choice that the decoder makes by a prefix or a field of
 * ModRM before it comes to a row. A row is everything there is to know about one encoding; what the decoder needs
 * of its operand codes is worked out once, when the table is made.
 */

import { demand } from "../../invariant.ts";
import type { Feature } from "../features.ts";
import type { LiftContext } from "../lift/context.ts";
import { type ImmediateForm, type OperandCode, type OperandName, operandCode } from "../operand-codes.ts";

/** Emits the operations of the current instruction. Never looks at ModRM: operands.ts does. */
export type Lifter = (ctx: LiftContext) => void;

/**
 * Operand size without REX.W and 66: `usual` 32 bits; `default64` 64 bits, 66 makes 16 (push); `only64` always
 * 64 bits (near branches; 66 is ignored as on Intel processors).
 */
export type WidthRule = "usual" | "default64" | "only64";

export interface Row {
  readonly choose: "row";
  /** One name, or names for operand sizes 16, 32 and 64. */
  readonly mnemonic: string | readonly [string, string, string];
  readonly operands: readonly OperandCode[];
  readonly lift: Lifter;
  readonly feature: Feature | undefined;
  /** What the encoding means without the feature, where that is not undefined (TZCNT is BSF). */
  readonly without: Row | undefined;
  /** LOCK is allowed when the destination is memory. */
  readonly lockable: boolean;
  /** F2 and F3 repeat it: a string instruction. */
  readonly repeatable: boolean;
  /** Flags that the manual leaves undefined, at their places in RFLAGS. */
  readonly undefinedFlags: number;
  /** Always ends its block. */
  readonly ends: boolean;
  readonly width: WidthRule;
  /** False: the processor has it and the lifter does not; it raises #UD and names itself. */
  readonly supported: boolean;
  readonly modrm: boolean;
  /** ModRM names registers whatever its mod field says (moves of control and debug registers). */
  readonly ignoresMod: boolean;
  readonly immediate: ImmediateForm;
}

/** By ModRM.reg, by ModRM.rm, by mandatory prefix (none, 66, F3, F2), by memory or register form. */
export type Entry =
  | Row
  | { readonly choose: "reg" | "rm" | "prefix"; readonly entries: readonly (Entry | undefined)[] }
  | { readonly choose: "mod"; readonly memory: Entry | undefined; readonly register: Entry | undefined }
  /** By REX.W (`wide`) or REX.B (`extended`): clear or set. */
  | {
      readonly choose: "wide" | "extended";
      readonly clear: Entry | undefined;
      readonly set: Entry | undefined;
    };

export type OpcodeMap = readonly (Entry | undefined)[];

export interface RowOptions {
  readonly feature?: Feature;
  readonly without?: Row;
  readonly lockable?: boolean;
  readonly repeatable?: boolean;
  readonly undefinedFlags?: number;
  readonly ends?: boolean;
  readonly width?: WidthRule;
  readonly supported?: boolean;
}

function immediateForm(operands: readonly OperandCode[]): ImmediateForm {
  for (const operand of operands) if (operand.form !== "none") return operand.form;
  return "none";
}

export function row(
  mnemonic: Row["mnemonic"],
  lift: Lifter,
  operands: readonly OperandName[] = [],
  options: RowOptions = {},
): Row {
  const codes = operands.map(operandCode);
  return {
    choose: "row",
    mnemonic,
    operands: codes,
    lift,
    feature: options.feature,
    without: options.without,
    lockable: options.lockable ?? false,
    repeatable: options.repeatable ?? false,
    undefinedFlags: options.undefinedFlags ?? 0,
    ends: options.ends ?? false,
    width: options.width ?? "usual",
    supported: options.supported ?? true,
    modrm: codes.some((code) => code.modrm),
    ignoresMod: codes.some(({ kind }) => kind === "control" || kind === "debug"),
    immediate: immediateForm(codes),
  };
}

/** The name of a row for an operand size of 2, 4 or 8 bytes. */
export function rowName({ mnemonic }: Row, operandBytes: number): string {
  return typeof mnemonic === "string"
    ? mnemonic
    : mnemonic[operandBytes === 2 ? 0 : operandBytes === 4 ? 1 : 2];
}

const liftUnsupported: Lifter = (ctx) => ctx.raiseUnsupported();

/** An instruction that processors have and capjit does not. */
export const unsupported = (
  mnemonic: Row["mnemonic"],
  operands: readonly OperandName[] = [],
  options: RowOptions = {},
): Row => row(mnemonic, liftUnsupported, operands, { ...options, supported: false, ends: true });

export const byReg = (entries: readonly (Entry | undefined)[]): Entry => ({ choose: "reg", entries });
export const byRm = (entries: readonly (Entry | undefined)[]): Entry => ({ choose: "rm", entries });
/** In the order none, 66, F3, F2. */
export const byPrefix = (...entries: readonly (Entry | undefined)[]): Entry => ({
  choose: "prefix",
  entries,
});
export const byMod = (memory: Entry | undefined, register: Entry | undefined): Entry => ({
  choose: "mod",
  memory,
  register,
});
export const byWide = (clear: Entry | undefined, set: Entry | undefined): Entry => ({
  choose: "wide",
  clear,
  set,
});
export const byExtension = (clear: Entry | undefined, set: Entry | undefined): Entry => ({
  choose: "extended",
  clear,
  set,
});

/** A map of 256 opcodes from its rows. FE-1: an opcode of a map has one row. */
export function opcodeMap(rows: readonly (readonly [number, Entry])[]): OpcodeMap {
  const map = new Array<Entry | undefined>(256).fill(undefined);
  for (const [opcode, entry] of rows) {
    if (map[opcode] !== undefined) demand([`FE-1 opcode ${opcode.toString(16)} has two rows`]);
    map[opcode] = entry;
  }
  return map;
}

/** The same row at `count` opcodes from `base`. */
export const repeated = (base: number, count: number, entry: Entry): [number, Entry][] =>
  Array.from({ length: count }, (_, i) => [base + i, entry]);
