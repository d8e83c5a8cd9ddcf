/**
 * The rules of guest memory, each recomputed from the page tables.
 *
 *   MMU-1   A TLB entry never grants more than the page tables do.
 *   MMU-2   A frame that holds translated code is not writable through the TLB.
 *   MMU-3   A frame's reference count is the number of page-table entries and roots that name it; a frame that
 *           holds a page table is owned exactly once.
 *   MMU-4   Nothing in the upper half is accessible to users, and every address space has the same upper half.
 *   MMU-5   The upper half maps the direct map and the kernel image with their permissions, and nothing else.
 *   MMU-6   No leaf entry is writable and executable.
 *   MMU-7   An entry above a leaf names a page table of the next level; a leaf names a frame of guest RAM that is
 *           no page table; no reserved bit is set.
 *   MMU-8   A space owns as many page tables as it counts.
 *   MMU-9   A change is asked for only where it is possible (whole pages of the user half, tables made, entry
 *           empty or filled as needed, space alive). Demanded at each change; the fault is the caller's.
 *   MMU-10  Each entry of a flat table has one record, which is listed under its frame while it is writable, and a
 *           tag entry that says the same.
 *
 * The kernel half is read in invariants-kernel-half.ts. MMU-11 is in frames.ts, MMU-12 in invariants-guard.ts.
 */

import { hex, highHalf, lowHalf, PAGE_BYTES, type PageNumber, pageStart } from "./address.ts";
import type { Space } from "./address-space.ts";
import { ACCESSED, at, DIRTY, ENTRIES_PER_TABLE, entryWord, frameOf } from "./entry.ts";
import { frameByte } from "./frames.ts";
import { brokenGuardRules } from "./invariants-guard.ts";
import { KernelImage } from "./invariants-kernel-half.ts";
import { UPPER_HALF_INDEX } from "./kernel-half.ts";
import { TLB_READ, TLB_SLOTS, TLB_WRITE } from "./layout.ts";
import type { MmuParts } from "./parts.ts";
import { isTableOf, leafFrameProblem, leafProblems } from "./space-image.ts";
import { entryFrame, tableWord } from "./tlb.ts";
import { AS_USER, GRANTED, READ } from "./walk.ts";

/** Lines reported per rule; a broken structure would otherwise report every page. */
const MAX_LINES = 8;

/** Every rule, for the whole MMU. */
export function brokenMmuRules(parts: MmuParts): string[] {
  return [...auditOf(parts).run(), ...brokenGuardRules(parts)];
}

/** MMU-1, MMU-3, MMU-6 and MMU-7 for one user page, after a change of its entry. */
export function brokenLeafRules(parts: MmuParts, space: Space, page: PageNumber): string[] {
  const broken: string[] = [];
  const word = parts.tables.leafWord(space.root, page);
  const start = pageStart(page);
  if (word >= 0) {
    for (const problem of brokenLeaf(parts, word)) broken.push(`${problem}: page ${hex(start)}`);
    const low = at(parts.frames.words, word);
    if (low !== 0 && (parts.frames.references[frameOf(low)] ?? 0) === 0) {
      broken.push(`MMU-3: frame ${hex(frameOf(low))} is mapped and counts no reference`);
    }
  }
  return broken.concat(brokenTlbPageRules(parts, space, lowHalf(start), highHalf(start)));
}

/** MMU-1 and MMU-2 for the TLB entry of one user page. */
export function brokenTlbPageRules(parts: MmuParts, space: Space, lo: number, hi: number): string[] {
  const pageLo = lo & -PAGE_BYTES;
  if (hi !== 0) {
    const host = parts.farTlb.lookup(space.id, pageLo, hi, TLB_READ);
    const flags = parts.farTlb.lookup(space.id, pageLo, hi, TLB_WRITE) < 0 ? TLB_READ : TLB_READ | TLB_WRITE;
    return host < 0 ? [] : brokenGrant(parts, space, { lo: pageLo, hi, flags, host });
  }
  if (space.slot < 0) return [];
  const entry = parts.tlb.entry(space.slot, pageLo);
  const broken = entry === 0 ? [] : brokenFlatEntry(parts, space, pageLo, entry);
  if (!parts.tlb.tagsAgree(tableWord(space.slot) + (pageLo >>> 12))) {
    broken.push(
      `MMU-10: the entry for page ${hex(pageLo >>> 0)} of space ${space.id} differs from its tag entry`,
    );
  }
  return broken;
}

/** What a TLB lets user code do with one page. */
interface Grant {
  readonly lo: number;
  readonly hi: number;
  readonly flags: number;
  /** Byte offset of the frame. */
  readonly host: number;
}

function brokenFlatEntry(parts: MmuParts, space: Space, lo: number, entry: number): string[] {
  const host = frameByte(entryFrame(entry, lo));
  return brokenGrant(parts, space, { lo, hi: 0, flags: entry & (TLB_READ | TLB_WRITE), host });
}

function brokenGrant({ walker, frames, watch }: MmuParts, space: Space, grant: Grant): string[] {
  const { lo, hi, flags, host } = grant;
  const broken: string[] = [];
  // Nothing is built for a good entry: this runs at every fill.
  const report = (problem: string): void => {
    broken.push(`${problem} (page ${hex((hi >>> 0) * 2 ** 32 + (lo >>> 0))} of space ${space.id})`);
  };
  if (walker.walk(space.root, lo, hi, READ, AS_USER) !== GRANTED) {
    report("MMU-1: the TLB grants what the page tables refuse");
    return broken;
  }
  const leaf = at(frames.words, walker.leaf);
  const writes = (flags & TLB_WRITE) !== 0;
  if (host !== frameByte(walker.frame)) report("MMU-1: the TLB leads to another frame than the page tables");
  if ((flags & TLB_READ) === 0) report("MMU-1: a TLB entry is not zero and grants no read");
  if ((leaf & ACCESSED) === 0) report("MMU-1: the TLB grants a page whose accessed bit is clear");
  if (writes && !(walker.writable && (leaf & DIRTY) !== 0)) {
    report("MMU-1: the TLB grants writing a page that is read-only or clean");
  }
  if (writes && watch.isWatched(walker.frame)) {
    report(`MMU-2: frame ${hex(walker.frame)} holds code and is writable`);
  }
  return broken;
}

/** Rules that a user leaf entry breaks by itself. */
function brokenLeaf({ frames }: MmuParts, word: number): readonly string[] {
  const low = at(frames.words, word);
  const problems = leafProblems(low, at(frames.words, word + 1));
  const foreign = low === 0 ? undefined : leafFrameProblem(frames, frameOf(low));
  return foreign === undefined ? problems : [...problems, foreign];
}

/** What was read for one MMU before. */
const AUDITS = new WeakMap<MmuParts, Audit>();

function auditOf(parts: MmuParts): Audit {
  const known = AUDITS.get(parts) ?? new Audit(parts);
  AUDITS.set(parts, known);
  return known;
}

/** Recomputes everything; what it reads of page tables again is what changed (space-image.ts). */
class Audit {
  readonly #parts: MmuParts;
  readonly #words: Int32Array;
  readonly #kernel: KernelImage;
  #broken: string[] = [];
  readonly #lines = new Map<string, number>();
  /** Recounted from the tables. */
  readonly #references: Uint32Array;
  readonly #tableLevel: Uint8Array;
  readonly #watched: Uint8Array;

  constructor(parts: MmuParts) {
    const { totalFrames } = parts.frames;
    this.#parts = parts;
    this.#words = parts.frames.words;
    this.#kernel = new KernelImage(parts);
    this.#references = new Uint32Array(totalFrames);
    this.#tableLevel = new Uint8Array(totalFrames);
    this.#watched = new Uint8Array(totalFrames);
  }

  run(): string[] {
    this.#broken = [];
    this.#lines.clear();
    this.#references.fill(0);
    this.#tableLevel.fill(0);
    this.#visitKernelHalf();
    for (const space of this.#parts.spaces) this.#visitSpace(space);
    this.#compareCounts();
    this.#checkWatch();
    this.#checkFlatTables();
    this.#checkFarTlb();
    return this.#broken;
  }

  #report(line: string): void {
    const id = line.slice(0, line.indexOf(":"));
    const lines = (this.#lines.get(id) ?? 0) + 1;
    this.#lines.set(id, lines);
    if (lines <= MAX_LINES) this.#broken.push(line);
  }

  #reportAll(lines: readonly string[]): void {
    for (const line of lines) this.#report(line);
  }

  /** Counts a table and who names it. */
  #countTable(frame: number, level: number, from: string): void {
    const { frames } = this.#parts;
    if (!isTableOf(frames, frame, level)) {
      this.#report(`MMU-7: ${from} names frame ${hex(frame)}, which is no page table of level ${level}`);
      return;
    }
    this.#references[frame] = (this.#references[frame] as number) + 1;
    if (this.#tableLevel[frame] !== 0) {
      this.#report(`MMU-3: page-table frame ${hex(frame)} is named twice, also by ${from}`);
    }
    this.#tableLevel[frame] = level;
  }

  #visitSpace(space: Space): void {
    const name = `space ${space.id}`;
    const { image } = space;
    const { pages, lows } = image.leaves;
    this.#countTable(space.root, 4, name);
    for (const { frame, level, from } of image.tables) this.#countTable(frame, level, `${from} of ${name}`);
    for (const problem of image.broken) this.#report(`${problem} (${name})`);
    const tables = 1 + image.tables.filter(({ isTable, again }) => isTable && !again).length;
    if (tables !== space.tableFrames) {
      this.#report(`MMU-8: ${name} has ${tables} page tables and counts ${space.tableFrames}`);
    }
    const { frames } = this.#parts;
    for (let i = 0; i < pages.length; i++) {
      const frame = frameOf(lows[i] as number);
      const foreign = leafFrameProblem(frames, frame);
      if (foreign !== undefined) this.#report(`${foreign} (${name})`);
      if (frame < frames.totalFrames) this.#references[frame] = (this.#references[frame] as number) + 1;
    }
    this.#compareUpperHalf(space, name);
  }

  #compareUpperHalf({ root }: Space, name: string): void {
    const kernelStart = entryWord(this.#parts.kernel.root, UPPER_HALF_INDEX);
    const start = entryWord(root, UPPER_HALF_INDEX);
    for (let word = 0; word < (ENTRIES_PER_TABLE - UPPER_HALF_INDEX) * 2; word++) {
      if (this.#words[start + word] !== this.#words[kernelStart + word]) {
        this.#report(`MMU-4: PML4 entry ${UPPER_HALF_INDEX + (word >> 1)} of ${name} is not the kernel's`);
      }
    }
  }

  #visitKernelHalf(): void {
    const image = this.#kernel;
    image.refresh();
    this.#countTable(this.#parts.kernel.root, 4, "the kernel half");
    for (const { frame, level, from } of image.tables) this.#countTable(frame, level, from);
    for (const frame of image.imageFrames) this.#references[frame] = (this.#references[frame] as number) + 1;
    this.#reportAll(image.broken);
  }

  #compareCounts(): void {
    const { references, tableLevel, totalFrames } = this.#parts.frames;
    if (sameBytes(references, this.#references) && sameBytes(tableLevel, this.#tableLevel)) return;
    for (let frame = 0; frame < totalFrames; frame++) {
      if (references[frame] !== this.#references[frame]) {
        this.#report(
          `MMU-3: frame ${hex(frame)} counts ${references[frame]} references, has ${this.#references[frame]}`,
        );
      }
      if (tableLevel[frame] !== this.#tableLevel[frame] && references[frame] === this.#references[frame]) {
        this.#report(`MMU-3: frame ${hex(frame)} is marked as a page table and nothing owns it`);
      }
    }
  }

  #checkWatch(): void {
    const { flags, frames } = this.#parts.watch;
    for (const frame of frames) this.#watched[frame] = 1;
    const agree = sameBytes(flags, this.#watched);
    for (const frame of frames) this.#watched[frame] = 0;
    if (!agree) this.#report("MMU-2: the flags of watched frames and their list differ");
  }

  #checkFlatTables(): void {
    const { tlb } = this.#parts;
    for (let slot = 0; slot < TLB_SLOTS; slot++) {
      const space = [...this.#parts.spaces].find((each) => each.slot === slot && tlb.holders[slot] === each);
      const filled = tlb.filledPages(slot);
      for (const page of filled) this.#checkFlatEntry(slot, page, space);
      const listed = tlb.listedRecords(slot);
      if (listed !== filled.length) {
        this.#report(`MMU-10: table ${slot} has ${filled.length} entries and lists ${listed}`);
      }
    }
  }

  #checkFlatEntry(slot: number, page: number, space: Space | undefined): void {
    const lo = page << 12;
    const entry = this.#parts.tlb.entry(slot, lo);
    if (space === undefined) {
      this.#report(`MMU-1: table ${slot} has an entry for page ${hex(lo >>> 0)} and no space`);
      return;
    }
    if (entry !== 0) this.#reportAll(brokenFlatEntry(this.#parts, space, lo, entry));
    const listedUnder = (entry & TLB_WRITE) !== 0 ? entryFrame(entry, lo) : -1;
    const name = `the entry for page ${hex(lo >>> 0)} in table ${slot}`;
    const word = tableWord(slot) + page;
    const { tlb } = this.#parts;
    if (tlb.frameOfRecord(word) !== listedUnder)
      this.#report(`MMU-10: ${name} is not listed as it should be`);
    if (!tlb.tagsAgree(word)) this.#report(`MMU-10: ${name} differs from its tag entry`);
  }

  #checkFarTlb(): void {
    this.#parts.farTlb.forEach((id, lo, hi, flags, host) => {
      const space = [...this.#parts.spaces].find((each) => each.id === id);
      if (space === undefined)
        this.#report(`MMU-1: the far TLB has an entry of space ${id}, which does not exist`);
      else this.#reportAll(brokenGrant(this.#parts, space, { lo, hi, flags, host }));
    });
  }
}

const sameBytes = (one: Uint8Array | Uint32Array, other: Uint8Array | Uint32Array): boolean =>
  Buffer.compare(bytesOf(one), bytesOf(other)) === 0;
const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array | Uint32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
