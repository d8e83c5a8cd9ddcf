/** Which blocks become a region: all that is reached from its entry on the entry's page, as far as bounds allow. */

import { offsetInPage, pageOf, type GuestAddress } from "../mmu/address.ts";
import type { CheckLevel } from "../invariant.ts";
import type { CacheCell } from "./cache/cell.ts";
import type { CodePage } from "./cache/code-page.ts";
import type { JumpProfiles } from "./cache/jump-profiles.ts";
import type { IrBlock } from "./ir/block.ts";
import { directTargets, hintsOf, type JumpHints, jumpsComputed, type Region } from "./ir/region.ts";
import type { JitOptions } from "./options.ts";
import { runPasses } from "./passes/pipeline.ts";
import { lowerRegionFlags } from "./passes/region-flags.ts";

export interface RegionBuilderInputs {
  readonly options: JitOptions;
  readonly checks: CheckLevel;
  /** The block of a cell after all passes. */
  readonly blockOf: (cell: CacheCell, page: CodePage) => IrBlock | undefined;
  readonly jumps: JumpProfiles;
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
    if (source === undefined || pageOf(source) !== page.number) return cell;
    const entry = page.cellAt(offsetInPage(source));
    return entry.state === "translated" && entry.enter !== undefined ? entry : cell;
  }

  /** Whether computed jumps lead to the cell, so that its region is entered by them. */
  isTarget(cell: CacheCell): boolean {
    return this.#inputs.jumps.sourceOf(cell.address) !== undefined;
  }

  /** `next` gives the cell of an address that the region may go on to. */
  build(
    cell: CacheCell,
    page: CodePage,
    next: (target: GuestAddress) => CacheCell | undefined,
  ): Region | undefined {
    const blocks = this.#collect(cell, page, next);
    if (blocks[0]?.address !== cell.address) return undefined;
    const jumps = this.#hints === undefined ? undefined : this.#hintsIn(blocks, this.#hints);
    const region = lowerRegionFlags({
      blocks,
      entries: [0],
      returns: true,
      ...(jumps === undefined ? {} : { jumps }),
    });
    const { options, checks } = this.#inputs;
    return {
      ...region,
      blocks: region.blocks.map((block, k) =>
        block === blocks[k] ? block : runPasses(block, options, checks),
      ),
    };
  }

  #collect(
    cell: CacheCell,
    page: CodePage,
    next: (target: GuestAddress) => CacheCell | undefined,
  ): IrBlock[] {
    const blocks: IrBlock[] = [];
    const seen = new Set([cell]);
    const work = [cell];
    let instructions = 0;
    for (let at = work.shift(); at !== undefined; at = work.shift()) {
      const block = this.#inputs.blockOf(at, page);
      if (block === undefined) continue;
      instructions += block.instructions.length;
      if (blocks.length > 0 && instructions > this.#inputs.options.maxUnitInstructions) break;
      blocks.push(block);
      for (const target of [...directTargets(block, true), ...hintsOf(block, this.#hints)]) {
        const reached = next(target);
        if (reached === undefined || seen.has(reached) || reached.state === "forwarding") continue;
        seen.add(reached);
        work.push(reached);
      }
    }
    return blocks;
  }

  /** The hints as they are now: the emitted region and what is noted of it must agree. */
  #hintsIn(blocks: readonly IrBlock[], hints: Pick<JumpHints, "get">): JumpHints {
    return new Map(
      blocks.filter(jumpsComputed).map((block) => [block.address, hints.get(block.address) ?? []]),
    );
  }
}
