/**
 * The kernel as the machine sees it: start the first process, ask what runs next, report how a run ended.
 *
 *   start(init) ; loop: next() -> run guest code -> handle(exit) ; until next() says finished or deadlock
 *
 * The machine owns the processor; the kernel loads and saves registers through the `CpuPort`.
 */

import type { CheckLevel } from "../invariant.ts";
import { demand, InvariantError } from "../invariant.ts";
import type { HostInputs } from "../host-inputs.ts";
import { PAGE_BYTES, pageOf } from "../mmu/address.ts";
import type { Mmu } from "../mmu/mmu.ts";
import {
  CAPSET_ADDRESS,
  EXIT_FAULTED,
  EXIT_TERMINATED,
  FIRST_PROCESS_ID,
  LIMITS,
  threadRingAddress,
} from "./abi.ts";
import type { CpuPort, EntryRegisters } from "./cpu-port.ts";
import type { FrameAllocator } from "./frame-allocator.ts";
import type { CallOutcome } from "./call.ts";
import { FRAME_ALLOCATOR } from "./caps/frame-allocator.ts";
import { systemLogOf } from "./caps/log.ts";
import { brokenLogRules } from "./objects/system-log.ts";
import { brokenKernelRules } from "./invariants.ts";
import { brokenSecrecyRules } from "./invariants-memory.ts";
import type { Limits } from "./ledger.ts";
import { endProcess, endThread } from "./lifecycle.ts";
import type { ImagePlan, PlanResult } from "./loader.ts";
import { planImage } from "./loader.ts";
import type { EndpointLimits } from "./objects/endpoint.ts";
import type { KernelObject } from "./object.ts";
import type { MemoryObject } from "./objects/memory-object.ts";
import type { ExitReason, Process, ThreadRequest } from "./objects/process.ts";
import { Thread } from "./objects/thread.ts";
import type { ExitRecord, FaultRecord, KernelExit, KernelFault, TraceRecord } from "./reports.ts";
import { describeWaits, faultRecord, processDigests, traceRecord } from "./reports.ts";
import { Ring } from "./ring.ts";
import { Scheduler } from "./scheduler.ts";
import type { ConsoleSink, KernelServices } from "./services.ts";
import type { SourceOptions } from "./sources.ts";
import { Sources } from "./sources.ts";
import type { Grant, SpawnParts, SpawnRequest, SpawnResult } from "./spawn.ts";
import { buildProcess } from "./spawn.ts";
import type { SessionFacts } from "./session.ts";
import { CallerSessions } from "./session.ts";
import type { CompletionListener } from "./submission.ts";
import { runSyscall } from "./syscall.ts";
import { TimerQueue } from "./timers.ts";

/** The first process: its capabilities are kernel sources by CapSet name, in this order. */
export interface InitRequest {
  readonly binary: string;
  readonly capabilities: readonly (readonly [name: string, source: string, terms?: InitTerms])[];
}

/** What a boot manifest may say of a capability besides its source. */
export interface InitTerms {
  readonly badge: bigint;
  /** Session fields that calls through it may disclose. */
  readonly disclosure: number;
  /** Refused when the source has another. */
  readonly expectedInterfaceId?: bigint;
}

export interface KernelOptions extends SourceOptions {
  readonly mmu: Mmu;
  readonly frames: FrameAllocator;
  readonly inputs: HostInputs;
  readonly console: ConsoleSink;
  readonly cpu: CpuPort;
  /** Guest instructions executed so far. */
  readonly instructions: () => number;
  /** Programs by name. */
  readonly binaries: ReadonlyMap<string, Uint8Array>;
  readonly limits?: Partial<Limits>;
  /** Limits of the processes of one binary, where they differ. */
  readonly limitsByBinary?: ReadonlyMap<string, Partial<Limits>>;
  readonly processLimit?: number;
  readonly endpointLimits?: EndpointLimits;
  /** The session that every process of the run belongs to, and what calls may disclose of it. */
  readonly session?: SessionFacts & { readonly disclosure: number };
  /** Instructions a thread may run while others wait for their turn. */
  readonly sliceInstructions?: number;
  readonly checks?: CheckLevel;
  readonly trace?: (record: TraceRecord) => void;
}

/** What the machine does next. */
export type Step =
  | { readonly kind: "run"; readonly thread: Thread; readonly budget: number }
  | { readonly kind: "finished"; readonly exitCode: bigint; readonly reason: ExitReason }
  | { readonly kind: "deadlock"; readonly report: readonly string[] };

/** A guest may start processes that fault for ever; only so many are reported in full. */
const MAX_FAULT_RECORDS = 64;
const DEFAULT_SLICE = 100_000;

/**
 * Fields: `processes` = those alive, by id; `#current` = the thread whose turn it is, runnable and not queued;
 * `#loaded` = the thread whose registers are in the processor; `#queue` = the other runnable threads (KER-42).
 */
export class Kernel implements KernelServices {
  readonly inputs: HostInputs;
  readonly console: ConsoleSink;
  readonly mmu: Mmu;
  readonly frames: FrameAllocator;
  readonly cpu: CpuPort;
  readonly timers: TimerQueue;
  readonly sessions: CallerSessions;
  readonly sources: Sources;
  readonly processes = new Map<number, Process>();
  readonly exits: ExitRecord[] = [];
  readonly faults: FaultRecord[] = [];
  readonly memoryObjects = new Set<MemoryObject>();
  readonly framesUsedAtStart: number;
  readonly #options: KernelOptions;
  readonly #queue = new Scheduler<Thread>();
  readonly #plans = new Map<string, PlanResult>();
  #lastScopeId = 0n;
  #nextProcessId = FIRST_PROCESS_ID;
  #init: Process | undefined;
  #current: Thread | undefined;
  #loaded: Thread | undefined;
  #sliceEnd = 0;

  constructor(options: KernelOptions) {
    this.#options = options;
    this.inputs = options.inputs;
    this.console = options.console;
    this.mmu = options.mmu;
    this.frames = options.frames;
    this.cpu = options.cpu;
    this.timers = new TimerQueue(options.inputs.clock);
    this.sessions = new CallerSessions(options.session, options.inputs.entropy);
    this.sources = new Sources(options, options.inputs.clock);
    this.framesUsedAtStart = options.frames.frameCount - options.frames.freeCount;
  }

  /** Starts the first process. */
  start(init: InitRequest): SpawnResult {
    const grants: Grant[] = init.capabilities.map(([name, kernel, terms]) => ({
      name,
      interfaceId: terms?.expectedInterfaceId ?? this.sources.byName.get(kernel)?.interfaceId ?? 0n,
      badge: 0n,
      ...terms,
      mode: "raw",
      from: { kernel },
    }));
    const result = this.spawn({ name: "init", binary: init.binary, grants });
    if (result.status === "ok") this.#init = result.process;
    return result;
  }

  get init(): Process | undefined {
    return this.#init;
  }
  /** Runnable threads whose turn it is not (KER-42). */
  get ready(): readonly Thread[] {
    return this.#queue.ready;
  }
  get current(): Thread | undefined {
    return this.#current;
  }

  // --- The machine's loop ----------------------------------------------------------------------------------------

  /** Chooses who runs, waits for the clock when nobody can, and puts the registers in place. */
  next(): Step {
    const init = this.#init;
    if (init === undefined) throw new InvariantError(["KER-42 the kernel was not started"]);
    for (;;) {
      if (init.exitCode !== undefined) return this.#finish(init, init.exitCode);
      this.timers.fireDue();
      const thread = this.#choose();
      if (thread !== undefined) return this.#resume(thread);
      if (!this.timers.waitForEarliest())
        return { kind: "deadlock", report: describeWaits(this.processes.values()) };
    }
  }

  #choose(): Thread | undefined {
    const now = this.#options.instructions();
    if (this.#current !== undefined && now >= this.#sliceEnd) {
      this.#queue.enqueue(this.#current);
      this.#current = undefined;
    }
    if (this.#current !== undefined) return this.#current;
    this.#current = this.#queue.take();
    this.#sliceEnd = now + (this.#options.sliceInstructions ?? DEFAULT_SLICE);
    return this.#current;
  }

  #resume(thread: Thread): Step {
    if (this.#loaded !== thread) {
      if (this.#loaded !== undefined && !this.#loaded.exited) this.cpu.save(this.#loaded.cpuState);
      this.mmu.activate(thread.process.memory.space);
      this.cpu.load(thread.cpuState);
      this.#loaded = thread;
      this.#check();
    }
    if (thread.result !== undefined) {
      this.cpu.setResult(thread.result);
      thread.result = undefined;
    }
    return { kind: "run", thread, budget: Math.max(1, this.#sliceEnd - this.#options.instructions()) };
  }

  /** What the running thread did. */
  handle(exit: KernelExit): void {
    const thread = this.#current;
    if (thread === undefined) throw new InvariantError(["KER-42 an exit without a running thread"]);
    if (exit.kind === "syscall") {
      const value = runSyscall(this, thread, this.#listener);
      if (value !== undefined) this.cpu.setResult(value);
      else if (this.#current === thread && thread.state !== "runnable") this.#current = undefined;
    } else if (exit.kind === "fault") {
      this.#recordFault(thread, exit.fault);
      this.exitProcess(thread.process, EXIT_FAULTED, "fault");
    } else {
      this.#sliceEnd = this.#options.instructions();
    }
    this.#check();
  }

  /** Full checks: every rule of the kernel and of the memory it manages. */
  #check(): void {
    if (this.#options.checks === "full") demand([...this.brokenRules(), ...this.mmu.brokenRulesNow()]);
  }

  #finish(init: Process, exitCode: bigint): Step {
    for (const process of [...this.processes.values()])
      this.exitProcess(process, EXIT_TERMINATED, "runEnded");
    return { kind: "finished", exitCode, reason: init.exitReason ?? "exit" };
  }

  // --- Services --------------------------------------------------------------------------------------------------

  spawn(request: SpawnRequest): SpawnResult {
    const limit = this.#options.processLimit ?? LIMITS.processes;
    if (this.processes.size >= limit) {
      return { status: "overloaded", text: `${limit} processes are running, the limit` };
    }
    const plan = this.#plan(request.binary);
    if (plan === undefined) {
      return { status: "failed", text: `no binary is named ${JSON.stringify(request.binary.slice(0, 64))}` };
    }
    if (plan.status !== "ok") return { status: "failed", text: `${request.binary}: ${plan.text}` };
    const result = buildProcess(this.#spawnParts(plan.plan, request), request);
    if (result.status !== "ok") return result;
    this.#nextProcessId++;
    this.processes.set(result.process.id, result.process);
    this.#startFirstThread(result.process, plan.plan);
    return result;
  }

  #spawnParts(plan: ImagePlan, { binary }: SpawnRequest): SpawnParts {
    const { limits, limitsByBinary, endpointLimits = DEFAULT_ENDPOINT_LIMITS, session } = this.#options;
    const { mmu, frames, sources } = this;
    const terms = { endpointLimits, disclosure: session?.disclosure ?? 0, id: this.#nextProcessId };
    const own = { ...limits, ...limitsByBinary?.get(binary) };
    return { services: this, mmu, frames, sources, limits: own, ...terms, plan };
  }

  nextScopeId(): bigint {
    return ++this.#lastScopeId;
  }

  /** Plans depend on the file alone. */
  #plan(binary: string): PlanResult | undefined {
    const file = this.#options.binaries.get(binary);
    if (file === undefined) return undefined;
    const plan = this.#plans.get(binary) ?? planImage(file);
    this.#plans.set(binary, plan);
    return plan;
  }

  #startFirstThread(process: Process, plan: { entry: number; stackPointer: number; fsBase: number }): void {
    this.#startThread(process, 1, {
      rip: BigInt(plan.entry),
      rsp: BigInt(plan.stackPointer),
      rdi: BigInt(threadRingAddress(1)),
      rsi: BigInt(process.id),
      rdx: BigInt(CAPSET_ADDRESS),
      fsBase: BigInt(plan.fsBase),
    });
  }

  createThread(process: Process, request: ThreadRequest): Thread | string {
    if (!process.ledger.canCharge("threads", 1)) return process.ledger.refusal("threads", 1);
    // Ids are never used again, ring pages are: the lowest one that no live thread has.
    const taken = new Set([...process.threads.values()].map((thread) => thread.ringAddress));
    let place = 2;
    while (taken.has(threadRingAddress(place))) place++;
    const ring = threadRingAddress(place);
    const page = process.memory.addRingPage(ring, `loader: ring of thread ${process.nextThreadId} RW-`);
    if (page.status !== "ok") return page.text;
    return this.#startThread(process, place, {
      rip: request.entry,
      rsp: (request.stackTop & ~15n) - 8n,
      rdi: request.arg,
      rsi: BigInt(process.nextThreadId),
      rdx: BigInt(ring),
      fsBase: request.fsBase,
    });
  }

  /** Its ring page exists and the thread limit allows it. */
  #startThread(process: Process, place: number, entry: EntryRegisters): Thread {
    const ringAddress = threadRingAddress(place);
    const leaf = process.memory.space.query(pageOf(ringAddress));
    if (leaf === undefined) throw new InvariantError([`KER-40 thread ring ${place} has no page`]);
    process.ledger.charge("threads", 1);
    const thread = new Thread({
      id: process.nextThreadId++,
      process,
      cpuState: this.cpu.createEntryState(entry),
      ring: new Ring(this.mmu.frameBytes(leaf.frame)),
      ringAddress,
      onRunnable: (woken) => this.#queue.enqueue(woken),
    });
    process.threads.set(thread.id, thread);
    this.#queue.enqueue(thread);
    return thread;
  }

  exitThread(thread: Thread, code: bigint): void {
    if (thread.process.threads.size === 1) return this.exitProcess(thread.process, code);
    endThread(thread, code);
    this.#forget(thread);
  }

  exitProcess(process: Process, code: bigint, reason: ExitReason = "exit"): void {
    if (process.exited) return;
    const threads = [...process.threads.values()];
    endProcess(process, code, reason);
    for (const thread of threads) this.#forget(thread);
    this.processes.delete(process.id);
    const { id, name, binary } = process;
    this.exits.push({ process: id, name, binary, exitCode: code, reason });
  }

  trackMemoryObject(object: MemoryObject): void {
    for (const known of this.memoryObjects) if (known.freed) this.memoryObjects.delete(known);
    this.memoryObjects.add(object);
  }

  /** KER-31, where it could break. */
  inspectReply(object: KernelObject, outcome: CallOutcome): void {
    if (this.#options.checks !== "full" || object.interface !== FRAME_ALLOCATOR) return;
    if (outcome.kind !== "message" || outcome.caps.length === 0) return;
    const frames = [...this.memoryObjects].flatMap((each) => each.frames);
    demand(
      brokenSecrecyRules(
        outcome.bytes,
        frames.map((frame) => frame * PAGE_BYTES),
      ),
    );
  }

  #forget(thread: Thread): void {
    this.#queue.remove(thread);
    if (this.#current === thread) this.#current = undefined;
    if (this.#loaded === thread) this.#loaded = undefined;
  }

  // --- Reports ---------------------------------------------------------------------------------------------------

  #recordFault(thread: Thread, fault: KernelFault): void {
    this.cpu.save(thread.cpuState);
    if (this.faults.length < MAX_FAULT_RECORDS) this.faults.push(faultRecord(thread, fault, this.cpu.rip()));
  }

  get #listener(): CompletionListener | undefined {
    const { trace } = this.#options;
    return trace === undefined ? undefined : (submission, result) => trace(traceRecord(submission, result));
  }

  /** KER-n: everything recomputed; the broken rules, each line beginning with its id. */
  brokenRules(): string[] {
    const stores = this.sources.storage.brokenRules();
    return [...brokenKernelRules(this, { memory: true }), ...brokenLogRules(systemLogOf(this)), ...stores];
  }

  /** Everything a refused call must leave as it was, as text (KER-6). Rings and registers are not part of it. */
  digest(): string {
    const own = [
      `frames ${this.frames.freeCount}`,
      `timers ${this.timers.length}`,
      `exits ${this.exits.length}`,
      this.sources.storage.digest(),
    ];
    return [...processDigests([...this.processes.values()]), ...own].join("\n");
  }
}

const DEFAULT_ENDPOINT_LIMITS: EndpointLimits = {
  queued: LIMITS.endpointQueue,
  inFlight: LIMITS.endpointInFlight,
};
