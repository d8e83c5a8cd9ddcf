/**
 * Stored translations as bytes. Numbers are 32-bit words; a page is taken apart when it is asked for.
 *
 *   content   texts | index | pages
 *   texts     length in bytes; in lines: what the translations depend on, names of imports; filled up to whole words
 *   index     number of pages; for each its page number in halves, the place of its first word
 *   page      the code page | number of batches | batches
 *   batch     length of the body, number of relocations, number of blocks |
 *             relocations: place, name | blocks: offset, number of instructions |
 *             lengths of instructions and the body in bytes, filled up to whole words
 *
 * Whether the content is whole and unchanged is known before it comes here (kept-files.ts).
 */

import type { StoredBatch, StoredBlock } from "./jit/code-store.ts";
import { PAGE_BYTES, type PageNumber } from "./mmu/address.ts";

export interface StoredPage {
  readonly number: PageNumber;
  readonly bytes: Uint8Array;
  readonly batches: readonly StoredBatch[];
}

const HALF = 2 ** 32;
const WORD = 4;

/** Collects the content. */
class Writer {
  readonly #parts: Uint8Array[] = [];
  #words: number[] = [];
  /** Words so far. */
  length = 0;

  words(...values: readonly number[]): void {
    for (const value of values) this.#words.push(value);
    this.length += values.length;
  }

  /** Bytes, and zeros up to the next word. */
  bytes(...parts: readonly Uint8Array[]): void {
    this.#flush();
    let length = 0;
    for (const part of parts) {
      this.#parts.push(part);
      length += part.length;
    }
    this.#parts.push(new Uint8Array(-length & (WORD - 1)));
    this.length += Math.ceil(length / WORD);
  }

  finish(): Uint8Array {
    this.#flush();
    return Buffer.concat(this.#parts);
  }

  #flush(): void {
    const bytes = new Uint8Array(this.#words.length * WORD);
    const view = new DataView(bytes.buffer);
    for (const [k, value] of this.#words.entries()) view.setUint32(k * WORD, value, true);
    this.#parts.push(bytes);
    this.#words = [];
  }
}

/** `facts`: what the translations depend on besides the bytes of their page, in one line. */
export function encodeStoredCode(facts: string, pages: readonly StoredPage[]): Uint8Array {
  const names = new Map<string, number>();
  const bodies = new Writer();
  const places = pages.map((page) => {
    const place = bodies.length;
    encodePage(bodies, page, names);
    return place;
  });
  const head = new Writer();
  const text = new TextEncoder().encode([facts, ...names.keys()].join("\n"));
  head.words(text.length);
  head.bytes(text);
  const start = head.length + 1 + 3 * pages.length;
  head.words(pages.length);
  for (const [k, { number }] of pages.entries()) {
    head.words(number % HALF, Math.floor(number / HALF), start + places[k]!);
  }
  return Buffer.concat([head.finish(), bodies.finish()]);
}

function encodePage(to: Writer, { bytes, batches }: StoredPage, names: Map<string, number>): void {
  const indexOf = (name: string): number => {
    const known = names.get(name) ?? names.size;
    names.set(name, known);
    return known;
  };
  to.bytes(bytes);
  to.words(batches.length);
  for (const { body, relocations, blocks } of batches) {
    to.words(body.length, relocations.length, blocks.length);
    for (const { at, name } of relocations) to.words(at, indexOf(name));
    for (const { offset, lengths } of blocks) to.words(offset, lengths.length);
    to.bytes(...blocks.map(({ lengths }) => lengths), body);
  }
}

/** The pages of the content, or undefined when they depend on something else or want what may not be imported. */
export function decodeStoredCode(
  content: Uint8Array,
  facts: string,
  isName: (name: string) => boolean,
): StoredPage[] | undefined {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const word = (at: number): number => view.getUint32(at * WORD, true);
  const length = word(0);
  const [found, ...names] = Buffer.from(content.buffer, content.byteOffset + WORD, length)
    .toString()
    .split("\n");
  if (found !== facts || !names.every(isName)) return undefined;
  const index = 1 + Math.ceil(length / WORD);
  return Array.from({ length: word(index) }, (_, k) => {
    const entry = index + 1 + 3 * k;
    const number = (word(entry) + word(entry + 1) * HALF) as PageNumber;
    return new ReadPage(number, word(entry + 2), { content, word, names });
  });
}

interface Reading {
  readonly content: Uint8Array;
  readonly word: (at: number) => number;
  readonly names: readonly string[];
}

/** Views of the content; most programs ask for few of the pages that there are. */
class ReadPage implements StoredPage {
  readonly number: PageNumber;
  readonly bytes: Uint8Array;
  readonly #start: number;
  readonly #reading: Reading;
  #batches: StoredBatch[] | undefined = undefined;

  constructor(number: PageNumber, place: number, reading: Reading) {
    this.number = number;
    this.bytes = reading.content.subarray(place * WORD, place * WORD + PAGE_BYTES);
    this.#start = place + PAGE_BYTES / WORD;
    this.#reading = reading;
  }

  get batches(): readonly StoredBatch[] {
    return (this.#batches ??= this.#read());
  }

  #read(): StoredBatch[] {
    const { word } = this.#reading;
    const batches: StoredBatch[] = [];
    let at = this.#start + 1;
    for (let left = word(this.#start); left > 0; left--) {
      const { batch, end } = this.#readBatch(at);
      batches.push(batch);
      at = end;
    }
    return batches;
  }

  #readBatch(at: number): { readonly batch: StoredBatch; readonly end: number } {
    const { content, word, names } = this.#reading;
    const [bodyLength, relocationCount, blockCount] = [word(at), word(at + 1), word(at + 2)];
    const firstBlock = at + 3 + 2 * relocationCount;
    const relocations = Array.from({ length: relocationCount }, (_, k) => ({
      at: word(at + 3 + 2 * k),
      name: names[word(at + 4 + 2 * k)] ?? "",
    }));
    let byte = (firstBlock + 2 * blockCount) * WORD;
    const take = (length: number): Uint8Array => content.subarray(byte, (byte += length));
    const blocks = Array.from({ length: blockCount }, (_, k): StoredBlock => {
      const entry = firstBlock + 2 * k;
      return { offset: word(entry), lengths: take(word(entry + 1)) };
    });
    const body = take(bodyLength);
    return { batch: { body, relocations, blocks }, end: Math.ceil(byte / WORD) };
  }
}
