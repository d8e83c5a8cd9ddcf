/** The published numbers as tests read them, and `abi.ts` as paths: `LIMITS.threads` is its field of that name. */

import { readFileSync } from "node:fs";
import * as abi from "../../src/kernel/abi.ts";

export interface Field {
  readonly offset: number;
  readonly size: number;
}
export interface StructFacts {
  readonly size: number;
  readonly align: number;
  readonly fields: Readonly<Record<string, Field>>;
}

export const readFacts = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../data/${name}.json`, import.meta.url), "utf8")) as T;

/** Every number of `abi.ts` by its path, as a bigint; functions have none. */
export function abiNumbers(): ReadonlyMap<string, bigint> {
  const numbers = new Map<string, bigint>();
  const visit = (path: string, value: unknown): void => {
    if (typeof value === "number" || typeof value === "bigint") numbers.set(path, BigInt(value));
    else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(`${path}.${key}`, inner);
    }
  };
  for (const [name, value] of Object.entries(abi)) visit(name, value);
  return numbers;
}

/** `sqHead` for `sq_head`; the reserved fields of the published structs begin with an underscore. */
export const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());

export const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
export const hexOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");
