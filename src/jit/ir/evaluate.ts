/**
 * The reference: runs a block operation by operation, each as its meaning says. Emitters and passes are compared
 * with it. Written to be obviously right, not fast.
 *
 * A fault leaves the state as it was before the guest instruction, because the verifier lets state writes stand
 * only behind an instruction's last memory operation.
 */

import { InvariantError } from "../../invariant.ts";
import type { IrBlock, IrExit, IrInstruction, Transfer } from "./block.ts";
import { flagBitsCode, flagReaderCode, type FlagCode } from "./flag-lowering.ts";
import { type Condition, FLAG_KINDS, type FlagWidth, KIND_MASK, WIDTH_SHIFT } from "./flags.ts";
import { CALL_MEANINGS } from "./meaning-calls.ts";
import { FLAGS_MEANINGS } from "./meaning-flags.ts";
import { INTEGER_MEANINGS } from "./meaning-integer.ts";
import { STATE_MEANINGS } from "./meaning-state.ts";
import { VECTOR_MEANINGS } from "./meaning-vector.ts";
import {
  type FlagForm,
  type FlagsValue,
  type Machine,
  type Meanings,
  type MemoryFault,
  type Run,
  Stop,
  unsigned,
} from "./meaning.ts";
import { FLAGS_A, FLAGS_B, FLAGS_CODE } from "./state.ts";

export const MEANINGS: Meanings = {
  ...STATE_MEANINGS,
  ...INTEGER_MEANINGS,
  ...FLAGS_MEANINGS,
  ...VECTOR_MEANINGS,
  ...CALL_MEANINGS,
};

/**
 * How a block was left. `rip` is where execution goes on, or what the processor reports for a fault.
 * `instructionsCompleted` counts guest instructions of this run through the block.
 */
export type EvaluatedExit = { readonly rip: bigint; readonly instructionsCompleted: number } & (
  | { readonly kind: "jump" | "indirect"; readonly transfer: Transfer }
  | { readonly kind: "branch"; readonly taken: boolean }
  | { readonly kind: "exit.if" }
  | { readonly kind: "syscall" }
  | { readonly kind: "fault"; readonly fault: MemoryFault; readonly unsupported?: string }
);

type AnyValue = bigint | FlagsValue | undefined;
type AnyMeaning = (...operands: unknown[]) => AnyValue | Stop;

const meaningOf = (instruction: IrInstruction): AnyMeaning =>
  MEANINGS[instruction.op] as unknown as AnyMeaning;

const applyMeaning = (instruction: IrInstruction, values: readonly AnyValue[], run: Run): AnyValue | Stop =>
  meaningOf(instruction)(...instruction.imm, ...instruction.args.map((arg) => values[arg]), run);

function formOf(flags: FlagsValue): FlagForm {
  const kind = FLAG_KINDS[flags.code & KIND_MASK];
  if (kind === undefined) throw new InvariantError([`JIT-4 no flag kind ${flags.code & KIND_MASK}`]);
  return { kind, width: (8 << ((flags.code >> WIDTH_SHIFT) & 3)) as FlagWidth };
}

/** Runs a flag reader; its `get` operations, the only ones that read state, see the words of `flags`. */
function runFlagCode({ code, result }: FlagCode, flags: FlagsValue, run: Run): bigint {
  const words = new Map([
    [FLAGS_CODE, BigInt(flags.code)],
    [FLAGS_A, flags.a],
    [FLAGS_B, flags.b],
  ]);
  const values: AnyValue[] = [];
  for (const instruction of code) {
    const word = instruction.op.startsWith("get.") ? words.get(instruction.imm[0] ?? -1) : undefined;
    const bits = instruction.op === "get.i64" ? 64 : 32;
    values.push(
      word === undefined ? (applyMeaning(instruction, values, run) as AnyValue) : unsigned(bits, word),
    );
  }
  return values[result] as bigint;
}

class BlockRun implements Run {
  readonly machine: Machine;
  guestIndex = 0;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  condition(flags: FlagsValue, condition: Condition): bigint {
    const { kind, width } = formOf(flags);
    return runFlagCode(flagReaderCode(kind, width, condition), flags, this);
  }

  flagBits(flags: FlagsValue): bigint {
    const { kind, width } = formOf(flags);
    return runFlagCode(flagBitsCode(kind, width), flags, this);
  }
}

function exitOf(exit: IrExit, block: IrBlock, values: readonly AnyValue[]): EvaluatedExit {
  const count = block.instructions.length;
  switch (exit.kind) {
    case "jump":
      return {
        kind: "jump",
        transfer: exit.transfer,
        rip: BigInt(exit.target),
        instructionsCompleted: count,
      };
    case "branch": {
      const taken = values[exit.condition] === 1n;
      const rip = BigInt(taken ? exit.taken : exit.notTaken);
      return { kind: "branch", taken, rip, instructionsCompleted: count };
    }
    case "indirect": {
      const rip = values[exit.target] as bigint;
      return { kind: "indirect", transfer: exit.transfer, rip, instructionsCompleted: count };
    }
    case "syscall":
      return { kind: "syscall", rip: BigInt(exit.next), instructionsCompleted: count };
    case "fault": {
      const fault = { vector: exit.vector, errorCode: exit.errorCode };
      // A fault reports the instruction itself, which then has not completed; a trap reports the next one.
      const completed = block.instructions.at(-1)?.address === exit.rip ? count - 1 : count;
      const base = { kind: "fault", fault, rip: BigInt(exit.rip), instructionsCompleted: completed } as const;
      return exit.unsupported === undefined ? base : { ...base, unsupported: exit.unsupported };
    }
  }
}

function stoppedExit({ cause }: Stop, block: IrBlock, guestIndex: number): EvaluatedExit {
  if (cause.kind === "exit.if") {
    return { kind: "exit.if", rip: cause.rip, instructionsCompleted: guestIndex + 1 };
  }
  const rip = BigInt(block.instructions[guestIndex]?.address ?? block.address);
  return { kind: "fault", fault: cause.fault, rip, instructionsCompleted: guestIndex };
}

/** Runs a well-formed block once. The machine is changed; nothing else is. */
export function evaluate(block: IrBlock, machine: Machine): EvaluatedExit {
  const run = new BlockRun(machine);
  const values: AnyValue[] = [];
  for (const [index, instruction] of block.code.entries()) {
    while ((block.instructions[run.guestIndex + 1]?.start ?? Infinity) <= index) run.guestIndex++;
    const value = applyMeaning(instruction, values, run);
    if (value instanceof Stop) return stoppedExit(value, block, run.guestIndex);
    values.push(value);
  }
  return exitOf(block.exit, block, values);
}
