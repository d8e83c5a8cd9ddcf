/**
 * Where the guest is, as code tells a helper that may refuse: the low half of the instruction's address, and one word
 * with the high half (15 bits), how many instructions of its block came before it (7 bits), and access bits (8 bits).
 */

const HIGH_SHIFT = 15;
const COMPLETED_SHIFT = 8;
const COMPLETED_MASK = 127;
/** The `ACCESS_*` bits of the operation table. */
const ACCESS_MASK = 127;

export const packSite = (high: number, completed: number, access: number): number =>
  (high << HIGH_SHIFT) | (completed << COMPLETED_SHIFT) | access;

export const highOf = (site: number): number => site >>> HIGH_SHIFT;
export const completedOf = (site: number): number => (site >> COMPLETED_SHIFT) & COMPLETED_MASK;
export const accessOf = (site: number): number => site & ACCESS_MASK;
