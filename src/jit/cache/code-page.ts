/**
 * The translations of one page of guest code. What identifies it is its 4096 bytes and its page number, not the
 * process: wherever the same bytes are executable at the same address, the same code page serves.
 *
 *   live      attached to at least one (space, frame)
 *   dormant   attached nowhere, kept because the same bytes may come back (the next process of a program)
 *   dropped   out of the cache; its cells are dead
 */

import {
  type FrameNumber,
  type GuestAddress,
  PAGE_BYTES,
  type PageNumber,
  pageStart,
} from "../../mmu/address.ts";
import type { Cell } from "../unit.ts";
import { CacheCell } from "./cell.ts";
import type { SpaceCode } from "./space-code.ts";

/** The longest instruction (Intel SDM vol. 2, 2.3.11). */
export const MAX_INSTRUCTION_BYTES = 15;
/** Variants kept per crossing instruction, one per content of the next page. */
const MAX_VARIANTS = 4;

/** Page `code.number` of `space` shows `frame`, whose bytes are those of `code`. */
export interface Attachment {
  readonly space: SpaceCode;
  readonly frame: FrameNumber;
  readonly code: CodePage;
}

export class CodePage {
  readonly number: PageNumber;
  /** JIT-3: a copy; the frame may change, what was translated may not. */
  readonly bytes: Uint8Array;
  readonly hash: number;
  /** The guest keeps rewriting this page: translate only what is about to run. */
  readonly unstable: boolean;
  /** Next code page with the same hash. */
  next: CodePage | undefined = undefined;
  state: "live" | "dormant" | "dropped" = "dormant";
  /** JIT-1: where these bytes are executable at this moment. */
  readonly attachments = new Set<Attachment>();
  /** By offset in the page. */
  readonly cells = new Map<number, CacheCell>();
  /** Crossing instructions by offset: one cell per content of the next page. */
  readonly variants = new Map<number, CacheCell[]>();
  /** JIT-1: cells of other pages whose regions hold blocks of this one. */
  readonly dependents = new Set<CacheCell>();
  /** Number of cells with a unit. */
  translated = 0;
  /** Length of all emitted text that this page keeps alive. */
  sourceBytes = 0;
  readonly #untranslated: () => Cell | null;

  constructor(
    number: PageNumber,
    bytes: Uint8Array,
    { hash, unstable }: { readonly hash: number; readonly unstable: boolean },
    untranslated: () => Cell | null,
  ) {
    this.number = number;
    this.bytes = bytes;
    this.hash = hash;
    this.unstable = unstable;
    this.#untranslated = untranslated;
  }

  /** The cell at an offset, made when there is none. */
  cellAt(offset: number): CacheCell {
    let cell = this.cells.get(offset);
    if (cell === undefined) {
      cell = new CacheCell(this.#address(offset), this, this.#untranslated);
      this.cells.set(offset, cell);
    }
    return cell;
  }

  /** The variant of the crossing instruction at `offset` for this content of the next page, if there is one. */
  variantFor(offset: number, nextPage: Uint8Array): CacheCell | undefined {
    return this.variants
      .get(offset)
      ?.find((cell) => cell.tail !== undefined && startsWith(nextPage, cell.tail));
  }

  /**
   * Adds the variant for this content, and returns the one it displaced: a guest that rewrites the next page for
   * ever does not fill this one.
   */
  addVariant(offset: number, nextPage: Uint8Array): { cell: CacheCell; displaced: CacheCell | undefined } {
    const tail = nextPage.slice(0, Math.max(1, MAX_INSTRUCTION_BYTES - (PAGE_BYTES - offset)));
    const cell = new CacheCell(this.#address(offset), this, this.#untranslated, tail);
    const kept = this.variants.get(offset) ?? [];
    kept.push(cell);
    this.variants.set(offset, kept);
    return { cell, displaced: kept.length > MAX_VARIANTS ? kept.shift() : undefined };
  }

  /** The cells of one address: the one in `cells` and the variants. */
  cellsAt(offset: number): CacheCell[] {
    const cell = this.cells.get(offset);
    return [...(cell === undefined ? [] : [cell]), ...(this.variants.get(offset) ?? [])];
  }

  /** Every cell, the variants included. */
  *allCells(): Iterable<CacheCell> {
    yield* this.cells.values();
    for (const variants of this.variants.values()) yield* variants;
  }

  #address(offset: number): GuestAddress {
    return (pageStart(this.number) + offset) as GuestAddress;
  }
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  for (let i = 0; i < start.length; i++) if (bytes[i] !== start[i]) return false;
  return true;
}

/** FNV-1a over the words of a page and its number. `bytes` must be 4-byte aligned. */
export function hashPage(number: PageNumber, bytes: Uint8Array): number {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, PAGE_BYTES >> 2);
  let hash = 0x811c9dc5 ^ (number | 0);
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
