/**
 * The fixed place of one translation. Emitted code, the jump caches and the engine hold cells, never functions:
 * what a cell runs can change (translated, invalidated, stop address) without patching whoever holds it.
 *
 *   untranslated   `run` translates first
 *   translated     `run` is the compiled unit
 *   forwarding     the instruction here reaches into the next page; `run` looks up the variant for its bytes
 *   dead           the page is out of the cache; `run` goes back to the engine with RIP set
 */

import { type GuestAddress, highHalf, lowHalf } from "../../mmu/address.ts";
import type { Cell, CompiledUnit } from "../unit.ts";
import type { CodePage } from "./code-page.ts";

export type CellState = "untranslated" | "translated" | "forwarding" | "dead";

/** A region that begins at a cell. */
export interface CellRegion {
  /** Gets how many guest calls are host calls already. */
  readonly enter: (depth: number) => number;
  /** JIT-1: pages besides the cell's that it was made from. It runs only where a space shows all of them. */
  readonly pages: readonly CodePage[];
  /** Length of its function. */
  readonly bytes: number;
}

export class CacheCell implements Cell {
  readonly address: GuestAddress;
  /** Halves of the address, compared by the jump cache. */
  readonly lo: number;
  readonly hi: number;
  /** Undefined only for the sentinel of the jump caches. */
  readonly page: CodePage | undefined;
  /** Bytes of the next page that the unit depends on, for a variant of a crossing instruction. */
  readonly tail: Uint8Array | undefined;
  /** JIT-2: live exactly as long as its page is in the cache. */
  state: CellState = "untranslated";
  unit: CompiledUnit | undefined = undefined;
  /** JIT-2: the cells that the unit's emitted code may return. */
  links: readonly CacheCell[] = NO_LINKS;
  /** A unit in WebAssembly: its function, and the label of this cell's block in it. */
  enter: ((label: number) => number) | undefined = undefined;
  label = 0;
  /** Runs instead of the unit where it may. */
  region: CellRegion | undefined = undefined;
  /** The region stands in the call table since this epoch; 0: it does not. */
  bound = 0;
  /** Length of what was emitted for the unit and the region. */
  sourceBytes = 0;
  /** Entries left until the unit is worth compiling again for speed; 0: it was, or never will be. */
  heat = 0;
  /** Times entered; counted only when the engine is asked to. */
  entries = 0;
  run: () => Cell | null;

  constructor(address: GuestAddress, page: CodePage | undefined, run: () => Cell | null, tail?: Uint8Array) {
    this.address = address;
    this.lo = lowHalf(address);
    this.hi = highHalf(address);
    this.page = page;
    this.run = run;
    this.tail = tail;
  }
}

const NO_LINKS: readonly CacheCell[] = [];

/** First address past the unit of a translated cell. */
export function unitEnd(unit: CompiledUnit): number {
  const last = unit.instructions.at(-1);
  return last === undefined ? 0 : last.address + last.length;
}
