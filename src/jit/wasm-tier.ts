/**
 * Translations in WebAssembly: how functions get to cells.
 *
 *   batch    blocks reached from each other, one function that can be entered at each of them, state in place
 *   region   hot code with one entry, state in locals, guest calls as host calls
 *   stored   batches of an earlier run, kept by `CodeStore`
 */

import { offsetInPage } from "../mmu/address.ts";
import type { CacheCell } from "./cache/cell.ts";
import type { CodePage } from "./cache/code-page.ts";
import type { TranslationCache } from "./cache/translation-cache.ts";
import type { CallTable } from "./call-table.ts";
import { type CodeStore, type StoredBatch, storedInstructions } from "./code-store.ts";
import { compileModule, type WasmUnit } from "./emit/webassembly/compile.ts";
import { emitRegion } from "./emit/webassembly/emit-region.ts";
import type { FunctionCode } from "./emit/webassembly/imports.ts";
import type { WasmRuntime } from "./emit/webassembly/runtime.ts";
import type { IrBlock } from "./ir/block.ts";
import type { Region } from "./ir/region.ts";
import type { JitOptions } from "./options.ts";
import type { JitStats } from "./stats.ts";
import type { JitObserver } from "./translator.ts";
import type { Cell, CompiledUnit } from "./unit.ts";

export interface WasmTierInputs {
  readonly options: JitOptions;
  readonly runtime: WasmRuntime;
  readonly calls: CallTable;
  readonly cache: TranslationCache;
  readonly stats: JitStats;
  /** `run` of a cell whose unit is WebAssembly. */
  readonly enterWasm: () => Cell | null;
  readonly store: CodeStore | undefined;
  readonly observer: Pick<JitObserver, "nameFunction"> | undefined;
}

/** A batch that state stays in place of, or a region. */
export type FunctionKind = "batch" | "region";

/** A block and the cell it is for. */
export interface PlacedBlock {
  readonly cell: CacheCell;
  readonly block: IrBlock;
}

export class WasmTier {
  readonly #inputs: WasmTierInputs;
  /** Pages that the store was asked for. */
  readonly #asked = new WeakSet<CodePage>();

  constructor(inputs: WasmTierInputs) {
    this.#inputs = inputs;
  }

  /** One function for all the blocks; gives their units in the same order. */
  compileBatch(placed: readonly PlacedBlock[], page: CodePage): CompiledUnit[] {
    const blocks = placed.map(({ block }) => block);
    const { code, portable } = this.#emit({ blocks, entries: [...blocks.keys()], returns: false }, true);
    const unit = this.#compile([code], false)[0];
    const units = placed.map(({ cell, block: { instructions } }, label): CompiledUnit => {
      cell.enter = unit;
      cell.label = label;
      return { run: this.#inputs.enterWasm, instructions, sourceBytes: share(code, blocks.length) };
    });
    if (portable && placed.every(({ cell }) => cell.tail === undefined)) {
      this.#inputs.store?.add(page.number, page.bytes, { ...code, blocks: blocks.map(shapeOf) });
    }
    return units;
  }

  /** The cell enters the region from now on, where a space shows all of `pages` besides the cell's. */
  compileRegion(cell: CacheCell, region: Region, pages: readonly CodePage[]): void {
    const { code } = this.#emit(region, false);
    const { stats, cache, calls } = this.#inputs;
    const bytes = code.body.length;
    const enter = this.#compile([code], true)[0] as WasmUnit;
    if (cell.region !== undefined) calls.unbindAll();
    cache.installRegion(cell, { enter, pages, bytes });
    // The batch that holds the block would go on to its own copy: it is cut again, and then leaves to the region.
    for (const other of cell.page?.allCells() ?? []) {
      if (other.region === undefined && other.enter === cell.enter) cache.untranslate(other, "boundary");
    }
    stats.regionsCompiled++;
    stats.sourceBytes += bytes;
  }

  /** Installs what the store has for the page; once per page. `install` gives a cell its unit. */
  load(page: CodePage, install: (cell: CacheCell, unit: CompiledUnit) => void): void {
    const { store, stats } = this.#inputs;
    if (store === undefined || this.#asked.has(page)) return;
    this.#asked.add(page);
    const batches = store.find(page.number, page.bytes);
    if (batches === undefined) return;
    const functions = this.#compile(batches, false);
    // The last one first: a batch that was cut again, because a region begins inside, is behind the whole one.
    for (let k = batches.length - 1; k >= 0; k--) {
      stats.unitsLoaded += this.#place(page, batches[k] as StoredBatch, functions[k] as WasmUnit, install);
    }
  }

  #place(
    page: CodePage,
    batch: StoredBatch,
    enter: WasmUnit,
    install: (cell: CacheCell, unit: CompiledUnit) => void,
  ): number {
    let placed = 0;
    for (const [label, block] of batch.blocks.entries()) {
      const cell = page.cellAt(block.offset);
      if (cell.state !== "untranslated") continue;
      cell.enter = enter;
      cell.label = label;
      install(cell, {
        run: this.#inputs.enterWasm,
        get instructions() {
          return storedInstructions(cell.address, block);
        },
        sourceBytes: share(batch, batch.blocks.length),
      });
      placed++;
    }
    return placed;
  }

  #emit(region: Region, inPlace: boolean): { readonly code: FunctionCode; readonly portable: boolean } {
    const { calls, runtime, options } = this.#inputs;
    const { accessGrouping, stateFlow } = options;
    let portable = true;
    const unsupported = (name: string): number => {
      // The number means something in this run only.
      portable = false;
      return runtime.unsupported(name);
    };
    const code = emitRegion({ region, inPlace, accessGrouping, stateFlow, calls, unsupported });
    const name = this.#nameOf(region, inPlace);
    return { code: name === undefined ? code : { ...code, name }, portable };
  }

  /** Only who profiles asks for names. */
  #nameOf({ blocks: [first] }: Region, inPlace: boolean): string | undefined {
    if (first === undefined) return undefined;
    return this.#inputs.observer?.nameFunction?.(inPlace ? "batch" : "region", first.address);
  }

  #compile(functions: readonly FunctionCode[], table: boolean): WasmUnit[] {
    return compileModule(functions, { imports: this.#inputs.runtime.imports, table });
  }
}

const share = ({ body }: FunctionCode, blocks: number): number => Math.ceil(body.length / blocks);

const shapeOf = ({ address, instructions }: IrBlock): StoredBatch["blocks"][number] => ({
  offset: offsetInPage(address),
  lengths: Uint8Array.from(instructions, ({ length }) => length),
});
