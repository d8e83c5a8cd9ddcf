/** One experiment on a processor: what it starts from and what it shows. The same for every executor. */

/** Two pages of code; the page behind them is not mapped. */
export const CODE_PAGE = 0x10000000;
export const CODE_AREA_BYTES = 8192;
export const DATA_PAGES = 0x20000000;
export const RODATA_PAGE = 0x30000000;
export const DATA_BYTES = 8192;
/** Bases of FS and GS in every case. */
export const FS_BASE = DATA_PAGES + 64;
export const GS_BASE = DATA_PAGES + 4096;
const EDGE = 64;
const BORDER = 256;
/** [offset, length] in the two data pages. */
export type DataPart = readonly [offset: number, length: number];
/** The parts of the data pages that cases of single instructions fill and their results show. */
export const WINDOWS: readonly DataPart[] = [
  [0, EDGE],
  [4096 - BORDER, 2 * BORDER],
  [DATA_BYTES - EDGE, EDGE],
];
/** All of them, for programs. */
export const WHOLE: readonly DataPart[] = [[0, DATA_BYTES]];

export const partsBytes = (parts: readonly DataPart[]): number =>
  parts.reduce((sum, [, length]) => sum + length, 0);
export const WINDOW_BYTES = 2 * EDGE + 2 * BORDER;

export interface X87State {
  readonly control: number;
  readonly status: number;
  /** Bit k: physical register k is not empty. */
  readonly tags: number;
  /** ST(0) to ST(7), 80 bits each, 16 bytes apart. */
  readonly stack: Uint8Array;
}

/** The state after FNINIT. */
export const EMPTY_X87: X87State = { control: 0x37f, status: 0, tags: 0, stack: new Uint8Array(128) };

/** Physical register of ST(0). */
const topOf = (status: number): number => (status >> 11) & 7;

/** Eight registers in physical order from those in stack order, or the other way round. */
export function rotated(from: Uint8Array, status: number, toPhysical: boolean): Uint8Array {
  const into = new Uint8Array(128);
  for (let i = 0; i < 8; i++) {
    const physical = (topOf(status) + i) & 7;
    const [source, target] = toPhysical ? [i, physical] : [physical, i];
    into.set(from.subarray(16 * source, 16 * source + 10), 16 * target);
  }
  return into;
}

export interface CpuState {
  /** In encoding order: rax rcx rdx rbx rsp rbp rsi rdi r8..r15. */
  readonly gpr: readonly bigint[];
  readonly rip: bigint;
  readonly rflags: bigint;
  /** 16 registers of 16 bytes. */
  readonly xmm: Uint8Array;
  readonly mxcsr: number;
  readonly x87: X87State;
}

export interface TestCase {
  readonly state: CpuState;
  /** Placed at `CODE_PAGE + codeOffset`; the rest of the code pages is INT3. */
  readonly code: Uint8Array;
  readonly codeOffset: number;
  /** The parts of the data pages, one behind the other. */
  readonly window: Uint8Array;
  /** First 64 bytes of the read-only page. */
  readonly rodata: Uint8Array;
}

export interface TestResult {
  readonly state: CpuState;
  /** Every case ends in an exception: the INT3 behind the code (vector 3), or what the code raised. */
  readonly ending:
    | {
        readonly kind: "fault";
        readonly vector: number;
        readonly errorCode: number;
        readonly address: bigint;
      }
    | { readonly kind: "timeout" };
  /** A byte of the data pages outside the windows was written. */
  readonly strayWrite: boolean;
  readonly window: Uint8Array;
}

/** The two data pages with their parts filled. */
export function dataPages(window: Uint8Array, parts = WINDOWS): Uint8Array {
  const pages = new Uint8Array(DATA_BYTES);
  let at = 0;
  for (const [offset, length] of parts) {
    pages.set(window.subarray(at, at + length), offset);
    at += length;
  }
  return pages;
}

const ZEROS = Buffer.alloc(DATA_BYTES);

const isZero = (bytes: Uint8Array): boolean => ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;

/** The parts of the two data pages, and whether a byte outside them is not zero. */
export function windowsOf(pages: Uint8Array, parts = WINDOWS): { window: Uint8Array; strayWrite: boolean } {
  const window = new Uint8Array(partsBytes(parts));
  let strayWrite = false;
  let at = 0;
  let end = 0;
  for (const [offset, length] of parts) {
    window.set(pages.subarray(offset, offset + length), at);
    at += length;
    strayWrite ||= !isZero(pages.subarray(end, offset));
    end = offset + length;
  }
  strayWrite ||= !isZero(pages.subarray(end, DATA_BYTES));
  return { window, strayWrite };
}
