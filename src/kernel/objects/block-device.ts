/** A device of fixed-size blocks, kept in memory; a copy on the host is one file. */

import type { StorageSink } from "../../host-storage.ts";
import type { Refusal } from "./claims.ts";
import { refuse } from "./claims.ts";

export const BLOCK_BYTES = 512;

export class BlockDevice {
  readonly #bytes: Uint8Array;
  readonly writable: boolean;
  readonly #sink: StorageSink | undefined;

  /** A last part that is no whole block is not reachable. */
  constructor(content: Uint8Array, writable: boolean, sink?: StorageSink) {
    this.#bytes = content.slice();
    this.writable = writable;
    this.#sink = sink;
  }

  get blockCount(): number {
    return Math.floor(this.#bytes.length / BLOCK_BYTES);
  }

  /** The first byte of a range of blocks that lies on the device. */
  #rangeOf(start: bigint, count: number): number | Refusal {
    if (start + BigInt(count) <= BigInt(this.blockCount)) return Number(start) * BLOCK_BYTES;
    const range = `${start}..${start + BigInt(count)}`;
    return refuse("invalidArgument", `blocks ${range} are not on the device of ${this.blockCount}`);
  }

  read(start: bigint, count: number): Uint8Array | Refusal {
    const from = this.#rangeOf(start, count);
    return typeof from === "number" ? this.#bytes.subarray(from, from + count * BLOCK_BYTES) : from;
  }

  write(start: bigint, count: number, bytes: Uint8Array): Refusal | undefined {
    const from = this.#rangeOf(start, count);
    if (typeof from !== "number") return from;
    if (bytes.length !== count * BLOCK_BYTES) {
      return refuse(
        "invalidArgument",
        `${count} blocks are ${count * BLOCK_BYTES} bytes, not ${bytes.length}`,
      );
    }
    if (!this.writable) return refuse("failed", "the device is read-only");
    if (this.#sink?.write([], from, bytes) === false) return NOT_STORED;
    this.#bytes.set(bytes, from);
    return undefined;
  }

  flush(): Refusal | undefined {
    return this.writable && this.#sink?.sync([]) === false ? NOT_STORED : undefined;
  }

  /** Everything a refused call must leave as it was, as text (KER-6). */
  digest(): string {
    const sum = this.#bytes.reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7);
    return `device ${this.blockCount} ${sum}`;
  }
}

const NOT_STORED = refuse("failed", "the device could not be changed");
