/**
 * Where a command writes. Standard output belongs to the guest, standard error to capjit. A channel whose reader
 * has gone (`| head -1`) or whose disk is full remembers why and swallows the rest: writing never throws.
 */

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

/** The process's own channels. */
export function processOutput(): Output {
  return { stdout: channel(process.stdout), stderr: channel(process.stderr) };
}

function channel(stream: NodeJS.WriteStream): Channel {
  let failure: string | undefined;
  const fail = (error: unknown): void => {
    failure ??= error instanceof Error && "code" in error ? String(error.code) : String(error);
  };
  stream.on("error", fail);
  return {
    write(data) {
      if (failure !== undefined) return;
      try {
        stream.write(data);
      } catch (error) {
        fail(error);
      }
      // The event comes later; a run of guest code leaves no time for events.
      if (stream.errored !== null) fail(stream.errored);
    },
    terminal: stream.isTTY === true,
    columns: stream.columns ?? DEFAULT_COLUMNS,
    get failure() {
      return failure;
    },
  };
}

/** Throws `InputError` when standard output could not take what was written, unless its reader simply left. */
export function demandWritten({ failure }: Channel): void {
  if (failure === undefined || failure === READER_GONE) return;
  throw new InputError(`standard output: cannot write: ${failure === "ENOSPC" ? "no space left" : failure}`);
}
