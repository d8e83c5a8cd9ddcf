/** Call operations of MMX: its registers are the significands of the physical x87 registers. */

import { X87_REGISTERS, X87_STATUS, X87_TAG } from "../state.ts";
import { action, actionImm, type Call, type CallMachine } from "./call.ts";

/** #MF (Intel SDM vol. 3A, table 6-1). */
const VECTOR_X87 = 16;
/** The summary of pending exceptions, and the top of the stack, in the status word. */
const PENDING = 0x80;
const TOP = 0x3800;

export const MMX_OPS = {
  /** Raises #MF when an x87 exception is pending: what waiting x87 instructions and MMX ones begin with. */
  "x87.check": action([]),
  /** An MMX instruction was executed: top of stack 0, no register empty. */
  "mmx.enter": action([]),
  /** The same, and MMX register `lane` gets this value; its sign and exponent become ones. */
  "mmx.set": actionImm(["lane"], ["i64"]),
  /** EMMS: top of stack 0, all registers empty. */
  "x87.empty": action([]),
} as const;

function enter({ state }: CallMachine): void {
  state.setInt32(X87_STATUS, state.getInt32(X87_STATUS, true) & ~TOP, true);
  state.setInt32(X87_TAG, 0xff, true);
}

/** Raises the exception that an earlier x87 instruction left behind. */
export function check(m: CallMachine): void {
  if ((m.state.getInt32(X87_STATUS, true) & PENDING) !== 0) m.raise(VECTOR_X87);
}

export const MMX_CALLS: { readonly [K in keyof typeof MMX_OPS]: Call } = {
  "x87.check": (m) => {
    check(m);
    return 0;
  },
  "mmx.enter": (m) => {
    enter(m);
    return 0;
  },
  "mmx.set": (m, register = 0, lo = 0, hi = 0) => {
    enter(m);
    const at = X87_REGISTERS + 16 * (register & 7);
    m.state.setInt32(at, lo, true);
    m.state.setInt32(at + 4, hi, true);
    m.state.setInt32(at + 8, 0xffff, true);
    return 0;
  },
  "x87.empty": (m) => {
    enter(m);
    m.state.setInt32(X87_TAG, 0, true);
    return 0;
  },
};
