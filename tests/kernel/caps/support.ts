/**
 * A kernel driven without a processor. `TestGuest.call` does what a program does: it puts parameters into its memory
 * and a submission on its ring, enters the kernel, and reads completion, message and records back.
 */

import type { Method, Struct } from "capnp-es";
import * as capnp from "capnp-es";
import { expect } from "vitest";
import { createHostInputs } from "../../../src/host-inputs.ts";
import { CQ_MASK, CQE, CQE_ARRAY_OFFSET, CQE_BYTES, RING, RING_ADDRESS } from "../../../src/kernel/abi.ts";
import { SQ_MASK, SQE, SQE_ARRAY_OFFSET, SQE_BYTES, TRANSFER_RECORD_BYTES } from "../../../src/kernel/abi.ts";
import { systemLogOf } from "../../../src/kernel/caps/log.ts";
import { pipeBehind } from "../../../src/kernel/caps/pipe.ts";
import type { CpuPort } from "../../../src/kernel/cpu-port.ts";
import { FrameAllocator } from "../../../src/kernel/frame-allocator.ts";
import type { KernelOptions } from "../../../src/kernel/kernel.ts";
import { Kernel } from "../../../src/kernel/kernel.ts";
import type { Limits } from "../../../src/kernel/ledger.ts";
import { defaultMemoryMap } from "../../../src/kernel/memory-map.ts";
import type { KernelObject } from "../../../src/kernel/object.ts";
import { brokenPipeRules } from "../../../src/kernel/objects/pipe.ts";
import type { Process } from "../../../src/kernel/objects/process.ts";
import { brokenLogRules } from "../../../src/kernel/objects/system-log.ts";
import type { Thread } from "../../../src/kernel/objects/thread.ts";
import { CapException, type ExceptionType } from "../../../src/kernel/schema/kernel.ts";
import { address, pageOf } from "../../../src/mmu/address.ts";
import { createMmu } from "../../../src/mmu/create-mmu.ts";
import { buildElf } from "../../support/elf.ts";

const RAM_BYTES = 16 << 20;
const MESSAGE_BYTES = 0x1_0000;
const PARAMS = address(0x5000_0000);
const RESULTS = address(0x6000_0000);
const RESULT_SLOTS = 16;
const PAGE = 4096;
const FILLER = 0xee;

const PROGRAM = buildElf([{ vaddr: 0x20_0000, flags: 5, bytes: [0x90, 0xc3], memoryBytes: 16 }], 0x20_0000);

export interface TestKernelOptions {
  readonly consoleInput?: readonly string[];
  readonly limits?: Partial<Limits>;
  readonly stores?: KernelOptions["stores"];
  readonly bootManifest?: Uint8Array;
}

/** The kernel with one process per `spawn`; the clock stands still unless `advance` moves it. */
export class TestKernel {
  readonly kernel: Kernel;
  readonly #output: Uint8Array[] = [];
  #instructions = 0;
  #syscall = { number: 2n, arg0: 0n, arg1: 0n };
  #spawned = 0;

  constructor({ consoleInput = [], limits = {}, ...sources }: TestKernelOptions = {}) {
    const mmu = createMmu({ ramBytes: RAM_BYTES, checks: "full" });
    const instructions = (): number => this.#instructions;
    this.kernel = new Kernel({
      mmu,
      frames: new FrameAllocator(mmu, defaultMemoryMap(RAM_BYTES)),
      inputs: createHostInputs({ clock: "virtual", seed: 1n, consoleInput, instructions }),
      console: { write: (bytes) => void this.#output.push(bytes.slice()) },
      cpu: this.#cpu(),
      instructions,
      binaries: new Map([
        ["program", PROGRAM],
        ["child-bin", PROGRAM],
      ]),
      limits,
      ...sources,
      checks: "full",
    });
  }

  #cpu(): CpuPort {
    let fsBase = 0n;
    return {
      createEntryState: () => new Uint8Array(8),
      save: () => undefined,
      load: () => undefined,
      readSyscall: () => this.#syscall,
      setResult: () => undefined,
      rip: () => 0x20_0000n,
      getFsBase: () => fsBase,
      setFsBase: (value) => void (fsBase = value),
    };
  }

  /** The first guest is init. */
  spawn(): TestGuest {
    const { kernel } = this;
    const name = `p${++this.#spawned}`;
    const request = { name, binary: "program", grants: [], capabilities: [] };
    const result = this.#spawned === 1 ? kernel.start(request) : kernel.spawn(request);
    if (result.status !== "ok") throw new Error(result.text);
    return new TestGuest(this, result.process);
  }

  /** Runs one system call of a thread that can run, giving everybody else's turn away. */
  enter(thread: Thread, number: bigint, arg0 = 0n, arg1 = 0n): void {
    this.#syscall = { number, arg0, arg1 };
    for (let step = this.kernel.next(); ; step = this.kernel.next()) {
      if (step.kind !== "run") throw new Error(`the kernel is ${step.kind}`);
      if (step.thread === thread) break;
      this.kernel.handle({ kind: "budget" });
    }
    this.kernel.handle({ kind: "syscall" });
    this.check();
  }

  /** Lets time pass and whatever is due happen. */
  advance(ns: number): void {
    this.#instructions += ns;
    this.kernel.next();
  }

  check(): void {
    const broken = [...this.kernel.brokenRules(), ...brokenLogRules(systemLogOf(this.kernel))];
    for (const { table } of this.kernel.processes.values()) {
      for (const [, { object }] of table.entries()) {
        const pipe = pipeBehind(object);
        if (pipe !== undefined) broken.push(...brokenPipeRules(pipe));
      }
    }
    expect(broken).toEqual([]);
  }

  /** What was written to the console since the last look. */
  output(): string {
    return new TextDecoder().decode(this.outputBytes());
  }
  outputBytes(): Uint8Array {
    return Uint8Array.from(this.#output.splice(0).flatMap((bytes) => [...bytes]));
  }
}

export interface CapRecord {
  readonly capId: number;
  readonly interfaceId: bigint;
}

/** A completed call. `bytes` = the message; for an exception `exception` holds what it says. */
export interface Answer<R extends Struct> {
  readonly result: number;
  readonly bytes: Uint8Array;
  readonly records: readonly CapRecord[];
  /** The message read as the method's results. */
  readonly results: R;
  readonly exception: { readonly type: ExceptionType; readonly text: string } | undefined;
}

/** A call that was submitted; `answer` is undefined while it waits. */
export interface PendingAnswer<R extends Struct> {
  readonly answer: Answer<R> | undefined;
}

export function encode<P extends Struct>(
  params: capnp.StructCtor<P>,
  fill?: (params: P) => void,
): Uint8Array {
  const root = new capnp.Message().initRoot(params);
  fill?.(root);
  return new Uint8Array(root.segment.message.toArrayBuffer());
}

const decode = <R extends Struct>(results: capnp.StructCtor<R>, bytes: Uint8Array): R =>
  new capnp.Message(bytes, false).getRoot(results);

interface Cqe {
  readonly result: number;
  readonly flags: number;
  readonly capCount: number;
}

/** A process whose first thread makes calls. */
export class TestGuest {
  readonly machine: TestKernel;
  readonly process: Process;
  readonly thread: Thread;
  readonly #completions = new Map<bigint, Cqe>();
  #userData = 0n;
  #cqHead = 0;

  constructor(machine: TestKernel, process: Process) {
    this.machine = machine;
    this.process = process;
    const [thread] = process.threads.values();
    if (thread === undefined) throw new Error("a process without a thread");
    this.thread = thread;
    this.#addBuffer(PARAMS, MESSAGE_BYTES);
    this.#addBuffer(RESULTS, RESULT_SLOTS * MESSAGE_BYTES);
  }

  #addBuffer(at: ReturnType<typeof address>, lengthBytes: number): void {
    const region = { mapping: "test buffer", first: pageOf(at), count: lengthBytes / PAGE };
    const added = this.process.memory.addFixed({ ...region, protection: "rw", contents: [], by: "test" });
    expect(added.status).toBe("ok");
  }

  /** Puts a capability into the process's table, without a call. */
  give(object: KernelObject): number {
    const id = this.process.give(object, {});
    if (typeof id === "string") throw new Error(id);
    return id;
  }

  #write(at: number, bytes: Uint8Array): void {
    expect(this.process.memory.space.copyOut(address(at), bytes)).toBeUndefined();
  }
  read(at: number, lengthBytes: number): Uint8Array {
    const bytes = this.process.memory.space.copyIn(address(at), lengthBytes);
    if (!(bytes instanceof Uint8Array)) throw new Error(`no bytes at ${at}`);
    return bytes;
  }
  #word(offset: number): number {
    return new DataView(this.read(RING_ADDRESS + offset, 4).slice().buffer).getUint32(0, true);
  }
  #setWord(offset: number, value: number): void {
    this.#write(RING_ADDRESS + offset, new Uint8Array(Uint32Array.of(value).buffer));
  }

  /** Submits a call with these parameter bytes and enters the kernel once. */
  submit(capId: number, methodId: number, params: Uint8Array, resultLength: number): bigint {
    const userData = ++this.#userData;
    const slot = this.#slot(userData);
    this.#write(PARAMS, params);
    this.#write(slot, new Uint8Array(MESSAGE_BYTES).fill(FILLER));
    const sqe = new DataView(new ArrayBuffer(SQE_BYTES));
    sqe.setUint16(SQE.methodId, methodId, true);
    sqe.setUint32(SQE.capId, capId, true);
    sqe.setBigUint64(SQE.userData, userData, true);
    sqe.setBigUint64(SQE.addr, params.length === 0 ? 0n : BigInt(PARAMS), true);
    sqe.setUint32(SQE.len, params.length, true);
    sqe.setUint32(SQE.resultLen, resultLength, true);
    sqe.setBigUint64(SQE.resultAddr, resultLength === 0 ? 0n : BigInt(slot), true);
    this.#push(sqe);
    return userData;
  }

  #slot(userData: bigint): number {
    return RESULTS + (Number(userData) % RESULT_SLOTS) * MESSAGE_BYTES;
  }

  /** Puts an entry on the ring and enters the kernel without waiting. */
  #push(sqe: DataView): void {
    const tail = this.#word(RING.sqTail);
    const at = RING_ADDRESS + SQE_ARRAY_OFFSET + (tail & SQ_MASK) * SQE_BYTES;
    this.#write(at, new Uint8Array(sqe.buffer));
    this.#setWord(RING.sqTail, tail + 1);
    this.machine.enter(this.thread, 2n);
  }

  #poll(): void {
    const tail = this.#word(RING.cqTail);
    for (; this.#cqHead < tail; this.#cqHead++) {
      const at = RING_ADDRESS + CQE_ARRAY_OFFSET + (this.#cqHead & CQ_MASK) * CQE_BYTES;
      const view = new DataView(this.read(at, CQE_BYTES).slice().buffer);
      this.#completions.set(view.getBigUint64(CQE.userData, true), {
        result: view.getInt32(CQE.result, true),
        flags: view.getUint16(CQE.flags, true),
        capCount: view.getUint16(CQE.capCount, true),
      });
    }
    this.#setWord(RING.cqHead, this.#cqHead);
  }

  /** How a submitted call ended; undefined while it waits. */
  answer<R extends Struct>(
    userData: bigint,
    resultsClass: capnp.StructCtor<R>,
    resultLength: number,
  ): Answer<R> | undefined {
    this.#poll();
    const cqe = this.#completions.get(userData);
    if (cqe === undefined) return undefined;
    const buffer = this.read(this.#slot(userData), MESSAGE_BYTES).slice();
    // Nothing is ever written behind the buffer the caller named.
    expect(buffer.subarray(resultLength).every((byte) => byte === FILLER)).toBe(true);
    const length = Math.max(0, cqe.result);
    const exception = cqe.result === -9 ? decode(CapException, buffer.subarray(0, resultLength)) : undefined;
    const bytes = buffer.subarray(0, length);
    return {
      result: cqe.result,
      bytes,
      records: readRecords(buffer.subarray(length), cqe.flags === 2 ? cqe.capCount : 0),
      get results() {
        return decode(resultsClass, bytes);
      },
      exception: exception && { type: exception.type, text: exception.message },
    };
  }

  /** A call of a schema method; it may stay open. */
  start<P extends Struct, R extends Struct>(
    capId: number,
    method: Method<P, R>,
    fill?: (params: P) => void,
    resultLength = 512,
  ): PendingAnswer<R> {
    const params = encode(method.ParamsClass, fill);
    const userData = this.submit(capId, method.methodId, params, resultLength);
    const look = (): Answer<R> | undefined => this.answer(userData, method.ResultsClass, resultLength);
    return {
      get answer() {
        return look();
      },
    };
  }

  /** A call that must complete at once. */
  call<P extends Struct, R extends Struct>(
    capId: number,
    method: Method<P, R>,
    fill?: (params: P) => void,
    resultLength = 512,
  ): Answer<R> {
    const { answer } = this.start(capId, method, fill, resultLength);
    if (answer === undefined) throw new Error(`${method.methodName} did not complete`);
    return answer;
  }

  /** Gives a capability up, by a RELEASE on the ring. */
  release(capId: number): void {
    const sqe = new DataView(new ArrayBuffer(SQE_BYTES));
    sqe.setUint8(SQE.opcode, 3);
    sqe.setUint32(SQE.capId, capId, true);
    sqe.setBigUint64(SQE.userData, ++this.#userData, true);
    this.#push(sqe);
  }

  exit(code = 0n): void {
    this.machine.enter(this.thread, 1n, code);
  }
}

function readRecords(bytes: Uint8Array, count: number): CapRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: count }, (_, i) => ({
    capId: view.getUint32(i * TRANSFER_RECORD_BYTES, true),
    interfaceId: view.getBigUint64(i * TRANSFER_RECORD_BYTES + 8, true),
  }));
}
