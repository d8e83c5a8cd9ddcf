/** What the files of the MMU share: one object with every part, made by create-mmu.ts. */

import type { CheckLevel } from "../invariant.ts";
import type { Space } from "./address-space.ts";
import type { CodeWatch } from "./code-watch.ts";
import type { FarTlb } from "./far-tlb.ts";
import type { Frames } from "./frames.ts";
import type { KernelHalf } from "./kernel-half.ts";
import type { PageTables } from "./page-table.ts";
import type { Tlb } from "./tlb.ts";
import type { Walker } from "./walk.ts";

export interface MmuParts {
  readonly checks: CheckLevel;
  readonly frames: Frames;
  readonly watch: CodeWatch;
  readonly tables: PageTables;
  readonly walker: Walker;
  readonly tlb: Tlb;
  readonly farTlb: FarTlb;
  readonly kernel: KernelHalf;
  /** Every space that was created and not destroyed. */
  readonly spaces: Set<Space>;
}
