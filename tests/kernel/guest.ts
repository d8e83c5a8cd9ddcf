/**
 * Guests without a processor: a program is a generator that yields system calls and gets RAX back. It reads and
 * writes its own memory through the MMU and its ring page as a program would.
 */

import * as capnp from "capnp-es";
import {
  CAPSET_ADDRESS,
  CQE_ARRAY_OFFSET,
  CQE_BYTES,
  CQ_MASK,
  OP,
  RING,
  SQ_MASK,
  SQE,
  SQE_ARRAY_OFFSET,
  SQE_BYTES,
  WAIT_FOREVER,
} from "../../src/kernel/abi.ts";
import type { CpuPort, CpuState, EntryRegisters } from "../../src/kernel/cpu-port.ts";
import { FrameAllocator } from "../../src/kernel/frame-allocator.ts";
import type { InitRequest, KernelOptions, Step } from "../../src/kernel/kernel.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { defaultMemoryMap } from "../../src/kernel/memory-map.ts";
import type { Thread } from "../../src/kernel/objects/thread.ts";
import type { Sqe } from "../../src/kernel/ring.ts";
import type { KernelCapSource } from "../../src/kernel/schema/kernel.ts";
import { CapException, ProcessSpawner_Spawn$Params } from "../../src/kernel/schema/kernel.ts";
import { createHostInputs } from "../../src/host-inputs.ts";
import { address } from "../../src/mmu/address.ts";
import { createMmu } from "../../src/mmu/create-mmu.ts";
import { buildElf } from "../support/elf.ts";

export interface Syscall {
  readonly number: bigint;
  readonly arg0: bigint;
  readonly arg1: bigint;
}
export type Run<T> = Generator<Syscall | "fault" | "spin", T, bigint>;
export type Program = (guest: Guest) => Run<void>;

export const DATA = 0x40_0000;
export const DATA_PAGES = 48;
const ENTRY = 0x20_0000;
const RAM_BYTES = 8 << 20;

/** A program file: one page of code, and zeroed data pages at `DATA`. */
export const PROGRAM_FILE = buildElf(
  [
    { vaddr: ENTRY, flags: 5, bytes: [0x0f, 0x0b], memoryBytes: 2 },
    { vaddr: DATA, flags: 6, bytes: [], memoryBytes: DATA_PAGES * 4096 },
  ],
  ENTRY,
);

const REGISTERS = ["rip", "rsp", "rdi", "rsi", "rdx", "fsBase", "rax"] as const;
type Registers = Record<(typeof REGISTERS)[number], bigint>;

/** Keeps the registers that the kernel can name, and nothing else. */
export class FakeCpu implements CpuPort {
  registers: Registers = { rip: 0n, rsp: 0n, rdi: 0n, rsi: 0n, rdx: 0n, fsBase: 0n, rax: 0n };

  createEntryState(entry: EntryRegisters): CpuState {
    const state = new Uint8Array(REGISTERS.length * 8);
    this.#write(state, { ...entry, rax: 0n });
    return state;
  }
  #write(state: CpuState, registers: Registers): void {
    const view = new DataView(state.buffer);
    for (const [i, name] of REGISTERS.entries()) view.setBigUint64(i * 8, registers[name], true);
  }
  save(state: CpuState): void {
    this.#write(state, this.registers);
  }
  load(state: CpuState): void {
    const view = new DataView(state.buffer);
    for (const [i, name] of REGISTERS.entries()) this.registers[name] = view.getBigUint64(i * 8, true);
  }
  readSyscall(): { number: bigint; arg0: bigint; arg1: bigint } {
    return { number: this.registers.rax, arg0: this.registers.rdi, arg1: this.registers.rsi };
  }
  setResult(value: bigint): void {
    this.registers.rax = value;
  }
  rip(): bigint {
    return this.registers.rip;
  }
  getFsBase(): bigint {
    return this.registers.fsBase;
  }
  setFsBase(value: bigint): void {
    this.registers.fsBase = value;
  }
}

/** Programs by binary name; further threads by the entry address they are started at. */
export interface Scenario {
  readonly programs: Readonly<Record<string, Program>>;
  readonly threads?: Readonly<Record<number, Program>>;
  readonly options?: Partial<KernelOptions>;
  readonly init?: Partial<InitRequest>;
}

export class TestMachine {
  readonly cpu = new FakeCpu();
  readonly kernel: Kernel;
  readonly #scenario: Scenario;
  readonly #running = new Map<Thread, Run<void>>();
  readonly printed: Uint8Array[] = [];
  instructions = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const mmu = createMmu({ ramBytes: RAM_BYTES, checks: "full" });
    this.kernel = new Kernel({
      mmu,
      frames: new FrameAllocator(mmu, defaultMemoryMap(RAM_BYTES)),
      inputs: createHostInputs({
        clock: "virtual",
        seed: 1n,
        consoleInput: [],
        instructions: () => this.instructions,
      }),
      console: { write: (bytes) => this.printed.push(bytes.slice()) },
      cpu: this.cpu,
      instructions: () => this.instructions,
      binaries: new Map(Object.keys(scenario.programs).map((name) => [name, PROGRAM_FILE])),
      checks: "full",
      ...scenario.options,
    });
  }

  get console(): string {
    return Buffer.concat(this.printed).toString();
  }

  start(): ReturnType<Kernel["start"]> {
    return this.kernel.start({ binary: "init", capabilities: [], ...this.#scenario.init });
  }

  /** Runs to the end; every rule of the kernel is checked after every exit and, with memory, at the end. */
  run(): Exclude<Step, { kind: "run" }> {
    const started = this.start();
    if (started.status !== "ok") throw new Error(started.text);
    for (let steps = 0; steps < 100_000; steps++) {
      const step = this.kernel.next();
      if (step.kind !== "run") {
        const broken = this.kernel.brokenRules();
        if (broken.length > 0) throw new Error(broken.join("\n"));
        return step;
      }
      this.#advance(step.thread, step.budget);
    }
    throw new Error("the scenario does not end");
  }

  #advance(thread: Thread, budget: number): void {
    let program = this.#running.get(thread);
    if (program === undefined) {
      program = this.#programOf(thread)(new Guest(this, thread));
      this.#running.set(thread, program);
    }
    const { value, done } = program.next(this.cpu.registers.rax);
    this.instructions += value === "spin" ? budget : 1;
    if (value === "spin") return this.kernel.handle({ kind: "budget" });
    if (value === "fault") return this.kernel.handle({ kind: "fault", fault: { vector: 6, errorCode: 0 } });
    const syscall = done === true ? { number: 1n, arg0: 0n, arg1: 0n } : value;
    if (syscall === undefined) throw new Error("a program yielded nothing");
    this.cpu.registers.rax = syscall.number;
    this.cpu.registers.rdi = syscall.arg0;
    this.cpu.registers.rsi = syscall.arg1;
    this.kernel.handle({ kind: "syscall" });
  }

  #programOf(thread: Thread): Program {
    const { programs, threads } = this.#scenario;
    const program = thread.id === 1 ? programs[thread.process.binary] : threads?.[Number(this.cpu.rip())];
    if (program === undefined)
      throw new Error(`no program for thread ${thread.id} of ${thread.process.binary}`);
    return program;
  }
}

export interface GuestCqe {
  readonly userData: bigint;
  readonly result: number;
  readonly flags: number;
  readonly capCount: number;
  readonly badge: bigint;
  readonly callId: number;
}

export interface CallRequest {
  readonly cap: number;
  readonly method?: number;
  readonly params?: Uint8Array;
  readonly resultLen?: number;
  readonly transfers?: readonly { readonly cap: number; readonly mode?: number }[];
  readonly sqe?: Partial<Sqe>;
}
export interface CallResult extends GuestCqe {
  readonly bytes: Uint8Array;
}

export class Guest {
  readonly machine: TestMachine;
  readonly thread: Thread;
  readonly ring: number;
  /** Registers at the first instruction. */
  readonly entry: Registers;
  #userData = 0n;
  #heap = DATA;

  constructor(machine: TestMachine, thread: Thread) {
    this.machine = machine;
    this.thread = thread;
    this.entry = { ...machine.cpu.registers };
    this.ring = Number(thread.id === 1 ? this.entry.rdi : this.entry.rdx);
    if (thread.id !== 1) this.#heap = DATA + thread.id * 0x4000;
  }

  // --- Memory ----------------------------------------------------------------------------------------------------

  write(at: number, bytes: Uint8Array): void {
    const done = this.thread.process.memory.space.copyOut(address(at), bytes);
    if (done !== undefined) throw new Error(`the test guest may not write ${at.toString(16)}`);
  }
  read(at: number, length: number): Uint8Array {
    const bytes = this.thread.process.memory.space.copyIn(address(at), length);
    if (!(bytes instanceof Uint8Array)) throw new Error(`the test guest may not read ${at.toString(16)}`);
    return bytes;
  }
  u32(at: number): number {
    const bytes = this.read(at, 4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }
  setU32(at: number, value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.write(at, bytes);
  }
  /** Fresh buffer space, 16-byte aligned; starts over when the data pages are used up. */
  allocate(length: number): number {
    const size = Math.ceil(length / 16) * 16;
    if (this.#heap + size > DATA + DATA_PAGES * 4096) this.#heap = DATA;
    const at = this.#heap;
    this.#heap += size;
    return at;
  }

  // --- CapSet ----------------------------------------------------------------------------------------------------

  capSet(): { name: string; id: number; interfaceId: bigint }[] {
    const bytes = this.read(CAPSET_ADDRESS, 4096);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return Array.from({ length: view.getUint32(12, true) }, (_, i) => {
      const at = 16 + i * 48;
      const length = view.getUint32(at + 4, true);
      return {
        name: Buffer.from(bytes.subarray(at + 16, at + 16 + length)).toString(),
        id: view.getUint32(at, true),
        interfaceId: view.getBigUint64(at + 8, true),
      };
    });
  }
  cap(name: string): number {
    const found = this.capSet().find((entry) => entry.name === name);
    if (found === undefined) throw new Error(`no capability ${name}`);
    return found.id;
  }

  // --- Ring ------------------------------------------------------------------------------------------------------

  /** Puts a submission at the tail; its user data. */
  submit(sqe: Partial<Sqe>): bigint {
    const userData = sqe.userData ?? ++this.#userData;
    const bytes = new Uint8Array(SQE_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint8(SQE.opcode, sqe.opcode ?? OP.nop);
    view.setUint8(SQE.flags, sqe.flags ?? 0);
    view.setUint16(SQE.methodId, sqe.methodId ?? 0, true);
    view.setUint32(SQE.capId, sqe.capId ?? 0, true);
    view.setBigUint64(SQE.userData, userData, true);
    view.setBigUint64(SQE.addr, sqe.addr ?? 0n, true);
    view.setUint32(SQE.len, sqe.len ?? 0, true);
    view.setUint32(SQE.resultLen, sqe.resultLen ?? 0, true);
    view.setBigUint64(SQE.resultAddr, sqe.resultAddr ?? 0n, true);
    view.setBigUint64(SQE.pipelineDep, sqe.pipelineDep ?? 0n, true);
    view.setUint16(SQE.pipelineField, sqe.pipelineField ?? 0, true);
    view.setUint16(SQE.xferCapCount, sqe.xferCapCount ?? 0, true);
    view.setUint32(SQE.callId, sqe.callId ?? 0, true);
    view.setBigUint64(SQE.sessionDisclosure, sqe.sessionDisclosure ?? 0n, true);
    const tail = this.u32(this.ring + RING.sqTail);
    this.write(this.ring + SQE_ARRAY_OFFSET + (tail & SQ_MASK) * SQE_BYTES, bytes);
    this.setU32(this.ring + RING.sqTail, (tail + 1) >>> 0);
    return userData;
  }

  /** The next completion, or undefined when the queue is empty. */
  take(): GuestCqe | undefined {
    const head = this.u32(this.ring + RING.cqHead);
    if (head === this.u32(this.ring + RING.cqTail)) return undefined;
    const bytes = this.read(this.ring + CQE_ARRAY_OFFSET + (head & CQ_MASK) * CQE_BYTES, CQE_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    this.setU32(this.ring + RING.cqHead, (head + 1) >>> 0);
    return {
      userData: view.getBigUint64(0, true),
      result: view.getInt32(8, true),
      flags: view.getUint16(12, true),
      capCount: view.getUint16(14, true),
      badge: view.getBigUint64(16, true),
      callId: view.getUint32(24, true),
    };
  }
  takeAll(): GuestCqe[] {
    const all: GuestCqe[] = [];
    for (let cqe = this.take(); cqe !== undefined; cqe = this.take()) all.push(cqe);
    return all;
  }

  *syscall(number: bigint, arg0 = 0n, arg1 = 0n): Run<bigint> {
    return yield { number, arg0, arg1 };
  }
  *enter(minComplete = 0, timeoutNs = 0n): Run<bigint> {
    return yield* this.syscall(2n, BigInt(minComplete), timeoutNs);
  }
  *exit(code: bigint): Run<void> {
    yield* this.syscall(1n, BigInt.asUintN(64, code));
    throw new Error("exit returned");
  }
  /** One submission, one wait, one completion. */
  *complete(sqe: Partial<Sqe>): Run<GuestCqe> {
    const userData = this.submit(sqe);
    yield* this.enter(1, WAIT_FOREVER);
    const cqe = this.take();
    if (cqe === undefined || cqe.userData !== userData) throw new Error("another completion came first");
    return cqe;
  }

  /** Writes params, descriptors and a result buffer; the submission for the call. */
  prepare(request: CallRequest): { sqe: Partial<Sqe>; resultAt: number } {
    const { cap, method = 0, params = new Uint8Array(0), resultLen = 512, transfers = [] } = request;
    const resultAt = this.allocate(resultLen);
    this.write(resultAt, new Uint8Array(resultLen));
    const at = this.allocate(params.length + 4 + transfers.length * 8);
    // Descriptors follow the params directly and must be 4-aligned: pad in front.
    const start = at + ((4 - (params.length % 4)) % 4);
    this.write(start, params);
    for (const [i, transfer] of transfers.entries()) {
      this.setU32(start + params.length + i * 8, transfer.cap);
      this.setU32(start + params.length + i * 8 + 4, transfer.mode ?? 1);
    }
    const sqe: Partial<Sqe> = {
      opcode: OP.call,
      capId: cap,
      methodId: method,
      addr: BigInt(start),
      len: params.length,
      resultAddr: BigInt(resultAt),
      resultLen,
      xferCapCount: transfers.length,
      ...request.sqe,
    };
    return { sqe, resultAt };
  }
  *call(request: CallRequest): Run<CallResult> {
    const { sqe, resultAt } = this.prepare(request);
    const cqe = yield* this.complete(sqe);
    return { ...cqe, bytes: this.read(resultAt, request.resultLen ?? 512) };
  }
  *recv(cap: number, resultLen = 512): Run<CallResult> {
    return yield* this.call({ cap, resultLen, sqe: { opcode: OP.recv, addr: 0n } });
  }
  *reply(cap: number, callId: number, payload: Uint8Array, more: Partial<CallRequest> = {}): Run<GuestCqe> {
    const { sqe } = this.prepare({ cap, params: payload, resultLen: 0, ...more });
    return yield* this.complete({ ...sqe, opcode: OP.return, resultAddr: 0n, callId });
  }
  *release(cap: number): Run<number> {
    return (yield* this.complete({ opcode: OP.release, capId: cap })).result;
  }
}

// --- Messages ------------------------------------------------------------------------------------------------------

/** A message with a root struct, filled by `set`. */
export function message<T extends capnp.Struct>(
  type: capnp.StructCtor<T>,
  set: (root: T) => void = () => undefined,
): Uint8Array {
  const built = new capnp.Message();
  set(built.initRoot(type));
  return new Uint8Array(built.toArrayBuffer());
}
/** The params of a method without parameters. */
export const EMPTY = new Uint8Array(Buffer.from("0000000001000000fcffffff00000000", "hex"));

/** The root of a result message. */
export function parse<T extends capnp.Struct>(type: capnp.StructCtor<T>, bytes: Uint8Array): T {
  return new capnp.Message(bytes, false).getRoot(type);
}

/** A grant as `spawn` sends it. */
export interface GrantFacts {
  readonly name: string;
  readonly interfaceId: bigint;
  readonly capId?: number;
  /** Raw, clientEndpoint, move or serviceObject. */
  readonly mode?: 0 | 1 | 2 | 3;
  readonly badge?: bigint;
  /** A kernel source; otherwise `capId` counts. */
  readonly kernel?: KernelCapSource;
}
export function spawnParams(binary: string, grants: readonly GrantFacts[] = [], name = binary): Uint8Array {
  return message(ProcessSpawner_Spawn$Params, (root) => {
    root.name = name;
    root.binaryName = binary;
    const list = root._initGrants(grants.length);
    for (const [i, facts] of grants.entries()) {
      const grant = list.get(i);
      grant.name = facts.name;
      grant.interfaceId = facts.interfaceId;
      grant.capId = facts.capId ?? 0;
      grant.mode = facts.mode ?? 0;
      grant.badge = facts.badge ?? 0n;
      if (facts.kernel !== undefined) grant._initSource().kernel = facts.kernel;
    }
  });
}
/** What an exception result says. */
export function exception(result: CallResult): { type: number; text: string } {
  if (result.result !== -9) throw new Error(`the call ended with ${result.result}`);
  const { type, message: text } = parse(CapException, result.bytes);
  return { type, text };
}

/** The record at this index behind a result. */
export function record(result: CallResult, index: number): { capId: number; interfaceId: bigint } {
  const view = new DataView(result.bytes.buffer, result.bytes.byteOffset);
  const at = result.result + index * 16;
  return { capId: view.getUint32(at, true), interfaceId: view.getBigUint64(at + 8, true) };
}
