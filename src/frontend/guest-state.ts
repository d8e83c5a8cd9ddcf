/**
 * Where each x86-64 register lies in the state block: the front end's half of the layout that jit/ir/state.ts
 * begins. Everything that names a register (lifters, printer, debugger, embedding) takes its place from here.
 *
 *   GUEST_STATE   rax .. r15 in encoding order, 8 bytes each
 *   + 128         fs_base, gs_base
 *   + 144         df, id_ac (4 bytes each)
 *   + 192         xmm0 .. xmm15, 16 bytes each
 *   PINNED_START  mxcsr, the x87 unit with its eight physical registers; see state.ts
 *
 * The status flags are not a register: they are the flags value of jit/ir/flags.ts. DF, AC and ID are kept as
 * the bits they have in RFLAGS, so that a zeroed state block is a valid one.
 */

import {
  GUEST_STATE,
  MXCSR,
  PINNED_END,
  RIP,
  X87_CONTROL,
  X87_DATA_SELECTOR,
  X87_INSTRUCTION,
  X87_OPCODE,
  X87_OPERAND,
  X87_REGISTERS,
  X87_STATUS,
  X87_TAG,
} from "../jit/ir/state.ts";

export {
  MXCSR,
  X87_CONTROL,
  X87_DATA_SELECTOR,
  X87_INSTRUCTION,
  X87_OPCODE,
  X87_OPERAND,
  X87_REGISTERS,
  X87_STATUS,
  X87_TAG,
};

export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R11 = 11;

export const FS_BASE = GUEST_STATE + 128;
export const GS_BASE = GUEST_STATE + 136;
/** 0, or the bit DF. */
export const DIRECTION = GUEST_STATE + 144;
/** The bits ID and AC of RFLAGS. */
export const ID_AC = GUEST_STATE + 148;
const XMM = GUEST_STATE + 192;
/** First byte past the guest registers. */
export const GUEST_STATE_END = PINNED_END;

/** Places in RFLAGS of what is not a status flag (Intel SDM vol. 1, 3.4.3). */
export const DF = 0x400;
export const AC = 0x4_0000;
export const ID = 0x20_0000;
/** Bit 1, which is always set, and IF, which user code always finds set. */
export const RFLAGS_FIXED = 0x202;

/** Selectors that user code sees; a flat segment model has nothing else to show. */
export const USER_CS = 0x23;
export const USER_SS = 0x1b;

/** Place of a general-purpose register, by its number in encodings. */
export const generalSlot = (register: number): number => GUEST_STATE + register * 8;
/** Place of an xmm register. */
export const vectorSlot = (register: number): number => XMM + register * 16;

export const GENERAL_NAMES = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
] as const; // prettier-ignore

export interface RegisterPlace {
  readonly offset: number;
  readonly bytes: number;
}

const place = (offset: number, bytes: number): RegisterPlace => ({ offset, bytes });

/** Every register by its name in the manual, lower case. RFLAGS is composed: see `composeRflags`. */
export const REGISTERS: Readonly<Record<string, RegisterPlace>> = {
  rip: place(RIP, 8),
  ...Object.fromEntries(GENERAL_NAMES.map((name, i) => [name, place(generalSlot(i), 8)])),
  fs_base: place(FS_BASE, 8),
  gs_base: place(GS_BASE, 8),
  df: place(DIRECTION, 4),
  id_ac: place(ID_AC, 4),
  mxcsr: place(MXCSR, 4),
  fcw: place(X87_CONTROL, 4),
  fsw: place(X87_STATUS, 4),
  ftw: place(X87_TAG, 4),
  fop: place(X87_OPCODE, 4),
  fds: place(X87_DATA_SELECTOR, 4),
  fip: place(X87_INSTRUCTION, 8),
  fdp: place(X87_OPERAND, 8),
  ...Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`xmm${i}`, place(vectorSlot(i), 16)])),
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`fpr${i}`, place(X87_REGISTERS + 16 * i, 16)])),
};

/** What differs from zero at power-up: MXCSR and the x87 control word (4 bytes each). */
export const INITIAL_WORDS: readonly (readonly [offset: number, value: number])[] = [
  [MXCSR, 0x1f80],
  [X87_CONTROL, 0x37f],
];

const NAMES = new Map<number, string>(Object.entries(REGISTERS).map(([name, { offset }]) => [offset, name]));
for (const [i, name] of GENERAL_NAMES.entries()) NAMES.set(generalSlot(i) + 4, `${name}.high`);

/** The name of what lies at a byte offset of the state block, for printing. */
export const slotName = (offset: number): string => NAMES.get(offset) ?? `state+${offset}`;

/** RFLAGS from its parts: the six status flags in place, and the words DIRECTION and ID_AC. */
export const composeRflags = (status: number, direction: number, idAc: number): number =>
  status | direction | idAc | RFLAGS_FIXED;
