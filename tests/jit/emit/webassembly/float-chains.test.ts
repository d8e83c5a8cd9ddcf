/**
 * Random chains of SSE operations in one block, each an instruction of its own, against the evaluator: what an
 * operation found out about its operands is used by those behind it, until a call operation or a write of MXCSR.
 */

import { expect, test } from "vitest";
import type { IrBlock, IrInstruction } from "../../../../src/jit/ir/block.ts";
import { type IrType, type OpName, rowOf } from "../../../../src/jit/ir/ops.ts";
import { printBlock } from "../../../../src/jit/ir/print.ts";
import { MXCSR } from "../../../../src/jit/ir/state.ts";
import { verify } from "../../../../src/jit/ir/verify.ts";
import { READERS, RESULTS } from "../../../../src/jit/emit/webassembly/float-ops.ts";
import { address } from "../../../../src/mmu/address.ts";
import { STATE_BYTES } from "../../../../src/mmu/layout.ts";
import { floatBytes } from "../../../support/float-values.ts";
import { createGuest, differences, traceEvaluated } from "../bench-machine.ts";
import { Operands } from "../operands.ts";
import { WasmBench } from "./wasm-bench.ts";

const bench = new WasmBench();
const reference = createGuest();
const CHAINS = 700;
const SLOTS = Array.from({ length: 8 }, (_, k) => 128 + 16 * k);
const SHOWN = 320;
const CODE = 0x401000;
/** In the fast mode, not yet, and with other modes. */
const MODES = [0x1fa0, 0x1fa0, 0x1fa0, 0x1fbf, 0x1f80, 0x9fe0, 0x3fa0, 0x1f20, 0x0020] as const;

const FLOATS: readonly OpName[] = [
  ...RESULTS.double,
  ...RESULTS.single,
  ...READERS.double,
  ...READERS.single,
];
const MOVES = [
  "insert.v64", "insert.v32", "extract.v64", "extract.v32", "unpacklow.v64", "unpackhigh.v64", "shuffle2.v64",
  "shuffle.v32", "shuffle2.v32", "unpacklow.v32", "and.v128", "xor.v128",
] as const satisfies readonly OpName[]; // prettier-ignore

/** Values of one type made so far. */
type Pool = { readonly [T in IrType]: number[] };

class Chain {
  readonly #code: IrInstruction[] = [];
  readonly #starts: number[] = [];
  readonly #pool: Pool = { i1: [], i32: [], i64: [], v128: [], flags: [] };
  readonly #operands: Operands;
  #shown = SHOWN;

  constructor(operands: Operands) {
    this.#operands = operands;
    this.#begin();
    for (const slot of SLOTS) this.#pool.v128.push(this.#add("get.v128", [slot], []));
    for (const lane of [0, 1]) this.#apply("extract.v64", [lane]);
    for (const lane of [0, 3]) this.#apply("extract.v32", [lane]);
    this.#pool.i64.push(this.#add("const.i64", [0, 0x3ff80000], []));
    this.#pool.i32.push(this.#add("const.i32", [0x40490fdb], []));
    const length = 1 + operands.below(16);
    for (let k = 0; k < length; k++) this.#step();
  }

  block(): IrBlock {
    const instructions = this.#starts.map((start, k) => ({ address: address(CODE + k), length: 1, start }));
    const target = address(CODE + instructions.length);
    const exit = { kind: "jump", target, transfer: "fallthrough" } as const;
    return { address: address(CODE), instructions, code: this.#code, exit };
  }

  #begin(): void {
    this.#starts.push(this.#code.length);
  }

  #add(op: OpName, imm: readonly number[], args: readonly number[]): number {
    return this.#code.push({ op, imm, args }) - 1;
  }

  /** An instruction: moves, then one operation, then what it changes. */
  #step(): void {
    const operands = this.#operands;
    this.#begin();
    if (operands.below(25) === 0) {
      const mode = this.#add("const.i32", [operands.pick(MODES)], []);
      this.#add("poke.i32", [MXCSR], [mode]);
      return;
    }
    for (let moves = operands.below(3); moves > 0; moves--) this.#apply(operands.pick(MOVES));
    const made = this.#apply(operands.pick(FLOATS));
    const { result } = rowOf((this.#code[made] as IrInstruction).op);
    if (result === "v128") this.#add("set.v128", [operands.pick(SLOTS)], [made]);
    else if (operands.coin()) this.#scalarToSlot(made, result === "i64" ? "insert.v64" : "insert.v32");
    else this.#show(made, result === "i64" ? "set.i64" : "set.i32");
  }

  #scalarToSlot(made: number, op: "insert.v64" | "insert.v32"): void {
    const slot = this.#operands.pick(SLOTS);
    this.#add("set.v128", [slot], [this.#add(op, [0], [this.#operands.pick(this.#pool.v128), made])]);
  }

  #show(made: number, op: "set.i64" | "set.i32"): void {
    this.#add(op, [this.#shown], [made]);
    this.#shown += 16;
  }

  #apply(op: OpName, imm?: readonly number[]): number {
    const { args, result = "i32", imm: kinds = [] } = rowOf(op);
    // The newest values most often, so that chains grow long.
    const chosen = args.map((type) => {
      const all = this.#pool[type];
      return this.#operands.pick(this.#operands.coin() ? all.slice(-2) : all);
    });
    const immediates =
      imm ??
      kinds.map(() =>
        op.startsWith("fcmp.") ? this.#operands.below(8) : this.#operands.immediate(op, "lane"),
      );
    const made = this.#add(
      op,
      op.startsWith("convert") || op.startsWith("fcompare") ? immediates.map((k) => k & 1) : immediates,
      chosen,
    );
    this.#pool[result].push(made);
    return made;
  }
}

/** Registers with moderate numbers, zeros, and everything else there is, one kind most of the time. */
function stateFor(operands: Operands): Uint8Array {
  const state = new Uint8Array(STATE_BYTES);
  const view = new DataView(state.buffer);
  const next = (): number => operands.next() >>> 0;
  const wild = operands.below(3) === 0 ? 3 : 40;
  const doubles = operands.coin();
  for (const slot of SLOTS) {
    for (let at = slot; at < slot + 16; at += doubles ? 8 : 4) {
      const kind = operands.below(wild);
      const number = (operands.below(4001) - 2000) / (kind === 2 ? 1 : 7);
      if (kind === 0) state.set(floatBytes(next, 8).subarray(0, doubles ? 8 : 4), at);
      else if (kind === 1) continue;
      else if (doubles) view.setFloat64(at, number, true);
      else view.setFloat32(at, number, true);
    }
  }
  view.setInt32(MXCSR, operands.pick(MODES), true);
  return state;
}

test.each([
  ["state in locals", false],
  ["state in place", true],
])("%s", (_title, inPlace) => {
  const outcomes = new Map<string, number>();
  for (let seed = 0; seed < CHAINS; seed++) {
    const operands = new Operands(seed);
    const block = new Chain(operands).block();
    expect(verify(block)).toEqual([]);
    const state = stateFor(operands);
    const trace = bench.trace({ blocks: [block], entries: [0], returns: false }, state, inPlace);
    const expected = traceEvaluated(reference, block, state);
    expect(differences(trace, expected), `${seed}\n${printBlock(block)}`).toEqual([]);
    outcomes.set(trace.outcome, (outcomes.get(trace.outcome) ?? 0) + 1);
  }
  // Most chains come to their end, some raise #XM on the way.
  expect(outcomes.get("follow")).toBeGreaterThan(CHAINS / 2);
  expect(outcomes.get("fault 19 0")).toBeGreaterThan(CHAINS / 50);
});
