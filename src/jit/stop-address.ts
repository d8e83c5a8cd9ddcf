/**
 * The stop address of a run. While it is set, units of its page end before it, and its cell goes back to the engine
 * instead of running. Only the code page that the running space shows there is concerned; other runs never notice.
 */

import { type GuestAddress, offsetInPage, type PageNumber, pageOf } from "../mmu/address.ts";
import { type CacheCell, unitEnd } from "./cache/cell.ts";
import type { CodePage } from "./cache/code-page.ts";
import type { SpaceCode } from "./cache/space-code.ts";
import type { TranslationCache } from "./cache/translation-cache.ts";
import type { Translator } from "./translator.ts";
import type { Cell } from "./unit.ts";

export class StopAddress {
  readonly #cache: TranslationCache;
  readonly #translator: Translator;
  readonly #stop: () => Cell | null;
  #address: GuestAddress | undefined;
  #armed: CodePage[] = [];

  constructor(cache: TranslationCache, translator: Translator, stop: () => Cell | null) {
    this.#cache = cache;
    this.#translator = translator;
    this.#stop = stop;
  }

  arm(address: GuestAddress, space: SpaceCode): void {
    this.#address = address;
    this.#translator.boundary = address;
    this.attached(pageOf(address), space);
  }

  /** To be called when a page is attached during the run. */
  attached(page: PageNumber, space: SpaceCode): void {
    const address = this.#address;
    if (address === undefined || page !== pageOf(address)) return;
    const code = space.pages.get(page)?.code;
    if (code === undefined || this.#armed.includes(code)) return;
    for (const cell of code.cells.values()) {
      // A function of several blocks may go past the address without leaving.
      const several = cell.enter !== undefined || cell.unit?.spansBlocks === true;
      if (several || spans(cell, address)) this.#cache.untranslate(cell, "boundary");
    }
    for (const cell of [...code.dependents]) this.#cache.forgetRegion(cell);
    code.cellAt(offsetInPage(address));
    for (const cell of code.cellsAt(offsetInPage(address))) cell.run = this.#stop;
    this.#armed.push(code);
  }

  disarm(): void {
    const address = this.#address;
    if (address === undefined) return;
    this.#address = undefined;
    this.#translator.boundary = -1;
    for (const code of this.#armed) {
      for (const cell of code.cellsAt(offsetInPage(address))) cell.run = this.#translator.runOf(cell);
    }
    this.#armed = [];
  }
}

/** Whether a unit begins before the address and goes on at it. */
const spans = (cell: CacheCell, address: number): boolean =>
  cell.unit !== undefined && cell.address < address && unitEnd(cell.unit) > address;
