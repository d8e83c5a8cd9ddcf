/**
 * A map from page numbers to values, kept as sorted runs of equal value. Work and memory go with the number of
 * runs, never with the number of pages, so a guest that reserves a gigabyte costs one entry.
 */

/** `first` .. `end - 1` all have this value. */
export interface Run<V> {
  readonly first: number;
  readonly end: number;
  readonly value: V;
}

/** Runs are sorted, disjoint, not empty; neighbours that touch differ in value (`===`). */
export class RunMap<V> {
  #runs: Run<V>[] = [];

  get runs(): readonly Run<V>[] {
    return this.#runs;
  }

  /** Index of the first run that ends after `page`. */
  #indexAfter(page: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const run = this.#runs[middle];
      if (run !== undefined && run.end > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  get(page: number): V | undefined {
    const run = this.#runs[this.#indexAfter(page)];
    return run !== undefined && run.first <= page ? run.value : undefined;
  }

  /** The parts of runs that lie in the range, in order. */
  *within(first: number, count: number): IterableIterator<Run<V>> {
    const end = first + count;
    for (let i = this.#indexAfter(first); i < this.#runs.length; i++) {
      const run = this.#runs[i];
      if (run === undefined || run.first >= end) return;
      yield { first: Math.max(run.first, first), end: Math.min(run.end, end), value: run.value };
    }
  }

  /** Whether any page of the range has a value. */
  intersects(first: number, count: number): boolean {
    const run = this.#runs[this.#indexAfter(first)];
    return run !== undefined && run.first < first + count;
  }

  /** The first page of the range that has no value, or undefined when all have one. */
  firstGap(first: number, count: number): number | undefined {
    let at = first;
    for (const run of this.within(first, count)) {
      if (run.first > at) return at;
      at = run.end;
    }
    return at < first + count ? at : undefined;
  }

  /** Pages of the range that have a value. */
  countWithin(first: number, count: number): number {
    let pages = 0;
    for (const run of this.within(first, count)) pages += run.end - run.first;
    return pages;
  }

  /** Gives the whole range one value. */
  set(first: number, count: number, value: V): void {
    this.#replace(first, first + count, { first, end: first + count, value });
  }

  /** Takes the value of every page in the range away. */
  delete(first: number, count: number): void {
    this.#replace(first, first + count, undefined);
  }

  clear(): void {
    this.#runs = [];
  }

  #replace(first: number, end: number, middle: Run<V> | undefined): void {
    const from = this.#indexAfter(first);
    let to = from;
    while ((this.#runs[to]?.first ?? Infinity) < end) to++;
    const left = this.#runs[from];
    const right = this.#runs[to - 1];
    const pieces: Run<V>[] = [];
    if (to > from && left !== undefined && left.first < first) pieces.push({ ...left, end: first });
    if (middle !== undefined) pieces.push(middle);
    if (to > from && right !== undefined && right.end > end) pieces.push({ ...right, first: end });
    this.#runs.splice(from, to - from, ...pieces);
    this.#mergeAround(Math.max(from - 1, 0), from + pieces.length);
  }

  /** Joins touching runs of equal value among the runs `from` .. `to`. */
  #mergeAround(from: number, to: number): void {
    for (let i = Math.min(to, this.#runs.length - 1); i > from; i--) {
      const [lower, upper] = [this.#runs[i - 1], this.#runs[i]];
      if (lower === undefined || upper === undefined) continue;
      if (lower.end === upper.first && lower.value === upper.value) {
        this.#runs.splice(i - 1, 2, { first: lower.first, end: upper.end, value: lower.value });
      }
    }
  }
}

/**
 * The lowest run of `count` free pages at or above `from` that keeps one free page to either side, or undefined
 * when it would pass `limit`.
 */
export function firstFit(
  map: RunMap<unknown>,
  from: number,
  count: number,
  limit: number,
): number | undefined {
  let at = from;
  for (const run of map.within(Math.max(from - 1, 0), limit)) {
    if (run.first >= at + count + 1) break;
    at = Math.max(at, run.end + 1);
  }
  return at + count <= limit ? at : undefined;
}
