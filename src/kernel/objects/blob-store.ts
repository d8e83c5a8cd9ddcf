/**
 * Blobs named by the SHA-256 of their content. Putting the same bytes twice keeps them once. A copy on the host is a
 * folder of files named by hash.
 */

import type { StorageSink, StoredNode } from "../../host-storage.ts";
import { HASH_BYTES, sha256 } from "../sha256.ts";
import type { Refusal } from "./claims.ts";
import { refuse } from "./claims.ts";

/** What a blob is charged besides its content. */
export const BLOB_BYTES = 64;

export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A name of a blob as a guest gives it, or what is wrong with it. */
export function hashKey(hash: Uint8Array): string | Refusal {
  if (hash.length === HASH_BYTES) return hexOf(hash);
  return refuse("invalidArgument", `a hash has ${HASH_BYTES} bytes, not ${hash.length}`);
}

export interface BlobOptions {
  readonly content: StoredNode;
  readonly writable: boolean;
  readonly maxBytes: number;
  readonly sink?: StorageSink | undefined;
}

/** Fields: `blobs` by hash in hex; `used` = their lengths + `BLOB_BYTES` each (KER-63). */
export class BlobStore {
  readonly blobs = new Map<string, Uint8Array>();
  readonly writable: boolean;
  readonly maxBytes: number;
  readonly #sink: StorageSink | undefined;
  used = 0;

  /** Content whose name is not its hash is not the store's and is left out. */
  constructor({ content, writable, maxBytes, sink }: BlobOptions) {
    this.writable = writable;
    this.maxBytes = maxBytes;
    this.#sink = sink;
    if (content.kind !== "folder") return;
    for (const [name, node] of content.entries) {
      if (node.kind === "file" && hexOf(sha256(node.bytes)) === name) this.#keep(name, node.bytes);
    }
  }

  #keep(key: string, bytes: Uint8Array): void {
    this.blobs.set(key, bytes);
    this.used += bytes.length + BLOB_BYTES;
  }

  /** The hash of the bytes, which are kept from now on. */
  put(bytes: Uint8Array): Uint8Array | Refusal {
    const hash = sha256(bytes);
    const key = hexOf(hash);
    if (this.blobs.has(key)) return hash;
    if (!this.writable) return READ_ONLY;
    if (this.used + bytes.length + BLOB_BYTES > this.maxBytes) {
      return refuse("overloaded", "the store is full");
    }
    if (this.#sink !== undefined && !this.#store(this.#sink, key, bytes)) return NOT_STORED;
    this.#keep(key, bytes.slice());
    return hash;
  }

  /** A file that could not be filled is taken away again. */
  #store(sink: StorageSink, key: string, bytes: Uint8Array): boolean {
    if (!sink.createFile([key])) return false;
    if (bytes.length === 0 || sink.write([key], 0, bytes)) return true;
    sink.removeFile([key]);
    return false;
  }

  get(key: string): Uint8Array | Refusal {
    return this.blobs.get(key) ?? NO_BLOB;
  }

  delete(key: string): Refusal | undefined {
    if (!this.writable) return READ_ONLY;
    const bytes = this.blobs.get(key);
    if (bytes === undefined) return NO_BLOB;
    if (this.#sink?.removeFile([key]) === false) return NOT_STORED;
    this.blobs.delete(key);
    this.used -= bytes.length + BLOB_BYTES;
    return undefined;
  }

  /** Everything a refused call must leave as it was, as text (KER-6). */
  digest(): string {
    return `blobs ${this.used} ${[...this.blobs.keys()].join(" ")}`;
  }
}

const READ_ONLY = refuse("failed", "the store is read-only");
const NO_BLOB = refuse("failed", "no blob has this hash");
const NOT_STORED = refuse("failed", "the store could not be changed");

/** KER-63  Every blob is kept under the hash of its content, and the store counts exactly what it keeps. */
export function brokenBlobRules(store: BlobStore): string[] {
  const broken: string[] = [];
  let used = 0;
  for (const [key, bytes] of store.blobs) {
    used += bytes.length + BLOB_BYTES;
    if (hexOf(sha256(bytes)) !== key) broken.push(`KER-63 the blob ${key} has another content`);
  }
  if (used !== store.used) broken.push(`KER-63 the store counts ${store.used} bytes and keeps ${used}`);
  return broken;
}
