/**
 * Random start states, written straight into the bytes of a case. Content comes from pools that are made once for
 * many cases: numbers of every class of floats cost more to make than a case to run. Registers hold interesting
 * numbers, or addresses near the edges of the data pages, so that about half of all accesses hit, and many cross a
 * page or fault.
 */

import { floatBytes, mxcsr, x87 } from "../support/float-values.ts";
import {
  FCW_AT,
  FSW_AT,
  FTW_AT,
  GPR_AT,
  MXCSR_AT,
  RFLAGS_AT,
  RIP_AT,
  STACK_AT,
  XMM_AT,
} from "../support/native-layout.ts";
import { CODE_PAGE, DATA_BYTES, DATA_PAGES, RODATA_PAGE } from "../support/state.ts";
import type { Random } from "./random.ts";

const EDGES = [0n, 1n, 2n, 3n, 7n, 8n, 31n, 32n, 63n, 64n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn,
  0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_fff0n, 0x0000_8000_0000_0000n] as const; // prettier-ignore
const PLACES = [DATA_PAGES, DATA_PAGES + 8, DATA_PAGES + 32, DATA_PAGES + 4096, DATA_PAGES + 4088, DATA_PAGES + 4000,
  DATA_PAGES + 4160, DATA_PAGES + DATA_BYTES - 32, DATA_PAGES + DATA_BYTES - 4, RODATA_PAGE + 16, CODE_PAGE] as const; // prettier-ignore

const POOL_BYTES = 65536;
const POOL_WORDS = 4096;
const POOL_CONTROLS = 256;
const STATUS = 0x8d5;
const DIRECTION = 0x400;
/** Bit 1 and IF. */
const FIXED = 0x202;

function registerValue(random: Random): bigint {
  const kind = random.below(10);
  if (kind < 2) return BigInt(random.pick(PLACES) & ~15);
  if (kind < 4) return BigInt(random.pick(PLACES) + random.below(16) - 8);
  if (kind < 7) return random.pick(EDGES);
  if (kind < 8) return BigInt(random.below(100));
  return (BigInt(random.next()) << 32n) | BigInt(random.next());
}

/** `masked`: no floating-point exceptions, and no direction flag, as programs have it. */
export interface StateWishes {
  readonly masked: boolean;
}

export class StatePool {
  #random: Random;
  /** Floats of every class; any bytes; bytes most of which are zero. */
  readonly #contents: readonly Uint8Array[];
  readonly #registers = new Uint32Array(2 * POOL_WORDS);
  readonly #mxcsr: readonly number[];
  readonly #x87: readonly ReturnType<typeof x87>[];

  constructor(random: Random) {
    this.#random = random;
    const next = (): number => random.next();
    const any = random.bytes(POOL_BYTES);
    const sparse = any.map((byte) => (byte < 160 ? 0 : byte));
    this.#contents = [floatBytes(next, POOL_BYTES), floatBytes(next, POOL_BYTES), any, sparse];
    const wide = new BigUint64Array(this.#registers.buffer);
    for (let i = 0; i < POOL_WORDS; i++) wide[i] = registerValue(random);
    this.#mxcsr = Array.from({ length: POOL_CONTROLS }, () => mxcsr(next));
    this.#x87 = Array.from({ length: POOL_CONTROLS }, () => x87(next));
  }

  /** What is taken from the pool depends on these numbers from now on. */
  use(random: Random): this {
    this.#random = random;
    return this;
  }

  /** Fills the state at `at`. */
  write(into: Buffer, at: number, rip: number, wishes: StateWishes): void {
    const random = this.#random;
    this.#writeRegisters(into, at + GPR_AT);
    into.writeUInt32LE(rip, at + RIP_AT);
    into.writeUInt32LE(0, at + RIP_AT + 4);
    const flags = random.next() & (STATUS | (!wishes.masked && random.chance(20) ? DIRECTION : 0));
    into.writeUInt32LE(flags | FIXED, at + RFLAGS_AT);
    into.writeUInt32LE(0, at + RFLAGS_AT + 4);
    const vectors = this.#content(random);
    for (let i = 0; i < 256; i += 64) this.#copy(vectors, into, at + XMM_AT + i, 64);
    const control = this.#mxcsr[random.below(POOL_CONTROLS)] ?? 0;
    into.writeUInt32LE(wishes.masked ? control | 0x1f80 : control, at + MXCSR_AT);
    const unit = this.#x87[random.below(POOL_CONTROLS)]!;
    into.writeUInt16LE(wishes.masked ? unit.control | 63 : unit.control, at + FCW_AT);
    into.writeUInt16LE(wishes.masked ? unit.status & ~0x80ff : unit.status, at + FSW_AT);
    into.writeUInt32LE(unit.tags, at + FTW_AT);
    into.set(unit.stack, at + STACK_AT);
  }

  /** Memory: a stretch of one kind of content, or several. */
  fill(into: Buffer, at: number, length: number): void {
    const random = this.#random;
    const piece = random.chance(50) ? length : 64;
    for (let done = 0; done < length; done += piece) {
      this.#copy(this.#content(random), into, at + done, Math.min(piece, length - done));
    }
  }

  #content(random: Random): Uint8Array {
    return this.#contents[random.below(this.#contents.length)]!;
  }

  /** From any place that is a multiple of eight, so that doubles stay doubles. */
  #copy(from: Uint8Array, into: Buffer, at: number, length: number): void {
    const start = this.#random.below((POOL_BYTES - length) >> 3) * 8;
    into.set(from.subarray(start, start + length), at);
  }

  #writeRegisters(into: Buffer, at: number): void {
    const random = this.#random;
    for (let i = 0; i < 16; i++) {
      const place = 2 * random.below(POOL_WORDS);
      into.writeUInt32LE(this.#registers[place]!, at + 8 * i);
      into.writeUInt32LE(this.#registers[place + 1]!, at + 8 * i + 4);
    }
    // A count register that is not far too large keeps repeated instructions short.
    if (!random.chance(70)) return;
    into.writeUInt32LE(random.below(80), at + 8);
    into.writeUInt32LE(0, at + 12);
  }
}
