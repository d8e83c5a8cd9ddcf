/**
 * Where things lie in the one linear memory: the numbers that the MMU, the engine and emitted code share.
 *
 *   byte 0          unused page, so that offset 0 is never a valid place
 *   STATE_BYTE      the state block of the running thread: engine words, then guest registers
 *   SCRATCH_BYTE    16 bytes through which slow paths pass wide values
 *   CALL_CACHE_BYTE places of called functions by guest address: the engine's, see jit/call-table.ts
 *   TABLES_BYTE     TLB_SLOTS flat tables, one per recently active address space
 *   TAGS_BYTE       for each flat-table entry the same in a form that one comparison decides: a tag entry
 *   FRAMES_BYTE     guest physical memory: frame f is at FRAMES_BYTE + 4096 * f. The last KERNEL_FRAMES lie past
 *                   guest RAM: the kernel image and the page tables of the kernel half
 *
 * A flat table has one int32 entry per guest page below 4 GiB:
 *
 *   entry = (host byte offset of the frame - guest address of the page) | READ | WRITE
 *
 * so that for an access with the right bit, `(entry + address) & ~3` is the host offset of the aligned word:
 * the two flag bits fall off in `>> 2`. Zero means "not cached". The high half of an address must be zero for
 * this path; other addresses take the slow path, which has a tagged cache of its own.
 *
 * A tag entry has four int32 words: read tag, write tag, host byte offset of the frame - guest address of the page,
 * and the number of the entry's record in tlb.ts. A tag is the last address of the page, or 0 when the access is not
 * allowed, so that an access of `size` bytes at the 64-bit `address` may be made when
 *
 *   ((address + size - 1) | 4095) == tag        of the entry of `address`
 *
 * which also refuses accesses that leave the page, and addresses from 4 GiB on.
 */

export const STATE_BYTE = 4096;
export const STATE_BYTES = 4096;
export const SCRATCH_BYTE = STATE_BYTE + STATE_BYTES;
export const SCRATCH_WORD = SCRATCH_BYTE >> 2;

/** 16 bytes per entry: guest address, place in the table of functions, unused. */
export const CALL_CACHE_BYTE = 32768;
export const CALL_CACHE_ENTRIES = 2048;

export const TLB_SLOTS = 16;
/** Entries of one flat table: guest pages below 4 GiB. */
export const TABLE_ENTRIES = 1 << 20;
export const TABLE_BYTES = TABLE_ENTRIES * 4;
export const TABLES_BYTE = 65536;

/** Flag bits of a flat-table entry: a user access of this kind is allowed. */
export const TLB_READ = 1;
export const TLB_WRITE = 2;

export const TAGS_BYTE = TABLES_BYTE + TLB_SLOTS * TABLE_BYTES;
/** Bytes of a tag entry, as a shift, and the places of its words. */
export const TAG_SHIFT = 4;
export const TAG_READ = 0;
export const TAG_WRITE = 4;
export const TAG_DELTA = 8;
const TAG_RECORD = 12;

/** From the word of a flat-table entry to the first word of its tag entry. */
export const tagWord = (word: number): number => (TAGS_BYTE >> 2) + ((word - (TABLES_BYTE >> 2)) << 2);
/** From the word of a flat-table entry to the word with its record number. */
export const recordWord = (word: number): number => tagWord(word) + (TAG_RECORD >> 2);

export const FRAMES_BYTE = TAGS_BYTE + ((TLB_SLOTS * TABLE_ENTRIES) << TAG_SHIFT);
/** Word index of frame 0. */
export const FRAMES_WORD = FRAMES_BYTE >> 2;
/** Frames behind guest RAM that no frame source hands out. */
export const KERNEL_FRAMES = 16;

export const MIN_RAM_BYTES = 1 << 20;
/** Byte offsets stay positive int32 values, so linear memory ends at 2 GiB. */
export const MAX_RAM_BYTES = 2 ** 31 - FRAMES_BYTE - KERNEL_FRAMES * 4096;
export const DEFAULT_RAM_BYTES = 256 << 20;

/**
 * Word of the state block that holds the word index of the running space's flat table. It is `TABLE_WORD` of the
 * engine's state layout, which the MMU does not import; a test compares the two.
 */
export const TABLE_POINTER_WORD = (STATE_BYTE + 36) >> 2;

/**
 * Flag bits of a slow-path access, as the IR's memory operations carry them (`ACCESS_*` of its operation table; a
 * test compares them).
 */
export const ACCESS_MODIFY = 1;
export const ACCESS_STACK = 2;
export const ACCESS_ALIGNED = 4;
