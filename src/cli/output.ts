/**
 * Where a command writes. Standard output belongs to the guest, standard error to capjit. A channel whose reader
 * has gone (`| head -1`) or whose disk is full remembers why and swallows the rest: writing never throws.
 *
 * Descriptors are written to directly: Node's streams take longer to load than a short run takes.
 */

import { fstatSync, writeSync } from "node:fs";
import { InputError } from "../input-error.ts";

export interface Channel {
  write(data: string | Uint8Array): void;
  readonly terminal: boolean;
  /** Width of the terminal, 100 when there is none. */
  readonly columns: number;
  /** Why nothing can be written any more: `EPIPE` when the reader has gone. */
  readonly failure: string | undefined;
}

export interface Output {
  readonly stdout: Channel;
  readonly stderr: Channel;
}

const DEFAULT_COLUMNS = 100;
export const READER_GONE = "EPIPE";
/** A descriptor shared with a process that made it non-blocking: its reader needs a moment. */
const BUSY = "EAGAIN";
const BUSY_PAUSE_MS = 1;

/** The process's own channels. */
export function processOutput(): Output {
  return { stdout: channel(1), stderr: channel(2) };
}

function channel(descriptor: 1 | 2): Channel {
  let failure: string | undefined;
  const stream = terminalStream(descriptor);
  return {
    write(data) {
      const bytes = typeof data === "string" ? Buffer.from(data) : data;
      let written = 0;
      while (failure === undefined && written < bytes.length) {
        try {
          written += writeSync(descriptor, bytes, written);
        } catch (error) {
          const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
          if (code === BUSY) pause();
          else failure = code;
        }
      }
    },
    terminal: stream !== undefined,
    columns: stream?.columns ?? DEFAULT_COLUMNS,
    get failure() {
      return failure;
    },
  };
}

/** Node's stream of a terminal, which knows its width; what is no device cannot be one. */
function terminalStream(descriptor: 1 | 2): NodeJS.WriteStream | undefined {
  try {
    if (!fstatSync(descriptor).isCharacterDevice()) return undefined;
  } catch {
    // A closed descriptor: writing to it says why.
    return undefined;
  }
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  return stream.isTTY ? stream : undefined;
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MS);
}

/** Throws `InputError` when standard output could not take what was written, unless its reader simply left. */
export function demandWritten({ failure }: Channel): void {
  if (failure === undefined || failure === READER_GONE) return;
  throw new InputError(`standard output: cannot write: ${failure === "ENOSPC" ? "no space left" : failure}`);
}
