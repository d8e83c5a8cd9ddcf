import { beforeEach, expect, test } from "vitest";
import { address, frameNumber, pageNumber } from "../../../src/mmu/address.ts";
import type { CompiledUnit } from "../../../src/jit/unit.ts";
import { CacheCell } from "../../../src/jit/cache/cell.ts";
import { type CodePage, hashPage } from "../../../src/jit/cache/code-page.ts";
import { type SpaceCode, jumpSlot } from "../../../src/jit/cache/space-code.ts";
import { type CacheLimits, TranslationCache } from "../../../src/jit/cache/translation-cache.ts";

const PAGE = pageNumber(0x401);
const F1 = frameNumber(1);
const F2 = frameNumber(2);

const dead = (): null => null;
const untranslated = (): null => null;
const stopHere = (): null => null;
let events: string[];

function createCache(limits: Partial<CacheLimits> = {}): TranslationCache {
  events = [];
  return new TranslationCache(
    {
      dead,
      enterWasm: dead,
      untranslated,
      stopHere,
      attached: ({ frame }, first) => void events.push(`attached ${frame}${first ? " first" : ""}`),
      detached: ({ frame }, reason, last) =>
        void events.push(`detached ${frame} ${reason}${last ? " last" : ""}`),
      dropped: (cell, reason) => void events.push(`dropped ${cell.address} ${reason}`),
      regionLost: (cell) => void events.push(`region lost ${cell.address}`),
    },
    { pages: 100, dormantPages: 100, sourceBytes: 1000, ...limits },
  );
}

/** A page of one repeated byte. */
const filled = (value: number): Uint8Array => new Uint8Array(4096).fill(value);

const NO_UNIT: CompiledUnit = { run: () => null, instructions: [], sourceBytes: 0 };

/** Gives the cell at an offset a unit with `sourceBytes` of text. */
function install(cache: TranslationCache, page: CodePage, offset: number, sourceBytes = 10): CacheCell {
  const cell = page.cellAt(offset);
  cache.install(cell, NO_UNIT, sourceBytes);
  return cell;
}

let cache: TranslationCache;
let space: SpaceCode;
beforeEach(() => {
  cache = createCache();
  space = cache.space(1);
});

test("the same bytes at the same page are one code page, whatever the space and frame", () => {
  const first = cache.attach(space, PAGE, F1, filled(1)).code;
  const second = cache.attach(cache.space(2), PAGE, F2, filled(1)).code;
  expect(second).toBe(first);
  expect(first.attachments.size).toBe(2);
});

test("other bytes or another page number are another code page", () => {
  const first = cache.attach(space, PAGE, F1, filled(1)).code;
  expect(cache.attach(cache.space(2), PAGE, F2, filled(2)).code).not.toBe(first);
  expect(cache.attach(cache.space(3), pageNumber(0x402), F1, filled(1)).code).not.toBe(first);
});

test("pages with equal hashes are told apart by their bytes", () => {
  const page = cache.attach(space, PAGE, F1, filled(1)).code;
  expect(cache.find(PAGE, filled(2), page.hash)).toBeUndefined();
  expect(cache.find(pageNumber(7), filled(1), page.hash)).toBeUndefined();
  expect(cache.find(PAGE, filled(1), page.hash)).toBe(page);
});

test("the hash sees every word and the page number", () => {
  const changed = filled(0);
  changed[4095] = 1;
  expect(hashPage(PAGE, changed)).not.toBe(hashPage(PAGE, filled(0)));
  expect(hashPage(PAGE, filled(0))).not.toBe(hashPage(pageNumber(5), filled(0)));
});

test("the first attachment of a frame asks for its watch, the last detachment gives it back", () => {
  const other = cache.space(2);
  cache.attach(space, PAGE, F1, filled(1));
  cache.attach(other, PAGE, F1, filled(1));
  cache.detachPage(space.id, PAGE, "unmap");
  cache.detachPage(other.id, PAGE, "destroy");
  expect(events).toEqual(["attached 1 first", "attached 1", "detached 1 unmap", "detached 1 destroy last"]);
});

test("a write drops what was translated from the frame and is attached nowhere else", () => {
  const page = cache.attach(space, PAGE, F1, filled(1)).code;
  const cell = install(cache, page, 5);
  cache.frameWritten(F1);
  expect(page.state).toBe("dropped");
  expect([cell.state, cell.unit, cell.run]).toEqual(["dead", undefined, dead]);
  expect(cache.sourceBytes).toBe(0);
  expect(cache.find(PAGE, filled(1))).toBeUndefined();
  expect(events.at(-1)).toBe(`dropped ${cell.address} write`);
});

test("a write leaves a code page that another frame shows as well", () => {
  const page = cache.attach(space, PAGE, F1, filled(1)).code;
  cache.attach(cache.space(2), PAGE, F2, filled(1));
  const cell = install(cache, page, 5);
  cache.frameWritten(F1);
  expect([page.state, cell.state, page.attachments.size]).toEqual(["live", "translated", 1]);
  expect(space.pages.size).toBe(0);
});

test("a frame may show several code pages; a write drops all of them", () => {
  const first = cache.attach(space, PAGE, F1, filled(1)).code;
  const second = cache.attach(space, pageNumber(9), F1, filled(1)).code;
  cache.frameWritten(F1);
  expect([first.state, second.state]).toEqual(["dropped", "dropped"]);
  expect(cache.frames.size).toBe(0);
});

test("an unmapped page goes dormant and comes back with its units", () => {
  const page = cache.attach(space, PAGE, F1, filled(1)).code;
  const cell = install(cache, page, 5);
  cache.detachPage(space.id, PAGE, "protect");
  expect([page.state, cell.state]).toEqual(["dormant", "translated"]);
  expect(cache.attach(cache.space(3), PAGE, F2, filled(1)).code).toBe(page);
  expect([page.state, cache.dormant.size]).toEqual(["live", 0]);
});

test("dormant pages beyond the bound go, the longest dormant first", () => {
  cache = createCache({ dormantPages: 2 });
  space = cache.space(1);
  const pages = [1, 2, 3].map(
    (value) => cache.attach(space, pageNumber(value), frameNumber(value), filled(value)).code,
  );
  for (const page of pages) cache.detachPage(space.id, page.number, "unmap");
  expect(pages.map((page) => page.state)).toEqual(["dropped", "dormant", "dormant"]);
});

test("pages beyond the bound are evicted, dormant ones first, then the least recently attached", () => {
  cache = createCache({ pages: 3 });
  space = cache.space(1);
  const attach = (value: number): CodePage =>
    cache.attach(space, pageNumber(value), frameNumber(value), filled(value)).code;
  const pages = [attach(1), attach(2), attach(3)];
  cache.detachPage(space.id, pageNumber(2), "unmap");
  pages.push(attach(4));
  expect(pages.map((page) => page.state)).toEqual(["live", "dropped", "live", "live"]);
  pages.push(attach(5));
  expect(pages.map((page) => page.state)).toEqual(["dropped", "dropped", "live", "live", "live"]);
  expect(space.pages.size).toBe(3);
  expect(events).toContain("detached 1 evicted last");
});

test("room for text is made from other pages, in a batch", () => {
  const pages = [1, 2, 3, 4].map(
    (value) => cache.attach(space, pageNumber(value), frameNumber(value), filled(value)).code,
  );
  for (const page of pages) install(cache, page, 0, 250);
  expect(cache.makeRoom(pages[3]!)).toBe(true);
  expect(pages.map((page) => page.state)).toEqual(["dropped", "live", "live", "live"]);
  expect(cache.sourceBytes).toBe(750);
});

test("a page that fills the cache alone goes itself", () => {
  const page = cache.attach(space, PAGE, F1, filled(1)).code;
  const cell = install(cache, page, 0, 2000);
  expect(cache.makeRoom(page)).toBe(false);
  expect([page.state, cell.state, cache.sourceBytes]).toEqual(["dropped", "dead", 0]);
});

test("text charged to a dropped page is not counted", () => {
  const page = cache.attach(space, PAGE, F1, filled(1)).code;
  cache.frameWritten(F1);
  cache.charge(page, 100);
  expect(cache.sourceBytes).toBe(0);
});

test("detaching a page forgets every jump of that space and no other", () => {
  const other = cache.space(2);
  const page = cache.attach(space, PAGE, F1, filled(1)).code;
  cache.attach(other, PAGE, F2, filled(1));
  const cell = page.cellAt(0x123);
  for (const each of [space, other]) each.remember(cell);
  cache.detachPage(space.id, PAGE, "unmap");
  expect(space.jumps[jumpSlot(cell.lo)]).toBe(cache.sentinel);
  expect(other.jumps[jumpSlot(cell.lo)]).toBe(cell);
});

test("the sentinel of the jump caches has no canonical address", () => {
  expect([cache.sentinel.lo, cache.sentinel.hi >> 15]).toEqual([0, 0x8000]);
  expect(cache.sentinel.run).toBe(stopHere);
});

test("a crossing instruction has one variant per content of the next page, and a bounded number of them", () => {
  const page = cache.attach(space, PAGE, F1, filled(1)).code;
  const made = [1, 2, 3, 4, 5].map((value) => cache.addVariant(page, 4090, filled(value)));
  expect(page.variantFor(4090, filled(3))).toBe(made[2]);
  expect(made[2]?.tail?.length).toBe(9);
  expect(page.variantFor(4090, filled(1))).toBeUndefined();
  expect(made[0]?.state).toBe("dead");
  expect(page.variantFor(4090, filled(9))).toBeUndefined();
});

test("spaces are listed only while they have attached pages", () => {
  cache.attach(space, PAGE, F1, filled(1));
  expect(cache.space(1)).toBe(space);
  cache.detachPage(1, PAGE, "destroy");
  expect(cache.spaces.size).toBe(0);
});

test("notices about pages and frames that hold no translations change nothing", () => {
  cache.detachPage(1, PAGE, "unmap");
  cache.frameWritten(F1);
  cache.attach(space, PAGE, F1, filled(1));
  cache.detachPage(1, pageNumber(77), "unmap");
  cache.frameWritten(F2);
  expect(cache.live.size).toBe(1);
});

test("a unit taken away leaves a cell that translates again", () => {
  const page = cache.attach(space, PAGE, F1, filled(1)).code;
  const cell = install(cache, page, 8);
  cache.untranslate(cell, "boundary");
  expect([cell.state, cell.run, page.translated, cache.sourceBytes]).toEqual([
    "untranslated",
    untranslated,
    0,
    0,
  ]);
  cache.untranslate(cell, "boundary");
  expect(page.translated).toBe(0);
});

test("halves of a cell's address", () => {
  const cell = new CacheCell(address(0x7fff_8000_1000), undefined, dead);
  expect([cell.lo, cell.hi]).toEqual([0x8000_1000 | 0, 0x7fff]);
});

test("a page that is rewritten again and again is marked unstable, others are not", () => {
  const marks = [1, 2, 3, 4, 5, 6].map((value) => {
    const { unstable } = cache.attach(space, PAGE, F1, filled(value)).code;
    cache.frameWritten(F1);
    return unstable;
  });
  expect(marks).toEqual([false, false, false, false, true, true]);
  expect(cache.attach(space, pageNumber(3), F2, filled(1)).code.unstable).toBe(false);
});
