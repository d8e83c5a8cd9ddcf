/**
 * IR as text, the form that tests and bug reports quote. `parse.ts` reads it back.
 *
 *   block 0x401000
 *   ; 0x401000 len 3
 *     %0:i64 = get.i64 rax
 *     %1:i64 = const.i64 0x10 0
 *     %2:i64 = add.i64 %0 %1
 *     set.i64 rax %2
 *     %4:flags = flags.add.i64 %0 %1
 *     %5:i1 = cond z %4
 *   exit branch %5 0x401020 0x401003
 *
 * A value's number is its place in the code, so operations without a result take a number too.
 */

import { hex } from "../../mmu/address.ts";
import type { IrBlock, IrExit, IrInstruction } from "./block.ts";
import { CONDITIONS } from "./flags.ts";
import { ACCESS_ALIGNED, ACCESS_MODIFY, ACCESS_STACK, type ImmKind, rowOf } from "./ops.ts";

/** Names a slot of the state block, or undefined when there is no name for it. */
export type SlotName = (offset: number) => string | undefined;

const NO_NAMES: SlotName = () => undefined;

/** Bits of an access immediate and how they print, joined by `+`; none prints as `plain`. */
export const ACCESS_WORDS: readonly (readonly [number, string])[] = [
  [ACCESS_MODIFY, "modify"],
  [ACCESS_STACK, "stack"],
  [ACCESS_ALIGNED, "aligned"],
];

/** Small numbers in decimal, others as the 32-bit pattern they are. */
const int32Text = (value: number): string =>
  value > -1000 && value < 1000 ? String(value) : hex(value >>> 0);

function accessText(bits: number): string {
  const words = ACCESS_WORDS.filter(([bit]) => (bits & bit) !== 0).map(([, word]) => word);
  return words.length === 0 ? "plain" : words.join("+");
}

function immText(kind: ImmKind | undefined, value: number, slotName: SlotName): string {
  switch (kind) {
    case "slot":
      return slotName(value) ?? `@${value}`;
    case "condition":
      return CONDITIONS[value] ?? String(value);
    case "access":
      return accessText(value);
    case "int32":
      return int32Text(value);
    case "width":
    case "bit":
    case "vector":
    case "lane":
    case undefined:
      return String(value);
  }
}

/** One operation as text: `%2:i64 = add.i64 %0 %1`. */
export function printInstruction(
  instruction: IrInstruction,
  index: number,
  slotName: SlotName = NO_NAMES,
): string {
  const row = rowOf(instruction.op);
  const words = instruction.imm.map((value, i) => immText(row.imm?.[i], value, slotName));
  words.push(...instruction.args.map((arg) => `%${arg}`));
  const text = [instruction.op, ...words].join(" ");
  return row.result === undefined ? text : `%${index}:${row.result} = ${text}`;
}

const returnText = (returnTo: number | undefined): string =>
  returnTo === undefined ? "" : ` return-to ${hex(returnTo)}`;

export function printExit(exit: IrExit): string {
  switch (exit.kind) {
    case "jump":
      return `exit jump ${hex(exit.target)} ${exit.transfer}${returnText(exit.returnTo)}`;
    case "branch":
      return `exit branch %${exit.condition} ${hex(exit.taken)} ${hex(exit.notTaken)}`;
    case "indirect":
      return `exit indirect %${exit.target} ${exit.transfer}${returnText(exit.returnTo)}`;
    case "syscall":
      return `exit syscall ${hex(exit.next)}`;
    case "fault": {
      const name = exit.unsupported === undefined ? "" : ` unsupported ${exit.unsupported}`;
      return `exit fault ${exit.vector} code ${exit.errorCode} rip ${hex(exit.rip)}${name}`;
    }
  }
}

export function printBlock(block: IrBlock, slotName: SlotName = NO_NAMES): string {
  const lines = [`block ${hex(block.address)}`];
  let next = 0;
  const addHeaders = (index: number): void => {
    for (let guest = block.instructions[next]; guest !== undefined && guest.start <= index;) {
      lines.push(`; ${hex(guest.address)} len ${guest.length}`);
      guest = block.instructions[++next];
    }
  };
  block.code.forEach((instruction, index) => {
    addHeaders(index);
    lines.push(`  ${printInstruction(instruction, index, slotName)}`);
  });
  addHeaders(block.code.length);
  lines.push(printExit(block.exit));
  return `${lines.join("\n")}\n`;
}
