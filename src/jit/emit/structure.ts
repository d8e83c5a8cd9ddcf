/**
 * A control-flow graph as nested loops and forward jumps, for both back ends.
 *
 *   sequence   items in an order in which every jump inside leads forward
 *   item       one block, or a loop: a sequence whose first block is the header
 *
 * A back end opens one labelled block per item that is jumped to, so a forward jump leaves labelled blocks and a
 * backward one continues a loop. What this form cannot say (a jump into the middle of a loop, a second way into
 * it) goes through a dispatch: the target becomes an entry, and a jump to an entry can always be made by the
 * `switch` at the function's start. Making a block an entry takes the loops around it apart, so every entry stands
 * in the outermost sequence.
 *
 * Dominators as in Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm"; a loop is natural when its
 * header dominates it.
 */

export interface Loop {
  readonly header: number;
  readonly body: readonly Item[];
}
/** A block number, or a loop. */
export type Item = number | Loop;

export interface Structure {
  readonly items: readonly Item[];
  /** The blocks that the switch leads to, in the order of its labels; those asked for come first. */
  readonly entries: readonly number[];
  /** Whether a jump between two blocks has to go through the switch. */
  dispatches(from: number, to: number): boolean;
}

/** First block of an item: what a jump to the item names. */
export const leader = (item: Item): number => (typeof item === "number" ? item : item.header);

const NONE = -1;

/** `successors[b]` are the blocks that block b may go on to. Blocks that no entry reaches are left out. */
export function structureOf(
  successors: readonly (readonly number[])[],
  wanted: readonly number[],
): Structure {
  const entries = [...wanted];
  let graph = new Graph(successors, entries);
  for (;;) {
    const extra = graph.irreducibleTarget();
    if (extra === NONE) break;
    entries.push(extra);
    graph = new Graph(successors, entries);
  }
  const bodies = graph.loopBodies();
  const inOrder = graph.order;
  const items = nest(inOrder, bodies, NONE);
  return {
    items,
    entries,
    dispatches: (from, to) => graph.isBackward(from, to) && !graph.dominates(to, from),
  };
}

/** Puts blocks into items; each loop stands where its header does. */
function nest(order: readonly number[], bodies: ReadonlyMap<number, Set<number>>, outer: number): Item[] {
  const items: Item[] = [];
  const taken = new Set<number>();
  for (const block of order) {
    if (taken.has(block)) continue;
    const body = block === outer ? undefined : bodies.get(block);
    if (body === undefined) {
      items.push(block);
      continue;
    }
    const inside = order.filter((other) => body.has(other));
    for (const other of inside) taken.add(other);
    items.push({ header: block, body: nest(inside, bodies, block) });
  }
  return items;
}

class Graph {
  /** Reachable blocks in reverse postorder. */
  readonly order: number[] = [];
  readonly #successors: readonly (readonly number[])[];
  readonly #predecessors: number[][];
  readonly #entries: ReadonlySet<number>;
  /** Place of a block in `order`, NONE when unreachable. */
  readonly #place: Int32Array;
  /** Immediate dominators as places; the virtual root above all entries is NONE. */
  readonly #dominator: Int32Array;

  constructor(successors: readonly (readonly number[])[], entries: readonly number[]) {
    this.#successors = successors;
    this.#entries = new Set(entries);
    this.#place = new Int32Array(successors.length).fill(NONE);
    this.#predecessors = successors.map(() => []);
    this.#visitAll(entries);
    this.#dominator = new Int32Array(this.order.length).fill(UNKNOWN);
    this.#findDominators();
  }

  isBackward(from: number, to: number): boolean {
    return (this.#place[to] as number) <= (this.#place[from] as number);
  }

  dominates(a: number, b: number): boolean {
    const goal = this.#place[a] as number;
    let at = this.#place[b] as number;
    while (at > goal) at = this.#dominator[at] as number;
    return at === goal;
  }

  /** A backward jump's target that does not dominate its source and is no entry yet, or NONE. */
  irreducibleTarget(): number {
    for (const from of this.order) {
      for (const to of this.#successors[from] ?? []) {
        if (!this.#entries.has(to) && this.isBackward(from, to) && !this.dominates(to, from)) return to;
      }
    }
    return NONE;
  }

  /** For each header the blocks of its natural loop, the header included. */
  loopBodies(): Map<number, Set<number>> {
    const bodies = new Map<number, Set<number>>();
    for (const from of this.order) {
      for (const to of this.#successors[from] ?? []) {
        if (!this.isBackward(from, to) || !this.dominates(to, from)) continue;
        const body = bodies.get(to) ?? new Set([to]);
        bodies.set(to, body);
        const work = [from];
        for (let block = work.pop(); block !== undefined; block = work.pop()) {
          if (body.has(block)) continue;
          body.add(block);
          work.push(...(this.#predecessors[block] ?? []));
        }
      }
    }
    return bodies;
  }

  /** Depth first without recursion: guests choose how deep their graphs are. */
  #visitAll(entries: readonly number[]): void {
    const seen = new Set<number>();
    const postorder: number[] = [];
    // The entries are the successors of the virtual root; the first one should come first in the order.
    for (const entry of [...entries].reverse()) this.#visit(entry, seen, postorder);
    postorder.reverse();
    for (const block of postorder) this.#place[block] = this.order.push(block) - 1;
  }

  #visit(start: number, seen: Set<number>, postorder: number[]): void {
    if (seen.has(start)) return;
    seen.add(start);
    const stack = [{ block: start, next: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const to = this.#successors[top.block]?.[top.next++];
      if (to === undefined) {
        postorder.push(top.block);
        stack.pop();
        continue;
      }
      this.#predecessors[to]?.push(top.block);
      if (seen.has(to)) continue;
      seen.add(to);
      stack.push({ block: to, next: 0 });
    }
  }

  #findDominators(): void {
    let changed = true;
    while (changed) {
      changed = false;
      for (let place = 0; place < this.order.length; place++) {
        const found = this.#dominatorOf(this.order[place] as number);
        if (found === this.#dominator[place]) continue;
        this.#dominator[place] = found;
        changed = true;
      }
    }
  }

  #dominatorOf(block: number): number {
    if (this.#entries.has(block)) return NONE;
    let found = UNKNOWN;
    for (const predecessor of this.#predecessors[block] ?? []) {
      const place = this.#place[predecessor] as number;
      if (this.#dominator[place] === UNKNOWN) continue;
      found = found === UNKNOWN ? place : this.#intersect(found, place);
    }
    return found;
  }

  #intersect(a: number, b: number): number {
    let left = a;
    let right = b;
    while (left !== right) {
      while (left > right) left = this.#dominator[left] as number;
      while (right > left) right = this.#dominator[right] as number;
    }
    return left;
  }
}

const UNKNOWN = -2;
