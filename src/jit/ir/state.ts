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
export const GUEST_STATE = 128;
