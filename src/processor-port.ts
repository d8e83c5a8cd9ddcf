/** The kernel's view of the processor: registers of the running thread in the state block, others as saved copies. */

import {
  FS_BASE,
  GUEST_STATE_END,
  INITIAL_WORDS,
  RAX,
  RDI,
  RDX,
  RSI,
  RSP,
  generalSlot,
} from "./frontend/guest-state.ts";
import { BUDGET, FLAGS_CODE, RIP } from "./jit/ir/state.ts";
import { flagCode } from "./jit/ir/flags.ts";
import type { CpuPort, CpuState } from "./kernel/cpu-port.ts";
import { STATE_BYTE } from "./mmu/layout.ts";
import type { Mmu } from "./mmu/mmu.ts";

/** RIP and flags lie before the engine's own words, guest registers behind them; a thread owns both runs. */
const RUNS = [
  [0, BUDGET],
  [generalSlot(0), GUEST_STATE_END],
] as const;

/** A port on the state block of the MMU's memory. */
export function createProcessorPort(mmu: Mmu): CpuPort {
  const { bytes, view } = mmu;
  const get = (offset: number): bigint => view.getBigUint64(STATE_BYTE + offset, true);
  const set = (offset: number, value: bigint): void => view.setBigUint64(STATE_BYTE + offset, value, true);
  return {
    createEntryState(entry) {
      const state = new Uint8Array(GUEST_STATE_END);
      const saved = new DataView(state.buffer);
      const put = (offset: number, value: bigint): void => saved.setBigUint64(offset, value, true);
      for (const [offset, value] of INITIAL_WORDS) saved.setInt32(offset, value, true);
      saved.setInt32(FLAGS_CODE, flagCode("bits", 8), true);
      put(RIP, entry.rip);
      put(generalSlot(RSP), entry.rsp);
      put(generalSlot(RDI), entry.rdi);
      put(generalSlot(RSI), entry.rsi);
      put(generalSlot(RDX), entry.rdx);
      put(FS_BASE, entry.fsBase);
      return state;
    },
    save(state: CpuState) {
      for (const [start, end] of RUNS) state.set(bytes.subarray(STATE_BYTE + start, STATE_BYTE + end), start);
    },
    load(state: CpuState) {
      for (const [start, end] of RUNS) bytes.set(state.subarray(start, end), STATE_BYTE + start);
    },
    readSyscall: () => ({
      number: get(generalSlot(RAX)),
      arg0: get(generalSlot(RDI)),
      arg1: get(generalSlot(RSI)),
    }),
    setResult: (value) => set(generalSlot(RAX), value),
    rip: () => get(RIP),
    getFsBase: () => get(FS_BASE),
    setFsBase: (value) => set(FS_BASE, value),
  };
}
