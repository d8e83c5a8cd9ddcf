/**
 * The dispatch loop: look up or translate, run, account instructions, leave with an `Exit`.
 *
 *   RIP --enter--> cell --run--> cell --run--> ... --run--> null: Runtime.stop says why
 *                    ^                            \-throw-> FAULT: guest fault; LEAVE: run one instruction alone
 *                    |
 *                  follow: other-page and computed targets, through the jump cache of the running space
 *
 * Instructions are counted exactly. A unit subtracts its instructions from the budget word at its exit, so a chain
 * of units runs past a budget by less than one unit. The slice may be overrun (the run then stops at the first
 * preemption point), the limit may not: its last unit's worth is run one instruction at a time.
 *
 * A jump to an address outside the user half is made, and then faults as a fetch (RIP is the target): #PF where
 * the address is canonical, else #GP(0). Processors refuse the latter jump itself.
 */

import { type CheckLevel, demand, InvariantError } from "../invariant.ts";
import {
  type FrameNumber,
  fromHalves,
  type GuestAddress,
  highHalf,
  isUserHalf,
  lowHalf,
  type PageNumber,
  pageStart,
} from "../mmu/address.ts";
import { STATE_BYTE } from "../mmu/layout.ts";
import type { AddressSpace, CodeListener, Mmu } from "../mmu/mmu.ts";
import { CallTable } from "./call-table.ts";
import { CacheCell } from "./cache/cell.ts";
import type { Attachment } from "./cache/code-page.ts";
import { JumpProfiles } from "./cache/jump-profiles.ts";
import { jumpSlot } from "./cache/space-code.ts";
import {
  type CacheHost,
  type CacheLimits,
  DEFAULT_LIMITS,
  type DropReason,
  TranslationCache,
} from "./cache/translation-cache.ts";
import { Runtime } from "./emit/javascript/runtime.ts";
import type { CodeStore } from "./code-store.ts";
import { type SharedHelpers, WasmRuntime } from "./emit/webassembly/runtime.ts";
import type { Exit, GuestFault } from "./exit.ts";
import { brokenCacheRules, brokenCallRules } from "./invariants.ts";
import { BUDGET, RIP } from "./ir/state.ts";
import { CodeLookup } from "./lookup.ts";
import { createStats, type JitStats } from "./stats.ts";
import { StopAddress } from "./stop-address.ts";
import { Translator, type TranslatorInputs } from "./translator.ts";
import { JavaScriptTier } from "./javascript-tier.ts";
import { type Cell, type CompiledUnit, FAULT, LEAVE, type RuntimeHooks } from "./unit.ts";
import { WasmEntry } from "./wasm-entry.ts";
import { WasmTier } from "./wasm-tier.ts";

const RIP_WORD = (STATE_BYTE + RIP) >> 2;
const BUDGET_WORD = (STATE_BYTE + BUDGET) >> 2;
/** Samples come often at first and ever more rarely; the last number fits the budget word with room. */
const FIRST_SAMPLING = 5_000;
const SAMPLING_GROWTH = 1.05;
const MAX_BUDGET = 2 ** 20;
/** What one entry of a unit stands for, when a sample is turned into entries. */
const INSTRUCTIONS_PER_ENTRY = 32;
/** Code pages that a full check looks at when a run returns. */
const CHECKED_PAGES = 64;

export interface EngineInputs extends TranslatorInputs {
  readonly mmu: Mmu;
  readonly cpuid: RuntimeHooks["cpuid"];
  readonly random: RuntimeHooks["random"];
  readonly limits?: CacheLimits | undefined;
  /** Translations of earlier runs. */
  readonly store?: CodeStore | undefined;
}

/**
 * How far to run.
 *   slice   instructions until the run may be preempted
 *   limit   instructions at most, exactly
 *   until   stop before the instruction at this address
 */
export interface RunRequest {
  readonly slice: number;
  readonly limit?: number | undefined;
  readonly until?: GuestAddress | undefined;
}

/** Runs guest code of the MMU's active address space. */
export interface Engine {
  /** Runs from RIP of the state block. Throws only an `InvariantError`. */
  run(request: RunRequest): Exit;
  /** Guest instructions completed in all runs. Up to date between runs. */
  readonly instructions: number;
  readonly stats: Readonly<JitStats>;
  readonly cache: TranslationCache;
  /** JIT-1 to JIT-3 and JIT-7, recomputed for the whole cache. */
  brokenRules(): string[];
}

/** An engine for the address spaces of one MMU; it becomes the MMU's code listener. */
export function createEngine(inputs: EngineInputs): Engine {
  return new DispatchEngine(inputs);
}

const EXIT_SYSCALL: Exit = { kind: "syscall" };
const EXIT_BUDGET: Exit = { kind: "budget" };
const EXIT_LIMIT: Exit = { kind: "limit" };
const EXIT_UNTIL: Exit = { kind: "until" };

/** A `run` shared by many cells; it acts on the one it is called as a method of. */
const onCell = (act: (cell: CacheCell) => Cell | null): (() => Cell | null) =>
  function (this: CacheCell) {
    return act(this);
  };

class DispatchEngine implements Engine, RuntimeHooks, CodeListener, CacheHost {
  readonly stats: JitStats = createStats();
  readonly cache: TranslationCache;
  readonly cpuid: RuntimeHooks["cpuid"];
  readonly random: RuntimeHooks["random"];
  readonly countCalls: RuntimeHooks["countCalls"];
  /** What cells without a unit run; called as methods of the cell. */
  readonly untranslated: () => Cell | null;
  readonly dead: () => Cell | null;
  readonly stopHere: () => Cell | null;
  readonly enterWasm: () => Cell | null;

  readonly #inputs: EngineInputs;
  readonly #words: Int32Array;
  readonly #checks: CheckLevel;
  /** Instructions that a unit may run past its budget: fewer than this. */
  readonly #maxUnit: number;
  readonly #runtime: Runtime;
  readonly #translator: Translator;
  readonly #lookup: CodeLookup;
  readonly #stop: StopAddress;

  /** Undefined when everything becomes JavaScript. */
  #wasm: WasmEntry | undefined = undefined;
  /** Undefined when there are no regions in JavaScript. */
  readonly #regions: JavaScriptTier | undefined;
  readonly #jumpProfiles = new JumpProfiles();
  /** Jump cache of the running space. */
  #jumps: readonly CacheCell[];
  /** `interval`: instructions between samples. */
  readonly #sampling = { interval: MAX_BUDGET, due: false };
  /** Instructions completed before the current chain of units, and the budget that was given to the chain. */
  #completed = 0;
  #given = 0;
  /** A store to translated code was met: the instruction at RIP has to run alone. */
  #leave = false;
  /** Where the next bounded full check goes on. */
  #checked = 0;

  constructor(inputs: EngineInputs) {
    this.#inputs = inputs;
    this.#words = inputs.mmu.words;
    this.#checks = inputs.checks;
    this.cpuid = inputs.cpuid;
    this.random = inputs.random;
    this.countCalls = inputs.observer?.countCalls;
    this.untranslated = onCell((cell) => this.#translate(cell));
    this.dead = onCell((cell) => this.#reenter(cell));
    this.enterWasm = onCell((cell) => this.#wasm?.enter(cell) ?? null);
    this.stopHere = onCell((cell) => this.#stopAt(cell));
    this.cache = new TranslationCache(this, inputs.limits ?? DEFAULT_LIMITS);
    this.#runtime = new Runtime(inputs.mmu, this, inputs.checks);
    const wasm = this.#createWasmTier();
    this.#regions = this.#createRegions();
    const { maxBlockInstructions, maxUnitInstructions } = inputs.options;
    this.#maxUnit =
      wasm === undefined && this.#regions === undefined
        ? maxBlockInstructions
        : Math.max(maxBlockInstructions, maxUnitInstructions);
    const backEnds = {
      runtime: this.#runtime,
      wasm,
      javascript: this.#regions,
      jumps: this.#jumpProfiles,
      codeAt: (page: PageNumber) => this.#lookup.space.pages.get(page)?.code,
    };
    this.#translator = new Translator(inputs, this, this.cache, backEnds, this.stats);
    this.#lookup = new CodeLookup(inputs.mmu, this.cache, this.stats, inputs.checks);
    this.#stop = new StopAddress(this.cache, this.#translator, this.stopHere);
    this.#jumps = this.#lookup.space.jumps;
    inputs.mmu.setCodeListener(this);
  }

  /** Whoever watches or counts single blocks gets them: only JavaScript has a function for each. */
  #createWasmTier(): WasmTier | undefined {
    const { mmu, options, countEntries, observer, store } = this.#inputs;
    if (options.tier === "js" || countEntries === true || observer?.onUnit !== undefined) return undefined;
    const { cache, stats, enterWasm } = this;
    this.#sampling.interval = FIRST_SAMPLING;
    const calls = new CallTable(mmu.words, stats);
    this.#wasm = new WasmEntry({
      words: mmu.words,
      runtime: this.#runtime,
      calls,
      jumps: this.#jumpProfiles,
      regionEntries: options.regionEntries,
      host: {
        follow: (lo, hi) => this.follow(lo, hi),
        space: () => this.#lookup.space,
        runOne: (cell) => this.#runOne(cell),
        stopAt: (cell) => this.#stopAt(cell),
        leaveToStep: () => this.#leaveToStep(),
      },
    });
    const shared = this.#runtime.helpers as unknown as SharedHelpers;
    const runtime = new WasmRuntime(mmu, this.#runtime, shared, { hooks: this, table: calls.table });
    return new WasmTier({ options, runtime, calls, cache, stats, enterWasm, store, observer });
  }

  /** Where everything becomes JavaScript, hot code does so as regions. */
  #createRegions(): JavaScriptTier | undefined {
    const { options, checks, countEntries, observer } = this.#inputs;
    const watched = countEntries === true || observer?.onUnit !== undefined;
    if (options.tier !== "js" || !options.regions || watched) return undefined;
    this.#sampling.interval = FIRST_SAMPLING;
    const hooks = {
      followRip: () => this.follow(this.#words[RIP_WORD]!, this.#words[RIP_WORD + 1]!) as CacheCell | null,
      runOne: (cell: CacheCell) => this.#runOne(cell),
      setRip: (lo: number, hi: number) => this.#setRip(lo, hi),
    };
    const { cache, stats } = this;
    return new JavaScriptTier({ runtime: this.#runtime, cache, stats, options, checks, hooks });
  }

  get instructions(): number {
    return this.#completed;
  }

  run(request: RunRequest): Exit {
    if (this.#lookup.select()) this.#unbindCalls();
    this.#jumps = this.#lookup.space.jumps;
    if (request.until !== undefined) this.#stop.arm(request.until, this.#lookup.space);
    const exit = this.#loop(request.slice, request.limit ?? Infinity, request.until ?? -1);
    this.#stop.disarm();
    if (this.#checks === "full") this.#check();
    return exit;
  }

  brokenRules(): string[] {
    return [...brokenCacheRules(this.cache, this.#inputs.mmu), ...this.#brokenCallRules()];
  }

  #loop(slice: number, limit: number, until: number): Exit {
    const words = this.#words;
    let executed = 0;
    for (;;) {
      const lo = words[RIP_WORD]!;
      const hi = words[RIP_WORD + 1]!;
      if (until >= 0 && fromHalves(lo, hi) === until) return EXIT_UNTIL;
      if (executed >= limit) return EXIT_LIMIT;
      const cell = this.#lookup.enter(lo, hi);
      if (!(cell instanceof CacheCell)) return this.#fault(cell);
      const alone = this.#leave || limit - executed < this.#maxUnit;
      this.#sample(cell);
      const budget = Math.min(
        slice - executed,
        limit - executed - this.#maxUnit + 1,
        this.#sampling.interval,
      );
      this.#given = words[BUDGET_WORD] = alone ? 1 : Math.max(1, budget);
      const refused = alone ? this.#step(cell) : this.#dispatch(cell);
      const used = this.#given - words[BUDGET_WORD]!;
      executed += used;
      this.#completed += used;
      if (refused !== undefined) return this.#fault(refused);
      const { stop, preemptible } = this.#runtime;
      if (stop === "syscall") return EXIT_SYSCALL;
      if (stop === "fault") return this.#fault(this.#runtime.pendingFault);
      this.#sampling.due = stop === "budget";
      if (stop === "budget" && preemptible && executed >= slice) return EXIT_BUDGET;
    }
  }

  /** Where the guest is whenever a budget runs out shows which code is hot: functions do not count their rounds. */
  #sample(cell: CacheCell): void {
    const sampling = this.#sampling;
    if (!sampling.due || (cell.enter === undefined && this.#regions === undefined)) return;
    sampling.due = false;
    if (cell.heat > 1)
      cell.heat = Math.max(1, cell.heat - Math.ceil(sampling.interval / INSTRUCTIONS_PER_ENTRY));
    sampling.interval = Math.min(MAX_BUDGET, Math.ceil(sampling.interval * SAMPLING_GROWTH));
  }

  /** Runs units until one leaves. */
  #dispatch(cell: CacheCell): undefined {
    this.#runtime.stop = "none";
    this.#regions?.begin();
    this.#wasm?.begin();
    // Every cell of this engine is a `CacheCell`; emitted code knows only what it needs of them.
    let running = cell;
    try {
      for (;;) {
        if (running.heat !== 0 && --running.heat === 0) this.#sharpen(running);
        const next = running.run() as CacheCell | null;
        if (next === null) break;
        running = next;
      }
    } catch (thrown) {
      this.#caught(thrown, running.unit);
    }
    this.#leaveIfMet();
    return undefined;
  }

  /** A region met a store to translated code. */
  #leaveIfMet(): void {
    if (this.#runtime.stop === "leave") this.#leaveToStep();
  }

  /**
   * Runs the instruction of the cell alone; its store may change translated code, its own included. Returns the
   * fault when the instruction cannot be fetched.
   */
  #step(cell: CacheCell): GuestFault | undefined {
    const page = cell.page;
    this.#runtime.stop = "none";
    if (page === undefined || !this.cache.makeRoom(page)) return undefined;
    this.#leave = false;
    const next = (page.number + 1) as PageNumber;
    let refused: GuestFault | undefined;
    const unit = this.#translator.step(page, cell, () => {
      const attachment = this.#lookup.attach(next, pageStart(next));
      if ("code" in attachment) return attachment.code.bytes;
      refused = attachment;
      return undefined;
    });
    if ("kind" in unit) return refused;
    this.stats.stepsRun++;
    try {
      unit.run();
    } catch (thrown) {
      this.#caught(thrown, unit);
    }
    return undefined;
  }

  /** An exception out of the middle of a unit: the completed instructions count, RIP is the running one's. */
  #caught(thrown: unknown, unit: CompiledUnit | undefined): void {
    if (thrown !== FAULT && thrown !== LEAVE) throw thrown;
    const { site } = this.#runtime;
    const instruction = unit?.instructions[site];
    if (instruction === undefined) {
      throw new InvariantError([`JIT-5 a unit threw at site ${site}, which it does not have`]);
    }
    this.#words[BUDGET_WORD]! -= site;
    this.#setRip(lowHalf(instruction.address), highHalf(instruction.address));
    if (thrown === LEAVE) this.#leaveToStep();
    else this.#runtime.stop = "fault";
  }

  /** `RuntimeHooks`: emitted code asks for the cell of a computed or other-page target. */
  follow(lo: number, hi: number): Cell | null {
    this.stats.follows++;
    const cell = this.#jumps[jumpSlot(lo)]!;
    return cell.lo === lo && cell.hi === hi ? cell : this.#followMiss(lo, hi);
  }

  /** Looks among attached pages; anything else is the loop's work. */
  #followMiss(lo: number, hi: number): Cell | null {
    this.stats.followMisses++;
    const cell = isUserHalf(hi) ? this.#lookup.attached(fromHalves(lo, hi)) : undefined;
    if (cell === undefined) {
      this.#runtime.stop = "engine";
      return null;
    }
    this.#lookup.space.remember(cell);
    return cell;
  }

  /** `RuntimeHooks`: called from inside a unit, whose own instructions are still in the budget word. */
  instructionsAtUnitEntry(): number {
    return this.#completed + this.#given - this.#words[BUDGET_WORD]!;
  }

  /** `RuntimeHooks`: a guest call did not come back to where its caller goes on. */
  resume(status: number, lo: number, hi: number): number {
    return this.#wasm?.resume(status, lo, hi) ?? status;
  }

  /** `RuntimeHooks`, of regions in JavaScript. */
  goOn(left: Cell | null, lo: number, hi: number): boolean {
    return this.#regions?.goOn(left, lo, hi) ?? false;
  }
  callAt(lo: number, hi: number): Cell | null {
    return this.#regions?.callAt(lo, hi) ?? null;
  }

  /** Runs one unit; null when it or what it met wants the loop to go on. */
  #runOne(cell: CacheCell): CacheCell | null {
    if (cell.heat !== 0 && --cell.heat === 0) this.#sharpen(cell);
    try {
      return cell.run() as CacheCell | null;
    } catch (thrown) {
      this.#caught(thrown, cell.unit);
      return null;
    }
  }

  #leaveToStep(): void {
    this.stats.leaves++;
    this.#leave = true;
    this.#runtime.stop = "engine";
  }

  #sharpen(cell: CacheCell): void {
    const page = cell.page;
    if (page !== undefined && cell.state === "translated" && this.cache.makeRoomBeside(page)) {
      this.#translator.sharpen(cell, page);
    }
  }

  #translate(cell: CacheCell): Cell | null {
    const page = cell.page;
    if (page === undefined || !this.cache.makeRoom(page)) return cell;
    if (this.#translator.translate(cell, page)) return cell;
    this.cache.forward(cell);
    return cell;
  }

  /** Same-page links do not store RIP; whoever stands in for a unit does. */
  #reenter(cell: CacheCell): Cell | null {
    this.#setRip(cell.lo, cell.hi);
    return this.follow(cell.lo, cell.hi);
  }

  #stopAt(cell: CacheCell): null {
    this.#setRip(cell.lo, cell.hi);
    this.#runtime.stop = "engine";
    return null;
  }

  onCodeWrite(frame: FrameNumber): void {
    this.cache.frameWritten(frame);
  }

  onExecutableChange(space: AddressSpace, page: PageNumber, why: "unmap" | "protect" | "destroy"): void {
    this.cache.detachPage(space.id, page, why);
  }

  attached({ space, frame, code }: Attachment, first: boolean): void {
    if (first) this.#inputs.mmu.watchCode(frame);
    this.#stop.attached(code.number, space);
  }

  detached({ frame, code }: Attachment, reason: DropReason, last: boolean): void {
    this.#unbindCalls();
    if (last && reason !== "write") this.#inputs.mmu.unwatchCode(frame);
    const counts = this.stats.invalidations[reason];
    counts.pages++;
    counts.units += code.translated;
  }

  dropped(cell: CacheCell, reason: DropReason): void {
    if (cell.region !== undefined || cell.unit?.spansBlocks === true) this.#unbindCalls();
    this.#inputs.observer?.onDrop?.(cell, reason);
  }

  regionLost(cell: CacheCell): void {
    this.#wasm?.calls.unbindAll();
    cell.heat = this.#inputs.options.regionEntries;
  }

  /** Functions of other code may stand for guest addresses from now on. */
  #unbindCalls(): void {
    this.#wasm?.calls.unbindAll();
    this.#regions?.unbindAll();
  }

  /** A part of the cache per run, all of it in turn. */
  #check(): void {
    const pages = this.cache.live.size;
    demand(this.#brokenCallRules());
    if (pages === 0) return;
    this.#checked %= pages;
    demand(brokenCacheRules(this.cache, this.#inputs.mmu, { first: this.#checked, count: CHECKED_PAGES }));
    this.#checked += CHECKED_PAGES;
  }

  #brokenCallRules(): string[] {
    return brokenCallRules(this.#wasm?.calls.bound ?? [], this.#lookup.space);
  }

  #fault(fault: GuestFault | undefined): Exit {
    if (fault === undefined) throw new InvariantError(["JIT-5 a unit stopped for a fault and named none"]);
    if (fault.unsupported !== undefined) {
      const { unsupported } = this.stats;
      unsupported.set(fault.unsupported, (unsupported.get(fault.unsupported) ?? 0) + 1);
    }
    return { kind: "fault", fault };
  }

  #setRip(lo: number, hi: number): void {
    this.#words[RIP_WORD] = lo;
    this.#words[RIP_WORD + 1] = hi;
  }
}
