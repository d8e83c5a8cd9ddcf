/**
 * Stored translations as bytes.
 *
 *   magic line | SHA-256 of all that follows | length of the index (4 bytes) | index, JSON | code
 *
 * The index names places in the code part; everything in it is checked before it is used, so a file that is cut
 * off, altered, or of another program is no file.
 */

import { createHash } from "node:crypto";
import type { StoredBatch } from "./jit/code-store.ts";
import { PAGE_BYTES, type PageNumber } from "./mmu/address.ts";

const MAGIC = new TextEncoder().encode("capjit translations 1\n");
const HASH_BYTES = 32;

export interface StoredPage {
  readonly number: PageNumber;
  readonly bytes: Uint8Array;
  readonly batches: readonly StoredBatch[];
}

/** Place and length in the code part. */
type Span = readonly [at: number, length: number];

interface BatchIndex {
  readonly body: Span;
  /** Places of imports in the body, and the number of the name of each. */
  readonly relocations: readonly (readonly [at: number, name: number])[];
  readonly blocks: readonly (readonly [offset: number, at: number, length: number])[];
}
interface Index {
  readonly names: readonly string[];
  readonly pages: readonly {
    readonly number: number;
    readonly bytes: Span;
    readonly batches: readonly BatchIndex[];
  }[];
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

/** Collects the code part. */
class CodePart {
  readonly parts: Uint8Array[] = [];
  length = 0;

  add(bytes: Uint8Array): Span {
    const at = this.length;
    this.parts.push(bytes);
    this.length += bytes.length;
    return [at, bytes.length];
  }
}

export function encodeStoredCode(pages: Iterable<StoredPage>): Uint8Array {
  const code = new CodePart();
  const names = new Map<string, number>();
  const nameIndex = (name: string): number => {
    const known = names.get(name) ?? names.size;
    names.set(name, known);
    return known;
  };
  const index: Index = {
    pages: [...pages].map(({ number, bytes, batches }) => ({
      number,
      bytes: code.add(bytes),
      batches: batches.map(({ body, relocations, blocks }) => ({
        body: code.add(body),
        relocations: relocations.map(({ at, name }) => [at, nameIndex(name)] as const),
        blocks: blocks.map(({ offset, lengths }) => [offset, ...code.add(lengths)] as const),
      })),
    })),
    names: [],
  };
  const text = new TextEncoder().encode(JSON.stringify({ ...index, names: [...names.keys()] }));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length, true);
  const content = Buffer.concat([length, text, ...code.parts]);
  return Buffer.concat([MAGIC, sha256(content), content]);
}

/** The pages of a file, or undefined when it is not a whole and unchanged one. `isName`: what may be imported. */
export function decodeStoredCode(
  file: Uint8Array,
  isName: (name: string) => boolean,
): StoredPage[] | undefined {
  const content = file.subarray(MAGIC.length + HASH_BYTES);
  if (content.length < 4 || Buffer.compare(file.subarray(0, MAGIC.length), MAGIC) !== 0) return undefined;
  if (Buffer.compare(file.subarray(MAGIC.length, MAGIC.length + HASH_BYTES), sha256(content)) !== 0) {
    return undefined;
  }
  const length = new DataView(content.buffer, content.byteOffset).getUint32(0, true);
  const text = Buffer.from(content.subarray(4, 4 + length)).toString();
  const code = content.subarray(4 + length);
  const index = JSON.parse(text) as Index;
  if (!index.names.every(isName)) return undefined;
  // A `slice` of a Buffer would be a view of the file, and so would every slice of that.
  const take = ([at, size]: Span): Uint8Array => new Uint8Array(code.subarray(at, at + size));
  const pages = index.pages.map(({ number, bytes, batches }) => ({
    number: number as PageNumber,
    bytes: take(bytes),
    batches: batches.map((batch) => decodeBatch(batch, index.names, take)),
  }));
  return pages.every(({ bytes }) => bytes.length === PAGE_BYTES) ? pages : undefined;
}

const decodeBatch = (
  { body, relocations, blocks }: BatchIndex,
  names: readonly string[],
  take: (span: Span) => Uint8Array,
): StoredBatch => ({
  body: take(body),
  relocations: relocations.map(([at, name]) => ({ at, name: names[name] ?? "" })),
  blocks: blocks.map(([offset, at, size]) => ({ offset, lengths: take([at, size]) })),
});
