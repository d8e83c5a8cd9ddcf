/**
 * The translation cache: code pages by content, and where each is attached.
 *
 *   space --pages--> Attachment { space, frame, code } <--frames-- frame
 *                                          |
 *                                          v
 *                       code page, found by (bytes, page number)
 *
 * A frame is watched exactly while an attachment names it. A write to it detaches first; what was translated from
 * the old bytes and is attached nowhere else is dropped. A page that loses its mapping goes dormant instead and is
 * revived when the same bytes become executable at the same address. The cache is bounded in pages and in emitted
 * text; beyond that the page least recently attached goes, dormant ones first.
 */

import { type FrameNumber, PAGE_BYTES, type PageNumber } from "../../mmu/address.ts";
import type { Cell, CompiledUnit } from "../unit.ts";
import { CacheCell, type CellRegion, type CellState } from "./cell.ts";
import { type Attachment, CodePage, hashPage } from "./code-page.ts";
import { JUMP_CACHE_ENTRIES, SpaceCode } from "./space-code.ts";

/**
 * Why translations left the cache or a mapping. `boundary`: cut again, because of a stop address or a region that
 * begins inside.
 */
export const DROP_REASONS = ["write", "unmap", "protect", "destroy", "evicted", "boundary"] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export interface CacheLimits {
  /** Code pages, live and dormant together. */
  readonly pages: number;
  readonly dormantPages: number;
  /** Length of all emitted text, in characters. */
  readonly sourceBytes: number;
}

export const DEFAULT_LIMITS: CacheLimits = { pages: 4096, dormantPages: 1024, sourceBytes: 64 << 20 };

/** A page rewritten this often is translated block by block: most of a batch would be thrown away. */
const UNSTABLE_REWRITES = 4;
/** Page numbers for which rewrites are counted. */
const MAX_REWRITTEN = 1024;

/** What the cache needs from around it. */
export interface CacheHost {
  /** `run` of a cell without a unit. */
  readonly untranslated: () => Cell | null;
  /** `run` of a cell that stands for no unit: stores RIP and looks up again. */
  readonly dead: () => Cell | null;
  /** `run` of a cell whose unit is WebAssembly. */
  readonly enterWasm: () => Cell | null;
  /** `run` of the jump caches' sentinel: stores RIP and leaves to the engine. */
  readonly stopHere: () => Cell | null;
  /** A page serves a space; with `first` its frame is to be watched from now on. */
  attached(attachment: Attachment, first: boolean): void;
  /** A page stopped serving a space; with `last` its frame needs no watch any more. */
  detached(attachment: Attachment, reason: DropReason, last: boolean): void;
  /** A translated cell is dead. */
  dropped(cell: CacheCell, reason: DropReason): void;
  /** A cell lost its region and has its unit only. */
  regionLost(cell: CacheCell): void;
}

export class TranslationCache {
  readonly limits: CacheLimits;
  /** Live pages, the least recently attached first. */
  readonly live = new Set<CodePage>();
  /** Dormant pages, the longest dormant first. */
  readonly dormant = new Set<CodePage>();
  /** Spaces with attached pages, by id. */
  readonly spaces = new Map<number, SpaceCode>();
  /** JIT-1: the attachments of each frame that holds translated code. */
  readonly frames = new Map<FrameNumber, Set<Attachment>>();
  /** Sum of `sourceBytes` of all pages. */
  sourceBytes = 0;
  /** How often pages of each number were dropped by a write. */
  readonly #rewritten = new Map<PageNumber, number>();
  readonly #byHash = new Map<number, CodePage>();
  readonly #host: CacheHost;
  readonly #noJumps: readonly CacheCell[];
  /** Fills empty jump-cache places. No canonical address has its halves; when asked for, it leads to the engine. */
  readonly sentinel: CacheCell;

  constructor(host: CacheHost, limits: CacheLimits) {
    this.#host = host;
    this.limits = limits;
    this.sentinel = new CacheCell((2 ** 62) as CacheCell["address"], undefined, host.stopHere);
    this.#noJumps = Array.from({ length: JUMP_CACHE_ENTRIES }, () => this.sentinel);
  }

  /** The record of a space; it is listed only while it has attached pages. */
  space(id: number): SpaceCode {
    return this.spaces.get(id) ?? new SpaceCode(id, this.#noJumps);
  }

  /** The code page with this content, live or dormant. */
  find(number: PageNumber, bytes: Uint8Array, hash = hashPage(number, bytes)): CodePage | undefined {
    let page = this.#byHash.get(hash);
    while (page !== undefined && !(page.number === number && sameBytes(page.bytes, bytes))) page = page.next;
    return page;
  }

  /** Makes `frame` the code of a page of a space. The page must not be attached. */
  attach(space: SpaceCode, number: PageNumber, frame: FrameNumber, bytes: Uint8Array): Attachment {
    const hash = hashPage(number, bytes);
    const code = this.find(number, bytes, hash) ?? this.#insert(number, bytes.slice(), hash);
    const attachment: Attachment = { space, frame, code };
    this.#wake(code);
    code.attachments.add(attachment);
    space.pages.set(number, attachment);
    this.spaces.set(space.id, space);
    const onFrame = this.frames.get(frame);
    if (onFrame === undefined) this.frames.set(frame, new Set([attachment]));
    else onFrame.add(attachment);
    this.#host.attached(attachment, onFrame === undefined);
    this.#trimPages(code);
    return attachment;
  }

  /** The page of a space is no longer executable as it was. */
  detachPage(spaceId: number, number: PageNumber, reason: DropReason): void {
    const attachment = this.spaces.get(spaceId)?.pages.get(number);
    if (attachment === undefined) return;
    this.#detach(attachment, reason);
    if (attachment.code.attachments.size === 0) this.#retire(attachment.code);
  }

  /** The frame is about to change; its watch is gone. */
  frameWritten(frame: FrameNumber): void {
    const attachments = this.frames.get(frame);
    if (attachments === undefined) return;
    for (const attachment of [...attachments]) {
      this.#detach(attachment, "write");
      if (attachment.code.attachments.size > 0) continue;
      this.drop(attachment.code, "write");
      this.#countRewrite(attachment.code.number);
    }
  }

  /** Accounts emitted text to a page of the cache. */
  charge(page: CodePage, sourceBytes: number): void {
    if (page.state === "dropped") return;
    page.sourceBytes += sourceBytes;
    this.sourceBytes += sourceBytes;
  }

  /** Gives a cell its unit. The caller decides what the cell runs. */
  install(cell: CacheCell, unit: CompiledUnit, sourceBytes: number): void {
    cell.state = "translated";
    cell.unit = unit;
    cell.sourceBytes = sourceBytes;
    if (cell.page === undefined) return;
    cell.page.translated++;
    this.charge(cell.page, sourceBytes);
  }

  /** Gives a translated cell a region, in place of the one it may have. */
  installRegion(cell: CacheCell, region: CellRegion): void {
    this.#release(cell);
    cell.region = region;
    cell.sourceBytes += region.bytes;
    if (cell.page !== undefined) this.charge(cell.page, region.bytes);
    for (const page of region.pages) page.dependents.add(cell);
  }

  /** Takes the region away; the cell goes on with its unit. */
  forgetRegion(cell: CacheCell): void {
    if (cell.region === undefined) return;
    this.#release(cell);
    this.#host.regionLost(cell);
  }

  #release(cell: CacheCell): void {
    const { region } = cell;
    if (region === undefined) return;
    for (const page of region.pages) page.dependents.delete(cell);
    cell.region = undefined;
    cell.bound = 0;
    cell.sourceBytes -= region.bytes;
    if (cell.page !== undefined) this.charge(cell.page, -region.bytes);
  }

  /** The instruction of the cell reaches into the next page: from now on it looks up its variant. */
  forward(cell: CacheCell): void {
    clearUnit(cell, "forwarding", this.#host.dead);
    for (const { space } of cell.page?.attachments ?? []) space.clearJumps();
  }

  /** Takes a unit away from its cell; the cell translates again when it is run. */
  untranslate(cell: CacheCell, reason: DropReason): void {
    if (cell.state !== "translated") return;
    this.#host.dropped(cell, reason);
    this.#release(cell);
    if (cell.page !== undefined) {
      this.charge(cell.page, -cell.sourceBytes);
      cell.page.translated--;
    }
    clearUnit(cell, "untranslated", this.#host.untranslated);
  }

  /** A cell for the crossing instruction at `offset` with this content of the next page. */
  addVariant(page: CodePage, offset: number, nextPage: Uint8Array): CacheCell {
    const { cell, displaced } = page.addVariant(offset, nextPage);
    if (displaced !== undefined) {
      this.untranslate(displaced, "evicted");
      clearUnit(displaced, "dead", this.#host.dead);
      for (const { space } of page.attachments) space.clearJumps();
    }
    return cell;
  }

  /**
   * Makes room for more text in `page`, which is about to be translated from. False when the page itself had to
   * go because it alone fills the cache: its cells are dead, the engine enters anew.
   */
  makeRoom(page: CodePage): boolean {
    if (this.makeRoomBeside(page)) return true;
    this.#evict(page);
    return false;
  }

  /** The same, but the page stays. */
  makeRoomBeside(page: CodePage): boolean {
    if (this.sourceBytes < this.limits.sourceBytes) return true;
    // A quarter less than the limit, so that eviction is rare and takes a batch.
    const goal = this.limits.sourceBytes * 0.75;
    for (const victim of this.#victims(page)) {
      if (this.sourceBytes <= goal) return true;
      this.#evict(victim);
    }
    return this.sourceBytes < this.limits.sourceBytes;
  }

  /** Takes a page out of the cache; it must be attached nowhere. */
  drop(page: CodePage, reason: DropReason): void {
    this.live.delete(page);
    this.dormant.delete(page);
    this.#unlinkHash(page);
    this.charge(page, -page.sourceBytes);
    page.state = "dropped";
    for (const cell of [...page.dependents]) this.forgetRegion(cell);
    for (const cell of page.allCells()) {
      if (cell.state === "translated") this.#host.dropped(cell, reason);
      this.#release(cell);
      clearUnit(cell, "dead", this.#host.dead);
    }
    page.translated = 0;
    page.cells.clear();
    page.variants.clear();
  }

  #insert(number: PageNumber, bytes: Uint8Array, hash: number): CodePage {
    const unstable = (this.#rewritten.get(number) ?? 0) >= UNSTABLE_REWRITES;
    const page = new CodePage(number, bytes, { hash, unstable }, this.#host.untranslated);
    page.next = this.#byHash.get(hash);
    this.#byHash.set(hash, page);
    return page;
  }

  #countRewrite(number: PageNumber): void {
    if (this.#rewritten.size >= MAX_REWRITTEN) this.#rewritten.clear();
    this.#rewritten.set(number, (this.#rewritten.get(number) ?? 0) + 1);
  }

  #unlinkHash(page: CodePage): void {
    const first = this.#byHash.get(page.hash);
    if (first === page) {
      if (page.next === undefined) this.#byHash.delete(page.hash);
      else this.#byHash.set(page.hash, page.next);
      return;
    }
    for (let other = first; other !== undefined; other = other.next) {
      if (other.next === page) other.next = page.next;
    }
  }

  /** Moves a page to the young end of the live ones. */
  #wake(page: CodePage): void {
    this.dormant.delete(page);
    this.live.delete(page);
    this.live.add(page);
    page.state = "live";
  }

  /** A page attached nowhere: kept for the next time its bytes show up. */
  #retire(page: CodePage): void {
    this.live.delete(page);
    this.dormant.add(page);
    page.state = "dormant";
    if (this.dormant.size <= this.limits.dormantPages) return;
    for (const oldest of this.dormant) {
      this.drop(oldest, "evicted");
      return;
    }
  }

  #detach(attachment: Attachment, reason: DropReason): void {
    const { space, frame, code } = attachment;
    code.attachments.delete(attachment);
    space.pages.delete(code.number);
    space.clearJumps();
    if (space.pages.size === 0) this.spaces.delete(space.id);
    const onFrame = this.frames.get(frame);
    onFrame?.delete(attachment);
    const last = onFrame?.size === 0;
    if (last) this.frames.delete(frame);
    this.#host.detached(attachment, reason, last);
  }

  #evict(page: CodePage): void {
    for (const attachment of [...page.attachments]) this.#detach(attachment, "evicted");
    this.drop(page, "evicted");
  }

  #trimPages(keep: CodePage): void {
    for (const victim of this.#victims(keep)) {
      if (this.live.size + this.dormant.size <= this.limits.pages) return;
      this.#evict(victim);
    }
  }

  /** Pages in the order in which they may go, all but `keep`. */
  *#victims(keep: CodePage): Iterable<CodePage> {
    for (const page of this.dormant) if (page !== keep) yield page;
    for (const page of this.live) if (page !== keep) yield page;
  }
}

function clearUnit(cell: CacheCell, state: CellState, run: () => Cell | null): void {
  cell.state = state;
  cell.unit = undefined;
  cell.enter = undefined;
  cell.links = [];
  cell.sourceBytes = 0;
  cell.run = run;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  const wordsA = new Int32Array(a.buffer, a.byteOffset, PAGE_BYTES >> 2);
  const wordsB = new Int32Array(b.buffer, b.byteOffset, PAGE_BYTES >> 2);
  for (let i = 0; i < wordsA.length; i++) if (wordsA[i] !== wordsB[i]) return false;
  return true;
}
