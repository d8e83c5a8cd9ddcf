/**
 * The TLB for guest pages below 4 GiB: flat tables in linear memory that emitted code looks into (layout.ts).
 *
 * A table belongs to one recently active address space; the least recently used one is taken over when a space
 * without a table becomes active. Every entry that is not zero has a *record*, and records are linked into two
 * lists, so that no operation looks at entries that do not concern it:
 *
 *   by slot    all entries of a table           flush a table
 *   by frame   all writable entries of a frame  start to watch a frame (in all tables at once)
 *
 *   entry word --(recordWord)--> record number --> [entry word | slot next, prev | frame, next, prev]
 */

import { lowHalf, PAGE_BYTES } from "./address.ts";
import { at } from "./entry.ts";
import { frameByte, type Frames } from "./frames.ts";
import {
  FRAMES_BYTE, recordWord, TABLE_ENTRIES, TABLES_BYTE, TAG_DELTA, TAG_WRITE, tagWord, TLB_READ, TLB_SLOTS, TLB_WRITE,
} from "./layout.ts"; // prettier-ignore

/** Who may hold a table: `slot` is its number, or -1. */
export interface SlotHolder {
  slot: number;
}

/** Counters that the parts of the MMU share. */
export interface Counters {
  tlbFills: number;
  tlbFlushes: number;
  slowAccesses: number;
}

/** Fields of a record. Record 0 is no record and ends lists. */
const ENTRY = 0;
const SLOT_NEXT = 1;
const SLOT_PREVIOUS = 2;
/** 1 + frame while the record is in the list of writable entries of that frame, else 0. */
const FRAME = 3;
const FRAME_NEXT = 4;
const FRAME_PREVIOUS = 5;
const RECORD_SHIFT = 3;
const FIRST_CAPACITY = 512;

const WRITE_TAG = TAG_WRITE >> 2;
const DELTA = TAG_DELTA >> 2;
const TABLES_WORD = TABLES_BYTE >> 2;
const RUN_SHIFT = 10;
const RUNS_PER_TABLE = TABLE_ENTRIES >> RUN_SHIFT;

export class Tlb {
  readonly holders: (SlotHolder | undefined)[] = Array.from({ length: TLB_SLOTS }, () => undefined);
  readonly #words: Int32Array;
  readonly #counters: Counters;
  readonly #lastUse = new Float64Array(TLB_SLOTS);
  #clock = 0;
  /**
   * 1 for each run of 1024 entries that had one since its table was last empty, so that a check of everything need not look at a million
   * words of every table.
   */
  readonly #everFilled = new Uint8Array(TLB_SLOTS * RUNS_PER_TABLE);
  #records = new Int32Array(FIRST_CAPACITY << RECORD_SHIFT);
  /** Records ever used; the unused ones among them are linked through SLOT_NEXT from `#freeRecord`. */
  #recordEnd = 1;
  #freeRecord = 0;
  readonly #slotHead = new Int32Array(TLB_SLOTS);
  readonly #frameHead: Int32Array;

  constructor(frames: Frames, counters: Counters) {
    this.#words = frames.words;
    this.#counters = counters;
    this.#frameHead = new Int32Array(frames.totalFrames);
  }

  /** Gives the holder a table if it has none, and makes it the most recently used one. */
  claim(holder: SlotHolder): void {
    if (holder.slot < 0) {
      const slot = this.#leastRecentlyUsed();
      const previous = this.holders[slot];
      if (previous !== undefined) this.release(previous);
      this.holders[slot] = holder;
      holder.slot = slot;
    }
    this.#lastUse[holder.slot] = ++this.#clock;
  }

  /** Takes the table away, emptied. */
  release(holder: SlotHolder): void {
    if (holder.slot < 0) return;
    this.#flushSlot(holder.slot);
    this.holders[holder.slot] = undefined;
    this.#lastUse[holder.slot] = 0;
    holder.slot = -1;
  }

  /** The entry for an address below 4 GiB. */
  entry(slot: number, lo: number): number {
    return at(this.#words, tableWord(slot) + (lo >>> 12));
  }

  /** Caches a translation: readable, and writable if so said. The caller has checked both. */
  fill(slot: number, lo: number, frame: number, writable: boolean): void {
    const words = this.#words;
    const word = tableWord(slot) + (lo >>> 12);
    let record = at(words, recordWord(word));
    if (record === 0) record = this.#newRecord(slot, word);
    else this.#unlinkFrame(record);
    if (writable) this.#linkFrame(record, frame);
    const delta = frameByte(frame) - (lo & -PAGE_BYTES);
    words[word] = delta | TLB_READ | (writable ? TLB_WRITE : 0);
    const tags = tagWord(word);
    const tag = lo | (PAGE_BYTES - 1);
    words[tags] = tag;
    words[tags + WRITE_TAG] = writable ? tag : 0;
    words[tags + DELTA] = delta;
    this.#counters.tlbFills++;
  }

  /** Drops the entry for an address below 4 GiB. */
  flushPage(slot: number, lo: number): void {
    const word = tableWord(slot) + (lo >>> 12);
    const record = at(this.#words, recordWord(word));
    if (record === 0) return;
    this.#unlinkSlot(slot, record);
    this.#drop(record);
  }

  /** Makes every entry for the frame read-only, in all tables. */
  dropWrites(frame: number): void {
    for (let record = at(this.#frameHead, frame); record !== 0; record = at(this.#frameHead, frame)) {
      const word = this.#field(record, ENTRY);
      this.#words[word] = at(this.#words, word) & ~TLB_WRITE;
      this.#words[tagWord(word) + WRITE_TAG] = 0;
      this.#unlinkFrame(record);
      this.#counters.tlbFlushes++;
    }
  }

  /** Page numbers of the entries of a table that are not zero, or whose tags are not, in rising order. */
  filledPages(slot: number): number[] {
    const filled: number[] = [];
    const words = this.#words;
    for (let run = 0; run < RUNS_PER_TABLE; run++) {
      if (this.#everFilled[slot * RUNS_PER_TABLE + run] === 0) continue;
      const start = run << RUN_SHIFT;
      for (let page = start; page < start + (1 << RUN_SHIFT); page++) {
        const word = tableWord(slot) + page;
        const tags = tagWord(word);
        if ((at(words, word) | at(words, tags) | at(words, tags + WRITE_TAG)) !== 0) filled.push(page);
      }
    }
    return filled;
  }

  /** MMU-10: records in the list of a table. Stops counting at one more than there can be. */
  listedRecords(slot: number): number {
    let listed = 0;
    let record = at(this.#slotHead, slot);
    while (record !== 0 && listed <= TABLE_ENTRIES) {
      listed++;
      record = this.#field(record, SLOT_NEXT);
    }
    return listed;
  }

  /** MMU-10: the frame under which the record of an entry is listed as writable; -1: none, -2: no record. */
  frameOfRecord(word: number): number {
    const record = at(this.#words, recordWord(word));
    return record === 0 || this.#field(record, ENTRY) !== word ? -2 : this.#field(record, FRAME) - 1;
  }

  /** MMU-10: whether the tag entry says what the flat entry of this word says. */
  tagsAgree(word: number): boolean {
    const entry = at(this.#words, word);
    const tags = tagWord(word);
    const tag = (((word - TABLES_WORD) % TABLE_ENTRIES) << 12) | (PAGE_BYTES - 1);
    return (
      at(this.#words, tags) === ((entry & TLB_READ) === 0 ? 0 : tag) &&
      at(this.#words, tags + WRITE_TAG) === ((entry & TLB_WRITE) === 0 ? 0 : tag) &&
      (entry === 0 || at(this.#words, tags + DELTA) === (entry & ~(TLB_READ | TLB_WRITE)))
    );
  }

  #flushSlot(slot: number): void {
    let record = at(this.#slotHead, slot);
    while (record !== 0) {
      const next = this.#field(record, SLOT_NEXT);
      this.#drop(record);
      record = next;
    }
    this.#slotHead[slot] = 0;
    this.#everFilled.fill(0, slot * RUNS_PER_TABLE, (slot + 1) * RUNS_PER_TABLE);
  }

  #leastRecentlyUsed(): number {
    let oldest = 0;
    for (let slot = 1; slot < TLB_SLOTS; slot++) {
      if ((this.#lastUse[slot] as number) < (this.#lastUse[oldest] as number)) oldest = slot;
    }
    return oldest;
  }

  #field(record: number, field: number): number {
    return at(this.#records, (record << RECORD_SHIFT) + field);
  }

  #set(record: number, field: number, value: number): void {
    this.#records[(record << RECORD_SHIFT) + field] = value;
  }

  #newRecord(slot: number, word: number): number {
    const record = this.#takeRecord();
    const records = this.#records;
    const fields = record << RECORD_SHIFT;
    const head = at(this.#slotHead, slot);
    records[fields + ENTRY] = word;
    records[fields + SLOT_NEXT] = head;
    records[fields + SLOT_PREVIOUS] = 0;
    records[fields + FRAME] = 0;
    if (head !== 0) this.#set(head, SLOT_PREVIOUS, record);
    this.#slotHead[slot] = record;
    this.#everFilled[(word - TABLES_WORD) >> RUN_SHIFT] = 1;
    this.#words[recordWord(word)] = record;
    return record;
  }

  #takeRecord(): number {
    const free = this.#freeRecord;
    if (free !== 0) {
      this.#freeRecord = this.#field(free, SLOT_NEXT);
      return free;
    }
    if ((this.#recordEnd + 1) << RECORD_SHIFT > this.#records.length) {
      const larger = new Int32Array(this.#records.length * 2);
      larger.set(this.#records);
      this.#records = larger;
    }
    return this.#recordEnd++;
  }

  /** Clears the entry of a record that is out of its slot list already, and frees the record. */
  #drop(record: number): void {
    this.#unlinkFrame(record);
    const word = this.#field(record, ENTRY);
    this.#words[word] = 0;
    this.#words[recordWord(word)] = 0;
    this.#words[tagWord(word)] = 0;
    this.#words[tagWord(word) + WRITE_TAG] = 0;
    this.#set(record, SLOT_NEXT, this.#freeRecord);
    this.#freeRecord = record;
    this.#counters.tlbFlushes++;
  }

  #unlinkSlot(slot: number, record: number): void {
    const next = this.#field(record, SLOT_NEXT);
    const previous = this.#field(record, SLOT_PREVIOUS);
    if (next !== 0) this.#set(next, SLOT_PREVIOUS, previous);
    if (previous !== 0) this.#set(previous, SLOT_NEXT, next);
    else this.#slotHead[slot] = next;
  }

  #linkFrame(record: number, frame: number): void {
    const head = at(this.#frameHead, frame);
    this.#set(record, FRAME, frame + 1);
    this.#set(record, FRAME_NEXT, head);
    this.#set(record, FRAME_PREVIOUS, 0);
    if (head !== 0) this.#set(head, FRAME_PREVIOUS, record);
    this.#frameHead[frame] = record;
  }

  #unlinkFrame(record: number): void {
    const frame = this.#field(record, FRAME) - 1;
    if (frame < 0) return;
    const next = this.#field(record, FRAME_NEXT);
    const previous = this.#field(record, FRAME_PREVIOUS);
    if (next !== 0) this.#set(next, FRAME_PREVIOUS, previous);
    if (previous !== 0) this.#set(previous, FRAME_NEXT, next);
    else this.#frameHead[frame] = next;
    this.#set(record, FRAME, 0);
  }
}

/** Word index of a slot's flat table. */
export const tableWord = (slot: number): number => TABLES_WORD + slot * TABLE_ENTRIES;

/** Byte offset in linear memory that an entry gives an address; the entry must grant something. */
export const entryByte = (entry: number, lo: number): number =>
  lowHalf((entry & ~(TLB_READ | TLB_WRITE)) + lo);

/** The frame behind an entry for the page that `lo` lies in. */
export const entryFrame = (entry: number, lo: number): number =>
  (entryByte(entry, lo & -PAGE_BYTES) - FRAMES_BYTE) / PAGE_BYTES;
