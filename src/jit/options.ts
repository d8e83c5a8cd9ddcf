/** One switch per optimisation; results never depend on any of them (JIT-5). */

/**
 *   js    everything becomes JavaScript
 *   wasm  everything that can becomes WebAssembly
 *   auto  what pays
 */
export const TIERS = ["auto", "js", "wasm"] as const;
export type Tier = (typeof TIERS)[number];

export interface JitOptions {
  readonly tier: Tier;
  /** Passes of `passes/pipeline.ts`. */
  readonly constantFolding: boolean;
  readonly deadCode: boolean;
  readonly deadState: boolean;
  readonly deadFlags: boolean;
  readonly stateForwarding: boolean;
  /** Conditions are computed from the operands of the instruction that set the flags, where it is known. */
  readonly flagFusion: boolean;
  /** Blocks of one page call on to each other's cells without a lookup. */
  readonly blockLinking: boolean;
  /** Blocks reached from each other on a page are compiled together. */
  readonly batchCompilation: boolean;
  /** A block that jumps to itself loops inside its function. */
  readonly selfLoops: boolean;
  /** Guest memory accesses look into the flat table inline. */
  readonly inlineMemory: boolean;
  /** A block is emitted as short code first, and again with memory inline once it was entered often. */
  readonly compactFirst: boolean;
  /** Hot code is compiled again as regions: loops inside one function, state in locals, calls as calls. */
  readonly regions: boolean;
  /** In regions, accesses of a block that lie close together look into the TLB once. */
  readonly accessGrouping: boolean;
  /** Computed jumps of regions go on inside, to the targets that they were seen to go to. */
  readonly computedJumps: boolean;
  /** Regions hold blocks of several pages. */
  readonly pageRegions: boolean;
  /** Around calls, regions write back only what they changed and read only what they need. */
  readonly stateFlow: boolean;
  /** Entries after which a compact unit is compiled again, 1 or more. */
  readonly hotEntries: number;
  /** Entries of a WebAssembly unit after which it is worth a region, 1 or more. */
  readonly regionEntries: number;
  /** Entries of a JavaScript unit after which it is worth a region, 1 or more. */
  readonly javascriptRegionEntries: number;
  /** Guest instructions per block, 1 or more. */
  readonly maxBlockInstructions: number;
  /** Guest instructions in one function of several blocks; a first block may be longer. */
  readonly maxUnitInstructions: number;
}

export const DEFAULT_OPTIONS: JitOptions = {
  tier: "auto",
  constantFolding: true,
  deadCode: true,
  deadState: true,
  deadFlags: true,
  stateForwarding: true,
  flagFusion: true,
  blockLinking: true,
  batchCompilation: true,
  selfLoops: true,
  inlineMemory: true,
  compactFirst: true,
  regions: true,
  accessGrouping: true,
  computedJumps: true,
  pageRegions: true,
  stateFlow: true,
  hotEntries: 500,
  regionEntries: 64_000,
  javascriptRegionEntries: 1_000,
  maxBlockInstructions: 64,
  maxUnitInstructions: 500,
};

/** Every optimisation off: the slowest and simplest path through the translator. */
export const PLAIN_OPTIONS: JitOptions = {
  tier: "js",
  constantFolding: false,
  deadCode: false,
  deadState: false,
  deadFlags: false,
  stateForwarding: false,
  flagFusion: false,
  blockLinking: false,
  batchCompilation: false,
  selfLoops: false,
  inlineMemory: false,
  compactFirst: false,
  regions: false,
  accessGrouping: false,
  computedJumps: false,
  pageRegions: false,
  stateFlow: false,
  hotEntries: 500,
  regionEntries: 64_000,
  javascriptRegionEntries: 1_000,
  maxBlockInstructions: 64,
  maxUnitInstructions: 500,
};
