/**
 * All operation sequences of a small system, breadth first: every operation in every state that any sequence reaches,
 * each state once. The system is the real code; it cannot be copied, so a state is kept as the shortest sequence that
 * leads to it and is made again from the start when it is needed.
 *
 * States are told apart by 64 bits of a hash of their text. With ten million states the chance that two share one,
 * and one goes unvisited, is about 3 in a million.
 */

/** A fresh small system, and what can be seen of it. */
export interface System<Op> {
  /** Performs the operation and compares it with what must happen. A refusal does not begin with "ok". */
  apply(operation: Op): string;
  /** Everything that later behaviour depends on. */
  key(): string;
  /** The rules that are broken. */
  broken(): readonly string[];
  /** Ends the system; the rules about ends that are broken. */
  end?(): readonly string[];
}

export interface Space<Op> {
  readonly name: string;
  /** The configuration in words. */
  readonly bound: string;
  readonly operations: readonly Op[];
  create(): System<Op>;
}

export interface Limits {
  /** Longest sequence; states at this depth are checked and not left. */
  readonly depth?: number;
  readonly states?: number;
  /** Milliseconds of `performance.now()`. */
  readonly deadline: number;
}

export interface Report {
  readonly name: string;
  readonly bound: string;
  readonly states: number;
  readonly transitions: number;
  /** Every sequence up to this many operations was tried. */
  readonly depth: number;
  /** No sequence of any length reaches another state. */
  readonly complete: boolean;
  readonly seconds: number;
  /** Outcomes by number, to see that each kind was met. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly broken: readonly string[];
}

/** So many are visited however late it is: a slow machine checks something too. */
const LEAST_STATES = 100;

/** A set of 64-bit hashes, open addressing. */
export class HashSet {
  #low = new Uint32Array(1 << 12);
  #high = new Uint32Array(1 << 12);
  size = 0;

  /** False when it was there already. */
  add(text: string): boolean {
    let low = 0x811c9dc5;
    let high = 0x9747b28c;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x5bd1e995);
      high ^= high >>> 13;
    }
    low = Math.imul(low ^ (low >>> 15), 0x2c1b3c6d);
    // Zero is an empty place.
    return this.#insert(low >>> 0, (high | 1) >>> 0);
  }

  #insert(low: number, high: number): boolean {
    if (this.size * 2 > this.#low.length) this.#grow();
    const mask = this.#low.length - 1;
    let place = (low ^ high) & mask;
    while (this.#high[place] !== 0) {
      if (this.#low[place] === low && this.#high[place] === high) return false;
      place = (place + 1) & mask;
    }
    this.#low[place] = low;
    this.#high[place] = high;
    this.size++;
    return true;
  }

  #grow(): void {
    const [low, high] = [this.#low, this.#high];
    this.#low = new Uint32Array(low.length * 4);
    this.#high = new Uint32Array(low.length * 4);
    this.size = 0;
    for (let i = 0; i < low.length; i++) if (high[i] !== 0) this.#insert(low[i] as number, high[i] as number);
  }
}

/** Visits states until there is no new one, a limit is reached, or a rule is broken. */
export function explore<Op>(space: Space<Op>, limits: Limits): Report {
  return new Search(space, limits).run();
}

class Search<Op> {
  readonly #space: Space<Op>;
  readonly #limits: Limits;
  readonly #seen = new HashSet();
  /** State n was reached from `#from[n]` by operation `#by[n]`. */
  readonly #from: number[] = [-1];
  readonly #by: number[] = [-1];
  readonly #depth: number[] = [0];
  readonly #outcomes = new Map<string, number>();
  #transitions = 0;
  #broken: readonly string[] = [];

  constructor(space: Space<Op>, limits: Limits) {
    this.#space = space;
    this.#limits = limits;
  }

  run(): Report {
    const start = performance.now();
    const { name, bound } = this.#space;
    const first = this.#space.create();
    this.#seen.add(first.key());
    this.#judge(first, 0, -1);
    const next = this.#visit();
    const complete = next === this.#from.length;
    const depth = complete ? (this.#depth.at(-1) ?? 0) : (this.#depth[next] ?? 0);
    return {
      name,
      bound,
      states: this.#seen.size,
      transitions: this.#transitions,
      depth,
      complete: complete && depth < (this.#limits.depth ?? Infinity),
      seconds: (performance.now() - start) / 1000,
      outcomes: this.#outcomes,
      broken: this.#broken,
    };
  }

  /** The first state that was not left in all ways. */
  #visit(): number {
    const { depth = Infinity, states = Infinity, deadline } = this.#limits;
    let state = 0;
    for (; state < this.#from.length; state++) {
      const late = this.#from.length >= LEAST_STATES && performance.now() > deadline;
      if (this.#broken.length > 0 || this.#from.length >= states || late) return state;
      if ((this.#depth[state] ?? 0) >= depth) continue;
      this.#leave(state);
    }
    return state;
  }

  /** Every operation in one state. A refused one must leave the system as it was, so it serves again. */
  #leave(state: number): void {
    let system = this.#replay(state);
    const key = system.key();
    const refused: number[] = [];
    for (const [number, operation] of this.#space.operations.entries()) {
      const outcome = this.#apply(system, operation, state, number);
      if (outcome === undefined) return;
      this.#transitions++;
      this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
      if (!outcome.startsWith("ok")) {
        refused.push(number);
        continue;
      }
      if (this.#seen.add(system.key())) {
        this.#from.push(state);
        this.#by.push(number);
        this.#depth.push((this.#depth[state] ?? 0) + 1);
        this.#judge(system, state, number);
      } else {
        system.end?.();
      }
      system = this.#replay(state);
    }
    this.#confirm(system, state, key, refused);
    system.end?.();
  }

  /** KER-6: all that was refused, one after the other, changed nothing. */
  #confirm(system: System<Op>, state: number, key: string, refused: readonly number[]): void {
    for (const number of refused) system.apply(this.#space.operations[number] as Op);
    if (system.key() === key) return;
    for (const number of refused) {
      const alone = this.#replay(state);
      const outcome = alone.apply(this.#space.operations[number] as Op);
      const after = alone.key();
      alone.end?.();
      if (after === key) continue;
      return this.#report(
        [`KER-6 an operation was refused (${outcome}) and changed`, key, "to", after],
        state,
        number,
      );
    }
    this.#report(["KER-6 refused operations changed the state together"], state, -1);
  }

  #apply(system: System<Op>, operation: Op, state: number, number: number): string | undefined {
    try {
      return system.apply(operation);
    } catch (error) {
      this.#report([error instanceof Error ? error.message : String(error)], state, number);
      return undefined;
    }
  }

  /** Checks a new state, and ends its system. */
  #judge(system: System<Op>, state: number, number: number): void {
    const broken = system.broken();
    const atEnd = broken.length > 0 ? [] : (system.end?.() ?? []);
    if (broken.length + atEnd.length > 0) this.#report([...broken, ...atEnd], state, number);
  }

  #report(lines: readonly string[], state: number, number: number): void {
    const path = [...this.#path(state), ...(number < 0 ? [] : [number])];
    const steps = path.map((each) => JSON.stringify(this.#space.operations[each]));
    this.#broken = [...lines, `after: ${steps.join(" ; ")}`];
  }

  #path(state: number): number[] {
    const path: number[] = [];
    for (let at = state; at > 0; at = this.#from[at] ?? 0) path.push(this.#by[at] ?? 0);
    return path.reverse();
  }

  #replay(state: number): System<Op> {
    const system = this.#space.create();
    for (const number of this.#path(state)) system.apply(this.#space.operations[number] as Op);
    return system;
  }
}
