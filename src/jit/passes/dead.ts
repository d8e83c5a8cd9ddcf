/**
 * What nobody sees: three passes with a switch each, found together in one walk from back to front.
 *
 *   dead state  a write to a slot that is written again before a read, a memory operation or the end of the block
 *   dead flags  the same for the flags
 *   dead code   pure operations and state reads whose result nothing uses
 *
 * Memory operations see all state: they may fault or leave, and then the state must be exact. Since a dead write
 * does not use its value, and a dead read does not see its slot, one walk finds whole chains.
 */

import type { IrBlock, IrInstruction } from "../ir/block.ts";
import { rowOf } from "../ir/ops.ts";
import { exitValue, removeOperations } from "./rewriter.ts";
import { WordSet } from "./slots.ts";

export interface DeadSwitches {
  readonly deadState: boolean;
  readonly deadFlags: boolean;
  readonly deadCode: boolean;
}

/** Words that are written further on with nobody looking in between. Shared: passes run one after the other. */
const overwritten = new WordSet();
let flagsOverwritten = false;

/** Whether the slot is written later; from here on, to what stands before, it is. */
function writesInVain(offset: number, bytes: number): boolean {
  if (overwritten.hasAll(offset, bytes)) return true;
  overwritten.add(offset, bytes);
  return false;
}

function writesFlagsInVain(): boolean {
  const inVain = flagsOverwritten;
  flagsOverwritten = true;
  return inVain;
}

/** Notes what the operation reads and writes; whether it is a write in vain. Walks back to front. */
function isDeadWrite({ op, imm }: IrInstruction, switches: DeadSwitches): boolean {
  switch (op) {
    case "set.i64":
      return switches.deadState && writesInVain(imm[0] as number, 8);
    case "set.i32":
      return switches.deadState && writesInVain(imm[0] as number, 4);
    case "set.v128":
      return switches.deadState && writesInVain(imm[0] as number, 16);
    case "set.flags":
      return switches.deadFlags && writesFlagsInVain();
    case "get.i64":
      overwritten.remove(imm[0] as number, 8);
      return false;
    case "get.i32":
      overwritten.remove(imm[0] as number, 4);
      return false;
    case "get.v128":
      overwritten.remove(imm[0] as number, 16);
      return false;
    case "get.flags":
      flagsOverwritten = false;
      return false;
    default:
      if (rowOf(op).effect === "memory") {
        overwritten.clear();
        flagsOverwritten = false;
      }
      return false;
  }
}

/** Pure operations and reads: all that may go when unused. */
function isRemovable(instruction: IrInstruction): boolean {
  const { effect } = rowOf(instruction.op);
  return effect === "none" || effect === "read";
}

export function removeDead(block: IrBlock, switches: DeadSwitches): IrBlock {
  const { code } = block;
  const used: boolean[] = [];
  const dead: boolean[] = [];
  for (let index = 0; index < code.length; index++) {
    used.push(false);
    dead.push(false);
  }
  let first = -1;
  const last = exitValue(block.exit);
  if (last >= 0) used[last] = true;
  overwritten.clear();
  flagsOverwritten = false;
  for (let index = code.length - 1; index >= 0; index--) {
    const instruction = code[index] as IrInstruction;
    const isUnused = switches.deadCode && used[index] === false && isRemovable(instruction);
    if (isUnused || isDeadWrite(instruction, switches)) {
      dead[index] = true;
      first = index;
    } else {
      const { args } = instruction;
      for (let i = 0; i < args.length; i++) used[args[i] as number] = true;
    }
  }
  return first < 0 ? block : removeOperations(block, dead, first);
}
