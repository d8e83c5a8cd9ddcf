/**
 * Which blocks become a region: all that is reached from its entry, as far as bounds allow, on pages that the
 * running space shows now.
 */

import { offsetInPage, type PageNumber, pageOf, type GuestAddress } from "../mmu/address.ts";
import type { CheckLevel } from "../invariant.ts";
import type { CacheCell } from "./cache/cell.ts";
import type { CodePage } from "./cache/code-page.ts";
import type { JumpProfiles } from "./cache/jump-profiles.ts";
import type { IrBlock } from "./ir/block.ts";
import { directTargets, hintsOf, type JumpHints, jumpsComputed, type Region } from "./ir/region.ts";
import type { JitOptions } from "./options.ts";
import { runPasses } from "./passes/pipeline.ts";
import { lowerRegionFlags } from "./passes/region-flags.ts";

/** Pages that a region may be made from. */
const MAX_PAGES = 8;

export interface RegionBuilderInputs {
  readonly options: JitOptions;
  readonly checks: CheckLevel;
  /** The block of a cell after all passes. */
  readonly blockOf: (cell: CacheCell, page: CodePage) => IrBlock | undefined;
  readonly jumps: JumpProfiles;
  /** The code page that the running space shows there, if it is attached. */
  readonly codeAt: (page: PageNumber) => CodePage | undefined;
}

export interface BuiltRegion {
  readonly region: Region;
  /** What it was made from besides the page of its entry. */
  readonly pages: readonly CodePage[];
}

export class RegionBuilder {
  readonly #inputs: RegionBuilderInputs;
  readonly #hints: Pick<JumpHints, "get"> | undefined;

  constructor(inputs: RegionBuilderInputs) {
    this.#inputs = inputs;
    this.#hints = inputs.options.computedJumps ? inputs.jumps : undefined;
  }

  /**
   * Where the region for a hot cell should begin. What computed jumps lead to is hot because of the jump: a region
   * that begins at the jump holds all of its targets, where a region per target would hold them as well.
   */
  entryFor(cell: CacheCell, page: CodePage): CacheCell {
    const source = this.#hints === undefined ? undefined : this.#inputs.jumps.sourceOf(cell.address);
    if (source === undefined) return cell;
    const entry = this.#codeAt(pageOf(source), page)?.cellAt(offsetInPage(source));
    return entry?.state === "translated" && entry.enter !== undefined ? entry : cell;
  }

  /** Whether computed jumps lead to the cell, so that its region is entered by them. */
  isTarget(cell: CacheCell): boolean {
    return this.#inputs.jumps.sourceOf(cell.address) !== undefined;
  }

  /** The region that begins at a cell of an attached page. Nothing in it begins at the boundary. */
  build(cell: CacheCell, boundary: number): BuiltRegion | undefined {
    if (cell.page === undefined) return undefined;
    const pages = new Set([cell.page]);
    const blocks = this.#collect(cell, pages, boundary);
    if (blocks[0]?.address !== cell.address) return undefined;
    const jumps = this.#hints === undefined ? undefined : hintsIn(blocks, this.#hints);
    const region = lowerRegionFlags({
      blocks,
      entries: [0],
      returns: true,
      ...(jumps === undefined ? {} : { jumps }),
    });
    const { options, checks } = this.#inputs;
    const passed = region.blocks.map((block, k) =>
      block === blocks[k] ? block : runPasses(block, options, checks),
    );
    pages.delete(cell.page);
    return { region: { ...region, blocks: passed }, pages: [...pages] };
  }

  /** `pages` grows by what the blocks are made from. */
  #collect(entry: CacheCell, pages: Set<CodePage>, boundary: number): IrBlock[] {
    const home = entry.page as CodePage;
    const blocks: IrBlock[] = [];
    const seen = new Set([entry]);
    const work = [entry];
    let instructions = 0;
    for (let at = work.shift(); at !== undefined; at = work.shift()) {
      const needed = this.#neededFor(at, home);
      if (needed === undefined || new Set([...pages, ...needed]).size > MAX_PAGES) continue;
      const block = this.#inputs.blockOf(at, at.page as CodePage);
      if (block === undefined) continue;
      instructions += block.instructions.length;
      if (blocks.length > 0 && instructions > this.#inputs.options.maxUnitInstructions) break;
      blocks.push(block);
      for (const page of needed) pages.add(page);
      for (const target of [...directTargets(block, true), ...hintsOf(block, this.#hints)]) {
        const reached = target === boundary ? undefined : this.#cellAt(target, home);
        if (reached === undefined || seen.has(reached)) continue;
        seen.add(reached);
        work.push(reached);
      }
    }
    return blocks;
  }

  /** The pages whose bytes the block of a cell is made from. */
  #neededFor(cell: CacheCell, home: CodePage): Set<CodePage> | undefined {
    const page = cell.page as CodePage;
    if (cell.tail === undefined || !this.#inputs.options.pageRegions) return new Set([page]);
    const next = this.#codeAt((page.number + 1) as PageNumber, home);
    return next === undefined ? undefined : new Set([page, next]);
  }

  /** The cell of an address; for an instruction that crosses into the next page, that of what the page shows now. */
  #cellAt(address: GuestAddress, home: CodePage): CacheCell | undefined {
    const page = this.#codeAt(pageOf(address), home);
    const offset = offsetInPage(address);
    const cell = page?.cellAt(offset);
    if (cell?.state !== "forwarding") return cell;
    const next = this.#codeAt((pageOf(address) + 1) as PageNumber, home);
    return next === undefined ? undefined : page?.variantFor(offset, next.bytes);
  }

  /** Pages that keep changing would take their regions with them: only the entry's own may be one. */
  #codeAt(number: PageNumber, home: CodePage): CodePage | undefined {
    if (number === home.number) return home;
    const page = this.#inputs.options.pageRegions ? this.#inputs.codeAt(number) : undefined;
    return page?.unstable === true ? undefined : page;
  }
}

/** The hints as they are now: the emitted region and what is noted of it must agree. */
const hintsIn = (blocks: readonly IrBlock[], hints: Pick<JumpHints, "get">): JumpHints =>
  new Map(blocks.filter(jumpsComputed).map((block) => [block.address, hints.get(block.address) ?? []]));
