/**
 * What the kernel needs of the processor. The machine owns the registers; the kernel keeps each thread's saved state
 * as a value it never looks into.
 */

/** Registers of a thread at its first instruction; all others are zero, RFLAGS 0x202, MXCSR 0x1f80. */
export interface EntryRegisters {
  readonly rip: bigint;
  readonly rsp: bigint;
  readonly rdi: bigint;
  readonly rsi: bigint;
  readonly rdx: bigint;
  readonly fsBase: bigint;
}

/** The registers of one thread while it is not running. Opaque to the kernel. */
export type CpuState = Uint8Array;

export interface CpuPort {
  createEntryState(entry: EntryRegisters): CpuState;
  /** Copies the registers of the running thread into `state`. */
  save(state: CpuState): void;
  load(state: CpuState): void;

  /** RAX, RDI and RSI of the running thread, as they were at its SYSCALL. */
  readSyscall(): { readonly number: bigint; readonly arg0: bigint; readonly arg1: bigint };
  /** Sets RAX of the running thread. */
  setResult(value: bigint): void;
  /** RIP of the running thread. */
  rip(): bigint;
  getFsBase(): bigint;
  setFsBase(value: bigint): void;
}
