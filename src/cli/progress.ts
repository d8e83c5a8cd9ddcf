/** A progress line for long runs: on standard error, only when it is a terminal, erased before anything else. */

import type { Channel } from "./output.ts";
import { duration, scaled } from "./summary.ts";

const FIRST_AFTER_MS = 1000;
const EVERY_MS = 200;

export interface Progress {
  /** Shows the line when enough time has passed. */
  update(instructions: number): void;
  /** Removes the line. */
  clear(): void;
}

export function createProgress(stream: Channel, enabled: boolean): Progress {
  if (!enabled || !stream.terminal) return { update: () => undefined, clear: () => undefined };
  const start = performance.now();
  let shownAt = start + FIRST_AFTER_MS - EVERY_MS;
  let shown = false;
  return {
    update(instructions) {
      const now = performance.now();
      if (now - shownAt < EVERY_MS) return;
      shownAt = now;
      shown = true;
      const ms = now - start;
      stream.write(
        `\r\x1b[Kcapjit: ${duration(ms)}, ${scaled(instructions)} instructions, ${scaled(instructions / (ms / 1000))}/s`,
      );
    },
    clear() {
      if (shown) stream.write("\r\x1b[K");
      shown = false;
    },
  };
}
