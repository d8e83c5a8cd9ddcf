/**
 * Names bound to hashes. A view of the table sees only the names that begin with its prefix, and without it. A copy
 * on the host is a folder of files named by the name in hex, because names may hold any character.
 */

import type { StorageSink, StoredNode } from "../../host-storage.ts";
import { HASH_BYTES } from "../sha256.ts";
import { hexOf } from "./blob-store.ts";
import type { Refusal } from "./claims.ts";
import { refuse } from "./claims.ts";

/** Together they fit a listing in a client's buffer. */
export const NAMES_MAX = 128;
export const NAME_BYTES_MAX = 120;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export interface NameOptions {
  readonly content: StoredNode;
  readonly writable: boolean;
  readonly sink?: StorageSink | undefined;
}

/** Fields: `names` = at most `NAMES_MAX`, each of 1 to `NAME_BYTES_MAX` bytes, to a hash (KER-64). */
export class NameTable {
  readonly names = new Map<string, Uint8Array>();
  readonly writable: boolean;
  readonly #sink: StorageSink | undefined;

  /** Files that are no bindings are left out. */
  constructor({ content, writable, sink }: NameOptions) {
    this.writable = writable;
    this.#sink = sink;
    if (content.kind !== "folder") return;
    for (const [file, node] of content.entries) {
      const name = nameOfFile(file);
      const ours = name !== undefined && node.kind === "file" && node.bytes.length === HASH_BYTES;
      if (ours && this.names.size < NAMES_MAX) this.names.set(name, node.bytes);
    }
  }

  resolve(name: string): Uint8Array | Refusal {
    return this.names.get(name) ?? refuse("failed", `no binding of ${quoted(name)}`);
  }

  /** Binds a name, or binds it anew. */
  bind(name: string, hash: Uint8Array): Refusal | undefined {
    const { length } = encoder.encode(name);
    if (length === 0 || length > NAME_BYTES_MAX || /\p{Surrogate}/u.test(name)) {
      return refuse("invalidArgument", `a name has 1 to ${NAME_BYTES_MAX} bytes of UTF-8`);
    }
    if (hash.length !== HASH_BYTES) {
      return refuse("invalidArgument", `a hash has ${HASH_BYTES} bytes, not ${hash.length}`);
    }
    if (!this.writable) return refuse("failed", "the namespace is read-only");
    if (!this.names.has(name) && this.names.size >= NAMES_MAX) {
      return refuse("overloaded", `a namespace has at most ${NAMES_MAX} names`);
    }
    if (!this.#store(name, hash)) return refuse("failed", "the namespace could not be changed");
    this.names.set(name, hash.slice());
    return undefined;
  }

  #store(name: string, hash: Uint8Array): boolean {
    const sink = this.#sink;
    if (sink === undefined) return true;
    const file = [hexOf(encoder.encode(name))];
    if (this.names.has(name)) return sink.write(file, 0, hash);
    return sink.createFile(file) && sink.write(file, 0, hash);
  }

  /** Names that begin with the prefix, without it, in the order of their code units. */
  list(prefix: string): readonly string[] {
    const names = [...this.names.keys()].filter((name) => name.startsWith(prefix));
    return names.sort().map((name) => name.slice(prefix.length));
  }

  /** Everything a refused call must leave as it was, as text (KER-6). */
  digest(): string {
    return `names ${[...this.names].map(([name, hash]) => `${quoted(name)}=${hexOf(hash)}`).join(" ")}`;
  }
}

const quoted = (name: string): string => JSON.stringify(name.slice(0, 64));

function nameOfFile(file: string): string | undefined {
  if (!/^([0-9a-f]{2})+$/.test(file) || file.length > 2 * NAME_BYTES_MAX) return undefined;
  const bytes = Uint8Array.from({ length: file.length / 2 }, (_, i) =>
    parseInt(file.slice(2 * i, 2 * i + 2), 16),
  );
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** KER-64  A namespace holds well-formed bindings, and no more than its limit. */
export function brokenNameRules({ names }: NameTable): string[] {
  const broken: string[] = [];
  if (names.size > NAMES_MAX) broken.push(`KER-64 ${names.size} names, the limit is ${NAMES_MAX}`);
  for (const [name, hash] of names) {
    const { length } = encoder.encode(name);
    if (length === 0 || length > NAME_BYTES_MAX) broken.push(`KER-64 a name of ${length} bytes`);
    if (hash.length !== HASH_BYTES) broken.push(`KER-64 ${quoted(name)} is bound to ${hash.length} bytes`);
  }
  return broken;
}
