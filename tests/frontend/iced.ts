/** iced-x86 as the reference for lengths, validity, text and flags. */

import {
  Code,
  Decoder,
  DecoderOptions,
  Formatter,
  FormatterSyntax,
  Instruction,
  MemorySizeOptions,
  RflagsBits,
} from "iced-x86";
import { AF, CF, OF, PF, SF, ZF } from "../../src/jit/ir/flags.ts";

export interface Reference {
  readonly valid: boolean;
  readonly length: number;
  readonly text: string;
  /** Status flags at their places in RFLAGS: left undefined; changed in any way, that included. */
  readonly undefinedFlags: number;
  readonly changedFlags: number;
}

const formatter = new Formatter(FormatterSyntax.Intel);
formatter.hexPrefix = "0x";
formatter.hexSuffix = "";
formatter.uppercaseHex = false;
formatter.addLeadingZeroToHexNumbers = false;
formatter.smallHexNumbersInDecimal = false;
formatter.branchLeadingZeros = false;
formatter.spaceAfterOperandSeparator = true;
formatter.showBranchSize = false;
formatter.usePseudoOps = false;
formatter.memorySizeOptions = MemorySizeOptions.Always;

/** It writes ST beside a memory operand of an x87 instruction; the manual does not. */
const STACK_TOP = /^(f\w+) st, (.* ptr .*)$|^(f\w+ .* ptr .*), st$/;

/** Prefixes that it prints and that mean nothing here. */
const IDLE =
  /^((data16|data64|addr32|bnd|hint-not-taken|hint-taken|xacquire|xrelease|notrack|cs|ss|ds|es|fs|gs) )+/;

const FLAGS = [
  [RflagsBits.CF, CF],
  [RflagsBits.PF, PF],
  [RflagsBits.AF, AF],
  [RflagsBits.ZF, ZF],
  [RflagsBits.SF, SF],
  [RflagsBits.OF, OF],
] as const;

const statusFlags = (bits: number): number =>
  FLAGS.reduce((mask, [theirs, ours]) => ((bits & theirs) === 0 ? mask : mask | ours), 0);

const withoutTop = (_all: string, name = "", operand = "", stored = ""): string =>
  stored === "" ? `${name} ${operand}` : stored;

const instruction = new Instruction();

function describe(): Reference {
  const { length } = instruction;
  if (instruction.code === Code.INVALID)
    return { valid: false, length, text: "", undefinedFlags: 0, changedFlags: 0 };
  return {
    valid: true,
    length,
    text: formatter.format(instruction).replace(IDLE, "").replace(STACK_TOP, withoutTop),
    undefinedFlags: statusFlags(instruction.rflagsUndefined),
    changedFlags: statusFlags(instruction.rflagsModified),
  };
}

export function reference(bytes: Uint8Array, address: number): Reference {
  return references(bytes, bytes.length, address)[0]!;
}

/** Instructions at every multiple of `stride`, each as if it lay at `address`. Far quicker than one by one. */
export function references(bytes: Uint8Array, stride: number, address: number): Reference[] {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const found: Reference[] = [];
  for (let at = 0; at < bytes.length; at += stride) {
    decoder.position = at;
    decoder.ip = BigInt(address);
    decoder.decodeOut(instruction);
    found.push(describe());
  }
  decoder.free();
  return found;
}
