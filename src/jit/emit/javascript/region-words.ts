/**
 * Which state words a region has to read, and which to write back where. All of it is about words, found by
 * iteration over the blocks:
 *
 *   dirty   a word that the function has assigned on some way to here: written back at a way out
 *   live    a word that is read, or written back, further on: must be in its local
 *
 * Where a helper throws, one catch clause serves all places. It compares the place's order in the text with each
 * word's first place at which the word is dirty, so words that are assigned late need not be read at the start:
 *
 *     catch (x) { ... if (s >= 6) { I[1056] = r128; if (s >= 9) { I[1058] = r136; } } }
 */

import type { BlockText } from "./region-blocks.ts";

type Words = ReadonlySet<number>;
const NO_WORDS: Words = new Set();

/** A group of words that the catch clause writes back from this order on. */
export interface Threshold {
  readonly order: number;
  readonly words: readonly number[];
}

export interface RegionWords {
  /** Words that may have been assigned when the block ends. */
  dirtyAtEnd(block: number): Words;
  /** Words that must be in their locals when the block begins. */
  liveAt(block: number): Words;
  readonly thresholds: readonly Threshold[];
  /** Every word that the function has a local for. */
  readonly all: Words;
}

/** Order of a throw by an instruction, and of one at the end of the block of which it is the last. */
export const orderOfSite = (site: number): number => 2 * site;
export const orderOfEnd = (lastSite: number): number => 2 * lastSite + 1;

/** How a block ends, as far as words are concerned. */
export interface BlockEnd {
  /** Number of the last instruction. */
  readonly lastSite: number;
  /** The block may stop at its end by a throw. */
  readonly stops: boolean;
  /** The block may leave at its end, or call. */
  readonly leaves: boolean;
}

export function regionWords(
  texts: ReadonlyMap<number, BlockText>,
  endOf: (block: number) => BlockEnd,
): RegionWords {
  return new Analysis(texts, endOf);
}

class Analysis implements RegionWords {
  readonly thresholds: readonly Threshold[];
  readonly all: Words;
  readonly #texts: ReadonlyMap<number, BlockText>;
  readonly #endOf: (block: number) => BlockEnd;
  readonly #dirty = new Map<number, Set<number>>();
  readonly #live = new Map<number, Set<number>>();
  /** By word: the first order at which a throw finds it dirty. */
  readonly #firstDirty = new Map<number, number>();

  constructor(texts: ReadonlyMap<number, BlockText>, endOf: (block: number) => BlockEnd) {
    this.#texts = texts;
    this.#endOf = endOf;
    this.#findDirty();
    this.#findThresholds();
    this.#findLive();
    this.thresholds = this.#groups();
    const all = new Set<number>(this.#firstDirty.keys());
    for (const { exposed, assigned } of texts.values())
      for (const word of [...exposed, ...assigned]) all.add(word);
    this.all = all;
  }

  dirtyAtEnd(block: number): Words {
    return this.#dirtyAfter(block, this.#text(block).assigned.length);
  }

  liveAt(block: number): Words {
    return this.#live.get(block) ?? NO_WORDS;
  }

  #text(block: number): BlockText {
    return this.#texts.get(block) as BlockText;
  }

  /** Dirty when the first `count` words of the block are assigned. */
  #dirtyAfter(block: number, count: number): Words {
    return new Set([...(this.#dirty.get(block) ?? []), ...this.#text(block).assigned.slice(0, count)]);
  }

  #findDirty(): void {
    const work = [...this.#texts.keys()];
    for (let block = work.pop(); block !== undefined; block = work.pop()) {
      for (const { to, assigned, afterCall } of this.#text(block).edges) {
        if (!afterCall && addAll(this.#dirty, to, this.#dirtyAfter(block, assigned))) work.push(to);
      }
    }
  }

  /** Orders at which the block may throw, with the words assigned before. */
  #throwsOf(block: number): { readonly order: number; readonly assigned: number }[] {
    const { throws, assigned } = this.#text(block);
    const list = throws.map((each) => ({ order: orderOfSite(each.site), assigned: each.assigned }));
    const { stops, lastSite } = this.#endOf(block);
    if (stops) list.push({ order: orderOfEnd(lastSite), assigned: assigned.length });
    return list;
  }

  #findThresholds(): void {
    for (const block of this.#texts.keys()) {
      for (const { order, assigned } of this.#throwsOf(block)) {
        for (const word of this.#dirtyAfter(block, assigned)) {
          if (order < (this.#firstDirty.get(word) ?? Infinity)) this.#firstDirty.set(word, order);
        }
      }
    }
  }

  /** Words that the block needs on entry for itself. */
  #exposed(block: number): Set<number> {
    const { exposed, assigned } = this.#text(block);
    const needed = new Set(exposed);
    for (const { order, assigned: count } of this.#throwsOf(block)) {
      const before = new Set(assigned.slice(0, count));
      for (const [word, first] of this.#firstDirty) if (first <= order && !before.has(word)) needed.add(word);
    }
    if (this.#endOf(block).leaves) {
      const own = new Set(assigned);
      for (const word of this.#dirty.get(block) ?? NO_WORDS) if (!own.has(word)) needed.add(word);
    }
    return needed;
  }

  #findLive(): void {
    const before = new Map<number, Set<number>>();
    for (const block of this.#texts.keys()) {
      this.#live.set(block, this.#exposed(block));
      for (const { to } of this.#text(block).edges) {
        const known = before.get(to);
        if (known === undefined) before.set(to, new Set([block]));
        else known.add(block);
      }
    }
    const work = [...this.#texts.keys()];
    for (let block = work.pop(); block !== undefined; block = work.pop()) {
      for (const from of before.get(block) ?? []) {
        const { edges, assigned } = this.#text(from);
        for (const edge of edges) {
          if (edge.to !== block || edge.afterCall) continue;
          const own = new Set(assigned.slice(0, edge.assigned));
          const through = [...this.liveAt(block)].filter((word) => !own.has(word));
          if (addAll(this.#live, from, through)) work.push(from);
        }
      }
    }
  }

  #groups(): Threshold[] {
    const groups = new Map<number, number[]>();
    for (const [word, order] of this.#firstDirty) {
      const group = groups.get(order);
      if (group === undefined) groups.set(order, [word]);
      else group.push(word);
    }
    return [...groups].sort(([a], [b]) => a - b).map(([order, words]) => ({ order, words }));
  }
}

/** Whether the set of the key grew. */
function addAll(sets: Map<number, Set<number>>, key: number, words: Iterable<number>): boolean {
  let set = sets.get(key);
  if (set === undefined) sets.set(key, (set = new Set()));
  const before = set.size;
  for (const word of words) set.add(word);
  return set.size > before;
}
