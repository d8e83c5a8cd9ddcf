/**
 * Cap'n Proto messages as guests send them, made safe to read. `canonicalMessage` walks a message from its root,
 * checks every pointer, and writes what it reached into one segment without far pointers; only such a copy is given
 * to the generated readers. Work and memory are bounded by the message's own size.
 */

import { MESSAGE_MAX_SEGMENTS, MESSAGE_NESTING } from "./abi.ts";

const WORD = 8;
/** A walk may visit this many times the words of the message: pointers may share content, but not multiply it. */
const AMPLIFICATION = 8;

const KIND_STRUCT = 0;
const KIND_LIST = 1;
const KIND_FAR = 2;
const LIST_POINTERS = 6;
const LIST_COMPOSITE = 7;
/** Bits per element for the list sizes 0..5. */
const ELEMENT_BITS = [0, 1, 8, 16, 32, 64] as const;

/** A part of the message: where it starts in the buffer, and its length. */
interface Segment {
  readonly start: number;
  readonly words: number;
}

/** A pointer after following far pointers: what it is, and where its content starts. */
interface Target {
  readonly segment: Segment;
  readonly content: number;
  readonly lo: number;
  readonly hi: number;
}

/** One well-formed segment with the same content and a struct or null as root, or undefined when the message is malformed. */
export function canonicalMessage(bytes: Uint8Array): ArrayBuffer | undefined {
  const segments = segmentsOf(bytes);
  if (segments === undefined) return undefined;
  const copier = new Copier(bytes, segments);
  return copier.copyRoot(segments[0]) ? copier.finish() : undefined;
}

/** The segment table of a stream-framed message; bytes behind the last segment are ignored. */
function segmentsOf(bytes: Uint8Array): readonly [Segment, ...Segment[]] | undefined {
  if (bytes.length < WORD) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint32(0, true) + 1;
  if (count >= MESSAGE_MAX_SEGMENTS) return undefined;
  let start = Math.ceil((4 + 4 * count) / WORD) * WORD;
  if (start > bytes.length) return undefined;
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const words = view.getUint32(4 + 4 * i, true);
    if (start + words * WORD > bytes.length) return undefined;
    segments.push({ start, words });
    start += words * WORD;
  }
  const [first, ...others] = segments;
  return first === undefined || first.words === 0 ? undefined : [first, ...others];
}

/** One message is copied at a time, so all share the place where it is put together. */
let scratch = new Uint8Array(65_536);
let scratchView = new DataView(scratch.buffer);

function growScratch(used: number, needed: number): void {
  const larger = new Uint8Array(Math.max(needed, scratch.length * 2));
  larger.set(scratch.subarray(0, used));
  scratch = larger;
  scratchView = new DataView(larger.buffer);
}

class Copier {
  readonly #source: DataView;
  readonly #bytes: Uint8Array;
  readonly #segments: readonly Segment[];
  /** Output so far: the first `#used` bytes of the shared scratch, zero where nothing was written. */
  #used = 0;
  /** Words that may still be visited. */
  #budget: number;

  constructor(bytes: Uint8Array, segments: readonly Segment[]) {
    this.#bytes = bytes;
    this.#source = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#segments = segments;
    this.#budget = AMPLIFICATION * (bytes.length / WORD) + 64;
    this.#allocate(1);
  }

  finish(): ArrayBuffer {
    return scratch.buffer.slice(0, this.#used);
  }

  /** The root pointer is null or names a struct. */
  copyRoot(segment: Segment): boolean {
    if (!this.copyPointer(segment, 0, 0, MESSAGE_NESTING)) return false;
    return (scratchView.getInt32(0, true) & 3) === KIND_STRUCT;
  }

  /** Copies what the pointer at `word` of `segment` names and writes a pointer to it at byte `at` of the output. */
  copyPointer(segment: Segment, word: number, at: number, depth: number): boolean {
    const target = this.#resolve(segment, word);
    if (target === undefined) return false;
    if (target === null) return true;
    if (depth === 0) return false;
    const kind = target.lo & 3;
    if (kind === KIND_STRUCT) return this.#copyStructPointer(target, at, depth);
    if (kind === KIND_LIST) return this.#copyList(target, at, depth);
    // A capability pointer: no parameter of the kernel's interfaces has one, so it reads as null.
    return true;
  }

  /** Null for a null pointer, undefined for one that leads outside the message. */
  #resolve(segment: Segment, word: number): Target | null | undefined {
    const lo = this.#lo(segment, word);
    const hi = this.#hi(segment, word);
    if (lo === 0 && hi === 0) return null;
    if ((lo & 3) !== KIND_FAR) return { segment, content: word + 1 + (lo >> 2), lo, hi };
    const far = this.#segments[hi >>> 0];
    const pad = lo >>> 3;
    const double = (lo & 4) !== 0;
    if (far === undefined || pad + (double ? 2 : 1) > far.words) return undefined;
    const padLo = this.#lo(far, pad);
    const padHi = this.#hi(far, pad);
    if (!double) {
      if ((padLo & 3) === KIND_FAR) return undefined;
      return padLo === 0 && padHi === 0
        ? null
        : { segment: far, content: pad + 1 + (padLo >> 2), lo: padLo, hi: padHi };
    }
    if ((padLo & 7) !== KIND_FAR) return undefined;
    const tagLo = this.#lo(far, pad + 1);
    const content = this.#segments[padHi >>> 0];
    if (content === undefined || (tagLo & 3) === KIND_FAR) return undefined;
    return { segment: content, content: padLo >>> 3, lo: tagLo, hi: this.#hi(far, pad + 1) };
  }

  #copyStructPointer(target: Target, at: number, depth: number): boolean {
    const data = target.hi & 0xffff;
    const pointers = target.hi >>> 16;
    if (!this.#visit(target, data + pointers)) return false;
    const to = this.#allocate(data + pointers);
    this.#writePointer(at, to, KIND_STRUCT, target.hi);
    return this.#copyStruct(target.segment, target.content, data, pointers, to, depth);
  }

  #copyStruct(
    from: Segment,
    word: number,
    data: number,
    pointers: number,
    to: number,
    depth: number,
  ): boolean {
    this.#copyWords(from, word, data, to);
    for (let i = 0; i < pointers; i++) {
      if (!this.copyPointer(from, word + data + i, to + (data + i) * WORD, depth - 1)) return false;
    }
    return true;
  }

  #copyList(target: Target, at: number, depth: number): boolean {
    const size = target.hi & 7;
    const count = target.hi >>> 3;
    if (size === LIST_COMPOSITE) return this.#copyComposite(target, at, depth);
    const words = size === LIST_POINTERS ? count : Math.ceil((count * (ELEMENT_BITS[size] ?? 0)) / 64);
    if (!this.#visit(target, words, size === 0 ? count : words)) return false;
    // The word in front stays zero: a reader that takes the list for one of structs finds a tag without fields.
    this.#allocate(1);
    const to = this.#allocate(words);
    this.#writePointer(at, to, KIND_LIST, target.hi);
    if (size !== LIST_POINTERS) {
      this.#copyWords(target.segment, target.content, words, to);
      return true;
    }
    for (let i = 0; i < count; i++) {
      if (!this.copyPointer(target.segment, target.content + i, to + i * WORD, depth - 1)) return false;
    }
    return true;
  }

  #copyComposite(target: Target, at: number, depth: number): boolean {
    const words = target.hi >>> 3;
    if (!this.#visit(target, words + 1)) return false;
    const tagLo = this.#lo(target.segment, target.content);
    const tagHi = this.#hi(target.segment, target.content);
    const count = tagLo >>> 2;
    const data = tagHi & 0xffff;
    const pointers = tagHi >>> 16;
    const each = data + pointers;
    if ((tagLo & 3) !== KIND_STRUCT || count * each > words) return false;
    if (each === 0 && !this.#spend(count)) return false;
    const to = this.#allocate(count * each + 1);
    this.#writePointer(at, to, KIND_LIST, ((count * each) << 3) | LIST_COMPOSITE);
    scratchView.setInt32(to, tagLo, true);
    scratchView.setInt32(to + 4, tagHi, true);
    for (let i = 0; each > 0 && i < count; i++) {
      const from = target.content + 1 + i * each;
      if (!this.#copyStruct(target.segment, from, data, pointers, to + WORD + i * each * WORD, depth - 1))
        return false;
    }
    return true;
  }

  /** Whether the content lies in its segment and the budget allows it; at least one word is spent. */
  #visit(target: Target, words: number, cost = words): boolean {
    const { content, segment } = target;
    return content >= 0 && content + words <= segment.words && this.#spend(Math.max(1, cost));
  }

  #spend(words: number): boolean {
    this.#budget -= words;
    return this.#budget >= 0;
  }

  /** Byte offset of `words` new zero words. */
  #allocate(words: number): number {
    const start = this.#used;
    this.#used += words * WORD;
    if (this.#used > scratch.length) growScratch(start, this.#used);
    scratch.fill(0, start, this.#used);
    return start;
  }

  #copyWords(from: Segment, word: number, words: number, to: number): void {
    const start = from.start + word * WORD;
    scratch.set(this.#bytes.subarray(start, start + words * WORD), to);
  }

  #writePointer(at: number, to: number, kind: number, hi: number): void {
    scratchView.setInt32(at, (((to - at) / WORD - 1) << 2) | kind, true);
    scratchView.setInt32(at + 4, hi, true);
  }

  #lo(segment: Segment, word: number): number {
    return this.#source.getInt32(segment.start + word * WORD, true);
  }
  #hi(segment: Segment, word: number): number {
    return this.#source.getInt32(segment.start + word * WORD + 4, true);
  }
}
