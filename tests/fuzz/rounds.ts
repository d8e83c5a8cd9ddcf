/**
 * Rounds of the fuzzer: round n of a seed is one sheet, always the same one, and says which executors take it. One
 * in three is a sheet of instructions, the others are programs.
 *
 *   instructions  every case on what runs by default, and one in `OTHERS_ONE_OF` on one other executor in turn
 *   programs      every program on one executor in turn; what runs by default has its turn most often
 */

import { encodingText } from "../../src/frontend/tables/encodings.ts";
import type { NativeCpu } from "../support/native.ts";
import { type ExecutorMaker, SHEET_EXECUTORS, type SheetExecutor } from "./executors.ts";
import { instructionSheet } from "./instructions.ts";
import { programSheet } from "./programs.ts";
import { Random } from "./random.ts";
import { reportText } from "./report.ts";
import { type Divergence, runSheet, type SheetOutcome } from "./run-sheet.ts";
import { Shrinker } from "./shrink.ts";
import type { Sheet } from "./specimen.ts";
import { StatePool } from "./states.ts";

export const KINDS = ["instructions", "programs"] as const;
export type Kind = (typeof KINDS)[number];

const OTHERS_ONE_OF = 4;
/** Turns that what runs by default has between two of others. */
const DEFAULT_TURNS = 2;
const ROUNDS_PER_POOL = 16;
/** Executors are made anew so often: what they keep of old sheets is of no use. */
const ROUNDS_PER_EXECUTOR = 24;

export interface RoundOptions {
  readonly seed: number;
  /** Only instructions whose names match; then there are no programs. */
  readonly only?: RegExp | undefined;
  /** Only executors whose names match. */
  readonly on?: RegExp | undefined;
}

export interface RoundOutcome extends SheetOutcome {
  readonly kind: Kind;
  /** Cases of one instruction; the others are sequences. */
  readonly single: number;
  /** Programs of which at least one state was compared. */
  readonly programs: number;
  readonly executors: readonly string[];
  /** Cases of single instructions by encoding. */
  readonly byEncoding: ReadonlyMap<string, number>;
}

export const kindOf = (round: number, { only }: RoundOptions): Kind =>
  only !== undefined || round % 3 === 0 ? "instructions" : "programs";

const seeded = (seed: number, round: number, stream: number): Random =>
  new Random((Math.imul(seed, 1_000_003) + Math.imul(round, 7919) + Math.imul(stream, 0x5bd1e995)) | 0);

export class Rounds {
  readonly #native: NativeCpu;
  readonly #options: RoundOptions;
  readonly #makers: readonly ExecutorMaker[];
  readonly #executors = new Map<ExecutorMaker, { readonly executor: SheetExecutor; left: number }>();
  #pool: { readonly epoch: number; readonly states: StatePool } | undefined;

  constructor(native: NativeCpu, options: RoundOptions) {
    this.#native = native;
    this.#options = options;
    this.#makers = SHEET_EXECUTORS.filter(({ name }) => options.on?.test(name) !== false);
    if (this.#makers.length === 0) throw new RangeError("no executor has such a name");
  }

  run(round: number): RoundOutcome {
    const kind = kindOf(round, this.#options);
    const random = seeded(this.#options.seed, round, 1);
    const pool = this.#poolOf(round).use(random);
    const sheet =
      kind === "programs" ? programSheet(random, pool) : instructionSheet(random, pool, this.#options.only);
    const executors = this.#turnOf(kind, round);
    const outcome = runSheet(this.#native, sheet, executors);
    return {
      ...outcome,
      kind,
      ...countsOf(sheet, outcome, kind),
      executors: executors.map(({ name }) => name),
    };
  }

  /** The smallest form of a divergence, as text. */
  async report(found: Divergence, again: string): Promise<string> {
    const maker = this.#makers.find(({ name }) => name === found.executor);
    const shrunk = maker === undefined ? undefined : new Shrinker(this.#native, maker.make()).shrink(found);
    const text = await reportText(shrunk ?? found, again);
    return shrunk === undefined ? `${text}\n  (does not happen when the case runs alone)` : text;
  }

  #turnOf(kind: Kind, round: number): SheetExecutor[] {
    const [first, ...others] = this.#makers;
    const turn = Math.floor(round / 3);
    const other = others[turn % others.length];
    if (kind === "instructions") {
      const usual = this.#executor(first!);
      return other === undefined ? [usual] : [usual, rarely(this.#executor(other))];
    }
    // Two rounds of programs in three: they have turns of their own.
    const place = turn * 2 + (round % 3);
    const own = others[Math.floor(place / (DEFAULT_TURNS + 1)) % Math.max(1, others.length)];
    const chosen = place % (DEFAULT_TURNS + 1) !== 0 || own === undefined ? first! : own;
    return [{ ...bound(this.#executor(chosen)), oneOf: 1 }];
  }

  #executor(maker: ExecutorMaker): SheetExecutor {
    const known = this.#executors.get(maker);
    if (known !== undefined && known.left-- > 0) return known.executor;
    const executor = maker.make();
    this.#executors.set(maker, { executor, left: ROUNDS_PER_EXECUTOR });
    return executor;
  }

  #poolOf(round: number): StatePool {
    const epoch = Math.floor(round / ROUNDS_PER_POOL);
    if (this.#pool?.epoch !== epoch)
      this.#pool = { epoch, states: new StatePool(seeded(this.#options.seed, epoch, 2)) };
    return this.#pool.states;
  }
}

const bound = (executor: SheetExecutor): SheetExecutor => ({
  name: executor.name,
  oneOf: executor.oneOf,
  load: (image) => executor.load(image),
  run: (place) => executor.run(place),
});

const rarely = (executor: SheetExecutor): SheetExecutor => ({
  ...bound(executor),
  oneOf: Math.max(executor.oneOf, OTHERS_ONE_OF),
});

function countsOf(
  { specimens }: Sheet,
  { bySpecimen }: SheetOutcome,
  kind: Kind,
): Pick<RoundOutcome, "single" | "programs" | "byEncoding"> {
  const byEncoding = new Map<string, number>();
  if (kind === "programs")
    return { single: 0, programs: bySpecimen.filter((count) => count > 0).length, byEncoding };
  let single = 0;
  for (const [i, { pieces }] of specimens.entries()) {
    const [piece, more] = pieces;
    const count = bySpecimen[i] ?? 0;
    if (piece === undefined || more !== undefined) continue;
    single += count;
    if (piece.encoding === undefined) continue;
    const key = encodingText(piece.encoding);
    byEncoding.set(key, (byEncoding.get(key) ?? 0) + count);
  }
  return { single, programs: 0, byEncoding };
}
