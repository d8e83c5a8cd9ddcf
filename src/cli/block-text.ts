/**
 * A translated block as text that can be pasted into a bug report: where it lies, guest bytes with disassembly, IR
 * before and after the passes, the generated JavaScript.
 */

import { hex } from "../mmu/address.ts";
import { disassemble } from "../frontend/disassemble.ts";
import { slotName } from "../frontend/guest-state.ts";
import { dumpUnit } from "../jit/emit/javascript/dump.ts";
import type { IrBlock } from "../jit/ir/block.ts";
import { printBlock } from "../jit/ir/print.ts";
import type { JavaScriptUnit } from "../jit/unit.ts";

export interface DumpedBlock {
  readonly unit: JavaScriptUnit;
  /** As lifted; `unit.block` is what the passes made of it. */
  readonly original: IrBlock;
  /** Its guest code. */
  readonly bytes: Uint8Array;
  /** The process that was running when it was translated. */
  readonly process: string;
  readonly symbol: string | undefined;
}

export interface BlockText {
  readonly text: string;
  readonly javascript: string;
  readonly sourceMap: string;
}

/** Lines of the text before the first guest instruction. */
const LINES_BEFORE_CODE = 2;

/** `file` is the name that the source map gives to the text. */
export async function blockText(block: DumpedBlock, file: string): Promise<BlockText> {
  const { unit, original, symbol, process } = block;
  const style = { firstLine: LINES_BEFORE_CODE + 1, slotName };
  const { javascript, sourceMap } = await dumpUnit(unit, file, style);
  const { length } = original.instructions;
  const where = `${hex(original.address)}${symbol === undefined ? "" : ` <${symbol}>`}`;
  const text = [
    `==== block ${where}: ${length} instruction${length === 1 ? "" : "s"}, translated for ${process}`,
    "---- guest code",
    ...listing(block),
    "---- IR as lifted",
    printBlock(original, slotName).trimEnd(),
    "---- IR after the passes",
    printBlock(unit.block, slotName).trimEnd(),
    "---- JavaScript",
    javascript.trimEnd(),
    "",
  ].join("\n");
  return { text, javascript, sourceMap };
}

function listing({ original, bytes }: DumpedBlock): string[] {
  return original.instructions.map(({ address, length }) => {
    const at = address - original.address;
    const code = bytes.subarray(at, at + length);
    const text = [...code].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return `  ${hex(address)}  ${text.padEnd(30)} ${disassemble(code, address).text}`;
  });
}
