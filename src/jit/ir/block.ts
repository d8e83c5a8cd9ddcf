/**
 * A lifted basic block: straight-line IR in static single assignment form, and one exit. The front end makes it,
 * passes rewrite it, the evaluator and the emitters read it.
 */

import type { GuestAddress } from "../../mmu/address.ts";
import { type OpName, type OperandsOf, type ResultValue, type Value, rowOf } from "./ops.ts";

/** One operation. Its result, if any, is named by its index in `IrBlock.code`. */
export interface IrInstruction {
  readonly op: OpName;
  readonly imm: readonly number[];
  /** Indices of the defining instructions, all smaller than the own index. */
  readonly args: readonly number[];
}

/** A guest instruction and where its operations begin in `IrBlock.code`. */
export interface GuestInstruction {
  readonly address: GuestAddress;
  /** Bytes, 1..15. */
  readonly length: number;
  /** Index of its first operation; it ends where the next one starts. */
  readonly start: number;
}

/** Why control leaves; the engine uses it for profile, return prediction and preemption. */
export type Transfer = "fallthrough" | "jump" | "call" | "return";

/**
 * How a block ends.
 *   jump      to a known address. `fallthrough`: the block was cut, not ended by a control transfer.
 *   branch    two-way on a condition.
 *   indirect  to a computed address. A call names where its return will land.
 *   syscall   SYSCALL was executed; `next` is the address after it. The lifted operations have set what the
 *             processor sets (RCX, R11).
 *   fault     the last instruction always raises exception `vector`; `rip` is what the processor reports:
 *             the instruction itself for a fault, the next one for a trap. `unsupported` names an instruction
 *             that the processor has and capjit does not (it raises #UD).
 */
export type IrExit =
  | {
      readonly kind: "jump";
      readonly target: GuestAddress;
      readonly transfer: Transfer;
      readonly returnTo?: GuestAddress;
    }
  | {
      readonly kind: "branch";
      readonly condition: Value<"i1">;
      readonly taken: GuestAddress;
      readonly notTaken: GuestAddress;
    }
  | {
      readonly kind: "indirect";
      readonly target: Value<"i64">;
      readonly transfer: Transfer;
      readonly returnTo?: GuestAddress;
    }
  | { readonly kind: "syscall"; readonly next: GuestAddress }
  | {
      readonly kind: "fault";
      readonly vector: number;
      readonly errorCode: number;
      readonly rip: GuestAddress;
      readonly unsupported?: string;
    };

export interface IrBlock {
  readonly address: GuestAddress;
  readonly instructions: readonly GuestInstruction[];
  readonly code: readonly IrInstruction[];
  readonly exit: IrExit;
}

/**
 * Where the lifter gets bytes from: the page that holds the block's address, and on demand the one behind it.
 * `next` returns undefined when that page may not be executed.
 */
export interface CodeSource {
  /** The 4096 bytes of the page that holds the block's address. */
  readonly page: Uint8Array;
  next(): Uint8Array | undefined;
}

/** The first instruction reaches into a page that may not be executed; `address` is that page's start. */
export interface FetchFault {
  readonly kind: "fetch-fault";
  readonly address: GuestAddress;
}

/**
 * x86 bytes to IR. A block ends at a control transfer, after `maxInstructions`, or before an instruction that
 * crosses the page's end; such an instruction is lifted alone.
 */
export type Lift = (
  address: GuestAddress,
  source: CodeSource,
  maxInstructions: number,
) => IrBlock | FetchFault;

const NO_NUMBERS: readonly number[] = [];

/** Makes an `IrBlock`: `begin` once per guest instruction, `add` per operation, `finish` with the exit. */
export class BlockBuilder {
  readonly #address: GuestAddress;
  readonly #instructions: GuestInstruction[] = [];
  readonly #code: IrInstruction[] = [];

  constructor(address: GuestAddress) {
    this.#address = address;
  }

  /** Number of guest instructions begun. */
  get count(): number {
    return this.#instructions.length;
  }

  begin(address: GuestAddress, length: number): void {
    this.#instructions.push({ address, length, start: this.#code.length });
  }

  add<K extends OpName>(op: K, ...operands: OperandsOf<K>): ResultValue<K> {
    const immediates = rowOf(op).imm?.length ?? 0;
    const numbers = operands as readonly number[];
    const index = this.#code.length;
    // Most operations have only the one or only the other; then the operands themselves serve.
    if (immediates === 0) this.#code.push({ op, imm: NO_NUMBERS, args: numbers });
    else if (immediates === numbers.length) this.#code.push({ op, imm: numbers, args: NO_NUMBERS });
    else this.#code.push({ op, imm: numbers.slice(0, immediates), args: numbers.slice(immediates) });
    return index as unknown as ResultValue<K>;
  }

  finish(exit: IrExit): IrBlock {
    return { address: this.#address, instructions: this.#instructions, code: this.#code, exit };
  }
}
