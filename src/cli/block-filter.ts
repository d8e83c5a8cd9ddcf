/** Which translated blocks `--dump-blocks=FILTER` selects. */

import { InputError } from "../input-error.ts";
import type { Symbols } from "../symbols.ts";

/** True for a block at this address, of this process and its program. */
export type BlockFilter = (address: number, process: string, program: string) => boolean;

const RANGE = /^(0x[0-9a-f]{1,12})-(0x[0-9a-f]{1,12})$/i;
const ADDRESS = /^0x[0-9a-f]{1,12}$/i;
const PROCESS = "process:";
const PAGE_BYTES = 4096;

/**
 * `0xFROM-0xTO` (end exclusive), `0xADDRESS` (its page), `process:NAME`, or the name of a function of any program;
 * empty selects everything. Throws `InputError` for a filter that can select nothing.
 */
export function parseBlockFilter(filter: string, symbols: ReadonlyMap<string, Symbols>): BlockFilter {
  if (filter === "") return () => true;
  const range = RANGE.exec(filter);
  if (range !== null) {
    const [from, to] = [Number(range[1]), Number(range[2])];
    if (from >= to)
      throw new InputError(`--dump-blocks=${filter}: the range is empty (its end is exclusive)`);
    return (address) => address >= from && address < to;
  }
  if (ADDRESS.test(filter)) {
    const start = Math.floor(Number(filter) / PAGE_BYTES) * PAGE_BYTES;
    return (address) => address >= start && address < start + PAGE_BYTES;
  }
  if (filter.startsWith(PROCESS)) {
    const wanted = filter.slice(PROCESS.length);
    return (_address, process) => process === wanted;
  }
  if (![...symbols.values()].some((table) => table.named(filter).length > 0)) {
    throw new InputError(
      `--dump-blocks=${filter}: no function of these programs has this name (are they stripped?); ` +
        "a filter is a function, 0xFROM-0xTO, 0xADDRESS or process:NAME",
    );
  }
  return (address, _process, program) => symbols.get(program)?.find(address)?.name === filter;
}
