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
 * MMU-11 is in frames.ts, MMU-12 in invariants-guard.ts.
 */

import { hex, highHalf, lowHalf, PAGE_BYTES, type PageNumber, pageStart } from "./address.ts";
import type { Space } from "./address-space.ts";
import {
  ACCESSED, at, DIRTY, ENTRIES_PER_TABLE, entryWord, frameOf, GLOBAL, HIGH_FRAME_BITS, KEPT, LARGE, NO_EXECUTE,
  PRESENT, USER, WRITABLE,
} from "./entry.ts"; // prettier-ignore
import { frameByte } from "./frames.ts";
import { brokenGuardRules } from "./invariants-guard.ts";
import { type KernelRange, UPPER_HALF_INDEX, upperHalves } from "./kernel-half.ts";
import { TLB_READ, TLB_SLOTS, TLB_WRITE } from "./layout.ts";
import type { MmuParts } from "./parts.ts";
import { entryFrame, tableWord } from "./tlb.ts";
import { AS_GUARDED, AS_USER, GRANTED, READ } from "./walk.ts";

/** Lines reported per rule; a broken structure would otherwise report every page. */
const MAX_LINES = 8;

/** Every rule, for the whole MMU. */
export function brokenMmuRules(parts: MmuParts): string[] {
  return [...new Audit(parts).run(), ...brokenGuardRules(parts)];
}

/** MMU-1, MMU-3, MMU-6 and MMU-7 for one user page, after a change of its entry. */
export function brokenLeafRules(parts: MmuParts, space: Space, page: PageNumber): string[] {
  const broken: string[] = [];
  const word = parts.tables.leafWord(space.root, page);
  const start = pageStart(page);
  if (word >= 0) {
    for (const problem of leafProblems(parts, word)) broken.push(`${problem}: page ${hex(start)}`);
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

/** Rules a user leaf entry breaks by itself. */
function leafProblems({ frames }: MmuParts, word: number): string[] {
  const low = at(frames.words, word);
  const high = at(frames.words, word + 1);
  const present = (low & PRESENT) !== 0;
  if (low === 0) return high === 0 ? [] : ["MMU-7: an empty entry has bits in its high word"];
  const problems: string[] = [];
  const frame = frameOf(low);
  if (present === ((low & KEPT) !== 0)) problems.push("MMU-7: a leaf is either present or kept");
  if ((high & HIGH_FRAME_BITS) !== 0) problems.push("MMU-7: a leaf has reserved bits set");
  if (frame >= frames.ramFrames) problems.push(`MMU-7: frame ${hex(frame)} is not in guest RAM`);
  else if (frames.tableLevel[frame] !== 0) problems.push(`MMU-7: frame ${hex(frame)} is a page table`);
  if (present && (low & WRITABLE) !== 0 && (high & NO_EXECUTE) === 0) {
    problems.push("MMU-6: a leaf is writable and executable");
  }
  return problems;
}

/** One recomputation of everything. */
class Audit {
  readonly #parts: MmuParts;
  readonly #words: Int32Array;
  readonly #broken: string[] = [];
  readonly #lines = new Map<string, number>();
  /** Recounted from the tables. */
  readonly #references: Uint32Array;
  readonly #tableLevel: Uint8Array;

  constructor(parts: MmuParts) {
    this.#parts = parts;
    this.#words = parts.frames.words;
    this.#references = new Uint32Array(parts.frames.totalFrames);
    this.#tableLevel = new Uint8Array(parts.frames.totalFrames);
  }

  run(): string[] {
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

  /** Counts a table that an entry or a root names; false when it may not be descended into. */
  #enterTable(frame: number, level: number, from: string): boolean {
    const { totalFrames, tableLevel } = this.#parts.frames;
    if (frame >= totalFrames || tableLevel[frame] !== level) {
      this.#report(`MMU-7: ${from} names frame ${hex(frame)}, which is no page table of level ${level}`);
      return false;
    }
    this.#references[frame] = (this.#references[frame] as number) + 1;
    if (this.#tableLevel[frame] !== 0) {
      this.#report(`MMU-3: page-table frame ${hex(frame)} is named twice, also by ${from}`);
      return false;
    }
    this.#tableLevel[frame] = level;
    return true;
  }

  #visitSpace(space: Space): void {
    const name = `space ${space.id}`;
    if (!this.#enterTable(space.root, 4, name)) return;
    const tables = 1 + this.#visitUserTable(4, space.root, name);
    if (tables !== space.tableFrames) {
      this.#report(`MMU-8: ${name} has ${tables} page tables and counts ${space.tableFrames}`);
    }
    const kernelStart = entryWord(this.#parts.kernel.root, UPPER_HALF_INDEX);
    const start = entryWord(space.root, UPPER_HALF_INDEX);
    for (let word = 0; word < (ENTRIES_PER_TABLE - UPPER_HALF_INDEX) * 2; word++) {
      if (this.#words[start + word] !== this.#words[kernelStart + word]) {
        this.#report(`MMU-4: PML4 entry ${UPPER_HALF_INDEX + (word >> 1)} of ${name} is not the kernel's`);
      }
    }
  }

  /** Returns the number of tables below. */
  #visitUserTable(level: number, table: number, name: string): number {
    let tables = 0;
    const end = level === 4 ? UPPER_HALF_INDEX : ENTRIES_PER_TABLE;
    for (let index = 0; index < end; index++) {
      const word = entryWord(table, index);
      const low = at(this.#words, word);
      if (level === 1) {
        if ((low | at(this.#words, word + 1)) !== 0) this.#visitUserLeaf(word, name);
      } else if (this.#isLink(word, `level ${level} entry ${index} of ${name}`)) {
        const below = frameOf(low);
        if (!this.#enterTable(below, level - 1, `level ${level} entry ${index} of ${name}`)) continue;
        tables += 1 + this.#visitUserTable(level - 1, below, name);
      }
    }
    return tables;
  }

  #visitUserLeaf(word: number, name: string): void {
    for (const problem of leafProblems(this.#parts, word)) this.#report(`${problem} (${name})`);
    const low = at(this.#words, word);
    const frame = frameOf(low);
    if (low !== 0 && frame < this.#parts.frames.totalFrames) {
      this.#references[frame] = (this.#references[frame] as number) + 1;
    }
  }

  /** Whether an entry above a leaf leads to a table; reports one that is neither that nor empty. */
  #isLink(word: number, name: string): boolean {
    const low = at(this.#words, word);
    const high = at(this.#words, word + 1);
    if ((low | high) === 0) return false;
    if ((low & (PRESENT | LARGE)) === PRESENT && (high & HIGH_FRAME_BITS) === 0) return true;
    this.#report(`MMU-7: ${name} is neither empty nor a page table`);
    return false;
  }

  #visitKernelHalf(): void {
    const { kernel } = this.#parts;
    if (!this.#enterTable(kernel.root, 4, "the kernel half")) return;
    const mapped = this.#visitKernelTable(4, kernel.root);
    let expected = 0;
    for (const range of kernel.ranges) {
      expected += range.lengthBytes / PAGE_BYTES;
      this.#checkKernelRange(range);
    }
    if (mapped !== expected)
      this.#report(`MMU-5: the kernel half maps ${mapped} pages instead of ${expected}`);
  }

  /** Returns the number of 4 KiB pages that it maps. */
  #visitKernelTable(level: number, table: number): number {
    let mapped = 0;
    for (let index = level === 4 ? UPPER_HALF_INDEX : 0; index < ENTRIES_PER_TABLE; index++) {
      const word = entryWord(table, index);
      const low = at(this.#words, word);
      const name = `level ${level} entry ${index} of the kernel half`;
      if ((low & PRESENT) === 0) continue;
      if ((low & USER) !== 0) this.#report(`MMU-4: ${name} is open to users`);
      if (level === 1 || (level === 2 && (low & LARGE) !== 0)) mapped += this.#visitKernelLeaf(level, word);
      else if (this.#isLink(word, name) && this.#enterTable(frameOf(low), level - 1, name)) {
        mapped += this.#visitKernelTable(level - 1, frameOf(low));
      }
    }
    return mapped;
  }

  /** Returns the number of 4 KiB pages that the leaf maps. */
  #visitKernelLeaf(level: number, word: number): number {
    const { ramFrames, totalFrames } = this.#parts.frames;
    const low = at(this.#words, word);
    const frame = frameOf(low);
    const name = `the kernel half's leaf for frame ${hex(frame)}`;
    if ((low & GLOBAL) === 0) this.#report(`MMU-5: ${name} is not global`);
    if ((low & WRITABLE) !== 0 && (at(this.#words, word + 1) & NO_EXECUTE) === 0) {
      this.#report(`MMU-6: ${name} is writable and executable`);
    }
    // The direct map names all of guest RAM and is no owner of it.
    if (frame >= ramFrames && frame < totalFrames) {
      this.#references[frame] = (this.#references[frame] as number) + 1;
    }
    return level === 1 ? 1 : ENTRIES_PER_TABLE;
  }

  #checkKernelRange(range: KernelRange): void {
    const { walker, kernel } = this.#parts;
    for (let offset = 0; offset < range.lengthBytes;) {
      const { lo, hi } = upperHalves(range.start + BigInt(offset));
      // With the guard open, so that a stray user bit is reported once, as MMU-4.
      const granted = walker.walk(kernel.root, lo, hi, READ, AS_GUARDED) === GRANTED;
      const right =
        granted &&
        walker.frame === range.firstFrame + offset / PAGE_BYTES &&
        walker.writable === range.writable &&
        walker.executable === range.executable;
      if (!right)
        this.#report(`MMU-5: kernel ${range.name} at offset ${hex(offset)} is not mapped as it should be`);
      offset += granted ? walker.leafBytes : PAGE_BYTES;
    }
  }

  #compareCounts(): void {
    const { references, tableLevel, totalFrames } = this.#parts.frames;
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
    const flagged = flags.reduce((sum, flag) => sum + flag, 0);
    const agree = flagged === frames.size && [...frames].every((frame) => flags[frame] === 1);
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
