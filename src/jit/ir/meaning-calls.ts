/**
 * Meaning of the call operations: their one implementation, on words instead of big integers. The pinned state is
 * copied into a block of its own for the call and back afterwards.
 */

import { type CallEntry, CALL_LIST } from "./calls/index.ts";
import { type CallMachine, TYPE_WORDS } from "./calls/call.ts";
import { type Machine, type Meanings, type Run, Stop, unsigned } from "./meaning.ts";
import { type CallOpName, type IrType, rowOf } from "./ops.ts";
import { PINNED_END, PINNED_START } from "./state.ts";

/** Thrown by `raise`, caught around the call: a fault of the guest, not an error. */
class Raised {
  readonly vector: number;
  constructor(vector: number) {
    this.vector = vector;
  }
}

const results = new Int32Array(4);
const state = new DataView(new ArrayBuffer(PINNED_END));
const CALL_MACHINE: CallMachine = {
  results,
  state,
  raise: (vector) => {
    throw new Raised(vector);
  },
};

function fetchPinned(machine: Machine): void {
  for (let at = PINNED_START; at < PINNED_END; at += 8) {
    state.setBigUint64(at, machine.getState(at, 8), true);
  }
}

function returnPinned(machine: Machine): void {
  for (let at = PINNED_START; at < PINNED_END; at += 8) {
    machine.setState(at, 8, state.getBigUint64(at, true));
  }
}

const int32At = (value: bigint, word: number): number =>
  Number(BigInt.asIntN(32, value >> BigInt(32 * word)));

function wordsOf(imm: readonly number[], args: readonly bigint[], types: readonly IrType[]): number[] {
  const words = [...imm];
  args.forEach((value, i) => {
    const count = TYPE_WORDS[types[i] ?? "flags"];
    for (let k = 0; k < count; k++) words.push(int32At(value, k));
  });
  return words;
}

function resultOf(first: number, type: IrType): bigint {
  if (type === "i1") return BigInt(first & 1);
  let value = unsigned(32, BigInt(first));
  for (let k = 1; k < TYPE_WORDS[type]; k++) {
    value |= unsigned(32, BigInt(results[k] ?? 0)) << BigInt(32 * k);
  }
  return value;
}

/** Immediates and arguments, and the run as the last operand. */
type CallMeaning = (...operands: readonly unknown[]) => bigint | Stop | undefined;

function meaningOf({ op, call, raises }: CallEntry): CallMeaning {
  const row = rowOf(op);
  const immediates = row.imm?.length ?? 0;
  return (...operands) => {
    const { machine } = operands.at(-1) as Run;
    const imm = operands.slice(0, immediates) as number[];
    const words = wordsOf(imm, operands.slice(immediates, -1) as bigint[], row.args);
    if (raises) fetchPinned(machine);
    try {
      const first = call(CALL_MACHINE, ...words);
      return row.result === undefined ? undefined : resultOf(first, row.result);
    } catch (cause) {
      if (!(cause instanceof Raised)) throw cause;
      return new Stop({ kind: "fault", fault: { vector: cause.vector, errorCode: 0 } });
    } finally {
      if (raises) returnPinned(machine);
    }
  };
}

export const CALL_MEANINGS = Object.fromEntries(
  CALL_LIST.map((entry) => [entry.op, meaningOf(entry)]),
) as unknown as Pick<Meanings, CallOpName>;
