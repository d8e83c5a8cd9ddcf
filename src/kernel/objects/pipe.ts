/**
 * A bounded byte stream with two ends.
 *
 *   write -> [ buffer ] -> read
 *
 * A read takes what there is and waits only while there is nothing and more may come; a write puts what fits and
 * waits only while nothing fits and somebody may read. Waiting calls are served in the order they came.
 */

export const PIPE_BYTES_MAX = 65_536;

const NOTHING = new Uint8Array(0);

export interface ReadResult {
  readonly data: Uint8Array;
  /** Nothing is left and nothing will come. */
  readonly eof: boolean;
}

export interface WaitingRead {
  readonly limit: number;
  readonly finish: (result: ReadResult) => void;
}
export interface WaitingWrite {
  readonly bytes: Uint8Array;
  /** Called with the number of bytes taken; 0 when nobody will read them. */
  readonly finish: (written: number) => void;
}

export type PipeSide = "read" | "write";

/**
 * Fields: `#bytes` from `#start` on, wrapping, `length` of them; `open` = ends that are not closed; `reads` and
 * `writes` = calls that wait (KER-60).
 */
export class Pipe {
  readonly #bytes: Uint8Array;
  readonly open: Record<PipeSide, boolean> = { read: true, write: true };
  readonly reads: WaitingRead[] = [];
  readonly writes: WaitingWrite[] = [];
  #start = 0;
  #length = 0;

  /** A capacity of at least 1; above the ceiling it is the ceiling. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(Math.min(capacity, PIPE_BYTES_MAX));
  }

  get capacity(): number {
    return this.#bytes.length;
  }
  /** Bytes written and not read. */
  get length(): number {
    return this.#length;
  }
  /** Whether the stream is over for either end. */
  get closed(): boolean {
    return !this.open.read || !this.open.write;
  }

  /** Takes at most `limit` bytes; undefined when the read has to wait. */
  tryRead(limit: number): ReadResult | undefined {
    if (this.#length === 0 && this.open.write && limit > 0) return undefined;
    const result = this.#take(limit);
    this.#serve();
    return result;
  }

  /** Puts as many bytes as fit; undefined when the write has to wait. */
  tryWrite(bytes: Uint8Array): number | undefined {
    if (!this.open.read || bytes.length === 0) return 0;
    if (this.#length === this.capacity) return undefined;
    const written = this.#put(bytes);
    this.#serve();
    return written;
  }

  /** For a read that has to wait. The function returned forgets it. */
  waitToRead(read: WaitingRead): () => void {
    return enqueue(this.reads, read);
  }

  /** For a write that has to wait. The function returned forgets it. */
  waitToWrite(write: WaitingWrite): () => void {
    return enqueue(this.writes, write);
  }

  /** Ends one side for good. Its waiting calls end without bytes; the other side learns it in its next call. */
  close(side: PipeSide): void {
    if (!this.open[side]) return;
    this.open[side] = false;
    if (side === "read") {
      this.#length = 0;
      for (const { finish } of this.reads.splice(0)) finish({ data: NOTHING, eof: true });
    }
    for (const { finish } of this.writes.splice(0)) finish(0);
    this.#serve();
  }

  /** Each round ends a waiting call, so there are finitely many. */
  #serve(): void {
    for (;;) {
      const write = this.writes[0];
      const read = this.reads[0];
      if (read !== undefined && (this.#length > 0 || !this.open.write)) {
        this.reads.shift();
        read.finish(this.#take(read.limit));
      } else if (write !== undefined && this.#length < this.capacity) {
        this.writes.shift();
        write.finish(this.#put(write.bytes));
      } else return;
    }
  }

  #take(limit: number): ReadResult {
    const count = Math.min(limit, this.#length);
    const data = new Uint8Array(count);
    const untilEnd = Math.min(count, this.capacity - this.#start);
    data.set(this.#bytes.subarray(this.#start, this.#start + untilEnd));
    data.set(this.#bytes.subarray(0, count - untilEnd), untilEnd);
    this.#start = (this.#start + count) % this.capacity;
    this.#length -= count;
    return { data, eof: count === 0 && this.#length === 0 && !this.open.write };
  }

  #put(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.capacity - this.#length);
    const end = (this.#start + this.#length) % this.capacity;
    const untilEnd = Math.min(count, this.capacity - end);
    this.#bytes.set(bytes.subarray(0, untilEnd), end);
    this.#bytes.set(bytes.subarray(untilEnd, count), 0);
    this.#length += count;
    return count;
  }

  /** Everything a refused call must leave as it was, as text (KER-6). */
  digest(): string {
    const ends = `${this.open.read ? "read" : "-"} ${this.open.write ? "write" : "-"}`;
    return `${this.#length}/${this.capacity} ${ends} reads ${this.reads.length} writes ${this.writes.length}`;
  }
}

function enqueue<T>(list: T[], item: T): () => void {
  list.push(item);
  return () => {
    const at = list.indexOf(item);
    if (at >= 0) list.splice(at, 1);
  };
}

/**
 * KER-60  A pipe holds at most its capacity; a read waits only on an empty pipe and a write only on a full one, and
 * neither when an end is closed.
 */
export function brokenPipeRules(pipe: Pipe): string[] {
  const broken: string[] = [];
  const { length, capacity, reads, writes } = pipe;
  if (length < 0 || length > capacity) broken.push(`KER-60 a pipe of ${capacity} bytes holds ${length}`);
  if (reads.length > 0 && length > 0) broken.push(`KER-60 ${reads.length} reads wait for ${length} bytes`);
  if (writes.length > 0 && length < capacity) {
    broken.push(`KER-60 ${writes.length} writes wait for room, ${capacity - length} bytes are free`);
  }
  if (pipe.closed && reads.length + writes.length > 0) broken.push("KER-60 calls wait on a closed pipe");
  return broken;
}
