/** The reference evaluator as an executor of experiments: lifts one block after the other, translates nothing. */

import { vectorSlot, X87_REGISTERS } from "../../src/frontend/guest-state.ts";
import { createLifter, type LifterOptions } from "../../src/frontend/lift/block.ts";
import { evaluate } from "../../src/jit/ir/evaluate.ts";
import type { MemoryFault } from "../../src/jit/ir/meaning.ts";
import { ACCESS_ALIGNED, ACCESS_MODIFY, ACCESS_STACK } from "../../src/jit/ir/ops.ts";
import { address as guestAddress } from "../../src/mmu/address.ts";
import { Cpu } from "./asm.ts";
import type { Executor } from "./emitted.ts";
import { SimpleMachine, SimpleMemory } from "./evaluator.ts";
import {
  CODE_AREA_BYTES,
  CODE_PAGE,
  DATA_BYTES,
  DATA_PAGES,
  dataPages,
  type DataPart,
  FS_BASE,
  GS_BASE,
  RODATA_PAGE,
  rotated,
  type TestCase,
  type TestResult,
  WINDOWS,
  windowsOf,
} from "./state.ts";

const PAGE = 4096;
const MAX_BLOCKS = 5000;
const VECTOR_STACK = 12;
const VECTOR_PROTECTION = 13;
const VECTOR_PAGE = 14;
const DF = 0x400n;
const ID_AC = 0x24_0000n;
const RFLAGS_FIXED = 0x202n;

interface Fault extends MemoryFault {
  readonly address: bigint;
}

/** Error code of a refused user access (Intel SDM vol. 3A, 4.7): present, write, user. */
const pageFault = (address: bigint, present: boolean, write: boolean): Fault => ({
  vector: VECTOR_PAGE,
  errorCode: (present ? 1 : 0) | (write ? 2 : 0) | 4,
  address,
});

const isCode = (page: number): boolean => page >= CODE_PAGE && page < CODE_PAGE + CODE_AREA_BYTES;

const canonical = (address: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(48, address)) === address;

/** The pages of an experiment, which fault as those of a process do. */
class Pages extends SimpleMemory {
  readonly code = new Uint8Array(CODE_AREA_BYTES).fill(0xcc);
  readonly #data: Uint8Array;
  readonly #rodata = new Uint8Array(PAGE);

  constructor(test: TestCase, parts: readonly DataPart[]) {
    super((address, write) => this.#refusal(address, write));
    this.code.set(test.code, test.codeOffset);
    this.#data = dataPages(test.window, parts);
    this.#rodata.set(test.rodata);
  }

  override read(address: bigint): number {
    const written = this.bytes.get(address);
    if (written !== undefined) return written;
    const at = Number(address);
    if (at >= DATA_PAGES && at < DATA_PAGES + DATA_BYTES) return this.#data[at - DATA_PAGES] ?? 0;
    return (at >= RODATA_PAGE ? this.#rodata[at - RODATA_PAGE] : this.code[at - CODE_PAGE]) ?? 0;
  }

  get dataAfter(): Uint8Array {
    const data = this.#data.slice();
    for (const [address, byte] of this.bytes) data[Number(address) - DATA_PAGES] = byte;
    return data;
  }

  #refusal(address: bigint, write: boolean): Fault | undefined {
    const page = Number(address >> 12n) * PAGE;
    if (page >= DATA_PAGES && page < DATA_PAGES + DATA_BYTES) return undefined;
    const readable = isCode(page) || page === RODATA_PAGE;
    if (readable && !write) return undefined;
    const upper = address >> 47n !== 0n;
    return pageFault(address, readable || upper, write);
  }
}

/** Adds what a processor checks before it looks at pages: canonical addresses, and alignment. */
class PagedMachine extends SimpleMachine {
  override load(address: bigint, bytes: number, access: number): bigint | MemoryFault {
    return (
      this.#refusal(address, bytes, access, (access & ACCESS_MODIFY) !== 0) ??
      super.load(address, bytes, access & ~ACCESS_ALIGNED)
    );
  }

  override store(address: bigint, bytes: number, value: bigint, access: number): MemoryFault | undefined {
    return (
      this.#refusal(address, bytes, access, true) ??
      super.store(address, bytes, value, access & ~ACCESS_ALIGNED)
    );
  }

  override probeWrite(address: bigint, bytes: number, access: number): MemoryFault | undefined {
    return this.#refusal(address, bytes, access, true);
  }

  #refusal(address: bigint, bytes: number, access: number, write: boolean): MemoryFault | undefined {
    const last = BigInt.asUintN(64, address + BigInt(bytes - 1));
    const stack = (access & ACCESS_STACK) !== 0;
    // Alignment counts first: a misaligned stack address that is not canonical is #GP, not #SS.
    if ((access & ACCESS_ALIGNED) !== 0 && (address & 15n) !== 0n)
      return { vector: VECTOR_PROTECTION, errorCode: 0 };
    if (!canonical(address) || !canonical(last))
      return { vector: stack ? VECTOR_STACK : VECTOR_PROTECTION, errorCode: 0 };
    return this.memory.faultOf(address, bytes, write);
  }
}

function loadState(cpu: Cpu, { state }: TestCase): void {
  state.gpr.forEach((value, i) => cpu.setGeneral(i, value));
  cpu.flags = Number(state.rflags);
  cpu.set("df", state.rflags & DF).set("id_ac", state.rflags & ID_AC);
  cpu.set("fs_base", BigInt(FS_BASE)).set("gs_base", BigInt(GS_BASE));
  cpu.set("mxcsr", BigInt(state.mxcsr));
  const { control, status, tags, stack } = state.x87;
  cpu.set("fcw", BigInt(control)).set("fsw", BigInt(status)).set("ftw", BigInt(tags));
  cpu.state.set(rotated(stack, status, true), X87_REGISTERS);
  for (let i = 0; i < 16; i++) cpu.setVector(i, state.xmm.slice(i * 16, i * 16 + 16));
}

function saveState(cpu: Cpu, rip: bigint): TestResult["state"] {
  const xmm = new Uint8Array(256);
  for (let i = 0; i < 16; i++) xmm.set(cpu.state.subarray(vectorSlot(i), vectorSlot(i) + 16), i * 16);
  return {
    gpr: Array.from({ length: 16 }, (_, i) => cpu.general(i)),
    rip,
    rflags: BigInt(cpu.flags) | cpu.get("df") | cpu.get("id_ac") | RFLAGS_FIXED,
    xmm,
    mxcsr: Number(cpu.get("mxcsr")),
    x87: {
      control: Number(cpu.get("fcw")),
      status: Number(cpu.get("fsw")),
      tags: Number(cpu.get("ftw")),
      stack: rotated(cpu.state.subarray(X87_REGISTERS, X87_REGISTERS + 128), Number(cpu.get("fsw")), false),
    },
  };
}

type Ending = TestResult["ending"];

/** Runs block after block until one faults. */
function runToEnd(cpu: Cpu, pages: Pages, start: bigint, options: LifterOptions): [Ending, bigint] {
  const lift = createLifter(options);
  let rip = start;
  for (let count = 0; count < MAX_BLOCKS; count++) {
    const fetch = fetchFault(rip);
    if (fetch !== undefined) return [{ kind: "fault", ...fetch }, rip];
    const page = (Number(rip) - CODE_PAGE) & -PAGE;
    const following = page + PAGE < CODE_AREA_BYTES ? pages.code.subarray(page + PAGE) : undefined;
    const source = { page: pages.code.subarray(page, page + PAGE), next: () => following };
    const block = lift(guestAddress(Number(rip)), source, 64);
    if ("kind" in block) {
      return [{ kind: "fault", vector: VECTOR_PAGE, errorCode: 0x14, address: BigInt(block.address) }, rip];
    }
    const machine = new PagedMachine(cpu.state, pages);
    const exit = evaluate(block, machine);
    rip = exit.rip;
    if (exit.kind !== "fault") continue;
    const { vector, errorCode } = exit.fault;
    const address = "address" in exit.fault ? (exit.fault as Fault).address : 0n;
    return [{ kind: "fault", vector, errorCode, address }, rip];
  }
  return [{ kind: "timeout" }, rip];
}

function fetchFault(rip: bigint): Fault | undefined {
  const page = rip >> 12n;
  if (isCode(Number(page) * PAGE)) return undefined;
  if (!canonical(rip)) return { vector: VECTOR_PROTECTION, errorCode: 0, address: 0n };
  const present = [DATA_PAGES, DATA_PAGES + PAGE, RODATA_PAGE].some((at) => BigInt(at) >> 12n === page);
  const upper = rip >> 47n !== 0n;
  return { vector: VECTOR_PAGE, errorCode: 0x14 | (present || upper ? 1 : 0), address: rip };
}

/** Runs cases on the evaluator; slow, and independent of everything that is emitted. */
export function evaluatedExecutor(
  options: LifterOptions = {},
  parts: readonly DataPart[] = WINDOWS,
): Executor {
  return {
    run(test) {
      const pages = new Pages(test, parts);
      const cpu = new Cpu(pages);
      loadState(cpu, test);
      const [ending, rip] = runToEnd(cpu, pages, test.state.rip, options);
      return { ending, state: saveState(cpu, rip), ...windowsOf(pages.dataAfter, parts) };
    },
  };
}
