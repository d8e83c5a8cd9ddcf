/** Option values of `capjit run`, from text. Each throws an `InputError` that names the option and what it expects. */

import { InputError } from "../input-error.ts";
import { parseSize } from "../scenario.ts";

export function parseMemory(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new InputError(`--memory ${text}: expected bytes or a size such as 64MiB`);
  return bytes;
}

/** A whole number, `_` allowed between digits. */
export function parseCount(text: string, option: string): number {
  const value = /^[0-9]+(_[0-9]+)*$/.test(text) ? Number(text.replaceAll("_", "")) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new InputError(`${option} ${text}: expected a whole number, such as 1_000_000`);
}

export function parseSeconds(text: string, option: string): number {
  const value = /^[0-9]{1,9}(\.[0-9]+)?$/.test(text) ? Number(text) : NaN;
  if (value > 0) return value;
  throw new InputError(`${option} ${text}: expected a positive number of seconds, such as 2.5`);
}

/** A seed has 64 bits. */
export function parseSeed(text: string): bigint | "random" {
  if (text === "random") return text;
  const value = /^[0-9]{1,20}$/.test(text) ? BigInt(text) : undefined;
  if (value !== undefined && value < 2n ** 64n) return value;
  throw new InputError(`--seed ${text}: expected a number below 2^64, or random`);
}
