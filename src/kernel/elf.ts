/**
 * Reads an ELF file as capOS does: 64-bit little-endian x86-64, statically linked, type EXEC. The bytes are
 * hostile: every number is checked before it is used, in the published order, and the first broken rule decides
 * the refusal. What is laid over what in memory is the loader's business, not ours.
 */

import { hex, PAGE_BYTES, USER_END } from "../mmu/address.ts";

const HEADER_BYTES = 64;
const ENTRY_BYTES = 56;
const MACHINE_X86_64 = 0x3e;
const TYPE_EXEC = 2;
const TYPE_LOAD = 1;
const TYPE_TLS = 7;
const U64_END = 1n << 64n;
const USER_END_BIG = BigInt(USER_END);

/** Segment flag bits. */
export const SEGMENT_EXECUTE = 1;
export const SEGMENT_WRITE = 2;
export const SEGMENT_READ = 4;

/** A PT_LOAD header. All numbers are exact: addresses below 2^47, file ranges inside the file. */
export interface ElfSegment {
  /** Place in the program header table, as `readelf` counts. */
  readonly index: number;
  readonly vaddr: number;
  readonly offset: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly flags: number;
}

/** The PT_TLS header. Linkers of stable Rust write one that is all zero. */
export interface ElfTls {
  readonly vaddr: number;
  readonly offset: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  /** 0 or a power of two, up to 2^63. */
  readonly align: number;
}

export interface ElfImage {
  readonly entry: number;
  /** Sorted by address; no two share a page. */
  readonly segments: readonly ElfSegment[];
  readonly tls: ElfTls | undefined;
}

export type ElfErrorKind =
  | "fileTooSmall"
  | "badMagic"
  | "notElf64"
  | "notLittleEndian"
  | "badVersion"
  | "notX86_64"
  | "notExecutable"
  | "programHeaderEntryTooSmall"
  | "programHeadersOverflow"
  | "programHeadersOutOfBounds"
  | "segmentPageOffsetMismatch"
  | "segmentAlignment"
  | "segmentOutsideUserHalf"
  | "segmentFileOverflow"
  | "segmentFileOutOfBounds"
  | "segmentMemorySmallerThanFile"
  | "multipleTls"
  | "tlsOutsideUserHalf"
  | "tlsFileOverflow"
  | "tlsFileOutOfBounds"
  | "tlsMemorySmallerThanFile"
  | "tlsAlignment"
  | "noLoadSegment"
  | "overlappingSegments"
  | "entryOutsideUserHalf"
  | "entryNotExecutable";

export interface ElfRefusal {
  readonly status: "refused";
  readonly kind: ElfErrorKind;
  /** One line: what is wrong, and where. */
  readonly text: string;
}

export type ElfResult = { readonly status: "ok"; readonly image: ElfImage } | ElfRefusal;

const refuse = (kind: ElfErrorKind, text: string): ElfRefusal => ({ status: "refused", kind, text });

/** One program header, nothing checked yet. */
interface RawHeader {
  readonly index: number;
  readonly type: number;
  readonly flags: number;
  readonly offset: bigint;
  readonly vaddr: bigint;
  readonly fileSize: bigint;
  readonly memorySize: bigint;
  readonly align: bigint;
}

export function parseElf(file: Uint8Array): ElfResult {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const refused = checkIdent(file, view) ?? checkHeaderTable(view);
  if (refused !== undefined) return refused;

  const loads: ElfSegment[] = [];
  let tls: ElfTls | undefined;
  for (const header of programHeaders(view)) {
    if (header.type === TYPE_LOAD) {
      const bad = checkLoad(header, file.length);
      if (bad !== undefined) return bad;
      loads.push(segmentOf(header));
    } else if (header.type === TYPE_TLS) {
      if (tls !== undefined) return refuse("multipleTls", `program header ${header.index}: a second PT_TLS`);
      const bad = checkTls(header, file.length);
      if (bad !== undefined) return bad;
      tls = { ...segmentOf(header), align: Number(header.align) };
    }
  }
  return checkWhole(loads, tls, view.getBigUint64(24, true));
}

function checkIdent(file: Uint8Array, view: DataView): ElfRefusal | undefined {
  if (file.length < HEADER_BYTES) {
    return refuse("fileTooSmall", `${file.length} bytes are too few for an ELF header (${HEADER_BYTES})`);
  }
  if (view.getUint32(0, false) !== 0x7f45_4c46) {
    return refuse("badMagic", `not an ELF file: it begins with ${hex(view.getUint32(0, false))}`);
  }
  const [elfClass, data, version] = [file[4], file[5], file[6]];
  if (elfClass !== 2) return refuse("notElf64", `ELF class ${elfClass}, only 2 (64-bit) runs`);
  if (data !== 1) return refuse("notLittleEndian", `ELF data encoding ${data}, only 1 (little-endian) runs`);
  if (version !== 1) return refuse("badVersion", `ELF version ${version}, only 1 is known`);
  const machine = view.getUint16(18, true);
  if (machine !== MACHINE_X86_64) {
    return refuse("notX86_64", `ELF machine ${hex(machine)}, only ${hex(MACHINE_X86_64)} (x86-64) runs`);
  }
  const type = view.getUint16(16, true);
  if (type === TYPE_EXEC) return undefined;
  const why = type === 3 ? " (position-independent or shared; link with -no-pie)" : "";
  return refuse("notExecutable", `ELF type ${type}${why}, only ${TYPE_EXEC} (EXEC) runs`);
}

function checkHeaderTable(view: DataView): ElfRefusal | undefined {
  const entryBytes = view.getUint16(54, true);
  if (entryBytes < ENTRY_BYTES) {
    return refuse(
      "programHeaderEntryTooSmall",
      `program headers of ${entryBytes} bytes, at least ${ENTRY_BYTES} needed`,
    );
  }
  const start = view.getBigUint64(32, true);
  const end = start + BigInt(view.getUint16(56, true) * entryBytes);
  if (end >= U64_END) {
    return refuse("programHeadersOverflow", `program headers at ${hex(start)} end past 2^64`);
  }
  if (end <= BigInt(view.byteLength)) return undefined;
  return refuse(
    "programHeadersOutOfBounds",
    `program headers ${hex(start)}..${hex(end)} end past the end of the file (${hex(view.byteLength)} bytes)`,
  );
}

function* programHeaders(view: DataView): IterableIterator<RawHeader> {
  const start = Number(view.getBigUint64(32, true));
  const stride = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  for (let index = 0; index < count; index++) {
    const at = start + index * stride;
    yield {
      index,
      type: view.getUint32(at, true),
      flags: view.getUint32(at + 4, true),
      offset: view.getBigUint64(at + 8, true),
      vaddr: view.getBigUint64(at + 16, true),
      fileSize: view.getBigUint64(at + 32, true),
      memorySize: view.getBigUint64(at + 40, true),
      align: view.getBigUint64(at + 48, true),
    };
  }
}

const isPowerOfTwoOrZero = (value: bigint): boolean => (value & (value - 1n)) === 0n || value === 0n;
const inUserHalf = ({ vaddr, memorySize }: RawHeader): boolean =>
  vaddr < USER_END_BIG && memorySize <= USER_END_BIG - vaddr;

const memoryRange = ({ vaddr, memorySize }: RawHeader): string => `${hex(vaddr)}+${hex(memorySize)}`;

/** Whether the file range is inside the file; the refusal's ending when not. */
function fileFault(header: RawHeader, fileBytes: number): ["Overflow" | "OutOfBounds", string] | undefined {
  const end = header.offset + header.fileSize;
  const range = `file range ${hex(header.offset)}+${hex(header.fileSize)}`;
  if (end >= U64_END) return ["Overflow", `${range} ends past 2^64`];
  if (end <= BigInt(fileBytes)) return undefined;
  return ["OutOfBounds", `${range} is past the end of the file (${hex(fileBytes)} bytes)`];
}

function checkLoad(header: RawHeader, fileBytes: number): ElfRefusal | undefined {
  const at = `segment ${header.index}`;
  const page = BigInt(PAGE_BYTES);
  if (header.vaddr % page !== header.offset % page) {
    return refuse(
      "segmentPageOffsetMismatch",
      `${at}: address ${hex(header.vaddr)} and file offset ${hex(header.offset)} differ within the page`,
    );
  }
  if (!isPowerOfTwoOrZero(header.align)) {
    return refuse("segmentAlignment", `${at}: alignment ${hex(header.align)} is no power of two`);
  }
  if (!inUserHalf(header)) {
    return refuse("segmentOutsideUserHalf", `${at}: ${memoryRange(header)} is outside the user half`);
  }
  const fault = fileFault(header, fileBytes);
  if (fault !== undefined) return refuse(`segmentFile${fault[0]}`, `${at}: ${fault[1]}`);
  if (header.memorySize >= header.fileSize) return undefined;
  return refuse(
    "segmentMemorySmallerThanFile",
    `${at}: memory size ${hex(header.memorySize)} is below file size ${hex(header.fileSize)}`,
  );
}

function checkTls(header: RawHeader, fileBytes: number): ElfRefusal | undefined {
  const at = `TLS segment ${header.index}`;
  if (!inUserHalf(header)) {
    return refuse("tlsOutsideUserHalf", `${at}: ${memoryRange(header)} is outside the user half`);
  }
  const fault = fileFault(header, fileBytes);
  if (fault !== undefined) return refuse(`tlsFile${fault[0]}`, `${at}: ${fault[1]}`);
  if (header.memorySize < header.fileSize) {
    return refuse(
      "tlsMemorySmallerThanFile",
      `${at}: memory size ${hex(header.memorySize)} is below file size ${hex(header.fileSize)}`,
    );
  }
  if (isPowerOfTwoOrZero(header.align)) return undefined;
  return refuse("tlsAlignment", `${at}: alignment ${hex(header.align)} is no power of two`);
}

const segmentOf = (header: RawHeader): ElfSegment => ({
  index: header.index,
  vaddr: Number(header.vaddr),
  offset: Number(header.offset),
  fileBytes: Number(header.fileSize),
  memoryBytes: Number(header.memorySize),
  flags: header.flags,
});

const pageDown = (address: number): number => Math.floor(address / PAGE_BYTES) * PAGE_BYTES;
const pageUp = (address: number): number => Math.ceil(address / PAGE_BYTES) * PAGE_BYTES;

function checkWhole(loads: ElfSegment[], tls: ElfTls | undefined, entry: bigint): ElfResult {
  if (loads.length === 0) return refuse("noLoadSegment", "no PT_LOAD segment: there is nothing to run");
  const segments = loads.sort((a, b) => a.vaddr - b.vaddr);
  for (const [i, upper] of segments.entries()) {
    const lower = segments[i - 1];
    if (lower === undefined) continue;
    const end = pageUp(lower.vaddr + lower.memoryBytes);
    if (end > pageDown(upper.vaddr)) {
      return refuse(
        "overlappingSegments",
        `segments ${lower.index} and ${upper.index} share the page at ${hex(pageDown(upper.vaddr))}`,
      );
    }
  }
  if (entry >= USER_END_BIG) {
    return refuse("entryOutsideUserHalf", `entry point ${hex(entry)} is outside the user half`);
  }
  const at = Number(entry);
  const executable = segments.some(
    ({ vaddr, memoryBytes, flags }) =>
      (flags & SEGMENT_EXECUTE) !== 0 && at >= vaddr && at < vaddr + memoryBytes,
  );
  if (executable) return { status: "ok", image: { entry: at, segments, tls } };
  return refuse("entryNotExecutable", `entry point ${hex(entry)} is in no executable segment`);
}
