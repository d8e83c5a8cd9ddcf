/** Runs the jobs of `jobs.ts` on our code, and writes the answers that the reference program writes. */

import { parseElf } from "../../src/kernel/elf.ts";
import type { ElfErrorKind, ElfImage } from "../../src/kernel/elf.ts";
import { FrameBitmap } from "../../src/kernel/frame-allocator.ts";
import { Ledger } from "../../src/kernel/ledger.ts";
import { descriptorRegion, isValidDescriptor } from "../../src/kernel/transfers.ts";
import { wireError } from "../../src/kernel/wire.ts";
import type { Job } from "./jobs.ts";
import { Reader, Writer } from "./jobs.ts";
import { TableWorld } from "./table-world.ts";

const NONE = 0xffff_ffff;
const FREE_CODES = { ok: 0, outOfRange: NONE - 1, doubleFree: NONE - 2 } as const;

function bitmap(job: Reader, answer: Writer): void {
  const total = job.u32();
  const map = new FrameBitmap(new Uint8Array(FrameBitmap.bytesFor(total)), total);
  const operations: readonly ((argument: number) => number)[] = [
    () => map.allocate() ?? NONE,
    (count) => map.allocateContiguous(count) ?? NONE,
    (frame) => FREE_CODES[map.free(frame)],
    (frame) => (map.markUsed(frame), 0),
    (frame) => (map.markFree(frame), 0),
  ];
  while (job.more) {
    const operation = operations[job.u8()];
    answer.u32(operation?.(job.u32()) ?? NONE).u32(map.freeCount);
  }
}

const LEDGER_FRAMES = 64;
const [TRACKED, OVER_QUOTA, ALREADY, NOT_TRACKED] = [0, 1, 2, 3];

/**
 * The reference keeps frames and quota in one list; ours are two: the bitmap knows who is taken, the ledger how many
 * a process may have. Quota is asked first, as at every allocation.
 */
function frameLedger(job: Reader, answer: Writer): void {
  const ledger = new Ledger({ frameGrantPages: 8 });
  const taken = new FrameBitmap(new Uint8Array(FrameBitmap.bytesFor(LEDGER_FRAMES)), LEDGER_FRAMES);
  taken.markRunFree(0, LEDGER_FRAMES);
  const track = (frame: number, count: number): number => {
    if (!ledger.canCharge("frameGrantPages", count)) return OVER_QUOTA;
    for (let each = frame; each < frame + count; each++) if (taken.isUsed(each)) return ALREADY;
    ledger.charge("frameGrantPages", count);
    for (let each = frame; each < frame + count; each++) taken.markUsed(each);
    return TRACKED;
  };
  const untrack = (frame: number): number => {
    if (taken.free(frame) !== "ok") return NOT_TRACKED;
    ledger.release("frameGrantPages", 1);
    return TRACKED;
  };
  while (job.more) {
    const operation = job.u8();
    const frame = job.u32();
    const count = job.u32();
    if (operation === 0) answer.u8(track(frame, 1));
    else if (operation === 1) answer.u8(untrack(frame));
    else if (operation === 2) answer.u8(track(frame, count));
    else answer.u8(taken.isUsed(frame) ? ALREADY : TRACKED);
    answer.u8(ledger.used("frameGrantPages"));
  }
}

function table(job: Reader, answer: Writer): void {
  const world = new TableWorld();
  while (job.more) {
    const step = { operation: job.u8(), which: job.u8(), id: job.u32(), detail: job.u8() };
    world.run(step, answer);
  }
}

function wire(job: Reader, answer: Writer): void {
  while (job.more) {
    const sqe = {
      opcode: job.u8(),
      flags: job.u8(),
      methodId: job.u16(),
      capId: job.u32(),
      userData: job.u64(),
      addr: job.u64(),
      len: job.u32(),
      resultLen: job.u32(),
      resultAddr: job.u64(),
      pipelineDep: job.u64(),
      pipelineField: job.u16(),
      xferCapCount: job.u16(),
      callId: job.u32(),
      sessionDisclosure: job.u64(),
    };
    answer.u32(wireError(sqe) >>> 0);
  }
}

const TWO_64 = 1n << 64n;

function descriptors(job: Reader, answer: Writer): void {
  while (job.more) {
    // Our region also refuses an end beyond 2^64, which the reference does elsewhere: no descriptor, no end.
    const start = descriptorRegion(job.u64(), job.u32(), 0) ?? TWO_64 - 1n;
    answer.u64(start).u8(Number(isValidDescriptor(job.u16(), job.u16())));
  }
}

/** The reference's words for our refusals. */
export const ELF_TEXTS: Readonly<Record<ElfErrorKind, string>> = {
  fileTooSmall: "ELF too small",
  badMagic: "bad ELF magic",
  notElf64: "not ELF64",
  notLittleEndian: "not little-endian",
  badVersion: "bad ELF version",
  notX86_64: "not x86_64",
  notExecutable: "not ET_EXEC",
  programHeaderEntryTooSmall: "phentsize too small",
  programHeadersOverflow: "overflow",
  programHeadersOutOfBounds: "program headers out of bounds",
  segmentPageOffsetMismatch: "segment file/virtual page offset mismatch",
  segmentAlignment: "segment alignment is not a power of two",
  segmentOutsideUserHalf: "segment outside user address space",
  segmentFileOverflow: "offset + filesz overflow",
  segmentFileOutOfBounds: "segment file data out of bounds",
  segmentMemorySmallerThanFile: "memsz < filesz",
  multipleTls: "multiple PT_TLS segments",
  tlsOutsideUserHalf: "TLS segment outside user address space",
  tlsFileOverflow: "offset + filesz overflow",
  tlsFileOutOfBounds: "TLS file data out of bounds",
  tlsMemorySmallerThanFile: "TLS memsz < filesz",
  tlsAlignment: "TLS alignment is not a power of two",
  noLoadSegment: "no PT_LOAD segments",
  overlappingSegments: "overlapping PT_LOAD segments",
  entryOutsideUserHalf: "entry point outside user address space",
  entryNotExecutable: "entry point not in any executable segment",
};

function describe({ entry, segments, tls }: ElfImage, answer: Writer): void {
  answer.u8(1).u64(entry).u32(segments.length);
  for (const { vaddr, offset, fileBytes, memoryBytes, flags } of segments) {
    answer.u64(vaddr).u64(offset).u64(fileBytes).u64(memoryBytes).u64(flags);
  }
  answer.u8(tls === undefined ? 0 : 1);
  if (tls === undefined) return;
  answer.u64(tls.vaddr).u64(tls.offset).u64(tls.fileBytes).u64(tls.memoryBytes).u64(tls.align);
}

/** The file a mutant job describes; valid until the next call. */
export class Images {
  readonly #originals: Uint8Array[] = [];
  #file = new Uint8Array(1 << 16);

  add(image: Uint8Array): void {
    this.#originals.push(image);
  }

  mutate(job: Reader): Uint8Array {
    const original = this.#originals[job.u32()];
    if (original === undefined) throw new Error("no such image");
    const length = job.u32();
    if (this.#file.length < length) this.#file = new Uint8Array(length);
    const file = this.#file.subarray(0, length);
    file.set(original.subarray(0, length));
    file.fill(0, original.length);
    while (job.more) {
      const at = job.u32();
      const bytes = job.raw(job.u8());
      if (at < length) file.set(bytes.subarray(0, length - at), at);
    }
    return file;
  }
}

const STEPWISE: Readonly<Partial<Record<Job["kind"], (job: Reader, answer: Writer) => void>>> = {
  bitmap,
  frameLedger,
  table,
  wire,
  descriptors,
};
const encoder = new TextEncoder();

export class Ours {
  readonly images = new Images();
  readonly #answer = new Writer();

  run({ kind, payload }: Job): Uint8Array {
    const answer = this.#answer.clear();
    if (kind === "image") {
      this.images.add(payload);
    } else if (kind === "mutant") {
      const parsed = parseElf(this.images.mutate(new Reader(payload)));
      if (parsed.status === "ok") describe(parsed.image, answer);
      else answer.u8(0).raw(encoder.encode(ELF_TEXTS[parsed.kind]));
    } else {
      STEPWISE[kind]?.(new Reader(payload), answer);
    }
    return answer.bytes();
  }
}
