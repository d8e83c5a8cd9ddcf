/**
 * State forwarding: within a block, reading a slot gives the value last written to it or read from it. A part of
 * a known slot (the low half of a register) becomes an operation on the known value. A write of what the slot
 * already holds is left out.
 */

import type { IrBlock, IrInstruction } from "../ir/block.ts";
import { DROPPED, Rewriter } from "./rewriter.ts";
import { SlotValues } from "./slots.ts";

const UNKNOWN = -1;
const NO_IMMEDIATES: readonly number[] = [];

/** Shared by all blocks: passes run one after the other. */
const slots = new SlotValues();

class ForwardState extends Rewriter {
  #flags = UNKNOWN;

  protected visit(instruction: IrInstruction): number {
    switch (instruction.op) {
      case "get.i32":
        return this.#read(instruction, 4);
      case "get.i64":
        return this.#read(instruction, 8);
      case "get.v128":
        return this.#read(instruction, 16);
      case "set.i32":
        return this.#write(instruction, 4);
      case "set.i64":
        return this.#write(instruction, 8);
      case "set.v128":
        return this.#write(instruction, 16);
      case "get.flags":
        if (this.#flags === UNKNOWN) this.#flags = this.copy(instruction);
        return this.#flags;
      case "set.flags":
        return this.#writeFlags(instruction);
      default:
        return this.copy(instruction);
    }
  }

  #read(instruction: IrInstruction, bytes: number): number {
    const offset = instruction.imm[0] as number;
    const known = slots.find(offset, bytes);
    if (known >= 0) return this.#part(known, offset, bytes);
    const value = this.copy(instruction);
    slots.record(offset, bytes, value);
    return value;
  }

  /** The `bytes` at `offset` of the known slot at `known`. */
  #part(known: number, offset: number, bytes: number): number {
    const value = slots.valueAt(known);
    const whole = slots.bytesAt(known);
    if (whole === bytes) return value;
    if (whole === 8) return this.emit(offset === known ? "low.i32" : "high.i32", NO_IMMEDIATES, [value]);
    const lane = (offset - known) / bytes;
    if (bytes === 4) return this.emit("extract.v32", [lane], [value]);
    if (Number.isInteger(lane)) return this.emit("extract.v64", [lane], [value]);
    // The two middle words of a vector: no operation takes them in one.
    const low = this.emit("extract.v32", [1], [value]);
    return this.emit("concat.i64", NO_IMMEDIATES, [low, this.emit("extract.v32", [2], [value])]);
  }

  #write(instruction: IrInstruction, bytes: number): number {
    const offset = instruction.imm[0] as number;
    const value = this.mapped(instruction.args)[0] as number;
    const known = slots.find(offset, bytes);
    if (known === offset && slots.bytesAt(known) === bytes && slots.valueAt(known) === value) return DROPPED;
    slots.record(offset, bytes, value);
    return this.copy(instruction);
  }

  #writeFlags(instruction: IrInstruction): number {
    const value = this.mapped(instruction.args)[0] as number;
    if (value === this.#flags) return DROPPED;
    this.#flags = value;
    return this.copy(instruction);
  }
}

export function forwardState(block: IrBlock): IrBlock {
  slots.clear();
  return new ForwardState(block).rewrite();
}
