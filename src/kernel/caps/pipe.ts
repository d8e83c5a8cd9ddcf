/**
 * Pipe: one end of a bounded byte stream; which end is fixed when the pipe is made. Both ends are copied freely
 * . An end closes with `close`, or with its last capability. Touches KER-60.
 *
 * read, write: unimplemented on the other end; failed on an end that is closed; -3 when no byte would fit the
 * result buffer. close: nothing to refuse.
 */

import { ERR } from "../abi.ts";
import type { CallContext, ExceptionOutcome, Reply } from "../call.ts";
import { defineInterface, PENDING, refuse } from "../call.ts";
import type { KernelObject } from "../object.ts";
import type { PipeSide, ReadResult } from "../objects/pipe.ts";
import { Pipe } from "../objects/pipe.ts";
import { Pipe as PipeSchema } from "../schema/kernel.ts";
import { dataRoom } from "./result-room.ts";

interface PipeEnd {
  readonly pipe: Pipe;
  readonly side: PipeSide;
}

/** Why this end may not `action` now. */
function refuseUse({ pipe, side }: PipeEnd, action: PipeSide): Reply {
  if (side !== action) return refuse("unimplemented", `this end of the pipe is the one to ${side}`);
  return pipe.open[side] ? undefined : refuse("failed", "this end of the pipe is closed");
}

function read(pipe: Pipe, context: CallContext, limit: number, take: (result: ReadResult) => void): Reply {
  const result = pipe.tryRead(limit);
  if (result !== undefined) {
    take(result);
    return undefined;
  }
  const finish = (late: ReadResult): void => {
    take(late);
    pending.complete();
  };
  const pending = context.suspend(pipe.waitToRead({ limit, finish }));
  return PENDING;
}

export const PIPE = defineInterface(PipeSchema).handle<PipeEnd>({
  read(end, context, { maxLen }, results) {
    const refused = refuseUse(end, "read");
    if (refused !== undefined) return refused;
    const limit = Math.min(maxLen, dataRoom(context.resultLength));
    if (limit === 0 && maxLen > 0) return { kind: "transport", code: ERR.invalidResultBuffer };
    return read(end.pipe, context, limit, ({ data, eof }) => {
      if (data.length > 0) results._initData(data.length).copyBuffer(data);
      results.eof = eof;
    });
  },
  write(end, context, params, results) {
    const refused = refuseUse(end, "write");
    if (refused !== undefined) return refused;
    const bytes = params.data.toUint8Array();
    const written = end.pipe.tryWrite(bytes);
    if (written !== undefined) {
      results.bytesWritten = written;
      return undefined;
    }
    const finish = (late: number): void => {
      results.bytesWritten = late;
      pending.complete();
    };
    const pending = context.suspend(end.pipe.waitToWrite({ bytes, finish }));
    return PENDING;
  },
  close({ pipe, side }) {
    pipe.close(side);
  },
  isClosed({ pipe }, _context, _params, results) {
    results.closed = pipe.closed;
  },
});

function endOf(pipe: Pipe, side: PipeSide): KernelObject {
  const end = PIPE.capability(
    { pipe, side },
    {
      label: `pipe-${side}`,
      mode: "copy",
      onReleased: () => {
        if (end.holds === 0) pipe.close(side);
      },
      onRevoked: () => pipe.close(side),
      onDiscarded: () => pipe.close(side),
    },
  );
  PIPES.set(end, pipe);
  return end;
}

const PIPES = new WeakMap<KernelObject, Pipe>();

/** The pipe an object is an end of, for the checks of KER-60. */
export const pipeBehind = (object: KernelObject): Pipe | undefined => PIPES.get(object);

/** Both ends of a new pipe; nobody holds them yet. */
export function createPipe(
  bufferBytes: number,
): { readonly read: KernelObject; readonly write: KernelObject } | ExceptionOutcome {
  if (bufferBytes === 0) return { kind: "exception", type: "invalidArgument", text: "a pipe of 0 bytes" };
  const pipe = new Pipe(bufferBytes);
  return { read: endOf(pipe, "read"), write: endOf(pipe, "write") };
}
