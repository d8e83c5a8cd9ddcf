/**
 * Translations kept from run to run, as the translator sees them. What is stored depends on nothing but the bytes
 * of a code page, its page number, and the version of the translator.
 */

import type { GuestAddress, PageNumber } from "../mmu/address.ts";
import type { FunctionCode } from "./emit/webassembly/imports.ts";
import type { CompiledUnit } from "./unit.ts";

/** A block of a batch: where it begins in its page, and the lengths of its instructions. */
export interface StoredBlock {
  readonly offset: number;
  readonly lengths: Uint8Array;
}

/** A function with state in place; its blocks in the order of its labels. */
export interface StoredBatch extends FunctionCode {
  readonly blocks: readonly StoredBlock[];
}

export interface CodeStore {
  /** The batches of the page with exactly these bytes. */
  find(page: PageNumber, bytes: Uint8Array): readonly StoredBatch[] | undefined;
  add(page: PageNumber, bytes: Uint8Array, batch: StoredBatch): void;
}

/** The guest instructions of a stored block that begins at `address`. */
export function storedInstructions(
  address: GuestAddress,
  { lengths }: StoredBlock,
): CompiledUnit["instructions"] {
  let at = address;
  return Array.from(lengths, (length) => {
    const instruction = { address: at, length };
    at = (at + length) as GuestAddress;
    return instruction;
  });
}
