/**
 * Translations kept on disk from run to run: one file per set of programs, build and options. Reading one is all
 * that a second run of the same programs spends on translation. A file that is missing, damaged, or was written by
 * another build counts as none; a folder that cannot be written is left alone.
 */

import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CodeStore, StoredBatch } from "./jit/code-store.ts";
import { SIGNATURES } from "./jit/emit/webassembly/imports.ts";
import type { JitOptions } from "./jit/options.ts";
import type { PageNumber } from "./mmu/address.ts";
import { decodeStoredCode, encodeStoredCode, type StoredPage } from "./stored-code-file.ts";

/** A program with more code than this is translated anew in every run. */
const MAX_FILE_BYTES = 32 << 20;
/** All files together; the ones not written for the longest time go first. */
const MAX_FOLDER_BYTES = 256 << 20;
const SUFFIX = ".translations";

interface Page extends StoredPage {
  readonly batches: StoredBatch[];
}

export class TranslationStore implements CodeStore {
  readonly #file: string;
  readonly #folder: string;
  /** By page number; programs may show different bytes at the same address. */
  readonly #pages = new Map<PageNumber, Page[]>();
  #bytes = 0;
  #changed = false;

  /** `folder` is made when there is something to keep. */
  constructor(folder: string, key: string) {
    this.#folder = folder;
    this.#file = join(folder, key + SUFFIX);
    const file = optional(() => (existsSync(this.#file) ? readFileSync(this.#file) : undefined));
    if (file === undefined) return;
    const pages = decodeStoredCode(file, (name) => SIGNATURES.has(name));
    for (const { number, bytes, batches } of pages ?? []) {
      for (const batch of batches) this.add(number, bytes, batch);
    }
    this.#changed = false;
  }

  find(number: PageNumber, bytes: Uint8Array): readonly StoredBatch[] | undefined {
    return this.#pageOf(number, bytes)?.batches;
  }

  add(number: PageNumber, bytes: Uint8Array, batch: StoredBatch): void {
    if (this.#bytes > MAX_FILE_BYTES) return;
    this.#changed = true;
    this.#bytes += batch.body.length;
    const page = this.#pageOf(number, bytes);
    if (page !== undefined) {
      page.batches.push(batch);
      return;
    }
    this.#bytes += bytes.length;
    const pages = this.#pages.get(number) ?? [];
    pages.push({ number, bytes, batches: [batch] });
    this.#pages.set(number, pages);
  }

  /** Writes the file when the run has added to it. */
  save(): void {
    if (!this.#changed || this.#bytes > MAX_FILE_BYTES) return;
    const bytes = encodeStoredCode([...this.#pages.values()].flat());
    this.#changed = false;
    optional(() => {
      // Another run may read the file meanwhile: it sees the old one or the new one.
      const temporary = `${this.#file}.${process.pid}`;
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      try {
        writeFileSync(temporary, bytes, { mode: 0o600 });
        renameSync(temporary, this.#file);
      } finally {
        rmSync(temporary, { force: true });
      }
      trim(this.#folder);
    });
  }

  #pageOf(number: PageNumber, bytes: Uint8Array): Page | undefined {
    return this.#pages.get(number)?.find((page) => Buffer.compare(page.bytes, bytes) === 0);
  }
}

/**
 * What the file system refuses (no room, no permission, no such disk) only costs speed: the run is complete without
 * it. Anything else is a bug and passes.
 */
function optional<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return undefined;
    throw error;
  }
}

/** Deletes the oldest files while all together are too large. */
function trim(folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => join(folder, name))
    .map((path) => ({ path, stat: statSync(path, { throwIfNoEntry: false }) }))
    .flatMap(({ path, stat }) => (stat === undefined ? [] : [{ path, size: stat.size, at: stat.mtimeMs }]))
    .sort((a, b) => b.at - a.at);
  let total = 0;
  for (const { path, size } of files) {
    total += size;
    if (total > MAX_FOLDER_BYTES) rmSync(path, { force: true });
  }
}

/** CAPJIT_CACHE_DIR, or the user's folder for such files. */
export function storeFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const { CAPJIT_CACHE_DIR: own, XDG_CACHE_HOME: base } = environment;
  if (own !== undefined && own !== "") return own;
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "capjit");
}

/** What translations depend on: this build of capjit, the options, the bytes of the programs. */
export function storeKey(programs: Iterable<Uint8Array>, options: JitOptions): string {
  const self = fileURLToPath(import.meta.url);
  const { size, mtimeMs } = statSync(self);
  const hash = createHash("sha256").update(JSON.stringify([self, size, mtimeMs, options]));
  for (const bytes of programs) hash.update(createHash("sha256").update(bytes).digest());
  return hash.digest("hex").slice(0, 40);
}
