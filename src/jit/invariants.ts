/**
 * What holds of the translation cache between runs, recomputed from ground truth.
 *
 *   JIT-1  A unit is in the cache if and only if every code frame it touches lists it.
 *   JIT-2  No link and no jump cache entry leads to a cell outside the cache.
 *   JIT-3  The guest bytes under a live code page are those it was translated from.
 *   JIT-7  What can be called is a region, and the running space shows all pages it was made from.
 */

import { hex, offsetInPage, type PageNumber, pageOf, pageStart } from "../mmu/address.ts";
import type { Mmu } from "../mmu/mmu.ts";
import { type CacheCell, unitEnd } from "./cache/cell.ts";
import type { CodePage } from "./cache/code-page.ts";
import type { SpaceCode } from "./cache/space-code.ts";
import type { TranslationCache } from "./cache/translation-cache.ts";

/** The live pages to look at, in the cache's order. */
export interface CheckWindow {
  readonly first: number;
  readonly count: number;
}

const SPACES_PER_WINDOW = 4;

type CheckedMmu = Pick<Mmu, "frameBytes" | "watchedFrames">;

/** The broken rules of the whole cache, or of a window of its live pages. */
export function brokenCacheRules(cache: TranslationCache, mmu: CheckedMmu, window?: CheckWindow): string[] {
  const broken: string[] = [];
  const { first, count } = window ?? { first: 0, count: Infinity };
  let index = 0;
  for (const page of cache.live) {
    if (index >= first && index < first + count) broken.push(...brokenPageRules(page, cache, mmu));
    index++;
  }
  for (const page of cache.dormant) {
    if (page.attachments.size > 0) broken.push(`JIT-1 ${name(page)} is dormant and attached`);
  }
  broken.push(...brokenFrameRules(cache, mmu));
  const spaces = [...cache.spaces.values()];
  const checked = window === undefined ? spaces : inTurn(spaces, window.first, SPACES_PER_WINDOW);
  for (const space of checked) broken.push(...brokenJumpRules(space, cache));
  return broken;
}

/** The broken rules of one live code page. */
export function brokenPageRules(page: CodePage, cache: TranslationCache, mmu: CheckedMmu): string[] {
  const broken: string[] = [];
  if (page.state !== "live" || page.attachments.size === 0) {
    broken.push(`JIT-1 ${name(page)} is ${page.state} and attached ${page.attachments.size} times`);
  }
  if (cache.find(page.number, page.bytes) !== page)
    broken.push(`JIT-1 ${name(page)} is not found by its bytes`);
  for (const attachment of page.attachments) {
    const { space, frame } = attachment;
    if (space.pages.get(page.number) !== attachment || cache.spaces.get(space.id) !== space) {
      broken.push(`JIT-1 ${name(page)} is attached to space ${space.id}, which does not list it`);
    }
    if (cache.frames.get(frame)?.has(attachment) !== true) {
      broken.push(`JIT-1 ${name(page)} is attached to frame ${frame}, which does not list it`);
    }
    if (Buffer.compare(mmu.frameBytes(frame), page.bytes) !== 0) {
      broken.push(`JIT-3 ${name(page)} differs from frame ${frame}`);
    }
  }
  for (const cell of page.allCells()) broken.push(...brokenCellRules(cell, page));
  for (const { region, address } of page.dependents) {
    if (region?.pages.includes(page) === true) continue;
    broken.push(`JIT-1 ${name(page)} lists ${hex(address)}, whose region does not need it`);
  }
  return broken;
}

/** The broken rules of the functions that guest calls reach without the engine. */
export function brokenCallRules(bound: readonly CacheCell[], space: SpaceCode): string[] {
  const broken: string[] = [];
  for (const { address, page, region } of bound) {
    if (region === undefined) broken.push(`JIT-7 ${hex(address)} can be called and has no region`);
    for (const needed of [page, ...(region?.pages ?? [])]) {
      if (needed === undefined || space.pages.get(needed.number)?.code === needed) continue;
      broken.push(`JIT-7 ${hex(address)} can be called without ${name(needed)}`);
    }
  }
  return broken;
}

function brokenCellRules(cell: CacheCell, page: CodePage): string[] {
  const broken: string[] = [];
  const at = `the cell at ${hex(cell.address)}`;
  if (cell.page !== page || cell.state === "dead" || pageOf(cell.address) !== page.number) {
    broken.push(`JIT-2 ${at} is ${cell.state} and in ${name(page)}`);
  }
  if (
    cell.unit !== undefined &&
    cell.tail === undefined &&
    unitEnd(cell.unit) > pageStart(page.number) + 4096
  ) {
    broken.push(`JIT-1 the unit of ${at} touches a page that does not list it`);
  }
  for (const needed of cell.region?.pages ?? []) {
    if (needed.state !== "dropped" && needed.dependents.has(cell)) continue;
    broken.push(`JIT-1 the region of ${at} was made from ${name(needed)}, which does not list it`);
  }
  for (const link of cell.links) {
    if (page.cells.get(offsetInPage(link.address)) !== link) {
      broken.push(`JIT-2 ${at} links to a cell outside the cache at ${hex(link.address)}`);
    }
  }
  return broken;
}

/** Frames that hold translated code are watched, and list only attachments that exist. */
function brokenFrameRules(cache: TranslationCache, mmu: CheckedMmu): string[] {
  const broken: string[] = [];
  for (const [frame, attachments] of cache.frames) {
    if (!mmu.watchedFrames.has(frame))
      broken.push(`JIT-1 frame ${frame} holds translated code and is not watched`);
    for (const attachment of attachments) {
      const { code } = attachment;
      if (attachment.frame === frame && cache.live.has(code) && code.attachments.has(attachment)) continue;
      broken.push(`JIT-1 frame ${frame} lists ${name(code)}, which is not attached to it`);
    }
  }
  for (const frame of mmu.watchedFrames) {
    if (!cache.frames.has(frame)) broken.push(`JIT-1 frame ${frame} is watched and holds no translated code`);
  }
  return broken;
}

/** Jump cache entries are cells that a lookup in this space would find now. */
function brokenJumpRules(space: SpaceCode, cache: TranslationCache): string[] {
  const broken: string[] = [];
  for (const cell of space.jumps) {
    if (cell === cache.sentinel || reachable(cell, space)) continue;
    broken.push(
      `JIT-2 a jump of space ${space.id} leads to a cell outside the cache at ${hex(cell.address)}`,
    );
  }
  return broken;
}

function reachable(cell: CacheCell, space: SpaceCode): boolean {
  const page = pageOf(cell.address);
  const code = space.pages.get(page)?.code;
  const offset = offsetInPage(cell.address);
  if (code === undefined || code !== cell.page) return false;
  if (cell.tail === undefined) return code.cells.get(offset) === cell && cell.state !== "forwarding";
  const next = space.pages.get((page + 1) as PageNumber)?.code;
  return next !== undefined && code.variantFor(offset, next.bytes) === cell;
}

/** `count` items from `start` on, going round. */
function inTurn<T>(items: readonly T[], start: number, count: number): readonly T[] {
  const first = items.length === 0 ? 0 : start % items.length;
  return [...items.slice(first), ...items.slice(0, first)].slice(0, count);
}

const name = (page: CodePage): string => `the code page at ${hex(pageStart(page.number))}`;
