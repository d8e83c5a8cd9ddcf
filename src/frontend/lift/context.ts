/**
 * What a lifter works with: the builder, the current instruction, the flags as they stand, and the state writes
 * of the instruction. The one idea: memory operations are emitted when a lifter asks for them, state writes are
 * kept and emitted at the instruction's end. So every read of a lifter sees the state before the instruction,
 * lifters need no order of their own, and a fault finds the state untouched (JIT-4).
 */

import type { GuestAddress } from "../../mmu/address.ts";
import { highHalf, isUserAddress, lowHalf } from "../../mmu/address.ts";
import { BlockBuilder, type IrExit, type Transfer } from "../../jit/ir/block.ts";
import { CONDITIONS } from "../../jit/ir/flags.ts";
import type { Value } from "../../jit/ir/ops.ts";
import { generalSlot, vectorSlot } from "../guest-state.ts";
import type { Instruction } from "../instruction.ts";
import { rowName } from "../tables/row.ts";

/** An integer value of any width: i32 up to 32 bits, i64 for 64. */
export type Word = Value<"i32"> | Value<"i64">;

/** Exception vectors that the front end raises (Intel SDM vol. 3A, table 6-1). */
export const VECTOR_DIVIDE = 0;
export const VECTOR_DEBUG = 1;
export const VECTOR_BREAKPOINT = 3;
export const VECTOR_UNDEFINED = 6;
export const VECTOR_PROTECTION = 13;

const CONDITION_B = CONDITIONS.indexOf("b");
const CONDITION_AE = CONDITIONS.indexOf("ae");

type WriteKind = "i32" | "i64" | "zero-extend" | "insert8" | "insert8-high" | "insert16" | "v128";

/** A state write that waits for the end of its instruction. */
interface PendingWrite {
  kind: WriteKind;
  slot: number;
  value: Value;
}

export class LiftContext {
  readonly ir: BlockBuilder;
  readonly insn: Instruction;
  /** Address behind the current instruction. */
  next = 0;
  /** Set by a lifter that ends the block. */
  exit: IrExit | undefined;
  /** Effective address of the current instruction's memory operand, once it is computed. */
  address: Value<"i64"> | undefined;
  #flags: Value<"flags"> | undefined;
  /** CF of `#flags`, where the lifter that set them knows it as a value. */
  #carry: Value<"i1"> | undefined;
  #newFlags: Value<"flags"> | undefined;
  #newCarry: Value<"i1"> | undefined;
  readonly #writes: PendingWrite[] = [];
  #pending = 0;

  constructor(address: GuestAddress, insn: Instruction) {
    this.ir = new BlockBuilder(address);
    this.insn = insn;
  }

  /** Starts the instruction in `insn`. */
  begin(): void {
    const { address, length } = this.insn;
    this.ir.begin(address as GuestAddress, length);
    this.next = address + length;
    this.address = undefined;
  }

  /** Emits the state writes of the instruction. */
  end(): void {
    for (let i = 0; i < this.#pending; i++) {
      const write = this.#writes[i];
      if (write !== undefined) this.#emit(write);
    }
    this.#pending = 0;
    if (this.#newFlags === undefined) return;
    this.ir.add("set.flags", this.#newFlags);
    this.#flags = this.#newFlags;
    this.#carry = this.#newCarry;
    this.#newFlags = undefined;
  }

  /** Drops the state writes: the instruction raised an exception. */
  abandon(): void {
    this.#pending = 0;
    this.#newFlags = undefined;
  }

  // Constants

  i32(value: number): Value<"i32"> {
    return this.ir.add("const.i32", value | 0);
  }

  i64(low: number, high: number = low >> 31): Value<"i64"> {
    return this.ir.add("const.i64", low | 0, high | 0);
  }

  /** A number as a 64-bit constant: an address, or one that left the user half. */
  wide(value: number): Value<"i64"> {
    return this.ir.add("const.i64", lowHalf(value), highHalf(value));
  }

  i1(value: boolean): Value<"i1"> {
    return this.ir.add("const.i1", value ? 1 : 0);
  }

  // Registers

  general(register: number): Value<"i64"> {
    return this.ir.add("get.i64", generalSlot(register));
  }

  setGeneral(register: number, value: Value<"i64">): void {
    this.#defer("i64", generalSlot(register), value);
  }

  /** A 32-bit write: the upper half becomes zero. */
  setGeneral32(register: number, value: Value<"i32">): void {
    this.#defer("zero-extend", generalSlot(register), value);
  }

  setGeneral16(register: number, value: Value<"i32">): void {
    this.#defer("insert16", generalSlot(register), value);
  }

  /** Bits 0..7 or, for `high`, 8..15. */
  setGeneral8(register: number, high: boolean, value: Value<"i32">): void {
    this.#defer(high ? "insert8-high" : "insert8", generalSlot(register), value);
  }

  setSlot32(slot: number, value: Value<"i32">): void {
    this.#defer("i32", slot, value);
  }

  setSlot64(slot: number, value: Value<"i64">): void {
    this.#defer("i64", slot, value);
  }

  vector(register: number): Value<"v128"> {
    return this.ir.add("get.v128", vectorSlot(register));
  }

  setVector(register: number, value: Value<"v128">): void {
    this.#defer("v128", vectorSlot(register), value);
  }

  // Flags

  /** The flags before the instruction. */
  get flags(): Value<"flags"> {
    this.#flags ??= this.ir.add("get.flags");
    return this.#flags;
  }

  /** Flags after the instruction; `carry` is their CF, given when it costs nothing to know. */
  setFlags(flags: Value<"flags">, carry?: Value<"i1">): void {
    this.#newFlags = flags;
    this.#newCarry = carry;
  }

  /** Whether a condition holds on the flags before the instruction. */
  condition(number: number): Value<"i1"> {
    if (this.#carry !== undefined) {
      if (number === CONDITION_B) return this.#carry;
      if (number === CONDITION_AE) return this.ir.add("not.i1", this.#carry);
    }
    return this.ir.add("cond", number, this.flags);
  }

  /** CF before the instruction. */
  get carry(): Value<"i1"> {
    return this.condition(CONDITION_B);
  }

  // Ends of the block

  /** Raises an exception at this instruction, with nothing of it done. */
  raise(vector: number, errorCode = 0): void {
    this.abandon();
    this.exit = { kind: "fault", vector, errorCode, rip: this.insn.address as GuestAddress };
  }

  /** A trap: reported with the address behind the instruction. */
  trap(vector: number): void {
    this.exit = { kind: "fault", vector, errorCode: 0, rip: this.next as GuestAddress };
  }

  raiseUnsupported(): void {
    this.abandon();
    const { row, operandBytes, address } = this.insn;
    this.exit = {
      kind: "fault",
      vector: VECTOR_UNDEFINED,
      errorCode: 0,
      rip: address as GuestAddress,
      unsupported: rowName(row, operandBytes),
    };
  }

  /** Leaves to a known address; one outside the user half becomes a computed one, which the engine refuses. */
  jumpTo(target: number, transfer: Transfer): void {
    const { next } = this;
    if (!isUserAddress(target)) this.jumpIndirect(this.wide(target), transfer);
    else if (transfer !== "call" || !isUserAddress(next)) this.exit = { kind: "jump", target, transfer };
    else this.exit = { kind: "jump", target, transfer, returnTo: next };
  }

  /** A call names where its return lands, when that is a place code can be. */
  jumpIndirect(target: Value<"i64">, transfer: Transfer): void {
    const { next } = this;
    if (transfer !== "call" || !isUserAddress(next)) this.exit = { kind: "indirect", target, transfer };
    else this.exit = { kind: "indirect", target, transfer, returnTo: next };
  }

  branch(condition: Value<"i1">, target: number): void {
    const { next } = this;
    if (isUserAddress(target) && isUserAddress(next)) {
      this.exit = { kind: "branch", condition, taken: target, notTaken: next };
    } else {
      const goal = this.ir.add("select.i64", condition, this.wide(target), this.wide(next));
      this.jumpIndirect(goal, "jump");
    }
  }

  #defer(kind: WriteKind, slot: number, value: Value): void {
    const write = this.#writes[this.#pending];
    if (write === undefined) this.#writes.push({ kind, slot, value });
    else {
      write.kind = kind;
      write.slot = slot;
      write.value = value;
    }
    this.#pending++;
  }

  #emit({ kind, slot, value }: PendingWrite): void {
    const { ir } = this;
    switch (kind) {
      case "i32":
        ir.add("set.i32", slot, value as Value<"i32">);
        return;
      case "i64":
        ir.add("set.i64", slot, value as Value<"i64">);
        return;
      case "zero-extend":
        ir.add("set.i64", slot, ir.add("zext.i64", value as Value<"i32">));
        return;
      case "v128":
        ir.add("set.v128", slot, value as Value<"v128">);
        return;
      default:
        this.#insert(kind, slot, value as Value<"i32">);
    }
  }

  /** A write of part of a register. Read here, so that two parts of one register both land (XCHG AL, AH). */
  #insert(kind: "insert8" | "insert8-high" | "insert16", slot: number, value: Value<"i32">): void {
    const { ir } = this;
    const old = ir.add("get.i64", slot);
    const position = kind === "insert8-high" ? 8 : 0;
    ir.add("set.i64", slot, ir.add("insert.i64", position, kind === "insert16" ? 16 : 8, old, value));
  }
}
