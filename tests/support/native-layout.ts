/** The bytes that tests/native/harness.c reads and writes: offsets in a state, a case and a result. */

import {
  CODE_AREA_BYTES,
  type CpuState,
  type DataPart,
  partsBytes,
  type TestCase,
  type TestResult,
  WINDOWS,
} from "./state.ts";

export const GPR_AT = 0;
export const RIP_AT = 128;
export const RFLAGS_AT = 136;
export const XMM_AT = 144;
export const MXCSR_AT = 400;
export const FCW_AT = 404;
export const FSW_AT = 406;
export const FTW_AT = 408;
export const STACK_AT = 416;
export const STATE_BYTES = 544;

/** A case: state, number of its image, data. */
export const IMAGE_AT = STATE_BYTES;
export const CASE_DATA_AT = STATE_BYTES + 8;
/** A result: state, ending, data. */
export const CR2_AT = STATE_BYTES;
export const VECTOR_AT = STATE_BYTES + 8;
export const ERROR_CODE_AT = STATE_BYTES + 12;
export const SIGNAL_AT = STATE_BYTES + 16;
export const STRAY_AT = STATE_BYTES + 20;
export const RESULT_DATA_AT = STATE_BYTES + 24;

export const RODATA_BYTES = 64;
export const IMAGE_BYTES = CODE_AREA_BYTES + RODATA_BYTES;
export const SIGVTALRM = 26;

const MAX_PARTS = 4;
const HEADER_BYTES = 16 + 8 * MAX_PARTS;
const INT3 = 0xcc;

/** The code pages and the start of the read-only page, as the processor is to find them. */
export type Image = Uint8Array;

export function newImage(): Image {
  const image = new Uint8Array(IMAGE_BYTES);
  return image.fill(INT3, 0, CODE_AREA_BYTES);
}

/** Cases that start from the same parts of memory; they name their image by its place in the list. */
export interface Batch {
  readonly parts: readonly DataPart[];
  readonly images: readonly Image[];
  readonly count: number;
  /** `count` cases of `caseBytes(parts)` each. */
  readonly cases: Uint8Array;
}

export const caseBytes = (parts: readonly DataPart[]): number => CASE_DATA_AT + partsBytes(parts);
export const resultBytes = (parts: readonly DataPart[]): number => RESULT_DATA_AT + partsBytes(parts);

/** The header in front of images and cases. */
export function encodeHeader({ parts, images, count }: Batch): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  [count, images.length, parts.length, partsBytes(parts)].forEach((word, i) =>
    header.writeUInt32LE(word, 4 * i),
  );
  parts.flat().forEach((word, i) => header.writeUInt32LE(word, 16 + 4 * i));
  return header;
}

export function encodeState(state: CpuState, into: Buffer): void {
  state.gpr.forEach((value, i) => into.writeBigUInt64LE(value, GPR_AT + i * 8));
  into.writeBigUInt64LE(state.rip, RIP_AT);
  into.writeBigUInt64LE(state.rflags, RFLAGS_AT);
  into.set(state.xmm, XMM_AT);
  into.writeUInt32LE(state.mxcsr, MXCSR_AT);
  into.writeUInt16LE(state.x87.control, FCW_AT);
  into.writeUInt16LE(state.x87.status, FSW_AT);
  into.writeUInt32LE(state.x87.tags, FTW_AT);
  into.set(state.x87.stack, STACK_AT);
}

export function decodeState(from: Buffer): CpuState {
  return {
    gpr: Array.from({ length: 16 }, (_, i) => from.readBigUInt64LE(GPR_AT + i * 8)),
    rip: from.readBigUInt64LE(RIP_AT),
    rflags: from.readBigUInt64LE(RFLAGS_AT),
    xmm: Uint8Array.from(from.subarray(XMM_AT, XMM_AT + 256)),
    mxcsr: from.readUInt32LE(MXCSR_AT),
    x87: {
      control: from.readUInt16LE(FCW_AT),
      status: from.readUInt16LE(FSW_AT),
      tags: from.readUInt32LE(FTW_AT),
      stack: Uint8Array.from(from.subarray(STACK_AT, STACK_AT + 128)),
    },
  };
}

/** Each case with an image of its own. */
export function batchOf(tests: readonly TestCase[]): Batch {
  const size = caseBytes(WINDOWS);
  const cases = Buffer.alloc(tests.length * size);
  const images = tests.map((test, i) => {
    const into = cases.subarray(i * size, (i + 1) * size);
    encodeState(test.state, into);
    into.writeUInt32LE(i, IMAGE_AT);
    into.set(test.window, CASE_DATA_AT);
    return imageOf(test);
  });
  return { parts: WINDOWS, images, count: tests.length, cases };
}

function imageOf({ code, codeOffset, rodata }: TestCase): Image {
  const image = newImage();
  image.set(code, codeOffset);
  image.set(rodata, CODE_AREA_BYTES);
  return image;
}

export function decodeResult(from: Buffer): TestResult {
  const signal = from.readUInt32LE(SIGNAL_AT);
  return {
    state: decodeState(from),
    ending:
      signal === SIGVTALRM
        ? { kind: "timeout" }
        : {
            kind: "fault",
            vector: from.readUInt32LE(VECTOR_AT),
            errorCode: from.readUInt32LE(ERROR_CODE_AT),
            address: from.readBigUInt64LE(CR2_AT),
          },
    strayWrite: from.readUInt32LE(STRAY_AT) !== 0,
    window: Uint8Array.from(from.subarray(RESULT_DATA_AT)),
  };
}
