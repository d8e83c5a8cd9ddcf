/** One experiment on a processor: what it starts from and what it shows. The same for every executor. */

export const CODE_PAGE = 0x10000000;
export const DATA_PAGES = 0x20000000;
export const RODATA_PAGE = 0x30000000;
export const DATA_BYTES = 8192;
export const CODE_BYTES = 64;
const EDGE = 64;
const BORDER = 256;
/** The parts of the two data pages that cases fill and results show: [offset, length]. */
export const WINDOWS = [
  [0, EDGE],
  [4096 - BORDER, 2 * BORDER],
  [DATA_BYTES - EDGE, EDGE],
] as const;
export const WINDOW_BYTES = 2 * EDGE + 2 * BORDER;

export interface CpuState {
  /** In encoding order: rax rcx rdx rbx rsp rbp rsi rdi r8..r15. */
  readonly gpr: readonly bigint[];
  readonly rip: bigint;
  readonly rflags: bigint;
  /** 16 registers of 16 bytes. */
  readonly xmm: Uint8Array;
  readonly mxcsr: number;
}

export interface TestCase {
  readonly state: CpuState;
  /** At most 64 bytes, placed at `CODE_PAGE + codeOffset`; the rest of the page is INT3. */
  readonly code: Uint8Array;
  readonly codeOffset: number;
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

/** The two data pages with the windows filled. */
export function dataPages(window: Uint8Array): Uint8Array {
  const pages = new Uint8Array(DATA_BYTES);
  let at = 0;
  for (const [offset, length] of WINDOWS) {
    pages.set(window.subarray(at, at + length), offset);
    at += length;
  }
  return pages;
}

/** The windows of the two data pages, and whether a byte outside them is not zero. */
export function windowsOf(pages: Uint8Array): { window: Uint8Array; strayWrite: boolean } {
  const window = new Uint8Array(WINDOW_BYTES);
  const rest = pages.slice();
  let at = 0;
  for (const [offset, length] of WINDOWS) {
    window.set(pages.subarray(offset, offset + length), at);
    rest.fill(0, offset, offset + length);
    at += length;
  }
  return { window, strayWrite: rest.some((byte) => byte !== 0) };
}
