/** Bytes to text, for dumps and fault reports. */

import { decode, DECODED, TRUNCATED } from "./decode.ts";
import { formatInstruction, newInstruction } from "./instruction.ts";
import { EVEX_ROW } from "./tables/vex.ts";

export interface Disassembled {
  readonly text: string;
  /** Bytes the text stands for, at least one. */
  readonly length: number;
}

const insn = newInstruction(EVEX_ROW);

/** The instruction at the start of `bytes`, as if it lay at `address`; `(bad)` for what is none. */
export function disassemble(bytes: Uint8Array, address: number): Disassembled {
  const status = decode(bytes, 0, bytes.length, address, insn);
  if (status === DECODED) return { text: formatInstruction(insn), length: insn.length };
  return status === TRUNCATED
    ? { text: "(truncated)", length: Math.max(1, bytes.length) }
    : { text: "(bad)", length: Math.max(1, insn.length) };
}
