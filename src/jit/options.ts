/** One switch per optimisation; results never depend on any of them (JIT-5). */

export interface JitOptions {
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
  /** Entries after which a compact unit is compiled again, 1 or more. */
  readonly hotEntries: number;
  /** Guest instructions per block, 1 or more. */
  readonly maxBlockInstructions: number;
}

export const DEFAULT_OPTIONS: JitOptions = {
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
  hotEntries: 500,
  maxBlockInstructions: 64,
};

/** Every optimisation off: the slowest and simplest path through the translator. */
export const PLAIN_OPTIONS: JitOptions = {
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
  hotEntries: 500,
  maxBlockInstructions: 64,
};
