/**
 * `--dump-blocks`: collects translated blocks while the machine runs, and writes them when it is done, because how
 * often a block ran and why it was dropped is known only then.
 */

import { accessSync, constants, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { InputError } from "../input-error.ts";
import type { JitObserver, UnitCell } from "../jit/translator.ts";
import type { Scenario } from "../scenario.ts";
import { readSymbols } from "../symbols.ts";
import { parseBlockFilter } from "./block-filter.ts";
import { blockText, type DumpedBlock } from "./block-text.ts";

export interface DumpRequest {
  /** Empty for every block. */
  readonly filter: string;
  /** One file per block goes here; undefined: one text. */
  readonly folder: string | undefined;
}

/** The process that is running, asked at the moment of translation. */
export type Running = () => { readonly name: string; readonly binary: string } | undefined;

export interface Dump {
  readonly observer: JitObserver;
  /** Writes everything that was collected. */
  finish(write: (text: string) => void): Promise<void>;
}

/** Collected blocks are kept in memory; a guest that rewrites its code for ever must not fill it. */
const MAX_BLOCKS = 20_000;

interface Entry extends DumpedBlock {
  readonly cell: UnitCell;
  executions: number | undefined;
  dropped: string | undefined;
}

/** Throws `InputError` for a filter that can select nothing, or a folder that cannot be written. */
export function createDump(request: DumpRequest, scenario: Scenario, running: Running): Dump {
  const symbols = new Map([...scenario.binaries].map(([name, elf]) => [name, readSymbols(elf)]));
  const selects = parseBlockFilter(request.filter, symbols);
  if (request.folder !== undefined) ensureFolder(resolve(request.folder), request.folder);
  const entries: Entry[] = [];
  const current = new Map<UnitCell, Entry>();
  let left = 0;
  const observer: JitObserver = {
    onUnit(unit, original, cell, bytes) {
      const { name: process, binary: program } = running() ?? { name: "nobody", binary: "" };
      if (!selects(original.address, process, program)) return;
      if (entries.length >= MAX_BLOCKS) return void left++;
      const place = symbols.get(program)?.find(original.address);
      const symbol = place === undefined ? undefined : `${place.name}+0x${place.offset.toString(16)}`;
      const entry = {
        unit,
        original,
        bytes,
        process,
        symbol,
        cell,
        executions: undefined,
        dropped: undefined,
      };
      entries.push(entry);
      current.set(cell, entry);
    },
    onDrop(cell, reason) {
      const entry = current.get(cell);
      if (entry === undefined) return;
      entry.dropped = reason;
      entry.executions = cell.entries;
      current.delete(cell);
    },
  };
  return {
    observer,
    async finish(write) {
      if (left > 0) write(`capjit: only the first ${MAX_BLOCKS} blocks were kept, ${left} are left out\n`);
      if (request.folder !== undefined) return writeFiles(entries, request.folder, write);
      for (const entry of entries) write(`${(await blockText(entry, "guest")).text}\n`);
      write(executionTable(entries));
    },
  };
}

function executionTable(entries: readonly Entry[]): string {
  const rows = entries.map(({ cell, original, symbol, executions = cell.entries, dropped }) => {
    const cells = [
      `0x${original.address.toString(16)}`.padEnd(14),
      String(executions).padStart(10),
      (dropped === undefined ? "kept to the end" : `dropped: ${dropped}`).padEnd(17),
      symbol ?? "",
    ];
    return `  ${cells.join("  ")}`.trimEnd();
  });
  const count = `${entries.length} block${entries.length === 1 ? "" : "s"}`;
  return [`==== ${count}: address, executions, end`, ...rows, ""].join("\n");
}

/** `b_<address>[_n].txt` and `.js` with `.js.map` per block, and `index.txt`. Names are made of addresses alone. */
async function writeFiles(
  entries: readonly Entry[],
  folder: string,
  write: (text: string) => void,
): Promise<void> {
  const used = new Map<number, number>();
  for (const entry of entries) {
    const { address } = entry.original;
    const serial = used.get(address) ?? 0;
    used.set(address, serial + 1);
    const name = `b_${address.toString(16)}${serial === 0 ? "" : `_${serial}`}`;
    const { text, javascript, sourceMap } = await blockText(entry, `${name}.txt`);
    writeFile(join(folder, `${name}.txt`), text);
    writeFile(join(folder, `${name}.js`), `${javascript}\n//# sourceMappingURL=${name}.js.map\n`);
    writeFile(join(folder, `${name}.js.map`), sourceMap);
  }
  writeFile(join(folder, "index.txt"), executionTable(entries));
  write(`capjit: ${entries.length} blocks written to ${folder}\n`);
}

/** Not `mkdir` with `recursive`: Node.js tries that for ever below /proc. */
function ensureFolder(folder: string, given: string): void {
  try {
    if (!existsSync(folder)) {
      ensureFolder(dirname(folder), given);
      mkdirSync(folder);
    }
    if (!statSync(folder).isDirectory())
      throw new InputError(`--dump-blocks-to ${given}: it is not a folder`);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`--dump-blocks-to ${given}: cannot write there: ${reasonOf(error)}`);
  }
}

function writeFile(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new InputError(`--dump-blocks-to: cannot write ${file}: ${reasonOf(error)}`);
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error);
