/**
 * What the loader refuses of an image that the reference parser accepts, written down from the published address map
 * and not from our loader: one rule per line, the first one that applies decides.
 */

import type { LoadErrorKind } from "../../src/kernel/loader.ts";
import { Reader } from "./jobs.ts";

interface Segment {
  readonly vaddr: bigint;
  readonly memory: bigint;
  readonly flags: bigint;
}

const EXECUTE = 1n;
const WRITE = 2n;
const READ = 4n;
const PAGE = 4096n;
const IMAGE = { start: 0x20_0000n, end: 0xff_0000n };
const TLS_REGION = { start: 0x110_0000n, end: 0x120_0000n };
const TAKEN = [
  { start: 0x100_0000n, end: 0x101_0000n },
  TLS_REGION,
  { start: 0x120_0000n, end: 0x120_1000n },
  { start: 0x130_0000n, end: 0x130_1000n },
];

const SEGMENT_RULES: readonly (readonly [LoadErrorKind, (segment: Segment) => boolean])[] = [
  [
    "segmentOverlapsFixedPages",
    ({ vaddr, memory }) => TAKEN.some(({ start, end }) => vaddr < end && vaddr + memory > start),
  ],
  ["segmentOutsideImageArea", ({ vaddr, memory }) => vaddr < IMAGE.start || vaddr + memory > IMAGE.end],
  ["segmentWritableAndExecutable", ({ flags }) => (flags & WRITE) !== 0n && (flags & EXECUTE) !== 0n],
  ["segmentNotReadable", ({ flags }) => (flags & READ) === 0n],
];

const roundUp = (value: bigint, unit: bigint): bigint => ((value + unit - 1n) / unit) * unit;

/** The thread pointer's word must lie in the region: image rounded to its alignment, then the word. */
function tlsFits(memory: bigint, align: bigint): boolean {
  const unit = align === 0n ? 1n : align;
  const block = roundUp(memory, unit);
  const pointer = TLS_REGION.start + roundUp(block, unit > 16n ? unit : 16n);
  return roundUp(pointer + 8n, PAGE) <= TLS_REGION.end;
}

/** What must become of a file, given the reference parser's answer. */
export function expectedVerdict(answer: Uint8Array): "parser refuses" | "runs" | LoadErrorKind {
  const reader = new Reader(answer);
  if (reader.u8() === 0) return "parser refuses";
  reader.u64();
  for (let left = reader.u32(); left > 0; left--) {
    const vaddr = reader.u64();
    reader.raw(16);
    const segment = { vaddr, memory: reader.u64(), flags: reader.u64() };
    // A segment without memory maps nothing.
    const broken = segment.memory === 0n ? undefined : SEGMENT_RULES.find(([, applies]) => applies(segment));
    if (broken !== undefined) return broken[0];
  }
  if (reader.u8() === 0) return "runs";
  reader.raw(24);
  const [memory, align] = [reader.u64(), reader.u64()];
  return memory === 0n || tlsFits(memory, align) ? "runs" : "tlsTooLarge";
}
