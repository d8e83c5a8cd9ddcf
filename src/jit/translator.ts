/**
 * From a cell without a unit to one with: lift, passes, compile, install. Blocks that are reached from each other
 * on a page are compiled together, because that costs V8 a half to a third per block.
 *
 * A translation depends on nothing but the bytes of its code page (and of the next page for an instruction that
 * crosses), on the page's number and on the options; so it may serve every process. Only the stop address of a
 * run cuts blocks differently for a while.
 */

import { type GuestAddress, offsetInPage, PAGE_BYTES, type PageNumber, pageOf } from "../mmu/address.ts";
import type { CacheCell } from "./cache/cell.ts";
import type { CodePage } from "./cache/code-page.ts";
import type { JumpProfiles } from "./cache/jump-profiles.ts";
import { StepCache } from "./cache/step-cache.ts";
import type { CacheHost, DropReason, TranslationCache } from "./cache/translation-cache.ts";
import { compileUnits } from "./emit/javascript/compile.ts";
import { loopTarget } from "./emit/javascript/emit-block.ts";
import type { Runtime } from "./emit/javascript/runtime.ts";
import type { CheckLevel } from "../invariant.ts";
import type { CodeSource, FetchFault, IrBlock, IrExit, Lift } from "./ir/block.ts";
import type { JitOptions } from "./options.ts";
import { runPasses } from "./passes/pipeline.ts";
import { RegionBuilder } from "./region-builder.ts";
import type { JitStats } from "./stats.ts";
import type { CompiledUnit, CountCalls, JavaScriptUnit, UnitRequest } from "./unit.ts";
import type { FunctionKind, WasmTier } from "./wasm-tier.ts";
import type { JavaScriptTier } from "./javascript-tier.ts";

/** Bounds of one batch. */
const MAX_BATCH_BLOCKS = 12;
const MAX_BATCH_INSTRUCTIONS = 300;
/** How much longer than others a target of computed jumps waits for a region of its own. */
const TARGET_PATIENCE = 4;

/** The place of a unit, as observers see it; `entries` is counted when `countEntries` asks for it. */
export type UnitCell = Pick<CacheCell, "address" | "entries">;

/** Told of every unit, for dumps and profiles. With `onUnit` the units keep their operations. */
export interface JitObserver {
  /** `original` is the block as lifted from `bytes`, `unit.block` what the passes made of it. */
  onUnit?(unit: JavaScriptUnit, original: IrBlock, cell: UnitCell, bytes: Uint8Array): void;
  /** The unit of this cell is gone for good, or cut again because of a stop address. */
  onDrop?(cell: UnitCell, reason: DropReason): void;
  /** The name that profilers show for a WebAssembly function whose first block lies at the address. */
  nameFunction?(kind: FunctionKind, address: GuestAddress): string;
  /** What emitted code calls is handed to it through this. */
  readonly countCalls?: CountCalls;
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
type Stubs = Pick<CacheHost, "untranslated" | "dead" | "enterWasm">;

/** A block on its way through the back end, which then lets go of its operations. */
type Draft = { -readonly [K in keyof IrBlock]: IrBlock[K] };

interface Plan {
  readonly cell: CacheCell;
  readonly original: IrBlock;
  readonly block: Draft;
}

/** The back ends. */
export interface BackEnds {
  /** What emitted JavaScript calls. */
  readonly runtime: Runtime;
  /** Undefined when everything becomes JavaScript. */
  readonly wasm: WasmTier | undefined;
  /** Where computed jumps were seen to go. */
  readonly jumps: JumpProfiles;
  /** Undefined when JavaScript has no regions. */
  readonly javascript: JavaScriptTier | undefined;
  /** The code page that the running space shows there, if it is attached. */
  readonly codeAt: (page: PageNumber) => CodePage | undefined;
}

const NO_CODE: IrBlock["code"] = [];

export class Translator {
  /** Blocks end before this address, and its cell keeps the `run` that the engine gave it; -1 for none. */
  boundary = -1;
  readonly #inputs: TranslatorInputs;
  readonly #stubs: Stubs;
  readonly #cache: TranslationCache;
  readonly #runtime: Runtime;
  readonly #stats: JitStats;
  readonly #steps = new StepCache();
  /** Passes for compact units: folding and forwarding are left to the second compilation, for code that runs often. */
  readonly #quick: JitOptions;
  readonly #wasm: WasmTier | undefined;
  readonly #jumps: JumpProfiles;
  readonly #regions: RegionBuilder;
  readonly #javascript: JavaScriptTier | undefined;
  /** Stands in for the next page when a variant is lifted: only the bytes it depends on are given. */
  readonly #nextPage = new Uint8Array(PAGE_BYTES);

  constructor(
    inputs: TranslatorInputs,
    stubs: Stubs,
    cache: TranslationCache,
    { runtime, wasm, javascript, jumps, codeAt }: BackEnds,
    stats: JitStats,
  ) {
    this.#wasm = wasm;
    this.#javascript = javascript;
    this.#jumps = jumps;
    this.#regions = new RegionBuilder({
      // Regions in JavaScript are not told of other pages.
      options: { ...inputs.options, pageRegions: inputs.options.pageRegions && wasm !== undefined },
      checks: inputs.checks,
      blockOf: (cell, page) => this.#planOne(cell, page, false)?.block,
      jumps,
      codeAt,
    });
    this.#inputs = inputs;
    this.#quick = { ...inputs.options, constantFolding: false, stateForwarding: false };
    this.#stubs = stubs;
    this.#cache = cache;
    this.#runtime = runtime;
    this.#stats = stats;
  }

  /** Gives the cell its unit. False when its instruction crosses into the next page and the cell is no variant. */
  translate(cell: CacheCell, page: CodePage): boolean {
    const wasm = this.#tierFor(cell, page);
    if (wasm !== undefined && pageOf(this.boundary as GuestAddress) !== page.number) {
      wasm.load(page, (loaded, unit) => this.#install(loaded, unit));
      if (cell.state === "translated") return true;
    }
    const plans = this.#plan(cell, page);
    if (plans === undefined) return false;
    if (wasm === undefined) {
      const units = this.#compile(plans.map((plan) => this.#request(plan, page)));
      for (const [i, unit] of units.entries()) {
        this.#install(plans[i]!.cell, unit);
        this.#observe(unit, plans[i]!, page);
      }
    } else {
      this.#countUnits(plans);
      for (const [i, unit] of wasm.compileBatch(plans, page).entries()) this.#install(plans[i]!.cell, unit);
    }
    return true;
  }

  /** A page that keeps changing is better off in JavaScript: it compiles single blocks faster. */
  #tierFor(cell: CacheCell, page: CodePage): WasmTier | undefined {
    const forced = this.#inputs.options.tier === "wasm";
    return forced || (!page.unstable && cell.tail === undefined) ? this.#wasm : undefined;
  }

  /** Operations are two thirds of what a unit would keep in memory, and without an observer nobody reads them. */
  #observe(unit: JavaScriptUnit, { cell, original, block }: Plan, page: CodePage): void {
    const observer = this.#inputs.observer;
    if (observer?.onUnit === undefined) block.code = NO_CODE;
    else observer.onUnit(unit, original, cell, guestBytes(original, page, cell));
  }

  /** Compiles the cell's block again, for speed: it was entered often. */
  sharpen(cell: CacheCell, page: CodePage): void {
    if (cell.enter !== undefined || this.#isForRegion(cell)) return this.#compileRegion(cell, page);
    const plan = this.#planOne(cell, page, false);
    if (plan === undefined) return;
    const request = { ...this.#request(plan, page), compact: false };
    const unit = compileUnits([request], this.#runtime, this.#inputs.options, this.#inputs.checks)[0]!;
    this.#stats.unitsSharpened++;
    const before = cell.sourceBytes;
    cell.unit = unit;
    cell.sourceBytes = unit.sourceBytes;
    this.#cache.charge(page, cell.sourceBytes - before);
    this.#stats.sourceBytes += cell.sourceBytes;
    plan.block.code = NO_CODE;
    if (cell.address !== this.boundary) cell.run = this.runOf(cell);
  }

  /** The cell, or the jump that leads to it, becomes the entry of a region, with state in locals. */
  #compileRegion(cell: CacheCell, page: CodePage): void {
    if (cell.enter === undefined) return this.#compileJavaScriptRegion(cell, page);
    const { regionEntries } = this.#inputs.options;
    let entry = cell;
    // A second compilation is for the same entry.
    if (cell.region === undefined) {
      entry = this.#regions.entryFor(cell, page);
      // Reached by computed jumps only, the entry may become rare: then the cell gets a region of its own.
      if (entry !== cell && this.#regions.isTarget(entry)) cell.heat = TARGET_PATIENCE * regionEntries;
      if (entry !== cell && entry.region !== undefined) return;
    }
    entry.heat = 0;
    const built = this.#regions.build(entry, this.boundary);
    if (built === undefined) return;
    this.#wasm?.compileRegion(entry, built.region, built.pages);
    this.#jumps.compiled(built.region.jumps?.keys() ?? [], entry);
  }

  #compileJavaScriptRegion(cell: CacheCell, page: CodePage): void {
    const built = this.#regions.build(cell, this.boundary);
    if (built === undefined) return;
    this.#javascript?.compile(cell, page, built.region);
    if (cell.address !== this.boundary) cell.run = this.runOf(cell);
  }

  /** Whether the cell's unit in JavaScript becomes a region once it is hot. */
  #isForRegion(cell: CacheCell): boolean {
    return this.#javascript !== undefined && cell.tail === undefined;
  }

  /**
   * A unit of the cell's one instruction that may write translated code; it is never linked to. `next` gives the
   * bytes of the next page as they are now.
   */
  step(page: CodePage, cell: CacheCell, next: () => Uint8Array | undefined): JavaScriptUnit | FetchFault {
    const kept = this.#steps.find(cell.address, page.bytes);
    if (kept !== undefined) return kept;
    const original = this.#inputs.lift(cell.address, { page: page.bytes, next }, 1);
    if ("kind" in original) return original;
    const block = this.#passes(original, this.#inputs.options);
    const unit = this.#compile([{ cell, block, allowCodeWrites: true, link: () => undefined }])[0]!;
    block.code = NO_CODE;
    this.#stats.stepsTranslated++;
    this.#stats.sourceBytes += unit.sourceBytes;
    this.#steps.add(unit, page.bytes);
    return unit;
  }

  /** What the cell runs in its state. */
  runOf(cell: CacheCell): CacheCell["run"] {
    const unit = cell.unit;
    const stubs = this.#stubs;
    if (unit === undefined) return cell.state === "untranslated" ? stubs.untranslated : stubs.dead;
    if (this.#inputs.countEntries !== true) return unit.run;
    return () => {
      cell.entries++;
      return unit.run.call(cell);
    };
  }

  /** The block of the cell, and with batch compilation those reached from it on the page. */
  #plan(cell: CacheCell, page: CodePage): Plan[] | undefined {
    const compact = this.#inputs.options.compactFirst;
    const first = this.#planOne(cell, page, compact);
    if (first === undefined) return undefined;
    const plans = [first];
    if (!this.#inputs.options.batchCompilation || page.unstable || cell.tail !== undefined) return plans;
    const seen = new Set([cell]);
    const limit = Math.min(MAX_BATCH_INSTRUCTIONS, this.#inputs.options.maxUnitInstructions);
    let instructions = first.block.instructions.length;
    for (let i = 0; i < plans.length; i++) {
      for (const target of successors(plans[i]!.block.exit)) {
        if (plans.length >= MAX_BATCH_BLOCKS) return plans;
        const next = linkTarget(page, target);
        if (next === undefined || next.state !== "untranslated" || seen.has(next)) continue;
        // Blocks of one function go on to each other without a look at their cells.
        if (target === this.boundary) continue;
        seen.add(next);
        const plan = this.#planOne(next, page, compact);
        if (plan === undefined) continue;
        instructions += plan.block.instructions.length;
        if (instructions > limit) return plans;
        plans.push(plan);
      }
    }
    return plans;
  }

  #planOne(cell: CacheCell, page: CodePage, compact: boolean): Plan | undefined {
    const original = this.#lift(cell.address, { page: page.bytes, next: () => this.#tailPage(cell) });
    if ("kind" in original) return undefined;
    const options = compact && !this.#loops(original) ? this.#quick : this.#inputs.options;
    return { cell, original, block: this.#passes(original, options) };
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

  #passes(block: IrBlock, options: JitOptions): Draft {
    const { address, instructions, code, exit } = runPasses(block, options, this.#inputs.checks);
    return { address, instructions, code, exit };
  }

  /** A block that loops inside its function is emitted for speed at once. */
  #loops(block: IrBlock): boolean {
    return this.#inputs.options.selfLoops && loopTarget(block) !== undefined;
  }

  /** Entries until the unit is worth another compilation; 0: never. */
  #heatOf(cell: CacheCell, unit: CompiledUnit): number {
    const { compactFirst, hotEntries, regions, regionEntries, javascriptRegionEntries } =
      this.#inputs.options;
    if (cell.enter !== undefined) return regions ? regionEntries : 0;
    if (this.#isForRegion(cell)) {
      // Where a page keeps changing, much more has to speak for a region.
      return cell.page?.unstable === true ? javascriptRegionEntries ** 2 : javascriptRegionEntries;
    }
    const loops = "block" in unit && this.#loops((unit as JavaScriptUnit).block);
    return compactFirst && !loops ? hotEntries : 0;
  }

  #request({ cell, block }: Plan, page: CodePage): UnitRequest {
    const links: CacheCell[] = [];
    cell.links = links;
    const link = (target: GuestAddress): CacheCell | undefined => {
      const linked = this.#inputs.options.blockLinking ? linkTarget(page, target) : undefined;
      if (linked !== undefined) links.push(linked);
      return linked;
    };
    return { cell, block, allowCodeWrites: false, compact: this.#inputs.options.compactFirst, link };
  }

  #compile(requests: readonly UnitRequest[]): JavaScriptUnit[] {
    const { options, checks } = this.#inputs;
    const units = compileUnits(requests, this.#runtime, options, checks);
    this.#countUnits(units);
    return units;
  }

  #countUnits(units: readonly { readonly block: IrBlock }[]): void {
    this.#stats.batches++;
    for (const { block } of units) {
      const { instructions } = block;
      this.#stats.unitsTranslated++;
      this.#stats.instructionsTranslated += instructions.length;
    }
  }

  #install(cell: CacheCell, unit: CompiledUnit): void {
    const { sourceBytes } = unit;
    this.#stats.sourceBytes += sourceBytes;
    this.#cache.install(cell, unit, sourceBytes);
    cell.heat = this.#heatOf(cell, unit);
    if (cell.address !== this.boundary) cell.run = this.runOf(cell);
  }
}

/** The cell on the same page for a direct exit, or undefined for another page. */
function linkTarget(page: CodePage, target: GuestAddress): CacheCell | undefined {
  return pageOf(target) === page.number ? page.cellAt(offsetInPage(target)) : undefined;
}

/** The bytes a block was lifted from. */
function guestBytes(
  { address, instructions }: IrBlock,
  page: CodePage,
  { tail = NO_BYTES }: CacheCell,
): Uint8Array {
  const last = instructions.at(-1);
  const lengthBytes = last === undefined ? 0 : last.address + last.length - address;
  const offset = offsetInPage(address);
  const bytes = new Uint8Array(lengthBytes);
  bytes.set(page.bytes.subarray(offset, offset + lengthBytes));
  const crossing = Math.max(0, offset + lengthBytes - PAGE_BYTES);
  bytes.set(tail.subarray(0, crossing), lengthBytes - crossing);
  return bytes;
}

const NO_BYTES = new Uint8Array();
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
