/**
 * A region becomes one function without parameters:
 *
 *     function region_401000() {
 *       let r128 = I[1056], r132 = 0, n = I[1032], e = 0;    words that are read, and the budget
 *       const T = I[1033];
 *       try {
 *         l2: {
 *           h1: for (;;) { ... if (n <= 0) stopAt(...); continue h1; ... break l2; }
 *         }
 *         I[1056] = r128; I[1032] = n;                       a way out: what may have been assigned goes back
 *         return n > 0 ? c0 : stopBudget(...);
 *       } catch (x) {
 *         ...                                                region-words.ts
 *         return null;
 *       }
 *     }
 *
 * Order of blocks and jumps between them are those of `structure.ts`. Jumps backwards stop the function by a throw
 * when the budget is used up, as accesses do that are refused: one catch clause writes back for all of them, and
 * what happens rarely costs little text.
 *
 * A guest call writes back, calls what stands for the target, and goes on when the guest is behind the call. See
 * `javascript-tier.ts`.
 */

import { type GuestAddress, highHalf, lowHalf } from "../../../mmu/address.ts";
import type { IrBlock, IrExit } from "../../ir/block.ts";
import { blockIndices, isBackward, type Region, successorsIn } from "../../ir/region.ts";
import type { JitOptions } from "../../options.ts";
import type { Cell } from "../../unit.ts";
import { type Item, leader, type Structure, structureOf } from "../structure.ts";
import { type SharedBody } from "./body.ts";
import { type Code, CodeText, int, js, labelName, loopName, stateName, ZERO } from "./code.ts";
import { type HelperName, helperCode, NAMES } from "./helper-names.ts";
import { BUDGET_WORD, DEPTH_WORD, RIP_WORD, TABLE_WORD_WORD, wordOf } from "./places.ts";
import {
  type BlockText,
  emitBlocks,
  LOAD_BUDGET,
  type RegionFrame,
  spend,
  STORE_BUDGET,
} from "./region-blocks.ts";
import { type RegionWords, regionWords } from "./region-words.ts";

const { I, T, U, e, n, x, k, d, q, s } = NAMES;

export interface RegionInput {
  readonly region: Region;
  readonly options: JitOptions;
  readonly functionName: Code;
  readonly helpers: Set<HelperName>;
  /** The name of a cell constant. */
  cell(cell: Cell): Code;
  /** The number in `U` of what says how a block ends. */
  unit(block: IrBlock): number;
  /** The cell for a direct exit, or undefined to leave through `follow`. */
  link(target: GuestAddress): Cell | undefined;
  /** What stands for a called function. */
  callee(target: GuestAddress): Cell;
  /** What a function returns to say that the guest goes on at RIP. */
  readonly goes: Cell;
}

export interface EmittedRegion {
  readonly text: CodeText;
  /** Blocks in the order in which their instructions are numbered. */
  readonly order: readonly number[];
}

export function emitRegion(input: RegionInput): EmittedRegion {
  return new RegionEmission(input).emit();
}

/** Guest calls that are host calls may use this much of the host's stack at most, in words of 8 bytes. */
const MAX_CALL_DEPTH = 40_000;
/** Words that a call takes besides the function's own locals. */
const CALL_WORDS = 150;

class RegionEmission implements RegionFrame {
  readonly region: Region;
  readonly order: readonly number[];
  readonly options: RegionFrame["options"];
  readonly #input: RegionInput;
  readonly #structure: Structure;
  readonly #indices: ReadonlyMap<number, number>;
  readonly #place = new Map<number, number>();
  readonly #firstSites = new Map<number, number>();
  readonly #shared: SharedBody = { names: 0 };
  readonly #goes: Code;
  #texts: ReadonlyMap<number, BlockText> = new Map();
  #words: RegionWords | undefined;
  readonly #out = new CodeText();

  constructor(input: RegionInput) {
    this.#input = input;
    this.region = input.region;
    this.#structure = structureOf(successorsIn(input.region), input.region.entries);
    this.order = flatten(this.#structure.items);
    this.#indices = blockIndices(input.region.blocks);
    this.#goes = input.cell(input.goes);
    this.options = {
      inlineMemory: input.options.inlineMemory,
      allowCode: false,
      inPlace: false,
      helpers: input.helpers,
      shared: this.#shared,
    };
    let site = 0;
    for (const [place, index] of this.order.entries()) {
      this.#place.set(index, place);
      this.#firstSites.set(index, site);
      site += this.#block(index).instructions.length;
    }
  }

  emit(): EmittedRegion {
    this.#texts = emitBlocks(this);
    this.#words = regionWords(this.#texts, (index) => this.#endOf(index));
    const { items, entries } = this.#structure;
    const switched = entries.length > 1;
    if (switched) this.#line(js`again: for (;;) {`);
    this.#sequence(items, switched ? entries : undefined);
    if (switched) this.#line(js`}`);
    return { text: this.#wrap(switched), order: this.order };
  }

  // `RegionFrame`.

  firstSite(block: number): number {
    return this.#firstSites.get(block) ?? 0;
  }

  jump(from: number, to: number): Code {
    if (this.#structure.dispatches(from, to)) {
      return js`${k} = ${this.#structure.entries.indexOf(to)}; continue again;`;
    }
    const backward = (this.#place.get(to) ?? 0) <= (this.#place.get(from) ?? 0);
    return backward ? js`continue ${loopName(to)};` : js`break ${labelName(to)};`;
  }

  leave(target: GuestAddress, site: number): Code {
    return js`${this.#helper("leaveAt")}(${halves(target)}, ${site});`;
  }

  // Head and end of the function.

  #wrap(switched: boolean): CodeText {
    const name = this.#input.functionName;
    const words = this.#words as RegionWords;
    const text = new CodeText();
    const live = words.liveAt(this.region.entries[0] ?? 0);
    text.line(js`const ${name} = (function ${name}() {`);
    let list = js`${n} = ${I}[${BUDGET_WORD}], ${e} = 0, ${d} = 0, ${q} = ${this.#goes}`;
    if (switched) list = js`${list}, ${k} = 0`;
    for (const offset of words.all) {
      list = js`${list}, ${stateName(offset)} = ${live.has(offset) ? wordOf(offset) : ZERO}`;
    }
    text.line(js`let ${list};`);
    text.line(js`const ${T} = ${I}[${TABLE_WORD_WORD}];`);
    text.line(js`try {`);
    text.append(this.#out);
    text.line(js`} catch (${x}) {`);
    text.line(STORE_BUDGET);
    text.line(js`const ${s} = ${this.#helper("caught")}(${x}, ${U}[0]);`);
    for (const { order, words: group } of words.thresholds) {
      text.line(js`if (${s} >= ${order}) {`);
      for (const offset of group) text.line(writeBack(offset));
      text.line(js`}`);
    }
    text.line(js`return null;`);
    text.line(js`}`);
    text.line(js`});`);
    return text;
  }

  #line(code: Code): void {
    this.#out.line(code);
  }

  #helper(name: HelperName): Code {
    this.#input.helpers.add(name);
    return helperCode(name);
  }

  #block(index: number): IrBlock {
    return this.region.blocks[index] as IrBlock;
  }

  // Control flow.

  /** Items one behind the other, each behind the end of the labelled block that jumps to it leave. */
  #sequence(items: readonly Item[], entries: readonly number[] | undefined): void {
    const first = entries === undefined ? 1 : 0;
    for (let at = items.length - 1; at >= first; at--) {
      this.#line(js`${labelName(leader(items[at] as Item))}: {`);
    }
    if (entries !== undefined) this.#switch(entries);
    for (const [at, item] of items.entries()) {
      if (at >= first) this.#line(js`}`);
      if (typeof item === "number") {
        this.#emitBlock(item);
        continue;
      }
      this.#line(js`${loopName(item.header)}: for (;;) {`);
      this.#sequence(item.body, undefined);
      this.#line(js`}`);
    }
  }

  #switch(entries: readonly number[]): void {
    this.#line(js`switch (${k}) {`);
    for (const [label, entry] of entries.entries()) {
      this.#line(js`case ${label}: break ${labelName(entry)};`);
    }
    this.#line(js`}`);
  }

  #emitBlock(index: number): void {
    const text = this.#texts.get(index) as BlockText;
    this.#out.appendUntagged(text.out);
    const { exit, instructions } = this.#block(index);
    if (exit.kind !== "fault" && exit.kind !== "syscall") this.#line(spend(instructions.length));
    this.#exit(index, exit, text.operands);
  }

  #exit(from: number, exit: IrExit, operands: readonly Code[]): void {
    const [first = ZERO, second = ZERO] = operands;
    switch (exit.kind) {
      case "jump": {
        if (this.#returns(exit)) {
          const callee = this.#input.cell(this.#input.callee(exit.target));
          const [lo, hi] = [int(lowHalf(exit.target)), int(highHalf(exit.target))];
          return this.#call(from, exit.returnTo, { lo, hi, call: js`${callee}.run()` });
        }
        const leaves = exit.transfer === "call" || exit.transfer === "return";
        return leaves ? this.#leaveTo(from, exit.target, true) : this.#go(from, exit.target);
      }
      case "branch":
        return this.#branch(from, first, exit.taken, exit.notTaken);
      case "indirect":
        if (this.#returns(exit)) {
          const call = js`${this.#helper("callAt")}(${first}, ${second})`;
          return this.#call(from, exit.returnTo, { lo: first, hi: second, call });
        }
        this.#writeBack(from);
        this.#storeRip(first, second);
        return this.#line(js`return ${n} > 0 ? ${this.#goes} : ${this.#stopBudget(first, second, true)};`);
      case "syscall":
        this.#writeBack(from);
        return this.#line(js`return ${this.#helper("stopSyscall")}(${U}[${this.#unit(from)}]);`);
      case "fault":
        this.#writeBack(from);
        return this.#line(js`return ${this.#helper("stopFault")}(${U}[${this.#unit(from)}]);`);
    }
  }

  #unit(index: number): number {
    return this.#input.unit(this.#block(index));
  }

  #branch(from: number, condition: Code, taken: GuestAddress, notTaken: GuestAddress): void {
    if (condition.constant !== undefined) {
      return this.#go(from, condition.constant === 0 ? notTaken : taken);
    }
    this.#line(js`if (${condition}) {`);
    this.#go(from, taken);
    this.#line(js`}`);
    this.#go(from, notTaken);
  }

  /** Goes on at a known address, inside where that is possible. */
  #go(from: number, target: GuestAddress): void {
    const block = this.#block(from);
    const to = this.#indices.get(target);
    const backward = isBackward(block, target);
    if (to === undefined) return this.#leaveTo(from, target, backward);
    if (backward) this.#stopIfUsedUp(from, int(lowHalf(target)), int(highHalf(target)));
    this.#line(this.jump(from, to));
  }

  #stopIfUsedUp(from: number, lo: Code, hi: Code): void {
    this.#line(js`if (${n} <= 0) ${this.#helper("stopAt")}(${lo}, ${hi}, ${this.#lastSite(from)});`);
  }

  #lastSite(index: number): number {
    return this.firstSite(index) + this.#block(index).instructions.length - 1;
  }

  #leaveTo(from: number, target: GuestAddress, preemptible: boolean): void {
    this.#writeBack(from);
    const cell = this.#input.link(target);
    const next =
      cell === undefined ? js`${this.#helper("follow")}(${halves(target)})` : this.#input.cell(cell);
    const [lo, hi] = [int(lowHalf(target)), int(highHalf(target))];
    this.#line(js`return ${n} > 0 ? ${next} : ${this.#stopBudget(lo, hi, preemptible)};`);
  }

  #stopBudget(lo: Code, hi: Code, preemptible: boolean): Code {
    return js`${this.#helper("stopBudget")}(${lo}, ${hi}, ${preemptible ? 1 : 0})`;
  }

  #storeRip(lo: Code, hi: Code): void {
    this.#line(js`${I}[${RIP_WORD}] = ${lo};`);
    this.#line(js`${I}[${RIP_WORD + 1}] = ${hi};`);
  }

  // Calls.

  #returns<E extends IrExit>(exit: E): exit is E & { readonly returnTo: GuestAddress } {
    return (
      this.region.returns &&
      "returnTo" in exit &&
      exit.returnTo !== undefined &&
      this.#indices.has(exit.returnTo)
    );
  }

  #call(
    from: number,
    returnTo: GuestAddress,
    { lo, hi, call }: { readonly lo: Code; readonly hi: Code; readonly call: Code },
  ): void {
    const words = this.#words as RegionWords;
    const weight = this.#shared.names + words.all.size + CALL_WORDS;
    const to = this.#indices.get(returnTo) as number;
    const [backLo, backHi] = [lowHalf(returnTo), highHalf(returnTo)];
    this.#stopIfUsedUp(from, lo, hi);
    this.#writeBack(from);
    this.#line(js`${d} = ${I}[${DEPTH_WORD}];`);
    this.#line(js`if (${d} > ${MAX_CALL_DEPTH}) {`);
    this.#storeRip(lo, hi);
    this.#line(js`return ${this.#goes};`);
    this.#line(js`}`);
    this.#line(js`${I}[${DEPTH_WORD}] = ${d} + ${weight} | 0;`);
    this.#line(js`${q} = ${call};`);
    const back = js`${q} === ${this.#goes} && ${I}[${RIP_WORD}] === ${backLo} && ${I}[${RIP_WORD + 1}] === ${backHi}`;
    const goesOn = js`${this.#helper("goOn")}(${q}, ${backLo}, ${backHi})`;
    this.#line(js`if (!(${back}) && !${goesOn}) return null;`);
    this.#line(js`${I}[${DEPTH_WORD}] = ${d};`);
    this.#line(LOAD_BUDGET);
    for (const offset of words.liveAt(to)) this.#line(js`${stateName(offset)} = ${wordOf(offset)};`);
    this.#line(this.jump(from, to));
  }

  /** What may have been assigned so far goes back to the state block, and the budget. */
  #writeBack(from: number): void {
    for (const offset of (this.#words as RegionWords).dirtyAtEnd(from)) this.#line(writeBack(offset));
    this.#line(STORE_BUDGET);
  }

  /** How the block ends, as far as words are concerned. */
  #endOf(index: number): { lastSite: number; stops: boolean; leaves: boolean } {
    const block = this.#block(index);
    const { exit } = block;
    const lastSite = this.#lastSite(index);
    const targets =
      exit.kind === "branch" ? [exit.taken, exit.notTaken] : exit.kind === "jump" ? [exit.target] : [];
    const inside = (target: GuestAddress): boolean => this.#indices.has(target);
    const call = this.#returns(exit);
    const stops = call || targets.some((target) => inside(target) && isBackward(block, target));
    const leaves = call || targets.length === 0 || !targets.every(inside) || isTransfer(exit);
    return { lastSite, stops, leaves };
  }
}

/** Leaves even when the target is inside. */
const isTransfer = (exit: IrExit): boolean =>
  exit.kind === "jump" && (exit.transfer === "call" || exit.transfer === "return");

const halves = (target: GuestAddress): Code => js`${int(lowHalf(target))}, ${int(highHalf(target))}`;

/** Blocks in the order of the text. */
const flatten = (items: readonly Item[]): number[] =>
  items.flatMap((item) => (typeof item === "number" ? [item] : flatten(item.body)));

const WRITE_BACKS: Code[] = [];
/** `I[1056] = r128;` for the state word at an offset. */
const writeBack = (offset: number): Code =>
  (WRITE_BACKS[offset >> 2] ??= js`${wordOf(offset)} = ${stateName(offset)};`);
