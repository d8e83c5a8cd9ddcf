/** Names of the kernel sources of capabilities, as scenario files and the schema's `KernelCapSource` write them. */

import { KernelCapSource } from "./schema/kernel.ts";

const camelCase = (name: string): string =>
  name.toLowerCase().replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());

/** Names by their number in the schema. */
export const SOURCE_NAMES: readonly string[] = Object.keys(KernelCapSource).map(camelCase);
