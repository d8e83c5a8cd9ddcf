/**
 * Translations kept on disk from run to run: one file per set of programs, build and options. Reading one is all
 * that a second run of the same programs spends on translation. A file that is missing, damaged, or was written by
 * another build counts as none; a folder that cannot be written is left alone.
 */

import { crc32 } from "node:zlib";
import type { CodeStore, StoredBatch } from "./jit/code-store.ts";
import { SIGNATURES } from "./jit/emit/webassembly/imports.ts";
import type { JitOptions } from "./jit/options.ts";
import { readKept, readPacked, writeKept } from "./kept-files.ts";
import type { PageNumber } from "./mmu/address.ts";
import { decodeStoredCode, encodeStoredCode, type StoredPage } from "./stored-code-file.ts";

/** A program with more code than this is translated anew in every run. */
const MAX_FILE_BYTES = 32 << 20;

/** What a run may know of how capjit was built. */
export interface Installation {
  /** Changes with every change of the code; sources that were not built have none. */
  readonly build?: string;
  /** A folder with translations that came with the package. */
  readonly shipped?: string;
}

/** A page of the file, and what the run has added to it. */
interface Page {
  readonly number: PageNumber;
  readonly bytes: Uint8Array;
  readonly stored: StoredPage | undefined;
  readonly added: StoredBatch[];
}

export class TranslationStore implements CodeStore {
  readonly #folder: string;
  readonly #key: StoreKey;
  /** By page number; programs may show different bytes at the same address. */
  readonly #pages = new Map<PageNumber, Page[]>();
  #bytes = 0;
  #changed = false;

  /** `folder` is made when there is something to keep; what is in `shipped` is only read. */
  constructor(folder: string, key: StoreKey, shipped?: string) {
    this.#folder = folder;
    this.#key = key;
    const own = readKept(folder, "translations", key.name);
    const content = own ?? readShipped(shipped, key.name);
    if (content === undefined) return;
    for (const stored of decodeStoredCode(content, key.facts, (name) => SIGNATURES.has(name)) ?? []) {
      this.#insert({ number: stored.number, bytes: stored.bytes, stored, added: [] });
    }
    this.#bytes = content.length;
    // Unpacked once for all.
    this.#changed = own === undefined && this.#pages.size > 0;
  }

  find(number: PageNumber, bytes: Uint8Array): readonly StoredBatch[] | undefined {
    const page = this.#pageOf(number, bytes);
    return page === undefined ? undefined : batchesOf(page);
  }

  add(number: PageNumber, bytes: Uint8Array, batch: StoredBatch): void {
    const page = this.#pageOf(number, bytes);
    // Regions have batches cut again as they were cut before.
    if (this.#bytes > MAX_FILE_BYTES || page?.stored?.batches.some((other) => sameCode(other, batch))) return;
    this.#changed = true;
    this.#bytes += batch.body.length;
    if (page !== undefined) {
      page.added.push(batch);
      return;
    }
    this.#bytes += bytes.length;
    this.#insert({ number, bytes, stored: undefined, added: [batch] });
  }

  /** Writes the file when it is not the one that was read. */
  save(): void {
    if (!this.#changed || this.#bytes > MAX_FILE_BYTES) return;
    this.#changed = false;
    const pages = [...this.#pages.values()].flat();
    const whole = pages.map((page) => ({ ...page, batches: batchesOf(page) }));
    writeKept(this.#folder, "translations", this.#key.name, encodeStoredCode(this.#key.facts, whole));
  }

  #insert(page: Page): void {
    const pages = this.#pages.get(page.number);
    if (pages === undefined) this.#pages.set(page.number, [page]);
    else pages.push(page);
  }

  #pageOf(number: PageNumber, bytes: Uint8Array): Page | undefined {
    return this.#pages.get(number)?.find((page) => Buffer.compare(page.bytes, bytes) === 0);
  }
}

const sameCode = (a: StoredBatch, b: StoredBatch): boolean =>
  a.blocks.length === b.blocks.length &&
  a.blocks.every(({ offset }, k) => offset === b.blocks[k]?.offset) &&
  Buffer.compare(a.body, b.body) === 0;

const batchesOf = ({ stored, added }: Page): readonly StoredBatch[] => [...(stored?.batches ?? []), ...added];

const readShipped = (folder: string | undefined, name: string): Uint8Array | undefined =>
  folder === undefined ? undefined : readPacked(folder, "translations", name);

/** Which file, and what its translations depend on besides the bytes of their pages. */
export interface StoreKey {
  readonly name: string;
  readonly facts: string;
}

/** Programs that happen to share a name share a file, no more: facts and pages are compared in full. */
export function storeKey(
  programs: Iterable<Uint8Array>,
  options: JitOptions,
  // Sources may change while their translations lie there: only this process can rely on its own.
  build = `process ${process.pid}`,
): StoreKey {
  const facts = JSON.stringify([build, options]);
  const sums = Array.from(programs, (bytes) => `${bytes.length} ${crc32(bytes)}`);
  const name = [facts, sums.join()].map((text) => crc32(text).toString(16).padStart(8, "0")).join("-");
  return { name, facts };
}
