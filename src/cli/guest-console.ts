/** The guest console: its bytes go to standard output unchanged, gathered into larger writes where nobody waits. */

import type { Channel } from "./output.ts";

export interface GuestConsole {
  /** The bytes are only valid during the call. */
  write(bytes: Uint8Array): void;
  flush(): void;
  /** To be called now and then: output waits no longer than a moment. */
  tick(now: number): void;
}

export interface GuestConsoleOptions {
  readonly stdout: Channel;
  /** Called before output is written: what capjit shows on the same terminal must go first. */
  readonly beforeWrite: () => void;
}

const FLUSH_BYTES = 65_536;
const FLUSH_EVERY_MS = 100;

export function createGuestConsole(options: GuestConsoleOptions): GuestConsole {
  const { stdout, beforeWrite } = options;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let flushedAt = 0;
  const flush = (): void => {
    if (pendingBytes === 0) return;
    beforeWrite();
    stdout.write(Buffer.concat(pending));
    pending = [];
    pendingBytes = 0;
  };
  return {
    write(bytes) {
      const copy = Uint8Array.from(bytes);
      pending.push(copy);
      pendingBytes += copy.length;
      if (stdout.terminal || pendingBytes > FLUSH_BYTES) flush();
    },
    flush,
    tick(now) {
      if (now - flushedAt < FLUSH_EVERY_MS) return;
      flushedAt = now;
      flush();
    },
  };
}
