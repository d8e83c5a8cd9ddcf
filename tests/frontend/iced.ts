/** iced-x86 as the reference for lengths, validity and text. */

import { Code, Decoder, DecoderOptions, Formatter, FormatterSyntax, MemorySizeOptions } from "iced-x86";

export interface Reference {
  readonly valid: boolean;
  readonly length: number;
  readonly text: string;
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

/** Prefixes that it prints and that mean nothing here. */
const IDLE =
  /^((data16|data64|addr32|bnd|hint-not-taken|hint-taken|xacquire|xrelease|notrack|cs|ss|ds|es|fs|gs) )+/;

export function reference(bytes: Uint8Array, address: number): Reference {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = BigInt(address);
  const instruction = decoder.decode();
  const valid = instruction.code !== Code.INVALID;
  const text = valid ? formatter.format(instruction).replace(IDLE, "") : "";
  const { length } = instruction;
  instruction.free();
  decoder.free();
  return { valid, length, text };
}
