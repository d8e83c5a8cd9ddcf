/**
 * Jobs that our code and the reference program both run: same bytes in, same bytes out (`src/main.rs` describes
 * them). Here is their form; `ours.ts` runs them on our code, `program.ts` on the published crates.
 */

export type JobKind = "bitmap" | "frameLedger" | "table" | "wire" | "descriptors" | "image" | "mutant";

export interface Job {
  readonly kind: JobKind;
  readonly payload: Uint8Array;
}

export const KIND_BYTES: Readonly<Record<JobKind, string>> = {
  bitmap: "B",
  frameLedger: "F",
  table: "T",
  wire: "W",
  descriptors: "D",
  image: "I",
  mutant: "M",
};

/** Bytes of one step: of the operation, and of its answer. Kinds without one are a single step. */
export const STEP_BYTES: Readonly<Partial<Record<JobKind, readonly [operation: number, answer: number]>>> = {
  bitmap: [5, 8],
  frameLedger: [9, 2],
  table: [7, 25],
  wire: [64, 4],
  descriptors: [16, 9],
};
/** Bytes before the first operation. */
export const HEAD_BYTES: Readonly<Partial<Record<JobKind, number>>> = { bitmap: 4 };

/** Little-endian numbers, appended. */
export class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Where the next bytes go. Ask first: it may replace the view. */
  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
    return this;
  }
  u16(value: number): this {
    const at = this.#room(2);
    this.#view.setUint16(at, value, true);
    return this;
  }
  u32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
    return this;
  }
  u64(value: bigint | number): this {
    const at = this.#room(8);
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }
  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }
  clear(): this {
    this.#length = 0;
    return this;
  }
  /** A copy. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Little-endian numbers, taken off. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get more(): boolean {
    return this.#at < this.#bytes.length;
  }
  u8(): number {
    return this.#view.getUint8(this.#at++);
  }
  u16(): number {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }
  u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }
  u64(): bigint {
    this.#at += 8;
    return this.#view.getBigUint64(this.#at - 8, true);
  }
  raw(length: number): Uint8Array {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** How many operations a job performs. */
export function stepsOf({ kind, payload }: Job): number {
  const [operation] = STEP_BYTES[kind] ?? [undefined];
  if (operation === undefined) return kind === "image" ? 0 : 1;
  return (payload.length - (HEAD_BYTES[kind] ?? 0)) / operation;
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** The first step at which two answers differ, with the operations before it; undefined when they are equal. */
export function firstDifference(job: Job, expected: Uint8Array, actual: Uint8Array): string | undefined {
  if (Buffer.compare(expected, actual) === 0) return undefined;
  const { kind, payload } = job;
  const [operation, answer] = STEP_BYTES[kind] ?? [payload.length, expected.length];
  const head = HEAD_BYTES[kind] ?? 0;
  const lines: string[] = [];
  for (let step = 0; ; step++) {
    const [from, to] = [step * answer, (step + 1) * answer];
    const [wanted, got] = [expected.subarray(from, to), actual.subarray(from, to)];
    const done = hexOf(payload.subarray(head + step * operation, head + (step + 1) * operation));
    lines.push(`${step}: ${done} -> ${hexOf(wanted)}`);
    if (Buffer.compare(wanted, got) === 0 && to < expected.length) continue;
    return [`${kind}, step ${step}`, ...lines.slice(-12), `ours: ${hexOf(got)}`].join("\n");
  }
}
