/**
 * Where things lie in the one linear memory: the numbers that the MMU, the engine and emitted code share.
 *
 *   byte 0          unused page, so that offset 0 is never a valid place
 *   STATE_BYTE      the state block of the running thread: engine words, then guest registers
 *   SCRATCH_BYTE    16 bytes through which slow paths pass wide values
 *   TABLES_BYTE     TLB_SLOTS flat tables, one per recently active address space
 *   FRAMES_BYTE     guest physical memory: frame f is at FRAMES_BYTE + 4096 * f
 *
 * A flat table has one int32 entry per guest page below 4 GiB:
 *
 *   entry = (host byte offset of the frame - guest address of the page) | READ | WRITE
 *
 * so that for an access with the right bit, `(entry + address) & ~3` is the host offset of the aligned word:
 * the two flag bits fall off in `>> 2`. Zero means "not cached". The high half of an address must be zero for
 * this path; other addresses take the slow path, which has a tagged cache of its own.
 */

export const STATE_BYTE = 4096;
export const STATE_BYTES = 4096;
export const SCRATCH_BYTE = STATE_BYTE + STATE_BYTES;
export const SCRATCH_WORD = SCRATCH_BYTE >> 2;

export const TLB_SLOTS = 16;
/** Entries of one flat table: guest pages below 4 GiB. */
export const TABLE_ENTRIES = 1 << 20;
export const TABLE_BYTES = TABLE_ENTRIES * 4;
export const TABLES_BYTE = 65536;

/** Flag bits of a flat-table entry: a user access of this kind is allowed. */
export const TLB_READ = 1;
export const TLB_WRITE = 2;

export const FRAMES_BYTE = TABLES_BYTE + TLB_SLOTS * TABLE_BYTES;

export const MIN_RAM_BYTES = 1 << 20;
/** Linear memory ends at 4 GiB and byte offsets stay positive int32 values below 2 GiB. */
export const MAX_RAM_BYTES = 2 ** 31 - FRAMES_BYTE;
export const DEFAULT_RAM_BYTES = 256 << 20;
