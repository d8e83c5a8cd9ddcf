/**
 * From a cell without a unit to one with: lift, passes, compile, install. Blocks that are reached from each other
 * on a page are compiled together, because that costs V8 a half to a third per block.
 *
 * A translation depends on nothing but the bytes of its code page (and of the next page for an instruction that
 * crosses), on the page's number and on the options; so it may serve every process. Only the stop address of a
 * run cuts blocks differently for a while.
 */

import { type GuestAddress, offsetInPage, PAGE_BYTES, pageOf } from "../mmu/address.ts";
import type { CacheCell } from "./cache/cell.ts";
import type { CodePage } from "./cache/code-page.ts";
import type { CacheHost, DropReason, TranslationCache } from "./cache/translation-cache.ts";
import { compileUnits } from "./emit/javascript/compile.ts";
import type { Runtime } from "./emit/javascript/runtime.ts";
import type { CheckLevel } from "../invariant.ts";
import type { CodeSource, FetchFault, IrBlock, IrExit, Lift } from "./ir/block.ts";
import type { JitOptions } from "./options.ts";
import { runPasses } from "./passes/pipeline.ts";
import type { JitStats } from "./stats.ts";
import type { CompiledUnit, UnitRequest } from "./unit.ts";

/** Bounds of one batch. */
const MAX_BATCH_BLOCKS = 32;
const MAX_BATCH_INSTRUCTIONS = 300;

/** Told of every unit, for dumps and profiles. */
export interface JitObserver {
  /** `original` is the block as lifted, `unit.block` what the passes made of it. */
  onUnit?(unit: CompiledUnit, original: IrBlock): void;
  /** The unit of this cell is gone for good, or cut again because of a stop address. */
  onDrop?(cell: CacheCell, reason: DropReason): void;
}

export interface TranslatorInputs {
  readonly lift: Lift;
  readonly options: JitOptions;
  readonly checks: CheckLevel;
  readonly observer?: JitObserver | undefined;
  /** Counts how often each cell is entered, in `CacheCell.entries`. */
  readonly countEntries?: boolean;
}

/** What cells without a unit run. */
type Stubs = Pick<CacheHost, "untranslated" | "dead">;

interface Plan {
  readonly cell: CacheCell;
  readonly original: IrBlock;
  readonly block: IrBlock;
}

export class Translator {
  /** Blocks end before this address, and its cell keeps the `run` that the engine gave it; -1 for none. */
  boundary = -1;
  readonly #inputs: TranslatorInputs;
  readonly #stubs: Stubs;
  readonly #cache: TranslationCache;
  readonly #runtime: Runtime;
  readonly #stats: JitStats;
  /** Stands in for the next page when a variant is lifted: only the bytes it depends on are given. */
  readonly #nextPage = new Uint8Array(PAGE_BYTES);

  constructor(
    inputs: TranslatorInputs,
    stubs: Stubs,
    cache: TranslationCache,
    runtime: Runtime,
    stats: JitStats,
  ) {
    this.#inputs = inputs;
    this.#stubs = stubs;
    this.#cache = cache;
    this.#runtime = runtime;
    this.#stats = stats;
  }

  /** Gives the cell its unit. False when its instruction crosses into the next page and the cell is no variant. */
  translate(cell: CacheCell, page: CodePage): boolean {
    const plans = this.#plan(cell, page);
    if (plans === undefined) return false;
    const requests = plans.map((plan) => this.#request(plan, page));
    const units = this.#compile(requests);
    for (const [i, unit] of units.entries()) {
      const plan = plans[i]!;
      this.#install(plan.cell, unit);
      this.#inputs.observer?.onUnit?.(unit, plan.original);
    }
    return true;
  }

  /**
   * A unit of the one instruction at `offset` that may write translated code; it is never linked to. `next` gives
   * the bytes of the next page, and makes the result hold for this moment only.
   */
  step(page: CodePage, cell: CacheCell, next: () => Uint8Array | undefined): CompiledUnit | FetchFault {
    const offset = offsetInPage(cell.address);
    const kept = page.steps.get(offset);
    if (kept !== undefined) return kept;
    let crossing = false;
    const source: CodeSource = {
      page: page.bytes,
      next: () => {
        crossing = true;
        return next();
      },
    };
    const original = this.#inputs.lift(cell.address, source, 1);
    if ("kind" in original) return original;
    const block = this.#passes(original);
    const [unit] = this.#compile([{ cell, block, allowCodeWrites: true, link: () => undefined }]);
    if (unit === undefined) throw new Error("no unit");
    this.#stats.stepsTranslated++;
    if (!crossing) {
      page.steps.set(offset, unit);
      this.#cache.charge(page, unit.source.length);
    }
    return unit;
  }

  /** What the cell runs in its state. */
  runOf(cell: CacheCell): CacheCell["run"] {
    const unit = cell.unit;
    if (unit === undefined)
      return cell.state === "untranslated" ? this.#stubs.untranslated : this.#stubs.dead;
    if (this.#inputs.countEntries !== true) return unit.run;
    return () => {
      cell.entries++;
      return unit.run();
    };
  }

  /** The block of the cell, and with batch compilation those reached from it on the page. */
  #plan(cell: CacheCell, page: CodePage): Plan[] | undefined {
    const first = this.#planOne(cell, page);
    if (first === undefined) return undefined;
    const plans = [first];
    if (!this.#inputs.options.batchCompilation || cell.tail !== undefined) return plans;
    const seen = new Set([cell]);
    let instructions = first.block.instructions.length;
    for (let i = 0; i < plans.length; i++) {
      for (const target of successors(plans[i]!.block.exit)) {
        if (plans.length >= MAX_BATCH_BLOCKS || instructions >= MAX_BATCH_INSTRUCTIONS) return plans;
        const next = linkTarget(page, target);
        if (next === undefined || next.state !== "untranslated" || seen.has(next)) continue;
        seen.add(next);
        const plan = this.#planOne(next, page);
        if (plan === undefined) continue;
        instructions += plan.block.instructions.length;
        plans.push(plan);
      }
    }
    return plans;
  }

  #planOne(cell: CacheCell, page: CodePage): Plan | undefined {
    const original = this.#lift(cell.address, { page: page.bytes, next: () => this.#tailPage(cell) });
    return "kind" in original ? undefined : { cell, original, block: this.#passes(original) };
  }

  /** A page that begins with the bytes a variant was made for; undefined for other cells. */
  #tailPage(cell: CacheCell): Uint8Array | undefined {
    if (cell.tail === undefined) return undefined;
    this.#nextPage.set(cell.tail);
    return this.#nextPage;
  }

  /** Lifts, and cuts the block before the stop address. */
  #lift(address: GuestAddress, source: CodeSource): IrBlock | FetchFault {
    const { lift, options } = this.#inputs;
    const block = lift(address, source, options.maxBlockInstructions);
    if ("kind" in block || this.boundary <= address) return block;
    const cut = block.instructions.findIndex((instruction) => instruction.address === this.boundary);
    return cut > 0 ? lift(address, source, cut) : block;
  }

  #passes(block: IrBlock): IrBlock {
    return runPasses(block, this.#inputs.options, this.#inputs.checks);
  }

  #request({ cell, block }: Plan, page: CodePage): UnitRequest {
    const links: CacheCell[] = [];
    cell.links = links;
    const link = (target: GuestAddress): CacheCell | undefined => {
      const linked = this.#inputs.options.blockLinking ? linkTarget(page, target) : undefined;
      if (linked !== undefined) links.push(linked);
      return linked;
    };
    return { cell, block, allowCodeWrites: false, link };
  }

  #compile(requests: readonly UnitRequest[]): CompiledUnit[] {
    const { options, checks } = this.#inputs;
    const units = compileUnits(requests, this.#runtime, options, checks);
    this.#stats.batches++;
    for (const unit of units) {
      this.#stats.unitsTranslated++;
      this.#stats.instructionsTranslated += unit.block.instructions.length;
      this.#stats.sourceBytes += unit.source.length;
    }
    return units;
  }

  #install(cell: CacheCell, unit: CompiledUnit): void {
    this.#cache.install(cell, unit, unit.source.length);
    if (cell.address !== this.boundary) cell.run = this.runOf(cell);
  }
}

/** The cell on the same page for a direct exit, or undefined for another page. */
function linkTarget(page: CodePage, target: GuestAddress): CacheCell | undefined {
  return pageOf(target) === page.number ? page.cellAt(offsetInPage(target)) : undefined;
}

const NONE: readonly GuestAddress[] = [];

/** Where control is known to go from an exit: the batch grows along these. */
function successors(exit: IrExit): readonly GuestAddress[] {
  switch (exit.kind) {
    case "jump":
      return exit.returnTo === undefined ? [exit.target] : [exit.target, exit.returnTo];
    case "branch":
      return [exit.notTaken, exit.taken];
    case "indirect":
      return exit.returnTo === undefined ? NONE : [exit.returnTo];
    case "syscall":
      return [exit.next];
    case "fault":
      return NONE;
  }
}
