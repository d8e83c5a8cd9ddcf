/**
 * The blocks of a region as text, each emitted with what is known of the state words on every way into it: above
 * all upper halves that are zero, because most x86-64 code is 32-bit work and its upper halves then cost nothing.
 *
 * What is known is found by emitting: a block's text is made under an assumption, what it leaves behind meets the
 * assumptions of its successors, and those that turn out too bold are emitted again. No second statement of what
 * an operation does to a half.
 */

import type { GuestAddress } from "../../../mmu/address.ts";
import { fromHalves } from "../../../mmu/address.ts";
import type { IrBlock } from "../../ir/block.ts";
import { blockIndices, type Region } from "../../ir/region.ts";
import { Body, type BodyOptions } from "./body.ts";
import { type Code, CodeText, js } from "./code.ts";
import * as i64 from "./int64.ts";
import { NAMES } from "./helper-names.ts";
import { part } from "./parts.ts";
import { BUDGET_WORD } from "./places.ts";

/** Values of state words by offset; what is not listed is not known. */
type Known = ReadonlyMap<number, Code>;

/** A way from a block to another one of the region. */
export interface Edge {
  readonly to: number;
  /** Words assigned in the block before it is taken. */
  readonly assigned: number;
  /** The block behind a guest call: nothing is in locals there. */
  readonly afterCall: boolean;
}

export interface BlockText {
  readonly out: CodeText;
  /** Words read before the block assigns them. */
  readonly exposed: ReadonlySet<number>;
  /** In the order of the first assignment. */
  readonly assigned: readonly number[];
  /** Where a helper may throw: number of the instruction, and words assigned before. */
  readonly throws: readonly { readonly site: number; readonly assigned: number }[];
  readonly edges: readonly Edge[];
  /** Operands of the exit: the condition of a branch, the halves of a computed target. */
  readonly operands: readonly Code[];
  /** An `exit.if` leaves the region. */
  readonly leavesInside: boolean;
}

/** What the emission of a block needs from the function around it. */
export interface RegionFrame {
  readonly region: Region;
  readonly options: BodyOptions;
  /** Blocks in the order of the text. */
  readonly order: readonly number[];
  /** Number of the block's first instruction. */
  firstSite(block: number): number;
  /** Statement that goes on at another block. */
  jump(from: number, to: number): Code;
  /** Statement that leaves to an address outside, by a throw. */
  leave(target: GuestAddress, site: number): Code;
}

/** Emits all blocks that are in the order. */
export function emitBlocks(frame: RegionFrame): ReadonlyMap<number, BlockText> {
  const { region, order } = frame;
  const texts = new Map<number, BlockText>();
  const known = new Map<number, Known>(region.entries.map((entry) => [entry, NOTHING_KNOWN]));
  const place = new Map(order.map((block, k) => [block, k]));
  const stale = new Set(region.entries);
  while (stale.size > 0) {
    // Earlier blocks first: most of what is known comes from them.
    const block = [...stale].reduce((a, b) => ((place.get(a) ?? 0) <= (place.get(b) ?? 0) ? a : b));
    stale.delete(block);
    const emission = new BlockEmission(frame, block, known.get(block) ?? NOTHING_KNOWN);
    texts.set(block, emission.emit());
    for (const { to, known: out } of emission.ways) {
      const met = meet(known.get(to), out);
      if (met === known.get(to)) continue;
      known.set(to, met);
      stale.add(to);
    }
  }
  return texts;
}

const NOTHING_KNOWN: Known = new Map();

/** What holds on both ways; `a` itself when that is all of it. */
function meet(a: Known | undefined, b: Known): Known {
  if (a === undefined) return b;
  let common = 0;
  for (const [offset, code] of a) if (b.get(offset)?.constant === code.constant) common++;
  if (common === a.size) return a;
  return new Map([...a].filter(([offset, code]) => b.get(offset)?.constant === code.constant));
}

class BlockEmission {
  readonly ways: { readonly to: number; readonly known: Known }[] = [];
  readonly #frame: RegionFrame;
  readonly #index: number;
  readonly #block: IrBlock;
  readonly #body: Body;
  readonly #edges: Edge[] = [];
  readonly #indices: ReadonlyMap<number, number>;
  #leavesInside = false;

  constructor(frame: RegionFrame, index: number, known: Known) {
    this.#frame = frame;
    this.#index = index;
    this.#block = frame.region.blocks[index] as IrBlock;
    this.#indices = blockIndices(frame.region.blocks);
    this.#body = new Body(this.#block.code, this.#block.exit, frame.options);
    for (const [offset, code] of known) this.#body.known.set(offset, code);
    this.#body.leaveIf = (condition, lo, hi) => this.#leaveIf(condition, lo, hi);
    this.#body.beforeClock = () => this.#body.line(STORE_BUDGET);
    this.#body.afterClock = () => this.#body.line(LOAD_BUDGET);
  }

  emit(): BlockText {
    const body = this.#body;
    const { instructions, code } = this.#block;
    const first = this.#frame.firstSite(this.#index);
    for (let k = 0; k < instructions.length; k++) {
      body.site = first + k;
      body.completed = k;
      const end = instructions[k + 1]?.start ?? code.length;
      for (let i = instructions[k]?.start ?? end; i < end; i++) body.emit(i);
    }
    const operands = this.#operands();
    this.#exits();
    return {
      out: body.out,
      exposed: body.loaded,
      assigned: [...body.assigned],
      throws: body.throws,
      edges: this.#edges,
      operands,
      leavesInside: this.#leavesInside,
    };
  }

  #operands(): readonly Code[] {
    const { exit } = this.#block;
    if (exit.kind === "branch") return [part(this.#body.take(exit.condition), 0)];
    if (exit.kind !== "indirect") return [];
    const target = this.#body.take(exit.target);
    return [this.#body.atom(i64.lo(target)), this.#body.atom(i64.hi(target))];
  }

  #exits(): void {
    const { exit } = this.#block;
    if (exit.kind === "branch") {
      this.#way(exit.taken, false);
      this.#way(exit.notTaken, false);
    } else if (exit.kind === "jump" && exit.transfer !== "call" && exit.transfer !== "return") {
      this.#way(exit.target, false);
    } else if ("returnTo" in exit && this.#frame.region.returns) {
      this.#way(exit.returnTo, true);
    }
  }

  #way(target: GuestAddress, afterCall: boolean): void {
    const to = this.#indices.get(target);
    if (to === undefined) return;
    const { assigned, known } = this.#body;
    this.#edges.push({ to, assigned: assigned.size, afterCall });
    this.ways.push({ to, known: afterCall ? NOTHING_KNOWN : new Map(known) });
  }

  /** `exit.if`: the current instruction is complete, and control goes forward. */
  #leaveIf(condition: Code, lo: number, hi: number): void {
    if (condition.constant === 0) return;
    const body = this.#body;
    const target = fromHalves(lo, hi);
    const to = this.#indices.get(target);
    body.line(js`if (${condition}) {`);
    body.line(spend(body.completed + 1));
    if (to === undefined) {
      this.#leavesInside = true;
      body.throws.push({ site: body.site, assigned: body.assigned.size });
      body.line(this.#frame.leave(target, body.site));
    } else {
      this.#way(target, false);
      body.line(this.#frame.jump(this.#index, to));
    }
    body.line(js`}`);
  }
}

const { I, n } = NAMES;
export const STORE_BUDGET = js`${I}[${BUDGET_WORD}] = ${n};`;
export const LOAD_BUDGET = js`${n} = ${I}[${BUDGET_WORD}];`;
/** Takes completed instructions from the budget. */
export const spend = (instructions: number): Code => js`${n} = ${n} - ${instructions} | 0;`;
