/**
 * The only door through which anything non-deterministic reaches a run: clock, entropy, console input. By default
 * the clock is virtual and advances with executed guest instructions, entropy comes from a fixed seed, and input
 * from a script, so a run is a function of its inputs. Each live source is one decision of the caller.
 */

import { randomBytes } from "node:crypto";
import { readSync } from "node:fs";

/** Monotonic time since the start of the run, and civil time. */
export interface Clock {
  nowNs(): bigint;
  /** Every thread waits until `ns`: a virtual clock jumps there, a host clock sleeps. Earlier times do nothing. */
  advanceTo(ns: bigint): void;
  /** Nanoseconds since 1970-01-01T00:00Z. */
  wallNs(): bigint;
}

/** Random numbers for guests. */
export interface Entropy {
  /** 32 random bits as an int32. */
  next32(): number;
  fill(bytes: Uint8Array): void;
}

/** Lines typed at the console. */
export interface ConsoleInput {
  /** The bytes of the next line without its end, or undefined when input has ended. */
  readLine(): Uint8Array | undefined;
}

export interface HostInputs {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly consoleInput: ConsoleInput;
}

export interface HostInputOptions {
  readonly clock: "virtual" | "host";
  /** The seed of the guests' entropy; the same seed gives the same bytes. */
  readonly seed: bigint | "random";
  /** Scripted lines, or standard input. */
  readonly consoleInput: readonly string[] | "stdin";
  /** Called before the host waits: for a line of standard input, or for its clock. */
  readonly beforeWait?: () => void;
  /** Guest instructions executed so far; one instruction is one nanosecond of the virtual clock. */
  readonly instructions: () => number;
}

export const DEFAULT_SEED = 1n;

/** Where the virtual wall clock starts: 2026-01-01T00:00:00Z. */
const VIRTUAL_EPOCH_NS = 1_767_225_600n * 1_000_000_000n;

export function createHostInputs(options: HostInputOptions): HostInputs {
  const beforeWait = options.beforeWait ?? ((): void => undefined);
  return {
    clock: options.clock === "host" ? hostClock(beforeWait) : virtualClock(options.instructions),
    entropy: seededEntropy(options.seed === "random" ? randomBytes(8).readBigUInt64LE() : options.seed),
    consoleInput:
      options.consoleInput === "stdin" ? standardInput(beforeWait) : scriptedInput(options.consoleInput),
  };
}

function virtualClock(instructions: () => number): Clock {
  let skipped = 0n;
  const nowNs = (): bigint => skipped + BigInt(instructions());
  return {
    nowNs,
    advanceTo(ns) {
      const missing = ns - nowNs();
      if (missing > 0n) skipped += missing;
    },
    wallNs: () => VIRTUAL_EPOCH_NS + nowNs(),
  };
}

function hostClock(beforeWait: () => void): Clock {
  const start = process.hrtime.bigint();
  const nowNs = (): bigint => process.hrtime.bigint() - start;
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  return {
    nowNs,
    advanceTo(ns) {
      const missing = ns - nowNs();
      if (missing <= 0n) return;
      beforeWait();
      Atomics.wait(sleeper, 0, 0, Number(missing) / 1e6);
    },
    wallNs: () => BigInt(Date.now()) * 1_000_000n,
  };
}

/** SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
function seededEntropy(seed: bigint): Entropy {
  let state = BigInt.asUintN(64, seed);
  const next64 = (): bigint => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
  return {
    next32: () => Number(next64() >> 32n) | 0,
    fill(bytes) {
      for (let at = 0; at < bytes.length; at += 8) {
        let word = next64();
        for (let i = at; i < Math.min(at + 8, bytes.length); i++) {
          bytes[i] = Number(word & 0xffn);
          word >>= 8n;
        }
      }
    },
  };
}

function scriptedInput(lines: readonly string[]): ConsoleInput {
  let at = 0;
  const encoder = new TextEncoder();
  return { readLine: () => (at < lines.length ? encoder.encode(lines[at++]) : undefined) };
}

const LF = 0x0a;
const CR = 0x0d;
/** A longer line is cut: nobody types it, and input without line ends must not fill memory. */
const INPUT_LINE_BYTES_MAX = 65_536;

/** Reads standard input line by line, blocking; an interrupted or closed input ends it. */
function standardInput(beforeWait: () => void): ConsoleInput {
  const chunk = Buffer.alloc(4096);
  let pending = Buffer.alloc(0);
  let ended = false;
  /** Takes the bytes up to `end`, and the line end of `skip` bytes behind them. */
  const take = (end: number, skip: number): Uint8Array => {
    const line = pending.subarray(0, end);
    pending = pending.subarray(end + skip);
    return Uint8Array.from(line.at(-1) === CR && skip > 0 ? line.subarray(0, -1) : line);
  };
  return {
    readLine() {
      for (;;) {
        const end = pending.indexOf(LF);
        if (end >= 0) return take(end, 1);
        if (pending.length >= INPUT_LINE_BYTES_MAX) return take(INPUT_LINE_BYTES_MAX, 0);
        if (ended) return pending.length === 0 ? undefined : take(pending.length, 0);
        beforeWait();
        const count = readSync(0, chunk);
        if (count === 0) ended = true;
        else pending = Buffer.concat([pending, chunk.subarray(0, count)]);
      }
    },
  };
}
