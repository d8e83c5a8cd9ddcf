/**
 * Where guest state is while a function runs.
 *
 *   in place   every read and write goes to the state block: short code for blocks that may never run again, and
 *              nothing to write back when an instruction faults
 *   locals     each variable the function touches is read once and kept in a local until the function is left, or
 *              calls; `state-flow.ts` says what has to be read and written back where
 *
 * Slots of different sizes overlap: the widest access to a place in the function makes the variable, narrower ones
 * take a part of it. Slots are aligned to their size, so they nest.
 */

import { STATE_BYTE } from "../../../mmu/layout.ts";
import type { IrBlock } from "../../ir/block.ts";
import type { OpName } from "../../ir/ops.ts";
import { FLAGS_A, FLAGS_B, FLAGS_CODE } from "../../ir/state.ts";
import type { Body } from "./body.ts";
import { OP, TYPE_I32, TYPE_I64, TYPE_V128, VECTOR, type WasmType } from "./bytes.ts";

/** Bytes of a slot. */
export type SlotBytes = 4 | 8 | 16;

const GETS: Partial<Record<OpName, SlotBytes>> = { "get.i32": 4, "get.i64": 8, "get.v128": 16 };
const SETS: Partial<Record<OpName, SlotBytes>> = { "set.i32": 4, "set.i64": 8, "set.v128": 16 };
const FLAG_SLOTS: readonly (readonly [number, SlotBytes])[] = [
  [FLAGS_CODE, 4],
  [FLAGS_A, 8],
  [FLAGS_B, 8],
];

/** A set of state places, coarse: two slots with a common bit may overlap, slots without never do. */
export const dependencyOf = (offset: number, bytes: SlotBytes): number => {
  const bit = 1 << ((offset >> 3) & 31);
  return bytes === 16 ? bit | (1 << (((offset >> 3) + 1) & 31)) : bit;
};

export const FLAGS_DEPENDENCY = FLAG_SLOTS.reduce(
  (all, [offset, bytes]) => all | dependencyOf(offset, bytes),
  0,
);

export interface StatePlaces {
  /** State that the operation reads. */
  dependency(op: OpName, imm: readonly number[]): number;
  /** Whether a read of this state is a read of a whole local. */
  isLocal(op: OpName, imm: readonly number[]): boolean;
  /** Pushes a slot. */
  get(body: Body, offset: number, bytes: SlotBytes): void;
  /** Assigns a slot what `value` pushes; it also settles the readers that wait. */
  set(body: Body, offset: number, bytes: SlotBytes, value: () => void): void;
  /** Assigns all of a flags value, every part of which may depend on the old one. */
  setFlags(body: Body, flags: number): void;
}

const PARTS = ["code", "a", "b"] as const;

function dependency(op: OpName, imm: readonly number[]): number {
  const bytes = GETS[op];
  if (bytes !== undefined) return dependencyOf(imm[0] ?? 0, bytes);
  return op === "get.flags" ? FLAGS_DEPENDENCY : 0;
}

export const IN_PLACE: StatePlaces = {
  dependency,
  isLocal: () => false,
  get(body, offset, bytes) {
    body.const32(0);
    loadState(body, offset, bytes);
  },
  set(body, offset, bytes, value) {
    body.const32(0);
    value();
    storeState(body, offset, bytes);
  },
  setFlags(body, flags) {
    for (const part of PARTS) {
      body.const32(0);
      body.flagPart(flags, part);
    }
    body.settle(FLAGS_DEPENDENCY);
    for (const [offset, bytes] of FLAG_SLOTS.toReversed()) storeState(body, offset, bytes);
  },
};

function loadState(body: Body, offset: number, bytes: SlotBytes): void {
  if (bytes === 16) body.vectorMemory(VECTOR.load, STATE_BYTE + offset);
  else body.memory(bytes === 4 ? OP.i32Load : OP.i64Load, STATE_BYTE + offset);
}

function storeState(body: Body, offset: number, bytes: SlotBytes): void {
  if (bytes === 16) body.vectorMemory(VECTOR.store, STATE_BYTE + offset);
  else body.memory(bytes === 4 ? OP.i32Store : OP.i64Store, STATE_BYTE + offset);
}

interface Variable {
  readonly offset: number;
  readonly bytes: SlotBytes;
  readonly local: number;
  /** Its bit in sets of variables. */
  readonly bit: bigint;
}

/** A set of variables, one bit each. */
export type VariableSet = bigint;
export const NO_VARIABLES: VariableSet = 0n;

/** What the operations of a block do to the variables. */
export interface BlockAccesses {
  /** Read, in whole or in part, before the block assigns all of it; assigning a part reads the rest. */
  readonly exposed: VariableSet;
  /** Assigned, in whole or in part. */
  readonly assigned: VariableSet;
}

const TYPES: { readonly [B in SlotBytes]: WasmType } = { 4: TYPE_I32, 8: TYPE_I64, 16: TYPE_V128 };

export class LocalPlaces implements StatePlaces {
  readonly dependency = dependency;
  readonly #variables: readonly Variable[];
  readonly #byOffset = new Map<number, Variable>();
  /** Where the emission is: what may differ from the state block, and what locals hold. */
  dirty: VariableSet = NO_VARIABLES;
  held: VariableSet = NO_VARIABLES;

  /** The variables that the blocks touch get the locals from `firstLocal` on. */
  constructor(blocks: readonly IrBlock[], firstLocal: number) {
    this.#variables = variablesOf(blocks, firstLocal);
    for (const variable of this.#variables) {
      for (let at = 0; at < variable.bytes; at += 4) this.#byOffset.set(variable.offset + at, variable);
    }
  }

  /** Types of the locals, in their order. */
  get types(): WasmType[] {
    return this.#variables.map(({ bytes }) => TYPES[bytes]);
  }

  isLocal(op: OpName, imm: readonly number[]): boolean {
    const bytes = GETS[op];
    return bytes !== undefined && this.#find(imm[0] ?? 0).bytes === bytes;
  }

  /** All variables. */
  get all(): VariableSet {
    return this.#variables.reduce((set, { bit }) => set | bit, NO_VARIABLES);
  }

  accessesOf({ code }: IrBlock): BlockAccesses {
    let exposed = NO_VARIABLES;
    let assigned = NO_VARIABLES;
    const read = (variable: Variable): void => {
      if ((assigned & variable.bit) === NO_VARIABLES) exposed |= variable.bit;
    };
    for (const { op, imm } of code) {
      const got = GETS[op];
      const set = SETS[op];
      if (got !== undefined) read(this.#find(imm[0] ?? 0));
      if (set !== undefined) {
        const variable = this.#find(imm[0] ?? 0);
        if (variable.bytes !== set) read(variable);
        assigned |= variable.bit;
      }
      for (const [offset] of op === "get.flags" || op === "set.flags" ? FLAG_SLOTS : []) {
        const variable = this.#find(offset);
        if (op === "get.flags") read(variable);
        else assigned |= variable.bit;
      }
    }
    return { exposed, assigned };
  }

  /** Reads variables from the state block. */
  load(body: Body, which: VariableSet): void {
    for (const { offset, bytes, local, bit } of this.#variables) {
      if ((which & bit) === NO_VARIABLES) continue;
      body.const32(0);
      loadState(body, offset, bytes);
      body.localSet(local);
    }
  }

  /** Writes variables back. */
  spill(body: Body, which: VariableSet): void {
    for (const { offset, bytes, local, bit } of this.#variables) {
      if ((which & bit) === NO_VARIABLES) continue;
      body.const32(0);
      body.localGet(local);
      storeState(body, offset, bytes);
    }
  }

  get(body: Body, offset: number, bytes: SlotBytes): void {
    const variable = this.#find(offset);
    body.localGet(variable.local);
    const at = offset - variable.offset;
    if (variable.bytes === bytes) return;
    if (variable.bytes === 16) {
      body.vectorLane(bytes === 4 ? VECTOR.i32Extract : VECTOR.i64Extract, at / bytes);
      return;
    }
    if (at !== 0) {
      body.const64(32, 0);
      body.op(OP.i64ShrU);
    }
    body.op(OP.i32WrapI64);
  }

  set(body: Body, offset: number, bytes: SlotBytes, value: () => void): void {
    const variable = this.#find(offset);
    const at = offset - variable.offset;
    if (variable.bytes === bytes) value();
    else if (variable.bytes === 16) {
      body.localGet(variable.local);
      value();
      body.vectorLane(bytes === 4 ? VECTOR.i32Replace : VECTOR.i64Replace, at / bytes);
    } else this.#setHalf(body, variable.local, at !== 0, value);
    this.#assign(body, variable);
  }

  setFlags(body: Body, flags: number): void {
    for (const part of PARTS) body.flagPart(flags, part);
    body.settle(FLAGS_DEPENDENCY);
    for (const [offset] of FLAG_SLOTS.toReversed()) this.#assign(body, this.#find(offset));
  }

  #assign(body: Body, { local, bit }: Variable): void {
    body.localSet(local);
    this.dirty |= bit;
    this.held |= bit;
  }

  #setHalf(body: Body, local: number, high: boolean, value: () => void): void {
    body.localGet(local);
    if (high) body.const64(-1, 0);
    else body.const64(0, -1);
    body.op(OP.i64And);
    value();
    body.op(OP.i64ExtendI32U);
    if (high) {
      body.const64(32, 0);
      body.op(OP.i64Shl);
    }
    body.op(OP.i64Or);
  }

  #find(offset: number): Variable {
    const variable = this.#byOffset.get(offset);
    if (variable === undefined) throw new RangeError(`no variable at state offset ${offset}`);
    return variable;
  }
}

function variablesOf(blocks: readonly IrBlock[], firstLocal: number): Variable[] {
  const sizes = new Map<number, SlotBytes>();
  const touch = (offset: number, bytes: SlotBytes): void => {
    if ((sizes.get(offset) ?? 0) < bytes) sizes.set(offset, bytes);
  };
  for (const { code } of blocks) {
    for (const { op, imm } of code) {
      const bytes = GETS[op] ?? SETS[op];
      if (bytes !== undefined) touch(imm[0] ?? 0, bytes);
      else if (op === "get.flags" || op === "set.flags") {
        for (const [offset, size] of FLAG_SLOTS) touch(offset, size);
      }
    }
  }
  const variables: Variable[] = [];
  let end = 0;
  for (const [offset, bytes] of [...sizes].sort(([a], [b]) => a - b)) {
    if (offset < end) continue;
    end = offset + bytes;
    const index = variables.length;
    variables.push({ offset, bytes, local: firstLocal + index, bit: 1n << BigInt(index) });
  }
  return variables;
}
