/**
 * The CapSet page: the capabilities a program starts with, by name. Written once before the program runs; the
 * program sees it read-only. An entry that does not fit is refused, never cut.
 */

import { PAGE_BYTES } from "../mmu/address.ts";
import {
  CAPSET_ENTRY_BYTES,
  CAPSET_HEADER_BYTES,
  CAPSET_MAGIC,
  CAPSET_MAX_ENTRIES,
  CAPSET_NAME_MAX,
  CAPSET_VERSION,
} from "./abi.ts";

export interface CapSetEntry {
  readonly name: string;
  readonly capId: number;
  /** What typed lookup compares; for a granted facet the interface it was granted under. */
  readonly interfaceId: bigint;
}

export type CapSetResult =
  | { readonly status: "ok"; readonly page: Uint8Array }
  | { readonly status: "invalidArgument"; readonly text: string };

const encoder = new TextEncoder();

/** Why these names cannot be the names of a CapSet, or undefined. To be asked before anything is granted. */
export function capSetNamesFault(names: readonly string[]): string | undefined {
  if (names.length > CAPSET_MAX_ENTRIES) {
    return `${names.length} capabilities, a CapSet holds ${CAPSET_MAX_ENTRIES}`;
  }
  const seen = new Set<string>();
  for (const name of names) {
    const { length } = encoder.encode(name);
    if (length === 0) return "a capability has no name";
    if (length > CAPSET_NAME_MAX) {
      return `capability name "${name.slice(0, 40)}" has ${length} bytes, at most ${CAPSET_NAME_MAX} fit`;
    }
    if (seen.has(name)) return `two capabilities are named "${name}"`;
    seen.add(name);
  }
  return undefined;
}

/** The bytes of the page, entries in the order given. */
export function buildCapSet(entries: readonly CapSetEntry[]): CapSetResult {
  const fault = capSetNamesFault(entries.map(({ name }) => name));
  if (fault !== undefined) return { status: "invalidArgument", text: fault };
  const page = new Uint8Array(PAGE_BYTES);
  const view = new DataView(page.buffer);
  view.setBigUint64(0, CAPSET_MAGIC, true);
  view.setUint32(8, CAPSET_VERSION, true);
  view.setUint32(12, entries.length, true);
  for (const [i, { name, capId, interfaceId }] of entries.entries()) {
    const at = CAPSET_HEADER_BYTES + i * CAPSET_ENTRY_BYTES;
    const bytes = encoder.encode(name);
    view.setUint32(at, capId, true);
    view.setUint32(at + 4, bytes.length, true);
    view.setBigUint64(at + 8, interfaceId, true);
    page.set(bytes, at + 16);
  }
  return { status: "ok", page };
}
