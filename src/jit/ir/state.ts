/**
 * The engine's words of the state block, as byte offsets from its start. Guest registers begin at `GUEST_STATE`;
 * the front end says which lies where.
 */

export const RIP = 0;
/** The flags in memory: code, a, b (flags.ts). `a` and `b` take 8 bytes each. */
export const FLAGS_CODE = 8;
export const FLAGS_A = 16;
export const FLAGS_B = 24;
/** Instructions left until the unit chain must come back to the engine; may go below zero. */
export const BUDGET = 32;
/** Word index (byte offset >> 2) of the running address space's flat table in linear memory. */
export const TABLE_WORD = 36;
/** Index of the guest instruction in its unit, set before a call operation that may raise a fault. */
export const CALL_SITE = 40;
/** Guest calls that are host calls at this moment, as of the last call of `resume`. */
export const CALL_DEPTH = 44;
/** 8 bytes: address of the block whose computed jump left a function last; stored before STATUS_GO_COMPUTED. */
export const JUMP_SOURCE = 48;
export const GUEST_STATE = 128;

/**
 * The pinned part of the guest state, PINNED_START .. PINNED_END: never in locals of emitted code, always where it
 * lies, because call operations work on it (calls/call.ts). Its layout is stated here for them; the front end
 * names it like every other register.
 */
export const PINNED_START = 576;
export const MXCSR = PINNED_START;
export const X87_CONTROL = PINNED_START + 4;
/** With the top of the stack in bits 11 to 13. */
export const X87_STATUS = PINNED_START + 8;
/** Bit k: physical register k is not empty. */
export const X87_TAG = PINNED_START + 12;
/**
 * Of the last x87 instruction that is no control instruction: code selector and, in the upper half, opcode; data
 * selector; its address and that of its memory operand (8 bytes each).
 */
export const X87_OPCODE = PINNED_START + 16;
export const X87_DATA_SELECTOR = PINNED_START + 20;
export const X87_INSTRUCTION = PINNED_START + 24;
export const X87_OPERAND = PINNED_START + 32;
/** Eight physical registers of 80 bits, 16 bytes apart. MMX register k is the low half of number k. */
export const X87_REGISTERS = PINNED_START + 48;
export const PINNED_END = X87_REGISTERS + 8 * 16;
